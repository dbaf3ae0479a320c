/* What the keys of a configuration mean together: names that refer to each other, limits that
 * belong to each other, fields that come from several keys. */
#pragma once

#include "daemon/config_keys.h"
#include "daemon/config_read.h"

/* Fills what follows from several keys (streamers, access log, ...) and adds problems. files: look
 * whether the files that are named exist. ERR_LIMIT: the arena is full. */
enum err_code config_check(struct config_tree *t, struct config_read *in, bool files,
                           struct err *e) MUST_CHECK;

/* The DNS part of it: zones and the hosts in them. */
enum err_code config_check_dns(struct config_tree *t, struct config *c, struct err *e) MUST_CHECK;

/* Below node, along keys joined by dots; the last one that is there, node itself if none is. */
yaml_node_t *config_tree_deep(struct config_tree *t, yaml_node_t *node, const char *keys);

/* Names with where they stand, sorted, for twins and look-ups. */
struct named {
    struct str name;
    size_t index;
};
void named_sort(struct named *all, size_t n);
const struct named *named_find(const struct named *all, size_t n, struct str name);
/* Reports every name that stands before; list is "streamers", each item of it has key `name`. */
void named_twins(struct config_tree *t, yaml_node_t *list, const char *path,
                 const struct named *sorted, size_t n);
