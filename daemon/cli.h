/* The command line's commands: each asks the daemon (or reads a file) and prints a table, or JSON
 * with --json. */
#pragma once

#include "daemon/admin_client.h"

struct cli {
    struct admin_at admin;
    bool json;
    int argc; /* the command's own words, without its name */
    char **argv;
};

/* Exit status: 0 done, 1 it did not work (the reason is on standard error), 2 wrong words. */
int cli_explain(const struct cli *c);
int cli_locate(const struct cli *c);
int cli_status(const struct cli *c);
int cli_check(const struct cli *c);
int cli_streamers(const struct cli *c);
int cli_top(const struct cli *c);
int cli_reload(const struct cli *c);
int cli_maps(const struct cli *c);
int cli_alto(const struct cli *c);
int cli_simulate(const struct cli *c);
int cli_replay(const struct cli *c);

/* What is wrong with a file that the words named, on standard error; 1. */
struct config_problems;
int cli_load_failed(const char *path, const struct config_problems *problems, const struct err *e);
