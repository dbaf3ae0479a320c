/* The writer of server-sent events as RFC 8895 section 5 uses them. */
#pragma once

#include "base/bytes.h"

#define SSE_LINE_MAX 16384u /* bytes of a line that the writer makes, with its "data: " */

/* "event: <media-type>,<data-id>" and its line end. data_id n 0: the media type alone. */
bool sse_write_head(struct bytes *out, struct str media_type, struct str data_id) MUST_CHECK;

/* A JSON text as data lines of at most SSE_LINE_MAX bytes, as far as a single token lets (RFC 8895
 * section 9.5): cut behind commas, where a line feed means nothing; lines of the text stay lines.
 * Raw line ends in strings cannot be, as the text is JSON. */
bool sse_write_data(struct bytes *out, struct str json) MUST_CHECK;

/* The blank line that sends the event off. */
bool sse_write_end(struct bytes *out) MUST_CHECK;

/* All three. */
bool sse_write_event(struct bytes *out, struct str media_type, struct str data_id,
                     struct str json) MUST_CHECK;
