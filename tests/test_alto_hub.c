/* The store of versions: any clients at any speed end with what a GET gives. */
#include "updates_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#define COSTS "net-cost-num-routingcost"
#define ROUTING                                                                                    \
    "{\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"},"                \
    "\"pids\":{\"srcs\":[\"pid0\",\"pid1\",\"pid2\"],\"dsts\":[]},"                                \
    "\"constraints\":[\"le 60\"]}"
#define MULTI                                                                                      \
    "{\"multi-cost-types\":["                                                                      \
    "{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"},"                               \
    "{\"cost-mode\":\"numerical\",\"cost-metric\":\"hopcount\"}],"                                 \
    "\"pids\":{\"srcs\":[],\"dsts\":[]}}"
#define SOME "{\"pids\":[\"pid1\",\"pid2\",\"pid3\"]}"

#define PROPS "{\"entities\":[\"ipv4:10.0.1.7\",\"ipv4:10.0.2.0/24\"],\"properties\":[\"bw\"]}"
#define ENDPOINTS                                                                                  \
    "{\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"},"                \
    "\"endpoints\":{\"srcs\":[\"ipv4:10.0.0.1\"],\"dsts\":[\"ipv4:10.0.1.1\",\"ipv4:10.0.5.1\"]}}"
#define PIDS "{\"properties\":[\"net.pid\"],\"endpoints\":[\"ipv4:10.0.3.3\",\"ipv4:10.0.9.9\"]}"
#define PATHS                                                                                      \
    "{\"cost-type\":{\"cost-mode\":\"array\",\"cost-metric\":\"ane-path\"},"                       \
    "\"pids\":{\"srcs\":[],\"dsts\":[]},"                                                          \
    "\"ane-property-names\":[\"max-reservable-bandwidth\"]}"

/* What may be followed. */
static const struct {
    const char *id, *resource, *input;
} followed[] = {
    {"net", "net", NULL},
    {"costs", COSTS, NULL},
    {"hops", "net-cost-num-hopcount", NULL},
    {"some", "net-filter", SOME},
    {"under", "net-cost-filter", ROUTING},
    {"multi", "net-cost-filter", MULTI},
    {"props", "props", NULL},
    {"prop", "props-filter", PROPS},
    {"cdni", "cdni", NULL},
    {"ecs", "net-endpoint-cost", ENDPOINTS},
    {"pids", "endpoint-prop", PIDS},
    {"pv", "pv-path-cost", PATHS},
};
#define FOLLOWED (sizeof followed / sizeof *followed)

START_TEST(lines_break_where_json_permits)
{
    struct bytes text = {0}, lines = {0};
    json_t *a, *b;
    size_t longest = 0, at = 0;

    ck_assert(bytes_add(&text, "[\"", 2));
    for (unsigned i = 0; i < 3000; i++)
        ck_assert(bytes_printf(&text, "%s",
                               i % 700 == 500 ? "\",\"\\\\\",{\"k,\\\"\":[1,2],\"l\":1},\""
                                              : "x,y,\\\"z,"));
    ck_assert(bytes_add(&text, "\"]", 2));
    ck_assert(hub_add_lines((struct str){text.data, text.len}, &lines));
    a = json_loadb(text.data, text.len, 0, NULL);
    b = json_loadb(lines.data, lines.len, 0, NULL);
    ck_assert(a && b && json_equal(a, b));
    for (size_t i = 0; i < lines.len; i++)
        if (lines.data[i] == '\n') {
            longest = i - at > longest ? i - at : longest;
            at = i + 1;
        }
    ck_assert_uint_gt(longest, 0);
    ck_assert_uint_le(longest, 16384);
    json_decref(a);
    json_decref(b);
    bytes_free(&text);
    bytes_free(&lines);
}
END_TEST

/* A client with a random choice of resources, at a speed of its own; it may leave and come again,
 * and change what it follows. */
struct client {
    struct reader *r;
    bool follows[FOLLOWED];
    size_t speed; /* bytes a round */
    char uri[128];
};

static void add_entry(struct bytes *body, unsigned i, bool incremental, bool first)
{
    ck_assert(bytes_printf(body, "%s\"%s\":{\"resource-id\":\"%s\"%s%s%s}", first ? "" : ",",
                           followed[i].id, followed[i].resource,
                           followed[i].input ? ",\"input\":" : "",
                           followed[i].input ? followed[i].input : "",
                           incremental ? "" : ",\"incremental-changes\":false"));
}

