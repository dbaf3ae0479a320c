/* Patches of network maps, applied: a draft of PIDs and lists is changed, then frozen like a map
 * that was read. */
#include <stdlib.h>
#include <string.h>

#include "alto/netmap_build.h"
#include "alto/patch_ops.h"
#include "alto/vtag_read.h"
#include "base/hash.h"

struct list {
    struct prefix *prefixes; /* [count] of its own */
    size_t count, room;
    bool there;
};

struct draft_pid {
    char name[PID_NAME_MAX + 1];
    bool there;
    bool named;                   /* the merge patch has it already */
    bool seen[2];                 /* and its list */
    bool own[2];                  /* list is; else those of the old map hold */
    const struct netmap_pid *old; /* NULL: it is new, or was made anew */
    struct list list[2];          /* [1]: IPv6 */
};

struct draft {
    const struct netmap *from;
    struct draft_pid *pids; /* those of the old map in its order, then new ones */
    size_t count, room;
    struct hash_key key;
    uint32_t *slot; /* [slots] of new ones: index in pids and 1; 0: empty */
    size_t slots;
};

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory left for the network map");
}

static bool draft_init(struct draft *d, const struct netmap *from)
{
    *d = (struct draft){.from = from, .room = from->pid_count + 16u, .slots = 64};
    d->key = hash_key_new();
    d->pids = calloc(d->room, sizeof *d->pids);
    d->slot = calloc(d->slots, sizeof *d->slot);
    for (; d->pids && d->count < from->pid_count; d->count++) {
        struct draft_pid *p = &d->pids[d->count];

        p->old = &from->pids[d->count];
        p->there = true;
        memcpy(p->name, p->old->name.p, p->old->name.n);
    }
    return d->pids && d->slot;
}

static void draft_fini(struct draft *d)
{
    for (size_t i = 0; d->pids && i < d->count; i++)
        for (int v6 = 0; v6 < 2; v6++)
            free(d->pids[i].list[v6].prefixes);
    free(d->pids);
    free(d->slot);
}

/* Where the name's number stands, or would. */
static uint32_t *slot_of(const struct draft *d, struct str name)
{
    size_t at = (size_t)hash_keyed(&d->key, name.p, name.n);

    for (;; at++) {
        uint32_t *s = &d->slot[at & (d->slots - 1)];

        if (!*s || str_eq(str_from(d->pids[*s - 1].name), name))
            return s;
    }
}

/* NULL: nobody has the name. */
static struct draft_pid *find_pid(const struct draft *d, struct str name)
{
    pidx old = netmap_find_pid(d->from, name);
    const uint32_t *s;

    if (old != PIDX_NONE)
        return &d->pids[old];
    s = slot_of(d, name);
    return *s ? &d->pids[*s - 1] : NULL;
}

static bool grow(struct draft *d)
{
    size_t room = d->room * 2 + 16, slots = d->slots * 2;
    struct draft_pid *pids = d->count == d->room ? realloc(d->pids, room * sizeof *pids) : d->pids;
    uint32_t *slot;

    if (!pids)
        return false;
    if (d->count == d->room)
        d->room = room;
    d->pids = pids;
    if ((d->count - d->from->pid_count) * 2 < d->slots)
        return true;
    slot = calloc(slots, sizeof *slot);
    if (!slot)
        return false;
    free(d->slot);
    d->slot = slot;
    d->slots = slots;
    for (size_t i = d->from->pid_count; i < d->count; i++)
        *slot_of(d, str_from(d->pids[i].name)) = (uint32_t)i + 1;
    return true;
}

/* The PID of that name, whether it is there or not. */
static enum err_code take_pid(struct draft *d, struct str name, struct draft_pid **out,
                              struct err *e)
{
    enum err_code rc = ERR_OK;
    struct draft_pid *p = find_pid(d, name);

