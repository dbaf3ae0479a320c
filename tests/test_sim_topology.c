/* The simulator's networks: reading GraphML, shortest paths, and the maps made of them. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/sim/topology.h"

#define GRAPH(inner)                                                                               \
    "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">"                                    \
    "<key attr.name=\"label\" for=\"graph\" id=\"d9\"/>"                                           \
    "<key attr.name=\"label\" for=\"node\" id=\"l\"/>"                                             \
    "<key attr.name=\"Latitude\" for=\"node\" id=\"y\"/>"                                          \
    "<key attr.name=\"Longitude\" for=\"node\" id=\"x\"/>"                                         \
    "<key attr.name=\"Internal\" for=\"node\" id=\"i\"/>"                                          \
    "<graph edgedefault=\"undirected\"><data key=\"d9\">name of all</data>" inner                  \
    "</graph></graphml>"
#define NODE(id, lat, lon)                                                                         \
    "<node id=\"" id "\"><data key=\"l\">" id "</data><data key=\"y\">" lat                        \
    "</data><data key=\"x\">" lon "</data></node>"
#define NOWHERE(id) "<node id=\"" id "\"/>"
#define PEER(id)    "<node id=\"" id "\"><data key=\"i\">0</data></node>"
#define EDGE(a, b)  "<edge source=\"" a "\" target=\"" b "\"/>"

static const struct topology *parse(const char *text, struct arena *arena, struct err *e)
{
    const struct topology *t = NULL;
    enum err_code rc = topology_parse(text, strlen(text), str_from("t"), arena, &t, e);

    ck_assert((rc == ERR_OK) == (t != NULL));
    return t;
}

static const struct {
    const char *what, *text, *says;
} wrong[] = {
    {"no XML", "nodes: 3", "syntax error"},
    {"cut", "<graphml><graph><node id=\"1\"/>", "no element found"},
    {"another format", "<svg/>", "the first element is \"svg\""},
    {"nothing in it", GRAPH(""), "no node"},
    {"directed", "<graphml><graph edgedefault=\"directed\"/></graphml>", "undirected"},
    {"node twice", GRAPH(NODE("a", "1", "1") NODE("a", "1", "1")), "two nodes with the id \"a\""},
    {"edge to nowhere", GRAPH(NODE("a", "1", "1") EDGE("a", "b")), "\"b\""},
    {"edge without ends", GRAPH(NODE("a", "1", "1") "<edge source=\"a\"/>"), "source and target"},
    {"no number", GRAPH(NODE("a", "north", "1")), "no latitude: \"north\""},
    {"behind the pole", GRAPH(NODE("a", "91", "1")), "no latitude"},
    {"no place at all", GRAPH(NOWHERE("a") NOWHERE("b") EDGE("a", "b")), "coordinates"},
    {"only peers", GRAPH(PEER("a")), "external"},
    {"doctype", "<!DOCTYPE graphml [<!ENTITY a \"b\">]><graphml/>", "document type"},
    {"two graphs", "<graphml><graph><node id=\"1\"/></graph><graph/></graphml>", "more than one"},
};

START_TEST(wrong_texts)
{
    struct arena *arena = arena_new(1 << 20);
    struct err e = {0};

    ck_assert_msg(!parse(wrong[_i].text, arena, &e), "%s", wrong[_i].what);
    ck_assert_msg(strstr(e.text, wrong[_i].says), "%s: %s", wrong[_i].what, e.text);
    arena_free(arena);
}
END_TEST

START_TEST(what_is_done_to_a_graph)
{
    struct arena *arena = arena_new(1 << 20);
    struct err e = {0};
    const struct topology *t =
        parse(GRAPH(NODE("a", "0", "0") NODE("b", "0", "10") NOWHERE("m") PEER("p")
                        NODE("apart", "50", "50") EDGE("a", "m") EDGE("m", "b") EDGE("b", "m")
                            EDGE("a", "p") EDGE("a", "a")),
              arena, &e);

    ck_assert_msg(t, "%s", e.text);
    ck_assert_uint_eq(t->count, 3);
    ck_assert_uint_eq(t->placed, 1);
    ck_assert_uint_eq(t->dropped_peers, 1);
    ck_assert_uint_eq(t->dropped_apart, 1);
    ck_assert_uint_eq(t->parallel, 1);
    ck_assert_uint_eq(t->link_count, 2);
    ck_assert_str_eq(t->nodes[2].name, "m");
    ck_assert_double_eq_tol(t->nodes[2].lon, 5, 1e-9); /* in the middle of a and b */
    ck_assert_uint_eq(t->nodes[2].degree, 2);
    ck_assert_uint_eq(t->nodes[0].degree, 1);
    arena_free(arena);
}
END_TEST

START_TEST(distances)
{
    /* Berlin to Paris, and a quarter of the equator. */
    ck_assert_double_eq_tol(topology_km(52.52, 13.405, 48.8566, 2.3522), 878, 2);
    ck_assert_double_eq_tol(topology_km(0, 0, 0, 90), 6371 * 3.14159265 / 2, 1);
    ck_assert_double_eq(topology_km(10, 20, 10, 20), 0);
}
END_TEST

