/* JSON patch (RFC 6902) over trees. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alto/patch_tree.h"

/* What reads and writes one place of the document. */
struct place {
    json_t *parent;              /* NULL: the place is the whole document */
    char token[PATCH_TOKEN_MAX]; /* the last one of the pointer */
    json_t *value;               /* NULL: nothing is there */
};

struct work {
    json_t *root; /* ours */
    size_t left;  /* nodes that may still be copied */
};

static bool same_number(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b))
        return json_integer_value(a) == json_integer_value(b);
    return json_number_value(a) == json_number_value(b);
}

static bool same_object(const json_t *a, const json_t *b)
{
    const json_t *value;
    const char *key;

    if (json_object_size(a) != json_object_size(b))
        return false;
    json_object_foreach((json_t *)(uintptr_t)a, key, value)
    {
        const json_t *other = json_object_get(b, key);

        if (!other || !patch_same(value, other))
            return false;
    }
    return true;
}

bool patch_same(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b))
        return same_number(a, b);
    if (json_typeof(a) != json_typeof(b))
        return false;
    if (json_is_object(a))
        return same_object(a, b);
    if (!json_is_array(a))
        return json_equal(a, b);
    if (json_array_size(a) != json_array_size(b))
        return false;
    for (size_t i = 0; i < json_array_size(a); i++)
        if (!patch_same(json_array_get(a, i), json_array_get(b, i)))
            return false;
    return true;
}

enum err_code patch_op_parse(struct str text, enum patch_op *out, struct err *e)
{
    static const char *const names[] = {
        [PATCH_ADD] = "add",   [PATCH_REMOVE] = "remove", [PATCH_REPLACE] = "replace",
        [PATCH_MOVE] = "move", [PATCH_COPY] = "copy",     [PATCH_TEST] = "test"};
    char shown[40];

    for (enum patch_op op = PATCH_ADD; op <= PATCH_TEST; op++) {
        if (str_eq(text, str_from(names[op]))) {
            *out = op;
            return ERR_OK;
        }
    }
    return err_set(e, ERR_PARSE, "\"op\" is \"%s\": it is add, remove, replace, move, copy or test",
                   bytes_escape(text.n ? text.p : "", text.n, shown, sizeof shown));
}

enum err_code patch_token(struct str *at, char *out, size_t n, struct err *e)
{
    const char *p = at->p, *end = p + at->n;
    size_t len = 0;

    if (p == end || *p != '/')
        return err_set(e, ERR_PARSE, "a pointer is empty or begins with \"/\" (RFC 6901)");
    for (p++; p < end && *p != '/'; p++) {
        char c = *p;

        if (c == '~') {
            if (p + 1 == end || (p[1] != '0' && p[1] != '1'))
                return err_set(e, ERR_PARSE, "in a pointer \"~\" is followed by 0 or 1 (RFC 6901)");
            c = *++p == '0' ? '~' : '/';
        }
        if (len + 1 >= n)
            return err_set(e, ERR_LIMIT, "a name in a pointer has more than %zu bytes", n - 1);
        out[len++] = c;
    }
    out[len] = '\0';
    *at = (struct str){p, (size_t)(end - p)};
    return ERR_OK;
}

bool patch_index(const char *token, size_t *out)
{
    const char *p = token;
    size_t v = 0;

    for (; *p >= '0' && *p <= '9' && p - token < 9; p++)
        v = v * 10 + (size_t)(*p - '0');
    if (p == token || *p != '\0' || (token[0] == '0' && token[1] != '\0'))
        return false;
    *out = v;
    return true;
}

static json_t *child(const json_t *parent, const char *token)
{
    size_t i;

    if (json_is_object(parent))
        return json_object_get(parent, token);
    return json_is_array(parent) && patch_index(token, &i) ? json_array_get(parent, i) : NULL;
}

static enum err_code find(const struct work *w, struct str pointer, struct place *out,
                          struct err *e)
{
    struct str rest = pointer;

