/* TIPS (RFC 9569). */
#include "updates_fixture.h"

#define COSTS "net-cost-num-routingcost"
#define TIPS  "application/alto-tipsparams+json"
#define ACCEPT                                                                                     \
    "application/alto-costmap+json,application/alto-networkmap+json," PATCH_TYPE_MERGE             \
    "," PATCH_TYPE_JSON ",application/alto-error+json"

#define UNDER_50                                                                                   \
    "{\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"},"                \
    "\"pids\":{\"srcs\":[\"pid0\"],\"dsts\":[\"pid1\"]},\"constraints\":[\"le 50\"]}"

/* What an answer says of the graph. */
struct view {
    int status;
    char uri[128]; /* path alone */
    json_int_t start, end, from, to;
    char code[64], field[64];
};

static void take_error(const json_t *v, struct view *out)
{
    const json_t *meta = json_object_get(v, "meta");
    const char *code = json_string_value(json_object_get(meta, "code"));
    const char *field = json_string_value(json_object_get(meta, "field"));

    snprintf(out->code, sizeof out->code, "%s", code ? code : "");
    snprintf(out->field, sizeof out->field, "%s", field ? field : "");
}

static struct view take_view(struct reader *r)
{
    struct view out = {.status = r->status};
    json_t *v = json_loadb(r->body.data ? r->body.data : "", r->body.len, 0, NULL);
    const json_t *g =
        json_object_get(json_object_get(v, "tips-view-summary"), "updates-graph-summary");
    const json_t *rec = json_object_get(g, "start-edge-rec");
    const char *uri = json_string_value(json_object_get(v, "tips-view-uri"));

    if (r->status != 200) {
        ck_assert_str_eq(r->type, ALTO_TYPE_ERROR);
        take_error(v, &out);
    }
    if (uri) {
        ck_assert_msg(!strncmp(uri, "http://alto.example.com/", 24), "%s", uri);
        snprintf(out.uri, sizeof out.uri, "%s", uri + 23);
    }
    out.start = json_integer_value(json_object_get(g, "start-seq"));
    out.end = json_integer_value(json_object_get(g, "end-seq"));
    out.from = json_integer_value(json_object_get(rec, "seq-i"));
    out.to = json_integer_value(json_object_get(rec, "seq-j"));
    json_decref(v);
    reader_free(r);
    return out;
}

static struct view post(struct side *s, unsigned worker, const char *path, const char *body)
{
    return take_view(side_ask(s, worker,
                              (struct ask){.method = HTTP_POST,
                                           .path = path,
                                           .type = TIPS,
                                           .accept = "application/alto-tips+json",
                                           .body = body}));
}

static struct view open_view(struct side *s, const char *body)
{
    return post(s, 0, "/alto/tips", body);
}

static struct reader *get(struct side *s, unsigned worker, const char *view, json_int_t from,
                          json_int_t to)
{
    char path[256];

    snprintf(path, sizeof path, "%s/ug/%lld/%lld", view, (long long)from, (long long)to);
    return side_ask(s, worker,
                    (struct ask){.method = HTTP_GET, .path = path, .accept = ACCEPT, .body = ""});
}

static int status_of(struct side *s, const char *view, json_int_t from, json_int_t to)
{
    struct reader *r = get(s, 0, view, from, to);
    const int status = r->status;

    if (status != 200 && status != 0)
        ck_assert_str_eq(r->type, ALTO_TYPE_ERROR);
    reader_free(r);
    return status;
}

/* An edge applied to a document; NULL: it begins with this one. The old one is let go. */
static json_t *apply(json_t *old, const struct reader *r)
{
    json_t *v = json_loadb(r->body.data, r->body.len, 0, NULL), *next = v;
    struct err e = {0};

    ck_assert_int_eq(r->status, 200);
    ck_assert_ptr_nonnull(v);
    if (!strcmp(r->type, PATCH_TYPE_MERGE))
        next = merge_patch_apply(old, v);
    else if (!strcmp(r->type, PATCH_TYPE_JSON))
        ck_assert_msg(json_patch_apply(old, v, &next, &e) == ERR_OK, "%s", e.text);
    ck_assert_ptr_nonnull(next);
    if (next != v)
        json_decref(v);
    json_decref(old);
    return next;
}

