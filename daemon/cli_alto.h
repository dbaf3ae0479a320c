/* `waymark alto ...`: a client of ALTO servers for people and scripts. What its files share. */
#pragma once

#include <jansson.h>

#include "alto/directory_read.h"
#include "daemon/alto_call.h"
#include "daemon/alto_resolve.h"
#include "daemon/cli.h"

#define CLI_ALTO_CONSTRAINTS_MAX 16u
#define CLI_ALTO_HOSTS_MAX       8u
#define CLI_ALTO_DIRECTORIES_MAX 32u
#define CLI_ALTO_DEPTH_MAX       4u /* of directories that name directories */
#define CLI_ALTO_BODY_MAX        ((size_t)512 << 20)

enum cli_alto_mode { CLI_ALTO_MODE_ANY, CLI_ALTO_MODE_SSE, CLI_ALTO_MODE_TIPS, CLI_ALTO_MODE_POLL };

struct cli_alto {
    /* The words: lists are as they were typed, with commas; NULL: not there. */
    bool json, all, deep, lenient, no_head;
    const char *pids, *srcs, *dsts, *types, *costs, *props, *endpoints, *entities, *input, *rows;
    const char *constraints[CLI_ALTO_CONSTRAINTS_MAX];
    size_t constraint_count;
    const char *ca_file, *domain, *address;
    struct alto_resolve_conf resolve;
    enum cli_alto_mode mode;
    unsigned count; /* changes until watch ends; 0: no end */
    double for_s;   /* seconds until watch ends; 0: no end */
    double every_s; /* between polls */
    int word_count; /* behind the command and the URL */
    char *const *words;

    /* Made of them. */
    struct alto_call_conf call;
    struct exchange_hosts hosts;
    struct str allowed[CLI_ALTO_HOSTS_MAX];
    char uri[URI_MAX + 1]; /* the URL: of a directory, of `get` also of a resource */
    struct arena *arena;
    const struct directory *directories[CLI_ALTO_DIRECTORIES_MAX];
    unsigned depths[CLI_ALTO_DIRECTORIES_MAX];
    size_t directory_count;
};

/* One answer; body and type are valid until cli_alto_answer_free. */
struct cli_alto_answer {
    struct exchange x;
    struct str body, type;
};

/* A GET (body n 0 and accepts n 0) or a POST; `accept` may have parameters, which only the request
 * shows. */
enum err_code cli_alto_fetch(const struct cli_alto *a, struct str uri, struct str accept,
                             struct str accepts, struct str body, struct cli_alto_answer *out,
                             struct err *e) MUST_CHECK;
void cli_alto_answer_free(struct cli_alto_answer *x);

/* The directory at a->uri, and with deep those that it leads to. */
enum err_code cli_alto_directories(struct cli_alto *a, bool deep, struct err *e) MUST_CHECK;
/* By id in all directories, first the root's; ERR_NOT_FOUND has a suggestion. */
enum err_code cli_alto_find(struct cli_alto *a, struct str id,
                            const struct directory_resource **out, struct err *e) MUST_CHECK;

/* As a table, or with --json the body as it came. `type`: the answer's own Content-Type, with its
 * parameters. */
enum err_code cli_alto_print(const struct cli_alto *a, struct str type, struct str body,
                             struct err *e) MUST_CHECK;

/* The commands; words and URL are read. */
enum err_code cli_alto_filter(struct cli_alto *a, struct err *e) MUST_CHECK;
enum err_code cli_alto_ecs(struct cli_alto *a, struct err *e) MUST_CHECK;
enum err_code cli_alto_eps(struct cli_alto *a, struct err *e) MUST_CHECK;
enum err_code cli_alto_props(struct cli_alto *a, struct err *e) MUST_CHECK;
enum err_code cli_alto_watch(struct cli_alto *a, struct err *e) MUST_CHECK;
/* *failed: a MUST does. */
enum err_code cli_alto_check(struct cli_alto *a, bool *failed, struct err *e) MUST_CHECK;
