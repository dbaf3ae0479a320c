/* The sockets under an ALTO client (alto/client.h): names looked up without blocking, connections,
 * TLS with verification, timers, in one event loop. The control thread's. */
#pragma once

#include "alto/client.h"

struct event_base;

struct alto_fetch_conf {
    struct alto_client_conf client;
    const char *ca_file; /* certificate authorities (PEM); NULL: the system's */
};

struct alto_fetch;

typedef void alto_fetch_maps_fn(void *ctx, const struct alto_generation *g);

/* Begins when the loop runs; strings in conf must live as long. seed: what was kept from an earlier
 * run, references are taken; NULL: nothing. ERR_IO: ca_file; ERR_LIMIT. */
enum err_code alto_fetch_new(struct event_base *base, const struct alto_fetch_conf *conf,
                             const struct alto_generation *seed, alto_fetch_maps_fn *maps,
                             void *ctx, struct alto_fetch **out, struct err *e) MUST_CHECK;
void alto_fetch_free(struct alto_fetch *f); /* NULL is fine */

/* Times in it are of clock_ms. */
void alto_fetch_status(const struct alto_fetch *f, struct alto_client_status *out);
bool alto_fetch_force(struct alto_fetch *f);
