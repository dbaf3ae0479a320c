/* The control thread: it alone changes things. It reads configuration and maps, builds views and
 * posts them to the workers, runs the probes, answers the admin port and obeys signals. */
#pragma once

#include "daemon/access_log.h"
#include "daemon/config.h"
#include "daemon/control_alto.h"
#include "daemon/control_feed.h"
#include "daemon/memory.h"
#include "daemon/publish.h"
#include "daemon/sources.h"
#include "daemon/state_writer.h"
#include "daemon/worker.h"
#include "router/prober.h"

#define CONTROL_RETIRED_MAX 64 /* views that some long answer still holds */

struct control {
    struct event_base *base;
    char config_path[4096];
    struct config_hold *started; /* listeners, limits, workers: as at the start */
    struct config_hold *newest;  /* streamers, services, zones, maps: as of the last good reload */
    struct sources sources;
    struct live *live;
    struct view *view;                         /* the newest; one reference */
    struct view *retired[CONTROL_RETIRED_MAX]; /* replaced, one reference each, until the workers
                                                  have let go */
    unsigned retired_count;
    uint64_t serial;

    struct worker *workers; /* [worker_count] */
    unsigned worker_count;
    struct worker_shared shared;
    struct prober *prober;
    struct memory memory;
    struct state_writer *state;                          /* NULL: there is no state_directory */
    uint64_t state_due_ms, state_written_ms, state_hash; /* of the text without its time */
    unsigned changed; /* enum source_kind: sources that are to be read again */
    struct control_alto alto;
    struct alto_source *feed; /* NULL: maps are files */
    struct swarms *swarms;
    struct access_log *access_log;

    struct turn turn; /* of the admin pages */
    struct metrics metrics;
    struct http_conf admin_conf;
    struct http_server *admin;
    uint16_t admin_port;

    struct event *on_hup, *on_term, *on_int, *on_usr1, *on_second, *on_inotify, *on_debounce;
    struct event *on_drain_deadline, *on_drained, *on_slot;
    int drained_fd;   /* eventfd: workers count down on it */
    unsigned drained; /* workers that have finished */
    bool draining;
    uint64_t began_wall_ms;
    uint64_t last_fold_ms;
    char last_error[ERR_TEXT_MAX]; /* of the newest reload or map update; empty: it went well */
};

/* Runs the daemon with this configuration until SIGTERM or SIGINT. 0: it ended as asked. The config
 * and its arena pass to it. */
int control_run(const char *config_path, const struct config *config, struct arena *config_arena);

/* For the admin pages. */
void control_state_save(struct control *c); /* soon, whatever changed */
enum err_code control_reload(struct control *c, struct err *e) MUST_CHECK;
