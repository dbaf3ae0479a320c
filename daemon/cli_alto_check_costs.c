/* Rows of endpoint properties and costs, of several costs at once and of calendars (RFC 7285
 * sections 11.4 and 11.5, RFC 8189, RFC 8896). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/http_date.h"
#include "daemon/cli_alto_check.h"

/* ---- endpoint properties */

static void p_03(struct conform *c)
{
    const struct conform_resource *r = conform_need(c, CONFORM_EPS);
    json_t *one = conform_ask_with(c, r, "endpoints", "[\"ipv4:192.0.2.1\"]");
    json_t *two = conform_ask_with(c, r, "endpoints", "[\"ipv4:192.0.2.1\",\"ipv4:192.0.2.1\"]");

    if (one && two && !json_equal(one, two))
        conform_fail(c, "an endpoint that is asked for twice changes the answer");
    json_decref(one);
    json_decref(two);
}

static void p_04(struct conform *c)
{
    const struct conform_resource *r = conform_need(c, CONFORM_EPS);

    for (size_t i = 0; r && i < c->count; i++) {
        char name[160];
        bool there = c->all[i].accepts != NULL ||
                     strcmp(c->all[i].media, "application/alto-networkmap+json") != 0;

        snprintf(name, sizeof name, "%s.pid", c->all[i].id);
        for (size_t k = 0; k < c->count && !there; k++)
            there = conform_has(conform_at(c->all[k].can, "prop-types"), name);
        if (!there)
            conform_fail(c, "no endpoint property service offers \"%s\"", name);
    }
}

static void p_05(struct conform *c)
{
    const struct conform_resource *r = conform_need(c, CONFORM_EPS);
    size_t i;
    const json_t *v;

    json_array_foreach(r ? conform_at(r->can, "prop-types") : NULL, i, v)
    {
        const char *name = json_string_value(v), *dot = name ? strrchr(name, '.') : NULL;
        char id[160] = "", list[256];
        json_t *doc, *net;

        snprintf(id, sizeof id, "%.*s", dot ? (int)(dot - name) : 0, name ? name : "");
        if (!dot || strcmp(dot, ".pid") != 0 || !conform_find(c, id))
            continue;
        snprintf(list, sizeof list, "[\"%s\"]", name);
        doc = conform_ask_with(c, r, "properties", list);
        net = conform_get(c, conform_find(c, id));
        if (doc && net &&
            (json_array_size(conform_at(doc, "meta/dependent-vtags")) != 1 ||
             !json_equal(json_array_get(conform_at(doc, "meta/dependent-vtags"), 0),
                         conform_at(net, "meta/vtag"))))
            conform_fail(c, "dependent-vtags of \"%s\" are not the tag of \"%s\" alone", name, id);
        json_decref(doc);
        json_decref(net);
    }
}

/* ---- endpoint costs */

static void s_02(struct conform *c)
{
    const struct conform_resource *r = conform_need(c, CONFORM_ECS);
    json_t *absent = conform_ask_with(c, r, "endpoints", "{\"dsts\":[\"ipv4:198.51.100.1\"]}");
    json_t *empty =
        conform_ask_with(c, r, "endpoints", "{\"srcs\":[],\"dsts\":[\"ipv4:198.51.100.1\"]}");

    if (absent && json_object_size(json_object_get(absent, "endpoint-cost-map")) > 1)
        conform_fail(c, "without sources there are several, not the client alone");
    if (absent && empty &&
        !json_equal(json_object_get(absent, "endpoint-cost-map"),
                    json_object_get(empty, "endpoint-cost-map")))
        conform_fail(c, "no sources and an empty list of them are not the same");
    json_decref(absent);
    json_decref(empty);
}

static void s_04(struct conform *c)
{
    const struct conform_resource *r = conform_need(c, CONFORM_ECS);
    json_t *one = conform_ask_with(c, r, "endpoints/dsts", "[\"ipv4:192.0.2.1\"]");
    json_t *two =
        conform_ask_with(c, r, "endpoints/dsts", "[\"ipv4:192.0.2.1\",\"ipv4:192.0.2.1\"]");

    if (one && two && !json_equal(one, two))
        conform_fail(c, "a destination that is asked for twice changes the answer");
    json_decref(one);
    json_decref(two);
}

