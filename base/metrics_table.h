// METRIC(id, type, name, labels, help): grouped by room; entries of one name stand together.

// daemon
METRIC(VIEW_SERIAL, "gauge", "waymark_view_serial", "", "Serial number of the view that is served")
METRIC(VIEW_BUILDS, "counter", "waymark_view_builds_total", "result=\"ok\"",
       "Views built, by result")
METRIC(VIEW_BUILD_ERRORS, "counter", "waymark_view_builds_total", "result=\"error\"",
       "Views built, by result")
METRIC(RELOADS, "counter", "waymark_reloads_total", "result=\"ok\"",
       "Configuration reloads, by result")
METRIC(RELOAD_ERRORS, "counter", "waymark_reloads_total", "result=\"error\"",
       "Configuration reloads, by result")
METRIC(NOTES_DROPPED, "counter", "waymark_access_log_dropped_total", "",
       "Access log lines dropped because the writer was behind or could not write")
METRIC(STATE_WRITTEN, "counter", "waymark_state_writes_total", "result=\"ok\"",
       "Writes of the state file, by result")
METRIC(STATE_ERRORS, "counter", "waymark_state_writes_total", "result=\"error\"",
       "Writes of the state file, by result")
METRIC(TALLIES_DROPPED, "counter", "waymark_tallies_dropped_total", "",
       "Sessions that did not count for popularity: the control thread was behind")
METRIC(GEO_LOADS, "counter", "waymark_geo_loads_total", "",
       "Times that the geo databases were read")

// router
METRIC(PROBES_GOOD, "counter", "waymark_probes_total", "result=\"good\"",
       "Health probes, by result; of \"none\" this side was the cause")
METRIC(PROBES_BAD, "counter", "waymark_probes_total", "result=\"bad\"",
       "Health probes, by result; of \"none\" this side was the cause")
METRIC(PROBES_NONE, "counter", "waymark_probes_total", "result=\"none\"",
       "Health probes, by result; of \"none\" this side was the cause")
METRIC(HEALTH_CHANGES_UP, "counter", "waymark_health_changes_total", "to=\"up\"",
       "Changes of the health of a streamer's address, the first one included")
METRIC(HEALTH_CHANGES_DOWN, "counter", "waymark_health_changes_total", "to=\"down\"",
       "Changes of the health of a streamer's address, the first one included")
METRIC(HEALTH_CHANGES_SUSPECT, "counter", "waymark_health_changes_total", "to=\"suspect\"",
       "Changes of the health of a streamer's address, the first one included")
METRIC(POLLS_GOOD, "counter", "waymark_polls_total", "result=\"good\"",
       "Polls of streamers' statistics, by result; of \"none\" this side was the cause")
METRIC(POLLS_BAD, "counter", "waymark_polls_total", "result=\"bad\"",
       "Polls of streamers' statistics, by result; of \"none\" this side was the cause")
METRIC(POLLS_NONE, "counter", "waymark_polls_total", "result=\"none\"",
       "Polls of streamers' statistics, by result; of \"none\" this side was the cause")
METRIC(REPORTS, "counter", "waymark_reports_total", "result=\"ok\"",
       "Reports that streamers pushed, by result")
METRIC(REPORT_ERRORS, "counter", "waymark_reports_total", "result=\"error\"",
       "Reports that streamers pushed, by result")
METRIC(REPORTS_DENIED, "counter", "waymark_reports_total", "result=\"denied\"",
       "Reports that streamers pushed, by result")

// http
METRIC(HTTP_2XX, "counter", "waymark_http_requests_total", "status=\"2xx\"",
       "HTTP requests answered, by class of status")
METRIC(HTTP_3XX, "counter", "waymark_http_requests_total", "status=\"3xx\"",
       "HTTP requests answered, by class of status")
METRIC(HTTP_4XX, "counter", "waymark_http_requests_total", "status=\"4xx\"",
       "HTTP requests answered, by class of status")
METRIC(HTTP_5XX, "counter", "waymark_http_requests_total", "status=\"5xx\"",
       "HTTP requests answered, by class of status")
METRIC(HTTP_CONNECTIONS, "gauge", "waymark_http_connections", "", "HTTP connections open")
METRIC(HTTP_ACCEPTED, "counter", "waymark_http_accepted_total", "", "HTTP connections accepted")
METRIC(HTTP_REFUSED_FULL, "counter", "waymark_http_refused_total", "cap=\"connections\"",
       "HTTP connections closed at once, by the cap that they hit")
METRIC(HTTP_REFUSED_CLIENT, "counter", "waymark_http_refused_total", "cap=\"client\"",
       "HTTP connections closed at once, by the cap that they hit")
