#include "alto/netmap.h"

#include <stdlib.h>
#include <string.h>

#include "alto/netmap_build.h"
#include "alto/vtag_read.h"
#include "base/json_push.h"
#include "base/json_write.h"

/* Which object or array the next event is in. */
enum place { AT_START, AT_TOP, AT_META, AT_VTAG, AT_DATA, AT_PID, AT_PREFIXES };

struct reader {
    struct netmap_build *build;
    enum place at;
    bool seen_meta, seen_data, seen_vtag;
    bool in_data;        /* the last key at the top was network-map, not meta */
    bool seen_family[2]; /* of the PID at hand; [1]: IPv6 */
    bool v6;             /* of the list at hand */
    bool in_list;        /* between a family's key and the end of its list */
    uint32_t pid;
    char pid_name[PID_NAME_MAX + 1];
    uint32_t item;
    struct vtag_read vtag;
};

/* "network-map.PID1.ipv4[3]: " in front of what went wrong. */
static enum err_code at_path(const struct reader *r, enum err_code rc, struct err *e)
{
    const char *family = r->v6 ? "ipv6" : "ipv4";

    switch (r->at) {
    case AT_START:
    case AT_TOP:
        break;
    case AT_META:
        err_wrap(e, "meta");
        break;
    case AT_VTAG:
        err_wrap(e, "meta.vtag%s%s", r->vtag.member ? "." : "",
                 r->vtag.member ? r->vtag.member : "");
        break;
    case AT_DATA:
        err_wrap(e, "network-map");
        break;
    case AT_PID:
        err_wrap(e, "network-map.%s%s%s", r->pid_name, r->in_list ? "." : "",
                 r->in_list ? family : "");
        break;
    case AT_PREFIXES:
        err_wrap(e, "network-map.%s.%s[%u]", r->pid_name, family, r->item);
        break;
    }
    return rc;
}

static enum err_code on_top(struct reader *r, struct json_push *j, const struct json_event *ev,
                            struct err *e)
{
    if (ev->kind == JSON_PUSH_KEY) {
        r->in_data = str_eq(ev->text, STR("network-map"));
        if (r->in_data)
            return vtag_read_once(&r->seen_data, ev->text, e);
        if (str_eq(ev->text, STR("meta")))
            return vtag_read_once(&r->seen_meta, ev->text, e);
        json_push_skip(j); /* RFC 7285 section 8.3.7: unknown members are ignored */
        return ERR_OK;
    }
    if (ev->kind == JSON_PUSH_OBJECT_END) {
        if (!r->seen_data)
            return err_set(e, ERR_PARSE, "\"network-map\" is missing");
        return ERR_OK; /* the reader lets nothing follow */
    }
    r->at = r->in_data ? AT_DATA : AT_META;
    return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
}

static enum err_code on_meta(struct reader *r, struct json_push *j, const struct json_event *ev,
                             struct err *e)
{
    if (ev->kind == JSON_PUSH_KEY) {
        if (str_eq(ev->text, STR("vtag")))
            return vtag_read_once(&r->seen_vtag, ev->text, e);
        json_push_skip(j);
        return ERR_OK;
    }
    if (ev->kind == JSON_PUSH_OBJECT_END) {
        r->at = AT_TOP;
        return ERR_OK;
    }
    r->at = AT_VTAG;
    return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
}

static enum err_code on_data(struct reader *r, struct json_push *j, const struct json_event *ev,
                             struct err *e)
{
    struct netmap_place place;
    enum err_code rc;

    if (ev->kind == JSON_PUSH_OBJECT_END) {
        r->at = AT_TOP;
        return ERR_OK;
    }
    if (ev->kind != JSON_PUSH_KEY) {
        r->at = AT_PID;
        r->seen_family[0] = r->seen_family[1] = r->in_list = false;
        return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
    }
    json_push_where(j, &place.line, &place.col);
    rc = netmap_build_add_pid(r->build, ev->text, place, &r->pid, e);
    if (rc == ERR_OK) {
        memcpy(r->pid_name, ev->text.p, ev->text.n);
        r->pid_name[ev->text.n] = '\0';
    }
    return rc;
}

