/* "Did you mean": the nearest of some names to one that nobody has. */
#pragma once

#include "base/bytes.h"

struct suggest {
    struct str given, best; /* best n 0: nothing is near */
    unsigned distance;
};

void suggest_init(struct suggest *s, struct str given);
void suggest_offer(struct suggest *s, struct str name);

#define SUGGEST_TEXT_MAX 128
/* "; did you mean \"x\"?", or "" when nothing is near. Returns out. */
char *suggest_format(const struct suggest *s, char out[SUGGEST_TEXT_MAX]);
