/* Rows of entity properties, of advertisements and of path vectors (RFC 9240, RFC 9241, RFC 9275).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/multipart.h"
#include "daemon/cli_alto_check.h"

/* ---- entity properties */

static void y_01(struct conform *c)
{
    if (!conform_need(c, CONFORM_PROPS))
        return;
    for (size_t i = 0; i < c->count; i++) {
        const struct conform_resource *r = &c->all[i];
        json_t *doc;

        if (r->accepts || strcmp(r->media, "application/alto-propmap+json") != 0)
            continue;
        doc = conform_get(c, r);
        if (doc && !json_is_object(json_object_get(doc, "property-map")))
            conform_fail(c, "\"%s\" has no member property-map", r->id);
        if (!json_is_object(conform_at(r->can, "mappings")))
            conform_fail(c, "\"%s\" has no capability mappings", r->id);
        json_decref(doc);
    }
}

/* dependent-vtags are those of "uses", in that order. */
static void y_07(struct conform *c)
{
    if (!conform_need(c, CONFORM_PROPS))
        return;
    for (size_t i = 0; i < c->count; i++) {
        const struct conform_resource *r = &c->all[i];
        const json_t *uses = json_object_get(r->entry, "uses"), *vtags;
        json_t *doc;

        if (r->accepts || strcmp(r->media, "application/alto-propmap+json") != 0)
            continue;
        doc = conform_get(c, r);
        vtags = conform_at(doc, "meta/dependent-vtags");
        for (size_t k = 0; doc && k < json_array_size(uses); k++)
            if (!json_equal(json_array_get(uses, k),
                            json_object_get(json_array_get(vtags, k), "resource-id")))
                conform_fail(c, "dependent-vtags of \"%s\" are not its uses in their order", r->id);
        if (doc && json_array_size(vtags) != json_array_size(uses))
            conform_fail(c, "\"%s\" has %zu uses and %zu dependent-vtags", r->id,
                         json_array_size(uses), json_array_size(vtags));
        json_decref(doc);
    }
}

static void y_10(struct conform *c)
{
    const struct conform_resource *r = conform_need(c, CONFORM_PROPS_FILTER);
    json_t *one = conform_ask_with(c, r, "entities", "[\"ipv4:192.0.2.1\"]");
    json_t *two = conform_ask_with(c, r, "entities", "[\"ipv4:192.0.2.1\",\"ipv4:192.0.2.1\"]");

    if (one && two && !json_equal(one, two))
        conform_fail(c, "an entity that is asked for twice changes the answer");
    json_decref(one);
    json_decref(two);
}

static void y_12(struct conform *c)
{
    const struct conform_resource *r = conform_need(c, CONFORM_PROPS_FILTER);
    json_t *all = conform_ask_with(c, r, "properties", "[]");

    /* Nothing of an entity that is valid and has none is no error, either. */
    json_decref(conform_ask_with(c, r, "entities", "[\"ipv4:203.0.113.254\"]"));
    if (all && !json_is_object(json_object_get(all, "property-map")))
        conform_fail(c, "an empty list of properties has no property-map");
    json_decref(all);
}

/* An address inside of a prefix of the whole map inherits what that says, unless something nearer
 * does: asked of prefixes that no other is inside of. */
static bool has_inside(const json_t *map, const char *outer)
{
    struct prefix out, in;
    const char *entity;
    json_t *unused;

    if (prefix_parse(outer, strlen(outer), &out, NULL) != ERR_OK)
        return true;
    json_object_foreach((json_t *)(uintptr_t)map, entity, unused)
    {
        (void)unused;
        if (strncmp(entity, "ipv4:", 5) == 0 && strcmp(entity + 5, outer) != 0 &&
            prefix_parse(entity + 5, strlen(entity + 5), &in, NULL) == ERR_OK && in.len > out.len &&
            prefix_has(out, in.addr))
            return true;
    }
    return false;
}

