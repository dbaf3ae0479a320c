/* The control thread's side of the ALTO server: files, facts of the router, and when a catalog is
 * to be made of them. */
#pragma once

#include "daemon/alto_publisher.h"

struct control;

struct control_alto {
    struct alto_hub *hub; /* NULL: there is no ALTO server */
    struct alto_publisher *publisher;
    struct alto_files *files;           /* the newest good ones */
    uint64_t files_number;              /* counts them up */
    uint64_t posted_view, posted_files; /* what the newest job was made of */
    uint64_t facts_due_ms;
    char facts[2 * (ALTO_TAG_MAX + 1)]; /* tags of the newest facts */
    char error[ERR_TEXT_MAX];           /* of the newest files; empty: they are good */
};

/* Before the workers, which share the hub. Nothing is done when the configuration has no alto.path.
 */
enum err_code control_alto_start(struct control *c, unsigned workers, struct err *e) MUST_CHECK;
/* Behind the workers' making. */
enum err_code control_alto_run(struct control *c, struct err *e) MUST_CHECK;

/* Reads the files of this configuration against the maps that stand now; *out is NULL without a
 * server. */
enum err_code control_alto_load(struct control *c, const struct config *conf,
                                struct alto_files **out, struct err *e) MUST_CHECK;
/* These files are the newest (the reference passes), or could not be read (NULL and why). */
void control_alto_files(struct control *c, struct alto_files *files, const char *why);
/* The catalog follows, if view or files are others than those of the newest one. changed: the
 * configuration is. */
void control_alto_post(struct control *c, bool changed);
/* Each second: load and state of the streamers, where they are served. */
void control_alto_turn(struct control *c);
/* Behind the workers' end. */
void control_alto_stop(struct control *c);

/* The catalog of a view that is only tried. */
enum err_code control_alto_check(const struct config *conf, struct view *v,
                                 struct err *e) MUST_CHECK;
