/* Information resource directories (RFC 7285 section 9.2) as a client reads them: what a server
 * offers, where, and what it says of it. */
#pragma once

#include "alto/cost_type.h"
#include "base/arena.h"

#define DIRECTORY_BYTES_MAX     ((size_t)8 << 20)
#define DIRECTORY_RESOURCES_MAX 4096u

#define DIRECTORY_TYPE "application/alto-directory+json"

/* RFC 8896 section 4.1: the calendar of some of a resource's cost types. */
struct directory_calendar {
    const struct cost_type *type;
    double interval_s;
    uint32_t slots;
};

/* How a resource's changes come (RFC 8895 section 6.3, RFC 9569 section 5.2). */
struct directory_change {
    struct str id;
    bool merge, json; /* JSON merge patch, JSON patch */
    bool other;       /* something that no RFC of today has */
};

struct directory_resource {
    struct str id;
    struct str uri;        /* absolute */
    struct str media_type; /* as announced: what an answer is, its own Content-Type says */
    struct str accepts;    /* n 0: a GET resource */
    const struct str *uses;
    size_t use_count;
    const struct cost_type *const *costs; /* [cost_count] cost-type-names, of this directory */
    size_t cost_count;
    bool cost_constraints; /* false when nothing is said (section 11.3.2.4) */
    uint32_t max_cost_types;
    const struct directory_calendar *calendars; /* [calendar_count], each cost type once */
    size_t calendar_count;
    const struct directory_change *changes; /* [change_count] */
    size_t change_count;
    bool stream_control; /* support-stream-control */
    const struct str *prop_types;
    size_t prop_type_count;
};

struct directory {
    struct str uri;             /* its own */
    struct str default_network; /* resource id; n 0: none is named */
    const struct cost_type *types;
    size_t type_count;
    const struct directory_resource *resources; /* [resource_count], as in the text */
    size_t resource_count;
    size_t skipped; /* resources at addresses that are none of https or http */
};

/* Reads the body that was found at uri; relative URIs are resolved against that. *out lives in
 * arena, nothing points into json. Unknown members, media types, capabilities, cost modes and
 * metrics are no errors (sections 8.3.7 and 9.2.2, RFC 9274 section 3); cost-type-names that this
 * directory does not define are left out. Of a calendar's cost type named twice the first counts
 * (RFC 8896 section 4.1). ERR_PARSE: not a directory; a member of another type. ERR_LIMIT: too
 * large, or the arena is full. */
enum err_code directory_read(struct str json, struct str uri, struct arena *arena,
                             const struct directory **out, struct err *e) MUST_CHECK;

/* NULL: there is none. */
const struct directory_resource *directory_find(const struct directory *d, struct str id);
