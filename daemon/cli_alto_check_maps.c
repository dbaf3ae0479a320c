/* Rows of the directory, of network maps, cost maps and their filters (RFC 7285 sections 9, 11.2,
 * 11.3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/netmap.h"
#include "base/arena.h"
#include "daemon/cli_alto_check.h"

#define ARENA_MAX ((size_t)1 << 30)
#define SAMPLES   64u

static const struct conform_resource *need(struct conform *c, enum conform_kind k)
{
    if (!c->first[k])
        conform_none(c, "the server has no such resource");
    return c->first[k];
}

static bool is_get(const struct conform_resource *r, const char *media)
{
    return !r->accepts && strcmp(r->media, media) == 0;
}

#define NETWORK_MEDIA "application/alto-networkmap+json"
#define COST_MEDIA    "application/alto-costmap+json"

/* ---- the directory */

static void i_01(struct conform *c)
{
    struct conform_reply got;

    if (conform_ask(c, "GET", c->a->uri, "", (struct str){0}, &got) &&
        (got.status != 200 || !str_eq(conform_header(&got, "Content-Type"), STR(DIRECTORY_TYPE))))
        conform_fail(c, "GET of the directory is answered with %u and another type", got.status);
    conform_reply_fini(&got);
}

static void i_03(struct conform *c)
{
    const char *id = json_string_value(conform_at(c->directory, "meta/default-alto-network-map"));
    const struct conform_resource *r = conform_find(c, id);

    if (!id)
        conform_fail(c, "meta has no default-alto-network-map");
    else if (!r || !is_get(r, NETWORK_MEDIA))
        conform_fail(c, "default-alto-network-map names \"%s\", which is no network map", id);
}

static void i_04(struct conform *c)
{
    for (size_t i = 0; i < c->count; i++) {
        size_t k;
        const json_t *name;

        json_array_foreach(conform_at(c->all[i].can, "cost-type-names"), k, name)
        {
            if (!json_object_get(conform_at(c->directory, "meta/cost-types"),
                                 json_is_string(name) ? json_string_value(name) : ""))
                conform_fail(c, "\"%s\" has a cost type that meta.cost-types does not define",
                             c->all[i].id);
        }
    }
}

/* Ids are unique in the closure: of the linked directories, too. */
static void i_05(struct conform *c)
{
    struct err e = {0};

    if (cli_alto_directories(c->a, true, &e) != ERR_OK) {
        conform_fail(c, "%s", e.text);
        return;
    }
    for (size_t i = 0; i < c->a->directory_count; i++)
        for (size_t n = 0; n < c->a->directories[i]->resource_count; n++)
            for (size_t k = 0; k < i; k++)
                if (directory_find(c->a->directories[k], c->a->directories[i]->resources[n].id))
                    conform_fail(c, "two directories have a resource \"%.*s\"",
                                 (int)c->a->directories[i]->resources[n].id.n,
                                 c->a->directories[i]->resources[n].id.p);
}

static void i_06(struct conform *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const json_t *uses = json_object_get(c->all[i].entry, "uses");
        const struct conform_resource *used =
            conform_find(c, json_string_value(json_array_get(uses, 0)));

        if (strcmp(c->all[i].media, COST_MEDIA) == 0 &&
            (json_array_size(uses) == 0 || (used && strcmp(used->media, NETWORK_MEDIA) != 0)))
            conform_fail(c, "\"%s\", a cost map, does not use a network map", c->all[i].id);
    }
}

/* GET resources have no "accepts": those answer a GET. */
static void i_08(struct conform *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (!c->all[i].accepts && strncmp(c->all[i].media, "application/alto-", 17) == 0 &&
            strcmp(c->all[i].media, DIRECTORY_TYPE) != 0)
            json_decref(conform_get(c, &c->all[i]));
}

static void i_10(struct conform *c)
{
    bool any = false;

    for (size_t i = 0; i < c->count; i++)
        any |= is_get(&c->all[i], DIRECTORY_TYPE);
    if (!any)
        conform_none(c, "the directory leads to no other");
}

