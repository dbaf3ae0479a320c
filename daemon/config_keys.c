#include "daemon/config_keys.h"

#include "alto/client.h"
#include "daemon/schema_rows.h"
#include "router/profile.h"

#define DAY_S   86400.0
#define HOUR_MS 3600000.0
#define KIB     1024.0
#define MIB     (1024.0 * KIB)
#define GIB     (1024.0 * MIB)

_Static_assert(PROFILE_FIELD_KEYS == PROFILE_FIELDS, "a row for each field");
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
static const struct schema_word probe_types[] = {{"http", PROBE_HTTP},
                                                 {"https", PROBE_HTTPS},
                                                 {"tcp", PROBE_TCP},
                                                 {"none", PROBE_NONE},
                                                 {.name = NULL}};
static const struct schema_word hash_modes[] = {
    {"rendezvous", HASH_RENDEZVOUS}, {"traffic-router", HASH_TRAFFIC_ROUTER}, {.name = NULL}};
static const struct schema_word fallbacks[] = {{"local", FALLBACK_LOCAL},
                                               {"downstream", FALLBACK_DOWNSTREAM},
                                               {"bypass", FALLBACK_BYPASS},
                                               {.name = NULL}};
static const struct schema_word footprint_types[] = {{"ipv4cidr", FOOTPRINT_IPV4CIDR},
                                                     {"ipv6cidr", FOOTPRINT_IPV6CIDR},
                                                     {"asn", FOOTPRINT_ASN},
                                                     {"countrycode", FOOTPRINT_COUNTRYCODE},
                                                     {"subdivisioncode", FOOTPRINT_SUBDIVISIONCODE},
                                                     {"altopid", FOOTPRINT_ALTOPID},
                                                     {"footprintunion", FOOTPRINT_UNION},
                                                     {.name = NULL}};
static const struct schema_word stats_formats[] = {{"prometheus", STATS_PROMETHEUS},
                                                   {"json", STATS_JSON},
                                                   {"ats-csv", STATS_ATS_CSV},
                                                   {"haproxy-csv", STATS_HAPROXY_CSV},
                                                   {"stub-status", STATS_STUB_STATUS},
                                                   {"squid-counters", STATS_SQUID_COUNTERS},
                                                   {.name = NULL}};
static const struct schema_word feed_updates[] = {{"auto", ALTO_CLIENT_AUTO},
                                                  {"sse", ALTO_CLIENT_SSE},
                                                  {"tips", ALTO_CLIENT_TIPS},
                                                  {"poll", ALTO_CLIENT_POLL},
                                                  {.name = NULL}};
static const struct schema_word feed_modes[] = {{"any", ALTO_FEED_ANY},
                                                {"numerical", ALTO_FEED_NUMERICAL},
                                                {"ordinal", ALTO_FEED_ORDINAL},
                                                {.name = NULL}};
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
     .help = "How health is asked: an HTTP or HTTPS request, a TCP connection, or not at all."}, \
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
     .help = "Bad probes in a row that take it down."}, \
    {at ".dwell", MILLIS(0, HOUR_MS), AT(probe_conf, dwell_ms), .default_text = "3s", \
     .help = "A state stays at least so long; 0s lets each probe change it."}, \
    {at ".verify", .type = SCHEMA_BOOL, AT(probe_conf, verify), .default_text = "false", \
     .help = "HTTPS: the certificate must be good, and be for the host that is asked."}, \
    {at ".cors_origin", TEXT(1, 256), AT(probe_conf, cors_origin), .default_text = "(not asked)", .example = "https://player.example.com", \
     .help = "Sent as Origin with an HTTP probe; an answer that does not allow this origin is bad."}

#define POLL_ROWS(at) \
    {at ".profile", .type = SCHEMA_NAME, AT(poll_conf, profile), .default_text = "(not polled)", .example = "nginx", \
     .help = "How its statistics page is read: ats, varnish, nginx, haproxy, squid, node-exporter, prometheus, or one of profiles."}, \
    {at ".path", .type = SCHEMA_URL_PATH, AT(poll_conf, path), .max = 1024, .default_text = "(the profile's)", .example = "/stub_status", \
     .help = "Path of the page."}, \
    {at ".port", COUNT(0, 65535), AT(poll_conf, port), .default_text = "0", \
     .help = "Port of the page; 0 is the streamer's http_port, or its https_port if it has no other."}, \
    {at ".host", .type = SCHEMA_HOST, AT(poll_conf, host), .default_text = "(the streamer's host, or its address)", .example = "stats.example.com", \
     .help = "Host header that the page is asked with."}, \
    {at ".tls", .type = SCHEMA_BOOL, AT(poll_conf, tls), .default_text = "false", .help = "The page is asked over HTTPS."}, \
    {at ".verify", .type = SCHEMA_BOOL, AT(poll_conf, verify), .default_text = "false", \
     .help = "Its certificate must be good, and be for the host that is asked."}, \
    {at ".select", TEXT(1, 256), AT(poll_conf, select), .default_text = "(the profile's choice)", .example = "\"frontend,http\"", \
     .help = "Which row or label set counts, where a page has many."}, \
    {at ".interval", MILLIS(100, HOUR_MS), AT(poll_conf, interval_ms), .default_text = "10s", \
     .help = "Time between the starts of two polls; each is moved by up to 10 % at random."}, \
    {at ".timeout", MILLIS(10, HOUR_MS), AT(poll_conf, timeout_ms), .default_text = "2s", \
     .help = "Time that a whole poll may take; below interval."}, \
    {at ".stale_after", MILLIS(100, HOUR_MS), AT(poll_conf, stale_ms), .default_text = "35s", \
     .help = "Without a good poll or report for so long a streamer is suspect: it serves when nobody better is there. Above interval."}, \
    {at ".leave_at", .type = SCHEMA_PERMILLE, .min = 1, .max = 10000, AT(poll_conf, leave_pm), .default_text = "95%", \
     .help = "Utilisation by its own account from which a streamer is suspect."}, \
    {at ".return_at", .type = SCHEMA_PERMILLE, .max = 10000, AT(poll_conf, return_pm), .default_text = "85%", \
     .help = "Utilisation at or below which it may come back; below leave_at."}, \
    {at ".body_max", SIZE(KIB, 16 * MIB), AT(poll_conf, body_max), .default_text = "1 MiB", \
     .help = "Largest page that is read."}, \
    {at ".digest_path", .type = SCHEMA_URL_PATH, AT(poll_conf, digest_path), .max = 1024, .default_text = "(none)", .example = "/squid-internal-periodic/store_digest", \
     .help = "Path of Squid's cache digest, on the same port: what the cache has, by its own account."}, \
    {at ".digest_every", SECONDS(10, DAY_S), AT(poll_conf, digest_every_s), .default_text = "10m", \
     .help = "How often the digest is fetched."}