static void s_05(struct conform *c)
{
    const struct conform_resource *r = conform_need(c, CONFORM_ECS);
    json_t *type = r ? conform_cost_type(c, r, 0) : NULL;
    json_t *doc =
        conform_ask_with(c, r, "endpoints/srcs", "[\"ipv4:192.0.2.1\",\"ipv6:2001:db8::1\"]");
    const json_t *got = conform_at(doc, "meta/cost-type");
    const char *src, *dst;
    json_t *row, *v;

    if (doc &&
        (!json_equal(json_object_get(got, "cost-mode"), json_object_get(type, "cost-mode")) ||
         !json_equal(json_object_get(got, "cost-metric"), json_object_get(type, "cost-metric"))))
        conform_fail(c, "meta.cost-type is another than was asked for");
    if (doc && !json_is_object(json_object_get(doc, "endpoint-cost-map")))
        conform_fail(c, "the answer has no member endpoint-cost-map");
    json_object_foreach(json_object_get(doc, "endpoint-cost-map"), src, row)
    {
        json_object_foreach(row, dst, v)
        {
            if (!json_is_number(v) || json_number_value(v) < 0)
                conform_fail(c, "the cost from %s to %s is no number from 0", src, dst);
        }
    }
    json_decref(type);
    json_decref(doc);
}

static void s_06(struct conform *c)
{
    if (!conform_need(c, CONFORM_ECS))
        return;
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->all[i].media, "application/alto-endpointcost+json") == 0 &&
            json_array_size(json_object_get(c->all[i].entry, "uses")))
            conform_fail(c, "\"%s\", an endpoint cost service, has \"uses\"", c->all[i].id);
}

/* What is not numbers only, for the requests of RFC 8189 and RFC 8896. */
static bool is_number_type(const json_t *t)
{
    const char *mode = json_string_value(json_object_get(t, "cost-mode"));

    return mode && strcmp(mode, "numerical") == 0;
}

/* A constraint that everything meets and one that nothing does. */
static void s_08(struct conform *c)
{
    const struct conform_resource *r = conform_need(c, CONFORM_ECS);
    json_t *plain, *all, *none;

    if (!r || !json_is_true(conform_at(r->can, "cost-constraints"))) {
        conform_none(c, "the service has no constraints");
        return;
    }
    plain = conform_ask_with(c, r, "nothing", NULL);
    all = conform_ask_with(c, r, "constraints", "[\"ge 0\"]");
    none = conform_ask_with(c, r, "constraints", "[\"lt 0\"]");
    if (plain && all && !json_equal(plain, all))
        conform_fail(c, "\"ge 0\" changes the answer");
    if (none) {
        const char *src;
        json_t *row;

        json_object_foreach(json_object_get(none, "endpoint-cost-map"), src, row)
        {
            if (json_object_size(row))
                conform_fail(c, "\"lt 0\" leaves costs from %s", src);
        }
    }
    json_decref(plain);
    json_decref(all);
    json_decref(none);
}

/* ---- several costs at once */

static const struct conform_resource *multi(struct conform *c, bool ends)
{
    const struct conform_resource *r = conform_need(c, ends ? CONFORM_ECS : CONFORM_COST_FILTER);

    if (r && json_integer_value(conform_at(r->can, "max-cost-types")) < 1) {
        conform_none(c, "\"%s\" has no max-cost-types", r->id);
        return NULL;
    }
    return r;
}

/* A request for the first n cost types together. */
static json_t *multi_body(struct conform *c, const struct conform_resource *r, size_t n)
{
    json_t *body = r ? conform_good(c, r) : NULL, *types = json_array();

    for (size_t i = 0; r && i < n; i++)
        json_array_append_new(types, conform_cost_type(c, r, i));
    json_object_del(body, "cost-type");
    json_object_set_new(body, "multi-cost-types", types);
    conform_edit(body, "pids", NULL);
    if (!body)
        json_decref(types);
    return body;
}

static size_t multi_count(const struct conform_resource *r)
{
    const size_t most = (size_t)json_integer_value(conform_at(r->can, "max-cost-types"));
    const size_t have = json_array_size(conform_at(r->can, "cost-type-names"));

    return have < most ? have < 2 ? have : 2 : most < 2 ? most : 2;
}

