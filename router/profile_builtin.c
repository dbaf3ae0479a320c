/* What the usual caches and exporters call their numbers.
 *
 * Sessions are open connections, idle ones too: a viewer who fetches a segment every few seconds is
 * idle most of the time and still has his place, and it is open connections that a cache's limit is
 * about. Misses are all that went on to the origin, passed requests too. */
#include "router/profile.h"

// clang-format off
#define S(literal) {(literal), sizeof(literal) - 1}
#define ONE(a)                    {{S(a)}, 1, 1.0}
#define TWO(a, b)                 {{S(a), S(b)}, 2, 1.0}
#define FIVE(a, b, c, d, e)       {{S(a), S(b), S(c), S(d), S(e)}, 5, 1.0}
#define SIX(a, b, c, d, e, f)     {{S(a), S(b), S(c), S(d), S(e), S(f)}, 6, 1.0}
#define KIB(a)                    {{S(a)}, 1, 1024.0}
#define ATS(name)                 "proxy.process.http." name

static const struct profile_conf builtin[] = {
    {
        /* Apache Traffic Server's plugin stats_over_http. A hit or a miss is counted under one
         * reason each. The time at which the cache became ready is 0 until then. */
        .name = S("ats"), .format = STATS_JSON, .path = S("/_stats"),
        .field = {
            [PROFILE_SESSIONS] = ONE(ATS("current_client_connections")),
            [PROFILE_BYTES_OUT] = TWO(ATS("user_agent_response_header_total_size"),
                                      ATS("user_agent_response_document_total_size")),
            [PROFILE_HITS] = SIX(ATS("cache_hit_fresh"), ATS("cache_hit_mem_fresh"),
                                 ATS("cache_hit_rww"), ATS("cache_hit_revalidated"),
                                 ATS("cache_hit_ims"), ATS("cache_hit_stale_served")),
            [PROFILE_MISSES] = FIVE(ATS("cache_miss_cold"), ATS("cache_miss_changed"),
                                    ATS("cache_miss_client_no_cache"),
                                    ATS("cache_miss_client_not_cacheable"), ATS("cache_miss_ims")),
            [PROFILE_REQUESTS] = ONE(ATS("incoming_requests")),
            [PROFILE_READY] = ONE("proxy.node.restarts.proxy.cache_ready_time"),
        },
    },
    {
        /* varnishstat -j, behind whatever serves it. Varnish has no gauge of its sessions, but one
         * of the session objects in use in each thread pool. */
        .name = S("varnish"), .format = STATS_JSON, .path = S("/varnishstat"),
        .field = {
            [PROFILE_SESSIONS] = ONE("MEMPOOL.sess*.live"),
            [PROFILE_BYTES_OUT] = TWO("MAIN.s_resp_hdrbytes", "MAIN.s_resp_bodybytes"),
            [PROFILE_HITS] = ONE("MAIN.cache_hit"),
            [PROFILE_MISSES] = TWO("MAIN.cache_miss", "MAIN.s_pass"),
            [PROFILE_REQUESTS] = ONE("MAIN.client_req"),
        },
    },
    {
        /* prometheus-varnish-exporter: the same through varnishstat. varnish_up is 0 when it could
         * not ask Varnish. */
        .name = S("varnish-exporter"), .format = STATS_PROMETHEUS, .path = S("/metrics"),
        .field = {
            [PROFILE_SESSIONS] = ONE("varnish_mempool_live{id=\"sess*\"}"),
            [PROFILE_BYTES_OUT] = TWO("varnish_main_s_resp_hdrbytes", "varnish_main_s_resp_bodybytes"),
            [PROFILE_HITS] = ONE("varnish_main_cache_hit"),
            [PROFILE_MISSES] = TWO("varnish_main_cache_miss", "varnish_main_s_pass"),
            [PROFILE_REQUESTS] = ONE("varnish_main_client_req"),
            [PROFILE_READY] = ONE("varnish_up"),
        },
    },
    {
        /* ngx_http_stub_status_module: connections alone; neither bytes nor hits. `active` has the
         * waiting ones in it, and the connection that asks. */
        .name = S("nginx"), .format = STATS_STUB_STATUS, .path = S("/stub_status"),
        .field = {
            [PROFILE_SESSIONS] = ONE("active"),
            [PROFILE_REQUESTS] = ONE("requests"),
        },
    },
    {
        .name = S("nginx-exporter"), .format = STATS_PROMETHEUS, .path = S("/metrics"),
        .field = {
            [PROFILE_SESSIONS] = ONE("nginx_connections_active"),
            [PROFILE_REQUESTS] = ONE("nginx_http_requests_total"),
            [PROFILE_READY] = ONE("nginx_up"),
        },
    },
    {
        /* show stat. Select a proxy: without, all frontends are summed, and limits that are the
         * whole process's are counted once a frontend. A cache counts where it is used, in the
         * frontend or in the backend. */
        .name = S("haproxy"), .format = STATS_HAPROXY_CSV, .path = S("/haproxy?stats;csv"),
        .field = {
            [PROFILE_SESSIONS] = ONE("%.FRONTEND.scur"),
            [PROFILE_BYTES_OUT] = ONE("%.FRONTEND.bout"),
            [PROFILE_HITS] = ONE("%.*END.cache_hits"),
            [PROFILE_MISSES] = TWO("%.*END.cache_lookups", "-%.*END.cache_hits"),
            [PROFILE_REQUESTS] = ONE("%.FRONTEND.req_tot"),
            [PROFILE_CAPACITY] = ONE("%.FRONTEND.slim"),
            [PROFILE_READY] = ONE("%.FRONTEND.status"),
        },
    },
    {
        .name = S("haproxy-prometheus"), .format = STATS_PROMETHEUS, .path = S("/metrics"),
        .field = {
            [PROFILE_SESSIONS] = ONE("haproxy_frontend_current_sessions{proxy=\"%\"}"),
            [PROFILE_BYTES_OUT] = ONE("haproxy_frontend_bytes_out_total{proxy=\"%\"}"),
            [PROFILE_HITS] = ONE("haproxy_*end_http_cache_hits_total{proxy=\"%\"}"),
            [PROFILE_MISSES] = TWO("haproxy_*end_http_cache_lookups_total{proxy=\"%\"}",
                                   "-haproxy_*end_http_cache_hits_total{proxy=\"%\"}"),
            [PROFILE_REQUESTS] = ONE("haproxy_frontend_http_requests_total{proxy=\"%\"}"),
            [PROFILE_CAPACITY] = ONE("haproxy_frontend_limit_sessions{proxy=\"%\"}"),
            [PROFILE_READY] = ONE("haproxy_frontend_status{proxy=\"%\",state=\"UP\"}"),
        },
    },
    {
        /* The cache manager's counters: no gauge of connections. Squid counts no misses: what was
         * asked for and was no hit. */
        .name = S("squid"), .format = STATS_SQUID_COUNTERS, .path = S("/squid-internal-mgr/counters"),
        .field = {
            [PROFILE_BYTES_OUT] = KIB("client_http.kbytes_out"),
            [PROFILE_HITS] = ONE("client_http.hits"),
            [PROFILE_MISSES] = TWO("client_http.requests", "-client_http.hits"),
            [PROFILE_REQUESTS] = ONE("client_http.requests"),
        },
    },
    {
        /* The machine instead of the cache. Select a device: without, those named as Ethernet is
         * (eth0, eno1, enp3s0), and neither lo nor bridges and bonds that repeat them. All TCP
         * connections, those to the origin too. */
        .name = S("node-exporter"), .format = STATS_PROMETHEUS, .path = S("/metrics"),
        .select = S("e*"),
        .field = {
            [PROFILE_SESSIONS] = ONE("node_netstat_Tcp_CurrEstab"),
            [PROFILE_BYTES_OUT] = ONE("node_network_transmit_bytes_total{device=\"%\"}"),
        },
    },
    {
        /* For whoever writes the page himself. */
        .name = S("prometheus"), .format = STATS_PROMETHEUS, .path = S("/metrics"),
        .field = {
            [PROFILE_SESSIONS] = ONE("streamer_sessions{%}"),
            [PROFILE_BYTES_OUT] = ONE("streamer_sent_bytes_total{%}"),
            [PROFILE_HITS] = ONE("streamer_cache_hits_total{%}"),
            [PROFILE_MISSES] = ONE("streamer_cache_misses_total{%}"),
            [PROFILE_REQUESTS] = ONE("streamer_requests_total{%}"),
            [PROFILE_CAPACITY] = ONE("streamer_sessions_max{%}"),
            [PROFILE_READY] = ONE("streamer_ready{%}"),
        },
    },
};
// clang-format on

const struct profile_conf *profile_builtin_at(size_t i)
{
    return i < sizeof builtin / sizeof *builtin ? &builtin[i] : NULL;
}

const struct profile_conf *profile_builtin(struct str name)
{
    const struct profile_conf *p;

    for (size_t i = 0; (p = profile_builtin_at(i)); i++)
        if (str_eq(p->name, name))
            return p;
    return NULL;
}
