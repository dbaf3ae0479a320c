/* Update streams (RFC 8895). */
#include "updates_fixture.h"

#define COSTS    "net-cost-num-routingcost"
#define ADD(...) "{\"add\":{" __VA_ARGS__ "}}"
#define NET      "\"n\":{\"resource-id\":\"net\"}"
#define COST     "\"c\":{\"resource-id\":\"" COSTS "\"}"

static const json_t *doc(const struct reader *r, const char *id)
{
    return json_object_get(r->docs, id);
}

/* What the client has is what a GET (a POST of this input) gives now. */
static void ck_current(struct side *s, const struct reader *r, const char *id, const char *resource,
                       const char *input)
{
    json_t *now = side_get(s, resource, input);

    ck_assert_json(doc(r, id), now, resource);
    json_decref(now);
}

static void set_cost(struct side *s, double v)
{
    s->world.cost[0][0][1] = v;
    side_publish(s);
    side_turn(s);
}

static char *tag_of(const json_t *v)
{
    const json_t *vtag = json_object_get(json_object_get(v, "meta"), "vtag");

    return strdup(json_string_value(json_object_get(vtag, "tag")));
}

/* A stream of the network map for who has the version of this tag. */
static struct reader *with_tag(struct side *s, json_t *old, const char *tag,
                               const char *incremental)
{
    char body[256];
    struct reader *r;

    snprintf(body, sizeof body,
             ADD("\"n\":{\"resource-id\":\"net\",\"tag\":\"%s\",\"incremental-changes\":%s}"), tag,
             incremental);
    r = side_stream(s, 0, body);
    json_object_set(r->docs, "n", old);
    reader_read_all(r);
    return r;
}

/* Conformance: U-08. */
START_TEST(opening)
{
    struct side *s = side_new(NULL, 1);
    struct reader *r = side_stream(s, 0, ADD(COST "," NET));

    ck_assert_int_eq(r->status, 200);
    ck_assert_str_eq(r->type, "text/event-stream");
    reader_read_all(r);
    ck_assert_str_eq(r->log, "application/alto-updatestreamcontrol+json "
                             "application/alto-networkmap+json,n "
                             "application/alto-costmap+json,c ");
    ck_assert_ptr_nonnull(strstr(r->control, "/alto/updates/"));
    ck_current(s, r, "n", "net", NULL);
    ck_current(s, r, "c", COSTS, NULL);
    reader_free(r);
    side_free(s);
}
END_TEST

/* Nothing for who has the current version; the patches since for who has one that is still known;
 * all of it for who has another, or takes no patches. */
/* Conformance: U-09. */
START_TEST(opening_with_a_tag)
{
    struct side *s = side_new(NULL, 2);
    json_t *old = side_get(s, "net", NULL);
    char *tag = tag_of(old);
    struct reader *holds = side_stream(s, 0, ADD(NET)); /* the node lives from here on */
    struct reader *r = with_tag(s, old, tag, "true");

    ck_assert_str_eq(r->log, "application/alto-updatestreamcontrol+json ");
    reader_free(r);
    r = with_tag(s, old, tag, "false");
    ck_assert_uint_eq(r->fulls, 0);
    reader_free(r);
    s->world.owner[0] = 3;
    side_publish(s);
    r = with_tag(s, old, tag, "true");
    ck_assert_uint_eq(r->patches, 1);
    ck_assert_uint_eq(r->fulls, 0);
    ck_current(s, r, "n", "net", NULL);
    reader_free(r);
    r = with_tag(s, old, tag, "false");
    ck_assert_uint_eq(r->fulls, 1);
    ck_assert_uint_eq(r->patches, 0);
    ck_current(s, r, "n", "net", NULL);
    reader_free(r);
    r = with_tag(s, old, "unknown", "true");
    ck_assert_uint_eq(r->fulls, 1);
    reader_free(r);
    reader_free(holds);
    json_decref(old);
    free(tag);
    side_free(s);
}
END_TEST