static void x_01(struct conform *c)
{
    bool any = false;

    for (size_t i = 0; i < c->count; i++) {
        const struct conform_resource *r = &c->all[i];
        json_t *body, *type;

        if (!r->accepts || strcmp(r->media, "application/alto-costmap+json") != 0 ||
            json_integer_value(conform_at(r->can, "max-cost-types")) > 0)
            continue;
        any = true;
        body = conform_good(c, r);
        type = json_incref(json_object_get(body, "cost-type"));
        json_object_del(body, "cost-type");
        json_object_set_new(body, "multi-cost-types", json_pack("[o]", type));
        conform_refused_json(c, r, body, "E_MISSING_FIELD E_INVALID_FIELD_VALUE", NULL, NULL);
        json_decref(body);
    }
    if (!any)
        conform_none(c, "every filter of cost maps takes several costs");
}

static void x_02(struct conform *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (json_is_true(conform_at(c->all[i].can, "cost-constraints")) &&
            conform_at(c->all[i].can, "testable-cost-type-names"))
            conform_fail(c, "\"%s\" has cost-constraints and testable-cost-type-names",
                         c->all[i].id);
}

static void x_03(struct conform *c)
{
    for (size_t i = 0; i < c->count; i++) {
        size_t k;
        const json_t *v;

        json_array_foreach(conform_at(c->all[i].can, "testable-cost-type-names"), k, v)
        {
            if (!json_is_string(v) ||
                !conform_has(conform_at(c->all[i].can, "cost-type-names"), json_string_value(v)))
                conform_fail(c, "\"%s\" can test a cost type that it does not have", c->all[i].id);
        }
    }
}

static void x_04_of(struct conform *c, bool ends)
{
    const struct conform_resource *r = multi(c, ends);
    json_t *body = multi_body(c, r, 1);

    if (!body)
        return;
    json_object_set_new(body, "cost-type", conform_cost_type(c, r, 0));
    conform_refused_json(c, r, body, "E_INVALID_FIELD_VALUE", NULL, NULL);
    json_object_del(body, "cost-type");
    json_object_del(body, "multi-cost-types");
    conform_refused_json(c, r, body, "E_MISSING_FIELD", NULL, NULL);
    json_decref(body);
}

static void x_04(struct conform *c)
{
    x_04_of(c, false);
}

static void x_05(struct conform *c)
{
    const struct conform_resource *r = multi(c, false);
    json_t *body = multi_body(c, r, 1), *types = json_object_get(body, "multi-cost-types");
    const json_int_t most = r ? json_integer_value(conform_at(r->can, "max-cost-types")) : 0;

    for (json_int_t i = 0; body && i < most && i < 1000; i++)
        json_array_append(types, json_array_get(types, 0));
    if (body && most < 1000)
        conform_refused_json(c, r, body, "E_INVALID_FIELD_VALUE", "multi-cost-types", NULL);
    if (body) {
        conform_edit(body, "multi-cost-types",
                     "[{\"cost-mode\":\"numerical\",\"cost-metric\":\"no-such\"}]");
        conform_refused_json(c, r, body, "E_INVALID_FIELD_VALUE", NULL, NULL);
    }
    json_decref(body);
}

/* Arrays of as many, in this order, with the values that each type has alone. */
static void look_arrays(struct conform *c, const struct conform_resource *r, const json_t *doc,
                        const json_t *alone, size_t at, size_t n, const char *map)
{
    const char *src, *dst;
    json_t *row, *v;

    json_object_foreach(json_object_get(doc, map), src, row)
    {
        json_object_foreach(row, dst, v)
        {
            const json_t *one =
                json_object_get(json_object_get(json_object_get(alone, map), src), dst);
            const json_t *got = json_array_get(v, at);

            if (json_array_size(v) != n)
                conform_fail(c, "\"%s\": from %s to %s there is no array of %zu", r->id, src, dst,
                             n);
            else if (one ? fabs(json_number_value(one) - json_number_value(got)) > 1e-9
                         : !json_is_null(got))
                conform_fail(c, "\"%s\": cost %zu from %s to %s is another than alone", r->id, at,
                             src, dst);
        }
    }
}

static void x_06_of(struct conform *c, bool ends)
{
    const struct conform_resource *r = multi(c, ends);
    const size_t n = r ? multi_count(r) : 0;
    json_t *body = multi_body(c, r, n), *doc = body ? conform_post(c, r, body) : NULL;

    if (doc && json_object_size(json_object_get(doc, ends ? "endpoint-cost-map" : "cost-map")) == 0)
        conform_fail(c, "several costs at once bring nothing");
    for (size_t i = 0; doc && i < n; i++) {
        json_t *alone;

        json_object_del(body, "multi-cost-types");
        json_object_set_new(body, "cost-type", conform_cost_type(c, r, i));
        alone = conform_post(c, r, body);
        /* Ranks are made over what is asked for: they are the same for the same pairs. */
        if (alone)
            look_arrays(c, r, doc, alone, i, n, ends ? "endpoint-cost-map" : "cost-map");
        json_decref(alone);
    }
    json_decref(body);
    json_decref(doc);
}

