#include "router/state_file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json_write.h"
#include "base/jsonin.h"
#include "router/health.h"

#define ARENA_MAX    ((size_t)64 << 20)
#define PATH_LEN_MAX 4096
#define PER_MILLE    1000
#define KEY_JSON_MAX (2 * POPULARITY_KEY_MAX)

static const char *const admin_names[] = {
    [ADMIN_UP] = "up", [ADMIN_DRAIN] = "drain", [ADMIN_DOWN] = "down", [ADMIN_FORCED] = "forced"};

/* ---- writing */

static void put_string(struct json_write *w, const char *key, const char *text)
{
    json_write_key(w, str_from(key));
    json_write_string(w, str_from(text));
}

static void put_number(struct json_write *w, const char *key, double v)
{
    json_write_key(w, str_from(key));
    json_write_number(w, isfinite(v) ? v : 0);
}

static void put_streamer(struct json_write *w, const struct live *live,
                         const struct view_streamer *s)
{
    const struct live_streamer *l = &live->streamer[s->live];
    const health_word h = live_health_get(live, s->live);
    const uint32_t hit_pm = atomic_load_explicit(&l->hit_pm, memory_order_relaxed);

    json_write_object(w);
    json_write_key(w, STR("name"));
    json_write_string(w, s->conf->name);
    put_string(w, "ipv4", health_name(live_health_of(h, false)));
    put_string(w, "ipv6", health_name(live_health_of(h, true)));
    put_string(w, "admin", admin_names[live_admin_of(h)]);
    put_number(w, "sessions", fmax(live_sessions(live, s->live), 0));
    put_number(w, "foreign", l->foreign);
    put_number(w, "foreign_s", l->foreign_s);
    /* What is as configured follows the configuration. */
    if (hit_pm != s->conf->hit_pm)
        put_number(w, "hit_pm", hit_pm);
    put_number(w, "hit_known_pm", atomic_load_explicit(&l->hit_known_pm, memory_order_relaxed));
    json_write_object_end(w);
}

/* Keys are bytes, JSON is text: a byte is the character of that number. */
static struct str key_to_text(const char *key, char out[KEY_JSON_MAX])
{
    size_t n = 0;

    for (; *key; key++) {
        const unsigned char c = (unsigned char)*key;

        if (c >= 0x80)
            out[n++] = (char)(0xc0 | c >> 6);
        out[n++] = (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c);
    }
    return (struct str){out, n};
}

static void put_content(struct json_write *w, const struct view *v,
                        const struct popularity_row *row)
{
    char text[KEY_JSON_MAX], hex[17];

    if (row->service >= v->service_count || !(row->rate > 0))
        return;
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)row->content);
    json_write_object(w);
    json_write_key(w, STR("service"));
    json_write_string(w, v->services[row->service].conf->name);
    put_string(w, "content", hex);
    put_number(w, "rate", row->rate);
    put_number(w, "error", row->error);
    json_write_key(w, STR("key"));
    json_write_string(w, key_to_text(row->key, text));
    json_write_object_end(w);
}

static bool put_contents(struct json_write *w, const struct view *v, struct popularity *p,
                         double now_s)
{
    size_t n = popularity_counters(p);
    struct popularity_row *rows;

    if (n > STATE_CONTENTS_MAX)
        n = STATE_CONTENTS_MAX;
    rows = calloc(n + 1, sizeof *rows);
    if (!rows)
        return false;
    n = popularity_top(p, SVIDX_NONE, now_s, rows, n);
    for (size_t i = 0; i < n; i++)
        put_content(w, v, &rows[i]);
    free(rows);
    return true;
}

enum err_code state_format(const struct live *live, const struct view *v, struct popularity *p,
                           double now_s, uint64_t wall_ms, struct bytes *out, struct err *e)
{
    const size_t before = out->len;
    struct json_write w;
    bool ok = true;

    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("waymark-state"));
    json_write_uint(&w, STATE_VERSION);
    json_write_key(&w, STR("wall_ms"));
    json_write_uint(&w, wall_ms);
    json_write_key(&w, STR("streamers"));
    json_write_array(&w);
    for (sidx i = 0; i < v->streamer_count; i++)
        put_streamer(&w, live, &v->streamers[i]);
    json_write_array_end(&w);
    json_write_key(&w, STR("contents"));
    json_write_array(&w);
    if (p)
        ok = put_contents(&w, v, p, now_s);
    json_write_array_end(&w);
    json_write_object_end(&w);
    if (ok && json_write_done(&w) && bytes_add(out, "\n", 1))
        return ERR_OK;
    out->len = before;
    return err_set(e, ERR_LIMIT, "state of %u streamers: no room", v->streamer_count);
}