static void inherited(struct conform *c, const struct conform_resource *r, const char *entity,
                      json_t *props)
{
    struct prefix p;
    char text[ADDR_TEXT_MAX], list[80], key[64];
    const char *name;
    json_t *v, *doc;

    if (prefix_parse(entity + 5, strlen(entity + 5), &p, NULL) != ERR_OK)
        return;
    snprintf(key, sizeof key, "ipv4:%s", addr_format(p.addr, text));
    snprintf(list, sizeof list, "[\"%s\"]", key);
    doc = conform_ask_with(c, r, "entities", list);
    json_object_foreach(props, name, v)
    {
        const json_t *of = json_object_get(json_object_get(doc, "property-map"), key);

        /* Only the first property of the map was asked for. */
        if (doc && json_object_get(of, name) && !json_equal(json_object_get(of, name), v))
            conform_fail(c, "%s of %s is not what %s says", name, key, entity);
        if (doc && !of)
            conform_fail(c, "%s does not inherit from %s", key, entity);
    }
    json_decref(doc);
}

static void y_06(struct conform *c)
{
    const struct conform_resource *r = conform_need(c, CONFORM_PROPS_FILTER), *whole = NULL;
    json_t *doc = NULL, *map, *props;
    const char *entity;
    bool any = false;

    for (size_t i = 0; r && i < c->count && !whole; i++)
        if (!c->all[i].accepts && strcmp(c->all[i].media, "application/alto-propmap+json") == 0 &&
            json_equal(conform_at(c->all[i].can, "mappings"), conform_at(r->can, "mappings")))
            whole = &c->all[i];
    doc = whole ? conform_get(c, whole) : NULL;
    map = json_object_get(doc, "property-map");
    json_object_foreach(map, entity, props)
    {
        json_t *first = r ? json_array_get(conform_at(r->can, "mappings/ipv4"), 0) : NULL;

        if (strncmp(entity, "ipv4:", 5) == 0 && strchr(entity, '/') && first &&
            json_object_get(props, json_string_value(first)) && !has_inside(map, entity + 5)) {
            inherited(c, r, entity, props);
            any = true;
        }
    }
    if (r && !any)
        conform_none(c, "no property map has a prefix to inherit from");
    json_decref(doc);
}

/* ---- advertisements */

static void k_01(struct conform *c)
{
    const struct conform_resource *r = conform_need(c, CONFORM_CDNI);
    json_t *doc = r ? conform_get(c, r) : NULL;

    if (doc && !json_is_array(conform_at(doc, "cdni-advertisement/capabilities-with-footprints")))
        conform_fail(c, "\"%s\" has no cdni-advertisement.capabilities-with-footprints", r->id);
    json_decref(doc);
}

static bool uses_pids(const json_t *doc)
{
    size_t i, k;
    const json_t *v, *f;

    json_array_foreach(conform_at(doc, "cdni-advertisement/capabilities-with-footprints"), i, v)
    {
        json_array_foreach(json_object_get(v, "footprints"), k, f)
        {
            const char *type = json_string_value(json_object_get(f, "footprint-type"));

            if (type && strcmp(type, "altopid") == 0)
                return true;
        }
    }
    return false;
}

static void k_02(struct conform *c)
{
    if (!conform_need(c, CONFORM_CDNI))
        return;
    for (size_t i = 0; i < c->count; i++) {
        const struct conform_resource *r = &c->all[i];
        json_t *doc;
        bool pids, depends;

        if (r->accepts || strcmp(r->media, "application/alto-cdni+json") != 0)
            continue;
        doc = conform_get(c, r);
        pids = uses_pids(doc);
        depends = json_array_size(conform_at(doc, "meta/dependent-vtags")) > 0;
        if (doc && !json_is_string(conform_at(doc, "meta/vtag/tag")))
            conform_fail(c, "\"%s\" has no meta.vtag", r->id);
        if (doc &&
            (pids != depends || pids != (json_array_size(json_object_get(r->entry, "uses")) > 0)))
            conform_fail(c, "\"%s\" has altopid footprints, dependent-vtags and uses not together",
                         r->id);
        json_decref(doc);
    }
}

/* The advertisement that the filter is of: the one with its tag. */
static json_t *whole_advert(struct conform *c, const json_t *all)
{
    for (size_t i = 0; i < c->count; i++) {
        json_t *doc;

        if (c->all[i].accepts || strcmp(c->all[i].media, "application/alto-cdni+json") != 0)
            continue;
        doc = conform_get(c, &c->all[i]);
        if (doc && json_equal(conform_at(doc, "meta/vtag"), conform_at(all, "meta/vtag")))
            return doc;
        json_decref(doc);
    }
    return NULL;
}

