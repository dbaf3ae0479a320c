/* A session is counted once: players ask the router again and again for one content (a DASH player
 * that is redirected asks once a segment; a resolver asks for A and for AAAA). Remembers which
 * client was sent where for which content, for a while. One table for all workers, relaxed atomics,
 * bounded; where it is too small the oldest are forgotten and counted again. */
#pragma once

#include "base/addr.h"
#include "router/live.h"

struct session_table;

#define SESSION_WINDOW_MAX_S 65535u /* a longer window counts as this: 18 hours */

/* entries is rounded up to a power of two; 8 bytes each. NULL: no memory. */
struct session_table *session_table_new(size_t entries);
void session_table_free(struct session_table *t);

/* Notes that this client (addr: as much of it as the question has) is sent to streamer i for this
 * content at now_s (steady, seconds). true: it is a new session there. false: the client was sent
 * there for it less than window_s ago, and that time begins anew. */
bool session_table_note(struct session_table *t, struct addr client, uint64_t content, lidx i,
                        uint32_t now_s, uint32_t window_s);

/* Ahead of session_table_note, as soon as client and content are known: its memory is far away. */
void session_table_prefetch(const struct session_table *t, struct addr client, uint64_t content);