static void client_open(struct side *s, struct client *c)
{
    struct world *w = &s->world;
    struct bytes body = {0};
    bool first = true;

    ck_assert(bytes_printf(&body, "{\"add\":{"));
    for (unsigned i = 0; i < FOLLOWED; i++) {
        c->follows[i] = world_random(w, 2) || (first && i + 1 == FOLLOWED);
        if (!c->follows[i])
            continue;
        add_entry(&body, i, world_random(w, 5), first);
        first = false;
    }
    ck_assert(bytes_add(&body, "}}", 3));
    c->speed = world_random(w, 3) ? 1 + world_random(w, 3000) : SIZE_MAX;
    c->uri[0] = '\0';
    c->r = side_stream(s, (unsigned)world_random(w, SIDE_WORKERS), body.data);
    ck_assert_int_eq(c->r->status, 200);
    bytes_free(&body);
}

/* Adds something that it does not follow yet, under a name of its own; by the other worker. */
static void client_change(struct side *s, struct client *c)
{
    struct bytes body = {0};

    reader_read_all(c->r);
    for (unsigned i = 0; i < FOLLOWED; i++) {
        if (c->follows[i])
            continue;
        ck_assert(bytes_printf(&body, "{\"add\":{"));
        add_entry(&body, i, true, true);
        ck_assert(bytes_add(&body, "}}", 3));
        c->follows[i] = true;
        ck_assert_int_eq(side_control(s, (unsigned)world_random(&s->world, SIDE_WORKERS),
                                      c->r->control, body.data, NULL, NULL),
                         204);
        break;
    }
    bytes_free(&body);
}

static void round_of(struct side *s, struct client *clients, unsigned n)
{
    struct world *w = &s->world;

    if (world_random(w, 2)) {
        world_change(w);
        side_publish(s);
    }
    if (world_random(w, 3))
        side_turn(s);
    for (unsigned i = 0; i < n; i++) {
        reader_read(clients[i].r, clients[i].speed);
        if (!world_random(w, 40)) {
            reader_free(clients[i].r);
            client_open(s, &clients[i]);
        } else if (!world_random(w, 40)) {
            client_change(s, &clients[i]);
        }
    }
    s->now_ms += 300;
}

static void ck_assert_parts(json_t *docs, json_t *now)
{
    const char *key;
    json_t *v;

    ck_assert_uint_eq(json_object_size(now), 2);
    json_object_foreach(now, key, v)
    {
        char mine[200];

        snprintf(mine, sizeof mine, "pv%s", strchr(key, '.'));
        ck_assert_json(json_object_get(docs, mine), v, mine);
    }
}

/* Conformance: U-12, U-13, U-15, U-16. */
START_TEST(model)
{
    struct alto_hub_conf conf;
    struct client clients[12];
    struct side *s;
    uint64_t seed;
    unsigned fulls = 0, patches = 0;

    hash_random(&seed, sizeof seed);
    printf("model: seed 0x%llx\n", (unsigned long long)seed);
    alto_hub_conf_default(&conf);
    conf.versions_max = 2 + (uint32_t)_i * 4;
    conf.queue_max = _i % 2 ? 2000 : 100000;
    s = side_new(&conf, seed);
    for (unsigned i = 0; i < 12; i++)
        client_open(s, &clients[i]);
    for (unsigned i = 0; i < 150; i++)
        round_of(s, clients, 12);
    side_turn(s);
    for (unsigned i = 0; i < 12; i++) {
        reader_read_all(clients[i].r);
        for (unsigned k = 0; k < FOLLOWED; k++) {
            json_t *now;

            if (!clients[i].follows[k])
                continue;
            now = side_get(s, followed[k].resource, followed[k].input);
            if (followed[k].input && !strcmp(followed[k].input, PATHS))
                ck_assert_parts(clients[i].r->docs, now);
            else
                ck_assert_json(json_object_get(clients[i].r->docs, followed[k].id), now,
                               followed[k].id);
            json_decref(now);
        }
        fulls += clients[i].r->fulls;
        patches += clients[i].r->patches;
        reader_free(clients[i].r);
    }
    ck_assert(fulls > 0 && (patches > 0 || !_i));
    side_free(s);
}
END_TEST

/* Everybody's patch is one text: what is held does not grow with the number of clients. */
START_TEST(memory_is_of_versions)
{
    struct alto_hub_counts one, many;
    struct side *s = side_new(NULL, 3);
    struct reader *r[50];

    s->world.filler = 100;
    side_publish(s);
    for (unsigned i = 0; i < 50; i++) {
        r[i] = side_stream(s, i % 2, "{\"add\":{\"c\":{\"resource-id\":\"" COSTS "\"}}}");
        reader_read_all(r[i]);
        if (i == 0) {
            s->world.cost[0][1][1] = 77;
            side_publish(s);
            side_turn(s);
            reader_read_all(r[0]);
            alto_hub_count(s->hub, &one);
        }
    }
    alto_hub_count(s->hub, &many);
    ck_assert_uint_gt(one.memory, 0);
    ck_assert_uint_eq(one.memory, many.memory);
    ck_assert_uint_eq(many.streams, 50);
    for (unsigned i = 0; i < 50; i++)
        reader_free(r[i]);
    alto_hub_count(s->hub, &many);
    ck_assert_uint_eq(many.streams, 0);
    side_free(s);
}
END_TEST

