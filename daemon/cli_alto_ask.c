/* `waymark alto filter|ecs|eps|props`: requests made from the words of the command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli_alto.h"

#define JSON_TYPE(name) "application/alto-" name "+json"

/* "192.0.2.1" as ALTO writes it: "ipv4:192.0.2.1" (RFC 7285 section 10.4.3); other text stays. */
static json_t *typed_address(struct str text)
{
    struct addr a;
    struct prefix p;

    if (addr_parse(text.p, text.n, &a, NULL) == ERR_OK)
        return json_sprintf("%s:%.*s", addr_is_v4(a) ? "ipv4" : "ipv6", (int)text.n, text.p);
    if (prefix_parse(text.p, text.n, &p, NULL) == ERR_OK)
        return json_sprintf("%s:%.*s", prefix_is_v4(p) ? "ipv4" : "ipv6", (int)text.n, text.p);
    return json_stringn(text.p, text.n);
}

/* "a,b" as an array; NULL is an empty one. */
static json_t *list_of(const char *words, bool addresses)
{
    json_t *out = json_array();

    while (words && *words) {
        const size_t n = strcspn(words, ",");

        if (n)
            json_array_append_new(out, addresses ? typed_address((struct str){words, n})
                                                 : json_stringn(words, n));
        words += n + (words[n] == ',');
    }
    return out;
}

/* "numerical:routingcost"; a metric may have a colon itself ("numerical:delay-ow:p99"). */
static enum err_code read_type(const char *words, size_t n, json_t **out, struct err *e)
{
    const char *colon = memchr(words, ':', n);

    *out = NULL;
    if (!colon || colon == words || colon + 1 == words + n)
        return err_set(e, ERR_PARSE, "--cost %.*s: it is MODE:METRIC, numerical:routingcost",
                       (int)n, words);
    *out = json_pack("{s:s%, s:s%}", "cost-mode", words, (size_t)(colon - words), "cost-metric",
                     colon + 1, (size_t)(words + n - colon - 1));
    return *out ? ERR_OK : err_set(e, ERR_PARSE, "--cost %.*s: not UTF-8", (int)n, words);
}

static bool same_type(const json_t *asked, const struct cost_type *t)
{
    return str_eq(str_from(json_string_value(json_object_get(asked, "cost-mode"))), t->mode_text) &&
           str_eq(str_from(json_string_value(json_object_get(asked, "cost-metric"))), t->metric);
}

/* The types that are asked for, or the resource's first. */
static enum err_code read_types(const struct cli_alto *a, const struct directory_resource *r,
                                json_t *types, struct err *e)
{
    enum err_code rc = ERR_OK;
    const char *words = a->costs;

    if (!words && r->cost_count == 0)
        return err_set(e, ERR_NOT_FOUND, "\"%.*s\" names no cost type; --cost MODE:METRIC does",
                       (int)r->id.n, r->id.p);
    if (!words)
        json_array_append_new(types,
                              json_pack("{s:s%, s:s%}", "cost-mode", r->costs[0]->mode_text.p,
                                        r->costs[0]->mode_text.n, "cost-metric",
                                        r->costs[0]->metric.p, r->costs[0]->metric.n));
    while (words && *words && rc == ERR_OK) {
        const size_t n = strcspn(words, ",");
        json_t *type;

        rc = read_type(words, n, &type, e);
        if (rc == ERR_OK)
            json_array_append_new(types, type);
        words += n + (words[n] == ',');
    }
    return rc;
}

/* RFC 7285 sections 11.3.2.3 and 11.5.1.3, RFC 8189 section 4.1.2. */
static enum err_code add_costs(const struct cli_alto *a, const struct directory_resource *r,
                               json_t *body, struct err *e)
{
    json_t *types = json_array(), *constraints;
    enum err_code rc = read_types(a, r, types, e);

    if (rc == ERR_OK && json_array_size(types) == 1)
        json_object_set(body, "cost-type", json_array_get(types, 0));
    else if (rc == ERR_OK)
        json_object_set(body, "multi-cost-types", types);
    json_decref(types);
    if (rc != ERR_OK)
        return rc;
    if (a->constraint_count) {
        constraints = json_array();
        for (size_t i = 0; i < a->constraint_count; i++)
            json_array_append_new(constraints, json_string(a->constraints[i]));
        json_object_set_new(body, "constraints", constraints);
    }
    if (a->props) /* path vectors, RFC 9275 section 7.2.3 */
        json_object_set_new(body, "ane-property-names", list_of(a->props, false));
    return ERR_OK;
}

static enum err_code filter_body(const struct cli_alto *a, const struct directory_resource *r,
                                 json_t *body, struct err *e)
{
    if (str_eq(r->accepts, STR(JSON_TYPE("networkmapfilter")))) {
        json_object_set_new(body, "pids", list_of(a->pids, false));
        if (a->types)
            json_object_set_new(body, "address-types", list_of(a->types, false));
        return ERR_OK;
    }
    if (str_eq(r->accepts, STR(JSON_TYPE("costmapfilter")))) {
        json_object_set_new(body, "pids",
                            json_pack("{s:o, s:o}", "srcs", list_of(a->srcs, false), "dsts",
                                      list_of(a->dsts, false)));
        return add_costs(a, r, body, e);
    }
    if (str_eq(r->accepts, STR(JSON_TYPE("cdnifilter")))) {
        json_object_set_new(body, "cdni-capabilities", json_array());
        return ERR_OK;
    }
    return err_set(
        e, ERR_UNSUPPORTED,
        "\"%.*s\" is no resource that filters maps; it takes %.*s (--input JSON says the "
        "whole request)",
        (int)r->id.n, r->id.p, r->accepts.n ? (int)r->accepts.n : 3,
        r->accepts.n ? r->accepts.p : "GET");
}