static void set_cost(struct side *s, double v)
{
    s->world.cost[0][0][1] = v;
    side_publish(s);
    side_turn(s);
}

static const struct {
    const char *body, *code, *field;
} refused[] = {
    {"{}", "E_MISSING_FIELD", "resource-id"},
    {"{\"resource-id\":3}", "E_INVALID_FIELD_TYPE", "resource-id"},
    {"{\"resource-id\":\"my-network-map/#\"}", "E_INVALID_FIELD_VALUE", "resource-id"},
    {"{\"resource-id\":\"tips\"}", "E_INVALID_FIELD_VALUE", "resource-id"},
    {"{\"resource-id\":\"net\",\"tag\":[]}", "E_INVALID_FIELD_TYPE", "tag"},
    {"{\"resource-id\":\"net-filter\"}", "E_MISSING_FIELD", "pids"},
    {"{\"resource-id\":\"net-filter\",\"input\":{\"pids\":{}}}", "E_INVALID_FIELD_TYPE", "pids"},
    {"{\"resource-id\"", "E_SYNTAX", ""},
};

/* Conformance: Q-02. */
START_TEST(refused_openings)
{
    struct side *s = side_new(NULL, 1);
    struct view v = open_view(s, refused[_i].body);

    ck_assert_int_eq(v.status, 400);
    ck_assert_str_eq(v.code, refused[_i].code);
    ck_assert_str_eq(v.field, refused[_i].field);
    side_free(s);
}
END_TEST

/* Conformance. */
START_TEST(opening)
{
    struct side *s = side_new(NULL, 2);
    struct view a = open_view(s, "{\"resource-id\":\"" COSTS "\"}");
    struct view b = open_view(s, "{\"resource-id\":\"" COSTS "\"}");
    struct view other = open_view(s, "{\"resource-id\":\"net\"}");
    struct view with = open_view(s, "{\"resource-id\":\"net-cost-filter\",\"input\":" UNDER_50 "}");
    struct view all = open_view(s, "{\"resource-id\":\"net-cost-filter\",\"input\":{\"pids\":{"
                                   "\"srcs\":[],\"dsts\":[]},\"cost-type\":{\"cost-mode\":"
                                   "\"numerical\",\"cost-metric\":\"routingcost\"}}}");

    ck_assert_int_eq(a.status, 200);
    ck_assert_int_eq(a.start, 1);
    ck_assert_int_eq(a.end, 1);
    ck_assert_int_eq(a.from, 0);
    ck_assert_int_eq(a.to, 1);
    ck_assert_str_eq(a.uri, b.uri);
    ck_assert_str_ne(a.uri, other.uri);
    ck_assert_int_eq(with.status, 200);
    ck_assert_int_eq(all.status, 200);
    ck_assert_str_ne(with.uri, all.uri);
    ck_assert_uint_eq(strlen(a.uri), strlen("/alto/tips/") + 32);
    side_free(s);
}
END_TEST

static void ck_tag(struct side *s, const char *view, const char *tag, json_int_t from,
                   json_int_t to)
{
    char body[160];
    struct view v;

    snprintf(body, sizeof body, "{\"resource-id\":\"net\",\"tag\":\"%s\"}", tag);
    v = open_view(s, body);
    ck_assert_int_eq(v.from, from);
    ck_assert_int_eq(v.to, to);
    snprintf(body, sizeof body, "%s/ug", view);
    char same[160];
    snprintf(same, sizeof same, "{\"resource-id\":\"net\",\"tag\":\"%s\"}", tag);
    v = post(s, 1, body, same);
    ck_assert_int_eq(v.status, 200);
    ck_assert_str_eq(v.uri, "");
    ck_assert_int_eq(v.from, from);
    ck_assert_int_eq(v.to, to);
}

/* With a tag that is known the next step is that version's edge, unless the steps are longer than a
 * snapshot. */
