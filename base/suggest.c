#include "base/suggest.h"

#include <stdio.h>

#define NAME_MAX_LOOKED_AT 64

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;

    return m < c ? m : c;
}

/* Edits (a character more, less or another, or two neighbours swapped) between two names of at most
 * NAME_MAX_LOOKED_AT, row by row. */
static unsigned distance(struct str a, struct str b)
{
    unsigned rows[3][NAME_MAX_LOOKED_AT + 1] = {{0}};
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];

    for (unsigned j = 0; j <= b.n; j++)
        last[j] = j;
    for (unsigned i = 1; i <= a.n; i++) {
        unsigned *spare = before;

        now[0] = i;
        for (unsigned j = 1; j <= b.n; j++) {
            const unsigned other = a.p[i - 1] != b.p[j - 1];

            now[j] = least(last[j] + 1, now[j - 1] + 1, last[j - 1] + other);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
                before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
        before = last;
        last = now;
        now = spare;
    }
    return last[b.n];
}

void suggest_init(struct suggest *s, struct str given)
{
    /* A third of the letters wrong is a typing error; more is another word. */
    *s = (struct suggest){.given = given,
                          .distance = (unsigned)(given.n < 99 ? given.n : 99) / 3 + 2};
}

void suggest_offer(struct suggest *s, struct str name)
{
    const size_t apart = name.n > s->given.n ? name.n - s->given.n : s->given.n - name.n;
    unsigned d;

    if (s->given.n > NAME_MAX_LOOKED_AT || name.n > NAME_MAX_LOOKED_AT || apart >= s->distance)
        return;
    d = distance(s->given, name);
    if (d < s->distance && d < name.n) { /* nothing of the name in it is no likeness */
        s->distance = d;
        s->best = name;
    }
}

char *suggest_format(const struct suggest *s, char out[SUGGEST_TEXT_MAX])
{
    char shown[96];

    out[0] = '\0';
    if (s->best.n)
        snprintf(out, SUGGEST_TEXT_MAX, "; did you mean \"%s\"?",
                 bytes_escape(s->best.p, s->best.n, shown, sizeof shown));
    return out;
}
