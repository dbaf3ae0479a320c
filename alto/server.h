/* Requests to answers: bytes in, bytes out, no socket. A worker has one struct alto_server with its
 * scratch; the catalog is whichever generation it was given last. */
#pragma once

#include "alto/alto_error.h"
#include "alto/catalog.h"
#include "base/metrics.h"

/* What a resource answers to one request body. Also for who wants an answer without HTTP: updates
 * of filtered resources. */
struct alto_question {
    const struct alto_catalog *catalog;
    const struct alto_resource *resource;
    struct str body;     /* of a POST resource */
    struct addr client;  /* whose costs an endpoint cost request without sources asks */
    uint64_t wall_ms;    /* now: calendars */
    uint64_t random;     /* for names that differ from answer to answer (RFC 9275 section 11) */
    struct arena *arena; /* for what the answer needs */
    uint64_t *misses;    /* addresses that no PID has are counted here; NULL: nowhere */
};

struct alto_reply {
    struct bytes *out;         /* the answer's text is added here */
    struct str media_type;     /* the resource's, unless the answer says otherwise (multipart) */
    struct alto_bodies *whole; /* instead of out: the answer is just this body; not a reference of
                                  its own */
    struct alto_error error;   /* status 0: none */
};

/* false: error is set and out holds nothing of use. */
bool alto_reply_make(const struct alto_question *q, struct alto_reply *reply) MUST_CHECK;

/* Each kind's own, for alto_reply_make; the request is parsed within. */
bool alto_network_filter_reply(const struct alto_question *q, struct alto_reply *reply);
bool alto_cost_filter_reply(const struct alto_question *q, struct alto_reply *reply);
bool alto_endpoint_prop_reply(const struct alto_question *q, struct alto_reply *reply);
bool alto_endpoint_cost_reply(const struct alto_question *q, struct alto_reply *reply);
bool alto_prop_filter_reply(const struct alto_question *q, struct alto_reply *reply);
bool alto_cdni_filter_reply(const struct alto_question *q, struct alto_reply *reply);
bool alto_path_cost_reply(const struct alto_question *q, struct alto_reply *reply);
bool alto_path_endpoint_reply(const struct alto_question *q, struct alto_reply *reply);

/* And of GET resources, for alto_catalog_render. r is being built: its network, costs, props, ...
 * are there, all resources of the catalog are named. false: out is full. */
bool alto_directory_format(const struct alto_catalog *c, const struct alto_resource *r,
                           struct bytes *out) MUST_CHECK;
bool alto_network_format(const struct alto_resource *r, struct bytes *out) MUST_CHECK;
bool alto_cost_format(const struct alto_resource *r, struct bytes *out) MUST_CHECK;
bool alto_prop_format(const struct alto_resource *r, struct bytes *out) MUST_CHECK;
bool alto_cdni_format(const struct alto_resource *r, struct bytes *out) MUST_CHECK;

struct alto_hub; /* alto/update.h: streams and views of updates, shared by all workers */

struct alto_server {
    struct alto_catalog *catalog; /* one reference; NULL: not ready, 503 */
    struct alto_hub *hub;         /* NULL: no updates */
    unsigned worker;              /* our number in the hub */
    struct bytes scratch;         /* answers under way */
    struct metrics *metrics;
    uint64_t (*wall_ms)(void *arg); /* the turn's clock */
    void *wall_arg;
    /* Which groups (bits) a client belongs to, by address and user; NULL: all ones for everybody.
     * 0 where someone who shows who he is would see more: 401. */
    uint64_t (*groups)(void *arg, struct addr client, struct str user);
    void *groups_arg;
    /* Who has shown nobody and asks for what is others' gets 401, not 404: somebody around
     * alto_handle adds the challenge that it needs. */
    bool asks_users;
    struct libdeflate_compressor *gzip; /* of answers to POST */
    struct bytes coded;                 /* one of them, compressed */
    uint64_t random;                    /* state of the questions' random numbers */
};

/* The groups of who asks; a resource is his when they meet its own. */
uint64_t alto_groups_of(const struct alto_server *s, const struct http_request *request);
/* An error as the whole answer; in the request's arena. For who answers without alto_handle. */
void alto_error_answer(const struct alto_error *e, const struct http_request *request,
                       struct http_response *response);

void alto_server_init(struct alto_server *s);
void alto_server_fini(struct alto_server *s);
/* On its worker: the next generation; a reference passes. */
void alto_server_set(struct alto_server *s, struct alto_catalog *c);

/* The handler, mounted at the catalog's base; ctx is the struct alto_server. Methods (405 with
 * Allow, OPTIONS, HEAD), Accept (406), Content-Type (415), size (413), conditions (304), codings,
 * Vary, Cache-Control and ALTO's error bodies are its matter (RFC 7285 section 8.3, RFC 9110). */
void alto_handle(void *ctx, const struct http_request *request, struct http_response *response);
/* For mounts whose engine refuses a request itself (413, 408, ...): the body that belongs to it. */
void alto_handle_refused(void *ctx, int status, struct str reason, struct http_response *response);
