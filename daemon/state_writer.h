/* The thread that writes the state file, so that a slow disk holds up nobody: the file is whole at
 * any time, the old one or the new one. */
#pragma once

#include "base/bytes.h"

struct state_writer;

/* path: the file; see state_store. NULL: no memory or thread. */
struct state_writer *state_writer_start(const char *path);
/* Hands text over (its bytes pass on, *text is empty then); one that was not begun is replaced. */
void state_writer_post(struct state_writer *w, struct bytes *text);
struct state_writer_counts {
    uint64_t written, errors;
};
struct state_writer_counts state_writer_counts_get(const struct state_writer *w);
/* Writes what is posted, and ends the thread. NULL is fine. */
void state_writer_stop(struct state_writer *w);