/* Whom somebody serves; parts have the same, but no parts. */
#define FOOTPRINT_ROWS(at) \
    {at ".type", WORD(footprint_types), .required = true, AT(footprint_conf, type), .example = "footprintunion", \
     .help = "What its values are (RFC 8006, RFC 9241, RFC 9388)."}, \
    {at ".values", TEXT(1, 256), MANY(footprint_conf, values, value_count), .default_text = "[]", .example = "[]", \
     .help = "A client is in it that matches any: [192.0.2.0/24], [\"2001:db8::/32\"], [as64500], [de, fr], [us-ca], [PID1]; none with footprintunion."}
#define FOOTPRINT_PART_ROWS(at) \
    {at ".parts[].type", WORD(footprint_types), .required = true, AT(footprint_conf, type), .example = "countrycode", \
     .help = "As above, but for footprintunion."}, \
    {at ".parts[].values", TEXT(1, 256), MANY(footprint_conf, values, value_count), .default_text = "[]", .example = "[de, fr]", \
     .help = "As above."}

#define ADMIT_LIST_ROWS(at) \
    {at ".countries", .type = SCHEMA_COUNTRY, MANY(admit_list, countries, country_count), .default_text = "[]", .example = "[de, at]", \
     .help = "Country codes (ISO 3166-1); needs geo."}, \
    {at ".asns", COUNT(1, 4294967295.0), MANY(admit_list, asns, asn_count), .default_text = "[]", .example = "[64500]", \
     .help = "Numbers of autonomous systems; needs geo."}, \
    {at ".prefixes", .type = SCHEMA_PREFIX, MANY(admit_list, prefixes, prefix_count), .default_text = "[]", .example = "[192.0.2.0/24]", \
     .help = "Address prefixes."}, \
    {at ".anonymous", .type = SCHEMA_BOOL, AT(admit_list, anonymous), .default_text = "false", \
     .help = "VPNs, proxies and Tor exits, as the geo databases mark them; needs geo."}

/* What a profile makes of a page: name, array index, help. */
#define PROFILE_FIELD_ROWS(key, index, what) \
    {"profiles[]." key, GROUP(profile_keys, field[index]), .help = (what)}, \
    {"profiles[]." key ".names", TEXT(1, 1024), MANY(profile_field_keys, names, name_count), .default_text = "[]", .example = "[\"node_" key "*\"]", \
     .help = "Their sum, of those that a page has. A name may end in \"*\": all that begin so; labels that a name leaves out are summed over."}, \
    {"profiles[]." key ".scale", NUMBER(1e-9, 1e9), AT(profile_field_keys, scale), .default_text = "1", .help = "What the sum is multiplied with."}