static void n_13(struct conform *c)
{
    for (size_t i = 0; i < c->count; i++) {
        bool there = !is_get(&c->all[i], NETWORK_MEDIA);

        for (size_t k = 0; k < c->count && !there; k++)
            for (size_t n = 0;
                 conform_has(json_object_get(c->all[k].entry, "uses"), c->all[i].id) &&
                 n < json_array_size(conform_at(c->all[k].can, "cost-type-names"));
                 n++) {
                json_t *t = conform_cost_type(c, &c->all[k], n);
                const char *metric = json_string_value(json_object_get(t, "cost-metric"));

                there |= metric && strcmp(metric, "routingcost") == 0;
                json_decref(t);
            }
        if (!there)
            conform_fail(c, "no routingcost for the network map \"%s\"", c->all[i].id);
    }
}

/* ---- network maps */

static void m_01(struct conform *c)
{
    bool any = false;

    for (size_t i = 0; i < c->count; i++)
        if (is_get(&c->all[i], NETWORK_MEDIA)) {
            json_t *doc = conform_get(c, &c->all[i]);

            any = true;
            if (doc && !json_is_object(json_object_get(doc, "network-map")))
                conform_fail(c, "\"%s\" has no member network-map", c->all[i].id);
            json_decref(doc);
        }
    if (!any)
        conform_fail(c, "the server has no network map");
}

static bool is_tag(const char *tag)
{
    size_t n = 0;

    for (; tag && tag[n]; n++)
        if (tag[n] < 0x21 || tag[n] > 0x7e)
            return false;
    return n >= 1 && n <= 64;
}

static void m_02(struct conform *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (is_get(&c->all[i], NETWORK_MEDIA)) {
            json_t *doc = conform_get(c, &c->all[i]);
            const char *id = json_string_value(conform_at(doc, "meta/vtag/resource-id"));

            if (doc && (!id || strcmp(id, c->all[i].id) != 0))
                conform_fail(c, "meta.vtag of \"%s\" names \"%s\"", c->all[i].id, id ? id : "");
            if (doc && !is_tag(json_string_value(conform_at(doc, "meta/vtag/tag"))))
                conform_fail(c, "\"%s\" has no meta.vtag.tag of 1 to 64 characters", c->all[i].id);
            json_decref(doc);
        }
}

static void m_03(struct conform *c)
{
    const struct conform_resource *r = need(c, CONFORM_NETWORK);
    json_t *one = r ? conform_get(c, r) : NULL, *two = r ? conform_get(c, r) : NULL;

    if (one && two &&
        json_equal(conform_at(one, "meta/vtag"), conform_at(two, "meta/vtag")) !=
            json_equal(json_object_get(one, "network-map"), json_object_get(two, "network-map")))
        conform_fail(c, "the tag and the map do not change together");
    json_decref(one);
    json_decref(two);
}

/* Our reader's opinion of a map: ERR_CONFLICT is a prefix in two PIDs. */
static const struct netmap *parse(struct conform *c, const struct conform_resource *r,
                                  struct arena *arena, struct err *e)
{
    const struct netmap *map = NULL;
    struct conform_reply got = {0};

    if (arena && conform_ask(c, "GET", r->uri, "", (struct str){0}, &got) && got.status == 200 &&
        netmap_parse(got.body.data, got.body.len, arena, &map, e) != ERR_OK)
        map = NULL;
    conform_reply_fini(&got);
    return map;
}

static void each_network(struct conform *c, bool complete)
{
    for (size_t i = 0; i < c->count; i++) {
        struct arena *arena = arena_new(ARENA_MAX);
        struct err e = {0};
        const struct netmap *map =
            is_get(&c->all[i], NETWORK_MEDIA) ? parse(c, &c->all[i], arena, &e) : NULL;

        if ((e.code != ERR_OK && (e.code != ERR_CONFLICT || !complete)) ||
            (map && complete && netmap_check_complete(map, &e) != ERR_OK))
            conform_fail(c, "\"%s\": %.300s", c->all[i].id, e.text);
        arena_free(arena);
    }
}

static void m_04(struct conform *c)
{
    each_network(c, true);
}

static void m_05(struct conform *c)
{
    each_network(c, false);
}

