/* The ALTO server's own thread: makes a catalog of a view and the files beside it, its texts,
 * compressed bodies and patches, and hands it to the workers. Never on a worker, never on the
 * control thread: a full cost map's text takes tens of milliseconds, its compression a tenth of a
 * second. */
#pragma once

#include "alto/update.h"
#include "daemon/alto_files.h"
#include "daemon/publish.h"

/* What one catalog is made of, and kept by it. Starts zeroed from alto_job_new with one reference;
 * what is put into it passes to it. */
struct alto_job {
    _Atomic uint32_t refs;
    struct view *view;
    struct config_hold *hold; /* whose configuration says what is offered */
    struct alto_files *files;
    struct arena *facts;              /* holds the two below; NULL: neither is served */
    const struct propmap *streamers;  /* NULL: not served */
    const struct cdni_advert *advert; /* NULL: not served */
};

struct alto_job *alto_job_new(void) MUST_CHECK;
void alto_job_drop(struct alto_job *job); /* NULL is fine */

struct alto_publisher;

struct alto_publisher_counts {
    uint64_t catalogs, errors;
    uint64_t serial;      /* of the newest catalog */
    uint32_t text_ms;     /* its texts took */
    uint32_t compress_ms; /* and the compressed ones */
    uint64_t published_wall_ms;
};

/* started: whose alto.path and alto.host are mounted. hub may be NULL. give: called on the
 * publisher's thread with each new catalog, a reference for whom it is given to is the callee's to
 * take. NULL: no memory. */
struct alto_publisher *alto_publisher_start(const struct alto_conf *started, struct alto_hub *hub,
                                            void (*give)(void *arg, struct alto_catalog *c),
                                            void *arg) MUST_CHECK;
/* Control thread; the reference passes. An older job that was not begun is dropped. */
void alto_publisher_post(struct alto_publisher *p, struct alto_job *job);
void alto_publisher_count(struct alto_publisher *p, struct alto_publisher_counts *out);
/* What the newest job was refused for; empty: nothing. */
void alto_publisher_error(struct alto_publisher *p, char out[ERR_TEXT_MAX]);
/* Waits for the job under way. NULL is fine. */
void alto_publisher_stop(struct alto_publisher *p);

/* The catalog alone, on any thread, for --check: with texts, without a publisher. */
enum err_code alto_catalog_make(const struct alto_conf *started, struct alto_job *job,
                                const struct alto_catalog *old, uint64_t serial,
                                struct alto_catalog **out, struct err *e) MUST_CHECK;

/* Which groups a client belongs to, for struct alto_server: by the newest catalog it was given. */
uint64_t alto_client_groups_of(void *server, struct addr client, struct str user);
