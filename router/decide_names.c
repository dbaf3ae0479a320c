#include "router/decide.h"

#include <stddef.h>

const char *why_name(enum why w)
{
    static const char *const names[WHY_COUNT] = {
        [WHY_NONE] = "none",
        [WHY_ONLY] = "only",
        [WHY_COST] = "cost",
        [WHY_LOAD] = "load",
        [WHY_HASH] = "hash",
        [WHY_DEGRADED] = "degraded",
        [WHY_CACHE] = "cache",
        [WHY_POPULAR] = "popular",
        [WHY_HOME] = "home",
        [WHY_OVER_CAP] = "over-cap",
        [WHY_NO_SERVICE] = "no-service",
        [WHY_NO_CANDIDATE] = "no-candidate",
    };

    return (unsigned)w < WHY_COUNT ? names[w] : "none";
}

const char *why_sentence(enum why w)
{
    static const char *const sentences[WHY_COUNT] = {
        [WHY_NONE] = "nothing was decided",
        [WHY_ONLY] = "it is the only one that can serve",
        [WHY_COST] = "nobody else is as near",
        [WHY_LOAD] = "nearer ones have more load, or are at the cap",
        [WHY_HASH] = "several are equally good, and the content is its own among them",
        [WHY_DEGRADED] = "nobody is healthy: it is the least bad",
        [WHY_CACHE] = "nearer ones would have to fetch the content first",
        [WHY_POPULAR] =
            "the content has several owners, and it is the best of them for this client",
        [WHY_HOME] = "nobody was sent the content lately, and this is where all routers lean to",
        [WHY_OVER_CAP] = "everybody is at the cap: it is the least bad",
        [WHY_NO_SERVICE] = "no service has this host and path",
        [WHY_NO_CANDIDATE] = ("no streamer has the address family and scheme that were asked for "
                              "and the client in its footprint, or all that do are taken out of "
                              "service"),
    };

    return (unsigned)w < WHY_COUNT ? sentences[w] : sentences[WHY_NONE];
}

const char *excluded_name(enum excluded x)
{
    static const char *const names[] = {
        [EXCLUDED_NOT] = NULL,
        [EXCLUDED_FAMILY] = "family",
        [EXCLUDED_FOOTPRINT] = "footprint",
        [EXCLUDED_HEALTH] = "health",
        [EXCLUDED_DRAIN] = "drain",
        [EXCLUDED_CAP] = "cap",
    };

    return names[x];
}
