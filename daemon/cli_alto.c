#include "daemon/cli_alto.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>

#include "base/suggest.h"
#include "base/tls_client.h"
#include "daemon/cli_table.h"

#define ARENA_MAX     ((size_t)256 << 20)
#define REDIRECTS_MAX 5u
#define PORT_DNS      53u
#define LIST_CELL     48u /* of a table of a directory */
#define GET_TYPES                                                                                  \
    "application/alto-directory+json,application/alto-networkmap+json,application/"                \
    "alto-costmap+json,application/alto-propmap+json,application/alto-cdni+json"

/* ---- fetching */

/* Without its parameters: what an answer's Content-Type is compared with. */
static struct str bare_type(struct str type)
{
    const char *end = type.n ? memchr(type.p, ';', type.n) : NULL;

    return end ? (struct str){type.p, (size_t)(end - type.p)} : type;
}

enum err_code cli_alto_fetch(const struct cli_alto *a, struct str uri, struct str accept,
                             struct str accepts, struct str body, struct cli_alto_answer *out,
                             struct err *e)
{
    char types[512];
    struct exchange_ask ask = {
        .uri = uri,
        .post = accepts.n > 0,
        .body = body,
        .content_type = accepts,
        .body_max = CLI_ALTO_BODY_MAX,
        .redirects_max = REDIRECTS_MAX,
        .hosts = &a->hosts,
    };
    enum err_code rc;

    memset(out, 0, sizeof *out);
    accept = bare_type(accept);
    snprintf(types, sizeof types, "%.*s%s", (int)accept.n, accept.p,
             a->lenient ? ",application/json,text/plain" : "");
    ask.accept = str_from(types);
    rc = alto_call(&a->call, &ask, NULL, &out->x, e);
    out->body = (struct str){out->x.body.data, out->x.body.len};
    out->type = out->x.content_whole;
    if (rc == ERR_OK && a->lenient && !str_eq_nocase(accept, bare_type(out->type)) &&
        !memchr(accept.p, ',', accept.n))
        out->type = accept; /* what the directory says */
    return rc;
}

void cli_alto_answer_free(struct cli_alto_answer *x)
{
    exchange_free(&x->x);
}

/* ---- directories */

static bool is_known(const struct cli_alto *a, struct str uri)
{
    for (size_t i = 0; i < a->directory_count; i++)
        if (str_eq(a->directories[i]->uri, uri))
            return true;
    return false;
}

static enum err_code read_directory(struct cli_alto *a, struct str uri, unsigned depth,
                                    struct err *e)
{
    struct cli_alto_answer got;
    enum err_code rc =
        cli_alto_fetch(a, uri, STR(DIRECTORY_TYPE), (struct str){0}, (struct str){0}, &got, e);
    const struct directory *d;

    if (rc == ERR_OK) {
        /* Relative URIs are relative to where it was found, behind redirects (RFC 3986 section
         * 5.1.3); it is known by the URI that named it. */
        rc = directory_read(got.body, (struct str){got.x.uri.data, got.x.uri.len}, a->arena, &d, e);
    }
    if (rc == ERR_OK) {
        a->depths[a->directory_count] = depth;
        a->directories[a->directory_count++] = d;
    } else {
        err_wrap(e, "%.*s", (int)uri.n, uri.p);
    }
    cli_alto_answer_free(&got);
    return rc;
}

static bool is_directory(const struct directory_resource *r)
{
    return r->accepts.n == 0 && str_eq(r->media_type, STR(DIRECTORY_TYPE));
}

enum err_code cli_alto_directories(struct cli_alto *a, bool deep, struct err *e)
{
    enum err_code rc = ERR_OK;