static const struct {
    const char *body, *code, *field;
} refused[] = {
    {"{}", "E_MISSING_FIELD", "add"},
    {"{\"add\":{}}", "E_MISSING_FIELD", "add"},
    {"{\"add\":{},\"remove\":[]}", "E_MISSING_FIELD", "add"},
    {"{\"add\":[]}", "E_INVALID_FIELD_TYPE", "add"},
    {"{\"add\":{\"a\":1}}", "E_INVALID_FIELD_TYPE", "add/a"},
    {ADD("\"a\":{}"), "E_MISSING_FIELD", "add/a/resource-id"},
    {ADD("\"a\":{\"resource-id\":1}"), "E_INVALID_FIELD_TYPE", "add/a/resource-id"},
    {ADD("\"a\":{\"resource-id\":\"nobody\"}"), "E_INVALID_FIELD_VALUE", "add/a/resource-id"},
    {ADD("\"a\":{\"resource-id\":\"updates\"}"), "E_INVALID_FIELD_VALUE", "add/a/resource-id"},
    {ADD("\"a,b\":{\"resource-id\":\"net\"}"), "E_INVALID_FIELD_VALUE", "add"},
    {ADD("\"\":{\"resource-id\":\"net\"}"), "E_INVALID_FIELD_VALUE", "add"},
    {ADD("\"a\":{\"resource-id\":\"net\",\"tag\":7}"), "E_INVALID_FIELD_TYPE", "add/a/tag"},
    {ADD("\"a\":{\"resource-id\":\"net\",\"incremental-changes\":\"no\"}"), "E_INVALID_FIELD_TYPE",
     "add/a/incremental-changes"},
    /* As the resource itself would say. */
    {ADD("\"a\":{\"resource-id\":\"net-filter\"}"), "E_MISSING_FIELD", "pids"},
    {ADD("\"a\":{\"resource-id\":\"net-cost-filter\",\"input\":{}}"), "E_MISSING_FIELD", NULL},
    {ADD("\"a\":{\"resource-id\":\"net-filter\",\"input\":{\"pids\":3}}"), "E_INVALID_FIELD_TYPE",
     "pids"},
    {"{\"add\":", "E_SYNTAX", ""},
};

/* Conformance: U-03, U-04, U-05, U-07. */
START_TEST(refused_openings)
{
    struct side *s = side_new(NULL, 3);
    struct reader *r = side_stream(s, 0, refused[_i].body);
    json_t *v = json_loadb(r->body.data, r->body.len, 0, NULL);
    const json_t *meta = json_object_get(v, "meta");
    const char *field = json_string_value(json_object_get(meta, "field"));
    struct alto_hub_counts counts;

    ck_assert_int_eq(r->status, 400);
    ck_assert_ptr_null(r->use);
    ck_assert_str_eq(r->type, ALTO_TYPE_ERROR);
    ck_assert_str_eq(json_string_value(json_object_get(meta, "code")), refused[_i].code);
    if (refused[_i].field)
        ck_assert_str_eq(field ? field : "", refused[_i].field);
    alto_hub_count(s->hub, &counts);
    ck_assert_uint_eq(counts.streams, 0);
    json_decref(v);
    reader_free(r);
    side_free(s);
}
END_TEST

/* Conformance: U-06. */
START_TEST(remove_in_an_opening)
{
    struct side *s = side_new(NULL, 3);
    struct reader *r =
        side_stream(s, 0, "{\"add\":{\"n\":{\"resource-id\":\"net\"}},\"remove\":[\"x\",7]}");

    ck_assert_int_eq(r->status, 200);
    reader_free(r);
    side_free(s);
}
END_TEST

/* Both maps change at once, then the costs alone, then the network map alone: whose tag is in the
 * costs, too. */
/* Conformance: U-10, U-15. */
START_TEST(network_map_first)
{
    struct side *s = side_new(NULL, 4);
    struct reader *r = side_stream(s, 0, ADD(COST "," NET));
    const char *at, *next;

    for (unsigned i = 0; i < 6; i++) {
        if (i % 3 != 1)
            s->world.owner[i] = (uint8_t)(3 - s->world.owner[i]);
        if (i % 3 != 2)
            s->world.cost[0][1][2] = 100 + i;
        side_publish(s);
        if (i % 2) {
            reader_read_all(r);
            side_turn(s);
        }
    }
    reader_read_all(r);
    at = r->log;
    for (unsigned maps = 0; (next = strchr(at, ' ')); at = next + 1) {
        if (next[-1] == 'n')
            maps++;
        else if (next[-1] == 'c')
            ck_assert_uint_ge(maps, 1);
    }
    ck_current(s, r, "n", "net", NULL);
    ck_current(s, r, "c", COSTS, NULL);
    reader_free(r);
    side_free(s);
}
END_TEST

