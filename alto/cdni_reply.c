/* Answers of CDNi advertisements and filtered ones (RFC 9241 sections 3.6 and 5.6). */
#include "alto/cdni_internal.h"
#include "alto/cdni_value.h"
#include "alto/json_value.h"
#include "alto/params.h"
#include "alto/server.h"
#include "alto/vtag_read.h"

#define ASKED_MAX 1024u
#define WORK_MAX  (UINT64_C(1) << 22) /* comparisons of values, of a request */

/* A capability that was asked for. */
struct asked {
    struct str type;
    const json_t *value;
};

/* Section 5.6: the version is that of the whole advertisement, also of a filtered one. */
static void head_write(struct json_write *w, const struct alto_resource *r)
{
    json_write_object(w);
    json_write_key(w, STR("meta"));
    json_write_object(w);
    json_write_key(w, STR("vtag"));
    vtag_write(w, &r->vtag);
    if (r->use_count) { /* of the network map, with altopid footprints alone */
        json_write_key(w, STR("dependent-vtags"));
        json_write_array(w);
        for (size_t i = 0; i < r->use_count; i++)
            vtag_write(w, &r->uses[i]->vtag);
        json_write_array_end(w);
    }
    json_write_object_end(w);
    json_write_key(w, STR("cdni-advertisement"));
    json_write_object(w);
    json_write_key(w, STR("capabilities-with-footprints"));
    json_write_array(w);
}

static bool foot_write(struct json_write *w)
{
    json_write_array_end(w);
    json_write_object_end(w);
    json_write_object_end(w);
    return json_write_done(w);
}

bool alto_cdni_format(const struct alto_resource *r, struct bytes *out)
{
    struct json_write w;

    json_write_init(&w, out);
    head_write(&w, r);
    for (size_t i = 0; i < r->cdni->count; i++)
        cdni_capability_write(&w, &r->cdni->items[i]);
    return foot_write(&w);
}

static bool bad_capability(const struct params *in, const json_t *item, const char *why)
{
    return alto_invalid(in->e, "cdni-capabilities", params_value(in, item), "%s", why);
}

static bool capability_read(const struct params *root, const json_t *item, struct asked *out)
{
    const struct params in = {
        .object = item, .path = "cdni-capabilities", .arena = root->arena, .e = root->e};
    struct err why = {0};

    if (!json_is_object(item))
        return bad_capability(root, item, "a capability is an object");
    if (json_is_null(json_object_get(item, "capability-type")) ||
        json_is_null(json_object_get(item, "capability-value")))
        return bad_capability(root, item, "its capability-type or capability-value is null");
    if (!params_string(&in, "capability-type", true, &out->type))
        return false;
    out->value = json_object_get(item, "capability-value");
    if (!out->value)
        return alto_missing(in.e, params_path(&in, "capability-value"));
    if (cdni_value_check(out->type, out->value, &why) != ERR_OK)
        return bad_capability(root, item, why.text);
    return true;
}

/* *n 0: the whole advertisement. */
static bool request_read(const json_t *doc, struct arena *arena, struct alto_error *e,
                         struct asked **out, size_t *n)
{
    const struct params root = {.object = doc, .path = "", .arena = arena, .e = e};
    const json_t *list;
    struct asked *asked;

    if (!params_array(&root, "cdni-capabilities", true, &list))
        return false;
    *n = json_array_size(list);
    if (*n > ASKED_MAX)
        return alto_status(e, 413, "%zu capabilities asked for, at most %u", *n, ASKED_MAX);
    asked = arena_array(arena, *n, sizeof *asked);
    if (!asked)
        return alto_status(e, 503, "no memory for the request");
    for (size_t i = 0; i < *n; i++)
        if (!capability_read(&root, json_array_get(list, i), &asked[i]))
            return false;
    *out = asked;
    return true;
}

static bool is_asked(const struct cdni_capability *c, const struct asked *asked, size_t n,
                     struct cdni_work *work)
{
    json_t *own = NULL;
    bool found = false;

    for (size_t i = 0; i < n && !found; i++) {
        if (!str_eq(c->type, asked[i].type))
            continue;
        if (!own)
            own =
                json_loadb(c->value.p, c->value.n, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
        found = own && cdni_value_covers(c->type, own, asked[i].value, work);
    }
    json_decref(own);
    return found;
}

static bool answer_write(const struct alto_question *q, const struct asked *asked, size_t n,
                         struct alto_reply *reply)
{
    const struct cdni_advert *a = q->resource->cdni;
    const size_t max = reply->out->len + q->catalog->limits.answer_max;
    struct cdni_work work = {.left = WORK_MAX};
    struct json_write w;

    json_write_init(&w, reply->out);
    head_write(&w, q->resource);
    for (size_t i = 0; i < a->count && work.left && reply->out->len <= max; i++)
        if (n == 0 || is_asked(&a->items[i], asked, n, &work))
            cdni_capability_write(&w, &a->items[i]);
    if (work.left == 0)
        return alto_status(&reply->error, 413, "the capabilities asked for are too many");
    if (!foot_write(&w) || reply->out->len > max)
        return alto_invalid(&reply->error, "cdni-capabilities", (struct str){NULL, 0},
                            "the answer would be longer than %zu bytes, which is answer-max of "
                            "this server: ask for fewer capabilities, or for the whole",
                            q->catalog->limits.answer_max);
    return true;
}

bool alto_cdni_filter_reply(const struct alto_question *q, struct alto_reply *reply)
{
    struct asked *asked = NULL;
    json_t *doc = NULL;
    size_t n = 0;
    bool good = params_load(q->body, &doc, &reply->error) &&
                request_read(doc, q->arena, &reply->error, &asked, &n) &&
                answer_write(q, asked, n, reply);

    json_decref(doc);
    return good;
}