    if (!p) {
        rc = vtag_check_name("PID name", name, e);
        if (rc == ERR_OK && d->count - d->from->pid_count > NETMAP_PIDS_MAX)
            rc = err_set(e, ERR_LIMIT, "more than %u PIDs", NETMAP_PIDS_MAX);
        if (rc == ERR_OK && !grow(d))
            rc = no_memory(e);
        if (rc != ERR_OK)
            return rc;
        p = &d->pids[d->count++];
        memset(p, 0, sizeof *p);
        memcpy(p->name, name.p, name.n);
        *slot_of(d, name) = (uint32_t)d->count;
    }
    *out = p;
    return ERR_OK;
}

static enum err_code list_add(struct list *l, struct prefix p, struct err *e)
{
    if (l->count == l->room) {
        size_t room = l->room ? l->room * 2 : 16;
        struct prefix *grown = realloc(l->prefixes, room * sizeof *grown);

        if (!grown)
            return no_memory(e);
        l->prefixes = grown;
        l->room = room;
    }
    l->prefixes[l->count++] = p;
    return ERR_OK;
}

/* The PID's list of a family as a thing of its own. */
static enum err_code own_list(struct draft_pid *p, bool v6, struct list **out, struct err *e)
{
    struct list *l = &p->list[v6];
    enum err_code rc = ERR_OK;

    *out = l;
    if (p->own[v6])
        return ERR_OK;
    p->own[v6] = true;
    l->count = 0;
    for (uint32_t i = 0; p->old && i < p->old->prefix_count && rc == ERR_OK; i++)
        if (prefix_is_v4(p->old->prefixes[i]) != v6)
            rc = list_add(l, p->old->prefixes[i], e);
    l->there = l->count > 0; /* an empty list of the old text is not known any more */
    return rc;
}

static void empty_list(struct draft_pid *p, bool v6, bool there)
{
    p->own[v6] = true;
    p->list[v6].count = 0;
    p->list[v6].there = there;
}

/* As it is where it was not, or after it was made anew. */
static void empty_pid(struct draft_pid *p, bool there)
{
    p->there = there;
    empty_list(p, false, false);
    empty_list(p, true, false);
}

static enum err_code add_text(struct list *l, struct str text, bool v6, struct err *e)
{
    struct prefix prefix;
    enum err_code rc = netmap_list_prefix(text, v6, &prefix, e);

    return rc == ERR_OK ? list_add(l, prefix, e) : rc;
}

/* --- merge patch ----------------------------------------------------------------------------- */

enum place { AT_START, AT_TOP, AT_META, AT_DATA, AT_PID, AT_LIST };

struct merge {
    struct draft *draft;
    json_t *head;
    enum place at;
    bool seen_meta, seen_data, in_data;
    struct patch_value meta;
    size_t pid; /* number in the draft, whose array may move */
    bool v6;
};

static struct draft_pid *at_hand(const struct merge *m)
{
    return &m->draft->pids[m->pid];
}

static enum err_code merge_top(struct merge *m, struct json_push *j, const struct json_event *ev,
                               struct err *e)
{
    if (ev->kind == JSON_PUSH_OBJECT_END)
        return ERR_OK;
    if (ev->kind != JSON_PUSH_KEY) { /* the value of network-map */
        m->at = AT_DATA;
        return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
    }
    if (str_eq(ev->text, STR("network-map")))
        return vtag_read_once(&m->seen_data, ev->text, e);
    if (str_eq(ev->text, STR("meta"))) {
        m->at = AT_META;
        return vtag_read_once(&m->seen_meta, ev->text, e);
    }
    json_push_skip(j);
    return ERR_OK;
}

static enum err_code merge_data(struct merge *m, const struct json_event *ev, struct err *e)
{
    struct draft_pid *p;
    enum err_code rc;

    if (ev->kind == JSON_PUSH_OBJECT_END) {
        m->at = AT_TOP;
        return ERR_OK;
    }
    if (ev->kind == JSON_PUSH_KEY) {
        rc = take_pid(m->draft, ev->text, &p, e);
        if (rc != ERR_OK)
            return rc;
        m->pid = (size_t)(p - m->draft->pids);
        return vtag_read_once(&p->named, ev->text, e);
    }
    p = at_hand(m);
    if (ev->kind == JSON_PUSH_NULL) {
        empty_pid(p, false);
        return ERR_OK;
    }
    m->at = AT_PID;
    p->there = true;
    return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
}