static void x_06(struct conform *c)
{
    x_06_of(c, false);
}

static void x_07(struct conform *c)
{
    const struct conform_resource *r = multi(c, false);
    json_t *body = multi_body(c, r, r ? multi_count(r) : 0),
           *doc = body ? conform_post(c, r, body) : NULL;
    const json_t *type = conform_at(doc, "meta/cost-type");

    if (doc && (!json_is_object(type) || json_object_size(type)))
        conform_fail(c, "meta.cost-type is not {}");
    if (doc && json_array_size(conform_at(doc, "meta/multi-cost-types")) !=
                   json_array_size(json_object_get(body, "multi-cost-types")))
        conform_fail(c, "meta.multi-cost-types are not those that were asked for");
    json_decref(body);
    json_decref(doc);
}

static void x_08(struct conform *c)
{
    const struct conform_resource *r = multi(c, false);
    json_t *body = multi_body(c, r, 1), *doc = body ? conform_post(c, r, body) : NULL;
    const char *src, *dst;
    json_t *row, *v;

    json_object_foreach(json_object_get(doc, "cost-map"), src, row)
    {
        json_object_foreach(row, dst, v)
        {
            if (json_array_size(v) != 1)
                conform_fail(c, "one of multi-cost-types does not give arrays of one");
        }
    }
    json_decref(body);
    json_decref(doc);
}

static bool can_test(struct conform *c, const struct conform_resource *r)
{
    const bool can = r && (json_is_true(conform_at(r->can, "cost-constraints")) ||
                           json_array_size(conform_at(r->can, "testable-cost-type-names")));

    if (r && !can)
        conform_none(c, "\"%s\" has no constraints", r->id);
    return can;
}

/* What must be refused, and what must not, of one member. */
static void member_of(struct conform *c, bool ends, const char *name, const char *good,
                      const char *const *bad, size_t count)
{
    const struct conform_resource *r = multi(c, ends);
    json_t *body = can_test(c, r) ? multi_body(c, r, 1) : NULL, *doc;

    if (!body)
        return;
    conform_edit(body, name, good);
    doc = conform_post(c, r, body);
    json_decref(doc);
    for (size_t i = 0; i < count; i++) {
        conform_edit(body, name, bad[i]);
        conform_refused_json(c, r, body, "E_INVALID_FIELD_VALUE", NULL, NULL);
    }
    json_decref(body);
}

static const char *const bad_index[] = {"[\"[9] le 5\"]", "[\"[x] le 5\"]", "[\"[0 le 5\"]"};

static void x_09(struct conform *c)
{
    member_of(c, false, "constraints", "[\"[0] ge 0\",\"ge 0\"]", bad_index, 3);
}

static void x_11(struct conform *c)
{
    static const char *const bad[] = {"[[]]"};
    const struct conform_resource *r = multi(c, false);
    json_t *body;

    member_of(c, false, "or-constraints", "[[\"[0] ge 0\"],[\"[0] lt 0\"]]", bad, 1);
    body = can_test(c, r) ? multi_body(c, r, 1) : NULL;
    if (!body)
        return;
    conform_edit(body, "or-constraints", "[[\"ge 0\"]]");
    conform_edit(body, "constraints", "[\"ge 0\"]");
    conform_refused_json(c, r, body, "E_INVALID_FIELD_VALUE", NULL, NULL);
    json_decref(body);
}

static void x_14(struct conform *c)
{
    x_04_of(c, true);
    x_06_of(c, true);
    member_of(c, true, "constraints", "[\"[0] ge 0\"]", bad_index, 3);
}

/* ---- calendars */

