#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "alto/hub.h"
#include "alto/multipart.h"

#define REPLY_BYTES_MAX ((size_t)64 << 20) /* when the catalog does not say */
#define REPLY_ARENA_MAX ((size_t)256 << 20)

bool hub_add_lines(struct str text, struct bytes *out)
{
    size_t from = 0, line = 0;
    bool in_string = false;

    for (size_t i = 0; i < text.n; i++) {
        const char c = text.p[i];

        if (c == '\n') {
            in_string = false;
            line = i + 1;
        } else if (in_string) {
            if (c == '\\')
                i++;
            else
                in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == ',' && i - line >= HUB_LINE_MAX) {
            line = i + 1;
            if (!bytes_add(out, text.p + from, line - from) || !bytes_add(out, "\n", 1))
                return false;
            from = line;
        }
    }
    return bytes_add(out, text.p + from, text.n - from);
}

static struct shared_body *body_of_lines(struct str text)
{
    struct bytes lines = {.limit = SIZE_MAX / 2};

    if (hub_add_lines(text, &lines))
        return shared_body_new(&lines);
    bytes_free(&lines);
    return NULL;
}

/* meta.vtag.tag of an answer, whose first member is meta; what has none stays without. The rest is
 * not read: a worker waits for this. */
static void read_tag(struct str text, char out[ALTO_TAG_MAX + 1])
{
    static const struct str before = {"{\"meta\":", 8};
    const bool has = text.n > before.n && memcmp(text.p, before.p, before.n) == 0;
    json_t *meta =
        has ? json_loadb(text.p + before.n, text.n - before.n, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    const char *tag = json_string_value(json_object_get(json_object_get(meta, "vtag"), "tag"));

    if (tag && strlen(tag) <= ALTO_TAG_MAX)
        memcpy(out, tag, strlen(tag) + 1);
    json_decref(meta);
}

static bool take_type(struct str type, struct hub_content *out)
{
    if (type.n >= sizeof out->media_type)
        return alto_status(&out->error, 503, "the media type has %zu bytes", type.n);
    memcpy(out->media_type, type.p, type.n);
    return true;
}

/* The text that a POST would get. */
static bool ask(const struct hub_node *n, struct alto_catalog *c, const struct alto_resource *r,
                uint64_t wall_ms, struct hub_content *out)
{
    struct bytes text = {.limit = c->limits.answer_max ? c->limits.answer_max : REPLY_BYTES_MAX};
    struct arena *arena = arena_new(REPLY_ARENA_MAX);
    const struct alto_question q = {
        .catalog = c,
        .resource = r,
        .body = n->input,
        .client = n->client,
        .wall_ms = wall_ms,
        .random = n->random,
        .arena = arena,
    };
    struct alto_reply reply = {.out = &text, .media_type = r->media_type};
    bool good = arena && alto_reply_make(&q, &reply);

    if (good && reply.whole) {
        alto_bodies_take(reply.whole);
        out->bodies = reply.whole;
        out->whole = reply.whole->text;
        shared_body_take(out->whole);
    } else if (good) {
        out->whole = body_of_lines((struct str){text.data, text.len});
    }
    good = good && take_type(reply.media_type, out);
    if (!good && arena && !out->error.status)
        out->error = reply.error;
    if (out->whole && !out->bodies && r->kind != ALTO_PATH_COST && r->kind != ALTO_PATH_ENDPOINT)
        read_tag((struct str){out->whole->data, out->whole->len}, out->tag);
    bytes_free(&text);
    arena_free(arena);
    return good;
}

bool hub_content_make(const struct hub_node *n, struct alto_catalog *c, uint64_t wall_ms,
                      struct hub_content *out)
{
    const struct alto_resource *r = alto_find_id(c, str_from(n->id));

    *out = (struct hub_content){0};
    if (!r || r->kind != n->kind)
        return alto_status(&out->error, 404, "%s is no longer offered", n->id);
    if (r->accepts.n) {
        if (!ask(n, c, r, wall_ms, out))
            return out->error.status ? false : alto_status(&out->error, 503, "no memory left");
    } else if (r->bodies && take_type(r->media_type, out)) {
        alto_bodies_take(r->bodies);
        shared_body_take(r->bodies->text);
        out->bodies = r->bodies;
        out->whole = r->bodies->text;
    }
    if (out->bodies)
        memcpy(out->tag, r->vtag.tag, sizeof out->tag);
    if (out->whole)
        return true;
    hub_content_drop(out);
    return alto_status(&out->error, 503, "%s is not ready", n->id);
}

void hub_content_drop(struct hub_content *c)
{
    for (unsigned i = 0; i < c->part_count; i++)
        shared_body_drop(c->parts[i].patch);
    shared_body_drop(c->whole);
    alto_bodies_drop(c->bodies);
    *c = (struct hub_content){0};
}

bool hub_content_same(const struct hub_content *c, const struct hub_version *v)
{
    if (c->whole == v->whole)
        return true;
    return c->whole->len == v->whole_len && v->whole && !strcmp(c->media_type, v->media_type) &&
           !memcmp(c->whole->data, v->whole->data, v->whole_len);
}

/* Patches */

/* A patch of network and cost maps, from their own structures. false: there is none that is
 * shorter than max. */
static bool diff_maps(const struct alto_resource *from, const struct alto_resource *to, size_t max,
                      struct bytes *out)
{
    const struct alto_cost *a = from->cost_count ? from->costs[0] : NULL;
    const struct alto_cost *b = to->cost_count ? to->costs[0] : NULL;

    if (to->kind == ALTO_NETWORK_MAP)
        return netmap_patch_format(from->network->map, &from->network->vtag, to->network->map,
                                   &to->network->vtag, max, out);
    return a && b && a->map && b->map && !a->ranked && !b->ranked &&
           cost_type_same(a->type, b->type) && str_eq(a->type->description, b->type->description) &&
           costmap_patch_format(a->map, from->network->map, &from->network->vtag, b->map,
                                to->network->map, &to->network->vtag, max, out);
}

static bool diff_trees(struct str from, struct str to, enum patch_kind *kind, struct bytes *out)
{
    json_t *a = NULL, *b = NULL, *patch = NULL;
    char *text = NULL;
    bool good = from.n <= HUB_TREE_MAX && to.n <= HUB_TREE_MAX;

    if (good) {
        a = json_loadb(from.p, from.n, 0, NULL);
        b = json_loadb(to.p, to.n, 0, NULL);
        patch = a && b ? patch_make(a, b, kind) : NULL;
        text = patch ? json_dumps(patch, JSON_COMPACT) : NULL;
        good = text && strlen(text) <= to.n && bytes_add(out, text, strlen(text));
    }
    free(text);
    json_decref(patch);
    json_decref(a);
    json_decref(b);
    return good;
}

static bool add_part(struct hub_content *c, struct str id, enum patch_kind kind, struct str text)
{
    struct hub_part *p = &c->parts[c->part_count];

    *p = (struct hub_part){.kind = kind, .patch = body_of_lines(text)};
    if (!p->patch)
        return false;
    memcpy(p->content_id, id.p, id.n);
    c->part_count++;
    c->patch_len += p->patch->len;
    return true;
}

/* Multipart answers (RFC 8895 section 6.7.3): one patch a part. */
static bool diff_parts(struct hub_content *c, const struct hub_version *old)
{
    const struct str old_text = {old->whole->data, old->whole->len};
    const struct str new_text = {c->whole->data, c->whole->len};
    struct multipart from, to;

    if (multipart_read(str_from(old->media_type), old_text, true, &from, NULL) != ERR_OK ||
        multipart_read(str_from(c->media_type), new_text, true, &to, NULL) != ERR_OK ||
        from.part_count != to.part_count || to.part_count > HUB_PARTS_MAX)
        return false;
    for (size_t i = 0; i < to.part_count; i++) {
        const struct multipart_part *a = &from.parts[i], *b = &to.parts[i];
        struct bytes text = {0};
        enum patch_kind kind = PATCH_MERGE;
        bool good = b->id.n && b->id.n <= ALTO_ID_MAX && str_eq(a->id, b->id);

        if (good && str_eq(a->body, b->body))
            continue;
        good = good && diff_trees(a->body, b->body, &kind, &text) &&
               add_part(c, b->id, kind, (struct str){text.data, text.len});
        bytes_free(&text);
        if (!good)
            return false;
    }
    return true;
}

static bool diff(struct hub_content *c, const struct hub_version *old,
                 const struct alto_resource *from, const struct alto_resource *to)
{
    struct bytes text = {.limit = c->whole->len ? c->whole->len : 1};
    enum patch_kind kind = PATCH_MERGE;
    bool good;

    if (!strncmp(c->media_type, "multipart/", 10))
        return old->whole && diff_parts(c, old);
    if (strcmp(c->media_type, old->media_type) != 0)
        return false;
    if (from && to && (to->kind == ALTO_NETWORK_MAP || to->kind == ALTO_COST_MAP))
        good = diff_maps(from, to, c->whole->len, &text);
    else
        good = old->whole && diff_trees((struct str){old->whole->data, old->whole->len},
                                        (struct str){c->whole->data, c->whole->len}, &kind, &text);
    good = good && add_part(c, STR(""), kind, (struct str){text.data, text.len});
    bytes_free(&text);
    return good;
}

void hub_content_patch(struct hub_content *c, const struct hub_node *n,
                       const struct alto_resource *from, const struct alto_resource *to)
{
    c->patched = diff(c, hub_version_newest(n), from, to);
    if (c->patched)
        return;
    for (unsigned i = 0; i < c->part_count; i++)
        shared_body_drop(c->parts[i].patch);
    c->part_count = 0;
    c->patch_len = 0;
}
