#include "alto/vtag_read.h"

#include <string.h>

const char *vtag_read_kind_name(enum json_push_kind kind)
{
    // clang-format off
    static const char *const names[] = {
        [JSON_PUSH_OBJECT] = "an object", [JSON_PUSH_OBJECT_END] = "the end of an object",
        [JSON_PUSH_ARRAY] = "an array",   [JSON_PUSH_ARRAY_END] = "the end of an array",
        [JSON_PUSH_KEY] = "a key",        [JSON_PUSH_STRING] = "a string",
        [JSON_PUSH_NUMBER] = "a number",  [JSON_PUSH_TRUE] = "true",
        [JSON_PUSH_FALSE] = "false",      [JSON_PUSH_NULL] = "null",
    };
    // clang-format on

    return names[kind];
}

enum err_code vtag_read_expect(const struct json_event *ev, enum json_push_kind kind, struct err *e)
{
    if (ev->kind == kind)
        return ERR_OK;
    return err_set(e, ERR_PARSE, "%s, where %s should be", vtag_read_kind_name(ev->kind),
                   vtag_read_kind_name(kind));
}

enum err_code vtag_read_once(bool *seen, struct str key, struct err *e)
{
    char shown[80];

    if (*seen)
        return err_set(e, ERR_PARSE, "\"%s\" stands here a second time",
                       bytes_escape(key.p, key.n, shown, sizeof shown));
    *seen = true;
    return ERR_OK;
}

static enum err_code on_key(struct vtag_read *r, struct json_push *j, struct str key, struct err *e)
{
    if (str_eq(key, STR("resource-id"))) {
        r->member = "resource-id";
        return vtag_read_once(&r->has_id, key, e);
    }
    if (str_eq(key, STR("tag"))) {
        r->member = "tag";
        return vtag_read_once(&r->has_tag, key, e);
    }
    json_push_skip(j); /* RFC 7285 section 8.3.7: unknown members are ignored */
    return ERR_OK;
}

enum err_code vtag_read_event(struct vtag_read *r, struct json_push *j, const struct json_event *ev,
                              struct err *e)
{
    bool is_id = r->member && strcmp(r->member, "resource-id") == 0;
    enum err_code rc;

    if (ev->kind == JSON_PUSH_KEY)
        return on_key(r, j, ev->text, e);
    if (ev->kind == JSON_PUSH_OBJECT_END) {
        r->member = NULL;
        if (!r->has_id)
            return err_set(e, ERR_PARSE, "\"resource-id\" is missing");
        return ERR_OK;
    }
    rc = vtag_read_expect(ev, JSON_PUSH_STRING, e);
    if (rc == ERR_OK)
        rc = is_id ? vtag_check_name("resource id", ev->text, e) : vtag_check_tag(ev->text, e);
    if (rc == ERR_OK) /* the checks hold both to their arrays, and to no NUL */
        memcpy(is_id ? r->vtag.resource_id : r->vtag.tag, ev->text.p, ev->text.n);
    return rc;
}

void vtag_write(struct json_write *w, const struct vtag *vtag)
{
    json_write_object(w);
    json_write_key(w, STR("resource-id"));
    json_write_string(w, str_from(vtag->resource_id));
    json_write_key(w, STR("tag"));
    json_write_string(w, str_from(vtag->tag));
    json_write_object_end(w);
}