/* The first address of each of some prefixes, by the map and by the endpoint property service. */
static void m_06(struct conform *c)
{
    const struct conform_resource *net = need(c, CONFORM_NETWORK), *eps = need(c, CONFORM_EPS);
    struct arena *arena = arena_new(ARENA_MAX);
    struct err e = {0};
    const struct netmap *map = net && eps ? parse(c, net, arena, &e) : NULL;
    char prop[160], key[ADDR_TEXT_MAX + 8], text[ADDR_TEXT_MAX];
    struct addr at[SAMPLES];
    size_t count = 0;
    json_t *ends = json_array(), *body, *doc;

    snprintf(prop, sizeof prop, "%s.pid", net ? net->id : "");
    if (!map || !conform_has(conform_at(eps->can, "prop-types"), prop)) {
        conform_none(c, "no endpoint properties tell the PID");
        arena_free(arena);
        json_decref(ends);
        return;
    }
    for (size_t i = 0; i < map->pid_count && count < SAMPLES; i++) {
        const struct addr a =
            map->pids[i].prefix_count ? map->pids[i].prefixes[0].addr : addr_from_v4(0);

        at[count++] = a;
        snprintf(key, sizeof key, "%s:%s", addr_is_v4(a) ? "ipv4" : "ipv6", addr_format(a, text));
        json_array_append_new(ends, json_string(key));
    }
    body = json_pack("{s:[s], s:O}", "properties", prop, "endpoints", ends);
    doc = conform_post(c, eps, body);
    for (size_t i = 0; doc && i < count; i++) {
        const char *end = json_string_value(json_array_get(ends, i));
        const char *pid = json_string_value(json_object_get(
            json_object_get(json_object_get(doc, "endpoint-properties"), end), prop));
        const pidx want = netmap_locate(map, at[i]);

        if (want != PIDX_NONE && (!pid || !str_eq(str_from(pid), map->pids[want].name)))
            conform_fail(c, "%s of %s is \"%s\", and the map says \"%.*s\"", prop, end,
                         pid ? pid : "", (int)map->pids[want].name.n, map->pids[want].name.p);
    }
    json_decref(doc);
    json_decref(body);
    json_decref(ends);
    arena_free(arena);
}

/* ---- cost maps */

static void c_01(struct conform *c)
{
    bool any = false;

    for (size_t i = 0; i < c->count; i++) {
        json_t *t = is_get(&c->all[i], COST_MEDIA) ? conform_cost_type(c, &c->all[i], 0) : NULL;
        const char *metric = json_string_value(json_object_get(t, "cost-metric"));

        any |= metric && strcmp(metric, "routingcost") == 0;
        json_decref(t);
    }
    if (!any)
        conform_fail(c, "no cost map of routingcost is got as a whole");
}

static void c_02(struct conform *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (is_get(&c->all[i], COST_MEDIA) &&
            json_array_size(conform_at(c->all[i].can, "cost-type-names")) != 1)
            conform_fail(c, "\"%s\" has not just one cost type", c->all[i].id);
}

/* meta as it must be: the type, and the tag of the network map that is served. */
static void look_meta(struct conform *c, const struct conform_resource *r, const json_t *doc,
                      const json_t *type)
{
    const json_t *vtags = conform_at(doc, "meta/dependent-vtags"),
                 *got = conform_at(doc, "meta/cost-type");
    const struct conform_resource *net = conform_find(
        c, json_string_value(json_object_get(json_array_get(vtags, 0), "resource-id")));
    json_t *map;

    if (!json_equal(json_object_get(got, "cost-mode"), json_object_get(type, "cost-mode")) ||
        !json_equal(json_object_get(got, "cost-metric"), json_object_get(type, "cost-metric")))
        conform_fail(c, "meta.cost-type of \"%s\" is another than was asked for", r->id);
    if (json_array_size(vtags) != 1)
        conform_fail(c, "\"%s\" has %zu dependent-vtags, not one", r->id, json_array_size(vtags));
    if (!net) {
        conform_fail(c, "dependent-vtags of \"%s\" name no network map", r->id);
        return;
    }
    map = conform_get(c, net);
    if (map && !json_equal(conform_at(map, "meta/vtag"), json_array_get(vtags, 0)))
        conform_fail(c, "dependent-vtags of \"%s\" is not the tag of \"%s\"", r->id, net->id);
    json_decref(map);
}

static void c_03(struct conform *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (is_get(&c->all[i], COST_MEDIA)) {
            json_t *doc = conform_get(c, &c->all[i]), *type = conform_cost_type(c, &c->all[i], 0);

            if (doc)
                look_meta(c, &c->all[i], doc, type);
            json_decref(doc);
            json_decref(type);
        }
}