    out->parent = NULL;
    out->value = w->root;
    for (unsigned depth = 0; rest.n; depth++) {
        enum err_code rc;

        if (depth == PATCH_DEPTH_MAX)
            return err_set(e, ERR_LIMIT, "a pointer of more than %u names", PATCH_DEPTH_MAX);
        if (!json_is_object(out->value) && !json_is_array(out->value))
            return err_set(e, ERR_CONFLICT, "the pointer leads through what is not there");
        out->parent = out->value;
        rc = patch_token(&rest, out->token, sizeof out->token, e);
        if (rc != ERR_OK)
            return rc;
        out->value = child(out->parent, out->token);
    }
    return ERR_OK;
}

static enum err_code find_there(const struct work *w, struct str pointer, struct place *out,
                                struct err *e)
{
    enum err_code rc = find(w, pointer, out, e);

    if (rc == ERR_OK && !out->value)
        rc = err_set(e, ERR_CONFLICT, "the pointer leads to nothing");
    return rc;
}

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory left for the patch");
}

/* Puts a value of ours, which passes to the document whatever comes of it. */
static enum err_code put(struct work *w, const struct place *at, json_t *value, struct err *e)
{
    size_t i, n = json_array_size(at->parent);
    int bad;

    if (!value)
        return no_memory(e);
    if (!at->parent) {
        json_decref(w->root);
        w->root = value;
        return ERR_OK;
    }
    if (json_is_object(at->parent)) {
        bad = json_object_set_new(at->parent, at->token, value);
    } else {
        if (strcmp(at->token, "-") == 0)
            i = n;
        else if (!patch_index(at->token, &i) || i > n) {
            json_decref(value);
            return err_set(e, ERR_CONFLICT, "no such place in an array of %zu", n);
        }
        bad = json_array_insert_new(at->parent, i, value);
    }
    return bad ? no_memory(e) : ERR_OK;
}

static enum err_code take_out(const struct place *at, struct err *e)
{
    size_t i;

    if (!at->parent)
        return err_set(e, ERR_CONFLICT, "the whole document cannot be removed");
    if (json_is_object(at->parent))
        json_object_del(at->parent, at->token);
    else if (patch_index(at->token, &i))
        json_array_remove(at->parent, i);
    return ERR_OK;
}

static enum err_code replace(struct work *w, const struct place *at, json_t *value, struct err *e)
{
    size_t i;

    if (!json_is_array(at->parent))
        return put(w, at, value, e);
    if (!value || !patch_index(at->token, &i) || json_array_set_new(at->parent, i, value) != 0)
        return no_memory(e);
    return ERR_OK;
}

/* Counts down the values of what is copied or moved: a patch that copies the document into itself
 * doubles it each time. false: too many, or too deep. */
static bool measure(const json_t *v, unsigned depth, size_t *left)
{
    const json_t *value;
    const char *key;
    size_t i;

    if (*left == 0 || depth == PATCH_DEPTH_MAX)
        return false;
    --*left;
    json_object_foreach((json_t *)(uintptr_t)v, key,
                        value) if (!measure(value, depth + 1, left)) return false;
    json_array_foreach(v, i, value) if (!measure(value, depth + 1, left)) return false;
    return true;
}

/* Whether `path` leads below `from`: something cannot be moved into itself (section 4.4). */
static bool is_below(struct str from, struct str path)
{
    return path.n > from.n && memcmp(path.p, from.p, from.n) == 0 && path.p[from.n] == '/';
}

static enum err_code move_or_copy(struct work *w, bool move, struct str from, struct str path,
                                  struct err *e)
{
    struct place source, target;
    enum err_code rc = find_there(w, from, &source, e);
    json_t *value;

