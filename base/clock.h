/* Time, asked for once per turn of a loop and passed down: nothing below the loop reads a clock. */
#pragma once

#include <stdint.h>

uint64_t clock_ms(void);      /* monotonic, for time-outs and decay */
uint64_t clock_us(void);      /* the same clock, for durations */
uint64_t clock_wall_ms(void); /* since 1970, for logs */
uint64_t clock_cpu_ns(void);  /* of this thread, for benchmarks */
