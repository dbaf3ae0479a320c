#include "daemon/config_keys.h"

#include "daemon/schema_rows.h"

#define DAY_S   86400.0
#define HOUR_MS 3600000.0
#define KIB     1024.0
#define MIB     (1024.0 * KIB)
#define GIB     (1024.0 * MIB)

_Static_assert(offsetof(struct config_read, c) == 0, "rows of the top name fields of either");
_Static_assert(offsetof(struct probe_conf, status_max) ==
                   offsetof(struct probe_conf, status_min) + sizeof(uint16_t),
               "SCHEMA_STATUS writes both");

static const struct schema_word log_levels[] = {
    {"error", LOG_LEVEL_ERROR}, {"warn", LOG_LEVEL_WARN}, {"info", LOG_LEVEL_INFO},
    {"debug", LOG_LEVEL_DEBUG}, {.name = NULL},
};
static const struct schema_word log_formats[] = {
    {"logfmt", LOG_FORMAT_LOGFMT}, {"json", LOG_FORMAT_JSON}, {.name = NULL}};
static const struct schema_word note_formats[] = {
    {"logfmt", NOTE_LOGFMT}, {"json", NOTE_JSON}, {.name = NULL}};
static const struct schema_word probe_types[] = {
    {"http", PROBE_HTTP}, {"tcp", PROBE_TCP}, {"none", PROBE_NONE}, {.name = NULL}};
static const struct schema_word redirect_statuses[] = {
    {"302", 302}, {"307", 307}, {"308", 308}, {.name = NULL}};
static const struct schema_word cors_words[] = {
    {"none", CORS_NONE}, {"any", CORS_ANY}, {.name = NULL}};
static const struct schema_word dns_modes[] = {
    {"address", DNS_MODE_ADDRESS}, {"cname", DNS_MODE_CNAME}, {.name = NULL}};

// clang-format off

/* Both stand twice: under defaults, and under each streamer or service, which inherits the former. */
#define PROBE_ROWS(at) \
    {at ".type", WORD(probe_types), AT(probe_conf, type), .default_text = "http", \
     .help = "How health is asked: an HTTP request, a TCP connection, or not at all."}, \
    {at ".port", COUNT(0, 65535), AT(probe_conf, port), .default_text = "0", \
     .help = "Port that is probed; 0 is the streamer's http_port, or its https_port if it has no other."}, \
    {at ".path", .type = SCHEMA_URL_PATH, AT(probe_conf, path), .max = 1024, .default_text = "/", \
     .help = "What an HTTP probe asks for: a path, with a query if need be."}, \
    {at ".host", .type = SCHEMA_HOST, AT(probe_conf, host), .default_text = "(the streamer's host, or its address)", \
     .example = "health.example.com", .help = "Host header of an HTTP probe."}, \
    {at ".status", .type = SCHEMA_STATUS, AT(probe_conf, status_min), .min = 100, .max = 599, .default_text = "200-399", \
     .help = "HTTP status that counts as good: one, or a range."}, \
    {at ".interval", MILLIS(100, HOUR_MS), AT(probe_conf, interval_ms), .default_text = "5s", \
     .help = "Time between the starts of two probes; each is moved by up to 10 % at random."}, \
    {at ".timeout", MILLIS(10, HOUR_MS), AT(probe_conf, timeout_ms), .default_text = "2s", \
     .help = "Time that a whole probe may take; below interval."}, \
    {at ".up_after", COUNT(1, 1000), AT(probe_conf, up_after), .default_text = "2", \
     .help = "Good probes in a row that bring a streamer up."}, \
    {at ".down_after", COUNT(1, 1000), AT(probe_conf, down_after), .default_text = "3", \
     .help = "Bad probes in a row that take it down."}