/* Conformance: U-11. */
START_TEST(no_incremental_changes)
{
    struct side *s = side_new(NULL, 5);
    struct reader *r = side_stream(
        s, 0, ADD("\"c\":{\"resource-id\":\"" COSTS "\",\"incremental-changes\":false}"));
    struct reader *p = side_stream(s, 0, ADD(COST));

    for (unsigned i = 0; i < 4; i++) {
        set_cost(s, 50 + i);
        reader_read_all(r);
        reader_read_all(p);
    }
    ck_assert_uint_eq(r->fulls, 5);
    ck_assert_uint_eq(r->patches, 0);
    ck_assert_uint_eq(p->fulls, 1);
    ck_assert_uint_eq(p->patches, 4);
    ck_current(s, r, "c", COSTS, NULL);
    ck_current(s, p, "c", COSTS, NULL);
    reader_free(r);
    reader_free(p);
    side_free(s);
}
END_TEST

/* A generation in which nothing has changed is no event. */
START_TEST(nothing_new)
{
    struct side *s = side_new(NULL, 6);
    struct reader *r = side_stream(s, 0, ADD(NET "," COST));

    side_publish(s);
    side_turn(s);
    reader_read_all(r);
    ck_assert_uint_eq(r->fulls, 2);
    ck_assert_uint_eq(r->patches, 0);
    reader_free(r);
    side_free(s);
}
END_TEST

/* RFC 8895, section 8.3, from its first message to its last; the control requests come in on
 * another worker. */
/* Conformance: U-20, U-22, U-23, U-24, U-25. */
START_TEST(stream_control)
{
    struct side *s = side_new(NULL, 7);
    char code[64], field[64];
    struct reader *r = side_stream(s, 0,
                                   ADD("\"net\":{\"resource-id\":\"net\"},"
                                       "\"routing\":{\"resource-id\":\"" COSTS "\"},"
                                       "\"hops\":{\"resource-id\":\"net-cost-num-hopcount\"}"));
    char uri[128];

    reader_read_all(r);
    snprintf(uri, sizeof uri, "%s", r->control);
    ck_assert_int_eq(side_control(s, 1, uri, "{\"remove\":[\"hops\"]}", NULL, NULL), 204);
    side_turn(s);
    reader_read_all(r);
    ck_assert_uint_eq(r->stopped, 1);
    s->world.cost[1][0][1] = 77;
    set_cost(s, 31);
    reader_read_all(r);
    ck_assert_ptr_null(strstr(r->log, PATCH_TYPE_MERGE ",hops"));
    ck_assert_ptr_nonnull(strstr(r->log, PATCH_TYPE_MERGE ",routing"));

    ck_assert_int_eq(side_control(s, 1, uri, "{\"remove\":[\"properties\"]}", code, field), 400);
    ck_assert_str_eq(code, "E_INVALID_FIELD_VALUE");
    ck_assert_str_eq(field, "remove");
    /* Twice is legal. */
    ck_assert_int_eq(side_control(s, 1, uri, "{\"remove\":[\"hops\"]}", NULL, NULL), 204);
    /* An id is used once, also one that is stopped. */
    ck_assert_int_eq(
        side_control(s, 1, uri, ADD("\"hops\":{\"resource-id\":\"net\"}"), code, field), 400);
    ck_assert_str_eq(field, "add");
    /* Added and removed at once: not added in a prior request. */
    ck_assert_int_eq(side_control(s, 1, uri,
                                  "{\"add\":{\"x\":{\"resource-id\":\"net\"}},\"remove\":[\"x\"]}",
                                  code, field),
                     400);
    ck_assert_str_eq(field, "remove");
    ck_assert_int_eq(side_control(s, 1, uri,
                                  "{\"add\":{\"x\":{\"resource-id\":\"net\"}},\"remove\":[]}", code,
                                  field),
                     400);
    ck_assert_str_eq(field, "remove");
    ck_assert_int_eq(side_control(s, 1, uri, "{}", code, field), 400);
    ck_assert_str_eq(code, "E_MISSING_FIELD");
    ck_assert_int_eq(
        side_control(s, 1, uri, ADD("\"x\":{\"resource-id\":\"nobody\"}"), code, field), 400);
    ck_assert_str_eq(field, "add/x/resource-id");
    side_turn(s);
    reader_read_all(r);
    ck_assert_uint_eq(r->stopped, 1); /* none of these changed anything */

    ck_assert_int_eq(
        side_control(s, 1, uri,
                     "{\"add\":{\"again\":{\"resource-id\":\"net-cost-num-hopcount\"}},"
                     "\"remove\":[\"routing\"]}",
                     NULL, NULL),
        204);
    side_turn(s);
    reader_read_all(r);
    ck_assert_uint_eq(r->stopped, 2);
    ck_current(s, r, "again", "net-cost-num-hopcount", NULL);

    ck_assert_int_eq(side_control(s, 1, uri, "{\"remove\":[]}", NULL, NULL), 204);
    ck_assert_int_eq(side_control(s, 1, uri, "{\"remove\":[]}", NULL, NULL), 404);
    side_turn(s);
    ck_assert(r->ended);
    reader_read_all(r);
    ck_assert_uint_eq(r->stopped, 4);
    reader_free(r);
    side_free(s);
}
END_TEST

