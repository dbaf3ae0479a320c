#include <expat.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "router/sim/topology.h"

#define TEXT_MAX  256u
#define DEPTH_MAX 16u
#define KEYS_MAX  512u
#define ID_MAX    63u

/* GraphML names attributes by ids of its own: <key id="d29" for="node" attr.name="Latitude"/>. */
enum attribute {
    ATTRIBUTE_OTHER,
    ATTRIBUTE_LABEL,
    ATTRIBUTE_LAT,
    ATTRIBUTE_LON,
    ATTRIBUTE_INTERNAL
};

struct key {
    char id[ID_MAX + 1];
    enum attribute is;
};

struct raw_node {
    struct topology_node node;
    char id[ID_MAX + 1];
    bool has_lat, has_lon, external;
    bool gone;
    uint16_t part, at; /* connected part; index in the result */
};

struct reading {
    XML_Parser parser;
    struct err *e;
    enum err_code rc;
    struct key keys[KEYS_MAX];
    unsigned key_count;
    struct raw_node *nodes; /* [TOPOLOGY_NODES_MAX] */
    unsigned count;
    uint32_t *by_id; /* [BY_ID] node + 1, open addressing */
    struct topology_link *links;
    unsigned link_count, link_cap;
    unsigned depth;
    bool in_graph, in_node;
    enum attribute data; /* whose text comes */
    char text[TEXT_MAX];
    size_t text_len;
    struct topology out;
};

#define BY_ID (4 * 4096u)

static void fail(struct reading *r, enum err_code rc, const char *what, const char *which)
{
    char shown[2 * ID_MAX];

    if (r->rc != ERR_OK)
        return;
    bytes_escape(which, strlen(which), shown, sizeof shown);
    r->rc = err_set(r->e, rc, "%lu:%lu: %s%s%s%s", XML_GetCurrentLineNumber(r->parser),
                    XML_GetCurrentColumnNumber(r->parser) + 1, what, *which ? " \"" : "", shown,
                    *which ? "\"" : "");
    XML_StopParser(r->parser, XML_FALSE);
}

static const char *attribute_of(const char **attributes, const char *name)
{
    for (; *attributes; attributes += 2)
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    return NULL;
}

/* Without the name space's prefix, if it has one. */
static const char *local_name(const char *name)
{
    const char *colon = strrchr(name, ':');

    return colon ? colon + 1 : name;
}

static void key_begin(struct reading *r, const char **attributes)
{
    static const char *const names[] = {[ATTRIBUTE_LABEL] = "label",
                                        [ATTRIBUTE_LAT] = "Latitude",
                                        [ATTRIBUTE_LON] = "Longitude",
                                        [ATTRIBUTE_INTERNAL] = "Internal"};
    const char *id = attribute_of(attributes, "id"), *whose = attribute_of(attributes, "for");
    const char *name = attribute_of(attributes, "attr.name");
    struct key *k = &r->keys[r->key_count];

    if (!id || strlen(id) > ID_MAX) {
        fail(r, ERR_PARSE, "a key without an id of 1 to 63 bytes", "");
        return;
    }
    if (r->key_count == KEYS_MAX) {
        fail(r, ERR_LIMIT, "too many keys", "");
        return;
    }
    snprintf(k->id, sizeof k->id, "%s", id);
    k->is = ATTRIBUTE_OTHER;
    for (unsigned i = ATTRIBUTE_LABEL; i <= ATTRIBUTE_INTERNAL; i++)
        if (whose && name && strcmp(whose, "node") == 0 && strcmp(name, names[i]) == 0)
            k->is = (enum attribute)i;
    r->key_count++;
}

static uint32_t *id_slot(struct reading *r, const char *id)
{
    uint32_t at = (uint32_t)hash_content(id, strlen(id)) % BY_ID;

    while (r->by_id[at] && strcmp(r->nodes[r->by_id[at] - 1].id, id) != 0)
        at = (at + 1) % BY_ID;
    return &r->by_id[at];
}

static void node_begin(struct reading *r, const char **attributes)
{
    const char *id = attribute_of(attributes, "id");
    uint32_t *slot;

    if (!id || strlen(id) > ID_MAX) {
        fail(r, ERR_PARSE, "a node without an id of 1 to 63 bytes", "");
        return;
    }
    if (r->count == TOPOLOGY_NODES_MAX) {
        fail(r, ERR_LIMIT, "more than 4000 nodes", "");
        return;
    }
    slot = id_slot(r, id);
    if (*slot) {
        fail(r, ERR_PARSE, "two nodes with the id", id);
        return;
    }
    r->nodes[r->count] = (struct raw_node){0};
    snprintf(r->nodes[r->count].id, sizeof r->nodes->id, "%s", id);
    snprintf(r->nodes[r->count].node.name, sizeof r->nodes->node.name, "%s", id);
    *slot = ++r->count;
    r->in_node = true;
}