    if (a->directory_count == 0)
        rc = read_directory(a, str_from(a->uri), 0, e);
    if (rc != ERR_OK || !deep)
        return rc;
    /* Those that are found join the end of the list. */
    for (size_t i = 0; i < a->directory_count; i++) {
        const struct directory *d = a->directories[i];

        for (size_t k = 0; k < d->resource_count; k++) {
            struct err skipped = {0};

            if (!is_directory(&d->resources[k]) || is_known(a, d->resources[k].uri) ||
                a->depths[i] == CLI_ALTO_DEPTH_MAX ||
                a->directory_count == CLI_ALTO_DIRECTORIES_MAX)
                continue;
            /* Another server's fault does not hide this one's resources. */
            if (read_directory(a, d->resources[k].uri, a->depths[i] + 1, &skipped) != ERR_OK)
                fprintf(stderr, "waymark: not followed: %s\n", skipped.text);
        }
    }
    return ERR_OK;
}

static const struct directory_resource *find_in_all(const struct cli_alto *a, struct str id)
{
    for (size_t i = 0; i < a->directory_count; i++) {
        const struct directory_resource *r = directory_find(a->directories[i], id);

        if (r)
            return r;
    }
    return NULL;
}

enum err_code cli_alto_find(struct cli_alto *a, struct str id,
                            const struct directory_resource **out, struct err *e)
{
    enum err_code rc = cli_alto_directories(a, false, e);
    struct bytes names = {0};

    *out = NULL;
    if (rc != ERR_OK)
        return rc;
    *out = find_in_all(a, id);
    if (!*out) {
        rc = cli_alto_directories(a, true, e);
        *out = rc == ERR_OK ? find_in_all(a, id) : NULL;
    }
    if (*out || rc != ERR_OK)
        return rc;
    for (size_t i = 0; i < a->directories[0]->resource_count && names.len < 300; i++)
        if (!bytes_printf(&names, "%s%.*s", i ? ", " : "",
                          (int)a->directories[0]->resources[i].id.n,
                          a->directories[0]->resources[i].id.p))
            break;
    rc = err_set(e, ERR_NOT_FOUND, "the server has no resource \"%.*s\"; it has %.*s", (int)id.n,
                 id.p, (int)names.len, names.len ? names.data : "none");
    bytes_free(&names);
    return rc;
}

/* ---- ird and get */

/* Names until the cell is full, then how many more. */
static void join(char *out, size_t size, size_t count, struct str (*name)(const void *, size_t),
                 const void *of)
{
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const struct str item = name(of, i);

        if (i && n + item.n + 8 > size) {
            snprintf(out + n, size - n, " +%zu", count - i);
            return;
        }
        n += (size_t)snprintf(out + n, size - n, "%s%.*s", i ? " " : "",
                              (int)(item.n < size - n - 8 ? item.n : size - n - 8), item.p);
    }
}

static struct str cost_name(const void *of, size_t i)
{
    return ((const struct directory_resource *)of)->costs[i]->name;
}

static struct str use_name(const void *of, size_t i)
{
    return ((const struct directory_resource *)of)->uses[i];
}

/* "networkmap" of "application/alto-networkmap+json" */
static void short_type(struct str type, char *out, size_t size)
{
    static const char head[] = "application/alto-", tail[] = "+json";

    type = bare_type(type);
    if (type.n > sizeof head + sizeof tail && memcmp(type.p, head, sizeof head - 1) == 0 &&
        memcmp(type.p + type.n - (sizeof tail - 1), tail, sizeof tail - 1) == 0)
        type = (struct str){type.p + sizeof head - 1, type.n - (sizeof head + sizeof tail - 2)};
    snprintf(out, size, "%.*s", (int)type.n, type.p);
}

static void directory_rows(const struct directory *d, struct table *t)
{
    for (size_t i = 0; i < d->resource_count; i++) {
        const struct directory_resource *r = &d->resources[i];
        char id[TABLE_CELL_MAX], type[TABLE_CELL_MAX], costs[LIST_CELL], uses[LIST_CELL];
        char where[TABLE_CELL_MAX];
        struct uri own, uri;
        struct str shown = r->uri;

        snprintf(id, sizeof id, "%.*s%s", (int)r->id.n, r->id.p,
                 str_eq(r->id, d->default_network) ? " *" : "");
        short_type(r->media_type, type, sizeof type);
        join(costs, sizeof costs, r->cost_count, cost_name, r);
        join(uses, sizeof uses, r->use_count, use_name, r);
        if (uri_parse(d->uri, &own, NULL) == ERR_OK && uri_parse(r->uri, &uri, NULL) == ERR_OK &&
            uri_same_origin(&own, &uri) && uri.target.n)
            shown = uri.target;
        snprintf(where, sizeof where, "%.*s", (int)shown.n, shown.p);
        table_row(t, (const char *[]){id, type, r->accepts.n ? "POST" : "GET",
                                      *costs ? costs : NULL, *uses ? uses : NULL, where});
    }
}