/* Other methods, other types, other names. */
START_TEST(control_is_http)
{
    struct side *s = side_new(NULL, 8);
    struct reader *r = side_stream(s, 0, ADD(NET));
    struct reader *a;
    char uri[128];

    reader_read_all(r);
    snprintf(uri, sizeof uri, "%s", r->control);
    a = side_ask(s, 0, (struct ask){.method = HTTP_GET, .path = uri, .body = ""});
    ck_assert_int_eq(a->status, 405);
    reader_free(a);
    a = side_ask(
        s, 0, (struct ask){.method = HTTP_POST, .path = uri, .body = "{}", .type = "text/plain"});
    ck_assert_int_eq(a->status, 415);
    reader_free(a);
    uri[strlen(uri) - 1] ^= 1;
    ck_assert_int_eq(side_control(s, 0, uri, "{\"remove\":[]}", NULL, NULL), 404);
    reader_free(r);
    side_free(s);
}
END_TEST

/* Conformance: U-20. */
START_TEST(names_differ)
{
    struct side *s = side_new(NULL, 9);
    static char names[100][128];

    for (unsigned i = 0; i < 100; i++) {
        struct reader *r = side_stream(s, 0, ADD(NET));

        reader_read_all(r);
        snprintf(names[i], sizeof *names, "%s", r->control);
        ck_assert_uint_eq(strlen(strrchr(names[i], '/')), 33);
        for (unsigned j = 0; j < i; j++)
            ck_assert_str_ne(names[i], names[j]);
        reader_free(r);
        ck_assert_int_eq(side_control(s, 1, names[i], "{\"remove\":[]}", NULL, NULL), 404);
    }
    side_free(s);
}
END_TEST

/* Conformance: U-28. */
START_TEST(limits)
{
    struct alto_hub_conf conf;
    struct side *s;
    struct reader *r[3], *refused_one;
    char uri[128];

    alto_hub_conf_default(&conf);
    conf.streams_max = 3;
    conf.streams_per_client = 2;
    conf.substreams_max = 2;
    s = side_new(&conf, 10);
    r[0] = side_stream(s, 0, ADD(NET));
    r[1] = side_stream(s, 1, ADD(NET));
    refused_one = side_stream(s, 0, ADD(NET)); /* of one client */
    ck_assert_int_eq(refused_one->status, 503);
    reader_free(refused_one);
    const struct ask other = {.method = HTTP_POST,
                              .path = "/alto/updates",
                              .type = "application/alto-updatestreamparams+json",
                              .body = ADD(NET),
                              .from = "2001:db8::1"};

    r[2] = side_ask(s, 0, other);
    ck_assert_int_eq(r[2]->status, 200);
    refused_one = side_ask(s, 0, other); /* of all */
    ck_assert_int_eq(refused_one->status, 503);
    reader_free(refused_one);
    reader_read_all(r[0]);
    snprintf(uri, sizeof uri, "%s", r[0]->control);
    ck_assert_int_eq(side_control(s, 1, uri, ADD(COST), NULL, NULL), 204);
    ck_assert_int_eq(side_control(s, 1, uri, ADD("\"d\":{\"resource-id\":\"net\"}"), NULL, NULL),
                     503);
    reader_free(r[0]);
    r[0] = side_stream(s, 0, ADD(NET "," COST));
    ck_assert_int_eq(r[0]->status, 200);
    for (unsigned i = 0; i < 3; i++)
        reader_free(r[i]);
    side_free(s);
}
END_TEST