/* Conformance. */
START_TEST(recommended_edge)
{
    struct side *s = side_new(NULL, 3);
    struct view v = open_view(s, "{\"resource-id\":\"net\"}");
    char tags[4][ALTO_TAG_MAX + 1], path[160];

    for (unsigned i = 0; i < 4; i++) {
        if (i) {
            s->world.owner[i] = 3;
            s->world.pid[7] = i & 1;
            side_publish(s);
        }
        memcpy(tags[i], alto_find_id(s->catalog, STR("net"))->vtag.tag, sizeof tags[i]);
    }
    ck_tag(s, v.uri, tags[3], 4, 5);
    ck_tag(s, v.uri, tags[2], 3, 4);
    ck_tag(s, v.uri, "unknown", 0, 4);
    snprintf(path, sizeof path, "%s/ug", v.uri);
    v = post(s, 0, path, "{\"resource-id\":\"net\"}");
    ck_assert_int_eq(v.start, 1);
    ck_assert_int_eq(v.end, 4);
    ck_assert_int_eq(v.from, 0);
    ck_assert_int_eq(v.to, 4);
    v = post(s, 0, path, "{\"resource-id\":\"" COSTS "\"}");
    ck_assert_int_eq(v.status, 400);
    ck_assert_str_eq(v.field, "resource-id");
    v = post(s, 0, path, "{\"resource-id\":\"net\",\"input\":{}}");
    ck_assert_int_eq(v.status, 400);
    ck_assert_str_eq(v.field, "input");
    v = post(s, 0, path, "{}");
    ck_assert_str_eq(v.code, "E_MISSING_FIELD");
    path[strlen(path) - 5] ^= 1;
    v = post(s, 0, path, "{\"resource-id\":\"net\"}");
    ck_assert_int_eq(v.status, 404);
    side_free(s);
}
END_TEST

/* From the first snapshot along every edge, and from every snapshot: always the document of that
 * version, whatever was compacted. */
/* Conformance: Q-06. */
START_TEST(graph)
{
    struct alto_hub_conf conf;
    struct side *s;
    struct view v;
    json_t *versions[64] = {NULL};
    json_int_t start = 0;
    uint64_t seed;

    hash_random(&seed, sizeof seed);
    alto_hub_conf_default(&conf);
    conf.versions_max = 6;
    s = side_new(&conf, seed);
    (void)open_view(s, "{\"resource-id\":\"" COSTS "\"}");
    for (unsigned round = 0; round < 40; round++) {
        struct reader *r;
        json_t *doc;

        if (round) {
            world_change(&s->world);
            side_publish(s);
            side_turn(s);
        }
        v = open_view(s, "{\"resource-id\":\"" COSTS "\"}");
        ck_assert_msg(v.start >= start && v.start <= v.end && v.end < 64, "seed %llx",
                      (unsigned long long)seed);
        start = v.start;
        json_decref(versions[v.end]);
        versions[v.end] = side_get(s, COSTS, NULL);
        r = get(s, 0, v.uri, 0, v.start);
        doc = apply(NULL, r);
        reader_free(r);
        for (json_int_t i = v.start;; i++) {
            int alone = status_of(s, v.uri, 0, i);

            ck_assert(alone == 200 || (alone == 404 && i != v.start && i != v.end));
            ck_assert_json(doc, versions[i], "a version");
            if (i == v.end)
                break;
            r = get(s, 1, v.uri, i, i + 1);
            doc = apply(doc, r);
            reader_free(r);
        }
        json_decref(doc);
        if (v.start > 1) {
            ck_assert_int_eq(status_of(s, v.uri, 0, v.start - 1), 410);
            ck_assert_int_eq(status_of(s, v.uri, v.start - 1, v.start), 410);
        }
    }
    ck_assert_msg(start > 1, "nothing was compacted; seed %llx", (unsigned long long)seed);
    for (unsigned i = 0; i < 64; i++)
        json_decref(versions[i]);
    side_free(s);
}
END_TEST