METRIC(HTTP_REFUSED_MEMORY, "counter", "waymark_http_refused_total", "cap=\"memory\"",
       "HTTP connections closed at once, by the cap that they hit")
METRIC(HTTP_BAD_REQUEST_LINE, "counter", "waymark_http_bad_requests_total", "what=\"request_line\"",
       "HTTP requests that the parser refused, by what is wrong")
METRIC(HTTP_BAD_METHOD, "counter", "waymark_http_bad_requests_total", "what=\"method\"",
       "HTTP requests that the parser refused, by what is wrong")
METRIC(HTTP_BAD_TARGET, "counter", "waymark_http_bad_requests_total", "what=\"target\"",
       "HTTP requests that the parser refused, by what is wrong")
METRIC(HTTP_BAD_FIELD, "counter", "waymark_http_bad_requests_total", "what=\"field\"",
       "HTTP requests that the parser refused, by what is wrong")
METRIC(HTTP_BAD_HOST, "counter", "waymark_http_bad_requests_total", "what=\"host\"",
       "HTTP requests that the parser refused, by what is wrong")
METRIC(HTTP_BAD_FRAMING, "counter", "waymark_http_bad_requests_total", "what=\"framing\"",
       "HTTP requests that the parser refused, by what is wrong")
METRIC(HTTP_BAD_LIMIT, "counter", "waymark_http_bad_requests_total", "what=\"limit\"",
       "HTTP requests that the parser refused, by what is wrong")
METRIC(HTTP_TIMEOUT_REQUEST, "counter", "waymark_http_timeouts_total", "wait=\"request\"",
       "HTTP connections timed out, by what was waited for")
METRIC(HTTP_TIMEOUT_IDLE, "counter", "waymark_http_timeouts_total", "wait=\"idle\"",
       "HTTP connections timed out, by what was waited for")
METRIC(HTTP_TIMEOUT_WRITE, "counter", "waymark_http_timeouts_total", "wait=\"write\"",
       "HTTP connections timed out, by what was waited for")
METRIC(HTTP_TIMEOUT_HANDSHAKE, "counter", "waymark_http_timeouts_total", "wait=\"handshake\"",
       "HTTP connections timed out, by what was waited for")
METRIC(HTTP_SLOW_READERS, "counter", "waymark_http_slow_readers_total", "",
       "HTTP connections dropped at the cap of unsent bytes")
METRIC(REDIRECT_SENT, "counter", "waymark_redirects_total", "result=\"redirect\"",
       "Content requests by how they ended; degraded: sent to the least bad streamer")
METRIC(REDIRECT_LIST, "counter", "waymark_redirects_total", "result=\"list\"",
       "Content requests by how they ended; degraded: sent to the least bad streamer")
METRIC(REDIRECT_DEGRADED, "counter", "waymark_redirects_total", "result=\"degraded\"",
       "Content requests by how they ended; degraded: sent to the least bad streamer")
METRIC(REDIRECT_NOBODY, "counter", "waymark_redirects_total", "result=\"nobody\"",
       "Content requests by how they ended; degraded: sent to the least bad streamer")
METRIC(REDIRECT_AWAY, "counter", "waymark_redirects_total", "result=\"away\"",
       "Content requests by how they ended; degraded: sent to the least bad streamer")
METRIC(REDIRECT_NO_SERVICE, "counter", "waymark_redirects_total", "result=\"no_service\"",
       "Content requests by how they ended; degraded: sent to the least bad streamer")

// router
METRIC(
    ROUTE_STREAMERS, "counter", "waymark_routes_total", "to=\"streamers\"",
    "Questions of all front ends by who serves: our streamers, another CDN, the bypass, or nobody")
METRIC(
    ROUTE_DOWNSTREAM, "counter", "waymark_routes_total", "to=\"downstream\"",
    "Questions of all front ends by who serves: our streamers, another CDN, the bypass, or nobody")
METRIC(
    ROUTE_BYPASS, "counter", "waymark_routes_total", "to=\"bypass\"",
    "Questions of all front ends by who serves: our streamers, another CDN, the bypass, or nobody")
METRIC(
    ROUTE_DENIED, "counter", "waymark_routes_total", "to=\"denied\"",
    "Questions of all front ends by who serves: our streamers, another CDN, the bypass, or nobody")
METRIC(
    ROUTE_LIMITED, "counter", "waymark_routes_total", "to=\"limited\"",
    "Questions of all front ends by who serves: our streamers, another CDN, the bypass, or nobody")
METRIC(
    ROUTE_NOBODY, "counter", "waymark_routes_total", "to=\"nobody\"",
    "Questions of all front ends by who serves: our streamers, another CDN, the bypass, or nobody")