/* A resource with a calendar, and one of its cost types. */
static const struct conform_resource *calendared(struct conform *c, json_t **type,
                                                 size_t *intervals)
{
    for (enum conform_kind k = CONFORM_COST_FILTER; k <= CONFORM_ECS; k++) {
        const struct conform_resource *r = c->first[k];
        const json_t *first =
            r ? json_array_get(conform_at(r->can, "calendar-attributes"), 0) : NULL;
        const char *name =
            json_string_value(json_array_get(json_object_get(first, "cost-type-names"), 0));
        const json_t *t =
            name ? json_object_get(conform_at(c->directory, "meta/cost-types"), name) : NULL;

        if (!is_number_type(t))
            continue;
        *intervals = (size_t)json_integer_value(json_object_get(first, "number-of-intervals"));
        *type = json_pack("{s:O, s:O}", "cost-mode", json_object_get(t, "cost-mode"), "cost-metric",
                          json_object_get(t, "cost-metric"));
        return r;
    }
    conform_none(c, "no resource has a calendar");
    return NULL;
}

static json_t *calendar_ask(struct conform *c, const char *flag, size_t *intervals,
                            const struct conform_resource **of, json_t **doc)
{
    json_t *type = NULL, *body;

    *doc = NULL;
    *of = calendared(c, &type, intervals);
    body = *of ? conform_good(c, *of) : NULL;
    if (!body) {
        json_decref(type);
        return NULL;
    }
    json_object_set_new(body, "cost-type", type);
    conform_edit(body, "pids", NULL);
    conform_edit(body, "calendared", flag);
    return body;
}

static void d_01(struct conform *c)
{
    bool any = false;

    for (size_t i = 0; i < c->count; i++) {
        json_t *seen = json_object();
        size_t k, n;
        const json_t *one, *v;

        json_array_foreach(conform_at(c->all[i].can, "calendar-attributes"), k, one)
        {
            any = true;
            if (!json_is_number(json_object_get(one, "time-interval-size")) ||
                json_number_value(json_object_get(one, "time-interval-size")) < 0 ||
                json_integer_value(json_object_get(one, "number-of-intervals")) < 1)
                conform_fail(c, "calendar-attributes of \"%s\" are none", c->all[i].id);
            json_array_foreach(json_object_get(one, "cost-type-names"), n, v)
            {
                if (!json_is_string(v) || json_object_get(seen, json_string_value(v)))
                    conform_fail(c, "a cost type of \"%s\" has two calendars", c->all[i].id);
                else
                    json_object_set_new(seen, json_string_value(v), json_true());
            }
        }
        json_decref(seen);
    }
    if (!any)
        conform_none(c, "no resource has a calendar");
}

/* Are all costs arrays of n, or numbers (n 0)? */
static void look_shape(struct conform *c, const json_t *doc, size_t n, const char *what)
{
    static const char *const maps[] = {"cost-map", "endpoint-cost-map"};
    const char *src, *dst;
    json_t *row, *v;

    for (int i = 0; i < 2; i++) {
        json_object_foreach(json_object_get(doc, maps[i]), src, row)
        {
            json_object_foreach(row, dst, v)
            {
                if (n ? json_array_size(v) != n : !json_is_number(v))
                    conform_fail(c, "%s: the cost from %s to %s is no %s", what, src, dst,
                                 n ? "array of number-of-intervals" : "single number");
            }
        }
    }
}

static void shape(struct conform *c, const char *flag, const char *what)
{
    const struct conform_resource *r;
    size_t n;
    json_t *doc, *body = calendar_ask(c, flag, &n, &r, &doc);

    if (body) {
        doc = conform_post(c, r, body);
        look_shape(c, doc, flag && strcmp(flag, "[true]") == 0 ? n : 0, what);
    }
    json_decref(doc);
    json_decref(body);
}

static void d_03(struct conform *c)
{
    shape(c, NULL, "without \"calendared\"");
}

static void d_04(struct conform *c)
{
    json_t *type = NULL;
    size_t n;

    if (!calendared(c, &type, &n))
        return;
    json_decref(type);
    for (size_t i = 0; i < c->count; i++)
        if (!c->all[i].accepts && strcmp(c->all[i].media, "application/alto-costmap+json") == 0) {
            json_t *doc = conform_get(c, &c->all[i]);

            look_shape(c, doc, 0, "GET");
            json_decref(doc);
        }
}

static void d_05(struct conform *c)
{
    static const char *const bad[] = {"[true,true]", "[]"};
    const struct conform_resource *r;
    size_t n;
    json_t *doc, *body = calendar_ask(c, "[1]", &n, &r, &doc);

    if (body)
        conform_refused_json(c, r, body, "E_INVALID_FIELD_VALUE E_INVALID_FIELD_TYPE", NULL, NULL);
    for (int i = 0; body && i < 2; i++) {
        conform_edit(body, "calendared", bad[i]);
        conform_refused_json(c, r, body, "E_INVALID_FIELD_VALUE", NULL, NULL);
    }
    json_decref(body);
}

