#include "daemon/cli_bar.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define BAR_WIDTH 40
#define FIRST_MS  1000u /* who is done sooner shows none */
#define REDRAW_MS 200u

void cli_bar_begin(struct cli_bar *b)
{
    const uint64_t now = clock_ms();

    *b = (struct cli_bar){
        .began_ms = now, .next_ms = now + FIRST_MS, .on = isatty(STDERR_FILENO) == 1};
}

void cli_bar_show(struct cli_bar *b, double done)
{
    uint64_t now;
    double left;
    int full;

    if (!b->on)
        return;
    now = clock_ms();
    if (now < b->next_ms)
        return;
    done = done < 0 ? 0 : done > 1 ? 1 : done;
    full = (int)(done * BAR_WIDTH);
    b->next_ms = now + REDRAW_MS;
    b->shown = true;
    left = done > 0 ? (double)(now - b->began_ms) / 1000 * (1 - done) / done : 0;
    fprintf(stderr, "\r[%.*s%*s] %3.0f %%, %.0f s left  ", full,
            "########################################", BAR_WIDTH - full, "", done * 100, left);
    fflush(stderr);
}

void cli_bar_end(const struct cli_bar *b)
{
    if (b->shown)
        fprintf(stderr, "\r%*s\r", BAR_WIDTH + 30, "");
}