static void edge_begin(struct reading *r, const char **attributes)
{
    const char *from = attribute_of(attributes, "source"), *to = attribute_of(attributes, "target");
    uint32_t a, b;

    if (!from || !to) {
        fail(r, ERR_PARSE, "an edge needs source and target", "");
        return;
    }
    a = *id_slot(r, from);
    b = *id_slot(r, to);
    if (!a || !b) {
        fail(r, ERR_PARSE, "an edge names a node that is not there before it:", a ? to : from);
        return;
    }
    if (r->link_count == TOPOLOGY_LINKS_MAX) {
        fail(r, ERR_LIMIT, "more than 100000 edges", "");
        return;
    }
    if (r->link_count == r->link_cap) {
        unsigned cap = r->link_cap ? 2 * r->link_cap : 256;
        void *p = realloc(r->links, cap * sizeof *r->links);

        if (!p) {
            fail(r, ERR_LIMIT, "no memory for the edges", "");
            return;
        }
        r->links = p;
        r->link_cap = cap;
    }
    if (a != b)
        r->links[r->link_count++] = (struct topology_link){.a = (uint16_t)((a < b ? a : b) - 1),
                                                           .b = (uint16_t)((a < b ? b : a) - 1)};
}

static void data_begin(struct reading *r, const char **attributes)
{
    const char *key = attribute_of(attributes, "key");

    r->data = ATTRIBUTE_OTHER;
    r->text_len = 0;
    for (unsigned i = 0; key && r->in_node && i < r->key_count; i++)
        if (strcmp(r->keys[i].id, key) == 0)
            r->data = r->keys[i].is;
}

static void XMLCALL on_start(void *arg, const char *name, const char **attributes)
{
    struct reading *r = arg;
    const char *directed;

    name = local_name(name);
    if (++r->depth > DEPTH_MAX) {
        fail(r, ERR_LIMIT, "elements are nested too deep", "");
    } else if (r->depth == 1) {
        if (strcmp(name, "graphml") != 0)
            fail(r, ERR_PARSE, "not GraphML: the first element is", name);
    } else if (strcmp(name, "key") == 0) {
        key_begin(r, attributes);
    } else if (strcmp(name, "graph") == 0) {
        if (r->in_graph)
            fail(r, ERR_UNSUPPORTED, "more than one graph", "");
        directed = attribute_of(attributes, "edgedefault");
        if (directed && strcmp(directed, "undirected") != 0)
            fail(r, ERR_UNSUPPORTED, "edges must be undirected, not", directed);
        r->in_graph = true;
    } else if (r->in_graph && strcmp(name, "node") == 0) {
        node_begin(r, attributes);
    } else if (r->in_graph && strcmp(name, "edge") == 0) {
        edge_begin(r, attributes);
    } else if (strcmp(name, "data") == 0) {
        data_begin(r, attributes);
    }
}

static bool degrees_parse(const char *text, double most, double *out)
{
    char *end;

    *out = strtod(text, &end);
    return end != text && *end == '\0' && *out >= -most && *out <= most;
}

static void data_end(struct reading *r)
{
    struct raw_node *n = &r->nodes[r->count - 1];

    r->text[r->text_len] = '\0';
    switch (r->data) {
    case ATTRIBUTE_LABEL:
        snprintf(n->node.name, sizeof n->node.name, "%.*s", (int)TOPOLOGY_NAME_MAX, r->text);
        break;
    case ATTRIBUTE_LAT:
        n->has_lat = degrees_parse(r->text, 90, &n->node.lat);
        if (!n->has_lat)
            fail(r, ERR_PARSE, "no latitude:", r->text);
        break;
    case ATTRIBUTE_LON:
        n->has_lon = degrees_parse(r->text, 180, &n->node.lon);
        if (!n->has_lon)
            fail(r, ERR_PARSE, "no longitude:", r->text);
        break;
    case ATTRIBUTE_INTERNAL:
        n->external = strcmp(r->text, "0") == 0;
        break;
    case ATTRIBUTE_OTHER:
        break;
    }
    r->data = ATTRIBUTE_OTHER;
}

