/* JSON patches (RFC 6902) onto what is no tree: the reader hands each operation to a target, which
 * knows its places by their pointers. And JSON values out of the events of json_push. */
#pragma once

#include "alto/patch_tree.h"
#include "base/json_push.h"

#define PATCH_VALUES_MAX (1u << 20) /* values inside the one that an operation or a meta gives */
#define PATCH_PATH_MAX   4u         /* names of a pointer that a map has a use for */

/* A value that is being read; start from patch_value_init. */
struct patch_value {
    json_t *root; /* whole when `done` */
    bool done;
    unsigned depth;
    json_t *open[JSON_PUSH_DEPTH_MAX];
    struct bytes key[JSON_PUSH_DEPTH_MAX]; /* of the member that comes next, NUL terminated */
    size_t left;
};

void patch_value_init(struct patch_value *v);
/* Forgets the value, and is ready for the next. */
void patch_value_reset(struct patch_value *v);
void patch_value_fini(struct patch_value *v);
/* The caller owns it from here on. */
json_t *patch_value_take(struct patch_value *v);
/* ERR_PARSE: a member twice. ERR_LIMIT: PATCH_VALUES_MAX. */
enum err_code patch_value_event(struct patch_value *v, const struct json_event *ev,
                                struct err *e) MUST_CHECK;

struct patch_path {
    unsigned count; /* PATCH_PATH_MAX + 1: longer than that */
    char name[PATCH_PATH_MAX][PATCH_TOKEN_MAX];
};

/* What a patch works on: {"meta": {...}, "<data>": {...}}. The reader keeps to meta itself; paths
 * below come to the target with "<data>" in front, and the whole document as a path of count 0. */
struct patch_target {
    json_t *head; /* {"meta": {...}}: changed in place */
    const char *data;
    const char *passed_over; /* a member of meta that the map does not keep; NULL: none */
    void *ctx;
    bool (*has)(void *ctx, const struct patch_path *at);
    /* NULL: err is set, to ERR_UNSUPPORTED where only the size of the answer speaks against it. */
    json_t *(*get)(void *ctx, const struct patch_path *at, struct err *e);
    enum err_code (*set)(void *ctx, const struct patch_path *at, const json_t *value, bool replace,
                         struct err *e);
    enum err_code (*remove)(void *ctx, const struct patch_path *at, struct err *e);
    /* ERR_CONFLICT: it is not that. */
    enum err_code (*test)(void *ctx, const struct patch_path *at, const json_t *value,
                          struct err *e);
};

/* Errors name the operation. Behind one the target is to be thrown away. */
enum err_code patch_ops_apply(struct str text, struct patch_target *t, struct err *e) MUST_CHECK;

/* head's meta behind a merge patch; whether it is good is for who reads it then. */
enum err_code patch_head_merge(json_t *head, const json_t *meta_patch, struct err *e) MUST_CHECK;
