#include "alto/cost_type_read.h"

#include <string.h>

#include "alto/vtag_read.h"

void cost_type_read_fini(struct cost_type_read *r)
{
    bytes_free(&r->description);
    bytes_free(&r->context);
}

static enum err_code on_key(struct cost_type_read *r, struct json_push *j, struct str key,
                            struct err *e)
{
    const struct {
        const char *name;
        bool *seen;
    } members[] = {{"cost-mode", &r->has_mode},
                   {"cost-metric", &r->has_metric},
                   {"description", &r->has_description},
                   {"cost-context", &r->has_context}};

    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (str_eq(key, str_from(members[i].name))) {
            r->member = members[i].name;
            return vtag_read_once(members[i].seen, key, e);
        }
    r->member = NULL;
    json_push_skip(j); /* RFC 7285 section 8.3.7: unknown members are ignored */
    return ERR_OK;
}

static enum err_code on_end(struct cost_type_read *r, bool *done, struct err *e)
{
    r->member = NULL;
    *done = true;
    if (r->has_metric && !r->has_mode)
        return err_set(e, ERR_PARSE, "\"cost-mode\" is missing");
    if (r->has_mode && !r->has_metric)
        return err_set(e, ERR_PARSE, "\"cost-metric\" is missing");
    return ERR_OK;
}

/* One event of the context itself: it is written again. */
static enum err_code copy_context(struct cost_type_read *r, const struct json_event *ev,
                                  struct err *e)
{
    struct json_write *w = &r->copy;

    // clang-format off
    switch (ev->kind) {
    case JSON_PUSH_OBJECT:     json_write_object(w); break;
    case JSON_PUSH_OBJECT_END: json_write_object_end(w); break;
    case JSON_PUSH_ARRAY:      json_write_array(w); break;
    case JSON_PUSH_ARRAY_END:  json_write_array_end(w); break;
    case JSON_PUSH_KEY:        json_write_key(w, ev->text); break;
    case JSON_PUSH_STRING:     json_write_string(w, ev->text); break;
    case JSON_PUSH_NUMBER:     json_write_made(w, ev->text); break;
    case JSON_PUSH_TRUE:       json_write_bool(w, true); break;
    case JSON_PUSH_FALSE:      json_write_bool(w, false); break;
    case JSON_PUSH_NULL:       json_write_null(w); break;
    }
    // clang-format on
    if (w->full)
        return err_set(e, ERR_LIMIT, "over %d bytes", COST_CONTEXT_MAX);
    if (w->depth > 0)
        return ERR_OK;
    return cost_context_parse((struct str){r->context.data, r->context.len}, &r->source, e);
}

static enum err_code begin_context(struct cost_type_read *r, const struct json_event *ev,
                                   struct err *e)
{
    enum err_code rc = vtag_read_expect(ev, JSON_PUSH_OBJECT, e);

    if (rc != ERR_OK)
        return rc;
    r->context.limit = COST_CONTEXT_MAX;
    json_write_init(&r->copy, &r->context);
    return copy_context(r, ev, e);
}

static enum err_code on_text(struct cost_type_read *r, struct str text, struct err *e)
{
    enum err_code rc;

    if (strcmp(r->member, "cost-mode") == 0)
        return cost_mode_parse(text, &r->mode, e);
    if (strcmp(r->member, "cost-metric") == 0) {
        rc = cost_metric_check(text, e);
        if (rc == ERR_OK) {
            memcpy(r->metric, text.p, text.n);
            r->metric[text.n] = '\0';
        }
        return rc;
    }
    r->description.limit = COST_CONTEXT_MAX;
    if (!bytes_add(&r->description, text.p, text.n))
        return err_set(e, ERR_LIMIT, "over %d bytes", COST_CONTEXT_MAX);
    return ERR_OK;
}

enum err_code cost_type_read_event(struct cost_type_read *r, struct json_push *j,
                                   const struct json_event *ev, bool *done, struct err *e)
{
    enum err_code rc;

    *done = false;
    if (r->copy.depth > 0)
        return copy_context(r, ev, e);
    if (ev->kind == JSON_PUSH_KEY)
        return on_key(r, j, ev->text, e);
    if (ev->kind == JSON_PUSH_OBJECT_END)
        return on_end(r, done, e);
    if (strcmp(r->member, "cost-context") == 0)
        return begin_context(r, ev, e);
    rc = vtag_read_expect(ev, JSON_PUSH_STRING, e);
    return rc == ERR_OK ? on_text(r, ev->text, e) : rc;
}