static void XMLCALL on_end(void *arg, const char *name)
{
    struct reading *r = arg;

    name = local_name(name);
    r->depth--;
    if (r->in_node && strcmp(name, "data") == 0)
        data_end(r);
    else if (strcmp(name, "node") == 0)
        r->in_node = false;
}

static void XMLCALL on_text(void *arg, const char *text, int n)
{
    struct reading *r = arg;

    if (r->data == ATTRIBUTE_OTHER)
        return;
    if (n < 0 || (size_t)n >= TEXT_MAX - r->text_len) {
        fail(r, ERR_LIMIT, "a value of a node is over 255 bytes", "");
        return;
    }
    memcpy(r->text + r->text_len, text, (size_t)n);
    r->text_len += (size_t)n;
}

static void XMLCALL on_doctype(void *arg, const char *name, const char *system, const char *public,
                               int internal)
{
    (void)name, (void)system, (void)public, (void)internal;
    fail(arg, ERR_UNSUPPORTED, "a document type declaration, which GraphML does without", "");
}

static enum err_code xml_read(struct reading *r, const char *text, size_t n)
{
    r->parser = XML_ParserCreate(NULL);
    if (!r->parser)
        return err_set(r->e, ERR_LIMIT, "no memory for the parser");
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
    if (XML_Parse(r->parser, text, (int)n, 1) != XML_STATUS_OK)
        fail(r, ERR_PARSE, XML_ErrorString(XML_GetErrorCode(r->parser)), "");
    XML_ParserFree(r->parser);
    if (r->rc == ERR_OK && r->count == 0)
        return err_set(r->e, ERR_PARSE, "there is no node in it");
    return r->rc;
}

static int by_ends(const void *x, const void *y)
{
    const struct topology_link *a = x, *b = y;

    return a->a != b->a ? (a->a > b->a) - (a->a < b->a) : (a->b > b->b) - (a->b < b->b);
}

static void links_unite(struct reading *r)
{
    unsigned n = 0;

    if (r->link_count)
        qsort(r->links, r->link_count, sizeof *r->links, by_ends);
    for (unsigned i = 0; i < r->link_count; i++) {
        if (n && by_ends(&r->links[n - 1], &r->links[i]) == 0)
            r->out.parallel++;
        else
            r->links[n++] = r->links[i];
    }
    r->link_count = n;
}

/* External peers without a place go; whoever else has none is put in the middle of the neighbours
 * that have one, those of them that were put somewhere included, from round to round. */
static enum err_code nodes_place(struct reading *r)
{
    struct sum {
        double lat, lon;
        unsigned n;
    } *sum = calloc(r->count, sizeof *sum);
    unsigned changed = 1;

    if (!sum)
        return err_set(r->e, ERR_LIMIT, "no memory for the nodes");
    for (unsigned i = 0; i < r->count; i++) {
        struct raw_node *n = &r->nodes[i];

        n->has_lat = n->has_lat && n->has_lon;
        n->gone = !n->has_lat && n->external;
        r->out.dropped_peers += n->gone;
    }
    while (changed) {
        changed = 0;
        memset(sum, 0, r->count * sizeof *sum);
        for (unsigned i = 0; i < r->link_count; i++) {
            unsigned ends[2] = {r->links[i].a, r->links[i].b};

            for (unsigned k = 0; k < 2; k++) {
                const struct raw_node *from = &r->nodes[ends[k]];

                if (!from->has_lat || from->gone)
                    continue;
                sum[ends[1 - k]].lat += from->node.lat;
                sum[ends[1 - k]].lon += from->node.lon;
                sum[ends[1 - k]].n++;
            }
        }
        for (unsigned i = 0; i < r->count; i++) {
            struct raw_node *n = &r->nodes[i];

            if (n->has_lat || n->gone || !sum[i].n)
                continue;
            n->node.lat = sum[i].lat / sum[i].n;
            n->node.lon = sum[i].lon / sum[i].n;
            n->has_lat = true;
            r->out.placed++;
            changed = 1;
        }
    }
    free(sum);
    return ERR_OK;
}

static uint16_t part_of(const struct reading *r, uint16_t i)
{
    while (r->nodes[i].part != i)
        i = r->nodes[i].part;
    return i;
}

