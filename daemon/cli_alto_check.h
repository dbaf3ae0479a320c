/* `waymark alto check`: what its files share. A check asks the server and says `fail` or `not
 * offered` with the reason; who says nothing has passed. */
#pragma once

#include "daemon/cli_alto.h"

#define CONFORM_WHY_MAX       400u
#define CONFORM_RESOURCES_MAX 512u
#define CONFORM_BODY_MAX      ((size_t)256 << 20)

enum conform_verdict { CONFORM_PASS, CONFORM_FAIL, CONFORM_NOT_OFFERED };

/* Kinds of resources that requests are made for. */
enum conform_kind {
    CONFORM_NETWORK, /* GET */
    CONFORM_COST,
    CONFORM_PROPS,
    CONFORM_CDNI,
    CONFORM_NETWORK_FILTER, /* POST from here on */
    CONFORM_COST_FILTER,
    CONFORM_EPS,
    CONFORM_ECS,
    CONFORM_PROPS_FILTER,
    CONFORM_CDNI_FILTER,
    CONFORM_PATH,
    CONFORM_PATH_ENDS,
    CONFORM_STREAM,
    CONFORM_TIPS,
    CONFORM_KINDS
};

struct conform_resource {
    const char *id, *media, *accepts; /* accepts NULL: GET */
    const char *uri;                  /* absolute */
    const json_t *entry, *can;        /* of the directory; its capabilities, may be NULL */
    enum conform_kind kind;           /* CONFORM_KINDS: none of these */
};

struct conform_reply {
    unsigned status;
    struct bytes head, body; /* decompressed */
    json_t *doc;             /* of the body; NULL: not JSON */
    bool gzip;
};

struct conform {
    struct cli_alto *a;
    json_t *directory;
    struct conform_resource all[CONFORM_RESOURCES_MAX];
    size_t count;
    const struct conform_resource *first[CONFORM_KINDS]; /* NULL: there is none */

    /* Of the row at hand. */
    enum conform_verdict verdict;
    char why[CONFORM_WHY_MAX];
    size_t asked; /* requests */
};

typedef void conform_fn(struct conform *c);

struct conform_row {
    const char *id, *level, *what;
    conform_fn *fn; /* NULL: the requests of conform_bad with this id are all of it */
};

/* A good request made wrong at one place. */
struct conform_bad {
    const char *id;
    enum conform_kind kind;
    const char *path;  /* "cost-type/cost-mode"; "": the whole body */
    const char *value; /* JSON, NULL: left out */
    const char *codes; /* those that are right, "E_SYNTAX E_MISSING_FIELD" */
    const char *field; /* NULL: any; "-": none has to be there */
    const char *text;  /* meta.value; NULL: any */
};

/* The first of these stands. */
void conform_fail(struct conform *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
void conform_none(struct conform *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A request with further header lines ("A: b\r\n"); false: there is no HTTP answer, and the check
 * has failed. */
bool conform_ask(struct conform *c, const char *method, const char *uri, const char *headers,
                 struct str body, struct conform_reply *out);
bool conform_say(struct conform *c, struct alto_conn *conn, const struct uri *to,
                 const char *method, const char *headers, struct str body,
                 struct conform_reply *out);
struct alto_conn *conform_open(struct conform *c, const char *uri, struct uri *to);
void conform_reply_fini(struct conform_reply *r);
/* The first such header; n 0: none. */
struct str conform_header(const struct conform_reply *r, const char *name);

/* The body of a resource, which must be 200 and JSON; else NULL and the check has failed. */
json_t *conform_get(struct conform *c, const struct conform_resource *r);
json_t *conform_post(struct conform *c, const struct conform_resource *r, const json_t *body);
/* Any text; the caller finis. */
bool conform_post_text(struct conform *c, const struct conform_resource *r, const char *text,
                       struct conform_reply *out);
/* The error that this request must give. */
bool conform_refused(struct conform *c, const struct conform_resource *r, const char *text,
                     const char *codes, const char *field, const char *value);
bool conform_refused_json(struct conform *c, const struct conform_resource *r, const json_t *body,
                          const char *codes, const char *field, const char *value);

/* A request that must be answered; the caller decrefs. NULL: the resource has nothing to ask for.
 */
json_t *conform_good(struct conform *c, const struct conform_resource *r);
/* The first resource of a kind; NULL: the row is "not offered". */
const struct conform_resource *conform_need(struct conform *c, enum conform_kind k);
/* A good request with one member changed, and its answer; the caller decrefs. r may be NULL. */
json_t *conform_ask_with(struct conform *c, const struct conform_resource *r, const char *path,
                         const char *value);
/* Sets the member at "a/b", or takes it out; value is JSON. */
void conform_edit(json_t *body, const char *path, const char *value);
json_t *conform_json(const char *text);
char *conform_text(const json_t *v); /* free it */

const struct conform_resource *conform_find(const struct conform *c, const char *id);
/* The network map behind a resource, by "uses" or prefix of its id; the first else. */
bool conform_has(const json_t *list, const char *text);
const json_t *conform_at(const json_t *v, const char *path); /* "meta/vtag/tag" */
/* A resource's n-th cost type as the directory defines it, or NULL. */
json_t *conform_cost_type(const struct conform *c, const struct conform_resource *r, size_t n);

/* An event stream: the first `want` events, or with 0 up to a comment, within so many ms. */
struct conform_event {
    char *event, *data;
};
struct conform_stream {
    struct conform_event events[16];
    size_t count, want, comments;
    unsigned status;
};
bool conform_stream(struct conform *c, const char *body, size_t want, unsigned ms,
                    struct conform_stream *out);
void conform_stream_fini(struct conform_stream *s);

extern const struct conform_row conform_rows_http[], conform_rows_maps[], conform_rows_costs[],
    conform_rows_more[], conform_rows_updates[];
extern const struct conform_bad conform_bad[]; /* id NULL at the end */