static void d_06(struct conform *c)
{
    shape(c, "[false]", "calendared [false]");
}

static void d_07(struct conform *c)
{
    shape(c, "[true]", "calendared [true]");
}

static void d_08(struct conform *c)
{
    const struct conform_resource *r;
    size_t n;
    json_t *doc, *body = calendar_ask(c, "[true]", &n, &r, &doc);
    const json_t *a;
    const char *text;
    uint64_t start_s = 0;

    if (!body)
        return;
    doc = conform_post(c, r, body);
    a = json_array_get(conform_at(doc, "meta/calendar-response-attributes"), 0);
    text = json_string_value(json_object_get(a, "calendar-start-time"));
    if (doc && (!text || http_date_parse(str_from(text), &start_s, NULL) != ERR_OK))
        conform_fail(c, "calendar-start-time is \"%s\", no date of HTTP", text ? text : "");
    else if (doc && start_s > (uint64_t)time(NULL) + 60)
        conform_fail(c, "calendar-start-time %s is behind the request", text);
    if (doc && (size_t)json_integer_value(json_object_get(a, "number-of-intervals")) != n)
        conform_fail(c, "number-of-intervals is another than in the directory");
    if (doc && !json_is_number(json_object_get(a, "time-interval-size")))
        conform_fail(c, "time-interval-size is missing");
    json_decref(doc);
    json_decref(body);
}

static void d_10(struct conform *c)
{
    const struct conform_resource *r;
    size_t n;
    json_t *doc, *none = NULL, *body = calendar_ask(c, "[true]", &n, &r, &doc);

    if (body && !json_is_true(conform_at(r->can, "cost-constraints")))
        conform_none(c, "\"%s\" has no constraints", r->id);
    else if (body) {
        doc = conform_post(c, r, body);
        conform_edit(body, "constraints", "[\"lt 0\"]");
        none = conform_post(c, r, body);
        if (doc && none && !json_equal(doc, none))
            conform_fail(c, "constraints change a calendar");
    }
    json_decref(doc);
    json_decref(none);
    json_decref(body);
}

const struct conform_row conform_rows_costs[] = {
    {"P-01", "MUST", "properties and endpoints are required", NULL},
    {"P-02", "MUST", "unknown properties are refused", NULL},
    {"P-03", "MUST", "duplicates count once", p_03},
    {"P-04", "MUST", "the PID of each network map is a property", p_04},
    {"P-05", "MUST", "dependent-vtags are of the maps asked", p_05},
    {"P-07", "MUST", "bad addresses are refused with their text", NULL},
    {"S-01", "MUST", "cost type and endpoints are required", NULL},
    {"S-02", "MUST", "no sources are the client; nothing at all is refused", s_02},
    {"S-04", "MUST", "duplicates count once", s_04},
    {"S-05", "MUST", "meta.cost-type, and costs are numbers", s_05},
    {"S-06", "MUST NOT", "endpoint costs use nothing", s_06},
    {"S-08", "MUST", "constraints as of cost maps", s_08},
    {"X-01", "MUST", "several costs only with max-cost-types", x_01},
    {"X-02", "MUST NOT", "cost-constraints with testable types", x_02},
    {"X-03", "MUST", "testable types are cost types", x_03},
    {"X-04", "MUST", "just one of cost-type and multi-cost-types", x_04},
    {"X-05", "MUST", "no unknown types, not too many", x_05},
    {"X-06", "MUST", "arrays in the order asked", x_06},
    {"X-07", "MUST", "meta of several costs", x_07},
    {"X-08", "MUST", "one of several is an array", x_08},
    {"X-09", "MUST", "predicates with an index", x_09},
    {"X-11", "MUST", "or-constraints", x_11},
    {"X-14", "MUST", "the same of endpoint costs", x_14},
    {"D-01", "MUST", "calendar-attributes", d_01},
    {"D-03", "MUST", "a single value without \"calendared\"", d_03},
    {"D-04", "MUST", "GET never has calendars", d_04},
    {"D-05", "MUST", "\"calendared\" is one boolean a cost type", d_05},
    {"D-06", "MUST", "false is a single value", d_06},
    {"D-07", "MUST", "arrays of number-of-intervals", d_07},
    {"D-08", "MUST", "calendar-response-attributes", d_08},
    {"D-10", "MUST", "constraints do not touch calendars", d_10},
    {0},
};
