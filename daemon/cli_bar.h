/* A progress bar for commands that take longer than a moment: on standard error, if that is a
 * terminal; elsewhere nothing is drawn. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cli_bar {
    uint64_t next_ms, began_ms;
    bool on, shown;
};

void cli_bar_begin(struct cli_bar *b);
/* done is 0..1. Looks at the clock: not for each of a million steps. */
void cli_bar_show(struct cli_bar *b, double done);
void cli_bar_end(const struct cli_bar *b); /* takes it away */
