/* The newest good copy of each input, with its source, age and version. A bad update leaves the
 * last good copy in place and says why. Control thread only. */
#pragma once

#include "daemon/config.h"
#include "router/fci.h"
#include "router/view.h"

#define SOURCES_ARENA_MAX ((size_t)4 << 30) /* of one parsed map */

/* What is taken together or not at all: a cost map is read against its network map, so half an
 * update would price the wrong PIDs. Each advertisement is one for itself. */
enum source_kind {
    SOURCE_MAPS = 1 << 0,
    SOURCE_GEO = 1 << 1,
    SOURCE_FCI = 1 << 2,
    SOURCE_ALTO = 1 << 3, /* watched here, read by daemon/alto_files.h */
    SOURCE_ALL = SOURCE_MAPS | SOURCE_GEO | SOURCE_FCI | SOURCE_ALTO,
};

/* An advertisement that was read, shared by what keeps it. */
struct source_fci {
    unsigned refs;
    struct arena *arena;
    struct fci fci;
};

/* Which of the three is there is a matter of the kind. */
struct source_file {
    char path[4096];          /* of databases: the first; empty: not configured */
    struct view_source *good; /* a map */
    struct geo *geo;          /* of all databases */
    struct source_fci *fci;
    uint64_t loaded_wall_ms;  /* when the good copy was read */
    uint32_t took_ms;         /* reading and parsing it */
    char error[ERR_TEXT_MAX]; /* of the newest attempt; empty: it is the good copy */
};

struct source_list {
    struct source_file *items;
    size_t count;
};

struct source_watch;

struct sources {
    struct source_file network, cost, geo;
    struct source_list more_costs; /* as in the configuration */
    bool given;                    /* the maps are of sources_give: files are not read */
    struct source_list fci;        /* of the downstream CDNs that have one, likewise */
    int inotify_fd; /* readable when a watched file may have changed; -1: not watching */
    struct source_watch *watches; /* [watch_count] */
    size_t watch_count;
};

/* Starts from zero: inotify_fd -1, nothing read. */
void sources_init(struct sources *s);
void sources_fini(struct sources *s);

/* Reads what of these kinds (enum source_kind) the configuration names, each kind for itself. On
 * failure the good copies of that kind stay and its error is kept for the status page; the first
 * error is returned. *taken: the kinds that have something new; may be NULL. */
enum err_code sources_load(struct sources *s, const struct config *c, unsigned kinds,
                           unsigned *taken, struct err *e) MUST_CHECK;

/* Maps that an ALTO server has, in place of files; references are taken. uri: the server's
 * directory, shown as their path. network NULL: files count again, from the next sources_load. */
enum err_code sources_give(struct sources *s, struct view_source *network,
                           struct view_source *const *costs, size_t n, const char *uri,
                           struct err *e) MUST_CHECK;

/* The configuration's downstream CDNs, with what the good advertisements say of them: the
 * footprints of both narrow. In arena; they point into the configuration and the advertisements. */
enum err_code sources_downstreams(const struct sources *s, const struct config *c,
                                  struct arena *arena, struct downstream_conf **out,
                                  struct err *e) MUST_CHECK;

/* What stands, for when sources_load has given good copies and the view of them is refused.
 * _restore: all as it was, but for the reason why a file of then is refused now; _forget: the new
 * ones stay. One of the two follows each _keep. false: no memory, and nothing is kept. */
struct sources_kept {
    bool given;
    struct source_file network, cost, geo;
    struct source_list more_costs, fci;
};
bool sources_keep(const struct sources *s, struct sources_kept *k) MUST_CHECK;
/* Before _restore: this is why what was read since _keep is not taken. */
void sources_refused(struct sources *s, const struct sources_kept *k, const char *why);
void sources_restore(struct sources *s, struct sources_kept *k);
void sources_forget(struct sources_kept *k);

/* Watches all files, and the links on the way to them, in their folders, since a file is best
 * replaced by rename, and a folder of files by another that a link is moved to. To be called before
 * they are read: a change during that is not missed then. What is watched already stays so, and its
 * changes are not forgotten. Failure is logged: SIGHUP still works. */
void sources_watch(struct sources *s, const struct config *c);
/* Behind a load that was taken: watches what is configured now, and no more. */
void sources_watch_only(struct sources *s, const struct config *c);
/* Drains inotify_fd: the kinds of which a file was written or moved into place. */
unsigned sources_changed(struct sources *s);
