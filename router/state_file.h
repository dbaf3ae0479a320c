/* What survives a restart besides the memory of caches (which is a file itself): per streamer, by
 * name, its health, what the operator ordered of it, the sessions believed open and how likely it
 * has a content; and what is asked for most. JSON, some hundred bytes a streamer and a content. The
 * file is replaced whole, so that the end of the process or of the machine at any time leaves the
 * old one or the new one.
 *
 * Control thread; but what state_format made, another thread may store (it waits for the disk). */
#pragma once

#include "router/popularity.h"
#include "router/view.h"

#define STATE_VERSION       1
#define STATE_BYTES_MAX     ((size_t)16 << 20)
#define STATE_CONTENTS_MAX  16384u /* the hottest */
#define STATE_HEALTH_KEEP_S 60     /* older, a health is not known any more, nor what others send */

struct state_streamer {
    struct str name;
    enum health v4, v6;
    enum admin_state admin;
    double sessions;           /* believed open */
    double foreign, foreign_s; /* see struct live_streamer */
    int hit_pm;                /* -1: never measured, so it is as configured */
    int hit_known_pm;
};

struct state_content {
    struct str service;
    struct popularity_row row; /* without the service's number */
};

struct state {
    uint64_t wall_ms;                       /* when it was written, since 1970 */
    const struct state_streamer *streamers; /* [streamer_count] */
    size_t streamer_count;
    const struct state_content *contents; /* [content_count], hottest first */
    size_t content_count;
    struct arena *arena;
};

/* Adds the whole text to out; p may be NULL. now_s is popularity's clock. ERR_LIMIT: out is full,
 * or no memory; it is then as it was. */
enum err_code state_format(const struct live *live, const struct view *v, struct popularity *p,
                           double now_s, uint64_t wall_ms, struct bytes *out,
                           struct err *e) MUST_CHECK;

/* Any thread, one at a time for a path. ERR_IO: the file is as it was. */
enum err_code state_store(const char *path, struct str text, struct err *e) MUST_CHECK;

/* ERR_PARSE, ERR_LIMIT, ERR_UNSUPPORTED: where it is not what state_format writes. */
enum err_code state_parse(const char *text, size_t n, struct state **out, struct err *e) MUST_CHECK;
/* The same of a file. ERR_NOT_FOUND: there is none, as at the very first start. One that cannot be
 * parsed is renamed to "<path>.bad" (the one before it goes), and the error says so. */
enum err_code state_load(const char *path, struct state **out, struct err *e) MUST_CHECK;
void state_free(struct state *s); /* NULL is fine */

/* Puts it into the live words of the view's streamers and into p (may be NULL), for the time that
 * has gone: sessions end, rates decay, and beyond STATE_HEALTH_KEEP_S a health is not known any
 * more. Admin states come back whatever their age. Of streamers and services that the view does not
 * have nothing is kept. A health comes back only where something will look at it again: probes,
 * polls or reports. To be called behind prober_set (which begins with HEALTH_UNKNOWN) and before
 * the first answer; returns how many streamers and contents were known. */
struct state_applied {
    size_t streamers, contents;
};
struct state_applied state_apply(const struct state *s, struct live *live, const struct view *v,
                                 struct popularity *p, double now_s, uint64_t wall_ms);
