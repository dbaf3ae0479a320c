/* Configuration text: whatever it is, it is read or refused with a sentence, at a place that the
 * text has; and what is read keeps the promises of its header. */
#include "daemon/config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLD(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static void problems_hold(const struct config_problems *p, size_t size)
{
    struct bytes text = {0};

    HOLD(p->count <= CONFIG_PROBLEMS_MAX + 1);
    for (size_t i = 0; i < p->count; i++) {
        const struct config_problem *q = &p->items[i];

        HOLD(q->text && q->text[0]);
        HOLD(q->line <= size + 1 && q->col <= size + 1);
        HOLD((q->line == 0) == (q->source == NULL));
        for (const char *c = q->text; *c; c++) /* nothing of the file reaches a terminal raw */
            HOLD((unsigned char)*c >= 0x20 && *c != 0x7f);
        for (const char *c = q->source ? q->source : ""; *c; c++)
            HOLD(((unsigned char)*c >= 0x20 || *c == '\t') && *c != 0x7f);
    }
    HOLD(config_problems_format(p, "w.yaml", &text));
    bytes_free(&text);
}

static void str_holds(struct str s)
{
    HOLD(s.n == 0 || s.p[s.n] == '\0');
}

static void streamer_holds(const struct streamer_conf *s)
{
    HOLD(s->name.n > 0 && s->name.n <= 63);
    HOLD(s->can & (STREAMER_V4 | STREAMER_V6));
    HOLD(s->can & (STREAMER_HTTP | STREAMER_HTTPS | STREAMER_SEED));
    HOLD(s->capacity >= 0 && s->weight > 0 && s->hit_pm <= 1000);
    HOLD(s->probe.timeout_ms < s->probe.interval_ms);
    HOLD(s->probe.status_min <= s->probe.status_max);
    HOLD(s->probe.up_after && s->probe.down_after && s->probe.path.p[0] == '/');
    str_holds(s->host);
    str_holds(s->pid);
}

static void config_holds(const struct config *c)
{
    for (size_t i = 0; i < c->streamer_count; i++)
        streamer_holds(&c->streamers[i]);
    for (size_t i = 0; i < c->service_count; i++) {
        const struct service_conf *s = &c->services[i];

        HOLD(s->host_count || s->info_hash_count || s->any_info_hash);
        HOLD(s->path_prefix.n == 0 || s->path_prefix.p[0] == '/');
        HOLD(s->dns.answers >= 1 && s->dns.answers <= 8 && s->policy.session_s > 0);
        for (size_t k = 0; k < s->host_count; k++)
            HOLD(s->hosts[k].n > 0 && s->hosts[k].n <= 255 && s->hosts[k].p[s->hosts[k].n] == '\0');
    }
    for (size_t i = 0; i < c->dns_conf.zone_count; i++) {
        HOLD(c->dns_conf.zones[i].ns_count > 0 && c->dns_conf.zones[i].name.n > 0);
        HOLD(c->dns_conf.zones[i].soa_rname.n > 0);
    }
    HOLD(c->tracker_conf.peer_timeout_s > c->tracker_conf.interval_s);
    HOLD(c->https.count == 0 || (c->tls.certificate.n && c->tls.key.n));
    str_holds(c->network_map);
    str_holds(c->access_log.path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_problems problems;
    const struct config *c;
    struct arena *arena;
    struct err e = {0};
    enum err_code rc = config_parse((const char *)data, size, "/etc/waymark/waymark.yaml", &c,
                                    &problems, &arena, &e);

    HOLD((rc == ERR_OK) == (c != NULL));
    HOLD(rc == ERR_OK || e.text[0]);
    problems_hold(&problems, size);
    if (rc == ERR_OK)
        config_holds(c);
    else
        HOLD(problems.count > 0 || rc == ERR_LIMIT);
    for (size_t i = 0; i < problems.count; i++)
        HOLD(rc != ERR_OK || problems.items[i].warning);
    arena_free(arena);
    return 0;
}
