#include "base/suggest.h"

#include <stdio.h>

#define NAME_MAX_LOOKED_AT 64

/* Edits (a character more, less or another) between two names, row by row. */
static unsigned distance(struct str a, struct str b)
{
    unsigned row[NAME_MAX_LOOKED_AT + 1];

    for (unsigned j = 0; j <= b.n; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.n; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (unsigned j = 1; j <= b.n; j++) {
            unsigned best = diagonal + (a.p[i - 1] != b.p[j - 1]);

            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.n];
}

void suggest_init(struct suggest *s, struct str given)
{
    /* A third of the letters wrong is a typing error; more is another word. */
    *s = (struct suggest){.given = given,
                          .distance = (unsigned)(given.n < 99 ? given.n : 99) / 3 + 2};
}

void suggest_offer(struct suggest *s, struct str name)
{
    unsigned d;

    if (s->given.n > NAME_MAX_LOOKED_AT || name.n > NAME_MAX_LOOKED_AT || name.n == 0)
        return;
    d = distance(s->given, name);
    if (d < s->distance) {
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