static void c_04(struct conform *c)
{
    for (size_t i = 0; i < c->count; i++) {
        json_t *doc = is_get(&c->all[i], COST_MEDIA) ? conform_get(c, &c->all[i]) : NULL;
        const char *src, *dst;
        json_t *row, *v;

        if (doc && !json_is_object(json_object_get(doc, "cost-map")))
            conform_fail(c, "\"%s\" has no member cost-map", c->all[i].id);
        json_object_foreach(json_object_get(doc, "cost-map"), src, row)
        {
            json_object_foreach(row, dst, v)
            {
                if (!json_is_number(v) || json_number_value(v) < 0)
                    conform_fail(c, "the cost from %s to %s in \"%s\" is no number from 0", src,
                                 dst, c->all[i].id);
            }
        }
        json_decref(doc);
    }
}

/* ---- filters */

static json_t *post_made(struct conform *c, const struct conform_resource *r, json_t *body)
{
    json_t *doc = body ? conform_post(c, r, body) : NULL;

    json_decref(body);
    return doc;
}

/* The whole map that a filter is of. */
static json_t *whole_of(struct conform *c, const struct conform_resource *r)
{
    const char *id = json_string_value(json_array_get(json_object_get(r->entry, "uses"), 0));
    const struct conform_resource *net = id ? conform_find(c, id) : c->first[CONFORM_NETWORK];

    return net ? conform_get(c, net) : NULL;
}

static const char *nth_pid(json_t *doc, size_t n)
{
    const char *pid;
    json_t *unused;

    json_object_foreach(json_object_get(doc, "network-map"), pid, unused)
    {
        (void)unused;
        if (n-- == 0)
            return pid;
    }
    return NULL;
}

static void f_01(struct conform *c)
{
    const struct conform_resource *r = need(c, CONFORM_NETWORK_FILTER);
    json_t *whole = r ? whole_of(c, r) : NULL, *all, *twice;
    const char *pid = nth_pid(whole, 0);

    if (!whole || !pid) {
        json_decref(whole);
        return;
    }
    all = post_made(c, r, json_pack("{s:[]}", "pids"));
    twice = post_made(c, r, json_pack("{s:[s,s]}", "pids", pid, pid));
    if (all &&
        !json_equal(json_object_get(all, "network-map"), json_object_get(whole, "network-map")))
        conform_fail(c, "an empty list of PIDs is not the whole map");
    if (twice && (json_object_size(json_object_get(twice, "network-map")) != 1 ||
                  !nth_pid(twice, 0) || strcmp(nth_pid(twice, 0), pid) != 0))
        conform_fail(c, "a PID that is asked for twice is not there once");
    json_decref(whole);
    json_decref(all);
    json_decref(twice);
}

/* Which prefixes come: of this type alone, or with the PIDs left out that have none (F-05). */
static void look_types(struct conform *c, const json_t *doc, const char *type, bool empty_out)
{
    const char *pid, *of;
    json_t *groups, *list;

    json_object_foreach(json_object_get(doc, "network-map"), pid, groups)
    {
        if (empty_out && json_object_size(groups) == 0)
            conform_fail(c, "the PID %s is there without any %s prefix", pid, type);
        json_object_foreach(groups, of, list)
        {
            (void)list;
            if (strcmp(of, type) != 0)
                conform_fail(c, "%s prefixes come where %s was asked for", of, type);
        }
    }
}

static void f_types(struct conform *c, bool empty_out)
{
    static const char *const types[] = {"ipv4", "ipv6"};
    const struct conform_resource *r = need(c, CONFORM_NETWORK_FILTER);

    for (int i = 0; r && i < 2; i++) {
        json_t *doc = post_made(
            c, r, json_pack("{s:[], s:[s,s]}", "pids", "address-types", types[i], types[i]));

        if (doc)
            look_types(c, doc, types[i], empty_out);
        json_decref(doc);
    }
}

static void f_02(struct conform *c)
{
    f_types(c, false);
}

static void f_03(struct conform *c)
{
    const struct conform_resource *r = need(c, CONFORM_NETWORK_FILTER);
    json_t *doc =
        r ? post_made(c, r,
                      json_pack("{s:[s], s:[s]}", "pids", "no-such-pid", "address-types", "ipv4"))
          : NULL;

    if (doc && json_object_size(json_object_get(doc, "network-map")))
        conform_fail(c, "a PID that is none brings something");
    json_decref(doc);
}

