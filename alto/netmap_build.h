/* The builder of network maps: names and prefixes in any order, then one freeze that checks them
 * together. What reads a text and what derives a map from routing both end here. */
#pragma once

#include "alto/netmap.h"

struct netmap_build;

/* Names and the frozen map go into arena. NULL: no memory. */
struct netmap_build *netmap_build_new(struct arena *arena) MUST_CHECK;
void netmap_build_free(struct netmap_build *b);

/* Position in a text, for an error that only the freeze finds; 0 when there is none. */
struct netmap_place {
    uint32_t line;
    uint64_t col;
};

/* *id counts from 0 in the order of the calls. ERR_PARSE: not a PID name. ERR_LIMIT:
 * NETMAP_PIDS_MAX. */
enum err_code netmap_build_add_pid(struct netmap_build *b, struct str name,
                                   struct netmap_place place, uint32_t *id,
                                   struct err *e) MUST_CHECK;
enum err_code netmap_build_add_prefix(struct netmap_build *b, uint32_t id, struct prefix prefix,
                                      struct err *e) MUST_CHECK;

/* An empty tag in vtag is replaced by the content hash. On ERR_CONFLICT (a name twice: ERR_PARSE)
 * *place is where the text said the name; line 0 when it is about prefixes. */
enum err_code netmap_build_freeze(struct netmap_build *b, const struct vtag *vtag,
                                  const struct netmap **out, struct netmap_place *place,
                                  struct err *e) MUST_CHECK;

/* A prefix as the list of its family takes it, with its length. ERR_PARSE says what would do. */
enum err_code netmap_list_prefix(struct str text, bool v6, struct prefix *out,
                                 struct err *e) MUST_CHECK;
