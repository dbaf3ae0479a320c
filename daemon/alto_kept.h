/* The last good maps of an ALTO client as a file: one line of JSON that says what follows, then the
 * maps' texts one behind the other. */
#pragma once

#include "alto/client.h"

/* checked_wall_ms: when the server last said that they are its newest. false: out is full. */
bool alto_kept_format(const struct alto_generation *g, uint64_t taken_wall_ms,
                      uint64_t checked_wall_ms, struct bytes *out) MUST_CHECK;

/* arena_max: of one map. ERR_PARSE, ERR_CONFLICT: not what alto_kept_format writes. */
enum err_code alto_kept_parse(struct str text, size_t arena_max, struct alto_generation *out,
                              uint64_t *taken_wall_ms, uint64_t *checked_wall_ms,
                              struct err *e) MUST_CHECK;