#define POLICY_ROWS(at) \
    {at ".cost_weight", NUMBER(0, 1e6), AT(policy_conf, cost_weight), .default_text = "1", \
     .help = "Weight of the network cost from the client to the streamer."}, \
    {at ".origin_weight", NUMBER(0, 1e6), AT(policy_conf, origin_weight), .default_text = "1", \
     .help = "Weight of the cost from the streamer to its origin, times the share of its misses."}, \
    {at ".load_weight", NUMBER(0, 1e6), AT(policy_conf, load_weight), .default_text = "1", \
     .help = "Weight of load: how many mean costs of the map a full streamer is further away."}, \
    {at ".band", SHARE(0, 10), AT(policy_conf, band), .default_text = "10%", \
     .help = "Streamers within this share of the best score are equals; the content decides among them."}, \
    {at ".eps", SHARE(0, 100), AT(policy_conf, eps), .default_text = "25%", \
     .help = "Nobody is sent further above the mean utilisation than this share of it."}, \
    {at ".balance_from", SHARE(0, 1), AT(policy_conf, balance_from), .default_text = "50%", \
     .help = "Mean utilisation from which eps holds; below it the nearest may be the busiest."}, \
    {at ".session", SECONDS(1, 7 * DAY_S), AT(policy_conf, session_s), .default_text = "10m", \
     .help = "Mean length of a session: what was sent to a streamer is forgotten at this pace."}