/* Shortest paths by R. W. Floyd's algorithm: another way to the same. */
static void floyd(const struct topology *t, enum topology_metric metric, double *d)
{
    unsigned n = t->count;

    for (unsigned i = 0; i < n * n; i++)
        d[i] = i / n == i % n ? 0 : INFINITY;
    for (unsigned i = 0; i < t->link_count; i++) {
        const struct topology_link *l = &t->links[i];
        double c = metric == TOPOLOGY_HOPS ? 1 : fmax(l->km / 10, 1);

        d[l->a * n + l->b] = d[l->b * n + l->a] = c;
    }
    for (unsigned k = 0; k < n; k++)
        for (unsigned i = 0; i < n; i++)
            for (unsigned j = 0; j < n; j++)
                if (d[i * n + k] + d[k * n + j] < d[i * n + j])
                    d[i * n + j] = d[i * n + k] + d[k * n + j];
}

static const struct {
    const char *name;
    unsigned nodes, links, placed, peers, apart, parallel;
} zoo[] = {
    {"Abilene", 11, 14, 0, 0, 0, 0},         {"AttMpls", 25, 56, 0, 0, 0, 1},
    {"Cogentco", 197, 243, 11, 0, 0, 2},     {"Colt", 153, 177, 4, 0, 0, 14},
    {"DeutscheTelekom", 30, 55, 0, 0, 9, 0}, {"Dfn", 51, 80, 0, 7, 0, 0},
    {"Geant2012", 40, 61, 3, 0, 0, 0},       {"Kdl", 754, 895, 28, 0, 0, 4},
    {"RedBestel", 84, 93, 2, 0, 0, 8},       {"Rediris", 19, 31, 0, 0, 0, 1},
    {"TataNld", 145, 186, 2, 0, 0, 8},       {"UsCarrier", 158, 189, 6, 0, 0, 0},
};

START_TEST(topology_zoo)
{
    struct arena *arena = arena_new(16 << 20);
    const struct topology *t = NULL;
    char path[256];
    struct err e = {0};
    double *ours, *theirs;
    size_t n;

    snprintf(path, sizeof path, TEST_DATA "/topology-zoo/%s.graphml", zoo[_i].name);
    ck_assert_msg(topology_load(path, arena, &t, &e) == ERR_OK, "%s", e.text);
    printf("%s: %u nodes, %u links, %u placed, %u peers and %u apart dropped, %u parallel\n",
           t->name, t->count, t->link_count, t->placed, t->dropped_peers, t->dropped_apart,
           t->parallel);
    ck_assert_str_eq(t->name, zoo[_i].name);
    ck_assert_uint_eq(t->count, zoo[_i].nodes);
    ck_assert_uint_eq(t->link_count, zoo[_i].links);
    ck_assert_uint_eq(t->placed, zoo[_i].placed);
    ck_assert_uint_eq(t->dropped_peers, zoo[_i].peers);
    ck_assert_uint_eq(t->dropped_apart, zoo[_i].apart);
    ck_assert_uint_eq(t->parallel, zoo[_i].parallel);
    n = (size_t)t->count * t->count;
    ours = calloc(n, sizeof *ours);
    theirs = calloc(n, sizeof *theirs);
    for (unsigned m = TOPOLOGY_HOPS; m <= TOPOLOGY_DISTANCE; m++) {
        ck_assert(topology_costs(t, (enum topology_metric)m, ours));
        if (t->count > 200)
            continue; /* Floyd's takes n^3 */
        floyd(t, (enum topology_metric)m, theirs);
        for (size_t i = 0; i < n; i++)
            ck_assert_double_eq_tol(ours[i], theirs[i], 1e-9 * (1 + theirs[i]));
    }
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(isfinite(ours[i]), "%s is in parts", t->name);
    free(ours);
    free(theirs);
    arena_free(arena);
}
END_TEST

START_TEST(no_such_file)
{
    struct arena *arena = arena_new(1 << 20);
    const struct topology *t = NULL;
    struct err e = {0};

    ck_assert_int_eq(topology_load("/nowhere/x.graphml", arena, &t, &e), ERR_IO);
    ck_assert_msg(strstr(e.text, "/nowhere/x.graphml"), "%s", e.text);
    arena_free(arena);
}
END_TEST

START_TEST(maps)
{
    struct arena *arena = arena_new(16 << 20);
    const struct topology *t = NULL;
    struct view_source *net = NULL, *costs = NULL;
    struct err e = {0};
    double *d;

    ck_assert(topology_load(TEST_DATA "/topology-zoo/Abilene.graphml", arena, &t, &e) == ERR_OK);
    d = calloc((size_t)t->count * t->count, sizeof *d);
    ck_assert(topology_costs(t, TOPOLOGY_DISTANCE, d));
    ck_assert_msg(topology_maps(t, d, &net, &costs, &e) == ERR_OK, "%s", e.text);
    for (unsigned i = 0; i < t->count; i++) {
        char name[8];

        topology_pid_name(i, name);
        ck_assert_uint_eq(netmap_find_pid(net->netmap, str_from(name)), i);
        ck_assert_uint_eq(netmap_locate(net->netmap, topology_client(i, 0)), i);
        ck_assert_uint_eq(netmap_locate(net->netmap, topology_client(i, 4095)), i);
        for (unsigned j = 0; j < t->count; j++)
            ck_assert_double_eq(costmap_get(costs->costmap, (pidx)i, (pidx)j), d[i * t->count + j]);
    }
    free(d);
    view_source_drop(net);
    view_source_drop(costs);
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sim_topology");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, wrong_texts, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(t, what_is_done_to_a_graph);
    tcase_add_test(t, distances);
    tcase_add_loop_test(t, topology_zoo, 0, sizeof zoo / sizeof *zoo);
    tcase_add_test(t, maps);
    tcase_add_test(t, no_such_file);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