/* Conformance: Q-07. */
START_TEST(long_poll)
{
    struct side *s = side_new(NULL, 5);
    struct view v = open_view(s, "{\"resource-id\":\"" COSTS "\"}");
    struct reader *r = get(s, 1, v.uri, 1, 2), *gone = get(s, 0, v.uri, 1, 2);
    json_t *doc = side_get(s, COSTS, NULL), *now;
    struct alto_hub_counts counts;

    ck_assert_int_eq(r->status, 0);
    alto_hub_count(s->hub, &counts);
    ck_assert_uint_eq(counts.polls, 2);
    reader_free(gone);
    side_publish(s); /* nothing new */
    side_turn(s);
    ck_assert_int_eq(r->status, 0);
    set_cost(s, 3);
    ck_assert_int_eq(r->status, 200);
    ck_assert(r->ended);
    doc = apply(doc, r);
    now = side_get(s, COSTS, NULL);
    ck_assert_json(doc, now, "polled");
    json_decref(doc);
    json_decref(now);
    reader_free(r);
    alto_hub_count(s->hub, &counts);
    ck_assert_uint_eq(counts.polls, 0);
    r = get(s, 0, v.uri, 1, 2); /* there by now */
    ck_assert_int_eq(r->status, 200);
    reader_free(r);
    side_free(s);
}
END_TEST

/* Conformance. */
START_TEST(errors)
{
    struct alto_hub_conf conf;
    struct side *s;
    struct view v, w;
    struct reader *r[2];
    char path[200];

    alto_hub_conf_default(&conf);
    conf.polls_per_client = 2;
    conf.views_max = 2;
    s = side_new(&conf, 6);
    v = open_view(s, "{\"resource-id\":\"" COSTS "\"}");
    set_cost(s, 1);
    set_cost(s, 2);
    ck_assert_int_eq(status_of(s, v.uri, 1, 3), 404);
    ck_assert_int_eq(status_of(s, v.uri, 2, 1), 404);
    ck_assert_int_eq(status_of(s, v.uri, 3, 5), 425);
    ck_assert_int_eq(status_of(s, v.uri, 4, 5), 425);
    ck_assert_int_eq(status_of(s, v.uri, 0, 4), 425);
    ck_assert_int_eq(status_of(s, v.uri, 0, 0), 410);
    ck_assert_int_eq(status_of(s, "/alto/tips/00000000000000000000000000000000", 0, 1), 404);
    snprintf(path, sizeof path, "%s/ug/01/2", v.uri);
    r[0] = side_ask(s, 0, (struct ask){.method = HTTP_GET, .path = path, .body = ""});
    ck_assert_int_eq(r[0]->status, 404);
    reader_free(r[0]);
    snprintf(path, sizeof path, "%s/ug/2/3", v.uri);
    r[0] = side_ask(s, 0,
                    (struct ask){.method = HTTP_GET,
                                 .path = path,
                                 .accept = "application/alto-costmap+json",
                                 .body = ""});
    ck_assert_int_eq(r[0]->status, 415);
    reader_free(r[0]);
    r[0] = side_ask(s, 0, (struct ask){.method = HTTP_POST, .path = path, .body = ""});
    ck_assert_int_eq(r[0]->status, 405);
    reader_free(r[0]);
    snprintf(path, sizeof path, "%s/ug/3/4", v.uri);
    r[0] =
        side_ask(s, 0, (struct ask){.method = HTTP_GET, .is_head = true, .path = path, .body = ""});
    ck_assert_int_eq(r[0]->status, 425);
    reader_free(r[0]);
    for (unsigned i = 0; i < 2; i++)
        r[i] = get(s, i, v.uri, 3, 4);
    ck_assert_int_eq(status_of(s, v.uri, 3, 4), 429);
    for (unsigned i = 0; i < 2; i++)
        reader_free(r[i]);
    w = open_view(s, "{\"resource-id\":\"net\"}");
    ck_assert_int_eq(w.status, 200);
    w = open_view(s, "{\"resource-id\":\"net-cost-num-hopcount\"}");
    ck_assert_int_eq(w.status, 429);
    side_free(s);
}
END_TEST

/* Who does not take what comes in the end is told then. */
START_TEST(poll_of_another_type)
{
    struct side *s = side_new(NULL, 7);
    struct view v = open_view(s, "{\"resource-id\":\"" COSTS "\"}");
    char path[200];
    struct reader *r;

    snprintf(path, sizeof path, "%s/ug/1/2", v.uri);
    r = side_ask(s, 0,
                 (struct ask){.method = HTTP_GET, .path = path, .accept = "text/html", .body = ""});
    ck_assert_int_eq(r->status, 0);
    set_cost(s, 9);
    ck_assert_int_eq(r->status, 415);
    reader_free(r);
    side_free(s);
}
END_TEST

