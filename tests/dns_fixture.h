/* A small world for the DNS tests: two PIDs with a hole in one, three streamers, services of each
 * kind, two zones of which one lies in the other. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/dns_server.h"
#include "dns/dns_wire.h"

/* 10.1.0.0/16 is a's but for 10.1.128.0/20, which is b's, as is 10.2.0.0/16. */
static const char fixture_netmap[] =
    "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"0123\"}},\"network-map\":{"
    "\"a\":{\"ipv4\":[\"10.1.0.0/16\"],\"ipv6\":[\"2001:db8:a::/48\"]},"
    "\"b\":{\"ipv4\":[\"10.1.128.0/20\",\"10.2.0.0/16\"],\"ipv6\":[\"2001:db8:b::/48\"]},"
    "\"rest\":{\"ipv4\":[\"0.0.0.0/0\"],\"ipv6\":[\"::/0\"]}}}";

static const char fixture_costmap[] =
    "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"0123\"}],"
    "\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}},\"cost-map\":{"
    "\"a\":{\"a\":1,\"b\":10,\"rest\":20},\"b\":{\"a\":10,\"b\":1,\"rest\":20},"
    "\"rest\":{\"a\":10,\"b\":20,\"rest\":1}}}";

struct fixture {
    struct dns_conf conf;
    struct view *view;
    struct live *live;
    struct metrics metrics;
    struct turn turn;
};

#define FIXTURE_POLICY                                                                             \
    {                                                                                              \
        .cost_weight = 1, .origin_weight = 1, .load_weight = 1, .band = 0.1, .eps = 0.25,          \
        .balance_from = 0.5, .session_s = 600                                                      \
    }

static UNUSED struct addr fixture_addr(const char *text)
{
    struct addr a = {0, 0};

    if (addr_parse(text, strlen(text), &a, NULL) != ERR_OK)
        abort();
    return a;
}

static UNUSED void fixture_streamers(struct streamer_conf s[3])
{
    static const char *const names[] = {"edge-a", "edge-b", "edge-c"};
    static const char *const hosts[] = {"edge-a.cdn.example", "edge-b.other.example",
                                        "edge-c.cdn.example"};
    static const char *const pids[] = {"a", "b", "rest"};
    static const char *const v4[] = {"203.0.113.1", "203.0.113.2", "203.0.113.3"};
    static const char *const v6[] = {"2001:db8:ffff::1", "::", "2001:db8:ffff::3"};

    for (unsigned i = 0; i < 3; i++) {
        s[i] = (struct streamer_conf){
            .name = str_from(names[i]),
            .host = str_from(hosts[i]),
            .v4 = fixture_addr(v4[i]),
            .v6 = fixture_addr(v6[i]),
            .can = STREAMER_V4 | STREAMER_HTTP,
            .http_port = 80,
            .pid = str_from(pids[i]),
            .weight = 1,
        };
        if (i != 1)
            s[i].can |= STREAMER_V6;
    }
}

static char fixture_long_txt[601];

#define FIXTURE_SERVICES 10

/* Another CDN, whose name lies outside of our zones. */
static const struct downstream_conf fixture_far = {
    .name = {"far", 3}, .dns_cname = {"far.example.net", 15}, .cost = 1, .weight = 1};