/* Conformance: U-17. */
START_TEST(signs_of_life)
{
    struct side *s = side_new(NULL, 11);
    struct reader *r = side_stream(s, 0, ADD(NET));

    reader_read_all(r);
    for (unsigned i = 0; i < 60; i++) {
        s->now_ms += 1000;
        side_turn(s);
        reader_read_all(r);
        /* Never more than 15 s between two of them. */
        ck_assert_uint_ge(r->comments, i / 15);
    }
    ck_assert_uint_le(r->comments, 5);
    reader_free(r);
    side_free(s);
}
END_TEST

/* Conformance: U-19. */
START_TEST(lines_of_a_large_map)
{
    struct side *s = side_new(NULL, 12);
    struct reader *r;

    s->world.filler = 400;
    side_publish(s);
    r = side_stream(s, 0, ADD(COST));
    ck_assert_uint_ge(alto_find_id(s->catalog, STR(COSTS))->bodies->text->len, 500000);
    while (r->pending.len) {
        reader_read(r, 10000);
        ck_assert_uint_le(r->copied, 65536);
        r->copied = 0;
    }
    ck_assert_uint_eq(r->fulls, 1);
    ck_assert_uint_le(r->longest_line, 16384);
    ck_assert_uint_le(r->most, 65536 + 16384);
    ck_current(s, r, "c", COSTS, NULL);
    reader_free(r);
    side_free(s);
}
END_TEST

/* One reads nothing for twenty generations. */
/* Conformance: U-31. */
START_TEST(slow_reader)
{
    struct side *s = side_new(NULL, 13);
    struct alto_hub_counts counts;
    struct reader *slow, *fast;

    s->world.filler = 200;
    side_publish(s);
    slow = side_stream(s, 0, ADD(COST));
    fast = side_stream(s, 1, ADD(COST));
    reader_read_all(fast);
    for (unsigned i = 0; i < 40; i++) {
        set_cost(s, 200 + i);
        reader_read_all(fast);
    }
    ck_assert_uint_le(slow->most, 65536 + 16384);
    reader_read_all(slow);
    ck_assert_uint_eq(slow->fulls, 2);
    ck_assert_uint_eq(slow->patches, 0);
    ck_assert_uint_eq(fast->fulls, 1);
    ck_assert_uint_eq(fast->patches, 40);
    alto_hub_count(s->hub, &counts);
    ck_assert_uint_eq(counts.replaced, 1);
    ck_current(s, slow, "c", COSTS, NULL);
    ck_current(s, fast, "c", COSTS, NULL);
    reader_free(slow);
    reader_free(fast);
    side_free(s);
}
END_TEST

#define UNDER_50                                                                                   \
    "{\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"},"                \
    "\"pids\":{\"srcs\":[\"pid0\"],\"dsts\":[\"pid1\"]},\"constraints\":[\"le 50\"]}"

/* A value that leaves the range is null in the patch; out of it before and behind, there is no
 * event. */
/* Conformance: U-27. */
START_TEST(constraint)
{
    struct side *s = side_new(NULL, 14);
    const char *input = UNDER_50;
    struct reader *r;

    set_cost(s, 40);
    r = side_stream(s, 0,
                    ADD("\"f\":{\"resource-id\":\"net-cost-filter\",\"input\":" UNDER_50 "}"));
    reader_read_all(r);
    ck_current(s, r, "f", "net-cost-filter", input);
    set_cost(s, 60);
    reader_read_all(r);
    ck_assert_uint_eq(r->patches + r->fulls, 2);
    ck_current(s, r, "f", "net-cost-filter", input);
    ck_assert_ptr_null(
        json_object_get(json_object_get(json_object_get(doc(r, "f"), "cost-map"), "pid0"), "pid1"));
    set_cost(s, 70);
    reader_read_all(r);
    ck_assert_uint_eq(r->patches + r->fulls, 2);
    set_cost(s, 50);
    reader_read_all(r);
    ck_assert_uint_eq(r->patches + r->fulls, 3);
    ck_current(s, r, "f", "net-cost-filter", input);
    reader_free(r);
    side_free(s);
}
END_TEST