static enum err_code on_pid(struct reader *r, struct json_push *j, const struct json_event *ev,
                            struct err *e)
{
    if (ev->kind == JSON_PUSH_OBJECT_END) {
        r->at = AT_DATA;
        return ERR_OK;
    }
    if (ev->kind == JSON_PUSH_KEY) {
        r->v6 = str_eq(ev->text, STR("ipv6"));
        if (r->v6 || str_eq(ev->text, STR("ipv4"))) {
            enum err_code rc = vtag_read_once(&r->seen_family[r->v6], ev->text, e);

            r->in_list = rc == ERR_OK;
            return rc;
        }
        /* RFC 7285 section 11.2.1.7: groups of other address types are ignored. */
        json_push_skip(j);
        return ERR_OK;
    }
    if (ev->kind == JSON_PUSH_ARRAY) {
        r->at = AT_PREFIXES;
        r->item = 0;
        return ERR_OK;
    }
    return vtag_read_expect(ev, JSON_PUSH_ARRAY, e);
}

/* RFC 4632 section 3.1 and RFC 5952 section 7 want the length.
 */
enum err_code netmap_list_prefix(struct str text, bool v6, struct prefix *out, struct err *e)
{
    char shown[PREFIX_TEXT_MAX * 2];
    enum err_code rc = prefix_parse(text.n ? text.p : "", text.n, out, e);
    bool colon, slash;

    if (rc != ERR_OK)
        return rc;
    colon = memchr(text.p, ':', text.n) != NULL;
    slash = memchr(text.p, '/', text.n) != NULL;
    if (LIKELY(slash && colon == v6 && prefix_is_v4(*out) != v6))
        return ERR_OK;
    bytes_escape(text.p, text.n, shown, sizeof shown);
    if (!slash)
        return err_set(e, ERR_PARSE, "\"%s\": the prefix length is missing, as in \"%s/%d\"", shown,
                       shown, v6 ? 128 : 32);
    if (colon != v6)
        return err_set(e, ERR_PARSE, "\"%s\" is an %s prefix and belongs under \"%s\"", shown,
                       colon ? "IPv6" : "IPv4", colon ? "ipv6" : "ipv4");
    return err_set(e, ERR_PARSE,
                   "\"%s\" is an IPv4-mapped prefix: it is written in IPv4 and under \"ipv4\"",
                   shown);
}

static enum err_code on_prefix(struct reader *r, const struct json_event *ev, struct err *e)
{
    struct prefix prefix;
    enum err_code rc;

    if (ev->kind == JSON_PUSH_ARRAY_END) {
        r->at = AT_PID;
        r->in_list = false;
        return ERR_OK;
    }
    rc = vtag_read_expect(ev, JSON_PUSH_STRING, e);
    if (rc == ERR_OK)
        rc = netmap_list_prefix(ev->text, r->v6, &prefix, e);
    if (rc == ERR_OK)
        rc = netmap_build_add_prefix(r->build, r->pid, prefix, e);
    if (rc == ERR_OK)
        r->item++;
    return rc;
}

static enum err_code on_event(void *ctx, struct json_push *j, const struct json_event *ev,
                              struct err *e)
{
    struct reader *r = ctx;
    enum err_code rc = ERR_OK;

    switch (r->at) {
    case AT_START:
        r->at = AT_TOP;
        rc = vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
        break;
    case AT_TOP:
        rc = on_top(r, j, ev, e);
        break;
    case AT_META:
        rc = on_meta(r, j, ev, e);
        break;
    case AT_VTAG:
        rc = vtag_read_event(&r->vtag, j, ev, e);
        if (rc == ERR_OK && ev->kind == JSON_PUSH_OBJECT_END)
            r->at = AT_META;
        break;
    case AT_DATA:
        rc = on_data(r, j, ev, e);
        break;
    case AT_PID:
        rc = on_pid(r, j, ev, e);
        break;
    case AT_PREFIXES:
        rc = on_prefix(r, ev, e);
        break;
    }
    return rc == ERR_OK ? ERR_OK : at_path(r, rc, e);
}

/* The text is read: everything together. name as in json_push_new. */
static enum err_code freeze(struct reader *r, const char *name, const struct netmap **out,
                            struct err *e)
{
    struct netmap_place place;
    enum err_code rc = netmap_build_freeze(r->build, &r->vtag.vtag, out, &place, e);

    if (rc == ERR_OK)
        return ERR_OK;
    if (place.line)
        err_wrap(e, "%s%s%u:%llu: network-map", name ? name : "", name ? ":" : "", place.line,
                 (unsigned long long)place.col);
    else if (name)
        err_wrap(e, "%s", name);
    return rc;
}

