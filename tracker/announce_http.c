/* Announces and scrapes over HTTP (BEP 3, 7, 23, 24, 31, 48). What is wrong is answered with status
 * 200 and a "failure reason", for clients read no other. Peer ids are not kept, so the dictionaries
 * of a compact=0 answer come without, as for no_peer_id=1. */
#include <string.h>

#include "tracker/announce.h"
#include "tracker/announce_query.h"
#include "tracker/bencode.h"

#define HEAD_MAX        512 /* of an answer: everything but its peers */
#define DICT_PEER_MAX   (ADDR_TEXT_MAX + 32)
#define SCRAPE_FILE_MAX (INFO_HASH_LEN + 80)

static void respond(struct http_response *response, const struct bencode *b)
{
    if (b->full || !b->p) {
        http_response_text(response, 503, STR("no memory for the answer\n"));
        return;
    }
    response->status = 200;
    response->type = STR("text/plain");
    response->body = (struct str){b->p, b->n};
    (void)!http_response_header(response, STR("Cache-Control"), STR("no-store"));
}

/* forever: the client need not come back with this (BEP 31). */
static void fail(struct tracker *t, const struct http_request *request,
                 struct http_response *response, const char *reason, bool forever)
{
    struct bencode b = {.cap = strlen(reason) + HEAD_MAX};

    metric_add(t->turn->metrics, METRIC_TRACKER_FAILURES_HTTP, 1);
    b.p = arena_alloc(request->arena, b.cap);
    if (b.p) {
        bencode_dict(&b);
        bencode_key(&b, "failure reason");
        bencode_str(&b, reason, strlen(reason));
        if (forever) {
            bencode_key(&b, "retry in");
            bencode_key(&b, "never");
        }
        bencode_end(&b);
    }
    respond(response, &b);
}

static bool is_get(const struct http_request *request, struct http_response *response)
{
    if (request->method == HTTP_GET)
        return true;
    http_response_text(response, 405, STR("announces and scrapes are GET requests\n"));
    (void)!http_response_header(response, STR("Allow"), STR("GET, HEAD"));
    return false;
}

static void put_peer_list(struct bencode *b, const struct announce_result *r)
{
    bencode_key(b, "peers");
    bencode_list(b);
    for (unsigned f = 0; f < PEER_FAMILIES; f++) {
        unsigned len = peer_wire_len((enum peer_family)f);

        for (unsigned i = 0; i < r->n[f]; i++) {
            const uint8_t *wire = r->wire[f] + (size_t)i * len;
            char text[ADDR_TEXT_MAX];

            addr_format(peer_wire_addr((enum peer_family)f, wire), text);
            bencode_dict(b);
            bencode_key(b, "ip");
            bencode_str(b, text, strlen(text));
            bencode_key(b, "port");
            bencode_int(b, wire[len - 2] << 8 | wire[len - 1]);
            bencode_end(b);
        }
    }
    bencode_end(b);
}

static void put_peers_compact(struct bencode *b, const struct announce_result *r)
{
    bencode_key(b, "peers");
    bencode_str(b, r->wire[PEER_V4], (size_t)r->n[PEER_V4] * 6);
    if (r->n[PEER_V6] > 0) {
        bencode_key(b, "peers6");
        bencode_str(b, r->wire[PEER_V6], (size_t)r->n[PEER_V6] * PEER_WIRE_MAX);
    }
}

/* Keys as they sort. */
static void put_answer(const struct tracker *t, struct bencode *b, const struct announce_result *r,
                       struct addr client, bool compact)
{
    uint8_t wire[PEER_WIRE_MAX];

    bencode_dict(b);
    bencode_key(b, "complete");
    bencode_int(b, r->counts.seeds);
    bencode_key(b, "downloaded");
    bencode_int(b, r->counts.completed);
    bencode_key(b, "external ip");
    bencode_str(b, wire, peer_wire_put(client, 0, wire) - 2);
    bencode_key(b, "incomplete");
    bencode_int(b, r->counts.leechers);
    bencode_key(b, "interval");
    bencode_int(b, r->interval_s);
    bencode_key(b, "min interval");
    bencode_int(b, t->conf->min_interval_s);
    if (compact)
        put_peers_compact(b, r);
    else
        put_peer_list(b, r);
    bencode_end(b);
}

void tracker_announce_handle(void *ctx, const struct http_request *request,
                             struct http_response *response)
{
    struct tracker *t = ctx;
    struct announce_query q;
    struct announce_result r = {0};
    struct announce a = {.family = {true, true}, .max = {ANNOUNCE_WANT_MAX, ANNOUNCE_WANT_MAX}};
    struct bencode b = {.cap = HEAD_MAX + (size_t)ANNOUNCE_WANT_MAX * DICT_PEER_MAX};
    struct err e = {0};
    const char *refused;

    if (!is_get(request, response))
        return;
    if (announce_query_parse(request->query, &q, &e) != ERR_OK) {
        fail(t, request, response, e.text, false);
        return;
    }
    memcpy(a.info_hash, q.info_hash, INFO_HASH_LEN);
    a.hash = swarms_hash(t->swarms, a.info_hash);
    a.addr = q.has_ip && t->conf->trust_ip_param ? q.ip : request->client;
    a.port = q.port;
    a.seed = q.left == 0;
    a.event = q.event;
    a.want = q.want;
    for (unsigned f = 0; f < PEER_FAMILIES; f++) {
        r.wire[f] = arena_alloc(request->arena,
                                (size_t)ANNOUNCE_WANT_MAX * peer_wire_len((enum peer_family)f));
        if (!r.wire[f])
            b.full = true;
    }
    b.p = arena_alloc(request->arena, b.cap);
    if (b.full || !b.p) {
        respond(response, &b);
        return;
    }
    metric_add(t->turn->metrics, METRIC_TRACKER_ANNOUNCES_HTTP + q.event, 1);
    if (!announce_run(t, &a, &r, &refused)) {
        fail(t, request, response, refused, true);
        return;
    }
    put_answer(t, &b, &r, request->client, q.compact);
    respond(response, &b);
}

void tracker_scrape_handle(void *ctx, const struct http_request *request,
                           struct http_response *response)
{
    struct tracker *t = ctx;
    uint8_t hash[SCRAPE_MAX][INFO_HASH_LEN];
    struct bencode b = {0};
    struct err e = {0};
    unsigned n = 0;

    if (!is_get(request, response))
        return;
    if (scrape_query_parse(request->query, hash, &n, &e) != ERR_OK) {
        fail(t, request, response, e.text, false);
        return;
    }
    b.cap = HEAD_MAX + (size_t)n * SCRAPE_FILE_MAX;
    b.p = arena_alloc(request->arena, b.cap);
    if (!b.p) {
        respond(response, &b);
        return;
    }
    bencode_dict(&b);
    bencode_key(&b, "files");
    bencode_dict(&b);
    for (unsigned i = 0; i < n; i++) {
        struct swarm_counts c;

        swarms_scrape(t->swarms, hash[i], &c);
        bencode_str(&b, hash[i], INFO_HASH_LEN);
        bencode_dict(&b);
        bencode_key(&b, "complete");
        bencode_int(&b, c.seeds);
        bencode_key(&b, "downloaded");
        bencode_int(&b, c.completed);
        bencode_key(&b, "incomplete");
        bencode_int(&b, c.leechers);
        bencode_end(&b);
    }
    bencode_end(&b);
    bencode_end(&b);
    metric_add(t->turn->metrics, METRIC_TRACKER_SCRAPES_HTTP, 1);
    respond(response, &b);
}
