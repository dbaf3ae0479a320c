/* waymarkd(8): the daemon. */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/control.h"
#include "daemon/options.h"

int main(int argc, char **argv)
{
    struct options o;
    const struct config *config = NULL;
    struct arena *arena = NULL;
    struct bytes problems = {0};
    struct err e = {0};

    if (options_parse(argc, argv, &o, &e) != ERR_OK) {
        fprintf(stderr, "waymarkd: %s\n", e.text);
        return 2;
    }
    if (o.action != OPTIONS_RUN)
        return options_answer(&o);
    (void)!options_load(o.config, &config, &arena, &problems, &e);
    if (problems.len)
        fwrite(problems.data, 1, problems.len, stderr);
    bytes_free(&problems);
    if (!config) {
        arena_free(arena);
        return EXIT_FAILURE;
    }
    log_setup(config->log_level, config->log_format);
    return control_run(o.config, config, arena);
}