/* Workers turn each second. */
static void later(struct side *s, uint64_t ms)
{
    s->now_ms += 1000;
    side_turn(s);
    s->now_ms += ms - 1000;
    side_turn(s);
}

/* A view is kept while somebody waits, and for a while behind its last use. */
/* Conformance: Q-13. */
START_TEST(disuse)
{
    struct side *s = side_new(NULL, 8);
    struct view v = open_view(s, "{\"resource-id\":\"" COSTS "\"}");
    struct view w = open_view(s, "{\"resource-id\":\"net\"}");
    struct reader *r = get(s, 0, v.uri, 1, 2);
    struct alto_hub_counts counts;

    later(s, 500000);
    ck_assert_int_eq(status_of(s, w.uri, 0, 1), 200);
    later(s, 500000);
    ck_assert_int_eq(status_of(s, w.uri, 0, 1), 200);
    later(s, 700000);
    ck_assert_int_eq(status_of(s, w.uri, 0, 1), 404);
    ck_assert_int_eq(status_of(s, v.uri, 0, 1), 200);
    reader_free(r);
    later(s, 700000);
    ck_assert_int_eq(status_of(s, v.uri, 0, 1), 404);
    alto_hub_count(s->hub, &counts);
    ck_assert_uint_eq(counts.views, 0);
    later(s, 700000); /* and what it followed is forgotten, too */
    alto_hub_count(s->hub, &counts);
    ck_assert_uint_eq(counts.memory, 0);
    side_free(s);
}
END_TEST

/* A resource that goes takes its views along, and who waits is told. */
START_TEST(resource_goes)
{
    struct side *s = side_new(NULL, 9);
    struct view v = open_view(s, "{\"resource-id\":\"net-cost-num-hopcount\"}");
    struct reader *r = get(s, 1, v.uri, 1, 2);

    s->world.no_second = true;
    side_publish(s);
    side_turn(s);
    ck_assert_int_eq(r->status, 404);
    ck_assert_int_eq(status_of(s, v.uri, 0, 1), 404);
    reader_free(r);
    side_free(s);
}
END_TEST

/* Conformance: Q-15. */
START_TEST(items_are_immutable)
{
    struct side *s = side_new(NULL, 10);
    struct view v = open_view(s, "{\"resource-id\":\"" COSTS "\"}");
    char path[200];
    struct reader *r = get(s, 0, v.uri, 0, 1);
    const size_t whole = r->body.len;

    ck_assert_ptr_nonnull(strstr(r->cache, "public"));
    ck_assert_ptr_nonnull(strstr(r->cache, "immutable"));
    reader_free(r);
    alto_catalog_compress(s->catalog);
    snprintf(path, sizeof path, "%s/ug/0/1", v.uri);
    r = side_ask(s, 0,
                 (struct ask){.method = HTTP_GET, .path = path, .body = "", .encoding = "gzip"});
    ck_assert_str_eq(r->encoding, "gzip");
    ck_assert_uint_lt(r->body.len, whole);
    reader_free(r);
    side_free(s);
}
END_TEST

/* The worker of a poll ends: it is answered. */
START_TEST(leaving)
{
    struct side *s = side_new(NULL, 11);
    struct view v = open_view(s, "{\"resource-id\":\"" COSTS "\"}");
    struct reader *r = get(s, 1, v.uri, 1, 2);

    alto_hub_leave(&s->servers[1]);
    ck_assert_int_eq(r->status, 503);
    reader_free(r);
    side_free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("alto_tips");
    TCase *c = tcase_create("views");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(c, refused_openings, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_test(c, opening);
    tcase_add_test(c, recommended_edge);
    tcase_add_test(c, graph);
    tcase_add_test(c, long_poll);
    tcase_add_test(c, errors);
    tcase_add_test(c, poll_of_another_type);
    tcase_add_test(c, disuse);
    tcase_add_test(c, resource_goes);
    tcase_add_test(c, items_are_immutable);
    tcase_add_test(c, leaving);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