/* A resource that is not offered any more: the client is told, and keeps the rest. */
START_TEST(resource_goes)
{
    struct side *s = side_new(NULL, 15);
    struct reader *r =
        side_stream(s, 0, ADD("\"h\":{\"resource-id\":\"net-cost-num-hopcount\"}," COST));

    reader_read_all(r);
    s->world.no_second = true;
    set_cost(s, 12);
    reader_read_all(r);
    ck_assert_uint_eq(r->stopped, 1);
    ck_current(s, r, "c", COSTS, NULL);
    ck_assert(!r->ended);
    reader_free(r);
    side_free(s);
}
END_TEST

/* Many streams are served in batches, each once. */
START_TEST(batches)
{
    struct alto_hub_conf conf;
    struct side *s;
    struct reader *r[500];

    alto_hub_conf_default(&conf);
    conf.streams_per_client = 1000;
    s = side_new(&conf, 16);
    for (unsigned i = 0; i < 500; i++) {
        r[i] = side_stream(s, i % 2, ADD(COST));
        reader_read_all(r[i]);
    }
    set_cost(s, 5);
    for (unsigned i = 0; i < 500; i++) {
        reader_read_all(r[i]);
        ck_assert_uint_eq(r[i]->patches, 1);
        ck_current(s, r[i], "c", COSTS, NULL);
        if (i % 3)
            reader_free(r[i]);
    }
    set_cost(s, 6);
    for (unsigned i = 0; i < 500; i += 3) {
        reader_read_all(r[i]);
        ck_assert_uint_eq(r[i]->patches, 2);
        reader_free(r[i]);
    }
    side_free(s);
}
END_TEST

#define PATHS                                                                                      \
    "{\"cost-type\":{\"cost-mode\":\"array\",\"cost-metric\":\"ane-path\"},"                       \
    "\"pids\":{\"srcs\":[\"pid0\"],\"dsts\":[\"pid1\",\"pid2\"]},"                                 \
    "\"ane-property-names\":[\"max-reservable-bandwidth\"]}"

/* A multipart answer comes whole once; then each part that changes has an event of its own, named
 * by the Content-ID that it had. */
/* Conformance: U-30. */
START_TEST(multipart)
{
    struct side *s = side_new(NULL, 18);
    struct reader *r =
        side_stream(s, 0, ADD("\"pv\":{\"resource-id\":\"pv-path-cost\",\"input\":" PATHS "}"));
    const char *key, *part;
    json_t *now, *v;
    size_t seen;

    reader_read_all(r);
    ck_assert_ptr_nonnull(strstr(r->log, "multipart/related;"));
    ck_assert_uint_eq(json_object_size(r->docs), 2);
    side_publish(s); /* nothing new, whatever the boundary is */
    side_turn(s);
    reader_read_all(r);
    ck_assert_uint_eq(r->fulls + r->patches, 1);

    seen = strlen(r->log);
    for (unsigned i = 0; i < 3; i++)
        s->world.bandwidth[i] += 5;
    side_publish(s);
    side_turn(s);
    reader_read_all(r);
    ck_assert_uint_eq(r->fulls, 1);
    ck_assert_uint_ge(r->patches, 1);
    part = strstr(r->log + seen, "+json,pv.propmap");
    ck_assert_ptr_nonnull(part);

    s->world.path[2][0] ^= true;
    side_publish(s);
    side_turn(s);
    reader_read_all(r);
    ck_assert_ptr_nonnull(strstr(part, "+json,pv.costmap"));
    now = side_get(s, "pv-path-cost", PATHS);
    json_object_foreach(now, key, v)
    {
        char mine[200];

        snprintf(mine, sizeof mine, "pv%s", strchr(key, '.'));
        ck_assert_json(doc(r, mine), v, mine);
    }
    json_decref(now);
    reader_free(r);
    side_free(s);
}
END_TEST