static const struct schema_row rows[] = {
    {"workers", COUNT(0, 1024), AT(config, workers), .default_text = "0",
     .help = "Threads that answer; 0 is one for each core."},
    {"user", .type = SCHEMA_ACCOUNT, AT(config, user), .default_text = "(who started it)", .example = "waymark",
     .help = "User to become once the sockets are open; only when started as root."},
    {"group", .type = SCHEMA_ACCOUNT, AT(config, group), .default_text = "(the user's)", .example = "waymark",
     .help = "Group to become with it."},

    {"log", GROUP_FLAT, .help = "The program's own log, on standard error."},
    {"log.level", WORD(log_levels), AT(config, log_level), .default_text = "info",
     .help = "Least important events that are written."},
    {"log.format", WORD(log_formats), AT(config, log_format), .default_text = "logfmt",
     .help = "Shape of a line."},

    {"access_log", GROUP_FLAT, .help = "One line an answer: reason, PID, streamer, cost, time taken."},
    {"access_log.to", .type = SCHEMA_LOG_TARGET, AT(config_read, access_log_to), .default_text = "off",
     .help = "off, stdout, or a file that is appended to."},
    {"access_log.format", WORD(note_formats), AT(config, access_log.format), .default_text = "logfmt",
     .help = "Shape of a line."},

    {"listen", GROUP_FLAT, .help = "Addresses with ports: IPv4 as 192.0.2.1:80, IPv6 as \"[2001:db8::1]:80\". Port 0 is any free one."},
    {"listen.http", .type = SCHEMA_LISTEN, MANY(config, http.items, http.count), .default_text = "[]",
     .example = "[\"0.0.0.0:80\", \"[::]:80\"]", .help = "Redirects, and announces to the tracker, over HTTP."},
    {"listen.https", .type = SCHEMA_LISTEN, MANY(config, https.items, https.count), .default_text = "[]",
     .example = "[\"0.0.0.0:443\", \"[::]:443\"]", .help = "The same over TLS; needs tls.certificate and tls.key."},
    {"listen.dns", .type = SCHEMA_LISTEN, MANY(config, dns.items, dns.count), .default_text = "[]",
     .example = "[\"0.0.0.0:53\", \"[::]:53\"]", .help = "DNS, over UDP and TCP alike."},
    {"listen.tracker_udp", .type = SCHEMA_LISTEN, MANY(config, tracker_udp.items, tracker_udp.count), .default_text = "[]",
     .example = "[\"0.0.0.0:6969\", \"[::]:6969\"]", .help = "Announces to the tracker over UDP."},
    {"listen.admin", .type = SCHEMA_LISTEN, MANY(config, admin.items, admin.count), .default_text = "[\"127.0.0.1:8953\"]",
     .help = "Metrics, status, explain. There is no password: keep it on loopback."},

    {"tls", GROUP_FLAT, .help = "For listen.https."},
    {"tls.certificate", .type = SCHEMA_FILE, AT(config, tls.certificate), .example = "fullchain.pem",
     .help = "PEM file: the certificate and those that lead to its root."},
    {"tls.key", .type = SCHEMA_FILE, AT(config, tls.key), .example = "key.pem", .help = "PEM file: the private key."},

    {"maps", GROUP_FLAT, .help = "What the network says of itself: ALTO maps (RFC 7285). They are read again when they change."},
    {"maps.network", .type = SCHEMA_FILE, AT(config, network_map), .default_text = "(none: one PID for everybody)", .example = "network-map.json",
     .help = "File with a network map: which addresses are in which PID."},
    {"maps.cost", .type = SCHEMA_FILE, AT(config, cost_map), .default_text = "(none: all costs are equal)", .example = "cost-map.json",
     .help = "File with a cost map between the PIDs of that network map."},
    {"maps.default_pid", .type = SCHEMA_PID, AT(config, default_pid), .default_text = "(none)", .example = "PID1",
     .help = "PID of clients whose address no prefix covers."},

    {"http", GROUP(config, http_conf), .help = "Limits of the HTTP front end; those on connections are for each worker."},
    {"http.header_size", SIZE(KIB, MIB), AT(http_conf, header_bytes_max), .default_text = "16 KiB",
     .help = "Request line and headers together; over it the answer is 431 or 414."},
    {"http.body_size", SIZE(0, GIB), AT(http_conf, body_bytes_max), .default_text = "1 MiB",
     .help = "Body of a request; over it the answer is 413."},
    {"http.request_timeout", MILLIS(100, HOUR_MS), AT(http_conf, request_timeout_ms), .default_text = "10s",
     .help = "From a request's first byte to its last; then the answer is 408."},
    {"http.idle_timeout", MILLIS(100, HOUR_MS), AT(http_conf, idle_timeout_ms), .default_text = "1m",
     .help = "Between two requests of a connection."},
    {"http.write_buffer", SIZE(4 * KIB, GIB), AT(http_conf, write_bytes_max), .default_text = "256 KiB",
     .help = "Answer bytes of a connection that wait to be sent; a reader slower than that is dropped."},
    {"http.write_timeout", MILLIS(100, HOUR_MS), AT(http_conf, write_timeout_ms), .default_text = "15s",
     .help = "Without progress of a write."},
    {"http.connections", COUNT(1, 10e6), AT(http_conf, connections_max), .default_text = "10000",
     .help = "Open connections."},
    {"http.connections_per_client", COUNT(0, 10e6), AT(http_conf, connections_per_client), .default_text = "0",
     .help = "Open connections of one IPv4 address or IPv6 /64; 0 is no limit."},
    {"http.requests_per_connection", COUNT(0, 4e9), AT(http_conf, requests_max), .default_text = "0",
     .help = "Requests on one connection before it is closed; 0 is no limit."},
    {"http.trusted_proxies", .type = SCHEMA_PREFIX, MANY(http_conf, trusted_proxies, trusted_proxy_count), .default_text = "[]",
     .example = "[10.0.0.0/8, \"2001:db8::/32\"]", .help = "Prefixes of the proxies whose X-Forwarded-For is believed."},

    {"dns", GROUP(config, dns_conf), .help = "The DNS front end; limits on connections are for each worker."},
    {"dns.udp_size", SIZE(512, 4096), AT(dns_conf, udp_bytes_max), .default_text = "1232",
     .help = "Largest answer over UDP, offered and obeyed."},
    {"dns.client_subnet", .type = SCHEMA_BOOL, AT(dns_conf, client_subnet), .default_text = "true",
     .help = "Answer for the subnet that a resolver names (RFC 7871), not for the resolver."},
    {"dns.tcp_idle", MILLIS(100, HOUR_MS), AT(dns_conf, tcp_idle_ms), .default_text = "10s",
     .help = "Between two queries of a TCP connection."},
    {"dns.tcp_connections", COUNT(1, 10e6), AT(dns_conf, tcp_connections_max), .default_text = "1000",
     .help = "Open TCP connections."},
    {"dns.zones[]", RECORDS(dns_conf, zones, zone_count, 4096), .help = "Zones that are answered with authority."},
    {"dns.zones[].name", .type = SCHEMA_HOST, .required = true, AT(dns_zone_conf, name), .example = "cdn.example.com",
     .help = "The apex."},
    {"dns.zones[].ns[]", RECORDS(dns_zone_conf, ns, ns_count, 13), .required = true, .help = "Name servers of the zone; at least one."},
    {"dns.zones[].ns[].name", .type = SCHEMA_HOST, .required = true, AT(dns_ns_conf, name), .example = "ns1.cdn.example.com",
     .help = "Its name; inside the zone it needs an address here."},
    {"dns.zones[].ns[].ipv4", .type = SCHEMA_IPV4, AT(dns_ns_conf, v4), .example = "192.0.2.53", .help = "Its IPv4 address."},
    {"dns.zones[].ns[].ipv6", .type = SCHEMA_IPV6, AT(dns_ns_conf, v6), .example = "\"2001:db8::53\"", .help = "Its IPv6 address."},
    {"dns.zones[].soa", GROUP_FLAT, .help = "The zone's SOA record."},
    {"dns.zones[].soa.mname", .type = SCHEMA_HOST, AT(dns_zone_conf, soa_mname), .default_text = "(the first name server)", .example = "ns1.cdn.example.com",
     .help = "The primary name server."},
    {"dns.zones[].soa.rname", .type = SCHEMA_HOST, AT(dns_zone_conf, soa_rname), .default_text = "(hostmaster and the zone's name)", .example = "hostmaster.cdn.example.com",
     .help = "Mailbox of whom to write to, the @ written as a dot."},
    {"dns.zones[].soa.serial", COUNT(0, 4294967295.0), AT(dns_zone_conf, soa_serial), .default_text = "0",
     .help = "Serial number; 0 is the serial of the view that answers."},
    {"dns.zones[].soa.refresh", SECONDS(1, 365 * DAY_S), AT(dns_zone_conf, refresh_s), .default_text = "1h",
     .help = "How often a secondary asks."},
    {"dns.zones[].soa.retry", SECONDS(1, 365 * DAY_S), AT(dns_zone_conf, retry_s), .default_text = "10m",
     .help = "How soon it asks again when it got no answer."},
    {"dns.zones[].soa.expire", SECONDS(1, 365 * DAY_S), AT(dns_zone_conf, expire_s), .default_text = "7d",
     .help = "How long it answers without having heard."},
    {"dns.zones[].soa.negative_ttl", SECONDS(0, 7 * DAY_S), AT(dns_zone_conf, negative_ttl_s), .default_text = "1m",
     .help = "How long a resolver remembers that a name is not there (RFC 2308)."},
    {"dns.zones[].ttl", SECONDS(0, 365 * DAY_S), AT(dns_zone_conf, ttl_s), .default_text = "1h",
     .help = "TTL of the NS and SOA records and of the name servers' addresses."},

    {"tracker", GROUP_FLAT, .help = "The BitTorrent tracker."},
    {"tracker.http", .type = SCHEMA_BOOL, AT(config, tracker_http), .default_text = "true",
     .help = "Serve /announce and /scrape on the HTTP ports."},
    {"tracker.open", .type = SCHEMA_BOOL, AT(config, tracker_conf.open), .default_text = "true",
     .help = "Take any torrent; false takes only the info-hashes that services name."},
    {"tracker.interval", SECONDS(10, DAY_S), AT(config, tracker_conf.interval_s), .default_text = "30m",
     .help = "How often peers are asked to announce; each answer is moved by up to 10 %."},
    {"tracker.min_interval", SECONDS(0, DAY_S), AT(config, tracker_conf.min_interval_s), .default_text = "5m",
     .help = "How often a peer may announce."},
    {"tracker.peer_timeout", SECONDS(10, 7 * DAY_S), AT(config, tracker_conf.peer_timeout_s), .default_text = "(twice the interval and 2m)", .example = "62m",
     .help = "A peer that has not announced for so long is forgotten; above interval."},
    {"tracker.peers_default", COUNT(0, 1000), AT(config, tracker_conf.peers_default), .default_text = "50",
     .help = "Peers in an answer when the asking peer does not say how many."},
    {"tracker.peers_max", COUNT(1, 256), AT(config, tracker_conf.peers_max), .default_text = "200",
     .help = "Most peers in an answer."},
    {"tracker.random_share", .type = SCHEMA_PERMILLE, .max = 1000, AT(config, tracker_conf.random_pm), .default_text = "20%",
     .help = "Share of an answer that is taken at random, so that near peers do not keep to themselves."},
    {"tracker.memory", SIZE(MIB, 1024 * GIB), AT(config, tracker_conf.memory_max), .default_text = "1 GiB",
     .help = "Memory of all swarms; beyond it new peers are answered and not kept."},
    {"tracker.peers_per_swarm", COUNT(1, 100e6), AT(config, tracker_conf.peers_per_swarm_max), .default_text = "100000",
     .help = "Most peers that are kept of one torrent."},
    {"tracker.trust_ip_param", .type = SCHEMA_BOOL, AT(config, tracker_conf.trust_ip_param), .default_text = "false",
     .help = "Believe the ip parameter of an announce."},

    {"defaults", GROUP_FLAT, .help = "What streamers and services have where they do not say otherwise."},
    {"defaults.probe", GROUP(config_read, probe), .help = "For the probe of each streamer."},
    PROBE_ROWS("defaults.probe"),
    {"defaults.policy", GROUP(config_read, policy), .help = "For the policy of each service."},
    POLICY_ROWS("defaults.policy"),

    {"streamers[]", RECORDS(config_read, streamers, streamer_count, STREAMERS_MAX), .help = "The caches and servers that clients are sent to."},
    {"streamers[].name", .type = SCHEMA_NAME, .required = true, AT(streamer_read, conf.name), .example = "fra-1",
     .help = "Unique; small letters, digits and hyphens."},
    {"streamers[].host", .type = SCHEMA_HOST, AT(streamer_read, conf.host), .default_text = "(its address)", .example = "fra-1.cdn.example.com",
     .help = "Public name, for redirects and for CNAME answers."},
    {"streamers[].ipv4", .type = SCHEMA_IPV4, AT(streamer_read, conf.v4), .example = "192.0.2.10", .help = "Public IPv4 address. One of ipv4 and ipv6 must be there."},
    {"streamers[].ipv6", .type = SCHEMA_IPV6, AT(streamer_read, conf.v6), .example = "\"2001:db8::10\"", .help = "Public IPv6 address."},
    {"streamers[].http_port", COUNT(0, 65535), AT(streamer_read, conf.http_port), .default_text = "80", .help = "Port of its HTTP server; 0 is none."},
    {"streamers[].https_port", COUNT(0, 65535), AT(streamer_read, conf.https_port), .default_text = "0", .help = "Port of its HTTPS server; 0 is none."},
    {"streamers[].seed_port", COUNT(0, 65535), AT(streamer_read, conf.seed_port), .default_text = "0", .help = "Port where it speaks BitTorrent: the tracker may name it as a peer; 0 is none."},
    {"streamers[].pid", .type = SCHEMA_PID, AT(streamer_read, conf.pid), .default_text = "(by its address, IPv4 first)", .example = "PID1", .help = "Its PID in the network map."},
    {"streamers[].origin_pid", .type = SCHEMA_PID, AT(streamer_read, conf.origin_pid), .default_text = "(none: misses cost nothing)", .example = "PID2", .help = "PID where its misses go."},
    {"streamers[].capacity", .type = SCHEMA_CAPACITY, .max = 1e9, AT(streamer_read, capacity), .default_text = "0", .example = "10 Gbit/s",
     .help = "Sessions at the same time, as in 2000; or a rate, as in 10 Gbit/s, together with session_rate. 0 is unlimited."},
    {"streamers[].session_rate", .type = SCHEMA_RATE, .min = 1000, .max = 1e12, AT(streamer_read, session_bps), .example = "5 Mbit/s", .help = "Mean rate of one session: divides a capacity that is a rate."},
    {"streamers[].weight", NUMBER(0.001, 1e6), AT(streamer_read, conf.weight), .default_text = "1", .help = "Its share among equals."},
    {"streamers[].hit_ratio", .type = SCHEMA_PERMILLE, .max = 1000, AT(streamer_read, conf.hit_pm), .default_text = "0%", .help = "How often it has what is asked for, until that is measured."},
    {"streamers[].probe", GROUP(streamer_read, conf.probe), .inherit = offsetof(struct config_read, probe), .help = "How its health is asked; each of its addresses apart."},
    PROBE_ROWS("streamers[].probe"),

    {"services[]", RECORDS(config, services, service_count, SERVICES_MAX), .help = "What clients ask for, who may serve it, and how the answer is chosen and given."},
    {"services[].name", .type = SCHEMA_NAME, .required = true, AT(service_conf, name), .example = "vod", .help = "Unique; small letters, digits and hyphens."},
    {"services[].hosts", .type = SCHEMA_HOST_PATTERN, MANY(service_conf, hosts, host_count), .default_text = "[]", .example = "[video.cdn.example.com, \"*.vod.cdn.example.com\"]",
     .help = "Names that ask for it, in a Host header and in DNS alike; \"*.\" stands for every name below."},
    {"services[].path", .type = SCHEMA_URL_PATH, AT(service_conf, path_prefix), .max = 1024, .default_text = "(every path)", .example = "/vod/",
     .help = "HTTP: only paths that begin so. Of two services of one host the longer path wins."},
    {"services[].content_key", .type = SCHEMA_REGEX, .max = 1024, AT(service_conf, content_key), .default_text = "(the path's directory)", .example = "'^/vod/([^/]+)/'",
     .help = "Regular expression (PCRE2) on the path; its first group, or all that it matches, names the content."},
    {"services[].streamers", .type = SCHEMA_NAME, MANY(service_conf, streamers, streamer_count), .default_text = "[]", .example = "[fra-1]", .help = "Names of the streamers that serve it; none named is all of them."},
    {"services[].info_hashes", .type = SCHEMA_INFO_HASH, MANY(service_conf, info_hashes, info_hash_count), .default_text = "[]", .example = "[0123456789abcdef0123456789abcdef01234567]",
     .help = "Torrents that belong to it, 40 hexadecimal digits each."},
    {"services[].any_info_hash", .type = SCHEMA_BOOL, AT(service_conf, any_info_hash), .default_text = "false", .help = "Every torrent that no other service names belongs to it."},
    {"services[].policy", GROUP(service_conf, policy), .inherit = offsetof(struct config_read, policy), .help = "How streamers are weighed."},
    POLICY_ROWS("services[].policy"),
    {"services[].redirect", GROUP(service_conf, redirect), .help = "How HTTP is answered."},
    {"services[].redirect.status", WORD(redirect_statuses), AT(redirect_conf, status), .default_text = "302", .help = "Status of a redirect."},
    {"services[].redirect.location", .type = SCHEMA_LOCATION, .max = 2048, AT(redirect_conf, location), .default_text = "({scheme}://{hostport}{path}{query})", .example = "'{scheme}://{hostport}{path}{query}'",
     .help = "Where to: a template that begins with {scheme}://, http:// or https://, of {scheme}, {host}, {port}, {hostport}, {path}, {query}, {streamer}, {service} and {request_host}."},
    {"services[].redirect.cache_control", TEXT(1, 256), AT(redirect_conf, cache_control), .default_text = "no-store", .help = "Cache-Control of a redirect."},
    {"services[].redirect.cors", WORD(cors_words), AT(redirect_conf, cors), .default_text = "none", .help = "any lets web pages of every origin follow."},
    {"services[].redirect.retry_after", SECONDS(0, DAY_S), AT(redirect_conf, retry_after_s), .default_text = "5s", .help = "Retry-After of a 503, when nobody can serve."},
    {"services[].dns", GROUP(service_conf, dns), .help = "How DNS is answered."},
    {"services[].dns.mode", WORD(dns_modes), AT(service_dns_conf, mode), .default_text = "address", .help = "Addresses of the chosen streamers, or a CNAME to the host of the first."},
    {"services[].dns.ttl", SECONDS(0, 7 * DAY_S), AT(service_dns_conf, ttl_s), .default_text = "30s", .help = "TTL of the answer."},
    {"services[].dns.answers", COUNT(1, 8), AT(service_dns_conf, answers), .default_text = "2", .help = "Addresses in an answer, best first."},
    {"services[].dns.txt", TEXT(1, 255), AT(service_dns_conf, txt), .default_text = "(none)", .example = "\"video, served by waymark\"", .help = "TXT record of its names."},
};

// clang-format on

const struct schema *config_keys(void)
{
    static const struct schema all = {
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
        .root_size = sizeof(struct config_read),
        .title = "waymark.yaml of waymark " WAYMARK_VERSION,
        .when_empty = "the file is empty; a service, a streamer and listen are the least it needs",
        .when_no_mapping = "a configuration is a mapping of keys, as in listen: {http: "
                           "[127.0.0.1:8080]}",
        .share = "put what streamers or services share under defaults",
    };

    return &all;
}
