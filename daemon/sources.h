/* The newest good copy of each input, with its source, age and version. A bad update leaves the
 * last good copy in place and says why. Control thread only. */
#pragma once

#include "daemon/config.h"
#include "router/view.h"

#define SOURCES_ARENA_MAX ((size_t)4 << 30) /* of one parsed map */

struct source_file {
    char path[4096]; /* empty: not configured */
    struct view_source *good;
    uint64_t loaded_wall_ms;  /* when the good copy was read */
    uint32_t took_ms;         /* reading and parsing it */
    char error[ERR_TEXT_MAX]; /* of the newest attempt; empty: it is the good copy */
};

struct sources {
    struct source_file network, cost;
    int inotify_fd; /* readable when a watched file may have changed; -1: not watching */
};

/* Starts from zero: inotify_fd -1, no maps. */
void sources_init(struct sources *s);
void sources_fini(struct sources *s);

/* Reads the maps that the configuration names. The two are taken together or not at all: a cost map
 * is read against its network map, so half an update would price the wrong PIDs. On failure the
 * good copies stay, the error is kept for the status page and returned. */
enum err_code sources_load(struct sources *s, const struct config *c, struct err *e) MUST_CHECK;

/* What stands, for when sources_load has given good copies and the view of them is refused.
 * _restore: all as it was, but for the reason why a file of then is refused now; _forget: the new
 * ones stay. One of the two follows each _keep. */
struct sources_kept {
    struct source_file network, cost;
};
void sources_keep(const struct sources *s, struct sources_kept *k);
void sources_restore(struct sources *s, struct sources_kept *k);
void sources_forget(struct sources_kept *k);

/* Watches the folders of the maps, since a map is best replaced by rename. To be called before the
 * maps are read: a change during that is not missed then. What is watched already stays so, and
 * its changes are not forgotten. Failure is logged: SIGHUP still works. */
void sources_watch(struct sources *s, const struct config *c);
/* Drains inotify_fd; true when one of the maps was written or moved into place. */
bool sources_changed(struct sources *s);
