/* Dates of HTTP and ALTO calendars: IMF-fixdate (RFC 9110 section 5.6.7). */
#pragma once

#include "base/attr.h"
#include "base/bytes.h"

#define HTTP_DATE_SIZE 30
/* "Sun, 06 Nov 1994 08:49:37 GMT" and a NUL. */
void http_date_format(uint64_t unix_s, char out[HTTP_DATE_SIZE]);

/* The same form, from 1970 to 9999, and a day of one digit, as RFC 8896 writes it ("Tue, 1 Jul 2019
 * 13:00:00 GMT"). The day of the week must be one, and is not held against the date: that RFC's own
 * examples are off by one. A leap second (":60") is the next second. Nothing in front of it or
 * behind. ERR_PARSE. */
enum err_code http_date_parse(struct str text, uint64_t *unix_s, struct err *e) MUST_CHECK;