/* All but the largest connected part go; of equal ones the first stays. */
static void parts_drop(struct reading *r)
{
    uint16_t size[TOPOLOGY_NODES_MAX] = {0}, best = 0;

    for (unsigned i = 0; i < r->count; i++)
        r->nodes[i].part = (uint16_t)i;
    for (unsigned i = 0; i < r->link_count; i++) {
        uint16_t a = part_of(r, r->links[i].a), b = part_of(r, r->links[i].b);

        if (!r->nodes[r->links[i].a].gone && !r->nodes[r->links[i].b].gone)
            r->nodes[a > b ? a : b].part = a < b ? a : b;
    }
    for (unsigned i = 0; i < r->count; i++)
        size[part_of(r, (uint16_t)i)] += !r->nodes[i].gone;
    for (unsigned i = 1; i < r->count; i++)
        if (size[i] > size[best])
            best = (uint16_t)i;
    for (unsigned i = 0; i < r->count; i++) {
        if (r->nodes[i].gone || part_of(r, (uint16_t)i) == best)
            continue;
        r->nodes[i].gone = true;
        r->out.dropped_apart++;
    }
}

static enum err_code result_make(struct reading *r, struct arena *arena)
{
    struct topology_node *nodes = arena_array(arena, r->count, sizeof *nodes);
    struct topology_link *links = arena_array(arena, r->link_count, sizeof *links);

    if (!nodes || !links)
        return err_set(r->e, ERR_LIMIT, "the arena is full");
    for (unsigned i = 0; i < r->count; i++) {
        struct raw_node *n = &r->nodes[i];

        if (n->gone)
            continue;
        if (!n->has_lat)
            return err_set(r->e, ERR_PARSE,
                           "no node has coordinates: give nodes Latitude and Longitude");
        n->at = (uint16_t)r->out.count;
        nodes[r->out.count++] = n->node;
    }
    for (unsigned i = 0; i < r->link_count; i++) {
        const struct raw_node *a = &r->nodes[r->links[i].a], *b = &r->nodes[r->links[i].b];
        struct topology_link *l = &links[r->out.link_count];

        if (a->gone || b->gone)
            continue;
        *l = (struct topology_link){
            a->at, b->at, topology_km(a->node.lat, a->node.lon, b->node.lat, b->node.lon)};
        nodes[l->a].degree++;
        nodes[l->b].degree++;
        r->out.link_count++;
    }
    r->out.nodes = nodes;
    r->out.links = links;
    return r->out.count ? ERR_OK : err_set(r->e, ERR_PARSE, "all nodes are external peers");
}

enum err_code topology_parse(const char *text, size_t n, struct str name, struct arena *arena,
                             const struct topology **out, struct err *e)
{
    struct reading *r = calloc(1, sizeof *r);
    struct topology *t = arena_array(arena, 1, sizeof *t);
    enum err_code rc = ERR_OK;

    *out = NULL;
    if (r) {
        r->e = e;
        r->nodes = calloc(TOPOLOGY_NODES_MAX, sizeof *r->nodes);
        r->by_id = calloc(BY_ID, sizeof *r->by_id);
    }
    if (!r || !t || !r->nodes || !r->by_id)
        rc = err_set(e, ERR_LIMIT, "no memory for the topology");
    else if (n > TOPOLOGY_BYTES_MAX)
        rc = err_set(e, ERR_LIMIT, "%zu bytes, at most %zu", n, TOPOLOGY_BYTES_MAX);
    if (rc == ERR_OK)
        rc = xml_read(r, text, n);
    if (rc == ERR_OK) {
        links_unite(r);
        rc = nodes_place(r);
    }
    if (rc == ERR_OK) {
        parts_drop(r);
        rc = result_make(r, arena);
    }
    if (rc == ERR_OK) {
        *t = r->out;
        snprintf(t->name, sizeof t->name, "%.*s", (int)name.n, name.p);
        *out = t;
    }
    if (r) {
        free(r->nodes);
        free(r->by_id);
        free(r->links);
    }
    free(r);
    return rc;
}

enum err_code topology_load(const char *path, struct arena *arena, const struct topology **out,
                            struct err *e)
{
    const char *base = strrchr(path, '/'), *end;
    struct bytes text = {0};
    enum err_code rc = file_read(path, TOPOLOGY_BYTES_MAX, &text, e);

    *out = NULL;
    base = base ? base + 1 : path;
    end = strrchr(base, '.');
    if (rc == ERR_OK) {
        rc = topology_parse(text.data, text.len,
                            (struct str){base, end ? (size_t)(end - base) : strlen(base)}, arena,
                            out, e);
    }
    if (rc != ERR_OK)
        err_wrap(e, "topology %s", path);
    bytes_free(&text);
    return rc;
}