#define POLICY_ROWS(at) \
    {at ".cost_weight", NUMBER(0, 1e6), AT(policy_conf, cost_weight), .default_text = "1", \
     .help = "Weight of the network cost from the client to the streamer."}, \
    {at ".origin_weight", NUMBER(0, 1e6), AT(policy_conf, origin_weight), .default_text = "1", \
     .help = "Weight of the cost from the streamer to its origin, times the share of its misses."}, \
    {at ".load_weight", NUMBER(0, 1e6), AT(policy_conf, load_weight), .default_text = "0.5", \
     .help = "Weight of load: how many mean costs of the map a full streamer is further away."}, \
    {at ".band", SHARE(0, 10), AT(policy_conf, band), .default_text = "10%", \
     .help = "Streamers within this share of the best score are equals; the content decides among them."}, \
    {at ".eps", SHARE(0, 100), AT(policy_conf, eps), .default_text = "25%", \
     .help = "Nobody is sent further above the mean utilisation than this share of it."}, \
    {at ".balance_from", SHARE(0, 1), AT(policy_conf, balance_from), .default_text = "90%", \
     .help = "Mean utilisation from which eps holds; below it the nearest may be the busiest."}, \
    {at ".session", SECONDS(1, 7 * DAY_S), AT(policy_conf, session_s), .default_text = "10m", \
     .help = "Mean length of a session: what was sent to a streamer is forgotten at this pace."}, \
    {at ".count_window", SECONDS(0, DAY_S), AT(policy_conf, count_window_s), .default_text = "1m", \
     .help = "A client that asks for a content again so soon is the same session still."}, \
    {at ".hash", WORD(hash_modes), AT(policy_conf, hash), .default_text = "rendezvous", \
     .help = "How the content decides among equals; traffic-router is Apache Traffic Control's ring, for caches that it has filled."}, \
    {at ".owners", COUNT(1, 255), AT(policy_conf, owners), .default_text = "1", \
     .help = "Streamers of the band that a content belongs to at least."}, \
    {at ".owners_max", COUNT(1, 255), AT(policy_conf, owners_max), .default_text = "64", \
     .help = "And at most, however often it is asked for."}, \
    {at ".owner_share", SHARE(0.001, 100), AT(policy_conf, owner_share), .default_text = "10%", \
     .help = "A content gets one more owner for each such share of a mean streamer that its sessions fill."}, \
    {at ".keep", SECONDS(0, 7 * DAY_S), AT(policy_conf, keep_s), .default_text = "30m", \
     .help = "How long a cache keeps a content that nobody asks for, about: a miss counts less by all who ask there meanwhile."}, \
    {at ".fallback", WORD(fallbacks), MANY_IN(policy_conf, fallback), .default_text = "(local, downstream, bypass, of those that are there)", .example = "[local, downstream, bypass]", \
     .help = "Who is asked first, second and third: the streamers, another CDN, the bypass."}

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
    {"tls.client_ca", .type = SCHEMA_FILE, AT(config, tls.client_ca), .default_text = "(none: no client is asked)", .example = "clients-ca.pem",
     .help = "PEM file: by whom clients' certificates must be signed. Who shows one is the user cert: and its common name, for alto.client_groups."},
    {"tls.client_required", .type = SCHEMA_BOOL, AT(config, tls.client_required), .default_text = "false", .help = "Who shows no certificate gets no connection."},

    {"maps", GROUP_FLAT, .help = "What the network says of itself: ALTO maps (RFC 7285). They are read again when they change."},
    {"maps.network", .type = SCHEMA_FILE, AT(config, network_map), .default_text = "(none: one PID for everybody)", .example = "network-map.json",
     .help = "File with a network map: which addresses are in which PID."},
    {"maps.cost", .type = SCHEMA_FILE, AT(config, cost_map), .default_text = "(none: all costs are equal)", .example = "cost-map.json",
     .help = "File with a cost map between the PIDs of that network map."},
    {"maps.cost_maps", .type = SCHEMA_FILE, MANY(config, cost_maps, cost_map_count), .default_text = "[]", .example = "[delay-map.json]",
     .help = "Files with further cost maps, of other metrics: services weigh them under costs."},
    {"maps.default_pid", .type = SCHEMA_PID, AT(config, default_pid), .default_text = "(none)", .example = "PID1",
     .help = "PID of clients whose address no prefix covers."},

    {"maps.alto", GROUP(config, feed), .help = "ALTO servers that the maps come from, in place of files; files that are named too count until the servers' maps are there. Changes with a restart."},
    {"maps.alto.servers", TEXT(8, 1024), MANY(alto_feed_conf, servers, server_count), .default_text = "[]", .example = "[\"https://alto.example.com/alto\"]",
     .help = "URIs of their directories, the best first: the next is asked when one fails."},
    {"maps.alto.network", .type = SCHEMA_PID, AT(alto_feed_conf, network), .default_text = "(the server's default)", .example = "my-network-map", .help = "Resource ID of the network map."},
    {"maps.alto.costs[]", RECORDS(alto_feed_conf, costs, cost_count, 8), .help = "Cost maps that are wanted; without any routingcost."},
    {"maps.alto.costs[].metric", TEXT(1, 32), .required = true, AT(alto_feed_cost, metric), .example = "routingcost", .help = "Cost metric."},
    {"maps.alto.costs[].mode", WORD(feed_modes), AT(alto_feed_cost, mode), .default_text = "any", .help = "Cost mode; any prefers numerical."},
    {"maps.alto.calendars", .type = SCHEMA_BOOL, AT(alto_feed_conf, calendars), .default_text = "false", .help = "Of costs that have a calendar (RFC 8896), all of it."},
    {"maps.alto.updates", WORD(feed_updates), AT(alto_feed_conf, updates), .default_text = "auto",
     .help = "How changes are learnt: by an update stream (RFC 8895), TIPS (RFC 9569) or polls; auto takes the first that a server has."},
    {"maps.alto.poll", MILLIS(1000, 24 * HOUR_MS), AT(alto_feed_conf, poll_ms), .default_text = "5m", .help = "Time between polls, moved by up to 10 %."},
    {"maps.alto.timeout", MILLIS(100, HOUR_MS), AT(alto_feed_conf, timeout_ms), .default_text = "30s", .help = "Without a byte of an answer."},
    {"maps.alto.retry", MILLIS(100, HOUR_MS), AT(alto_feed_conf, retry_min_ms), .default_text = "1s", .help = "Before the first new attempt; each further one waits twice as long."},
    {"maps.alto.retry_max", MILLIS(100, 24 * HOUR_MS), AT(alto_feed_conf, retry_max_ms), .default_text = "5m", .help = "Longest of these waits."},
    {"maps.alto.return", MILLIS(100, 24 * HOUR_MS), AT(alto_feed_conf, return_ms), .default_text = "10m", .help = "Until a better server is tried again."},
    {"maps.alto.max_age", SECONDS(0, 365 * DAY_S), AT(alto_feed_conf, age_max_s), .default_text = "7d", .help = "Maps that no server has confirmed for so long are given up; 0s never."},
    {"maps.alto.size", SIZE(MIB, 4 * GIB), AT(alto_feed_conf, body_max), .default_text = "512 MiB", .help = "Largest answer that is read, uncompressed."},
    {"maps.alto.max_loss", .type = SCHEMA_PERMILLE, .max = 1000, AT(alto_feed_conf, loss_max_pm), .default_text = "30%",
     .help = "A network map that has lost a larger share of its prefixes is held back."},
    {"maps.alto.max_zero", .type = SCHEMA_PERMILLE, .max = 1000, AT(alto_feed_conf, zero_max_pm), .default_text = "30%",
     .help = "So is a cost map in which the share of pairs that cost nothing has grown by more."},
    {"maps.alto.hold", MILLIS(0, 24 * HOUR_MS), AT(alto_feed_conf, hold_ms), .default_text = "0s",
     .help = "After so long what is held back is taken all the same; 0s waits for waymark maps force."},
    {"maps.alto.hosts", TEXT(1, 253), MANY(alto_feed_conf, hosts, host_count), .default_text = "[]", .example = "[maps.example.com]",
     .help = "Hosts that a server may lead to besides its own."},
    {"maps.alto.ca_file", .type = SCHEMA_FILE, AT(alto_feed_conf, ca_file), .default_text = "(the system's)", .example = "ca.pem", .help = "Certificate authorities (PEM) that are believed."},
    {"maps.alto.lenient", .type = SCHEMA_BOOL, AT(alto_feed_conf, lenient), .default_text = "false", .help = "Take what servers in the field send: costs as strings, maps without a tag."},

    {"geo", GROUP_FLAT, .help = "Where addresses are, by MaxMind databases. They are read again when they change."},
    {"geo.databases", .type = SCHEMA_FILE, MANY(config, geo.databases, geo.database_count), .default_text = "[]", .example = "[GeoLite2-City.mmdb, GeoLite2-ASN.mmdb]",
     .help = "Database files; each value of an address is of the first that has it."},
    {"geo.country_path", TEXT(1, 256), AT(config, geo.paths.country), .default_text = "(the usual ones)", .example = "country.iso_code",
     .help = "Where in a record the country is: keys joined by dots."},
    {"geo.subdivision_path", TEXT(1, 256), AT(config, geo.paths.subdivision), .default_text = "(the usual ones)", .example = "subdivisions.0.iso_code",
     .help = "Where the subdivision is."},
    {"geo.asn_path", TEXT(1, 256), AT(config, geo.paths.asn), .default_text = "(the usual ones)", .example = "autonomous_system_number",
     .help = "Where the number of the autonomous system is."},
    {"geo.anonymous_path", TEXT(1, 256), AT(config, geo.paths.anonymous), .default_text = "(the usual ones)", .example = "traits.is_anonymous",
     .help = "Where it stands that an address is a VPN, a proxy or a Tor exit."},
    {"geo.pids[]", RECORDS(config, geo.pids, geo.pid_count, LIST_MAX), .help = "PIDs for clients that only the default of the network map covers; the first that matches."},
    {"geo.pids[].country", .type = SCHEMA_COUNTRY, AT(geo_pid, country), .default_text = "(any)", .example = "de", .help = "Clients of this country."},
    {"geo.pids[].asn", COUNT(0, 4294967295.0), AT(geo_pid, asn), .default_text = "0", .help = "Clients of this autonomous system; 0 is any."},
    {"geo.pids[].pid", .type = SCHEMA_PID, .required = true, AT(geo_pid, pid), .example = "PID1", .help = "Their PID."},

    {"state_directory", .type = SCHEMA_FILE, AT(config, state_directory), .default_text = "(none: a restart forgets)", .example = "/var/lib/waymark",
     .help = "Folder for what survives a restart: health, admin states, sessions, what caches hold, what is popular."},
    {"cdni_id", TEXT(1, 256), AT(config, cdni_id), .default_text = "(none)", .example = "cdn.example.com",
     .help = "Our name among CDNs: clients that come back with it are not sent on again."},
    {"memory", GROUP_FLAT, .help = "Sizes of what is remembered of clients and contents; they change with a restart."},
    {"memory.caches", SIZE(0, 64 * GIB), AT(config, memory.cache_bytes), .default_text = "64 MiB",
     .help = "What was sent to which streamer, for all of them; 0 remembers nothing."},
    {"memory.sessions", COUNT(0, 1e9), AT(config, memory.sessions), .default_text = "1000000",
     .help = "Sessions that are known again within count_window, 8 bytes each; 0 counts each question as one."},
    {"memory.clients", COUNT(1024, 1e9), AT(config, memory.buckets), .default_text = "262144",
     .help = "Client prefixes whose rate is known, 16 bytes or so each."},
    {"memory.popular", COUNT(16, 1e6), AT(config, memory.popularity), .default_text = "10000",
     .help = "Contents whose popularity is told apart."},
    {"memory.popular_half_life", SECONDS(1, DAY_S), AT(config, memory.half_life_s), .default_text = "1m",
     .help = "A session of so long ago counts half of what one of now does."},
    {"admin", GROUP_FLAT, .help = "What the admin port takes from others than the operator."},
    {"admin.report_token_file", .type = SCHEMA_FILE, AT(config, report_token_file), .default_text = "(none: no reports)", .example = "report.token",
     .help = "File with the token that streamers send with their reports, 16 bytes or more. Nobody else should be able to read it."},

    {"alto", GROUP(config, alto), .help = "The ALTO server (RFC 7285 and its extensions), on the HTTP and HTTPS ports: it publishes the maps that answers are made by."},
    {"alto.path", .type = SCHEMA_URL_PATH, .max = 200, AT(alto_conf, path), .default_text = "(none: no ALTO server)", .example = "/alto",
     .help = "Path of the directory; all resources are below it. Changes with a restart."},
    {"alto.host", .type = SCHEMA_HOST, AT(alto_conf, host), .default_text = "(any)", .example = "alto.example.com",
     .help = "Host that it answers for. Changes with a restart."},
    {"alto.origin", TEXT(8, 256), AT(alto_conf, origin), .default_text = "(none: paths alone)", .example = "https://alto.example.com",
     .help = "What stands in front of the paths in the directory."},
    {"alto.network_id", .type = SCHEMA_PID, AT(alto_conf, network_id), .default_text = "(the map's own, else networkmap)", .example = "my-network-map",
     .help = "Resource ID of maps.network; those of what is made from it begin so."},
    {"alto.groups", .type = SCHEMA_NAME, MANY(alto_conf, groups.names, groups.count), .default_text = "[]", .example = "[partners]",
     .help = "Who may see maps.network and what is made from it; nobody named is everybody."},
    {"alto.users_file", .type = SCHEMA_FILE, AT(alto_conf, users_file), .default_text = "(none: no passwords)", .example = "alto.users",
     .help = "File with the users who show who they are by HTTP Digest: lines name:realm:HA1 as htdigest writes them, HA1 in SHA-256 (64 digits) or MD5 (32). Read again with a reload. Who is asked only when he must be finds his directory at the path with ?user behind it."},
    {"alto.realm", TEXT(1, 128), AT(alto_conf, realm), .default_text = "waymark", .help = "Realm of these users, as in their file."},
    {"alto.nonce_life", SECONDS(1, DAY_S), AT(alto_conf, nonce_life_s), .default_text = "5m", .help = "How long a challenge may be answered."},
    {"alto.incomplete", .type = SCHEMA_BOOL, AT(alto_conf, incomplete), .default_text = "false",
     .help = "Publish network maps, too, that leave some address without a PID, which RFC 7285 section 11.2.2 forbids; else they are refused."},
    {"alto.client_rate", NUMBER(0, 10000), AT(alto_conf, client_rate), .default_text = "0", .help = "Requests a second of one client prefix (IPv4 /32, IPv6 /56), beyond alto.client_burst; above, 429. 0 is no limit."},
    {"alto.client_burst", COUNT(1, 1e6), AT(alto_conf, client_burst), .default_text = "100", .help = "Requests of one client prefix at once."},
    {"alto.endpoint_properties", .type = SCHEMA_PID, AT(alto_conf, endpoint_properties), .default_text = "(PIDs alone)", .example = "inventory",
     .help = "ID of one of alto.properties: what it says of addresses the endpoint property service says too."},
    {"alto.streamers_id", .type = SCHEMA_PID, AT(alto_conf, streamers_id), .default_text = "(not served)", .example = "streamers",
     .help = "Resource ID of a property map of the streamers: PID, state, load."},
    {"alto.cdni_id", .type = SCHEMA_PID, AT(alto_conf, cdni_id), .default_text = "(not served)", .example = "cdni",
     .help = "Resource ID of our own CDNi advertisement (RFC 9241), made of the streamers and their footprints."},
    {"alto.facts_every", SECONDS(1, HOUR_MS / 1000), AT(alto_conf, facts_every_s), .default_text = "10s",
     .help = "How often those two are made anew."},
    {"alto.max_age", SECONDS(0, DAY_S), AT(alto_conf, max_age_s), .default_text = "0s",
     .help = "How long others may keep a map without asking; 0s lets them ask each time."},
    {"alto.body_size", SIZE(KIB, 64 * MIB), AT(alto_conf, body_max), .default_text = "1 MiB",
     .help = "Body of a request; over it the answer is 413."},
    {"alto.pairs", COUNT(1, 1e8), AT(alto_conf, limits.pairs_max), .default_text = "262144",
     .help = "Pairs of an answer that is made for one request; more are refused."},
    {"alto.endpoints", COUNT(1, 1e6), AT(alto_conf, limits.endpoints_max), .default_text = "65536",
     .help = "Endpoints of one request."},
    {"alto.answer_size", SIZE(64 * KIB, GIB), AT(alto_conf, limits.answer_max), .default_text = "16 MiB",
     .help = "Bytes of such an answer."},
    {"alto.updates", .type = SCHEMA_BOOL, AT(alto_conf, updates), .default_text = "true",
     .help = "Serve update streams (RFC 8895)."},
    {"alto.tips", .type = SCHEMA_BOOL, AT(alto_conf, tips), .default_text = "true", .help = "Serve TIPS (RFC 9569)."},
    {"alto.streams", COUNT(1, 1e6), AT(alto_conf, hub.streams_max), .default_text = "10000",
     .help = "Update streams at once. What follows about updates changes with a restart."},
    {"alto.streams_per_client", COUNT(1, 1e6), AT(alto_conf, hub.streams_per_client), .default_text = "100",
     .help = "Of one IPv4 address or IPv6 /64."},
    {"alto.substreams", COUNT(1, 10000), AT(alto_conf, hub.substreams_max), .default_text = "64", .help = "Resources in one stream."},
    {"alto.views", COUNT(1, 1e6), AT(alto_conf, hub.views_max), .default_text = "1024", .help = "TIPS views at once."},
    {"alto.polls_per_client", COUNT(1, 1e6), AT(alto_conf, hub.polls_per_client), .default_text = "100",
     .help = "Long polls of one client at once."},
    {"alto.inputs", COUNT(1, 1e6), AT(alto_conf, hub.inputs_max), .default_text = "1024",
     .help = "Different requests to filtered resources that are followed."},
    {"alto.versions", COUNT(1, 1000), AT(alto_conf, hub.versions_max), .default_text = "16",
     .help = "Changes of a resource that are kept for who comes back."},
    {"alto.versions_memory", SIZE(MIB, 1024 * GIB), AT(alto_conf, hub.memory_max), .default_text = "512 MiB",
     .help = "Of all changes that are kept; over it only the newest state of each resource is."},
    {"alto.queue", SIZE(16 * KIB, GIB), AT(alto_conf, hub.queue_max), .default_text = "1 MiB",
     .help = "Unread bytes of a stream, before it gets the whole resource in place of the changes."},
    {"alto.keep_alive", MILLIS(1000, HOUR_MS), AT(alto_conf, hub.keep_alive_ms), .default_text = "15s",
     .help = "An idle stream gets a comment so often."},
    {"alto.view_idle", MILLIS(1000, DAY_S * 1000), AT(alto_conf, hub.view_idle_ms), .default_text = "10m",
     .help = "A TIPS view that nobody asks for so long is closed."},
    {"alto.prefix_endpoints", .type = SCHEMA_BOOL, AT(alto_conf, extensions.prefix_endpoints), .default_text = "false",
     .help = "Extension: a prefix may stand for an endpoint, \"ipv4:192.0.2.0/24\"."},
    {"alto.endpoint_vtag", .type = SCHEMA_BOOL, AT(alto_conf, extensions.endpoint_vtag), .default_text = "false",
     .help = "Extension: endpoint cost answers have meta.vtag, which some clients want."},
    {"alto.endpoint_flows", .type = SCHEMA_BOOL, AT(alto_conf, extensions.endpoint_flows), .default_text = "false",
     .help = "Extension: requests for path vectors may say endpoint-flows, as drafts had it."},
    {"alto.networks[]", RECORDS(alto_conf, networks, network_count, 64), .help = "Further network maps, each with its cost maps; answers are not made by them."},
    {"alto.networks[].id", .type = SCHEMA_PID, .required = true, AT(alto_network_conf, id), .example = "alternate", .help = "Resource ID."},
    {"alto.networks[].map", .type = SCHEMA_FILE, .required = true, AT(alto_network_conf, map), .example = "alternate.json", .help = "File with the network map."},
    {"alto.networks[].costs", .type = SCHEMA_FILE, .required = true, MANY(alto_network_conf, costs, cost_count), .example = "[alternate-cost.json]",
     .help = "Files with its cost maps; one is of routingcost."},
    {"alto.networks[].default_pid", .type = SCHEMA_PID, AT(alto_network_conf, default_pid), .default_text = "(none)", .example = "PID1",
     .help = "PID of addresses that no prefix covers."},
    {"alto.networks[].groups", .type = SCHEMA_NAME, MANY(alto_network_conf, groups.names, groups.count), .default_text = "[]", .example = "[partners]", .help = "Who may see it."},
    {"alto.properties[]", RECORDS(alto_conf, props, prop_count, 64), .help = "Property maps (RFC 9240)."},
    {"alto.properties[].id", .type = SCHEMA_PID, .required = true, AT(alto_props_conf, id), .example = "inventory", .help = "Resource ID."},
    {"alto.properties[].map", .type = SCHEMA_FILE, .required = true, AT(alto_props_conf, map), .example = "properties.json", .help = "File with the map."},
    {"alto.properties[].groups", .type = SCHEMA_NAME, MANY(alto_props_conf, groups.names, groups.count), .default_text = "[]", .example = "[partners]", .help = "Who may see it."},
    {"alto.cdni[]", RECORDS(alto_conf, cdni, cdni_count, 64), .help = "CDNi advertisements of their own, as for single upstream CDNs."},
    {"alto.cdni[].id", .type = SCHEMA_PID, .required = true, AT(alto_cdni_conf, id), .example = "cdni-partner", .help = "Resource ID."},
    {"alto.cdni[].advertisement", .type = SCHEMA_FILE, .required = true, AT(alto_cdni_conf, advertisement), .example = "partner.cdni.json", .help = "File with the advertisement."},
    {"alto.cdni[].groups", .type = SCHEMA_NAME, MANY(alto_cdni_conf, groups.names, groups.count), .default_text = "[]", .example = "[partners]", .help = "Who may see it."},
    {"alto.paths[]", RECORDS(alto_conf, paths, path_count, 16), .help = "Path vectors (RFC 9275) between the PIDs of maps.network."},
    {"alto.paths[].id", .type = SCHEMA_PID, .required = true, AT(alto_paths_conf, id), .example = "paths", .help = "Resource ID; those of its two resources begin so."},
    {"alto.paths[].cost_map", .type = SCHEMA_FILE, .required = true, AT(alto_paths_conf, cost_map), .example = "paths.json", .help = "File with a cost map of mode array and metric ane-path."},
    {"alto.paths[].properties", .type = SCHEMA_FILE, .required = true, AT(alto_paths_conf, properties), .example = "elements.json", .help = "File with a property map of the elements."},
    {"alto.paths[].groups", .type = SCHEMA_NAME, MANY(alto_paths_conf, groups.names, groups.count), .default_text = "[]", .example = "[partners]", .help = "Who may see it."},
    {"alto.links[]", RECORDS(alto_conf, links, link_count, 256), .help = "Directories and resources of other servers that the directory names."},
    {"alto.links[].id", .type = SCHEMA_PID, .required = true, AT(alto_link_conf, id), .example = "region-north", .help = "Resource ID."},
    {"alto.links[].uri", TEXT(1, 1024), .required = true, AT(alto_link_conf, uri), .example = "https://north.example.com/alto", .help = "Where it is."},
    {"alto.links[].media_type", TEXT(3, 200), AT(alto_link_conf, media_type), .default_text = "application/alto-directory+json", .help = "What it is."},
    {"alto.client_groups[]", RECORDS(alto_conf, client_groups, client_group_count, ALTO_CLIENT_GROUPS_MAX), .help = "Clients that may see what others do not."},
    {"alto.client_groups[].name", .type = SCHEMA_NAME, .required = true, AT(alto_group_conf, name), .example = "partners", .help = "Name, for groups."},
    {"alto.client_groups[].clients", .type = SCHEMA_PREFIX, MANY(alto_group_conf, clients, client_count), .default_text = "[]", .example = "[192.0.2.0/24]", .help = "Prefixes of their addresses."},
    {"alto.client_groups[].users", TEXT(1, 256), MANY(alto_group_conf, users, user_count), .default_text = "[]", .example = "[\"cert:partner.example.net\"]",
     .help = "Who they have shown to be: cert: and the common name of a client certificate, or a user of Digest."},

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
     .help = "Open connections of one IPv4 address or IPv6 /64, at each worker; 0 is no limit."},
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
     .help = "TTL of the NS, SOA and NAPTR records and of the name servers' addresses."},
    {"dns.zones[].alto", TEXT(8, 248), MANY(dns_zone_conf, alto, alto_count), .default_text = "[]", .example = "[\"https://alto.example.com/alto\"]",
     .help = "Directories of ALTO servers that clients of this domain find (RFC 7286): NAPTR records at its apex, the first preferred."},

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
    {"defaults.poll", GROUP(config_read, poll), .help = "For the statistics of each streamer."},
    POLL_ROWS("defaults.poll"),
    {"defaults.policy", GROUP(config_read, policy), .help = "For the policy of each service."},
    POLICY_ROWS("defaults.policy"),

    {"profiles[]", RECORDS(config_read, profiles, profile_count, 256), .help = "Own ways to read a statistics page, besides those that are built in."},
    {"profiles[].name", .type = SCHEMA_NAME, .required = true, AT(profile_keys, name), .example = "own-cache", .help = "Unique; small letters, digits and hyphens."},
    {"profiles[].format", WORD(stats_formats), .required = true, AT(profile_keys, format), .example = "prometheus", .help = "Format of the page."},
    {"profiles[].path", .type = SCHEMA_URL_PATH, AT(profile_keys, path), .max = 1024, .default_text = "/metrics", .help = "Its path, where streamers do not say otherwise."},
    PROFILE_FIELD_ROWS("sessions", PROFILE_SESSIONS, "Sessions or connections now."),
    PROFILE_FIELD_ROWS("bytes_out", PROFILE_BYTES_OUT, "Bytes sent so far."),
    PROFILE_FIELD_ROWS("hits", PROFILE_HITS, "Requests so far that its cache had."),
    PROFILE_FIELD_ROWS("misses", PROFILE_MISSES, "Requests so far that it had not."),
    PROFILE_FIELD_ROWS("requests", PROFILE_REQUESTS, "Requests so far."),
    PROFILE_FIELD_ROWS("capacity", PROFILE_CAPACITY, "Sessions that it can take."),
    PROFILE_FIELD_ROWS("ready", PROFILE_READY, "Whether it is ready: 0 is not."),

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
    {"streamers[].poll", GROUP(streamer_read, conf.poll), .inherit = offsetof(struct config_read, poll), .help = "Its own statistics, polled: load and hit ratio."},
    POLL_ROWS("streamers[].poll"),
    {"streamers[].slow_start", SECONDS(0, DAY_S), AT(streamer_read, conf.slow_start_s), .default_text = "0s", .help = "Behind a return from down its capacity ramps up for so long."},
    {"streamers[].hash_id", TEXT(1, 256), AT(streamer_read, conf.hash_id), .default_text = "(its host, or its name)", .example = "edge-cache-000@cdn.example.com", .help = "Its identity in the ring of hash: traffic-router."},
    {"streamers[].cache_contents", NUMBER(0, 1e12), AT(streamer_read, conf.cache_contents), .default_text = "0", .example = "100000", .help = "How many contents its cache holds; 0 is not known."},
    {"streamers[].cache_keep", SECONDS(0, 365 * DAY_S), AT(streamer_read, conf.cache_keep_s), .default_text = "0s", .example = "12h", .help = "How long its cache keeps a content that nobody asks for; 0s is not known."},
    {"streamers[].reports", .type = SCHEMA_BOOL, AT(streamer_read, conf.reports), .default_text = "false", .help = "It may push reports to the admin port; needs admin.report_token_file."},
    {"streamers[].footprints[]", RECORDS(streamer_read, conf.footprints, conf.footprint_count, 64), .help = "Whom it serves: clients that are in each of these; none is everybody."},
    FOOTPRINT_ROWS("streamers[].footprints[]"),
    {"streamers[].footprints[].parts[]", RECORDS(footprint_conf, parts, part_count, 64), .help = "Of a footprintunion: a client is in it that is in any of these."},
    FOOTPRINT_PART_ROWS("streamers[].footprints[]"),

    {"downstreams[]", RECORDS(config, downstreams, downstream_count, DOWNSTREAMS_MAX), .help = "Downstream CDNs (RFC 7336): others, to whom clients may be sent."},
    {"downstreams[].name", .type = SCHEMA_NAME, .required = true, AT(downstream_keys, conf.name), .example = "partner", .help = "Unique, among streamers too; small letters, digits and hyphens."},
    {"downstreams[].advertisement", .type = SCHEMA_FILE, AT(downstream_keys, advertisement), .default_text = "(none)", .example = "partner.fci.json",
     .help = "File with its footprint and capabilities advertisement (RFC 8008, RFC 9241). It is read again when it changes."},
    {"downstreams[].http_host", .type = SCHEMA_AUTHORITY, AT(downstream_keys, conf.http_host), .default_text = "(not over HTTP)", .example = "cdn.example.net", .help = "Host that HTTP clients are sent to, with a port if need be."},
    {"downstreams[].http_prefix", .type = SCHEMA_URL_PATH, AT(downstream_keys, conf.http_prefix), .max = 1024, .default_text = "(none)", .example = "/from-us", .help = "Put in front of the path."},
    {"downstreams[].https", .type = SCHEMA_BOOL, AT(downstream_keys, conf.https), .default_text = "true", .help = "It takes HTTPS."},
    {"downstreams[].dns_cname", .type = SCHEMA_HOST, AT(downstream_keys, conf.dns_cname), .default_text = "(not over DNS)", .example = "cdn.example.net", .help = "Name that DNS answers with."},
    {"downstreams[].pid", .type = SCHEMA_PID, AT(downstream_keys, conf.pid), .default_text = "(none: cost counts)", .example = "PID2", .help = "Where it is: its cost is the map's."},
    {"downstreams[].cost", NUMBER(0, 1e9), AT(downstream_keys, conf.cost), .default_text = "0", .help = "Its cost from everywhere, in units of the map, when pid does not say."},
    {"downstreams[].weight", NUMBER(0.001, 1e6), AT(downstream_keys, conf.weight), .default_text = "1", .help = "Its share among equals."},
    {"downstreams[].footprints[]", RECORDS(downstream_keys, conf.footprints, conf.footprint_count, 64), .help = "Whom it serves: clients that are in each of these, and in its advertisement."},
    FOOTPRINT_ROWS("downstreams[].footprints[]"),
    {"downstreams[].footprints[].parts[]", RECORDS(footprint_conf, parts, part_count, 64), .help = "Of a footprintunion: a client is in it that is in any of these."},
    FOOTPRINT_PART_ROWS("downstreams[].footprints[]"),

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
    {"services[].costs[]", RECORDS(service_conf, costs, cost_count, VIEW_COSTMAPS_MAX), .help = "What its network cost is made of; without, the map of maps.cost alone."},
    {"services[].costs[].metric", TEXT(1, 64), .required = true, AT(cost_part, metric), .example = "routingcost", .help = "Metric of one of the cost maps."},
    {"services[].costs[].weight", NUMBER(0, 1e6), AT(cost_part, weight), .default_text = "1", .help = "What that map's costs are multiplied with."},
    {"services[].downstreams", .type = SCHEMA_NAME, MANY(service_conf, downstreams, downstream_count), .default_text = "[]", .example = "[partner]", .help = "Names of the downstream CDNs that may serve it."},
    {"services[].delegated", .type = SCHEMA_BOOL, AT(service_conf, delegated), .default_text = "false", .help = "Its clients were sent here by another CDN: they are never sent on to one."},
    {"services[].digest_url", .type = SCHEMA_URL, .max = 1024, AT(service_conf, digest_url), .default_text = "(none: digests are not asked)", .example = "'http://www.example.com{path}{query}'",
     .help = "URL under which the caches keep a path, for their digests: the same for all caches, as with Squid's accel defaultsite=www.example.com no-vhost."},
    {"services[].admit", GROUP(service_conf, admit), .help = "Who may ask at all, and how often."},
    {"services[].admit.allow", GROUP(admit_conf, allow), .help = "When it has any entry: only clients that match one."},
    ADMIT_LIST_ROWS("services[].admit.allow"),
    {"services[].admit.deny", GROUP(admit_conf, deny), .help = "Clients that match any entry are refused."},
    ADMIT_LIST_ROWS("services[].admit.deny"),
    {"services[].admit.client_rate", NUMBER(0, 10000), AT(admit_conf, client_rate), .default_text = "0", .help = "Sessions a second of one client prefix; 0 is no limit."},
    {"services[].admit.client_burst", COUNT(1, 1e6), AT(admit_conf, client_burst), .default_text = "20", .help = "Sessions of one client prefix at once."},
    {"services[].admit.client_v4_bits", COUNT(8, 32), AT(admit_conf, client_v4_bits), .default_text = "32", .help = "Bits of an IPv4 address that make a client prefix."},
    {"services[].admit.client_v6_bits", COUNT(16, 128), AT(admit_conf, client_v6_bits), .default_text = "56", .help = "Bits of an IPv6 address that make a client prefix."},
    {"services[].admit.service_rate", NUMBER(0, 1e7), AT(admit_conf, service_rate), .default_text = "0", .help = "Sessions a second of the whole service; above, the bypass. 0 is no limit."},
    {"services[].admit.service_burst", COUNT(1, 1e7), AT(admit_conf, service_burst), .default_text = "1000", .help = "Sessions of the service at once."},
    {"services[].admit.sessions_max", NUMBER(0, 1e9), AT(admit_conf, sessions_max), .default_text = "0", .help = "Sessions of the service believed open on all its streamers; above, the bypass. 0 is no limit."},
    {"services[].admit.bandwidth_max", .type = SCHEMA_RATE, .max = 1e15, AT(admit_conf, bandwidth_bps), .default_text = "(no limit)", .example = "40 Gbit/s", .help = "The same as a bandwidth, together with session_rate; the lower of the two holds."},
    {"services[].admit.session_rate", .type = SCHEMA_RATE, .min = 1000, .max = 1e12, AT(admit_conf, session_bps), .default_text = "(none)", .example = "5 Mbit/s", .help = "Mean rate of one session of the service: divides bandwidth_max."},
    {"services[].bypass", GROUP(service_conf, bypass), .help = "Where clients go that nobody serves."},
    {"services[].bypass.http_url", .type = SCHEMA_URL, .max = 1024, AT(bypass_conf, http_url), .default_text = "(none)", .example = "'https://origin.example.com{path}{query}'", .help = "Over HTTP: a URL with {path} and {query}."},
    {"services[].bypass.dns_cname", .type = SCHEMA_HOST, AT(bypass_conf, dns_cname), .default_text = "(none)", .example = "origin.example.com", .help = "Over DNS: a name."},
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