#define CAPS "cdni-advertisement/capabilities-with-footprints"

static void k_08(struct conform *c)
{
    const struct conform_resource *r = conform_need(c, CONFORM_CDNI_FILTER);
    json_t *all = conform_ask_with(c, r, "cdni-capabilities", "[]");
    json_t *none =
        conform_ask_with(c, r, "cdni-capabilities",
                         "[{\"capability-type\":\"FCI.NoSuch\",\"capability-value\":{}}]");
    json_t *whole = all ? whole_advert(c, all) : NULL;

    if (all && (!whole || !json_equal(conform_at(all, CAPS), conform_at(whole, CAPS))))
        conform_fail(c, "an empty list of capabilities is not the whole advertisement");
    if (none && json_array_size(conform_at(none, CAPS)))
        conform_fail(c, "a capability that is none brings something");
    json_decref(all);
    json_decref(none);
    json_decref(whole);
}

/* The first capability, asked for as it is. */
static json_t *first_capability(struct conform *c, json_t **asked)
{
    const struct conform_resource *r = conform_need(c, CONFORM_CDNI_FILTER);
    json_t *all = conform_ask_with(c, r, "cdni-capabilities", "[]"), *doc = NULL, *body;
    const json_t *first = json_array_get(conform_at(all, CAPS), 0);

    *asked = NULL;
    if (first) {
        *asked =
            json_pack("{s:O, s:O}", "capability-type", json_object_get(first, "capability-type"),
                      "capability-value", json_object_get(first, "capability-value"));
        body = json_pack("{s:[O,O]}", "cdni-capabilities", *asked, *asked);
        doc = conform_post(c, r, body);
        json_decref(body);
    } else if (all) {
        conform_none(c, "the advertisement is empty");
    }
    json_decref(all);
    return doc;
}

/* Every element of the lists that were asked for is in those that came. */
static bool covers(const json_t *value, const json_t *asked)
{
    const char *name;
    const json_t *v;
    size_t i;
    const json_t *item;

    json_object_foreach((json_t *)(uintptr_t)asked, name, v)
    {
        json_array_foreach(v, i, item)
        {
            if (json_is_string(item) &&
                !conform_has(json_object_get(value, name), json_string_value(item)))
                return false;
        }
    }
    return true;
}

static void k_10(struct conform *c)
{
    json_t *asked, *doc = first_capability(c, &asked);
    size_t i;
    const json_t *v;

    if (doc && json_array_size(conform_at(doc, CAPS)) == 0)
        conform_fail(c, "a capability that is there brings nothing");
    json_array_foreach(conform_at(doc, CAPS), i, v)
    {
        if (!json_equal(json_object_get(v, "capability-type"),
                        json_object_get(asked, "capability-type")) ||
            !covers(json_object_get(v, "capability-value"),
                    json_object_get(asked, "capability-value")))
            conform_fail(c, "a capability comes that is not what was asked for");
    }
    json_decref(asked);
    json_decref(doc);
}

static void k_11(struct conform *c)
{
    json_t *asked, *doc = first_capability(c, &asked), *whole = doc ? whole_advert(c, doc) : NULL;

    if (doc && !whole)
        conform_fail(c, "the tag of the filtered advertisement is that of none");
    json_decref(asked);
    json_decref(doc);
    json_decref(whole);
}

/* ---- path vectors */

struct path_answer {
    struct conform_reply reply;
    struct multipart m;
    json_t *costs, *props;
};

static void path_fini(struct path_answer *p)
{
    if (!p)
        return;
    json_decref(p->costs);
    json_decref(p->props);
    conform_reply_fini(&p->reply);
    free(p);
}

/* All paths with the first property; NULL: the check has its verdict. */
static struct path_answer *path_ask(struct conform *c, const char *props)
{
    const struct conform_resource *r = conform_need(c, CONFORM_PATH);
    json_t *body = r ? conform_good(c, r) : NULL;
    struct path_answer *p = body ? calloc(1, sizeof *p) : NULL;
    char *text = NULL;
    struct err e = {0};
    struct str type;

