/* What the keys of a configuration mean together: names that refer to each other, limits that
 * belong to each other, fields that come from several keys. */
#pragma once

#include "daemon/config_keys.h"
#include "daemon/config_read.h"

/* Fills what follows from several keys (streamers, access log, ...) and adds problems. files: look
 * whether the files that are named exist. ERR_LIMIT: the arena is full. */
enum err_code config_check(struct config_tree *t, struct config_read *in, bool files,
                           struct err *e) MUST_CHECK;

/* ---- shared by the parts of it */

struct named;

struct check {
    struct config_tree *t;
    struct problem_sink *problems;
    struct config_read *in;
    yaml_node_t *root;
    struct arena *arena;
    const struct named *streamers; /* [in->streamer_count], sorted */
};

/* Where the value of keys ("dns.ttl") below node is, or the last of the keys that is there. */
struct place check_place(const struct check *c, yaml_node_t *node, const char *keys);
/* Whether the key was written, right or wrong. */
bool check_has(const struct check *c, yaml_node_t *node, const char *key);
/* Whether there is such a map ("network", "cost"), of a file or to come from an ALTO server. */
bool check_has_map(const struct check *c, const char *key);
/* Whether what is written there was wrong in itself already. */
bool check_wrong(const struct check *c, yaml_node_t *node, const char *keys);

/* config_check_state.c: profiles, and what a streamer tells and whom it serves. */
enum err_code check_profiles(struct check *c, struct err *e) MUST_CHECK;
void check_poll(struct check *c, yaml_node_t *node, const char *path, const struct poll_conf *p);
enum err_code check_streamer_state(struct check *c, yaml_node_t *item, size_t i,
                                   struct err *e) MUST_CHECK;
/* config_check_partners.c: geography, downstream CDNs, and what services make of them. */
enum err_code check_partners(struct check *c, struct err *e) MUST_CHECK;
void check_service_partners(struct check *c, yaml_node_t *item, size_t i);
/* Footprints below node, whose path is this; values are made lower case. */
enum err_code check_footprints(struct check *c, yaml_node_t *node, const char *path,
                               const struct footprint_conf *all, size_t n,
                               struct err *e) MUST_CHECK;
/* config_check_alto.c: resources of the ALTO server and who may see them. */
enum err_code check_alto_server(struct check *c, struct err *e) MUST_CHECK;
/* config_check_files.c: all files that are named are there; the token is read. */
enum err_code check_files(struct check *c, struct err *e) MUST_CHECK;

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

/* A list of names of a service: each known, none twice. */
struct name_list {
    const char *key, *what; /* "streamers", "streamer" */
    const struct str *names;
    size_t count;
    const struct named *known; /* sorted */
    size_t known_count;
    uint32_t *seen; /* [known_count], by index: the last service that named it, from 1 */
};
void check_names(struct check *c, yaml_node_t *item, size_t service, const struct name_list *l);
