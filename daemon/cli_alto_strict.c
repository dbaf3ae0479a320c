#include "daemon/cli_alto_strict.h"

#include <stdint.h>
#include <string.h>

#include "alto/vtag.h"
#include "base/jsonin.h"

/* RFC 7285 section 11.4.1.6: of a type that nobody has told us. */
enum err_code cli_alto_strict_properties(const json_t *endpoints, struct err *e)
{
    const char *endpoint, *name;
    json_t *props, *v;

    json_object_foreach((json_t *)(uintptr_t)endpoints, endpoint, props)
    {
        json_object_foreach(props, name, v)
        {
            if (!json_is_string(v))
                return err_set(e, ERR_PARSE,
                               "endpoint-properties.%s.%s: the value is no string (RFC 7285 "
                               "section 11.4.1.6); --lenient shows it",
                               endpoint, name);
        }
    }
    return ERR_OK;
}

static bool is_array_type(const json_t *type)
{
    const char *mode = json_string_value(json_object_get(type, "cost-mode"));

    return mode && strcmp(mode, "array") == 0;
}

/* One pair's elements (RFC 9275 section 6.5.1: an array of ANE names). */
static enum err_code check_path(const char *src, const char *dst, const json_t *path, struct err *e)
{
    const json_t *v;
    size_t i;

    if (!json_is_array(path))
        return err_set(e, ERR_PARSE, "the path from %s to %s is no array", src, dst);
    json_array_foreach(path, i, v)
    {
        const char *name = json_string_value(v);
        struct err why = {0};

        if (!name)
            return err_set(e, ERR_PARSE, "the path from %s to %s has an element that is no string",
                           src, dst);
        if (vtag_check_name("ANE name", (struct str){name, json_string_length(v)}, &why) != ERR_OK)
            return err_set(e, ERR_PARSE, "the path from %s to %s: %s", src, dst, why.text);
    }
    return ERR_OK;
}

/* One pair, of one cost type or of several. */
static enum err_code check_cost(const char *src, const char *dst, const json_t *meta,
                                const json_t *value, struct err *e)
{
    const json_t *types = json_object_get(meta, "multi-cost-types"), *type;
    enum err_code rc = ERR_OK;
    size_t i;

    if (!json_is_array(types))
        return is_array_type(json_object_get(meta, "cost-type")) ? check_path(src, dst, value, e)
                                                                 : ERR_OK;
    json_array_foreach(types, i, type)
    {
        const json_t *one = json_array_get(value, i);

        if (rc == ERR_OK && is_array_type(type) && !json_is_null(one))
            rc = check_path(src, dst, one, e);
    }
    return rc;
}

static enum err_code check_paths(const json_t *doc, struct err *e)
{
    const json_t *meta = json_object_get(doc, "meta");
    json_t *map = json_object_get(doc, "cost-map"), *row, *v;
    const char *src, *dst;

    if (!map)
        map = json_object_get(doc, "endpoint-cost-map");
    if (!json_is_object(map))
        return err_set(e, ERR_PARSE, "the first part has no cost map");
    json_object_foreach(map, src, row)
    {
        json_object_foreach(row, dst, v)
        {
            enum err_code rc = check_cost(src, dst, meta, v, e);

            if (rc != ERR_OK)
                return rc;
        }
    }
    return ERR_OK;
}

enum err_code cli_alto_strict_paths(const struct multipart *m, struct err *e)
{
    json_t *paths = NULL, *properties = NULL;
    enum err_code rc;

    if (m->part_count < 2)
        return err_set(e, ERR_PARSE,
                       "the path vectors come without the properties of their elements, or these "
                       "without them (RFC 9275 section 7.2.6)");
    rc = jsonin_load(m->parts[0].body.p, m->parts[0].body.n, &paths, e);
    if (rc == ERR_OK)
        rc = check_paths(paths, e);
    if (rc == ERR_OK)
        rc = jsonin_load(m->parts[1].body.p, m->parts[1].body.n, &properties, e);
    if (rc == ERR_OK && !json_is_object(json_object_get(properties, "property-map")))
        rc = err_set(e, ERR_PARSE, "the second part has no property map");
    json_decref(paths);
    json_decref(properties);
    return rc;
}
