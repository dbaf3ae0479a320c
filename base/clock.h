/* Time, asked for once per turn of a loop and passed down: nothing below the loop reads a clock. */
#pragma once

#include <stdint.h>

uint64_t clock_ms(void);      /* monotonic, for time-outs and decay */
uint64_t clock_us(void);      /* the same clock, for durations */
uint64_t clock_wall_ms(void); /* since 1970, for logs */
uint64_t clock_cpu_ns(void);  /* of this thread, for benchmarks */

#define CLOCK_TEXT_MAX 32
/* "2026-11-22T12:00:00.123Z" (RFC 3339) of milliseconds since 1970. Returns out, which holds
 * CLOCK_TEXT_MAX. No time zone, no allocation, no lock. */
char *clock_format(uint64_t wall_ms, char *out);
