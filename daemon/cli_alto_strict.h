/* What an answer of an ALTO server must be beyond its form before a client uses it. Not for
 * --lenient. */
#pragma once

#include <jansson.h>

#include "alto/multipart.h"
#include "base/err.h"

/* The member "endpoint-properties": ERR_PARSE for a value that is no string (RFC 7285 section
 * 11.4.1.6). */
enum err_code cli_alto_strict_properties(const json_t *endpoints, struct err *e) MUST_CHECK;
/* Path vectors (RFC 9275 sections 7.2.6 and 7.3.6): ERR_PARSE unless both parts are there and every
 * element has an ANE name. */
enum err_code cli_alto_strict_paths(const struct multipart *m, struct err *e) MUST_CHECK;
