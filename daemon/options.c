#include "daemon/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "daemon/config_problems.h"
#include "daemon/publish.h"

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'C'},
    {"print-schema", no_argument, NULL, 'S'}, {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
};

static enum err_code bad_option(char **argv, struct err *e)
{
    static const char *const names[] = {"--config", "--check", "--print-schema", "--version",
                                        "--help"};
    const char *word = argv[optind - 1];
    char show[TEXT_QUOTE_MAX], hint[SUGGEST_TEXT_MAX];
    struct suggest near;

    text_quote(str_from(word), show);
    if (optopt == 'c')
        return err_set(e, ERR_PARSE, "%s needs a file behind it", show);
    if (optopt && strncmp(word, "--", 2) != 0)
        return err_set(e, ERR_PARSE, "there is no option -%c; see --help", optopt);
    if (optopt)
        return err_set(e, ERR_PARSE, "%s takes no value", show);
    suggest_init(&near, str_from(word));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        suggest_offer(&near, str_from(names[i]));
    suggest_format(&near, hint);
    return err_set(e, ERR_PARSE, "there is no option %s%s", show, hint[0] ? hint : "; see --help");
}

enum err_code options_parse(int argc, char **argv, struct options *out, struct err *e)
{
    struct options o = {.action = OPTIONS_RUN, .config = OPTIONS_CONFIG_DEFAULT};
    char show[TEXT_QUOTE_MAX];
    int c;

    *out = o;
    optind = 0;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "+:c:h", long_options, NULL)) != -1) {
        switch (c) {
        case 'c':
            o.config = optarg;
            break;
        case 'C':
            o.action = OPTIONS_CHECK;
            break;
        case 'S':
            o.action = OPTIONS_PRINT_SCHEMA;
            break;
        case 'V':
            o.action = OPTIONS_VERSION;
            break;
        case 'h':
            o.action = OPTIONS_HELP;
            break;
        default:
            return bad_option(argv, e);
        }
    }
    if (optind < argc)
        return err_set(e, ERR_PARSE, "\"%s\" is not an option; a configuration is given as -c %s",
                       text_quote(str_from(argv[optind]), show), show);
    *out = o;
    return ERR_OK;
}

bool options_help_format(struct bytes *out)
{
    return bytes_printf(
        out, "%s",
        "waymarkd: answers HTTP redirects, DNS and BitTorrent announces with one decision\n"
        "\n"
        "usage: waymarkd [-c FILE] [--check | --print-schema | --version | --help]\n"
        "\n"
        "  -c, --config FILE  configuration, " OPTIONS_CONFIG_DEFAULT " by default\n"
        "      --check        read the configuration, say all that is wrong with it, and exit:\n"
        "                     0 when it can be used, 1 when it cannot\n"
        "      --print-schema print the configuration's JSON Schema (draft 2020-12) and exit\n"
        "      --version      print the version and exit\n"
        "  -h, --help         print this and exit\n"
        "\n"
        "Signals: SIGHUP reads the configuration again, SIGTERM ends once all is answered.\n"
        "Manual: waymarkd(8), waymark.yaml(5)\n");
}

enum err_code options_load(const char *path, const struct config **out_config, struct arena **arena,
                           struct bytes *out, struct err *e)
{
    struct config_problems problems;
    enum err_code rc = config_load(path, out_config, &problems, arena, e);

    if (!config_problems_format(&problems, path, out) ||
        (rc != ERR_OK && problems.count == 0 && !bytes_printf(out, "%s\n", e->text)))
        return rc != ERR_OK ? rc : err_set(e, ERR_LIMIT, "no memory for the problems");
    return rc;
}

static bool check_format(const char *path, struct bytes *out, int *status)
{
    const struct config *c;
    struct arena *arena;
    struct err e = {0};
    bool ok = true;

    *status = options_load(path, &c, &arena, out, &e) == ERR_OK ? 0 : 1;
    if (*status == 0 && publish_check(c, &e) != ERR_OK) {
        *status = 1;
        ok = bytes_printf(out, "%s: %s\n", path, e.text);
    } else if (*status == 0)
        ok = bytes_printf(out, "%s: good: streamers %zu, services %zu, zones %zu\n", path,
                          c->streamer_count, c->service_count, c->dns_conf.zone_count);
    arena_free(arena);
    return ok;
}

int options_answer(const struct options *o)
{
    struct bytes out = {0};
    int status = 0;
    bool ok = true;

    switch (o->action) {
    case OPTIONS_RUN:
        break;
    case OPTIONS_CHECK:
        ok = check_format(o->config, &out, &status);
        break;
    case OPTIONS_PRINT_SCHEMA:
        ok = config_schema_format(&out);
        break;
    case OPTIONS_VERSION:
        ok = bytes_printf(&out, "waymarkd %s\n", WAYMARK_VERSION);
        break;
    case OPTIONS_HELP:
        ok = options_help_format(&out);
        break;
    }
    if (out.len && (fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout) != 0))
        ok = false;
    bytes_free(&out);
    return ok ? status : 1;
}