enum err_code state_store(const char *path, struct str text, struct err *e)
{
    const enum err_code rc = file_replace(path, text, e);

    if (rc != ERR_OK)
        err_wrap(e, "state file %s", path);
    return rc;
}

/* ---- reading */

/* The number of a word in a list of four; they are written by the same list. */
static enum err_code get_word(const struct jsonin *in, const char *key, const char *name_of(int i),
                              int *out, struct err *e)
{
    struct str text;
    enum err_code rc = jsonin_string(in, key, &text, e);

    if (rc != ERR_OK)
        return rc;
    for (int i = 0; i < 4; i++)
        if (str_eq(text, str_from(name_of(i)))) {
            *out = i;
            return ERR_OK;
        }
    return jsonin_error(in, e, "%s must be %s, %s, %s or %s", key, name_of(0), name_of(1),
                        name_of(2), name_of(3));
}

static const char *health_word_name(int i)
{
    return health_name((enum health)i);
}

static const char *admin_word_name(int i)
{
    return admin_names[i];
}

/* A number that is one, and within reason. */
static enum err_code get_number(const struct jsonin *in, const char *key, double min, double *out,
                                struct err *e)
{
    const double most = 1e12;
    double v = 0;
    enum err_code rc = jsonin_number(in, key, &v, e);

    if (rc != ERR_OK)
        return rc;
    if (!(v >= min && v <= most))
        return jsonin_error(in, e, "%s must be from %g to %g", key, min, most);
    *out = v;
    return ERR_OK;
}

static enum err_code get_per_mille(const struct jsonin *in, const char *key, int *out,
                                   struct err *e)
{
    int64_t v = 0;
    enum err_code rc = jsonin_integer(in, key, 0, PER_MILLE, &v, e);

    if (rc == ERR_OK)
        *out = (int)v;
    return rc;
}

static enum err_code get_name(struct arena *a, const struct jsonin *in, const char *key,
                              struct str *out, struct err *e)
{
    struct str text;
    enum err_code rc = jsonin_string(in, key, &text, e);

    if (rc != ERR_OK)
        return rc;
    out->p = arena_strndup(a, text.p, text.n);
    out->n = text.n;
    return out->p ? ERR_OK : err_set(e, ERR_LIMIT, "no memory");
}

static enum err_code get_streamer(struct arena *a, const struct jsonin *in,
                                  struct state_streamer *s, struct err *e)
{
    int v4 = 0, v6 = 0, admin = 0;
    enum err_code rc = get_name(a, in, "name", &s->name, e);

    if (rc == ERR_OK)
        rc = get_word(in, "ipv4", health_word_name, &v4, e);
    if (rc == ERR_OK)
        rc = get_word(in, "ipv6", health_word_name, &v6, e);
    if (rc == ERR_OK)
        rc = get_word(in, "admin", admin_word_name, &admin, e);
    if (rc == ERR_OK)
        rc = get_number(in, "sessions", 0, &s->sessions, e);
    if (rc == ERR_OK)
        rc = get_number(in, "foreign", -1e12, &s->foreign, e);
    if (rc == ERR_OK)
        rc = get_number(in, "foreign_s", 0, &s->foreign_s, e);
    s->hit_pm = -1;
    if (rc == ERR_OK && jsonin_has(in, "hit_pm"))
        rc = get_per_mille(in, "hit_pm", &s->hit_pm, e);
    if (rc == ERR_OK)
        rc = get_per_mille(in, "hit_known_pm", &s->hit_known_pm, e);
    s->v4 = (enum health)v4;
    s->v6 = (enum health)v6;
    s->admin = (enum admin_state)admin;
    return rc;
}

static enum err_code get_content_number(const struct jsonin *in, uint64_t *out, struct err *e)
{
    struct str text;
    enum err_code rc = jsonin_string(in, "content", &text, e);
    uint64_t v = 0;