static enum err_code merge_pid(struct merge *m, struct json_push *j, const struct json_event *ev,
                               struct err *e)
{
    struct draft_pid *p = at_hand(m);

    if (ev->kind == JSON_PUSH_OBJECT_END) {
        m->at = AT_DATA;
        return ERR_OK;
    }
    if (ev->kind == JSON_PUSH_KEY) {
        m->v6 = str_eq(ev->text, STR("ipv6"));
        if (m->v6 || str_eq(ev->text, STR("ipv4")))
            return vtag_read_once(&p->seen[m->v6], ev->text, e);
        json_push_skip(j); /* RFC 7285 section 11.2.1.7 */
        return ERR_OK;
    }
    empty_list(p, m->v6, ev->kind != JSON_PUSH_NULL);
    if (ev->kind == JSON_PUSH_NULL)
        return ERR_OK;
    m->at = AT_LIST;
    return vtag_read_expect(ev, JSON_PUSH_ARRAY, e);
}

static enum err_code merge_list(struct merge *m, const struct json_event *ev, struct err *e)
{
    enum err_code rc;

    if (ev->kind == JSON_PUSH_ARRAY_END) {
        m->at = AT_PID;
        return ERR_OK;
    }
    rc = vtag_read_expect(ev, JSON_PUSH_STRING, e);
    return rc == ERR_OK ? add_text(&at_hand(m)->list[m->v6], ev->text, m->v6, e) : rc;
}

static enum err_code merge_meta(struct merge *m, const struct json_event *ev, struct err *e)
{
    enum err_code rc = patch_value_event(&m->meta, ev, e);

    if (rc != ERR_OK || !m->meta.done)
        return rc;
    m->at = AT_TOP;
    return patch_head_merge(m->head, m->meta.root, e);
}

static enum err_code merge_event(void *ctx, struct json_push *j, const struct json_event *ev,
                                 struct err *e)
{
    struct merge *m = ctx;
    enum err_code rc = ERR_OK;

    switch (m->at) {
    case AT_START:
        m->at = AT_TOP;
        return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
    case AT_TOP:
        return merge_top(m, j, ev, e);
    case AT_META:
        rc = merge_meta(m, ev, e);
        if (rc != ERR_OK)
            err_wrap(e, "meta");
        return rc;
    case AT_DATA:
        rc = merge_data(m, ev, e);
        break;
    case AT_PID:
        rc = merge_pid(m, j, ev, e);
        break;
    case AT_LIST:
        rc = merge_list(m, ev, e);
        break;
    }
    if (rc != ERR_OK && (m->at == AT_PID || m->at == AT_LIST))
        err_wrap(e, "network-map.%s", at_hand(m)->name);
    return rc;
}

static enum err_code apply_merge(struct draft *d, json_t *head, struct str text, struct err *e)
{
    const struct json_push_limits limits = {.bytes_max = NETMAP_BYTES_MAX, .string_max = 4096};
    struct merge *m = calloc(1, sizeof *m);
    struct json_push *j = m ? json_push_new(NULL, &limits, merge_event, m) : NULL;
    enum err_code rc = ERR_LIMIT;

    if (!j) {
        free(m);
        return no_memory(e);
    }
    m->draft = d;
    m->head = head;
    patch_value_init(&m->meta);
    rc = json_push_feed(j, text.n ? text.p : "", text.n, e);
    if (rc == ERR_OK)
        rc = json_push_end(j, e);
    json_push_free(j);
    patch_value_fini(&m->meta);
    free(m);
    return rc;
}

/* --- JSON patch ------------------------------------------------------------------------------ */

/* "/network-map/PID", "/network-map/PID/ipv4", and below that what is added; 0: not one of these.
 */
static unsigned level_of(const struct patch_path *at)
{
    if (at->count == 0 || at->count > PATCH_PATH_MAX || strcmp(at->name[0], "network-map") != 0)
        return 0;
    return at->count;
}

