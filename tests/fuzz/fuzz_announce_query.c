/* Query strings of HTTP announces and scrapes. Whatever comes is answered with status 200 and good
 * bencode; what was understood, written out plainly, is understood as the same again. */
#include <stdio.h>

#include "tests/bencode_check.h"
#include "tests/fuzz/tracker_world.h"
#include "tracker/announce_query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool ok)
{
    if (!ok)
        abort();
}

static void handle(struct tracker_world *w, handler_fn *handler, struct str query)
{
    struct http_request request = {
        .method = HTTP_GET, .query = query, .client = addr_from_v4(0x0a000001), .arena = w->arena};
    struct http_response response = {0};

    arena_reset(w->arena);
    handler(w->tracker, &request, &response);
    need(response.status == 200 && bencode_valid(response.body.p, response.body.n));
}

static void parse_again(const struct announce_query *q)
{
    static const char *const events[] = {"", "completed", "started", "stopped", "paused"};
    struct announce_query again;
    char text[512], hash[3 * INFO_HASH_LEN + 1], ip[ADDR_TEXT_MAX];
    int n;

    for (unsigned i = 0; i < INFO_HASH_LEN; i++)
        snprintf(hash + (size_t)i * 3, 4, "%%%02x", q->info_hash[i]);
    n = snprintf(
        text, sizeof text,
        "peer_id=aaaaaaaaaaaaaaaaaaaa&info_hash=%s&port=%u&left=%llu&event=%s&numwant=%lld&"
        "compact=%d%s%s",
        hash, q->port, (unsigned long long)q->left, events[q->event], (long long)q->want,
        q->compact, q->has_ip ? "&ip=" : "", q->has_ip ? addr_format(q->ip, ip) : "");
    need(n > 0 && (size_t)n < sizeof text);
    need(announce_query_parse((struct str){text, (size_t)n}, &again, NULL) == ERR_OK);
    need(memcmp(again.info_hash, q->info_hash, INFO_HASH_LEN) == 0 && again.port == q->port &&
         again.left == q->left && again.event == q->event && again.want == q->want &&
         again.compact == q->compact && again.has_ip == q->has_ip && addr_eq(again.ip, q->ip));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tracker_world *w = tracker_world_get();
    char *copy = malloc(size ? size : 1); /* exact, and not NUL terminated */
    struct str query = {copy, size};
    uint8_t hashes[SCRAPE_MAX][INFO_HASH_LEN];
    struct announce_query q;
    unsigned n = 0;

    if (size)
        memcpy(copy, data, size);
    if (announce_query_parse(query, &q, NULL) == ERR_OK) {
        need(q.port != 0 && q.want >= -1);
        parse_again(&q);
    }
    if (scrape_query_parse(query, hashes, &n, NULL) == ERR_OK) {
        need(n > 0 && n <= SCRAPE_MAX);
        for (unsigned i = 1; i < n; i++)
            need(memcmp(hashes[i - 1], hashes[i], INFO_HASH_LEN) < 0);
    }
    handle(w, tracker_announce_handle, query);
    handle(w, tracker_scrape_handle, query);
    free(copy);
    return 0;
}