    if (!p) {
        json_decref(body);
        return NULL;
    }
    conform_edit(body, "pids", "{\"srcs\":[],\"dsts\":[]}");
    conform_edit(body, "cost-type", "{\"cost-mode\":\"array\",\"cost-metric\":\"ane-path\"}");
    conform_edit(body, "ane-property-names", props);
    text = conform_text(body);
    if (conform_post_text(c, r, text, &p->reply) && p->reply.status != 200)
        conform_fail(c, "\"%s\" answers %.150s with %u", r->id, text, p->reply.status);
    type = conform_header(&p->reply, "Content-Type");
    if (c->verdict == CONFORM_PASS &&
        multipart_read(type, (struct str){p->reply.body.data, p->reply.body.len}, false, &p->m,
                       &e) != ERR_OK)
        conform_fail(c, "\"%s\": %.300s", r->id, e.text);
    if (c->verdict == CONFORM_PASS && p->m.part_count == 2) {
        p->costs = json_loadb(p->m.parts[0].body.p, p->m.parts[0].body.n, 0, NULL);
        p->props = json_loadb(p->m.parts[1].body.p, p->m.parts[1].body.n, 0, NULL);
    }
    if (c->verdict == CONFORM_PASS && (!p->costs || !p->props))
        conform_fail(c, "\"%s\" gives %zu parts, and not two of JSON", r->id, p->m.part_count);
    free(text);
    json_decref(body);
    if (c->verdict == CONFORM_PASS)
        return p;
    path_fini(p);
    return NULL;
}

static void v_01(struct conform *c)
{
    const struct conform_resource *r = conform_need(c, CONFORM_PATH);
    bool any = false;

    for (size_t i = 0; r && i < json_array_size(conform_at(r->can, "cost-type-names")); i++) {
        json_t *t = conform_cost_type(c, r, i);
        const char *mode = json_string_value(json_object_get(t, "cost-mode"));
        const char *metric = json_string_value(json_object_get(t, "cost-metric"));

        any |= mode && metric && strcmp(mode, "array") == 0 && strcmp(metric, "ane-path") == 0;
        json_decref(t);
    }
    if (r && !any)
        conform_fail(c, "\"%s\" does not offer the cost type array ane-path", r->id);
}

static void v_02(struct conform *c)
{
    const struct conform_resource *r = conform_need(c, CONFORM_PATH);

    if (r && !strstr(r->media, "type=application/alto-costmap+json") &&
        !strstr(r->media, "type=\"application/alto-costmap+json\""))
        conform_fail(c, "the media type of \"%s\" is %s, without its type", r->id, r->media);
}

static void v_03(struct conform *c)
{
    const struct conform_resource *r = conform_need(c, CONFORM_PATH);

    if (r && json_is_true(conform_at(r->can, "cost-constraints")))
        conform_fail(c, "\"%s\" has cost-constraints", r->id);
}

static void v_05(struct conform *c)
{
    struct path_answer *p = path_ask(c, "[]");

    if (p && (!str_eq(p->m.parts[0].type, STR("application/alto-costmap+json")) ||
              !str_eq(p->m.parts[1].type, STR("application/alto-propmap+json")) ||
              !p->m.parts[0].id.n || !p->m.parts[1].id.n))
        conform_fail(c, "the parts are not a path vector and a property map with Content-IDs");
    path_fini(p);
}

static void v_06(struct conform *c)
{
    struct path_answer *p = path_ask(c, "[]");
    const json_t *vtag = p ? conform_at(p->costs, "meta/vtag") : NULL;
    const char *id = json_string_value(json_object_get(vtag, "resource-id"));
    bool there = false;
    size_t i;
    const json_t *v;

    if (p &&
        (!id || strncmp(id, c->first[CONFORM_PATH]->id, strlen(c->first[CONFORM_PATH]->id)) != 0))
        conform_fail(c, "meta.vtag names \"%s\"", id ? id : "");
    if (p && json_array_size(conform_at(p->costs, "meta/dependent-vtags")) != 1)
        conform_fail(c, "the path vector has not just one of dependent-vtags");
    json_array_foreach(p ? conform_at(p->props, "meta/dependent-vtags") : NULL, i, v)
    {
        there |= json_equal(v, vtag);
    }
    if (p && !there)
        conform_fail(c, "the property map does not depend on the path vector's tag");
    path_fini(p);
}

