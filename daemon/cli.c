#include "daemon/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli_table.h"
#include "daemon/config.h"
#include "daemon/publish.h"

static int fail(const struct err *e)
{
    fprintf(stderr, "waymark: %s\n", e->text);
    return 1;
}

static int wrong(const char *usage)
{
    fprintf(stderr, "usage: waymark %s\n", usage);
    return 2;
}

int cli_load_failed(const char *path, const struct config_problems *problems, const struct err *e)
{
    struct bytes text = {0};

    if (problems->count && config_problems_format(problems, path, &text))
        fwrite(text.data, 1, text.len, stderr);
    else
        fprintf(stderr, "waymark: %s\n", e->text);
    bytes_free(&text);
    return 1;
}

static int print_json(json_t *doc)
{
    json_dumpf(doc, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(doc);
    return 0;
}

/* Percent-encodes everything but the unreserved characters (RFC 3986 section 2.3). */
static const char *encode(const char *in, char *out, size_t size)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t n = 0;

    for (; *in && n + 4 < size; in++) {
        if (strchr(plain, *in))
            out[n++] = *in;
        else
            n += (size_t)snprintf(out + n, 4, "%%%02X", (unsigned char)*in);
    }
    out[n] = '\0';
    return out;
}

static const char *member(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

/* A number, a string or a dash, as a cell. */
static const char *cell(const json_t *o, const char *key, char *out, size_t size)
{
    const json_t *v = json_object_get(o, key);

    if (json_is_integer(v))
        snprintf(out, size, "%lld", (long long)json_integer_value(v));
    else if (json_is_real(v))
        snprintf(out, size, "%.4g", json_real_value(v));
    else
        snprintf(out, size, "%s",
                 json_is_string(v) ? json_string_value(v)
                 : json_is_true(v) ? "yes"
                                   : "-");
    return out;
}

/* Prints one row per item: keys is a list separated by '|' that goes with head. */
static void print_items(const json_t *items, const char *head, const char *const *keys)
{
    struct table t;
    size_t i;
    json_t *item;

    table_init(&t, head);
    json_array_foreach(items, i, item)
    {
        char text[TABLE_COLUMNS_MAX][TABLE_CELL_MAX];
        const char *row[TABLE_COLUMNS_MAX];

        for (size_t k = 0; k < t.columns; k++)
            row[k] = cell(item, keys[k], text[k], sizeof text[k]);
        table_row(&t, row);
    }
    table_print(&t, stdout);
    table_fini(&t);
}

/* ---- explain
 * -----------------------------------------------------------------------------------------------------
 */

/* "http://host:port/path" into scheme, host and path. */
static bool url_split(const char *url, char *scheme, char *host, size_t host_size,
                      const char **path)
{
    const char *p = strstr(url, "://"), *end;

    if (!p || p - url > 5 || (strncmp(url, "http", 4) != 0))
        return false;
    snprintf(scheme, 8, "%.*s", (int)(p - url), url);
    p += 3;
    end = p + strcspn(p, "/?#");
    snprintf(host, host_size, "%.*s", (int)(end - p), p);
    if (host[0] != '[' && strchr(host, ':'))
        *strchr(host, ':') = '\0';
    *path = *end == '/' ? end : "/";
    return host[0] != '\0';
}

static void print_maps(const json_t *maps)
{
    char age[24];

    for (size_t i = 0; i < json_array_size(maps); i++) {
        const json_t *m = json_array_get(maps, i);

        printf("%-8s %s, tag %s, %s s old\n", i ? "" : "maps", member(m, "source"),
               member(m, "tag"), cell(m, "age_s", age, sizeof age));
    }
}

static void print_explain(const json_t *doc)
{
    static const char *const keys[] = {"rank", "name",  "pid",   "cost",   "origin", "hit",
                                       "load", "scale", "score", "health", "admin",  "excluded"};
    const json_t *route = json_object_get(doc, "route");
    const char *partner = member(route, "downstream");
    char scope[16], serial[24];

    printf("client   %s\nPID      %s (decided by the first %s bits of the address)\nservice  %s\n",
           member(doc, "client"), member(doc, "pid") ? member(doc, "pid") : "none",
           cell(doc, "scope", scope, sizeof scope), member(doc, "service"));
    printf("chosen   %s: %s\nview     %s\n",
           member(doc, "chosen") ? member(doc, "chosen") : "nobody", member(doc, "sentence"),
           cell(doc, "serial", serial, sizeof serial));
    print_maps(json_object_get(doc, "maps"));
    putchar('\n');
    if (member(route, "why"))
        printf("instead  %s%s%s: %s\n\n", member(route, "to"), partner ? " " : "",
               partner ? partner : "", member(route, "why"));
    print_items(
        json_object_get(doc, "candidates"),
        ">rank|streamer|PID|>cost|>origin|>hit|>load|>scale|>score|health|admin|excluded by", keys);
}

int cli_explain(const struct cli *c)
{
    static const char usage[] = "explain CLIENT URL | explain CLIENT --service NAME";
    char target[8192], a[1024], b[1024], d[4096], scheme[8], host[1024];
    const char *path;
    struct err e = {0};
    json_t *doc;

    if (c->argc == 3 && strcmp(c->argv[1], "--service") == 0) {
        snprintf(target, sizeof target, "/explain?client=%s&service=%s",
                 encode(c->argv[0], a, sizeof a), encode(c->argv[2], b, sizeof b));
    } else if (c->argc == 2 && url_split(c->argv[1], scheme, host, sizeof host, &path)) {
        snprintf(target, sizeof target, "/explain?client=%s&scheme=%s&host=%s&path=%s",
                 encode(c->argv[0], a, sizeof a), scheme, encode(host, b, sizeof b),
                 encode(path, d, sizeof d));
    } else {
        return wrong(usage);
    }
    if (admin_ask(&c->admin, "GET", target, &doc, &e) != ERR_OK)
        return fail(&e);
    if (c->json)
        return print_json(doc);
    print_explain(doc);
    json_decref(doc);
    return 0;
}

/* ---- locate
 * ------------------------------------------------------------------------------------------------------
 */

int cli_locate(const struct cli *c)
{
    static const char *const keys[] = {"client", "pid", "scope"};
    json_t *all = json_array();

    if (c->argc < 1)
        return json_decref(all), wrong("locate IP...");
    for (int i = 0; i < c->argc; i++) {
        char target[2048], a[1024];
        struct err e = {0};
        json_t *doc;

        snprintf(target, sizeof target, "/locate?client=%s", encode(c->argv[i], a, sizeof a));
        if (admin_ask(&c->admin, "GET", target, &doc, &e) != ERR_OK) {
            json_decref(all);
            return fail(&e);
        }
        json_array_append_new(all, doc);
    }
    if (c->json)
        return print_json(all);
    print_items(all, "client|PID|>scope", keys);
    json_decref(all);
    return 0;
}

/* ---- status, streamers
 * ------------------------------------------------------------------------------------------- */

static void print_source(const char *name, const json_t *s)
{
    static const char *const counts[] = {"prefixes", "pairs", "places", "footprints"};
    char age[24], count[24];
    const char *counted = counts[0];

    if (!s)
        return;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (json_object_get(s, counts[i]))
            counted = counts[i];
    printf("%-12s %s\n             ", name, member(s, "path"));
    if (member(s, "tag"))
        printf("tag %s, ", member(s, "tag"));
    printf("%s %s, %s s old\n", cell(s, counted, count, sizeof count), counted,
           cell(s, "age_s", age, sizeof age));
    if (member(s, "error"))
        printf("             refused since: %s\n", member(s, "error"));
}

static void print_list(const char *name, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        print_source(name, json_array_get(list, i));
}

static void print_sources(const json_t *all)
{
    print_source("network map", json_object_get(all, "network_map"));
    print_source("cost map", json_object_get(all, "cost_map"));
    print_list("cost map", json_object_get(all, "cost_maps"));
    print_source("geo", json_object_get(all, "geo"));
    print_list("advertised", json_object_get(all, "advertisements"));
}

static void print_memory(const json_t *doc)
{
    const json_t *m = json_object_get(doc, "memory"), *s = json_object_get(doc, "state_file");
    char bytes[24], popular[24], written[24], errors[24], ends[24];

    printf("memory       %s bytes for what caches hold, %s contents counted\n",
           cell(m, "cache_bytes", bytes, sizeof bytes),
           cell(m, "popular", popular, sizeof popular));
    if (json_is_object(s))
        printf("state        %s: written %s times, %s errors\n", member(s, "directory"),
               cell(s, "written", written, sizeof written),
               cell(s, "errors", errors, sizeof errors));
    if (json_is_integer(json_object_get(doc, "calendar_ends_s")))
        printf("costs        of now end in %s s\n",
               cell(doc, "calendar_ends_s", ends, sizeof ends));
}

static void print_feed(const json_t *doc)
{
    const json_t *f = json_object_get(doc, "feed");
    char age[24];

    if (!json_is_object(f))
        return;
    printf("maps         of %s, by %s, tag %s, confirmed %s s ago%s; %s\n",
           member(f, "uri") ? member(f, "uri") : "nobody yet", member(f, "mode"),
           member(f, "tag") ? member(f, "tag") : "-", cell(f, "age_s", age, sizeof age),
           json_is_true(json_object_get(f, "from_state")) ? " (kept from an earlier run)" : "",
           member(f, "doing"));
    if (member(f, "held"))
        printf("             held back: %s; take it with waymark maps force\n", member(f, "held"));
    if (member(f, "error"))
        printf("             last failure: %s\n", member(f, "error"));
}

static void print_alto(const json_t *doc)
{
    const json_t *a = json_object_get(doc, "alto");
    char serial[24], age[24], streams[24], views[24];

    if (!json_is_object(a))
        return;
    printf("alto         %s: generation %s, %s s old, %s update streams, %s TIPS views\n",
           member(a, "path"), cell(a, "serial", serial, sizeof serial),
           cell(a, "age_s", age, sizeof age), cell(a, "streams", streams, sizeof streams),
           cell(a, "views", views, sizeof views));
    if (member(a, "error"))
        printf("             refused since: %s\n", member(a, "error"));
}

static void print_streamers(const json_t *doc)
{
    static const char *const keys[] = {"name",     "pid",      "ipv4",       "ipv6", "admin",
                                       "sessions", "capacity", "dispatched", "last"};

    print_items(json_object_get(doc, "streamers"),
                "streamer|PID|IPv4|IPv6|admin|>sessions|>capacity|>sent|last probe", keys);
}

int cli_status(const struct cli *c)
{
    struct err e = {0};
    char serial[24], uptime[24], workers[24];
    json_t *doc;

    if (c->argc)
        return wrong("status");
    if (admin_ask(&c->admin, "GET", "/status", &doc, &e) != ERR_OK)
        return fail(&e);
    if (c->json)
        return print_json(doc);
    printf("waymarkd %s, %s for %s s, %s workers, view %s\nconfig       %s\n",
           member(doc, "version"), member(doc, "state"),
           cell(doc, "uptime_s", uptime, sizeof uptime),
           cell(doc, "workers", workers, sizeof workers),
           cell(doc, "serial", serial, sizeof serial), member(doc, "config"));
    print_sources(json_object_get(doc, "sources"));
    print_memory(doc);
    print_feed(doc);
    print_alto(doc);
    if (member(doc, "error"))
        printf("last problem %s\n", member(doc, "error"));
    putchar('\n');
    print_streamers(doc);
    json_decref(doc);
    return 0;
}

int cli_streamers(const struct cli *c)
{
    static const char usage[] = "streamers | streamers drain|undrain|down|up|force NAME";
    char target[2048], name[1024];
    struct err e = {0};
    json_t *doc;

    if (c->argc != 0 && c->argc != 2)
        return wrong(usage);
    if (c->argc == 2) {
        snprintf(target, sizeof target, "/streamers/%s/%s", encode(c->argv[1], name, sizeof name),
                 c->argv[0]);
        if (admin_ask(&c->admin, "POST", target, &doc, &e) != ERR_OK)
            return fail(&e);
        json_decref(doc);
    }
    if (admin_ask(&c->admin, "GET", "/status", &doc, &e) != ERR_OK)
        return fail(&e);
    if (c->json) {
        json_t *only = json_incref(json_object_get(doc, "streamers"));

        json_decref(doc);
        return print_json(only);
    }
    print_streamers(doc);
    json_decref(doc);
    return 0;
}

/* ---- top
 * ---------------------------------------------------------------------------------------------------------
 */

int cli_top(const struct cli *c)
{
    static const char usage[] = "top [--service NAME] [-n COUNT]";
    static const char *const keys[] = {"rate", "owners", "service", "key"};
    char target[2048] = "/top?n=20", name[1024], count[64];
    const char *service = NULL, *n = "20";
    struct err e = {0};
    json_t *doc;

    for (int i = 0; i < c->argc; i += 2) {
        if (i + 1 == c->argc)
            return wrong(usage);
        if (strcmp(c->argv[i], "--service") == 0)
            service = c->argv[i + 1];
        else if (strcmp(c->argv[i], "-n") == 0)
            n = c->argv[i + 1];
        else
            return wrong(usage);
    }
    snprintf(target, sizeof target, "/top?n=%s%s%s", encode(n, count, sizeof count),
             service ? "&service=" : "", service ? encode(service, name, sizeof name) : "");
    if (admin_ask(&c->admin, "GET", target, &doc, &e) != ERR_OK)
        return fail(&e);
    if (c->json)
        return print_json(doc);
    print_items(json_object_get(doc, "top"), ">sessions/s|>owners|service|content", keys);
    json_decref(doc);
    return 0;
}

int cli_reload(const struct cli *c)
{
    struct err e = {0};
    json_t *doc;

    if (c->argc)
        return wrong("reload");
    if (admin_ask(&c->admin, "POST", "/reload", &doc, &e) != ERR_OK)
        return fail(&e);
    if (c->json)
        return print_json(doc);
    json_decref(doc);
    puts("reloaded");
    return 0;
}

int cli_maps(const struct cli *c)
{
    struct err e = {0};
    json_t *doc;

    if (c->argc != 1 || strcmp(c->argv[0], "force") != 0)
        return wrong("maps force");
    if (admin_ask(&c->admin, "POST", "/maps/force", &doc, &e) != ERR_OK)
        return fail(&e);
    if (c->json)
        return print_json(doc);
    json_decref(doc);
    puts("the map that was held back is taken");
    return 0;
}

/* ---- check
 * -------------------------------------------------------------------------------------------------------
 */

/* Is the sentence of e one that no problem of the file says? Warnings do not stop anything. */
static bool has_own_sentence(const struct config_problems *p, const struct err *e)
{
    for (size_t i = 0; i < p->count; i++)
        if (!p->items[i].warning)
            return false;
    return e->code != ERR_OK;
}

static void check_json(const char *path, const struct config_problems *p, const struct err *e)
{
    json_t *doc = json_object(), *list = json_array();

    for (size_t i = 0; i < p->count; i++) {
        json_t *o = json_object();

        json_object_set_new(o, "line", json_integer(p->items[i].line));
        json_object_set_new(o, "column", json_integer(p->items[i].col));
        json_object_set_new(o, "warning", json_boolean(p->items[i].warning));
        json_object_set_new(o, "text", json_string(p->items[i].text));
        json_array_append_new(list, o);
    }
    if (has_own_sentence(p, e)) {
        json_t *o = json_object();

        json_object_set_new(o, "text", json_string(e->text));
        json_array_append_new(list, o);
    }
    json_object_set_new(doc, "file", json_string(path));
    json_object_set_new(doc, "ok", json_boolean(e->code == ERR_OK));
    json_object_set_new(doc, "problems", list);
    print_json(doc);
}

int cli_check(const struct cli *c)
{
    struct config_problems problems = {0};
    const struct config *config = NULL;
    struct arena *arena = NULL;
    struct err e = {0};
    struct bytes text = {0};
    bool ok;

    if (c->argc != 1)
        return wrong("check FILE");
    ok = config_load(c->argv[0], &config, &problems, &arena, &e) == ERR_OK &&
         publish_check(config, &e) == ERR_OK;
    if (c->json) {
        check_json(c->argv[0], &problems, &e);
    } else {
        if (problems.count && config_problems_format(&problems, c->argv[0], &text))
            fwrite(text.data, 1, text.len, stderr);
        if (has_own_sentence(&problems, &e))
            fprintf(stderr, "%s: %s\n", c->argv[0], e.text);
        if (ok)
            printf("%s: all is well\n", c->argv[0]);
    }
    bytes_free(&text);
    arena_free(arena);
    return ok ? 0 : 1;
}