    if (rc != ERR_OK)
        return rc;
    for (size_t i = 0; i < text.n; i++) {
        const char c = text.p[i];

        if (text.n != 16 || !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return jsonin_error(in, e, "content must be 16 digits of lower case hex");
        v = v << 4 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *out = v;
    return text.n ? ERR_OK : jsonin_error(in, e, "content must not be empty");
}

/* jansson saw to it that this is UTF-8 without NUL. */
static enum err_code get_key(const struct jsonin *in, char out[POPULARITY_KEY_MAX + 1],
                             struct err *e)
{
    struct str text;
    enum err_code rc = jsonin_string(in, "key", &text, e);
    size_t n = 0;

    if (rc != ERR_OK)
        return rc;
    for (size_t i = 0; i < text.n; i++) {
        unsigned c = (unsigned char)text.p[i];

        if (n == POPULARITY_KEY_MAX || c > 0xc3)
            return jsonin_error(in, e, "key must be at most %d characters up to U+00FF",
                                POPULARITY_KEY_MAX);
        if (c >= 0x80)
            c = (c & 3) << 6 | ((unsigned char)text.p[++i] & 0x3f);
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return ERR_OK;
}

static enum err_code get_content(struct arena *a, const struct jsonin *in, struct state_content *c,
                                 struct err *e)
{
    enum err_code rc = get_name(a, in, "service", &c->service, e);

    c->row.service = SVIDX_NONE;
    if (rc == ERR_OK)
        rc = get_content_number(in, &c->row.content, e);
    if (rc == ERR_OK)
        rc = get_number(in, "rate", 0, &c->row.rate, e);
    if (rc == ERR_OK)
        rc = get_number(in, "error", 0, &c->row.error, e);
    if (rc == ERR_OK)
        rc = get_key(in, c->row.key, e);
    if (rc == ERR_OK && c->row.error > c->row.rate)
        return jsonin_error(in, e, "error must not be above rate");
    return rc;
}

static enum err_code get_lists(const struct jsonin *root, struct state *s, struct err *e)
{
    struct state_streamer *streamers;
    struct state_content *contents;
    struct jsonin list, item;
    enum err_code rc = jsonin_array(root, "streamers", &list, e);

    if (rc != ERR_OK)
        return rc;
    s->streamer_count = jsonin_count(&list);
    if (s->streamer_count > STREAMERS_MAX)
        return jsonin_error(&list, e, "at most %u streamers", STREAMERS_MAX);
    streamers = arena_array(s->arena, s->streamer_count, sizeof *streamers);
    s->streamers = streamers;
    for (size_t i = 0; streamers && rc == ERR_OK && i < s->streamer_count; i++) {
        item = jsonin_item(&list, i);
        rc = get_streamer(s->arena, &item, &streamers[i], e);
    }
    if (rc == ERR_OK)
        rc = jsonin_array(root, "contents", &list, e);
    if (rc != ERR_OK)
        return rc;
    s->content_count = jsonin_count(&list);
    if (s->content_count > STATE_CONTENTS_MAX)
        return jsonin_error(&list, e, "at most %u contents", STATE_CONTENTS_MAX);
    contents = arena_array(s->arena, s->content_count, sizeof *contents);
    s->contents = contents;
    for (size_t i = 0; contents && rc == ERR_OK && i < s->content_count; i++) {
        item = jsonin_item(&list, i);
        rc = get_content(s->arena, &item, &contents[i], e);
    }
    return rc == ERR_OK && (!streamers || !contents) ? err_set(e, ERR_LIMIT, "no memory") : rc;
}

static enum err_code get_state(const struct jsonin *root, struct state *s, struct err *e)
{
    int64_t version = 0, wall_ms = 0;
    enum err_code rc = jsonin_integer(root, "waymark-state", 1, INT32_MAX, &version, e);

    if (rc != ERR_OK)
        return rc;
    if (version != STATE_VERSION)
        return err_set(e, ERR_UNSUPPORTED, "version %lld, must be %d", (long long)version,
                       STATE_VERSION);
    rc = jsonin_integer(root, "wall_ms", 0, INT64_C(1) << 53, &wall_ms, e);
    s->wall_ms = (uint64_t)wall_ms;
    return rc == ERR_OK ? get_lists(root, s, e) : rc;
}

enum err_code state_parse(const char *text, size_t n, struct state **out, struct err *e)
{
    struct arena *arena = NULL;
    struct state *s = NULL;
    json_t *doc = NULL;
    enum err_code rc;

    *out = NULL;
    if (n > STATE_BYTES_MAX)
        return err_set(e, ERR_LIMIT, "%zu bytes, at most %zu", n, STATE_BYTES_MAX);
    rc = jsonin_load(text, n, &doc, e);
    if (rc != ERR_OK)
        return rc;
    arena = arena_new(ARENA_MAX);
    s = arena ? arena_array(arena, 1, sizeof *s) : NULL;
    if (s) {
        const struct jsonin root = {.value = doc};

        s->arena = arena;
        rc = get_state(&root, s, e);
    } else {
        rc = err_set(e, ERR_LIMIT, "no memory");
    }
    json_decref(doc);
    if (rc == ERR_OK)
        *out = s;
    else
        arena_free(arena);
    return rc;
}

/* So that it is not read again, nor written over before somebody has seen it. */
static void keep_bad(const char *path, struct err *e)
{
    char bad[PATH_LEN_MAX];
    const int n = snprintf(bad, sizeof bad, "%s.bad", path);

    if (n > 0 && (size_t)n < sizeof bad && rename(path, bad) == 0)
        err_wrap(e, "state file %s is not read, and kept as %s", path, bad);
    else
        err_wrap(e, "state file %s is not read", path);
}

enum err_code state_load(const char *path, struct state **out, struct err *e)
{
    struct bytes text = {0};
    enum err_code rc;

    *out = NULL;
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return err_set(e, ERR_NOT_FOUND, "state file %s: there is none", path);
    rc = file_read(path, STATE_BYTES_MAX, &text, e);
    if (rc == ERR_IO) {
        err_wrap(e, "state file %s", path);
        return rc;
    }
    if (rc == ERR_OK)
        rc = state_parse(text.data, text.len, out, e);
    if (rc != ERR_OK)
        keep_bad(path, e);
    bytes_free(&text);
    return rc;
}

void state_free(struct state *s)
{
    if (s)
        arena_free(s->arena);
}

/* ---- back into place */

static void apply_health(const struct state_streamer *s, struct live *live,
                         const struct view_streamer *v)
{
    const struct streamer_conf *c = v->conf;
    const bool polled = c->poll.profile.n > 0 || c->reports;

    /* Whom nobody looks at would stay down for good. */
    if (c->probe.type == PROBE_NONE && !polled)
        return;
    live_health_set(live, v->live, false, c->can & STREAMER_V4 ? s->v4 : HEALTH_UNKNOWN);
    live_health_set(live, v->live, true, c->can & STREAMER_V6 ? s->v6 : HEALTH_UNKNOWN);
}

static void apply_streamer(const struct state_streamer *s, struct live *live,
                           const struct view_streamer *v, double age_s)
{
    const bool young = fabs(age_s) <= STATE_HEALTH_KEEP_S;
    const double left = v->session_s > 0 ? exp(-fmax(age_s, 0) / v->session_s) : 0;

    live_admin_set(live, v->live, s->admin);
    if (young)
        apply_health(s, live, v);
    live_resume(live, v->live, s->sessions * left, young ? s->foreign : 0,
                young ? s->foreign_s : 0);
    if (s->hit_pm >= 0)
        live_hit_set(live, v->live, (uint32_t)s->hit_pm);
    live_hit_known_set(live, v->live, (uint32_t)s->hit_known_pm);
}

struct state_applied state_apply(const struct state *s, struct live *live, const struct view *v,
                                 struct popularity *p, double now_s, uint64_t wall_ms)
{
    const double age_s = ((double)wall_ms - (double)s->wall_ms) / 1000;
    struct state_applied done = {0};

    for (size_t i = 0; i < s->streamer_count; i++) {
        const sidx at = view_find_streamer(v, s->streamers[i].name);

        if (at == SIDX_NONE)
            continue;
        apply_streamer(&s->streamers[i], live, &v->streamers[at], age_s);
        done.streamers++;
    }
    for (size_t i = 0; p && i < s->content_count; i++) {
        const double left = exp2(-fmax(age_s, 0) / popularity_half_life(p));
        struct popularity_row row = s->contents[i].row;

        row.service = view_find_service_by_name(v, s->contents[i].service);
        if (row.service == SVIDX_NONE)
            continue;
        row.rate *= left;
        row.error *= left;
        popularity_restore(p, &row, now_s);
        done.contents++;
    }
    return done;
}
