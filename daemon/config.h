/* The configuration: a YAML file read whole and checked whole against one schema table; all errors
 * in one run, each with file:line:col, the source line with a caret, and what would be right.
 * Modules see their const struct x_conf, never the file. */
#pragma once

#include "base/log.h"
#include "base/net.h"
#include "daemon/alto_conf.h"
#include "dns/dns_conf.h"
#include "http/http_server.h"
#include "router/geo.h"
#include "router/note.h"
#include "router/service.h"
#include "router/view.h"
#include "tracker/tracker.h"

#define CONFIG_BYTES_MAX    ((size_t)16 << 20)
#define CONFIG_PROBLEMS_MAX 100u

struct listen_conf {
    struct listen_addr at;
    struct str name; /* as written, for messages */
};

struct listen_list {
    const struct listen_conf *items;
    size_t count;
};

/* A downstream CDN as it is written: its advertisement's footprints come on top (daemon/sources.h).
 */
struct downstream_keys {
    struct downstream_conf conf;
    struct str advertisement; /* file; n 0: none */
};

enum access_log_to { ACCESS_LOG_OFF, ACCESS_LOG_STDOUT, ACCESS_LOG_FILE };

struct profile_conf; /* router/profile.h */

struct config {
    struct arena *arena; /* holds all of this */
    struct str path;     /* the file */

    uint16_t workers;       /* 0: one a core */
    struct str user, group; /* n 0: keep */
    enum log_level log_level;
    enum log_format log_format;
    struct {
        enum access_log_to to;
        struct str path;
        enum note_format format;
    } access_log;

    struct listen_list http, https, dns, tracker_udp, admin; /* dns: UDP and TCP alike */
    struct {
        struct str certificate, key; /* PEM files, for https */
        struct str client_ca;        /* PEM file; n 0: no client shows a certificate */
        bool client_required;
    } tls;

    struct str network_map,
        cost_map; /* paths, made absolute against the configuration's folder; n 0: none */
    const struct str *cost_maps; /* [cost_map_count]: further ones, of other metrics */
    size_t cost_map_count;
    struct str default_pid;
    struct {
        const struct str *databases; /* [database_count]; count 0: no geography */
        size_t database_count;
        struct geo_paths paths;
        const struct geo_pid *pids;
        size_t pid_count;
    } geo;

    struct str state_directory; /* n 0: nothing survives a restart */
    struct {
        size_t cache_bytes;         /* router/cache_memory.h; 0: nothing is remembered */
        uint32_t sessions, buckets; /* entries of either table */
        uint32_t popularity;        /* counters */
        uint32_t half_life_s;       /* of a count */
    } memory;
    /* Authorization of reports; the file is read by config_load alone. */
    struct str report_token, report_token_file;
    struct str cdni_id; /* our name among CDNs; n 0: none */

    struct alto_feed_conf feed; /* maps of other ALTO servers */
    struct alto_conf alto;

    struct http_conf http_conf;
    struct dns_conf dns_conf;
    struct tracker_conf tracker_conf;
    bool tracker_http; /* /announce and /scrape on the http ports */

    const struct profile_conf *profiles; /* the operator's own */
    size_t profile_count;
    const struct downstream_keys *downstreams;
    size_t downstream_count;
    const struct streamer_conf *streamers;
    size_t streamer_count;
    const struct service_conf *services;
    size_t service_count;
};

/* A problem of the file, in the order of the file. */
struct config_problem {
    uint32_t line, col; /* from 1; 0: the file as a whole */
    const char *text;   /* "services[1].dns.ttl: \"30x\" is not a duration; write 30s, 5m or 1h" */
    const char *source; /* the line, NUL terminated, cut and made printable; NULL: there is none */
    uint32_t caret;     /* where col is in source, from 1 */
    bool warning;       /* the file is usable all the same */
};

struct config_problems {
    const struct config_problem *items;
    size_t count;
};

/* Reads and checks. ERR_OK: *out is complete, and problems are warnings. Otherwise *out is NULL and
 * problems (in *arena_out) say all that is wrong, up to CONFIG_PROBLEMS_MAX of them and then how
 * many more; e has one sentence. The caller frees *arena_out in either case (it is out->arena when
 * all is well; NULL when there was no memory for it). config_load also looks whether the files that
 * are named exist; config_parse touches nothing but the text, and makes paths absolute against the
 * folder of path. */
enum err_code config_load(const char *path, const struct config **out,
                          struct config_problems *problems, struct arena **arena_out,
                          struct err *e) MUST_CHECK;
enum err_code config_parse(const char *text, size_t n, const char *path, const struct config **out,
                           struct config_problems *problems, struct arena **arena_out,
                           struct err *e) MUST_CHECK;

/* "file:line:col: text\n  source line\n     ^\n" for each; "warning: " in front of a warning's
 * text. */
bool config_problems_format(const struct config_problems *p, const char *path,
                            struct bytes *out) MUST_CHECK;

/* JSON Schema (draft 2020-12) made from the table. */
bool config_schema_format(struct bytes *out) MUST_CHECK;

/* A key of the table, for the manual page and its test. */
struct config_key {
    const char *path; /* "services[].dns.ttl" */
    const char *type;
    const char *default_text; /* NULL: none; in parentheses: words, not a value */
    const char *example;      /* what could stand there; NULL: the default serves */
    const char *help;
    char range[160];     /* "from 1s to 7d", "one of info, debug", or "" */
    bool required, list; /* list: of mappings; such a path ends in "[]" */
};
size_t config_key_count(void);
struct config_key config_key_get(size_t i); /* i below the count, in the order of the table */