METRIC(SESSIONS_NEW, "counter", "waymark_sessions_total", "seen=\"new\"",
       "Answers that sent a client to a streamer: new sessions, and ones that were counted before")
METRIC(SESSIONS_AGAIN, "counter", "waymark_sessions_total", "seen=\"again\"",
       "Answers that sent a client to a streamer: new sessions, and ones that were counted before")

// dns
METRIC(DNS_QUERIES_UDP, "counter", "waymark_dns_queries_total", "transport=\"udp\"",
       "DNS queries answered, by transport")
METRIC(DNS_QUERIES_TCP, "counter", "waymark_dns_queries_total", "transport=\"tcp\"",
       "DNS queries answered, by transport")
METRIC(DNS_NOERROR, "counter", "waymark_dns_answers_total", "rcode=\"noerror\"",
       "DNS answers, by response code")
METRIC(DNS_FORMERR, "counter", "waymark_dns_answers_total", "rcode=\"formerr\"",
       "DNS answers, by response code")
METRIC(DNS_SERVFAIL, "counter", "waymark_dns_answers_total", "rcode=\"servfail\"",
       "DNS answers, by response code")
METRIC(DNS_NXDOMAIN, "counter", "waymark_dns_answers_total", "rcode=\"nxdomain\"",
       "DNS answers, by response code")
METRIC(DNS_NOTIMP, "counter", "waymark_dns_answers_total", "rcode=\"notimp\"",
       "DNS answers, by response code")
METRIC(DNS_REFUSED, "counter", "waymark_dns_answers_total", "rcode=\"refused\"",
       "DNS answers, by response code")
METRIC(DNS_BADVERS, "counter", "waymark_dns_answers_total", "rcode=\"badvers\"",
       "DNS answers, by response code")
METRIC(DNS_SUBNET, "counter", "waymark_dns_client_subnet_total", "",
       "DNS queries with a client subnet")
METRIC(DNS_TRUNCATED, "counter", "waymark_dns_truncated_total", "",
       "DNS answers that did not fit and said so")
METRIC(DNS_DROPPED, "counter", "waymark_dns_dropped_total", "",
       "DNS datagrams and messages left unanswered: no query, or no room to send")
METRIC(DNS_TCP_ACCEPTED, "counter", "waymark_dns_tcp_accepted_total", "",
       "DNS connections accepted")
METRIC(DNS_TCP_DROPPED, "counter", "waymark_dns_tcp_dropped_total", "",
       "DNS connections closed before their client did: idle, too slow, in the way at the cap")
METRIC(DNS_TCP_OPEN, "gauge", "waymark_dns_tcp_connections", "", "DNS connections open")

// tracker
METRIC(TRACKER_ANNOUNCES_UDP, "counter", "waymark_tracker_announces_total",
       "transport=\"udp\",event=\"none\"", "Announces, by transport and event")
METRIC(TRACKER_ANNOUNCES_UDP_COMPLETED, "counter", "waymark_tracker_announces_total",
       "transport=\"udp\",event=\"completed\"", "Announces, by transport and event")
METRIC(TRACKER_ANNOUNCES_UDP_STARTED, "counter", "waymark_tracker_announces_total",
       "transport=\"udp\",event=\"started\"", "Announces, by transport and event")
METRIC(TRACKER_ANNOUNCES_UDP_STOPPED, "counter", "waymark_tracker_announces_total",
       "transport=\"udp\",event=\"stopped\"", "Announces, by transport and event")
METRIC(TRACKER_ANNOUNCES_UDP_PAUSED, "counter", "waymark_tracker_announces_total",
       "transport=\"udp\",event=\"paused\"", "Announces, by transport and event")
METRIC(TRACKER_ANNOUNCES_HTTP, "counter", "waymark_tracker_announces_total",
       "transport=\"http\",event=\"none\"", "Announces, by transport and event")
METRIC(TRACKER_ANNOUNCES_HTTP_COMPLETED, "counter", "waymark_tracker_announces_total",
       "transport=\"http\",event=\"completed\"", "Announces, by transport and event")
METRIC(TRACKER_ANNOUNCES_HTTP_STARTED, "counter", "waymark_tracker_announces_total",
       "transport=\"http\",event=\"started\"", "Announces, by transport and event")
METRIC(TRACKER_ANNOUNCES_HTTP_STOPPED, "counter", "waymark_tracker_announces_total",
       "transport=\"http\",event=\"stopped\"", "Announces, by transport and event")
METRIC(TRACKER_ANNOUNCES_HTTP_PAUSED, "counter", "waymark_tracker_announces_total",
       "transport=\"http\",event=\"paused\"", "Announces, by transport and event")