/* Asks and prints. `body` is taken. */
static enum err_code post(const struct cli_alto *a, const struct directory_resource *r,
                          json_t *body, struct err *e)
{
    char *text = a->input ? strdup(a->input) : json_dumps(body, JSON_COMPACT);
    struct cli_alto_answer got = {0};
    enum err_code rc;

    json_decref(body);
    if (!text)
        return err_set(e, ERR_PARSE, "the request cannot be written: are the words UTF-8?");
    rc = cli_alto_fetch(a, r->uri, r->media_type, r->accepts, str_from(text), &got, e);
    if (rc == ERR_OK)
        rc = cli_alto_print(a, got.type, got.body, e);
    cli_alto_answer_free(&got);
    free(text);
    return rc;
}

static enum err_code need(const char *word, const char *name, struct err *e)
{
    return word ? ERR_OK : err_set(e, ERR_PARSE, "%s is missing", name);
}

enum err_code cli_alto_filter(struct cli_alto *a, struct err *e)
{
    const struct directory_resource *r;
    json_t *body;
    enum err_code rc = need(a->word_count ? a->words[0] : NULL, "the resource's id", e);

    if (rc == ERR_OK)
        rc = cli_alto_find(a, str_from(a->words[0]), &r, e);
    if (rc != ERR_OK)
        return rc;
    body = json_object();
    if (!a->input || !r->accepts.n)
        rc = filter_body(a, r, body, e);
    if (rc == ERR_OK)
        return post(a, r, body, e);
    json_decref(body);
    return rc;
}

/* Does it have all cost types that are asked for? */
static bool has_types(const struct cli_alto *a, const struct directory_resource *r)
{
    json_t *types = json_array();
    struct err e = {0};
    bool all = !a->costs || read_types(a, r, types, &e) == ERR_OK;

    for (size_t i = 0; a->costs && i < json_array_size(types) && all; i++) {
        all = false;
        for (size_t k = 0; k < r->cost_count; k++)
            all |= same_type(json_array_get(types, i), r->costs[k]);
    }
    json_decref(types);
    return all;
}

/* The named resource, or the first of this kind that can do what is asked. */
static enum err_code choose(struct cli_alto *a, struct str accepts, struct str media,
                            const struct directory_resource **out, struct err *e)
{
    enum err_code rc;

    if (a->word_count)
        return cli_alto_find(a, str_from(a->words[0]), out, e);
    rc = cli_alto_directories(a, true, e);
    for (size_t i = 0; i < a->directory_count && rc == ERR_OK; i++) {
        const struct directory *d = a->directories[i];

        for (size_t k = 0; k < d->resource_count; k++)
            if (str_eq(d->resources[k].accepts, accepts) &&
                str_eq(d->resources[k].media_type, media) && has_types(a, &d->resources[k])) {
                *out = &d->resources[k];
                return ERR_OK;
            }
    }
    if (rc == ERR_OK)
        rc = err_set(e, ERR_NOT_FOUND, "the server has no %.*s%s%s", (int)media.n, media.p,
                     a->costs ? " with " : "", a->costs ? a->costs : "");
    return rc;
}

enum err_code cli_alto_ecs(struct cli_alto *a, struct err *e)
{
    const struct directory_resource *r = NULL;
    json_t *body;
    enum err_code rc = a->input ? ERR_OK : need(a->dsts, "--dsts ADDRESS,...", e);

    if (rc == ERR_OK)
        rc = choose(a, STR(JSON_TYPE("endpointcostparams")), STR(JSON_TYPE("endpointcost")), &r, e);
    if (rc != ERR_OK)
        return rc;
    body = json_pack("{s:{s:o}}", "endpoints", "dsts", list_of(a->dsts, true));
    if (a->srcs)
        json_object_set_new(json_object_get(body, "endpoints"), "srcs", list_of(a->srcs, true));
    rc = add_costs(a, r, body, e);
    if (rc == ERR_OK)
        return post(a, r, body, e);
    json_decref(body);
    return rc;
}

enum err_code cli_alto_eps(struct cli_alto *a, struct err *e)
{
    const struct directory_resource *r = NULL;
    enum err_code rc = a->input ? ERR_OK : need(a->endpoints, "--endpoints ADDRESS,...", e);
    json_t *props;

    if (rc == ERR_OK)
        rc = choose(a, STR(JSON_TYPE("endpointpropparams")), STR(JSON_TYPE("endpointprop")), &r, e);
    if (rc != ERR_OK)
        return rc;
    props = list_of(a->props, false);
    for (size_t i = 0; !a->props && i < r->prop_type_count; i++) /* all that it has */
        json_array_append_new(props, json_stringn(r->prop_types[i].p, r->prop_types[i].n));
    return post(
        a, r,
        json_pack("{s:o, s:o}", "properties", props, "endpoints", list_of(a->endpoints, true)), e);
}

enum err_code cli_alto_props(struct cli_alto *a, struct err *e)
{
    const struct directory_resource *r = NULL;
    json_t *body;
    enum err_code rc = a->input ? ERR_OK : need(a->entities, "--entities ENTITY,...", e);

    if (rc == ERR_OK)
        rc = choose(a, STR(JSON_TYPE("propmapparams")), STR(JSON_TYPE("propmap")), &r, e);
    if (rc != ERR_OK)
        return rc;
    body = json_pack("{s:o}", "entities", list_of(a->entities, true));
    if (a->props)
        json_object_set_new(body, "properties", list_of(a->props, false));
    return post(a, r, body, e);
}
