#include "alto/patch_ops.h"

#include <stdlib.h>
#include <string.h>

#include "alto/vtag_read.h"

enum place { AT_START, AT_LIST, AT_MEMBERS, AT_VALUE };
enum member { MEMBER_OP, MEMBER_PATH, MEMBER_FROM, MEMBER_VALUE, MEMBERS };

static const char *const member_names[MEMBERS] = {"op", "path", "from", "value"};

struct reader {
    struct patch_target *target;
    enum place at;
    enum member member;
    bool seen[MEMBERS];
    struct bytes text[MEMBER_VALUE]; /* of op, path, from */
    struct patch_value value;
    struct patch_path path, from;
    size_t count;
};

static enum err_code split(struct str pointer, struct patch_path *out, struct err *e)
{
    enum err_code rc = ERR_OK;

    for (out->count = 0; pointer.n && rc == ERR_OK;) {
        bool fits = out->count < PATCH_PATH_MAX;

        rc = patch_token(&pointer, out->name[fits ? out->count : PATCH_PATH_MAX - 1],
                         PATCH_TOKEN_MAX, e);
        out->count += fits || !pointer.n;
    }
    return rc;
}

static struct str text_of(const struct reader *r, enum member m)
{
    return (struct str){r->text[m].len ? r->text[m].data : "", r->text[m].len};
}

static bool is_meta(const struct patch_path *p)
{
    return p->count && strcmp(p->name[0], "meta") == 0;
}

/* As a patch of one operation, on the tree that meta is. */
static enum err_code on_head(struct reader *r, enum patch_op op, struct err *e)
{
    struct patch_target *t = r->target;
    json_t *one = json_object(), *patch = json_array(), *out = NULL;
    const bool two = op == PATCH_MOVE || op == PATCH_COPY;
    enum err_code rc = ERR_LIMIT;

    if (one && patch && json_object_set_new(one, "op", json_string(text_of(r, MEMBER_OP).p)) == 0 &&
        json_object_set_new(one, "path", json_string(text_of(r, MEMBER_PATH).p)) == 0 &&
        (!two || json_object_set_new(one, "from", json_string(text_of(r, MEMBER_FROM).p)) == 0) &&
        (!r->value.root || json_object_set(one, "value", r->value.root) == 0) &&
        json_array_append(patch, one) == 0)
        rc = json_patch_apply(t->head, patch, &out, e);
    else
        err_set(e, ERR_LIMIT, "no memory left for the patch");
    if (rc == ERR_OK) {
        json_decref(t->head);
        t->head = out;
    }
    json_decref(one);
    json_decref(patch);
    return rc;
}

static enum err_code nothing_there(struct err *e)
{
    return err_set(e, ERR_CONFLICT, "the pointer leads to nothing");
}

static enum err_code move_or_copy(struct reader *r, bool move, struct err *e)
{
    struct patch_target *t = r->target;
    struct str from = text_of(r, MEMBER_FROM), path = text_of(r, MEMBER_PATH);
    json_t *value;
    enum err_code rc;

    if (!t->has(t->ctx, &r->from))
        return nothing_there(e);
    if (move && str_eq(from, path))
        return ERR_OK;
    if (move && path.n > from.n && memcmp(path.p, from.p, from.n) == 0 && path.p[from.n] == '/')
        return err_set(e, ERR_CONFLICT, "a value cannot be moved into itself");
    value = t->get(t->ctx, &r->from, e);
    if (!value)
        return e && e->code != ERR_OK ? e->code : ERR_LIMIT;
    rc = move ? t->remove(t->ctx, &r->from, e) : ERR_OK;
    if (rc == ERR_OK)
        rc = t->set(t->ctx, &r->path, value, false, e);
    json_decref(value);
    return rc;
}

static enum err_code on_data(struct reader *r, enum patch_op op, struct err *e)
{
    struct patch_target *t = r->target;

    if (op == PATCH_MOVE || op == PATCH_COPY)
        return move_or_copy(r, op == PATCH_MOVE, e);
    if (op == PATCH_ADD)
        return t->set(t->ctx, &r->path, r->value.root, false, e);
    if (!t->has(t->ctx, &r->path))
        return nothing_there(e);
    if (op == PATCH_REPLACE)
        return t->set(t->ctx, &r->path, r->value.root, true, e);
    return op == PATCH_REMOVE ? t->remove(t->ctx, &r->path, e)
                              : t->test(t->ctx, &r->path, r->value.root, e);
}

static enum err_code check_members(struct reader *r, enum patch_op *op, struct err *e)
{
    enum err_code rc;
    bool needs[MEMBERS] = {[MEMBER_OP] = true, [MEMBER_PATH] = true};

    rc = r->seen[MEMBER_OP] ? patch_op_parse(text_of(r, MEMBER_OP), op, e) : ERR_OK;
    needs[MEMBER_FROM] = r->seen[MEMBER_OP] && (*op == PATCH_MOVE || *op == PATCH_COPY);
    needs[MEMBER_VALUE] =
        r->seen[MEMBER_OP] && (*op == PATCH_ADD || *op == PATCH_REPLACE || *op == PATCH_TEST);
    for (enum member m = MEMBER_OP; m < MEMBERS && rc == ERR_OK; m++)
        if (needs[m] && !r->seen[m])
            rc = err_set(e, ERR_PARSE, "\"%s\" is missing", member_names[m]);
    if (rc == ERR_OK)
        rc = split(text_of(r, MEMBER_PATH), &r->path, e);
    r->from.count = 0;
    if (rc == ERR_OK && needs[MEMBER_FROM])
        rc = split(text_of(r, MEMBER_FROM), &r->from, e);
    return rc;
}