    if (rc != ERR_OK) {
        err_wrap(e, "from");
        return rc;
    }
    if (!measure(source.value, 0, &w->left))
        return err_set(e, ERR_LIMIT, "more than %u values are copied or moved, or deeper than %u",
                       PATCH_COPY_MAX, PATCH_DEPTH_MAX);
    if (!move) {
        rc = find(w, path, &target, e);
        return rc == ERR_OK ? put(w, &target, json_deep_copy(source.value), e) : rc;
    }
    if (str_eq(from, path))
        return ERR_OK;
    if (is_below(from, path))
        return err_set(e, ERR_CONFLICT, "a value cannot be moved into itself");
    value = json_incref(source.value);
    rc = take_out(&source, e);
    if (rc == ERR_OK)
        rc = find(w, path, &target, e);
    if (rc == ERR_OK)
        return put(w, &target, value, e);
    json_decref(value);
    return rc;
}

static enum err_code with_value(struct work *w, enum patch_op op, struct str path,
                                const json_t *value, struct err *e)
{
    struct place at;
    enum err_code rc = op == PATCH_ADD ? find(w, path, &at, e) : find_there(w, path, &at, e);

    size_t any = SIZE_MAX;

    if (rc != ERR_OK)
        return rc;
    if (!measure(value, 0, &any))
        return err_set(e, ERR_LIMIT, "a value of more than %u levels", PATCH_DEPTH_MAX);
    if (op == PATCH_TEST)
        return patch_same(at.value, value) ? ERR_OK
                                           : err_set(e, ERR_CONFLICT, "the value is another one");
    return op == PATCH_ADD ? put(w, &at, json_deep_copy(value), e)
                           : replace(w, &at, json_deep_copy(value), e);
}

static enum err_code string_of(const json_t *op, const char *key, struct str *out, struct err *e)
{
    const json_t *v = json_object_get(op, key);

    if (!json_is_string(v))
        return err_set(e, ERR_PARSE, "\"%s\" is %s: it is a string", key,
                       v ? "of another kind" : "missing");
    *out = (struct str){json_string_value(v), json_string_length(v)};
    return ERR_OK;
}

/* A pointer with a fault is a fault of the patch, wherever it would lead. */
static enum err_code check_pointer(struct str pointer, struct err *e)
{
    char token[PATCH_TOKEN_MAX];
    enum err_code rc = ERR_OK;

    while (pointer.n && rc == ERR_OK)
        rc = patch_token(&pointer, token, sizeof token, e);
    return rc;
}

static enum err_code apply_one(struct work *w, const json_t *o, struct err *e)
{
    struct str name, path, from = {0};
    const json_t *value = json_object_get(o, "value");
    enum patch_op op = PATCH_TEST;
    struct place at;
    enum err_code rc;

    if (!json_is_object(o))
        return err_set(e, ERR_PARSE, "an operation is an object");
    rc = string_of(o, "op", &name, e);
    if (rc == ERR_OK)
        rc = patch_op_parse(name, &op, e);
    if (rc == ERR_OK)
        rc = string_of(o, "path", &path, e);
    if (rc == ERR_OK)
        rc = check_pointer(path, e);
    if (rc == ERR_OK && (op == PATCH_MOVE || op == PATCH_COPY)) {
        rc = string_of(o, "from", &from, e);
        if (rc == ERR_OK)
            rc = check_pointer(from, e);
        return rc == ERR_OK ? move_or_copy(w, op == PATCH_MOVE, from, path, e) : rc;
    }
    if (rc != ERR_OK)
        return rc;
    if (op == PATCH_REMOVE) {
        rc = find_there(w, path, &at, e);
        return rc == ERR_OK ? take_out(&at, e) : rc;
    }
    if (!value)
        return err_set(e, ERR_PARSE, "\"value\" is missing");
    return with_value(w, op, path, value, e);
}

enum err_code json_patch_apply(const json_t *target, const json_t *patch, json_t **out,
                               struct err *e)
{
    struct work w = {.left = PATCH_COPY_MAX};
    enum err_code rc = ERR_OK;
    const json_t *op;
    size_t i;