/* From path, or from the n bytes at json when path is NULL. */
static enum err_code read_map(const char *path, const char *json, size_t n, struct arena *arena,
                              const struct netmap **out, struct err *e)
{
    const struct json_push_limits limits = {.bytes_max = NETMAP_BYTES_MAX, .string_max = 4096};
    struct reader r = {.build = netmap_build_new(arena)};
    struct json_push *j = NULL;
    struct bytes name = {0};
    enum err_code rc;

    *out = NULL;
    if (r.build && (!path || bytes_printf(&name, "network map %s", path)))
        j = json_push_new(name.data, &limits, on_event, &r);
    if (!j)
        rc = err_set(e, ERR_LIMIT, "no memory left for the network map");
    else if (path)
        rc = json_push_file(j, path, e);
    else if ((rc = json_push_feed(j, json, n, e)) == ERR_OK)
        rc = json_push_end(j, e);
    if (rc == ERR_OK)
        rc = freeze(&r, name.data, out, e);
    json_push_free(j);
    netmap_build_free(r.build);
    bytes_free(&name);
    return rc;
}

enum err_code netmap_parse(const char *json, size_t n, struct arena *arena,
                           const struct netmap **out, struct err *e)
{
    return read_map(NULL, json, n, arena, out, e);
}

enum err_code netmap_load(const char *path, struct arena *arena, const struct netmap **out,
                          struct err *e)
{
    return read_map(path, NULL, 0, arena, out, e);
}

enum err_code netmap_check_complete(const struct netmap *m, struct err *e)
{
    char text[ADDR_TEXT_MAX];

    if (m->v4_count && !m->covers_all_v4)
        return err_set(e, ERR_CONFLICT,
                       "no PID has %s: a PID with 0.0.0.0/0 would make the map complete (RFC 7285 "
                       "section 11.2.2)",
                       addr_format(m->gap_v4, text));
    if (m->prefix_count > m->v4_count && !m->covers_all_v6)
        return err_set(
            e, ERR_CONFLICT,
            "no PID has %s: a PID with ::/0 would make the map complete (RFC 7285 section 11.2.2)",
            addr_format(m->gap_v6, text));
    return ERR_OK;
}

static int name_to_pid(const void *key, const void *pid)
{
    return str_cmp(*(const struct str *)key, ((const struct netmap_pid *)pid)->name);
}

pidx netmap_find_pid(const struct netmap *m, struct str name)
{
    const struct netmap_pid *found =
        m->pid_count ? bsearch(&name, m->pids, m->pid_count, sizeof *m->pids, name_to_pid) : NULL;

    return found ? (pidx)(found - m->pids) : PIDX_NONE;
}

pidx netmap_locate(const struct netmap *m, struct addr a)
{
    uint32_t value = lpm_find(m->lpm, a);

    return value == LPM_NONE ? PIDX_NONE : (pidx)value;
}

static void write_family(struct json_write *w, const struct netmap_pid *pid, bool v6)
{
    bool any = false;

    for (uint32_t i = 0; i < pid->prefix_count; i++) {
        char text[PREFIX_TEXT_MAX];

        if (prefix_is_v4(pid->prefixes[i]) == v6)
            continue;
        if (!any) {
            json_write_key(w, v6 ? STR("ipv6") : STR("ipv4"));
            json_write_array(w);
            any = true;
        }
        json_write_string(w, str_from(prefix_format(pid->prefixes[i], text)));
        json_write_break(w, JSON_WRITE_LINE);
    }
    if (any)
        json_write_array_end(w);
}

void netmap_write_pid(struct json_write *w, const struct netmap_pid *pid, unsigned families)
{
    json_write_key(w, pid->name);
    json_write_object(w);
    if (families & NETMAP_V4)
        write_family(w, pid, false);
    if (families & NETMAP_V6)
        write_family(w, pid, true);
    json_write_object_end(w);
    json_write_break(w, JSON_WRITE_LINE);
}

bool netmap_format(const struct netmap *m, struct bytes *out)
{
    struct json_write w;

    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("meta"));
    json_write_object(&w);
    if (m->vtag.resource_id[0]) { /* without one there is no vtag that could be written */
        json_write_key(&w, STR("vtag"));
        vtag_write(&w, &m->vtag);
    }
    json_write_object_end(&w);
    json_write_key(&w, STR("network-map"));
    json_write_object(&w);
    for (size_t i = 0; i < m->pid_count; i++)
        netmap_write_pid(&w, &m->pids[i], NETMAP_V4 | NETMAP_V6);
    json_write_object_end(&w);
    json_write_object_end(&w);
    return json_write_done(&w);
}