/* RFC 9241, section 3.7.3: an advertisement, then what has changed of it. */
/* Conformance: K-15. */
START_TEST(advertisement)
{
    struct side *s = side_new(NULL, 19);
    struct reader *r = side_stream(s, 0, ADD("\"my-cdnifci-stream\":{\"resource-id\":\"cdni\"}"));

    reader_read_all(r);
    ck_assert_str_eq(r->log, "application/alto-updatestreamcontrol+json "
                             "application/alto-cdni+json,my-cdnifci-stream ");
    s->world.protocols = 7;
    side_publish(s);
    side_turn(s);
    reader_read_all(r);
    ck_assert_uint_eq(r->fulls + r->patches, 2);
    ck_current(s, r, "my-cdnifci-stream", "cdni", NULL);
    reader_free(r);
    side_free(s);
}
END_TEST

#define PIDS_OF(a, b)                                                                              \
    "{\"resource-id\":\"endpoint-prop\",\"input\":{\"properties\":[\"net.pid\"],"                  \
    "\"endpoints\":[\"ipv4:10.0." a ".1\",\"ipv4:10.0." b ".1\"]}}"

/* RFC 8895, section 8.4, with the property that this server has: two sets of endpoints, later a
 * third; a change of one endpoint is told where it is followed, and nowhere else. */
START_TEST(endpoint_properties)
{
    struct side *s = side_new(NULL, 20);
    struct reader *r =
        side_stream(s, 0, ADD("\"props-1\":" PIDS_OF("1", "2") ",\"props-2\":" PIDS_OF("5", "6")));
    size_t seen;

    reader_read_all(r);
    ck_assert_uint_eq(r->fulls, 2);
    seen = strlen(r->log);
    s->world.owner[6] = 3;
    side_publish(s);
    side_turn(s);
    reader_read_all(r);
    ck_assert_ptr_nonnull(strstr(r->log + seen, ",props-2 "));
    ck_assert_int_eq(
        side_control(s, 1, r->control, ADD("\"props-3\":" PIDS_OF("9", "10")), NULL, NULL), 204);
    side_turn(s);
    reader_read_all(r);
    ck_assert_ptr_nonnull(strstr(r->log, "application/alto-endpointprop+json,props-3 "));
    s->world.owner[10] = 0;
    side_publish(s);
    side_turn(s);
    reader_read_all(r);
    ck_current(s, r, "props-3", "endpoint-prop",
               "{\"properties\":[\"net.pid\"],\"endpoints\":[\"ipv4:10.0.9.1\","
               "\"ipv4:10.0.10.1\"]}");
    ck_current(s, r, "props-2", "endpoint-prop",
               "{\"properties\":[\"net.pid\"],\"endpoints\":[\"ipv4:10.0.5.1\","
               "\"ipv4:10.0.6.1\"]}");
    reader_free(r);
    side_free(s);
}
END_TEST

static bool has_text(const json_t *array, const char *text)
{
    size_t i;
    json_t *v;

    json_array_foreach(array, i, v) if (!strcmp(json_string_value(v), text)) return true;
    return false;
}

/* What the directory says of both services: every resource that is used by one that they use, is
 * used by them, and has the types of its changes. */
static void ck_announced(const json_t *resources, const char *id, const char *media_type,
                         const char *accepts)
{
    const json_t *r = json_object_get(resources, id), *uses = json_object_get(r, "uses");
    const json_t *capabilities = json_object_get(r, "capabilities");
    const json_t *types = json_object_get(capabilities, "incremental-change-media-types");
    size_t i, k;
    json_t *v, *below;

    ck_assert_str_eq(json_string_value(json_object_get(r, "media-type")), media_type);
    ck_assert_str_eq(json_string_value(json_object_get(r, "accepts")), accepts);
    ck_assert_uint_ge(json_array_size(uses), 10);
    json_array_foreach(uses, i, v)
    {
        const json_t *used = json_object_get(resources, json_string_value(v));

        ck_assert_msg(used, "%s", json_string_value(v));
        json_array_foreach(json_object_get(used, "uses"), k, below)
            ck_assert_msg(has_text(uses, json_string_value(below)), "%s uses %s",
                          json_string_value(v), json_string_value(below));
        ck_assert_str_eq(json_string_value(json_object_get(types, json_string_value(v))),
                         PATCH_TYPE_MERGE "," PATCH_TYPE_JSON);
    }
    ck_assert(has_text(uses, COSTS) && has_text(uses, "net-cost-filter"));
    ck_assert_ptr_null(json_object_get(types, id));
}