static bool family_of(const struct patch_path *at, bool *v6)
{
    *v6 = strcmp(at->name[2], "ipv6") == 0;
    return *v6 || strcmp(at->name[2], "ipv4") == 0;
}

static struct draft_pid *pid_at(struct draft *d, const struct patch_path *at)
{
    struct draft_pid *p = find_pid(d, str_from(at->name[1]));

    return p && p->there ? p : NULL;
}

/* NULL: it is not there, or e says more. */
static struct list *list_at(struct draft *d, const struct patch_path *at, struct err *e)
{
    struct draft_pid *p = pid_at(d, at);
    struct list *l = NULL;
    bool v6;

    if (!p || !family_of(at, &v6) || own_list(p, v6, &l, e) != ERR_OK)
        return NULL;
    return l->there ? l : NULL;
}

static bool draft_has(void *ctx, const struct patch_path *at)
{
    size_t i;

    switch (level_of(at)) {
    case 1:
        return true;
    case 2:
        return pid_at(ctx, at) != NULL;
    case 3:
        return list_at(ctx, at, NULL) != NULL;
    case 4: {
        const struct list *l = list_at(ctx, at, NULL);

        return l && patch_index(at->name[3], &i) && i < l->count;
    }
    default:
        return at->count == 0;
    }
}

static enum err_code unsupported(struct err *e)
{
    return err_set(
        e, ERR_UNSUPPORTED,
        "this part of a network map is not patched: PIDs, their lists, and what is added "
        "to a list are");
}

static json_t *list_tree(const struct list *l)
{
    json_t *out = json_array();
    char text[PREFIX_TEXT_MAX];

    for (size_t i = 0; out && i < l->count; i++)
        json_array_append_new(out, json_string(prefix_format(l->prefixes[i], text)));
    return out;
}

static json_t *draft_get(void *ctx, const struct patch_path *at, struct err *e)
{
    const unsigned level = level_of(at);
    struct draft_pid *p = level >= 2 ? pid_at(ctx, at) : NULL;
    json_t *out;

    if (level == 3)
        return list_tree(list_at(ctx, at, e));
    if (level != 2 || !p) { /* the order of a list is not kept: its items have no number */
        unsupported(e);
        return NULL;
    }
    out = json_object();
    for (int v6 = 0; out && v6 < 2; v6++) {
        struct list *l;

        if (own_list(p, v6, &l, e) == ERR_OK && l->there)
            json_object_set_new(out, v6 ? "ipv6" : "ipv4", list_tree(l));
    }
    return out;
}

static enum err_code set_list(struct draft_pid *p, bool v6, const json_t *value, struct err *e)
{
    enum err_code rc = ERR_OK;

    if (!json_is_array(value))
        return err_set(e, ERR_PARSE, "a list of prefixes is an array");
    empty_list(p, v6, true);
    for (size_t i = 0; i < json_array_size(value) && rc == ERR_OK; i++) {
        const json_t *item = json_array_get(value, i);

        rc = json_is_string(item)
                 ? add_text(&p->list[v6],
                            (struct str){json_string_value(item), json_string_length(item)}, v6, e)
                 : err_set(e, ERR_PARSE, "a prefix is a string");
    }
    return rc;
}

static enum err_code set_pid(struct draft *d, struct str name, const json_t *value, struct err *e)
{
    struct draft_pid *p;
    enum err_code rc = take_pid(d, name, &p, e);

    if (rc == ERR_OK && !json_is_object(value))
        rc = err_set(e, ERR_PARSE, "a PID is an object");
    if (rc != ERR_OK)
        return rc;
    empty_pid(p, true);
    for (int v6 = 0; v6 < 2 && rc == ERR_OK; v6++) {
        const json_t *list = json_object_get(value, v6 ? "ipv6" : "ipv4");

        if (list)
            rc = set_list(p, v6, list, e);
    }
    return rc;
}

static enum err_code set_all(struct draft *d, const json_t *value, struct err *e)
{
    enum err_code rc = ERR_OK;
    const json_t *pid;
    const char *name;