static UNUSED size_t fixture_services(struct service_conf s[FIXTURE_SERVICES])
{
    static const struct str live[] = {
        {"live.cdn.example", sizeof "live.cdn.example" - 1},
        {"*.wild.cdn.example", sizeof "*.wild.cdn.example" - 1},
        {"cdn.example", sizeof "cdn.example" - 1},
        {"live.elsewhere.example", sizeof "live.elsewhere.example" - 1},
        {"here.cut.deep.cdn.example", sizeof "here.cut.deep.cdn.example" - 1}};
    static const struct str www[] = {{"www.cdn.example", sizeof "www.cdn.example" - 1},
                                     {"*.cn.cdn.example", sizeof "*.cn.cdn.example" - 1}};
    static const struct str only4[] = {{"v4.cdn.example", sizeof "v4.cdn.example" - 1}};
    static const struct str deep[] = {{"a.b.ent.cdn.example", sizeof "a.b.ent.cdn.example" - 1},
                                      {"x.y.wild.cdn.example", sizeof "x.y.wild.cdn.example" - 1}};
    static const struct str vod[] = {{"vod.cdn.example", sizeof "vod.cdn.example" - 1}};
    static const struct str away[] = {{"away.cdn.example", sizeof "away.cdn.example" - 1},
                                      {"by.cdn.example", sizeof "by.cdn.example" - 1},
                                      {"or.cdn.example", sizeof "or.cdn.example" - 1}};
    static const struct str only4_streamers[] = {{"edge-b", sizeof "edge-b" - 1}};
    size_t n = 0;

    memset(fixture_long_txt, 't', sizeof fixture_long_txt - 1);
    s[n++] = (struct service_conf){.name = STR("live"),
                                   .hosts = live,
                                   .host_count = 5,
                                   .policy = FIXTURE_POLICY,
                                   .dns = {.ttl_s = 30, .answers = 2, .txt = STR("hello")}};
    s[n++] = (struct service_conf){.name = STR("www"),
                                   .hosts = www,
                                   .host_count = 2,
                                   .policy = FIXTURE_POLICY,
                                   .dns = {.mode = DNS_MODE_CNAME, .ttl_s = 20, .answers = 1}};
    s[n++] = (struct service_conf){.name = STR("only4"),
                                   .hosts = only4,
                                   .host_count = 1,
                                   .streamers = only4_streamers,
                                   .streamer_count = 1,
                                   .policy = FIXTURE_POLICY,
                                   .dns = {.ttl_s = 40, .answers = 8}};
    s[n++] = (struct service_conf){
        .name = STR("deep"),
        .hosts = deep,
        .host_count = 2,
        .policy = FIXTURE_POLICY,
        .dns = {.ttl_s = 50, .answers = 1, .txt = str_from(fixture_long_txt)}};
    s[n++] = (struct service_conf){.name = STR("vod-low"),
                                   .hosts = vod,
                                   .host_count = 1,
                                   .path_prefix = STR("/low"),
                                   .policy = FIXTURE_POLICY,
                                   .dns = {.ttl_s = 60, .answers = 1, .txt = STR("low")}};
    s[n++] = (struct service_conf){.name = STR("vod-root"),
                                   .hosts = vod,
                                   .host_count = 1,
                                   .policy = FIXTURE_POLICY,
                                   .dns = {.ttl_s = 61, .answers = 1, .txt = STR("root")}};
    s[n++] = (struct service_conf){.name = STR("away"),
                                   .hosts = &away[0],
                                   .host_count = 1,
                                   .downstreams = &fixture_far.name,
                                   .downstream_count = 1,
                                   .policy = FIXTURE_POLICY,
                                   .dns = {.ttl_s = 30, .answers = 1}};
    s[n - 1].policy.fallback[0] = FALLBACK_DOWNSTREAM;
    s[n++] = (struct service_conf){.name = STR("by"),
                                   .hosts = &away[1],
                                   .host_count = 1,
                                   .bypass = {.dns_cname = STR("edge-a.cdn.example")},
                                   .policy = FIXTURE_POLICY,
                                   .dns = {.ttl_s = 30, .answers = 1}};
    s[n - 1].policy.fallback[0] = FALLBACK_BYPASS;
    s[n++] = (struct service_conf){.name = STR("or"),
                                   .hosts = &away[2],
                                   .host_count = 1,
                                   .bypass = {.dns_cname = STR("origin.example.net")},
                                   .policy = FIXTURE_POLICY,
                                   .dns = {.ttl_s = 30, .answers = 1}};
    return n;
}

static UNUSED void fixture_dns_conf(struct dns_conf *c)
{
    static struct dns_ns_conf ns[2], cut_ns[1];
    static struct dns_zone_conf zones[2];
    static struct str alto[2];

    alto[0] = STR("https://alto.cdn.example/alto");
    alto[1] = STR("http://alto.cdn.example/alto");

    ns[0] = (struct dns_ns_conf){.name = STR("ns1.cdn.example"), .has_v4 = true, .has_v6 = true};
    ns[0].v4 = fixture_addr("192.0.2.53");
    ns[0].v6 = fixture_addr("2001:db8::53");
    ns[1] = (struct dns_ns_conf){.name = STR("ns2.other.example")};
    cut_ns[0] = ns[1];
    zones[1] = (struct dns_zone_conf){.name = STR("cdn.example"),
                                      .ns = ns,
                                      .ns_count = 2,
                                      .alto = alto,
                                      .alto_count = 2,
                                      .soa_rname = STR("hostmaster.cdn.example"),
                                      .refresh_s = 7200,
                                      .retry_s = 900,
                                      .expire_s = 1209600,
                                      .negative_ttl_s = 60,
                                      .ttl_s = 3600};
    zones[0] = (struct dns_zone_conf){.name = STR("cut.deep.cdn.example"),
                                      .ns = cut_ns,
                                      .ns_count = 1,
                                      .soa_serial = 7,
                                      .refresh_s = 1,
                                      .retry_s = 2,
                                      .expire_s = 3,
                                      .negative_ttl_s = 600,
                                      .ttl_s = 300};
    dns_conf_default(c);
    c->zones = zones;
    c->zone_count = 2;
}