static enum err_code apply(struct reader *r, struct err *e)
{
    const struct patch_target *t = r->target;
    enum patch_op op = PATCH_TEST;
    enum err_code rc = check_members(r, &op, e);
    bool two, meta;

    if (rc != ERR_OK)
        return rc;
    two = op == PATCH_MOVE || op == PATCH_COPY;
    meta = is_meta(&r->path);
    if (two && meta != is_meta(&r->from))
        return err_set(e, ERR_UNSUPPORTED, "between meta and the map nothing is moved or copied");
    if (!meta)
        return on_data(r, op, e);
    if (t->passed_over && r->path.count > 1 && strcmp(r->path.name[1], t->passed_over) == 0)
        return ERR_OK;
    return on_head(r, op, e);
}

static enum err_code on_member(struct reader *r, struct json_push *j, struct str key, struct err *e)
{
    for (enum member m = MEMBER_OP; m < MEMBERS; m++) {
        if (!str_eq(key, str_from(member_names[m])))
            continue;
        r->member = m;
        if (m == MEMBER_VALUE)
            r->at = AT_VALUE;
        return vtag_read_once(&r->seen[m], key, e);
    }
    json_push_skip(j); /* RFC 6902 section 4: other members are ignored */
    return ERR_OK;
}

static enum err_code on_text(struct reader *r, const struct json_event *ev, struct err *e)
{
    struct bytes *b = &r->text[r->member];
    enum err_code rc = vtag_read_expect(ev, JSON_PUSH_STRING, e);

    if (rc != ERR_OK)
        return rc;
    b->len = 0;
    if (!bytes_add(b, ev->text.n ? ev->text.p : "", ev->text.n) || !bytes_add(b, "", 1))
        return err_set(e, ERR_LIMIT, "no memory left for the patch");
    b->len--; /* a NUL stands behind it */
    return ERR_OK;
}

static enum err_code on_list(struct reader *r, const struct json_event *ev, struct err *e)
{
    if (ev->kind == JSON_PUSH_ARRAY_END)
        return ERR_OK;
    if (r->count == PATCH_OPS_MAX)
        return err_set(e, ERR_LIMIT, "more than %u operations", PATCH_OPS_MAX);
    memset(r->seen, 0, sizeof r->seen);
    patch_value_reset(&r->value);
    r->at = AT_MEMBERS;
    return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
}

static enum err_code on_members(struct reader *r, struct json_push *j, const struct json_event *ev,
                                struct err *e)
{
    enum err_code rc;

    if (ev->kind == JSON_PUSH_KEY)
        return on_member(r, j, ev->text, e);
    if (ev->kind != JSON_PUSH_OBJECT_END)
        return on_text(r, ev, e);
    rc = apply(r, e);
    r->count += rc == ERR_OK;
    r->at = AT_LIST;
    return rc;
}

static enum err_code on_event(void *ctx, struct json_push *j, const struct json_event *ev,
                              struct err *e)
{
    struct reader *r = ctx;
    enum err_code rc = ERR_OK;

    switch (r->at) {
    case AT_START:
        r->at = AT_LIST;
        return vtag_read_expect(ev, JSON_PUSH_ARRAY, e);
    case AT_LIST:
        rc = on_list(r, ev, e);
        break;
    case AT_MEMBERS:
        rc = on_members(r, j, ev, e);
        break;
    case AT_VALUE:
        rc = patch_value_event(&r->value, ev, e);
        if (rc == ERR_OK && r->value.done)
            r->at = AT_MEMBERS;
        break;
    }
    if (rc != ERR_OK)
        err_wrap(e, "operation %zu", r->count);
    return rc;
}

enum err_code patch_ops_apply(struct str text, struct patch_target *t, struct err *e)
{
    struct reader *r = calloc(1, sizeof *r);
    struct json_push *j = r ? json_push_new(NULL, NULL, on_event, r) : NULL;
    enum err_code rc = ERR_LIMIT;

    if (!j)
        err_set(e, ERR_LIMIT, "no memory left for the patch");
    if (r) {
        r->target = t;
        patch_value_init(&r->value);
    }
    if (j)
        rc = json_push_feed(j, text.n ? text.p : "", text.n, e);
    if (rc == ERR_OK)
        rc = json_push_end(j, e);
    json_push_free(j);
    for (enum member m = MEMBER_OP; r && m < MEMBER_VALUE; m++)
        bytes_free(&r->text[m]);
    if (r)
        patch_value_fini(&r->value);
    free(r);
    return rc;
}

enum err_code patch_head_merge(json_t *head, const json_t *meta_patch, struct err *e)
{
    json_t *merged;

    if (json_is_null(meta_patch)) {
        json_object_del(head, "meta");
        return ERR_OK;
    }
    merged = merge_patch_apply(json_object_get(head, "meta"), meta_patch);
    if (!merged || json_object_set_new(head, "meta", merged) != 0)
        return err_set(e, ERR_LIMIT, "no memory left for the patch");
    return ERR_OK;
}
