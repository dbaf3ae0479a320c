/* Query strings (application/x-www-form-urlencoded in a URL's query, RFC 3986 percent-encoding):
 * one reader for the tracker's announces, the admin pages and whoever else asks. */
#pragma once

#include "base/bytes.h"

/* Takes the next "name=value" off the front of *rest, both still encoded; value.p is NULL where
 * there is no '='. Empty pieces ("&&") are passed over. false: nothing is left. */
bool query_next(struct str *rest, struct str *name, struct str *value);

/* Undoes %XX, and '+' for a space if plus. Writes at most max bytes, any byte value, no NUL. false:
 * a '%' without two hexadecimal digits, or more than max bytes. */
bool percent_decode(struct str in, bool plus, char *out, size_t max, size_t *len) MUST_CHECK;

/* The encoded value of the first parameter of that name; p NULL: there is none. */
struct str query_find(struct str query, struct str name);
