/* Collects what is wrong with a configuration: each problem with its place, the source line and a
 * sentence, bounded in number and in length. */
#pragma once

#include "base/arena.h"
#include "daemon/config.h"

/* A place in the text, both from 1; line 0: the file as a whole. */
struct place {
    uint32_t line, col; /* col counts characters, not bytes */
};

struct problem_sink {
    struct arena *arena;
    struct str text;
    struct config_problem *items; /* [CONFIG_PROBLEMS_MAX + 1] */
    size_t count;
    size_t errors;  /* all of them, kept or not */
    size_t dropped; /* over the limit */
    bool out_of_memory;
    uint32_t last_line; /* where the source line was last looked for */
    size_t last_start;
};

/* false: the arena is full. The sink borrows text for as long as it lives. */
bool problem_sink_init(struct problem_sink *s, struct arena *arena, struct str text) MUST_CHECK;
void problem_error(struct problem_sink *s, struct place at, const char *fmt, ...) PRINTF_LIKE(3, 4);
void problem_warning(struct problem_sink *s, struct place at, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* Whether an error is at that place already: what follows from it need not be said. */
bool problem_sink_has(const struct problem_sink *s, struct place at);
/* Whether further problems are only counted: a costly sentence need not be made. */
bool problem_sink_full(const struct problem_sink *s);
/* Sorts into the order of the file and adds "and N more". */
struct config_problems problem_sink_finish(struct problem_sink *s);

/* The place of byte offset in text, by the lines and characters that YAML counts. */
struct place place_of_offset(struct str text, size_t offset);

#define TEXT_QUOTE_MAX 128

/* Text of the file for a message: control characters and broken UTF-8 as \xNN, cut at about 60
 * characters. out holds TEXT_QUOTE_MAX. Returns out. */
char *text_quote(struct str t, char *out);