METRIC(TRACKER_SCRAPES_UDP, "counter", "waymark_tracker_scrapes_total", "transport=\"udp\"",
       "Scrapes answered, by transport")
METRIC(TRACKER_SCRAPES_HTTP, "counter", "waymark_tracker_scrapes_total", "transport=\"http\"",
       "Scrapes answered, by transport")
METRIC(TRACKER_CONNECTS, "counter", "waymark_tracker_connects_total", "",
       "Connection ids given out over UDP")
METRIC(TRACKER_FAILURES_UDP, "counter", "waymark_tracker_failures_total", "transport=\"udp\"",
       "Announces and scrapes answered with a reason why not, by transport")
METRIC(TRACKER_FAILURES_HTTP, "counter", "waymark_tracker_failures_total", "transport=\"http\"",
       "Announces and scrapes answered with a reason why not, by transport")
METRIC(TRACKER_REFUSED, "counter", "waymark_tracker_refused_total", "",
       "Announces of info-hashes that no service names, while the tracker is not open")
METRIC(TRACKER_FULL, "counter", "waymark_tracker_not_stored_total", "",
       "Announces answered without being stored: memory or the swarm is full")
METRIC(TRACKER_DROPPED_SHORT, "counter", "waymark_tracker_dropped_total", "why=\"short\"",
       "Datagrams left unanswered, by reason")
METRIC(TRACKER_DROPPED_ID, "counter", "waymark_tracker_dropped_total", "why=\"connection-id\"",
       "Datagrams left unanswered, by reason")
METRIC(TRACKER_DROPPED_SEND, "counter", "waymark_tracker_dropped_total", "why=\"send\"",
       "Datagrams left unanswered, by reason")
METRIC(TRACKER_BYTES_IN, "counter", "waymark_tracker_udp_bytes_total", "direction=\"in\"",
       "Bytes of datagrams, by direction")
METRIC(TRACKER_BYTES_OUT, "counter", "waymark_tracker_udp_bytes_total", "direction=\"out\"",
       "Bytes of datagrams, by direction")

// alto
// clang-format off
#define ALTO_STATUS(id, resource, status)                                                          \
    METRIC(ALTO_##id, "counter", "waymark_alto_requests_total",                                    \
           "resource=\"" resource "\",status=\"" status "\"",                                      \
           "Requests to the ALTO server, by kind of resource and class of status")
#define ALTO_RESOURCE(id, resource)                                                                \
    ALTO_STATUS(id##_2XX, resource, "2xx") ALTO_STATUS(id##_3XX, resource, "3xx")                  \
    ALTO_STATUS(id##_4XX, resource, "4xx") ALTO_STATUS(id##_5XX, resource, "5xx")
// in the order of enum alto_kind; what is no resource of ours comes last
ALTO_RESOURCE(DIRECTORY, "directory")
ALTO_RESOURCE(NETWORK_MAP, "networkmap")
ALTO_RESOURCE(NETWORK_FILTER, "networkmapfilter")
ALTO_RESOURCE(COST_MAP, "costmap")
ALTO_RESOURCE(COST_FILTER, "costmapfilter")
ALTO_RESOURCE(ENDPOINT_PROP, "endpointprop")
ALTO_RESOURCE(ENDPOINT_COST, "endpointcost")
ALTO_RESOURCE(PROP_MAP, "propmap")
ALTO_RESOURCE(PROP_FILTER, "propmapfilter")
ALTO_RESOURCE(CDNI, "cdni")
ALTO_RESOURCE(CDNI_FILTER, "cdnifilter")
ALTO_RESOURCE(PATH_COST, "pathvector")
ALTO_RESOURCE(PATH_ENDPOINT, "pathvectorendpoint")
ALTO_RESOURCE(UPDATES, "updates")
ALTO_RESOURCE(TIPS, "tips")
ALTO_RESOURCE(NOTHING, "none")
#undef ALTO_RESOURCE
#undef ALTO_STATUS
// clang-format on
METRIC(ALTO_NOT_MODIFIED, "counter", "waymark_alto_not_modified_total", "",
       "Answers of the ALTO server that were 304: the client has this version")
METRIC(ALTO_MISSES, "counter", "waymark_alto_lookup_misses_total", "",
       "Addresses of requests to the ALTO server that no PID has")
METRIC(ALTO_LIMITED, "counter", "waymark_alto_limited_total", "",
       "Requests to the ALTO server that were refused because their client asks too often")
METRIC(ALTO_BYTES, "counter", "waymark_alto_bytes_total", "",
       "Bytes of the bodies that the ALTO server answered with, as they were coded")
