#include <string.h>

#include "alto/patch_ops.h"

void patch_value_init(struct patch_value *v)
{
    memset(v, 0, sizeof *v);
    v->left = PATCH_VALUES_MAX;
}

void patch_value_reset(struct patch_value *v)
{
    json_decref(v->root);
    v->root = NULL;
    v->done = false;
    v->depth = 0;
    v->left = PATCH_VALUES_MAX;
}

void patch_value_fini(struct patch_value *v)
{
    patch_value_reset(v);
    for (unsigned i = 0; i < JSON_PUSH_DEPTH_MAX; i++)
        bytes_free(&v->key[i]);
}

json_t *patch_value_take(struct patch_value *v)
{
    json_t *out = v->root;

    v->root = NULL;
    patch_value_reset(v);
    return out;
}

static json_t *of_event(const struct json_event *ev)
{
    switch (ev->kind) {
    case JSON_PUSH_OBJECT:
        return json_object();
    case JSON_PUSH_ARRAY:
        return json_array();
    case JSON_PUSH_STRING:
        return json_stringn(ev->text.n ? ev->text.p : "", ev->text.n);
    case JSON_PUSH_NUMBER:
        return json_real(ev->number);
    case JSON_PUSH_TRUE:
        return json_true();
    case JSON_PUSH_FALSE:
        return json_false();
    default:
        return json_null();
    }
}

static enum err_code on_key(struct patch_value *v, struct str key, struct err *e)
{
    struct bytes *b = &v->key[v->depth - 1];

    b->len = 0;
    if (!bytes_add(b, key.n ? key.p : "", key.n) || !bytes_add(b, "", 1))
        return err_set(e, ERR_LIMIT, "no memory left for the patch");
    if (json_object_get(v->open[v->depth - 1], b->data))
        return err_set(e, ERR_PARSE, "a member stands here a second time");
    return ERR_OK;
}

enum err_code patch_value_event(struct patch_value *v, const struct json_event *ev, struct err *e)
{
    json_t *parent = v->depth ? v->open[v->depth - 1] : NULL, *value;
    int bad = 0;

    if (ev->kind == JSON_PUSH_KEY)
        return on_key(v, ev->text, e);
    if (ev->kind == JSON_PUSH_OBJECT_END || ev->kind == JSON_PUSH_ARRAY_END) {
        v->done = --v->depth == 0;
        return ERR_OK;
    }
    if (v->left-- == 0)
        return err_set(e, ERR_LIMIT, "a patch's value of more than %u values", PATCH_VALUES_MAX);
    value = of_event(ev);
    if (!parent)
        v->root = value;
    else if (json_is_object(parent))
        bad = json_object_set_new(parent, v->key[v->depth - 1].data, value);
    else
        bad = json_array_append_new(parent, value);
    if (bad || !value)
        return err_set(e, ERR_LIMIT, "no memory left for the patch");
    if (ev->kind == JSON_PUSH_OBJECT || ev->kind == JSON_PUSH_ARRAY)
        v->open[v->depth++] = value;
    else
        v->done = v->depth == 0;
    return ERR_OK;
}
