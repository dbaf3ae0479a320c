/* Reading the query strings of HTTP announces (BEP 3, 7, 21, 23) and scrapes (BEP 48): strict, so
 * that a client's mistake is told and not guessed around. Private to the tracker. */
#pragma once

#include "tracker/announce.h"

struct announce_query {
    uint8_t info_hash[INFO_HASH_LEN];
    uint16_t port;
    uint64_t left;
    enum announce_event event;
    int64_t want; /* -1: not said */
    bool compact; /* unless the client says 0 */
    bool has_ip;
    struct addr ip;
};

/* info_hash, peer_id, port and left must be there; what is not of a tracker's business (uploaded,
 * key, ...) is passed over, numbers of BEP 3 only if they are numbers. ERR_PARSE: what, and what
 * would be right. */
enum err_code announce_query_parse(struct str query, struct announce_query *out,
                                   struct err *e) MUST_CHECK;

/* Sorted, each once. ERR_LIMIT: more than SCRAPE_MAX. */
enum err_code scrape_query_parse(struct str query, uint8_t (*out)[INFO_HASH_LEN], unsigned *n,
                                 struct err *e) MUST_CHECK;