static void f_04(struct conform *c)
{
    const struct conform_resource *r = need(c, CONFORM_NETWORK_FILTER);
    json_t *whole = r ? whole_of(c, r) : NULL;
    json_t *doc = whole ? post_made(c, r, json_pack("{s:[s]}", "pids", nth_pid(whole, 0))) : NULL;

    if (doc && !json_equal(conform_at(doc, "meta/vtag"), conform_at(whole, "meta/vtag")))
        conform_fail(c, "meta.vtag is another than that of the whole map");
    json_decref(whole);
    json_decref(doc);
}

static void f_05(struct conform *c)
{
    f_types(c, true);
}

/* A request of the cost filter with another "pids", and what comes. */
static json_t *costs_of(struct conform *c, const char *pids, const char *constraints)
{
    const struct conform_resource *r = need(c, CONFORM_COST_FILTER);
    json_t *body = r ? conform_good(c, r) : NULL;

    if (!body)
        return NULL;
    conform_edit(body, "pids", pids);
    if (constraints)
        conform_edit(body, "constraints", constraints);
    return post_made(c, r, body);
}

static void f_07(struct conform *c)
{
    json_t *absent = costs_of(c, NULL, NULL),
           *empty = costs_of(c, "{\"srcs\":[],\"dsts\":[]}", NULL);
    json_t *none = costs_of(c, "{\"srcs\":[\"no-such-pid\"],\"dsts\":[]}", NULL);

    if (absent && empty &&
        !json_equal(json_object_get(absent, "cost-map"), json_object_get(empty, "cost-map")))
        conform_fail(c, "empty lists are not the same as none");
    if (empty && json_object_size(json_object_get(empty, "cost-map")) == 0)
        conform_fail(c, "empty lists bring nothing");
    if (none && json_object_size(json_object_get(none, "cost-map")))
        conform_fail(c, "a PID that is none brings something");
    json_decref(absent);
    json_decref(empty);
    json_decref(none);
}

static bool offers_constraints(struct conform *c, enum conform_kind k)
{
    const struct conform_resource *r = need(c, k);

    if (r && !json_is_true(conform_at(r->can, "cost-constraints")))
        conform_none(c, "\"%s\" has no constraints", r->id);
    return r && json_is_true(conform_at(r->can, "cost-constraints"));
}

/* Every cost is between the bounds, and as many are there as the whole map has there. */
static void look_range(struct conform *c, const json_t *whole, const json_t *some, double low,
                       double high)
{
    const char *src, *dst;
    json_t *row, *v;

    json_object_foreach(json_object_get(whole, "cost-map"), src, row)
    {
        json_object_foreach(row, dst, v)
        {
            const json_t *got =
                json_object_get(json_object_get(json_object_get(some, "cost-map"), src), dst);
            const bool in = json_number_value(v) >= low && json_number_value(v) <= high;

            if (in != (got != NULL))
                conform_fail(c, "the cost %g from %s to %s is %s for [%g, %g]",
                             json_number_value(v), src, dst, in ? "missing" : "there", low, high);
        }
    }
}

static void f_08(struct conform *c)
{
    json_t *whole = offers_constraints(c, CONFORM_COST_FILTER) ? costs_of(c, NULL, NULL) : NULL,
           *some;
    const char *src;
    double low = 1e300, high = 0;
    char text[96];
    json_t *row, *v;

    json_object_foreach(json_object_get(whole, "cost-map"), src, row)
    {
        const char *dst;

        json_object_foreach(row, dst, v)
        {
            low = json_number_value(v) < low ? json_number_value(v) : low;
            high = json_number_value(v) > high ? json_number_value(v) : high;
        }
    }
    if (whole && high >= low) {
        const double to = low + (high - low) / 2;

        snprintf(text, sizeof text, "[\"ge  %.17g\",\"le %.17g\"]", low, to);
        some = costs_of(c, NULL, text);
        if (some)
            look_range(c, whole, some, low, to);
        json_decref(some);
        snprintf(text, sizeof text, "[\"eq %.17g\"]", high);
        some = costs_of(c, NULL, text);
        if (some)
            look_range(c, whole, some, high, high);
        json_decref(some);
    }
    json_decref(whole);
}

