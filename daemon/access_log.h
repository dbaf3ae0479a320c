/* The access log: one thread that fetches the notes of all workers from their rings, makes lines of
 * them and writes these in batches. A worker never waits for it: when file or reader are too slow,
 * the rings fill and drop, which note_dropped counts. Lines of one worker are in order; of several,
 * nearly. */
#pragma once

#include "base/err.h"
#include "router/note.h"

struct access_log;

/* path NULL: standard output. The rings stay the caller's, until access_log_stop. ERR_IO names the
 * file and the system's reason. */
enum err_code access_log_start(const char *path, enum note_format format,
                               struct note_ring *const *rings, unsigned ring_count,
                               struct access_log **out, struct err *e) MUST_CHECK;

/* Any thread, never waits: the file is opened anew by its name (after a rotation), behind what was
 * noted before. When that fails, the old one is written on and the program's log says so. Nothing
 * to do for standard output. */
void access_log_reopen(struct access_log *l);

/* After the workers wrote their last note: writes out what is in the rings, closes, frees. A reader
 * of standard output that takes nothing is waited for a second at most. NULL is fine. */
void access_log_stop(struct access_log *l);

/* Lines that nobody will read, since the start: those that found a full ring and those that could
 * not be written (disk full, reader gone). Any thread. For METRIC_NOTES_DROPPED. */
uint64_t access_log_dropped(const struct access_log *l);
