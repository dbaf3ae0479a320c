/* The command line of waymarkd, and the answers that need no running daemon. */
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "daemon/config.h"

#define OPTIONS_CONFIG_DEFAULT "/etc/waymark/waymark.yaml"

enum options_action {
    OPTIONS_RUN,
    OPTIONS_CHECK,        /* --check */
    OPTIONS_PRINT_SCHEMA, /* --print-schema */
    OPTIONS_VERSION,      /* --version */
    OPTIONS_HELP,         /* --help */
};

struct options {
    enum options_action action;
    const char *config; /* -c FILE, borrowed from argv, or the default */
};

/* ERR_PARSE: one sentence, with "did you mean" for a long option. Starts getopt over, so it can run
 * any number of times, on one thread. */
enum err_code options_parse(int argc, char **argv, struct options *out, struct err *e) MUST_CHECK;

/* The text of --help. */
bool options_help_format(struct bytes *out) MUST_CHECK;

/* Does what action asks for unless that is OPTIONS_RUN, writing to standard output. Returns the
 * exit status: 0, or 1 when the configuration has errors or the output cannot be written. */
int options_answer(const struct options *o);

/* Loads the configuration and writes its problems to out as config_problems_format does, behind
 * them, when there is no place in the file to blame, the sentence of e. For start, reload and
 * --check alike. *out_config is NULL unless ERR_OK; the caller frees *arena in either case. */
enum err_code options_load(const char *path, const struct config **out_config, struct arena **arena,
                           struct bytes *out, struct err *e) MUST_CHECK;
