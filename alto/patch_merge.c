/* JSON merge patch (RFC 7396) over trees. */
#include "alto/patch_tree.h"

/* What a merge patch makes of nothing: itself without its nulls (section 2). */
static json_t *without_nulls(const json_t *patch, unsigned depth)
{
    json_t *out, *value;
    const char *key;

    if (!json_is_object(patch))
        return json_deep_copy(patch);
    out = depth < PATCH_DEPTH_MAX ? json_object() : NULL;
    json_object_foreach((json_t *)(uintptr_t)patch, key, value)
    {
        if (!out || json_is_null(value))
            continue;
        if (json_object_set_new(out, key, without_nulls(value, depth + 1)) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

/* target is an object of ours. */
static bool merge_into(json_t *target, const json_t *patch, unsigned depth)
{
    json_t *value;
    const char *key;

    if (depth == PATCH_DEPTH_MAX)
        return false;
    json_object_foreach((json_t *)(uintptr_t)patch, key, value)
    {
        json_t *old = json_object_get(target, key);
        bool good = true;

        if (json_is_null(value))
            json_object_del(target, key);
        else if (json_is_object(value) && json_is_object(old))
            good = merge_into(old, value, depth + 1);
        else
            good = json_object_set_new(target, key, without_nulls(value, depth + 1)) == 0;
        if (!good)
            return false;
    }
    return true;
}

json_t *merge_patch_apply(const json_t *target, const json_t *patch)
{
    json_t *out;

    if (!json_is_object(patch) || !json_is_object(target))
        return without_nulls(patch, 0);
    out = json_deep_copy(target);
    if (out && merge_into(out, patch, 0))
        return out;
    json_decref(out);
    return NULL;
}

bool merge_patch_can(const json_t *to)
{
    const json_t *value;
    const char *key;

    if (json_is_null(to))
        return false;
    json_object_foreach((json_t *)(uintptr_t)to, key,
                        value) if (!merge_patch_can(value)) return false;
    return true;
}

json_t *merge_patch_make(const json_t *from, const json_t *to)
{
    json_t *out, *value;
    bool good = true;
    const char *key;

    if (!json_is_object(from) || !json_is_object(to))
        return json_deep_copy(to);
    out = json_object();
    json_object_foreach((json_t *)(uintptr_t)from, key,
                        value) if (good && !json_object_get(to, key)) good =
        out && json_object_set_new(out, key, json_null()) == 0;
    json_object_foreach((json_t *)(uintptr_t)to, key, value)
    {
        const json_t *old = json_object_get(from, key);

        if (good && !(old && json_equal(old, value)))
            good = out && json_object_set_new(out, key, merge_patch_make(old, value)) == 0;
    }
    if (good)
        return out;
    json_decref(out);
    return NULL;
}
