/* waymark(1): the command line. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli.h"

static const struct {
    const char *name, *words, *help;
    int (*run)(const struct cli *c);
} commands[] = {
    {"explain", "CLIENT URL | CLIENT --service NAME", "where this client is sent for this, and why",
     cli_explain},
    {"locate", "IP...", "the PID of an address, and how many of its bits decide that", cli_locate},
    {"status", "", "the running daemon: view, maps, streamers", cli_status},
    {"check", "FILE", "reads a configuration and its maps, and says all that is wrong", cli_check},
    {"streamers", "[drain|undrain|down|up|force NAME]", "lists the streamers, or changes one",
     cli_streamers},
    {"simulate", "SCENARIO.yaml [--svg DIR]",
     "runs a scenario in virtual time, policies side by side", cli_simulate},
    {"replay", "--log FILE --config FILE [--old FILE]",
     "runs an access log through another configuration: what would change", cli_replay},
    {"top", "[--service NAME] [-n COUNT]", "the contents that are asked for most", cli_top},
    {"reload", "", "makes the daemon read its configuration and maps again", cli_reload},
    {"maps", "force", "takes a map of an ALTO server that was held back", cli_maps},
    {"alto", "ird|get|filter|ecs|eps|props|watch|check URL", "a client of any ALTO server",
     cli_alto},
};

static void help(FILE *out)
{
    fputs("usage: waymark [--json] [--admin ADDRESS:PORT] COMMAND ...\n\n", out);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-10s %-37s %s\n", commands[i].name, commands[i].words, commands[i].help);
    fputs("\n  --json               prints JSON for programs instead of tables\n"
          "  --admin ADDRESS:PORT where the daemon's listen.admin is; default $WAYMARK_ADMIN, else "
          "127.0.0.1:8953\n"
          "  --help, --version\n\nSee waymark(1).\n",
          out);
}

static bool admin_parse(const char *text, struct admin_at *out)
{
    struct err e = {0};

    if (addr_port_parse(text, strlen(text), ADMIN_PORT_DEFAULT, &out->addr, &out->port, &e) ==
        ERR_OK)
        return true;
    fprintf(stderr, "waymark: --admin %s\n", e.text);
    return false;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"admin", required_argument, NULL, 'a'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'V'},
                                            {NULL, 0, NULL, 0}};
    const char *admin = getenv("WAYMARK_ADMIN");
    struct cli c = {0};
    int opt;

    /* '+': the command's own options are its own; --json is taken behind it too. */
    while ((opt = getopt_long(argc, argv, "+ja:hV", options, NULL)) != -1) {
        if (opt == 'j')
            c.json = true;
        else if (opt == 'a')
            admin = optarg;
        else if (opt == 'h')
            return help(stdout), 0;
        else if (opt == 'V')
            return puts("waymark " WAYMARK_VERSION), 0;
        else
            return help(stderr), 2;
    }
    if (!admin_parse(admin && *admin ? admin : "127.0.0.1", &c.admin))
        return 2;
    if (optind == argc)
        return help(stderr), 2;
    c.argc = argc - optind - 1;
    c.argv = argv + optind + 1;
    if (c.argc && strcmp(c.argv[c.argc - 1], "--json") == 0) {
        c.json = true;
        c.argc--;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[optind], commands[i].name) == 0)
            return commands[i].run(&c);
    fprintf(stderr, "waymark: \"%s\" is no command\n\n", argv[optind]);
    help(stderr);
    return 2;
}