/* Each element of each path has its entity. */
static void v_08(struct conform *c)
{
    struct path_answer *p = path_ask(c, "[]");
    const char *src, *dst;
    json_t *row, *path;

    json_object_foreach(p ? json_object_get(p->costs, "cost-map") : NULL, src, row)
    {
        json_object_foreach(row, dst, path)
        {
            for (size_t i = 0; i < json_array_size(path); i++) {
                char key[160];

                snprintf(key, sizeof key, ".ane:%s",
                         json_string_value(json_array_get(path, i))
                             ? json_string_value(json_array_get(path, i))
                             : "");
                if (!json_object_get(json_object_get(p->props, "property-map"), key))
                    conform_fail(c, "%s of the path from %s to %s is not in the property map", key,
                                 src, dst);
            }
        }
    }
    path_fini(p);
}

/* With a property asked for: what it is, and nothing else. */
static void v_09(struct conform *c)
{
    const struct conform_resource *r = conform_need(c, CONFORM_PATH);
    const char *name = "max-reservable-bandwidth", *entity, *prop;
    struct path_answer *p;
    json_t *props, *v;

    if (r && !conform_has(conform_at(r->can, "ane-property-names"), name)) {
        conform_none(c, "\"%s\" does not offer %s", r->id, name);
        return;
    }
    p = path_ask(c, "[\"max-reservable-bandwidth\"]");
    json_object_foreach(p ? json_object_get(p->props, "property-map") : NULL, entity, props)
    {
        json_object_foreach(props, prop, v)
        {
            if (strcmp(prop, name) != 0 || !json_is_number(v) || json_number_value(v) < 0)
                conform_fail(c, "%s of %s is not a bandwidth from 0", prop, entity);
        }
    }
    path_fini(p);
}

static void v_10(struct conform *c)
{
    struct path_answer *p = path_ask(c, "[]");
    const char *entity;
    json_t *v;

    json_object_foreach(p ? json_object_get(p->props, "property-map") : NULL, entity, v)
    {
        (void)v;
        if (!strstr(entity, ".ane:"))
            conform_fail(c, "the entity %s is of no domain .ane", entity);
    }
    path_fini(p);
}

static void v_12(struct conform *c)
{
    struct path_answer *p = path_ask(c, "[]"), *q = p ? path_ask(c, "[]") : NULL;
    const char *entity;
    json_t *v;

    json_object_foreach(q ? json_object_get(q->props, "property-map") : NULL, entity, v)
    {
        (void)v;
        if (strncmp(entity, ".ane:", 5) == 0 &&
            json_object_get(json_object_get(p->props, "property-map"), entity))
            conform_fail(c, "two answers name an element %s", entity);
    }
    path_fini(p);
    path_fini(q);
}

const struct conform_row conform_rows_more[] = {
    {"Y-01", "MUST", "property maps are got, with their mappings", y_01},
    {"Y-06", "MUST", "addresses inherit from the nearest prefix", y_06},
    {"Y-07", "MUST", "dependent-vtags in the order of uses", y_07},
    {"Y-10", "MUST", "entities are required, twice is once", y_10},
    {"Y-11", "MUST", "unknown domains and bad entities are refused", NULL},
    {"Y-12", "MUST", "unknown properties are refused, none are all", y_12},
    {"K-01", "MUST", "an advertisement", k_01},
    {"K-02", "MUST", "its tag, and uses only with altopid", k_02},
    {"K-08", "MUST", "an empty filter is all, unknown ones are left out", k_08},
    {"K-09", "MUST", "null is refused", NULL},
    {"K-10", "MUST", "what comes covers what was asked", k_10},
    {"K-11", "MUST", "the tag is that of the whole", k_11},
    {"V-01", "MUST", "the cost type array ane-path", v_01},
    {"V-02", "MUST", "multipart/related with its type", v_02},
    {"V-03", "MUST", "no constraints", v_03},
    {"V-04", "MUST", "unknown properties of elements are refused", NULL},
    {"V-05", "MUST", "two parts with Content-IDs", v_05},
    {"V-06", "MUST", "the tags of the parts", v_06},
    {"V-08", "MUST", "an entity for each element", v_08},
    {"V-09", "MUST", "max-reservable-bandwidth", v_09},
    {"V-10", "MUST", "elements are of the domain .ane", v_10},
    {"V-12", "SHOULD", "names of elements differ from answer to answer", v_12},
    {0},
};