    if (!json_is_object(value))
        return err_set(e, ERR_PARSE, "\"network-map\" is an object");
    for (size_t i = 0; i < d->count; i++)
        empty_pid(&d->pids[i], false);
    json_object_foreach((json_t *)(uintptr_t)value, name, pid) if (rc == ERR_OK) rc =
        set_pid(d, str_from(name), pid, e);
    return rc;
}

/* An item is added; where in the list says nothing. */
static enum err_code add_item(struct draft *d, const struct patch_path *at, const json_t *value,
                              struct err *e)
{
    struct list *l = list_at(d, at, e);
    size_t i;

    if (!l)
        return err_set(e, ERR_CONFLICT, "there is no such list");
    if (strcmp(at->name[3], "-") != 0 && (!patch_index(at->name[3], &i) || i > l->count))
        return err_set(e, ERR_CONFLICT, "no such place in a list of %zu", l->count);
    if (!json_is_string(value))
        return err_set(e, ERR_PARSE, "a prefix is a string");
    return add_text(l, (struct str){json_string_value(value), json_string_length(value)},
                    strcmp(at->name[2], "ipv6") == 0, e);
}

static enum err_code draft_set(void *ctx, const struct patch_path *at, const json_t *value,
                               bool replace, struct err *e)
{
    const unsigned level = level_of(at);
    struct draft_pid *p;
    bool v6;

    if (level == 1)
        return set_all(ctx, value, e);
    if (level == 2)
        return set_pid(ctx, str_from(at->name[1]), value, e);
    p = level ? pid_at(ctx, at) : NULL;
    if (level && !p)
        return err_set(e, ERR_CONFLICT, "there is no such PID");
    if (level == 3 && family_of(at, &v6))
        return set_list(p, v6, value, e);
    if (level == 4 && family_of(at, &v6) && !replace)
        return add_item(ctx, at, value, e);
    return level == 3 ? ERR_OK : unsupported(e); /* RFC 7285 section 11.2.1.7: other families */
}

static enum err_code draft_remove(void *ctx, const struct patch_path *at, struct err *e)
{
    const unsigned level = level_of(at);
    bool v6;

    if (level == 2)
        empty_pid(pid_at(ctx, at), false);
    else if (level == 3 && family_of(at, &v6))
        empty_list(pid_at(ctx, at), v6, false);
    else
        return unsupported(e);
    return ERR_OK;
}

static int by_prefix(const void *a, const void *b)
{
    return prefix_cmp(a, b);
}

/* As sets: the order in the text is not kept. */
static enum err_code test_list(const struct list *have, const json_t *value, bool v6, struct err *e)
{
    struct draft_pid want = {0};
    enum err_code rc = set_list(&want, v6, value, e);
    struct list *l = &want.list[v6];
    bool same = rc == ERR_OK && l->count == have->count;

    if (same && l->count) {
        qsort(l->prefixes, l->count, sizeof *l->prefixes, by_prefix);
        qsort(have->prefixes, have->count, sizeof *have->prefixes, by_prefix);
        for (size_t i = 0; same && i < l->count; i++)
            same = prefix_cmp(&l->prefixes[i], &have->prefixes[i]) == 0;
    }
    free(l->prefixes);
    if (rc == ERR_OK && !same)
        rc = err_set(e, ERR_CONFLICT, "the list is another one");
    return rc;
}

static enum err_code draft_test(void *ctx, const struct patch_path *at, const json_t *value,
                                struct err *e)
{
    const unsigned level = level_of(at);
    struct draft_pid *p = level == 2 || level == 3 ? pid_at(ctx, at) : NULL;
    size_t members = 0;
    bool v6;

    if (level == 3 && family_of(at, &v6))
        return test_list(list_at(ctx, at, e), value, v6, e);
    if (level != 2)
        return unsupported(e);
    for (int k = 0; k < 2; k++) {
        const json_t *want = json_object_get(value, k ? "ipv6" : "ipv4");
        struct list *have;
        enum err_code rc = own_list(p, k, &have, e);

        if (rc == ERR_OK && have->there != (want != NULL))
            rc = err_set(e, ERR_CONFLICT, "the PID has other lists");
        if (rc == ERR_OK && want)
            rc = test_list(have, want, k, e);
        if (rc != ERR_OK)
            return rc;
        members += want != NULL;
    }
    if (json_is_object(value) && json_object_size(value) == members)
        return ERR_OK;
    return err_set(e, ERR_CONFLICT, "the PID has other members");
}