    *out = NULL;
    if (!json_is_array(patch))
        return err_set(e, ERR_PARSE, "a JSON patch is an array (RFC 6902 section 3)");
    if (json_array_size(patch) > PATCH_OPS_MAX)
        return err_set(e, ERR_LIMIT, "a JSON patch of more than %u operations", PATCH_OPS_MAX);
    w.root = json_deep_copy(target);
    if (!w.root)
        return no_memory(e);
    json_array_foreach(patch, i, op)
    {
        rc = apply_one(&w, op, e);
        if (rc != ERR_OK) {
            err_wrap(e, "operation %zu", i);
            json_decref(w.root);
            return rc;
        }
    }
    *out = w.root;
    return ERR_OK;
}

/* --- made ------------------------------------------------------------------------------------ */

static bool add_op(json_t *ops, const char *op, const struct bytes *path, const json_t *value)
{
    json_t *o = json_object();
    bool good =
        o && json_object_set_new(o, "op", json_string(op)) == 0 &&
        json_object_set_new(o, "path", json_stringn(path->len ? path->data : "", path->len)) == 0 &&
        (!value || json_object_set_new(o, "value", json_deep_copy(value)) == 0);

    return good ? json_array_append_new(ops, o) == 0 : (json_decref(o), false);
}

/* Adds "/token" in a pointer's spelling. */
static bool push(struct bytes *path, const char *token)
{
    bool good = bytes_add(path, "/", 1);

    for (; good && *token; token++) {
        if (*token == '~')
            good = bytes_add(path, "~0", 2);
        else if (*token == '/')
            good = bytes_add(path, "~1", 2);
        else
            good = bytes_add(path, token, 1);
    }
    return good;
}

static bool make(json_t *ops, struct bytes *path, const json_t *from, const json_t *to);

static bool make_object(json_t *ops, struct bytes *path, const json_t *from, const json_t *to)
{
    const size_t len = path->len;
    const json_t *value;
    const char *key;
    bool good = true;

    json_object_foreach((json_t *)(uintptr_t)from, key, value)
    {
        if (good && !json_object_get(to, key))
            good = push(path, key) && add_op(ops, "remove", path, NULL);
        path->len = len;
    }
    json_object_foreach((json_t *)(uintptr_t)to, key, value)
    {
        const json_t *old = json_object_get(from, key);

        good = good && push(path, key) &&
               (old ? make(ops, path, old, value) : add_op(ops, "add", path, value));
        path->len = len;
    }
    return good;
}

/* Item by item, where they are as many as before and objects: lists of plain values are short, or
 * sets (prefixes), and replaced whole, as they are when items come and go. */
static bool by_item(const json_t *from, const json_t *to)
{
    if (!json_is_array(from) || !json_is_array(to) || json_array_size(from) != json_array_size(to))
        return false;
    for (size_t i = 0; i < json_array_size(to); i++)
        if (!json_is_object(json_array_get(to, i)))
            return false;
    return true;
}

static bool make_array(json_t *ops, struct bytes *path, const json_t *from, const json_t *to)
{
    const size_t len = path->len;
    bool good = true;

    for (size_t i = 0; good && i < json_array_size(to); i++) {
        good = bytes_printf(path, "/%zu", i) &&
               make(ops, path, json_array_get(from, i), json_array_get(to, i));
        path->len = len;
    }
    return good;
}

static bool make(json_t *ops, struct bytes *path, const json_t *from, const json_t *to)
{
    if (json_equal(from, to))
        return true;
    if (json_is_object(from) && json_is_object(to))
        return make_object(ops, path, from, to);
    if (by_item(from, to))
        return make_array(ops, path, from, to);
    return add_op(ops, "replace", path, to);
}

json_t *json_patch_make(const json_t *from, const json_t *to)
{
    json_t *ops = json_array();
    struct bytes path = {0};
    bool good = ops && make(ops, &path, from, to);

    bytes_free(&path);
    if (good)
        return ops;
    json_decref(ops);
    return NULL;
}

json_t *patch_make(const json_t *from, const json_t *to, enum patch_kind *kind)
{
    /* What is no object replaces everything, as a merge patch too; null alone would be no patch. */
    *kind = merge_patch_can(to) ? PATCH_MERGE : PATCH_JSON;
    return *kind == PATCH_MERGE ? merge_patch_make(from, to) : json_patch_make(from, to);
}