static void print_directory(const struct cli_alto *a, const struct directory *d, bool first)
{
    struct table t;

    table_init(&t, "id|type|method|cost types|uses|uri");
    t.no_head = a->no_head;
    directory_rows(d, &t);
    if (!a->no_head)
        printf("%sdirectory %.*s%s\n", first ? "" : "\n", (int)d->uri.n, d->uri.p,
               d->default_network.n ? "    (* default network map)" : "");
    table_print(&t, stdout);
    table_fini(&t);
}

static enum err_code run_ird(struct cli_alto *a, struct err *e)
{
    struct cli_alto_answer got;
    enum err_code rc;

    if (a->json) {
        rc = cli_alto_fetch(a, str_from(a->uri), STR(DIRECTORY_TYPE), (struct str){0},
                            (struct str){0}, &got, e);
        if (rc == ERR_OK)
            rc = cli_alto_print(a, got.type, got.body, e);
        cli_alto_answer_free(&got);
        return rc;
    }
    rc = cli_alto_directories(a, a->deep, e);
    for (size_t i = 0; i < a->directory_count && rc == ERR_OK; i++)
        print_directory(a, a->directories[i], i == 0);
    return rc;
}

static enum err_code run_get(struct cli_alto *a, struct err *e)
{
    struct str uri = str_from(a->uri), accept = STR(GET_TYPES);
    const struct directory_resource *r;
    struct cli_alto_answer got;
    enum err_code rc;

    if (a->word_count) {
        rc = cli_alto_find(a, str_from(a->words[0]), &r, e);
        if (rc != ERR_OK)
            return rc;
        if (r->accepts.n)
            return err_set(e, ERR_UNSUPPORTED,
                           "\"%s\" is asked by POST: filter, ecs, eps, props or watch do that",
                           a->words[0]);
        uri = r->uri;
        accept = r->media_type;
    }
    rc = cli_alto_fetch(a, uri, accept, (struct str){0}, (struct str){0}, &got, e);
    if (rc == ERR_OK && !a->json && str_eq_nocase(bare_type(got.type), STR(DIRECTORY_TYPE)))
        rc = run_ird(a, e);
    else if (rc == ERR_OK)
        rc = cli_alto_print(a, got.type, got.body, e);
    cli_alto_answer_free(&got);
    return rc;
}

/* ---- discovery */