/* The maps as sources that a view takes. */
static UNUSED void fixture_maps(const char *net_text, const char *cost_text,
                                struct view_source **net, struct view_source **cost)
{
    struct arena *na = arena_new(64 << 20), *ca = arena_new(64 << 20);
    const struct netmap *n = NULL;
    const struct costmap *c = NULL;
    struct err e = {0};

    if (!na || !ca || netmap_parse(net_text, strlen(net_text), na, &n, &e) != ERR_OK ||
        costmap_parse(cost_text, strlen(cost_text), n, ca, &c, &e) != ERR_OK) {
        fprintf(stderr, "fixture: %s\n", e.text);
        abort();
    }
    *net = view_source_new(na, n, NULL);
    *cost = view_source_new(ca, NULL, c);
}

static UNUSED void fixture_turn(struct fixture *f)
{
    f->turn = (struct turn){
        .view = f->view, .live = f->live, .metrics = &f->metrics, .wall_offset_ms = 1, .random = 1};
    turn_begin(&f->turn);
}

static UNUSED void fixture_init(struct fixture *f)
{
    struct streamer_conf streamers[3];
    struct service_conf services[FIXTURE_SERVICES];
    struct view_inputs in = {.serial = 42,
                             .streamers = streamers,
                             .streamer_count = 3,
                             .downstreams = &fixture_far,
                             .downstream_count = 1,
                             .services = services};
    struct err e = {0};

    memset(f, 0, sizeof *f);
    fixture_streamers(streamers);
    in.service_count = fixture_services(services);
    fixture_dns_conf(&f->conf);
    fixture_maps(fixture_netmap, fixture_costmap, &in.netmap, &in.costmap);
    f->live = live_new();
    if (!f->live || view_build(&in, f->live, &f->view, &e) != ERR_OK ||
        dns_zone_build(f->view, &f->conf, &e) != ERR_OK) {
        fprintf(stderr, "fixture: %s\n", e.text);
        abort();
    }
    view_source_drop(in.netmap);
    view_source_drop(in.costmap);
    fixture_turn(f);
}

static UNUSED void fixture_fini(struct fixture *f)
{
    view_drop(f->view);
    live_free(f->live);
}

/* A query: name in text, and what else is asked for. */
struct ask {
    const char *name;
    uint16_t type;
    uint16_t class; /* 0: IN */
    uint16_t flags;
    bool edns, dnssec_ok;
    uint16_t udp_bytes;
    const char *subnet; /* "10.1.2.0"; NULL: none */
    uint8_t source;
};

static UNUSED size_t ask_name(const char *text, uint8_t *out)
{
    size_t n = 0;

    while (*text) {
        size_t len = strcspn(text, ".");

        out[n] = (uint8_t)len;
        memcpy(out + n + 1, text, len);
        n += len + 1;
        text += len + (text[len] == '.');
    }
    out[n++] = 0;
    return n;
}

static UNUSED size_t ask_subnet(const struct ask *a, uint8_t *p)
{
    struct addr addr = fixture_addr(a->subnet);
    bool v4 = addr_is_v4(addr);
    size_t n = (a->source + 7u) / 8;
    uint8_t wire[16];

    addr_to_bytes(addr_mask(addr, v4 ? a->source + 96u : a->source), wire);
    dns_put_u16_at(p, DNS_OPTION_ECS);
    dns_put_u16_at(p + 2, (unsigned)(4 + n));
    dns_put_u16_at(p + 4, v4 ? 1 : 2);
    p[6] = a->source;
    p[7] = 0;
    memcpy(p + 8, wire + (v4 ? 12 : 0), n);
    return 8 + n;
}

/* out holds 512 bytes. */
static UNUSED size_t ask_encode(const struct ask *a, uint8_t *out)
{
    size_t n = DNS_HEADER_LEN;

    memset(out, 0, DNS_HEADER_LEN);
    dns_put_u16_at(out, 0xbeef);
    dns_put_u16_at(out + 2, a->flags);
    out[5] = 1;
    n += ask_name(a->name, out + n);
    dns_put_u16_at(out + n, a->type);
    dns_put_u16_at(out + n + 2, a->class ? a->class : DNS_CLASS_IN);
    n += 4;
    if (a->edns || a->subnet || a->udp_bytes || a->dnssec_ok) {
        size_t opt = n, options = 0;

        out[11] = 1;
        memset(out + opt, 0, DNS_OPT_LEN);
        out[opt + 2] = DNS_TYPE_OPT;
        dns_put_u16_at(out + opt + 3, a->udp_bytes ? a->udp_bytes : 1232);
        out[opt + 7] = a->dnssec_ok ? 0x80 : 0;
        if (a->subnet)
            options = ask_subnet(a, out + opt + DNS_OPT_LEN);
        dns_put_u16_at(out + opt + 9, (unsigned)options);
        n = opt + DNS_OPT_LEN + options;
    }
    return n;
}