/* Over memory_max the newest version is what is left; clients that lack one get it whole. */
START_TEST(memory_has_a_limit)
{
    struct alto_hub_conf conf;
    struct alto_hub_counts counts;
    struct side *s;
    struct reader *r;
    json_t *now;

    alto_hub_conf_default(&conf);
    conf.memory_max = 1;
    s = side_new(&conf, 4);
    r = side_stream(s, 0, "{\"add\":{\"c\":{\"resource-id\":\"" COSTS "\"}}}");
    reader_read_all(r);
    for (unsigned i = 0; i < 5; i++) {
        s->world.cost[0][1][2] = 20 + i;
        side_publish(s);
    }
    side_turn(s);
    reader_read_all(r);
    alto_hub_count(s->hub, &counts);
    now = side_get(s, COSTS, NULL);
    ck_assert_json(json_object_get(r->docs, "c"), now, "costs");
    ck_assert_uint_eq(r->fulls, 2);
    json_decref(now);
    reader_free(r);
    side_free(s);
}
END_TEST

/* More inputs than there is room for: those that nobody follows go, else the request is refused. */
START_TEST(inputs_have_a_limit)
{
    struct alto_hub_conf conf;
    struct side *s;
    struct reader *r[2], *third;

    alto_hub_conf_default(&conf);
    conf.inputs_max = 2;
    s = side_new(&conf, 5);
    r[0] = side_stream(s, 0, "{\"add\":{\"c\":{\"resource-id\":\"" COSTS "\"}}}");
    r[1] = side_stream(s, 0, "{\"add\":{\"c\":{\"resource-id\":\"net\"}}}");
    third = side_stream(s, 0, "{\"add\":{\"c\":{\"resource-id\":\"net-cost-num-hopcount\"}}}");
    ck_assert_int_eq(third->status, 503);
    reader_free(third);
    reader_free(r[1]);
    r[1] = side_stream(s, 0, "{\"add\":{\"c\":{\"resource-id\":\"net-cost-num-hopcount\"}}}");
    ck_assert_int_eq(r[1]->status, 200);
    reader_free(r[0]);
    reader_free(r[1]);
    side_free(s);
}
END_TEST

/* What is made for single clients has the same limit of memory: it is not only inputs that count.
 */
START_TEST(inputs_have_a_limit_of_memory)
{
    struct alto_hub_conf conf;
    struct side *s;
    struct reader *r[4];

    alto_hub_conf_default(&conf);
    conf.memory_max = 1;
    s = side_new(&conf, 7);
    r[0] = side_stream(
        s, 0, "{\"add\":{\"f\":{\"resource-id\":\"net-cost-filter\",\"input\":" ROUTING "}}}");
    ck_assert_int_eq(r[0]->status, 503);
    /* The catalog has this one anyway. */
    r[1] = side_stream(s, 0, "{\"add\":{\"c\":{\"resource-id\":\"" COSTS "\"}}}");
    ck_assert_int_eq(r[1]->status, 200);
    reader_free(r[0]);
    reader_free(r[1]);
    side_free(s);

    conf.memory_max = 4096; /* room for one or some, not for all */
    conf.inputs_max = 1000;
    s = side_new(&conf, 8);
    for (unsigned i = 0; i < 4; i++)
        r[i] = NULL;
    for (unsigned i = 0; i < 1000; i++) {
        char body[256];
        struct alto_hub_counts counts;

        snprintf(
            body, sizeof body,
            "{\"add\":{\"f\":{\"resource-id\":\"net-filter\",\"input\":{\"pids\":[\"no%u\"]}}}}",
            i);
        if (i < 4)
            r[i] = side_stream(s, 0, body);
        else
            reader_free(side_stream(s, 0, body)); /* room is made of what nobody follows */
        alto_hub_count(s->hub, &counts);
        ck_assert_uint_le(counts.memory, 4096);
    }
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_int_eq(r[i]->status, 200);
        reader_free(r[i]);
    }
    side_free(s);
}
END_TEST

/* One request makes the worker work no more than others do: what is made already costs nothing. */
START_TEST(a_request_has_a_limit_of_work)
{
    struct side *s = side_new(NULL, 9);
    struct bytes body = {0};
    struct reader *r;

    s->catalog->limits.answer_max = 2048;
    ck_assert(bytes_printf(&body, "{\"add\":{"));
    for (unsigned i = 0; i < 60; i++)
        ck_assert(bytes_printf(&body,
                               "%s\"f%u\":{\"resource-id\":\"net-filter\",\"input\":{\"pids\":"
                               "[\"no%u\"]}}",
                               i ? "," : "", i, i));
    ck_assert(bytes_printf(&body, "}}"));
    r = side_stream(s, 0, body.data);
    ck_assert_int_eq(r->status, 503);
    for (unsigned i = 0; r->status == 503 && i < 60; i++) { /* each time there is a part more */
        reader_free(r);
        r = side_stream(s, 0, body.data);
    }
    ck_assert_int_eq(r->status, 200);
    reader_free(r);
    bytes_free(&body);
    side_free(s);
}
END_TEST