/* RFC 8895 section 8.1, RFC 9569 section 5.4. */
/* Conformance: U-01, U-02, Q-01. */
START_TEST(announced)
{
    struct side *s = side_new(NULL, 21);
    const struct alto_resource *ird = alto_find_path(s->catalog, STR("/alto"));
    json_t *v = json_loadb(ird->bodies->text->data, ird->bodies->text->len, 0, NULL);
    const json_t *resources = json_object_get(v, "resources");

    ck_announced(resources, "updates", "text/event-stream",
                 "application/alto-updatestreamparams+json");
    ck_announced(resources, "tips", "application/alto-tips+json",
                 "application/alto-tipsparams+json");
    ck_assert(json_is_true(
        json_object_get(json_object_get(json_object_get(resources, "updates"), "capabilities"),
                        "support-stream-control")));
    json_decref(v);
    side_free(s);
}
END_TEST

#define CALENDARED                                                                                 \
    "{\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"},"                \
    "\"calendared\":[true],\"pids\":{\"srcs\":[\"pid0\"],\"dsts\":[\"pid1\"]}}"

/* Conformance: D-11. */
START_TEST(calendars)
{
    struct side *s = side_new(NULL, 22);
    const struct alto_resource *ird;
    const json_t *resources, *filter;
    struct reader *r;
    json_t *v;

    s->world.calendar = true;
    set_cost(s, 10);
    ird = alto_find_path(s->catalog, STR("/alto"));
    v = json_loadb(ird->bodies->text->data, ird->bodies->text->len, 0, NULL);
    resources = json_object_get(v, "resources");
    filter = json_object_get(json_object_get(resources, "net-cost-filter"), "capabilities");
    ck_assert_ptr_nonnull(json_object_get(filter, "calendar-attributes"));
    ck_assert(has_text(json_object_get(json_object_get(resources, "updates"), "uses"),
                       "net-cost-filter"));
    json_decref(v);
    r = side_stream(s, 0,
                    ADD("\"f\":{\"resource-id\":\"net-cost-filter\",\"input\":" CALENDARED "}"));
    reader_read_all(r);
    set_cost(s, 20);
    reader_read_all(r);
    ck_assert_uint_eq(r->fulls + r->patches, 2);
    ck_current(s, r, "f", "net-cost-filter", CALENDARED);
    v = json_object_get(json_object_get(json_object_get(doc(r, "f"), "cost-map"), "pid0"), "pid1");
    ck_assert_uint_eq(json_array_size(v), 2);
    reader_free(r);
    side_free(s);
}
END_TEST

/* The process ends while clients are connected: their streams end. */
START_TEST(leaving)
{
    struct side *s = side_new(NULL, 17);
    struct reader *r = side_stream(s, 0, ADD(COST));

    alto_hub_leave(&s->servers[0]);
    ck_assert(r->ended);
    reader_free(r);
    side_free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("alto_sse");
    TCase *c = tcase_create("streams");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(c, opening);
    tcase_add_test(c, opening_with_a_tag);
    tcase_add_loop_test(c, refused_openings, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_test(c, remove_in_an_opening);
    tcase_add_test(c, network_map_first);
    tcase_add_test(c, no_incremental_changes);
    tcase_add_test(c, nothing_new);
    tcase_add_test(c, stream_control);
    tcase_add_test(c, control_is_http);
    tcase_add_test(c, names_differ);
    tcase_add_test(c, limits);
    tcase_add_test(c, signs_of_life);
    tcase_add_test(c, lines_of_a_large_map);
    tcase_add_test(c, slow_reader);
    tcase_add_test(c, constraint);
    tcase_add_test(c, resource_goes);
    tcase_add_test(c, batches);
    tcase_add_test(c, multipart);
    tcase_add_test(c, advertisement);
    tcase_add_test(c, endpoint_properties);
    tcase_add_test(c, announced);
    tcase_add_test(c, calendars);
    tcase_add_test(c, leaving);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
