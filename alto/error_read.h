/* A server's error body (RFC 7285 section 8.5.2) as a sentence. */
#pragma once

#include "base/bytes.h"
#include "base/err.h"

#define ALTO_ERROR_BYTES_MAX ((size_t)64 << 10)

/* Sets *e to ERR_PARSE with what the body says: "E_INVALID_FIELD_VALUE, field "pids", value "x"".
 * Peers' bytes are escaped and bounded. A body that says nothing readable is told as that. */
enum err_code alto_error_read(struct str body, struct err *e) MUST_CHECK;
