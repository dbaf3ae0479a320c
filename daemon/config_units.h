/* Quantities as operators write them: "30s", "64 MiB", "10 Gbit/s", "20%". Exact decimal
 * arithmetic, no locale, no exponents; a unit is asked for wherever a bare number could be taken
 * for two things. Each error is one sentence that says what to write instead. */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

/* Room for any text of units_*_format. */
#define UNITS_TEXT_MAX 48

/* "1800": decimal digits, nothing else. */
enum err_code units_integer_parse(struct str t, uint64_t *out, struct err *e) MUST_CHECK;
/* "0.75": decimal digits with at most one point; never negative. */
enum err_code units_number_parse(struct str t, double *out, struct err *e) MUST_CHECK;
/* "250ms", "30s", "5m", "1.5h", "7d" into milliseconds; "0" needs no unit. */
enum err_code units_duration_parse(struct str t, uint64_t *ms, struct err *e) MUST_CHECK;
/* "1232", "16 KiB", "64 MiB", "1 GiB", "10 MB" into bytes; a bare number is bytes. */
enum err_code units_size_parse(struct str t, uint64_t *bytes, struct err *e) MUST_CHECK;
/* "5 Mbit/s", "10 Gbit/s" into bits a second; decimal prefixes. */
enum err_code units_rate_parse(struct str t, uint64_t *bps, struct err *e) MUST_CHECK;
/* "20%", "2.5%" into thousandths of a percent: 20000, 2500. */
enum err_code units_share_parse(struct str t, uint64_t *milli_percent, struct err *e) MUST_CHECK;

/* The shortest exact way to write it in the same units: 90000 ms is "90s", 300000 ms is "5m". out
 * holds UNITS_TEXT_MAX; each returns out. */
char *units_duration_format(uint64_t ms, char *out);
char *units_size_format(uint64_t bytes, char *out);
char *units_rate_format(uint64_t bps, char *out);
char *units_share_format(uint64_t milli_percent, char *out);
