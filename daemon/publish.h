/* Building a view from the newest inputs and giving it to the workers. Control thread only. */
#pragma once

#include "daemon/sources.h"

struct control;
struct http_digest;
struct ssl_ctx_st;

/* A configuration that views may point into: freed when the last of them is. */
struct config_hold {
    _Atomic uint32_t refs;
    const struct config *config;
    struct arena *arena;
};

/* Takes over the arena; NULL without memory (the arena is freed then). */
struct config_hold *config_hold_new(const struct config *config, struct arena *arena);
void config_hold_drop(struct config_hold *h);

/* Builds a view of the configuration and the good maps with the front ends' parts in it; the view
 * takes a reference to hold. hold NULL: the configuration outlives the view. caches may be NULL. */
enum err_code publish_build(const struct config *config, struct config_hold *hold,
                            const struct sources *sources, struct live *live,
                            struct cache_memory *caches, uint64_t serial, struct view **out,
                            struct err *e) MUST_CHECK;

/* The same as of another time, for cost calendars. */
enum err_code publish_build_at(const struct config *config, struct config_hold *hold,
                               const struct sources *sources, struct live *live,
                               struct cache_memory *caches, uint64_t serial, uint64_t wall_ms,
                               struct view **out, struct err *e) MUST_CHECK;

/* Makes v (one reference passes) the view of control, prober and all workers. */
enum err_code publish_view(struct control *c, struct view *v, struct err *e) MUST_CHECK;

/* Frees the replaced views that nobody else holds any more. */
void publish_sweep(struct control *c);

/* The TLS context of listen.https; *out is NULL when there is no such listener. */
enum err_code publish_digest(const struct config *config, struct http_digest **out,
                             struct err *e) MUST_CHECK;
enum err_code publish_tls(const struct config *config, struct ssl_ctx_st **out,
                          struct err *e) MUST_CHECK;

/* Reads the configuration's certificate and maps and builds one view of them, for --check: no
 * socket, no thread. */
enum err_code publish_check(const struct config *config, struct err *e) MUST_CHECK;