static void print_resolved(const struct cli_alto *a, const struct alto_resolved *r)
{
    json_t *uris = json_array(), *tries = json_array(), *all;

    if (!a->json) {
        for (unsigned i = 0; i < r->uris.count; i++)
            printf("%s\n", r->uris.uris[i]);
        printf("name %s, validated %s%s\n", r->tries[r->try_count - 1].name,
               r->validated ? "yes" : "no",
               r->temporary ? ", other names failed for now: there may be a better one later" : "");
        json_decref(uris);
        json_decref(tries);
        return;
    }
    for (unsigned i = 0; i < r->uris.count; i++)
        json_array_append_new(uris, json_string(r->uris.uris[i]));
    for (unsigned i = 0; i < r->try_count; i++)
        json_array_append_new(tries, json_pack("{s:s, s:s, s:I}", "name", r->tries[i].name, "end",
                                               alto_resolve_end_text(r->tries[i].end), "retry_s",
                                               (json_int_t)r->tries[i].retry_s));
    all = json_pack("{s:o, s:b, s:b, s:o}", "uris", uris, "validated", r->validated, "temporary",
                    r->temporary, "tries", tries);
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

static enum err_code resolve(const struct cli_alto *a, struct alto_resolved *out, struct err *e)
{
    return a->domain ? alto_resolve_domain(&a->resolve, str_from(a->domain), out, e)
                     : alto_resolve_address(&a->resolve, str_from(a->address), out, e);
}

static enum err_code run_discover(struct cli_alto *a, struct err *e)
{
    struct alto_resolved r;
    enum err_code rc = resolve(a, &r, e);

    if (rc == ERR_OK || (a->json && r.try_count))
        print_resolved(a, &r);
    return rc;
}

static enum err_code set_uri(struct cli_alto *a, const char *text, struct err *e)
{
    struct uri uri;
    enum err_code rc = uri_parse(str_from(text), &uri, e);

    if (rc != ERR_OK)
        return rc;
    snprintf(a->uri, sizeof a->uri, "%s", text);
    rc = uri_parse(str_from(a->uri), &uri, e);
    a->hosts.server = uri.host;
    a->hosts.server_tls = uri.tls;
    return rc;
}

/* The first directory of those found that answers. */
static enum err_code discover_uri(struct cli_alto *a, struct err *e)
{
    struct alto_resolved r;
    enum err_code rc = resolve(a, &r, e);

    for (unsigned i = 0; rc == ERR_OK && i < r.uris.count; i++) {
        struct err why = {0};

        a->directory_count = 0;
        if (set_uri(a, r.uris.uris[i], &why) == ERR_OK &&
            cli_alto_directories(a, false, &why) == ERR_OK) {
            fprintf(stderr, "waymark: %s (from %s, validated %s)\n", a->uri,
                    r.tries[r.try_count - 1].name, r.validated ? "yes" : "no");
            return ERR_OK;
        }
        fprintf(stderr, "waymark: %s\n", why.text);
        if (i + 1 == r.uris.count)
            rc = err_set(e, ERR_IO, "none of the %u servers that the DNS names answers",
                         r.uris.count);
    }
    return rc;
}

/* ---- words */

enum {
    O_PIDS = 256,
    O_SRCS,
    O_DSTS,
    O_TYPES,
    O_COST,
    O_PROPS,
    O_ENDPOINTS,
    O_ENTITIES,
    O_INPUT,
    O_ROWS,
    O_CONSTRAINT,
    O_CA,
    O_INSECURE,
    O_TIMEOUT,
    O_LENIENT,
    O_HEADER,
    O_DEEP,
    O_ALL,
    O_JSON,
    O_DOMAIN,
    O_ADDRESS,
    O_RESOLVER,
    O_SERVICE,
    O_DNSSEC,
    O_MODE,
    O_COUNT,
    O_FOR,
    O_EVERY,
    O_HOST,
};

static const struct option options[] = {
    {"pids", required_argument, NULL, O_PIDS},
    {"srcs", required_argument, NULL, O_SRCS},
    {"dsts", required_argument, NULL, O_DSTS},
    {"address-types", required_argument, NULL, O_TYPES},
    {"cost", required_argument, NULL, O_COST},
    {"props", required_argument, NULL, O_PROPS},
    {"properties", required_argument, NULL, O_PROPS},
    {"endpoints", required_argument, NULL, O_ENDPOINTS},
    {"entities", required_argument, NULL, O_ENTITIES},
    {"input", required_argument, NULL, O_INPUT},
    {"rows", required_argument, NULL, O_ROWS},
    {"constraint", required_argument, NULL, O_CONSTRAINT},
    {"ca", required_argument, NULL, O_CA},
    {"insecure", no_argument, NULL, O_INSECURE},
    {"timeout", required_argument, NULL, O_TIMEOUT},
    {"lenient", no_argument, NULL, O_LENIENT},
    {"header", required_argument, NULL, O_HEADER},
    {"deep", no_argument, NULL, O_DEEP},
    {"all", no_argument, NULL, O_ALL},
    {"json", no_argument, NULL, O_JSON},
    {"domain", required_argument, NULL, O_DOMAIN},
    {"for-address", required_argument, NULL, O_ADDRESS},
    {"resolver", required_argument, NULL, O_RESOLVER},
    {"service", required_argument, NULL, O_SERVICE},
    {"require-dnssec", no_argument, NULL, O_DNSSEC},
    {"mode", required_argument, NULL, O_MODE},
    {"count", required_argument, NULL, O_COUNT},
    {"for", required_argument, NULL, O_FOR},
    {"every", required_argument, NULL, O_EVERY},
    {"host", required_argument, NULL, O_HOST},
    {NULL, 0, NULL, 0},
};

static enum err_code take_seconds(const char *name, const char *text, double *out, struct err *e)
{
    char *end;
    const double v = strtod(text, &end);

    if (end == text || !(v > 0) || v > 1e6 || (*end && strcmp(end, "s") != 0))
        return err_set(e, ERR_PARSE, "--%s %s: seconds, \"10s\"", name, text);
    *out = v;
    return ERR_OK;
}

static enum err_code take_mode(struct cli_alto *a, const char *text, struct err *e)
{
    static const char *const names[] = {"any", "sse", "tips", "poll"};

    for (unsigned i = 0; i < 4; i++)
        if (strcmp(text, names[i]) == 0) {
            a->mode = (enum cli_alto_mode)i;
            return ERR_OK;
        }
    return err_set(e, ERR_PARSE, "--mode %s: it is any, sse, tips or poll", text);
}

/* The words that are more than a pointer. */
static enum err_code take_checked(struct cli_alto *a, int opt, const char *arg, struct err *e)
{
    double seconds = 0;
    enum err_code rc = ERR_OK;
    char *end;

    switch (opt) {
    case O_TIMEOUT:
        rc = take_seconds("timeout", arg, &seconds, e);
        a->call.timeout_ms = (unsigned)(seconds * 1000);
        break;
    case O_FOR:
        return take_seconds("for", arg, &a->for_s, e);
    case O_EVERY:
        return take_seconds("every", arg, &a->every_s, e);
    case O_COUNT:
        a->count = (unsigned)strtoul(arg, &end, 10);
        if (*end || a->count == 0)
            rc = err_set(e, ERR_PARSE, "--count %s: a number from 1", arg);
        break;
    case O_HEADER:
        a->no_head = strcmp(arg, "none") == 0;
        if (!a->no_head)
            rc = err_set(e, ERR_PARSE, "--header %s: it can be none", arg);
        break;
    case O_MODE:
        return take_mode(a, arg, e);
    case O_RESOLVER:
        rc = addr_port_parse(arg, strlen(arg), PORT_DNS, &a->resolve.resolver, &a->resolve.port, e);
        break;
    case O_CONSTRAINT:
        if (a->constraint_count == CLI_ALTO_CONSTRAINTS_MAX)
            return err_set(e, ERR_LIMIT, "more than %u constraints", CLI_ALTO_CONSTRAINTS_MAX);
        a->constraints[a->constraint_count++] = arg;
        break;
    case O_HOST:
        if (a->hosts.allowed_count == CLI_ALTO_HOSTS_MAX)
            return err_set(e, ERR_LIMIT, "more than %u hosts", CLI_ALTO_HOSTS_MAX - 1);
        a->allowed[a->hosts.allowed_count++] = str_from(arg);
        break;
    default:
        return err_set(e, ERR_PARSE, "waymark alto: wrong words; see waymark(1)");
    }
    return rc;
}

static enum err_code take_option(struct cli_alto *a, int opt, const char *arg, struct err *e)
{
    const char **texts[] = {&a->pids,  &a->srcs,      &a->dsts,     &a->types, &a->costs,
                            &a->props, &a->endpoints, &a->entities, &a->input, &a->rows};

    if (opt >= O_PIDS && opt <= O_ROWS) {
        *texts[opt - O_PIDS] = arg;
        return ERR_OK;
    }
    switch (opt) {
    case O_CA:
        a->ca_file = arg;
        break;
    case O_INSECURE:
        a->call.insecure = true;
        break;
    case O_LENIENT:
        a->lenient = true;
        break;
    case O_DEEP:
        a->deep = true;
        break;
    case O_ALL:
        a->all = true;
        break;
    case O_JSON:
        a->json = true;
        break;
    case O_DOMAIN:
        a->domain = arg;
        break;
    case O_ADDRESS:
        a->address = arg;
        break;
    case O_SERVICE:
        a->resolve.service = str_from(arg);
        break;
    case O_DNSSEC:
        a->resolve.require_dnssec = true;
        break;
    default:
        return take_checked(a, opt, arg, e);
    }
    return ERR_OK;
}

static enum err_code read_words(struct cli_alto *a, int argc, char **argv, struct err *e)
{
    enum err_code rc = ERR_OK;
    int opt;

    a->call.timeout_ms = 10000;
    a->every_s = 30;
    a->resolve.service = STR(DISCOVER_SERVICE);
    a->allowed[0] = STR("*"); /* all that are public: nothing of ours is at stake */
    a->hosts.allowed = a->allowed;
    a->hosts.allowed_count = 1;
    optind = 0; /* getopt begins anew; argv[0] is the command's name */
    while (rc == ERR_OK && (opt = getopt_long(argc, argv, "", options, NULL)) != -1)
        rc = take_option(a, opt, optarg, e);
    a->resolve.timeout_ms = a->call.timeout_ms > 5000 ? 5000 : a->call.timeout_ms;
    a->word_count = argc - optind;
    a->words = argv + optind;
    return rc;
}

/* ---- the command */

static enum err_code run_check(struct cli_alto *a, struct err *e)
{
    bool failed = false;
    const enum err_code rc = cli_alto_check(a, &failed, e);

    if (rc == ERR_OK && failed)
        return err_set(e, ERR_CONFLICT, "the server fails what it must do");
    return rc;
}

static const struct {
    const char *name;
    enum err_code (*run)(struct cli_alto *a, struct err *e);
} commands[] = {
    {"ird", run_ird},          {"get", run_get},      {"filter", cli_alto_filter},
    {"ecs", cli_alto_ecs},     {"eps", cli_alto_eps}, {"props", cli_alto_props},
    {"watch", cli_alto_watch}, {"check", run_check},  {"discover", run_discover},
};

static int usage(void)
{
    fputs("usage: waymark alto ird|get|filter|ecs|eps|props|watch|check URL ...\n"
          "       waymark alto discover --domain NAME | --for-address ADDRESS\n"
          "--domain and --for-address may stand in place of any URL; see waymark(1)\n",
          stderr);
    return 2;
}

static enum err_code prepare(struct cli_alto *a, bool discover_only, struct err *e)
{
    enum err_code rc;

    if (a->call.insecure)
        fputs("waymark: WARNING: --insecure: certificates are not checked, the server may be "
              "anybody\n",
              stderr);
    rc = tls_client_new(a->ca_file, &a->call.tls, e);
    if (rc != ERR_OK || discover_only)
        return rc;
    if (a->domain || a->address)
        return discover_uri(a, e);
    rc = set_uri(a, a->words[0], e);
    a->words++;
    a->word_count--;
    return rc;
}

int cli_alto(const struct cli *c)
{
    struct cli_alto a = {.json = c->json, .arena = arena_new(ARENA_MAX)};
    const size_t n = sizeof commands / sizeof *commands;
    struct err e = {0};
    enum err_code rc;
    size_t i = 0;
    bool discover_only;

    while (c->argc && i < n && strcmp(c->argv[0], commands[i].name) != 0)
        i++;
    if (!c->argc || i == n) {
        arena_free(a.arena);
        return usage();
    }
    rc = a.arena ? read_words(&a, c->argc, c->argv, &e) : err_set(&e, ERR_LIMIT, "no memory");
    discover_only = strcmp(commands[i].name, "discover") == 0;
    if (rc == ERR_OK && !a.domain && !a.address && (discover_only || a.word_count == 0)) {
        arena_free(a.arena);
        return usage();
    }
    if (rc == ERR_OK)
        rc = prepare(&a, discover_only, &e);
    if (rc == ERR_OK)
        rc = commands[i].run(&a, &e);
    if (rc != ERR_OK)
        fprintf(stderr, "waymark: %s\n", e.text);
    SSL_CTX_free(a.call.tls);
    arena_free(a.arena);
    return rc != ERR_OK;
}