static enum err_code apply_ops(struct draft *d, json_t **head, struct str text, struct err *e)
{
    struct patch_target t = {.head = *head,
                             .data = "network-map",
                             .ctx = d,
                             .has = draft_has,
                             .get = draft_get,
                             .set = draft_set,
                             .remove = draft_remove,
                             .test = draft_test};
    enum err_code rc = patch_ops_apply(text, &t, e);

    *head = t.head;
    return rc;
}

/* --- both ------------------------------------------------------------------------------------ */

/* {"meta": ..., "network-map": {}} of the old map. NULL: no memory. */
static json_t *make_head(const struct netmap *from)
{
    struct netmap head = {.vtag = from->vtag};
    struct bytes text = {0};
    json_t *out = NULL;

    if (netmap_format(&head, &text))
        out = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    bytes_free(&text);
    return out;
}

/* What the meta of head says, read as strictly as that of a whole map. */
static enum err_code read_head(const json_t *head, struct vtag *out, struct err *e)
{
    const json_t *vtag = json_object_get(json_object_get(head, "meta"), "vtag");
    char *text = json_dumps(head, JSON_COMPACT);
    struct arena *arena = arena_new((size_t)1 << 20);
    const struct netmap *map;
    enum err_code rc;

    rc = text && arena ? netmap_parse(text, strlen(text), arena, &map, e) : no_memory(e);
    if (rc == ERR_OK) {
        *out = map->vtag;
        if (!json_object_get(vtag, "tag"))
            out->tag[0] = '\0'; /* the freeze makes one of the content */
    }
    free(text);
    arena_free(arena);
    return rc;
}

static enum err_code freeze(const struct draft *d, const struct vtag *vtag, struct arena *arena,
                            const struct netmap **out, struct err *e)
{
    struct netmap_build *b = netmap_build_new(arena);
    struct netmap_place place = {0, 0};
    enum err_code rc = b ? ERR_OK : no_memory(e);
    uint32_t id;

    for (size_t i = 0; i < d->count && rc == ERR_OK; i++) {
        const struct draft_pid *p = &d->pids[i];

        if (!p->there)
            continue;
        rc = netmap_build_add_pid(b, str_from(p->name), place, &id, e);
        for (uint32_t k = 0; p->old && k < p->old->prefix_count && rc == ERR_OK; k++)
            if (!p->own[!prefix_is_v4(p->old->prefixes[k])])
                rc = netmap_build_add_prefix(b, id, p->old->prefixes[k], e);
        for (int v6 = 0; v6 < 2; v6++)
            for (size_t k = 0; p->own[v6] && k < p->list[v6].count && rc == ERR_OK; k++)
                rc = netmap_build_add_prefix(b, id, p->list[v6].prefixes[k], e);
    }
    if (rc == ERR_OK)
        rc = netmap_build_freeze(b, vtag, out, &place, e);
    netmap_build_free(b);
    return rc;
}

enum err_code netmap_patch_apply(const struct netmap *from, enum patch_kind kind, struct str patch,
                                 struct arena *arena, const struct netmap **out, struct err *e)
{
    json_t *head = make_head(from);
    struct vtag vtag = {0};
    struct draft d;
    enum err_code rc = ERR_OK;

    *out = NULL;
    if (!draft_init(&d, from) || !head)
        rc = no_memory(e);
    else
        rc = kind == PATCH_MERGE ? apply_merge(&d, head, patch, e) : apply_ops(&d, &head, patch, e);
    if (rc == ERR_OK)
        rc = read_head(head, &vtag, e);
    if (rc == ERR_OK)
        rc = freeze(&d, &vtag, arena, out, e);
    json_decref(head);
    draft_fini(&d);
    return rc;
}
