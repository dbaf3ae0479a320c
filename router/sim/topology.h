/* A network for the simulator: nodes and links from GraphML, as the Internet Topology Zoo writes
 * it, and what it costs to go from each node to each other. */
#pragma once

#include "router/view.h"

#define TOPOLOGY_NODES_MAX 4000u
#define TOPOLOGY_LINKS_MAX 100000u
#define TOPOLOGY_BYTES_MAX ((size_t)64 << 20)
#define TOPOLOGY_NAME_MAX  63

struct topology_node {
    char name[TOPOLOGY_NAME_MAX + 1]; /* its label, cut; several may have the same */
    double lat, lon;                  /* degrees */
    uint16_t degree;                  /* neighbours; parallel links count once */
};

struct topology_link {
    uint16_t a, b;
    double km; /* great circle */
};

struct topology {
    char name[TOPOLOGY_NAME_MAX + 1];  /* of the file, without folder and ending */
    const struct topology_node *nodes; /* [count] */
    unsigned count;
    const struct topology_link *links; /* [link_count]: of parallel ones, one */
    unsigned link_count;
    /* What was done to the file's graph. */
    unsigned placed;        /* nodes without coordinates, put in the middle of their neighbours */
    unsigned dropped_peers; /* external ones (Internal 0) without coordinates: no place, and no
                               client there is ours */
    unsigned dropped_apart; /* nodes that the largest connected part does not reach */
    unsigned parallel;      /* links that another one doubles */
};

/* name is for the result; text is GraphML. *out lives in arena.
 * ERR_PARSE: not GraphML of an undirected graph, a link to a node that is not there, coordinates
 * that are none, no node that has any. ERR_LIMIT: over the limits above, or the arena is full.
 * ERR_UNSUPPORTED: a document type declaration, which GraphML does without. */
enum err_code topology_parse(const char *text, size_t n, struct str name, struct arena *arena,
                             const struct topology **out, struct err *e) MUST_CHECK;
enum err_code topology_load(const char *path, struct arena *arena, const struct topology **out,
                            struct err *e) MUST_CHECK;

enum topology_metric {
    TOPOLOGY_HOPS,     /* links on the way */
    TOPOLOGY_DISTANCE, /* tens of kilometres on the way, as an IGP metric is often set; at least 1 a
                          link */
};

/* All-pairs shortest paths into cost[count][count]; 0 from a node to itself. false: no memory. */
bool topology_costs(const struct topology *t, enum topology_metric metric, double *cost) MUST_CHECK;

double topology_km(double lat1, double lon1, double lat2, double lon2);

/* The same as ALTO maps: PID i is node i ("n0000" and on) and has the IPv4 /20 of
 * topology_client(i, 0). */
struct addr topology_client(unsigned node, uint32_t host); /* host below 4096 */
void topology_pid_name(unsigned node, char out[8]);
enum err_code topology_maps(const struct topology *t, const double *cost,
                            struct view_source **netmap, struct view_source **costmap,
                            struct err *e) MUST_CHECK;