static void f_09(struct conform *c)
{
    (void)offers_constraints(c, CONFORM_COST_FILTER);
}

static void f_10(struct conform *c)
{
    bool any = false;

    for (size_t i = 0; i < c->count; i++) {
        const struct conform_resource *r = &c->all[i];
        json_t *body;

        if (!r->accepts || strcmp(r->media, COST_MEDIA) != 0 ||
            json_is_true(conform_at(r->can, "cost-constraints")) ||
            conform_at(r->can, "testable-cost-type-names"))
            continue;
        any = true;
        body = conform_good(c, r);
        conform_edit(body, "constraints", "[\"le 5\"]");
        conform_refused_json(c, r, body, "E_INVALID_FIELD_VALUE", "constraints", NULL);
        json_decref(body);
    }
    if (!any)
        conform_none(c, "every filter of cost maps takes constraints");
}

static void f_11(struct conform *c)
{
    const struct conform_resource *r = need(c, CONFORM_COST_FILTER);
    json_t *body = r ? conform_good(c, r) : NULL, *doc = body ? conform_post(c, r, body) : NULL;
    const char *src, *dst;
    json_t *row, *v;

    json_object_foreach(json_object_get(doc, "cost-map"), src, row)
    {
        if (!conform_has(conform_at(body, "pids/srcs"), src))
            conform_fail(c, "the source %s was not asked for", src);
        json_object_foreach(row, dst, v)
        {
            (void)v;
            if (!conform_has(conform_at(body, "pids/dsts"), dst))
                conform_fail(c, "the destination %s was not asked for", dst);
        }
    }
    json_decref(body);
    json_decref(doc);
}

static void f_13(struct conform *c)
{
    const struct conform_resource *r = need(c, CONFORM_COST_FILTER);
    json_t *body = r ? conform_good(c, r) : NULL, *doc = body ? conform_post(c, r, body) : NULL;

    if (doc)
        look_meta(c, r, doc, json_object_get(body, "cost-type"));
    json_decref(body);
    json_decref(doc);
}

const struct conform_row conform_rows_maps[] = {
    {"I-01", "MUST", "the directory is got, with its type", i_01},
    {"I-03", "MUST", "the default network map is one", i_03},
    {"I-04", "MUST", "every cost type is defined", i_04},
    {"I-05", "MUST", "resource ids are unique", i_05},
    {"I-06", "SHOULD", "cost maps use a network map", i_06},
    {"I-08", "MUST", "what has no \"accepts\" is got by GET", i_08},
    {"I-10", "SHOULD", "other directories are linked", i_10},
    {"N-13", "MUST", "routingcost for each network map", n_13},
    {"M-01", "MUST", "a network map", m_01},
    {"M-02", "MUST", "meta.vtag", m_02},
    {"M-03", "MUST", "the tag changes with the map alone", m_03},
    {"M-04", "MUST", "every address has a PID", m_04},
    {"M-05", "MUST NOT", "no prefix in two PIDs", m_05},
    {"M-06", "MUST", "addresses belong to the longest prefix", m_06},
    {"C-01", "MUST", "a cost map of routingcost", c_01},
    {"C-02", "MUST", "one cost type for a map got as a whole", c_02},
    {"C-03", "MUST", "meta.cost-type and dependent-vtags", c_03},
    {"C-04", "MUST", "costs are numbers, never null", c_04},
    {"F-01", "MUST", "an empty list of PIDs is all, twice is once", f_01},
    {"F-02", "MUST", "address types filter", f_02},
    {"F-03", "MUST", "unknown PIDs are ignored", f_03},
    {"F-04", "MUST", "the tag is that of the whole map", f_04},
    {"F-05", "SHOULD", "PIDs without such prefixes are left out", f_05},
    {"F-06", "MUST", "the cost type must be offered", NULL},
    {"F-07", "MUST", "no lists are all PIDs, unknown ones none", f_07},
    {"F-08", "MUST", "constraints filter", f_08},
    {"F-09", "MUST", "bad constraints are refused", f_09},
    {"F-10", "MUST", "constraints that are not offered are refused", f_10},
    {"F-11", "MUST NOT", "nothing that was not asked for", f_11},
    {"F-12", "MUST", "no cost-constraints means false", f_10},
    {"F-13", "MUST", "meta of a filtered cost map", f_13},
    {0},
};