/* Two workers with clients that come and go, and control each other's streams; a publisher. */
struct threads {
    struct side *s;
    _Atomic bool stop;
    _Atomic unsigned errors;
    _Atomic(struct alto_catalog *) next[SIDE_WORKERS];
    char names[SIDE_WORKERS][128];
    pthread_mutex_t lock;
};

struct worker {
    struct threads *t;
    unsigned number;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    struct threads *t = w->t;
    struct alto_server *server = &t->s->servers[w->number];
    struct side own = {.arena = arena_new((size_t)16 << 20)};
    struct reader *r[4] = {NULL}, *poll = NULL;
    unsigned round = 0;

    /* side_ask looks at its own side alone. */
    own.servers[w->number] = *server;
    for (; !t->stop || round < 30; round++) {
        struct alto_catalog *c = atomic_exchange(&t->next[w->number], NULL);
        struct reader **at = &r[round % 4];
        char uri[128];

        if (c)
            alto_server_set(&own.servers[w->number], c);
        reader_free(*at);
        *at = side_stream(&own, w->number,
                          "{\"add\":{\"n\":{\"resource-id\":\"net\"},"
                          "\"c\":{\"resource-id\":\"" COSTS "\"},"
                          "\"f\":{\"resource-id\":\"net-cost-filter\",\"input\":" ROUTING "}}}");
        if ((*at)->status != 200)
            t->errors++;
        for (unsigned i = 0; i < 4; i++)
            if (r[i])
                reader_read(r[i], 1 + 997 * round % 5000);
        pthread_mutex_lock(&t->lock);
        snprintf(t->names[w->number], sizeof uri, "%s", (*at)->control);
        snprintf(uri, sizeof uri, "%s", t->names[1 - w->number]);
        pthread_mutex_unlock(&t->lock);
        if (uri[0])
            side_control(&own, w->number, uri, "{\"remove\":[\"c\"]}", NULL, NULL);
        reader_free(poll);
        poll = side_ask(&own, w->number,
                        (struct ask){.method = HTTP_POST,
                                     .path = "/alto/tips",
                                     .type = "application/alto-tipsparams+json",
                                     .body = "{\"resource-id\":\"net\"}"});
        alto_hub_turn(&own.servers[w->number], 1000 * (uint64_t)round);
    }
    for (unsigned i = 0; i < 4; i++)
        reader_free(r[i]);
    reader_free(poll);
    alto_hub_leave(&own.servers[w->number]);
    *server = own.servers[w->number];
    arena_free(own.arena);
    return NULL;
}

START_TEST(threads)
{
    struct threads t = {.s = side_new(NULL, 6)};
    struct worker workers[SIDE_WORKERS];
    pthread_t ids[SIDE_WORKERS];

    pthread_mutex_init(&t.lock, NULL);
    for (unsigned i = 0; i < SIDE_WORKERS; i++) {
        workers[i] = (struct worker){&t, i};
        ck_assert_int_eq(pthread_create(&ids[i], NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < 60; i++) {
        struct alto_catalog *c;
        struct err e = {0};

        world_change(&t.s->world);
        c = world_catalog(&t.s->world, t.s->catalog);
        ck_assert(alto_hub_publish(t.s->hub, c, 1700000000000, &e) == ERR_OK);
        for (unsigned k = 0; k < SIDE_WORKERS; k++) {
            alto_catalog_take(c);
            alto_catalog_drop(atomic_exchange(&t.next[k], c));
        }
        alto_catalog_drop(t.s->catalog);
        t.s->catalog = c;
    }
    t.stop = true;
    for (unsigned i = 0; i < SIDE_WORKERS; i++) {
        pthread_join(ids[i], NULL);
        alto_catalog_drop(t.next[i]);
    }
    ck_assert_uint_eq(t.errors, 0);
    pthread_mutex_destroy(&t.lock);
    side_free(t.s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("alto_hub");
    TCase *c = tcase_create("versions");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(c, lines_break_where_json_permits);
    tcase_add_loop_test(c, model, 0, 6);
    tcase_add_test(c, memory_is_of_versions);
    tcase_add_test(c, memory_has_a_limit);
    tcase_add_test(c, inputs_have_a_limit);
    tcase_add_test(c, inputs_have_a_limit_of_memory);
    tcase_add_test(c, a_request_has_a_limit_of_work);
    tcase_add_test(c, threads);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
