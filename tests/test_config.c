#include "daemon/config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A configuration that was parsed, good or bad. */
struct parsed {
    const struct config *c;
    struct config_problems problems;
    struct arena *arena;
    struct bytes text; /* of the problems */
    struct err e;
    enum err_code rc;
};

static struct parsed parse_bytes(const char *text, size_t n)
{
    struct parsed p = {0};

    p.rc = config_parse(text, n, "/etc/waymark/w.yaml", &p.c, &p.problems, &p.arena, &p.e);
    ck_assert((p.rc == ERR_OK) == (p.c != NULL));
    ck_assert(config_problems_format(&p.problems, "w.yaml", &p.text));
    ck_assert(bytes_add(&p.text, "", 1));
    return p;
}

static struct parsed parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void parsed_free(struct parsed *p)
{
    arena_free(p->arena);
    bytes_free(&p->text);
}

#define SERVED "listen: {http: [\"127.0.0.1:0\"]}\n"

/* Each mistake with all that is printed for it. */
static const struct {
    const char *what, *text, *printed;
} mistakes[] = {
    {"a key is misspelt", SERVED "wrokers: 2\n",
     "w.yaml:2:1: wrokers: unknown key; did you mean \"workers\"?\n"
     "  wrokers: 2\n"
     "  ^\n"},
    {"a key is misspelt below", SERVED "tracker:\n  intervall: 30m\n",
     "w.yaml:3:3: tracker.intervall: unknown key; did you mean \"interval\"?\n"
     "    intervall: 30m\n"
     "    ^\n"},
    {"a key is of nobody", SERVED "log: {colour: red}\n",
     "w.yaml:2:7: log.colour: unknown key; there are level, format\n"
     "  log: {colour: red}\n"
     "        ^\n"},
    {"a key belongs elsewhere",
     SERVED "services: [{name: vod, hosts: [a.example], ttl: 5s}]\n"
            "streamers: []\n",
     "w.yaml:2:44: services[0].ttl: unknown key here; there is services[].dns.ttl\n"
     "  services: [{name: vod, hosts: [a.example], ttl: 5s}]\n"
     "                                             ^\n"},
    {"a key stands twice", SERVED "workers: 1\nworkers: 2\n",
     "w.yaml:3:1: workers: stands here twice; the first is in line 2\n"
     "  workers: 2\n"
     "  ^\n"},
    {"a required key is missing", SERVED "streamers:\n  - ipv4: 192.0.2.1\n",
     "w.yaml:3:5: streamers[0].name: is missing; add name: fra-1\n"
     "    - ipv4: 192.0.2.1\n"
     "      ^\n"},
    {"a duration has no unit", SERVED "tracker: {interval: 1800}\n",
     "w.yaml:2:21: tracker.interval: \"1800\" has no unit; write 1800s, or another of ms, s, m, h, "
     "d\n"
     "  tracker: {interval: 1800}\n"
     "                      ^\n"},
    {"a duration has a wrong unit", SERVED "http: {idle_timeout: 30x}\n",
     "w.yaml:2:22: http.idle_timeout: \"30x\" is not a duration; write 30s, 5m or 1h\n"
     "  http: {idle_timeout: 30x}\n"
     "                       ^\n"},
    {"a duration is out of range", SERVED "http: {idle_timeout: 2h}\n",
     "w.yaml:2:22: http.idle_timeout: \"2h\" is too large; it goes from 100ms to 1h\n"
     "  http: {idle_timeout: 2h}\n"
     "                       ^\n"},
    {"a duration is finer than its field", SERVED "tracker: {interval: 30500ms}\n",
     "w.yaml:2:21: tracker.interval: \"30500ms\" is not a whole number of seconds\n"
     "  tracker: {interval: 30500ms}\n"
     "                      ^\n"},
    {"a size has a wrong unit", SERVED "tracker: {memory: 64 Mb}\n",
     "w.yaml:2:19: tracker.memory: \"64 Mb\" is not a size; write 64 MiB, 16 KiB or bytes alone\n"
     "  tracker: {memory: 64 Mb}\n"
     "                    ^\n"},
    {"a size is out of range", SERVED "dns: {udp_size: 8 KiB}\n",
     "w.yaml:2:17: dns.udp_size: \"8 KiB\" is too large; it goes from 512 B to 4 KiB\n"
     "  dns: {udp_size: 8 KiB}\n"
     "                  ^\n"},
    {"a share has no percent sign", SERVED "tracker: {random_share: 0.2}\n",
     "w.yaml:2:25: tracker.random_share: \"0.2\" has no %; write 20%\n"
     "  tracker: {random_share: 0.2}\n"
     "                          ^\n"},
    {"a word is misspelt", SERVED "log: {level: wran}\n",
     "w.yaml:2:14: log.level: \"wran\" is not one of error, warn, info, debug; did you mean "
     "\"warn\"?\n"
     "  log: {level: wran}\n"
     "               ^\n"},
    {"a truth is YAML's of old", SERVED "dns: {client_subnet: yes}\n",
     "w.yaml:2:22: dns.client_subnet: \"yes\" is neither true nor false\n"
     "  dns: {client_subnet: yes}\n"
     "                       ^\n"},
    {"a list is a single value", "listen: {http: 127.0.0.1:80}\n",
     "w.yaml:1:16: listen.http: is a single value, should be a list of addresses with ports; write "
     "it in brackets\n"
     "  listen: {http: 127.0.0.1:80}\n"
     "                 ^\n"},
    {"a mapping is a list", SERVED "log: [info]\n",
     "w.yaml:2:6: log: is a list, should be a mapping\n"
     "  log: [info]\n"
     "       ^\n"},
    {"a value is missing", SERVED "workers:\n",
     "w.yaml:2:9: workers: has no value, should be a whole number\n"
     "  workers:\n"
     "          ^\n"},
    {"an IPv6 address without quotes", "listen:\n  http:\n  - [::1]:80\n",
     "w.yaml:3:6: YAML: a value cannot begin with a colon; put an IPv6 address in quotes, as in "
     "\"[::1]:80\"\n"
     "    - [::1]:80\n"
     "       ^\n"},
    {"a streamer is not there",
     SERVED "streamers: [{name: fra-1, ipv4: 192.0.2.1}]\n"
            "services: [{name: vod, hosts: [a.example], streamers: [fra1]}]\n",
     "w.yaml:3:56: services[0].streamers[0]: no streamer is called \"fra1\"; did you mean "
     "\"fra-1\"?\n"
     "  services: [{name: vod, hosts: [a.example], streamers: [fra1]}]\n"
     "                                                         ^\n"},
    {"two streamers have one name",
     SERVED "streamers:\n- {name: a, ipv4: 192.0.2.1}\n- {name: a, ipv4: 192.0.2.2}\n",
     "w.yaml:4:10: streamers[1].name: \"a\" is the name of streamers[0] too; names are unique\n"
     "  - {name: a, ipv4: 192.0.2.2}\n"
     "           ^\n"},
    {"a streamer has no address", SERVED "streamers:\n- name: a\n",
     "w.yaml:3:3: streamers[0]: has no address; add ipv4 or ipv6\n"
     "  - name: a\n"
     "    ^\n"},
    {"an address is of the other family", SERVED "streamers: [{name: a, ipv4: \"::1\"}]\n",
     "w.yaml:2:29: streamers[0].ipv4: \"::1\" is an IPv6 address; write it under ipv6\n"
     "  streamers: [{name: a, ipv4: \"::1\"}]\n"
     "                              ^\n"},
    {"a probe does not end before the next",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1, probe: {interval: 2s, timeout: 3s}}]\n",
     "w.yaml:2:71: streamers[0].probe.timeout: 3s is not below the interval, 2s; a probe must end "
     "before the next begins\n"
     "  streamers: [{name: a, ipv4: 192.0.2.1, probe: {interval: 2s, timeout: 3s}}]\n"
     "                                                                        ^\n"},
    {"a rate without a session's",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1, capacity: 10 Gbit/s}]\n",
     "w.yaml:2:50: streamers[0].capacity: a rate needs the mean rate of one session beside it; add "
     "session_rate: 5 Mbit/s\n"
     "  streamers: [{name: a, ipv4: 192.0.2.1, capacity: 10 Gbit/s}]\n"
     "                                                   ^\n"},
    {"https without a certificate", "listen: {https: [\"127.0.0.1:443\"]}\n",
     "w.yaml:1:17: listen.https: needs a certificate; write tls: {certificate: fullchain.pem, key: "
     "key.pem}\n"
     "  listen: {https: [\"127.0.0.1:443\"]}\n"
     "                  ^\n"},
    {"a certificate without its key", SERVED "tls: {certificate: a.pem}\n",
     "w.yaml:2:6: tls: certificate and key belong together; add tls.key\n"
     "  tls: {certificate: a.pem}\n"
     "       ^\n"},
    {"two sockets on one port", "listen: {http: [\"127.0.0.1:80\"], admin: [\"127.0.0.1:80\"]}\n",
     "w.yaml:1:17: listen.http[0]: 127.0.0.1:80 is taken by listen.admin[0] already\n"
     "  listen: {http: [\"127.0.0.1:80\"], admin: [\"127.0.0.1:80\"]}\n"
     "                  ^\n"},
    {"a host of two services",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1}]\n"
            "services: [{name: b, hosts: [V.example]}, {name: c, hosts: [v.example.]}]\n",
     "w.yaml:3:61: services[1].hosts[0]: belongs to services[0] already, with the same path\n"
     "  services: [{name: b, hosts: [V.example]}, {name: c, hosts: [v.example.]}]\n"
     "                                                              ^\n"},
    {"a service that nobody can ask for", SERVED "streamers: []\nservices: [{name: b}]\n",
     "w.yaml:3:12: services[0]: nobody can ask for it; add hosts, info_hashes or any_info_hash: "
     "true\n"
     "  services: [{name: b}]\n"
     "             ^\n"},
    {"a PID name with a blank", SERVED "maps: {network: n.json, default_pid: a b}\n",
     "w.yaml:2:38: maps.default_pid: \"a b\" is not a PID name: it is 1 to 64 letters, digits and "
     "- "
     ": @ _ .\n"
     "  maps: {network: n.json, default_pid: a b}\n"
     "                                       ^\n"},
    {"an expression that does not compile",
     SERVED "streamers: []\nservices: [{name: b, hosts: [a.example], content_key: \"^/(a\"}]\n",
     "w.yaml:3:55: services[0].content_key: missing closing parenthesis, at character 5 of the "
     "expression\n"
     "  services: [{name: b, hosts: [a.example], content_key: \"^/(a\"}]\n"
     "                                                        ^\n"},
    {"a template with a variable of nobody",
     SERVED "streamers: []\nservices:\n- {name: b, hosts: [a.example], redirect: {location: "
            "\"http://{hst}/\"}}\n",
     "w.yaml:4:54: services[0].redirect.location: column 8: {hst} is not a variable; there are "
     "scheme, host, port, hostport, path, query, streamer, service and request_host; did you mean "
     "\"host\"?\n"
     "  - {name: b, hosts: [a.example], redirect: {location: \"http://{hst}/\"}}\n"
     "                                                       ^\n"},
    {"host bits in a prefix", SERVED "http: {trusted_proxies: [10.0.0.1/8]}\n",
     "w.yaml:2:26: http.trusted_proxies[0]: \"10.0.0.1/8\" has bits set behind its length; write "
     "10.0.0.0/8\n"
     "  http: {trusted_proxies: [10.0.0.1/8]}\n"
     "                           ^\n"},
    {"a log file by a slip of the pen", SERVED "access_log: {to: stdot}\n",
     "w.yaml:2:18: access_log.to: \"stdot\" is neither off nor stdout nor a file; a file's path "
     "has "
     "a slash, as in ./access.log\n"
     "  access_log: {to: stdot}\n"
     "                   ^\n"},
    {"a name server without its address",
     SERVED "dns: {zones: [{name: z.example, ns: [{name: ns.z.example}]}]}\n",
     "w.yaml:2:45: dns.zones[0].ns[0]: ns.z.example is inside the zone, so nobody else knows its "
     "address; add ipv4 or ipv6\n"
     "  dns: {zones: [{name: z.example, ns: [{name: ns.z.example}]}]}\n"
     "                                              ^\n"},
    {"CNAME to a streamer without a name",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1}]\n"
            "services: [{name: b, hosts: [v.example], dns: {mode: cname}}]\n",
     "w.yaml:3:54: services[0].dns.mode: cname answers with a streamer's host, and streamers[0] "
     "has "
     "none; add host there, or write mode: address\n"
     "  services: [{name: b, hosts: [v.example], dns: {mode: cname}}]\n"
     "                                                       ^\n"},
    {"a tab indents", "listen:\n\thttp: []\n",
     "w.yaml:2:1: YAML: a tab cannot indent; write spaces instead\n"
     "  \thttp: []\n"
     "  ^\n"},
    {"a bracket stays open", "listen: {http: [\n",
     "w.yaml:2:1: YAML: the file ends within a list, a mapping or a quoted text\n"
     "  \n"
     "  ^\n"},
    {"a quote stays open", "user: \"me\nworkers: 1\n",
     "w.yaml:3:1: YAML: the file ends within a list, a mapping or a quoted text\n"
     "  \n"
     "  ^\n"},
    {"a colon too many", "user: me: you\n",
     "w.yaml:1:9: YAML: a second colon in one value, or a line indented too far; put a text with a "
     "colon in quotes\n"
     "  user: me: you\n"
     "          ^\n"},
    {"an anchor", SERVED "maps: &m {}\n",
     "w.yaml:2:7: the anchor &m has no use here; write values out, or put what streamers or "
     "services share under defaults\n"
     "  maps: &m {}\n"
     "        ^\n"},
    {"a tag", SERVED "workers: !!int 2\n",
     "w.yaml:2:10: the tag \"tag:yaml.org,2002:int\" has no meaning here; remove it\n"
     "  workers: !!int 2\n"
     "           ^\n"},
    {"two documents", SERVED "---\nworkers: 2\n",
     "w.yaml:2:1: a second document begins here; a configuration is one document, so remove the "
     "line ---\n"
     "  ---\n"
     "  ^\n"},
    {"nothing at all", "# later\n",
     "w.yaml: the file is empty; a service, a streamer and listen are the least it needs\n"},
    {"not a mapping", "- a\n",
     "w.yaml:1:1: a configuration is a mapping of keys, as in listen: {http: [127.0.0.1:8080]}\n"
     "  - a\n"
     "  ^\n"},
    {"a poll's time-out is not below its interval", SERVED "defaults: {poll: {interval: 2s}}\n",
     "w.yaml:2:29: defaults.poll.timeout: 2s is not below the interval, 2s; a poll must end before "
     "the next begins\n"
     "  defaults: {poll: {interval: 2s}}\n"
     "                              ^\n"},
    {"a poll's silence is not above its interval", SERVED "defaults: {poll: {stale_after: 10s}}\n",
     "w.yaml:2:32: defaults.poll.stale_after: 10s is not above the interval, 10s; every streamer "
     "would be suspect between two polls\n"
     "  defaults: {poll: {stale_after: 10s}}\n"
     "                                 ^\n"},
    {"a streamer returns where it left", SERVED "defaults: {poll: {leave_at: 80%}}\n",
     "w.yaml:2:29: defaults.poll.return_at: 85% is not below leave_at, 80%; a streamer at the "
     "threshold would come and go with each poll\n"
     "  defaults: {poll: {leave_at: 80%}}\n"
     "                              ^\n"},
    {"a profile is not there",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1, poll: {profile: ngnix}}]\n",
     "w.yaml:2:56: streamers[0].poll.profile: no profile is called \"ngnix\"; did you mean "
     "\"nginx\"?\n"
     "  streamers: [{name: a, ipv4: 192.0.2.1, poll: {profile: ngnix}}]\n"
     "                                                         ^\n"},
    {"a profile is of nobody",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1, poll: {profile: lighttpd-stats}}]\n",
     "w.yaml:2:56: streamers[0].poll.profile: no profile is called \"lighttpd-stats\"; add it "
     "under profiles, or write one that is built in: ats, varnish, nginx, haproxy, squid, "
     "node-exporter, prometheus\n"
     "  streamers: [{name: a, ipv4: 192.0.2.1, poll: {profile: lighttpd-stats}}]\n"
     "                                                         ^\n"},
    {"a poll has no port",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1, poll: {profile: nginx, tls: true}}]\n",
     "w.yaml:2:46: streamers[0].poll: there is no port to ask; add https_port, or write poll: "
     "{port: 8080}\n"
     "  streamers: [{name: a, ipv4: 192.0.2.1, poll: {profile: nginx, tls: true}}]\n"
     "                                               ^\n"},
    {"a profile is built in", SERVED "profiles: [{name: ats, format: json, hits: {names: [h]}}]\n",
     "w.yaml:2:19: profiles[0].name: \"ats\" is built in; choose another name\n"
     "  profiles: [{name: ats, format: json, hits: {names: [h]}}]\n"
     "                    ^\n"},
    {"a profile reads nothing", SERVED "profiles: [{name: own, format: json}]\n",
     "w.yaml:2:12: profiles[0]: reads nothing; add sessions: {names: [active_connections]}, or "
     "another of its fields\n"
     "  profiles: [{name: own, format: json}]\n"
     "             ^\n"},
    {"a profile has too many names",
     SERVED "profiles: [{name: own, format: json, hits: {names: [a, b, c, d, e, f, g, h, i]}}]\n",
     "w.yaml:2:44: profiles[0].hits.names: 9 names, at most 8\n"
     "  profiles: [{name: own, format: json, hits: {names: [a, b, c, d, e, f, g, h, i]}}]\n"
     "                                             ^\n"},
    {"reports without a token", SERVED "streamers: [{name: a, ipv4: 192.0.2.1, reports: true}]\n",
     "w.yaml:2:49: streamers[0].reports: anybody could report without a token; write admin: "
     "{report_token_file: report.token}\n"
     "  streamers: [{name: a, ipv4: 192.0.2.1, reports: true}]\n"
     "                                                  ^\n"},
    {"a probe asks over HTTPS nowhere",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1, probe: {type: https}}]\n",
     "w.yaml:2:47: streamers[0].probe: asks over HTTPS where there is no https_port; add one, or "
     "write probe: {type: http}\n"
     "  streamers: [{name: a, ipv4: 192.0.2.1, probe: {type: https}}]\n"
     "                                                ^\n"},
    {"a footprint has no such type",
     SERVED
     "streamers: [{name: a, ipv4: 192.0.2.1, footprints: [{type: country, values: [de]}]}]\n",
     "w.yaml:2:60: streamers[0].footprints[0].type: \"country\" is not one of ipv4cidr, ipv6cidr, "
     "asn, countrycode, subdivisioncode, altopid, footprintunion\n"
     "  streamers: [{name: a, ipv4: 192.0.2.1, footprints: [{type: country, values: [de]}]}]\n"
     "                                                             ^\n"},
    {"a footprint has a wrong value",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1, footprints: [{type: ipv4cidr, values: "
            "[192.0.2.0/33]}]}]\n",
     "w.yaml:2:79: streamers[0].footprints[0].values[0]: ipv4cidr \"192.0.2.0/33\": "
     "\"192.0.2.0/33\": length is over 32\n"
     "  streamers: [{name: a, ipv4: 192.0.2.1, footprints: [{type: ipv4cidr, values: "
     "[192.0.2.0/33]}]}]\n"
     "                                                                                ^\n"},
    {"a footprint has nobody",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1, footprints: [{type: ipv4cidr}]}]\n",
     "w.yaml:2:53: streamers[0].footprints[0]: nobody is in a footprint without values; add "
     "values\n"
     "  streamers: [{name: a, ipv4: 192.0.2.1, footprints: [{type: ipv4cidr}]}]\n"
     "                                                      ^\n"},
    {"a footprint asks for geography",
     SERVED
     "streamers: [{name: a, ipv4: 192.0.2.1, footprints: [{type: countrycode, values: [DE]}]}]\n",
     "w.yaml:2:60: streamers[0].footprints[0].type: countrycode asks where clients are; add geo: "
     "{databases: [GeoLite2-City.mmdb]}\n"
     "  streamers: [{name: a, ipv4: 192.0.2.1, footprints: [{type: countrycode, values: [DE]}]}]\n"
     "                                                             ^\n"},
    {"a footprint asks for PIDs",
     SERVED
     "streamers: [{name: a, ipv4: 192.0.2.1, footprints: [{type: altopid, values: [PID1]}]}]\n",
     "w.yaml:2:60: streamers[0].footprints[0].type: altopid names PIDs of a network map; add "
     "maps.network\n"
     "  streamers: [{name: a, ipv4: 192.0.2.1, footprints: [{type: altopid, values: [PID1]}]}]\n"
     "                                                             ^\n"},
    {"a union has values",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1, footprints: [{type: footprintunion, values: "
            "[de]}]}]\n",
     "w.yaml:2:84: streamers[0].footprints[0].values: a footprintunion has parts; write parts: "
     "[{type: countrycode, values: [de]}]\n"
     "  streamers: [{name: a, ipv4: 192.0.2.1, footprints: [{type: footprintunion, values: "
     "[de]}]}]\n"
     "                                                                                     ^\n"},
    {"a union in a union",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1, footprints: [{type: footprintunion, parts: "
            "[{type: footprintunion}]}]}]\n",
     "w.yaml:2:84: streamers[0].footprints[0].parts[0]: a part of a union is no union; write its "
     "parts beside the others\n"
     "  streamers: [{name: a, ipv4: 192.0.2.1, footprints: [{type: footprintunion, parts: [{type: "
     "footprintunion}]}]}]\n"
     "                                                                                     ^\n"},
    {"parts of what is no union",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1, footprints: [{type: ipv4cidr, values: "
            "[192.0.2.0/24], parts: [{type: ipv4cidr, values: [192.0.2.0/24]}]}]}]\n",
     "w.yaml:2:101: streamers[0].footprints[0].parts: ipv4cidr has values; parts are a "
     "footprintunion's\n"
     "  ...treamers: [{name: a, ipv4: 192.0.2.1, footprints: [{type: ipv4cidr, values: "
     "[192.0.2.0/24], parts: [{type: ipv4cidr, values: [192.0.2.0/24]}\n"
     "                                                                                             "
     "           ^\n"},
    {"a downstream CDN is not there",
     SERVED "downstreams: [{name: partner, dns_cname: p.example}]\n"
            "streamers: [{name: a, ipv4: 192.0.2.1}]\n"
            "services: [{name: vod, hosts: [a.example], downstreams: [partnr]}]\n",
     "w.yaml:4:58: services[0].downstreams[0]: no downstream CDN is called \"partnr\"; did you "
     "mean \"partner\"?\n"
     "  services: [{name: vod, hosts: [a.example], downstreams: [partnr]}]\n"
     "                                                           ^\n"},
    {"nobody can be sent to a downstream CDN", SERVED "downstreams: [{name: partner}]\n",
     "w.yaml:2:15: downstreams[0]: nobody can be sent there; add http_host or dns_cname\n"
     "  downstreams: [{name: partner}]\n"
     "                ^\n"},
    {"a downstream CDN has a streamer's name",
     SERVED "downstreams: [{name: a, dns_cname: p.example}]\n"
            "streamers: [{name: a, ipv4: 192.0.2.1}]\n",
     "w.yaml:2:22: downstreams[0].name: \"a\" is the name of a streamer too; names are unique\n"
     "  downstreams: [{name: a, dns_cname: p.example}]\n"
     "                       ^\n"},
    {"a downstream CDN has no such host",
     SERVED "downstreams: [{name: p, http_host: 'p.example:99999'}]\n",
     "w.yaml:2:36: downstreams[0].http_host: \"p.example:99999\" is not a host, nor one with a "
     "port; write cdn.example.net or cdn.example.net:8080\n"
     "  downstreams: [{name: p, http_host: 'p.example:99999'}]\n"
     "                                     ^\n"},
    {"our name among CDNs would break a URL", SERVED "cdni_id: 'ACME & Co'\n",
     "w.yaml:2:10: cdni_id: \"ACME & Co\" goes into URLs: letters, digits and -._~: alone; write "
     "cdn.example.com\n"
     "  cdni_id: 'ACME & Co'\n"
     "           ^\n"},
    {"a bypass is not there",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1}]\n"
            "services: [{name: vod, hosts: [a.example], policy: {fallback: [local, bypass]}}]\n",
     "w.yaml:3:71: services[0].policy.fallback[1]: there is no bypass; add bypass: {http_url: "
     "'https://origin.example.com{path}{query}'}\n"
     "  services: [{name: vod, hosts: [a.example], policy: {fallback: [local, bypass]}}]\n"
     "                                                                        ^\n"},
    {"a fallback stands twice",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1}]\n"
            "services: [{name: vod, hosts: [a.example], policy: {fallback: [local, local]}}]\n",
     "w.yaml:3:71: services[0].policy.fallback[1]: stands here twice\n"
     "  services: [{name: vod, hosts: [a.example], policy: {fallback: [local, local]}}]\n"
     "                                                                        ^\n"},
    {"a fallback asks nobody",
     SERVED
     "streamers: [{name: a, ipv4: 192.0.2.1}]\n"
     "services: [{name: vod, hosts: [a.example], policy: {fallback: [local, downstream]}}]\n",
     "w.yaml:3:71: services[0].policy.fallback[1]: no downstream CDN serves it; add downstreams: "
     "[NAME]\n"
     "  services: [{name: vod, hosts: [a.example], policy: {fallback: [local, downstream]}}]\n"
     "                                                                        ^\n"},
    {"too many fallbacks",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1}]\n"
            "services: [{name: vod, hosts: [a.example], policy: {fallback: [local, local, local, "
            "local]}}]\n",
     "w.yaml:3:63: services[0].policy.fallback: 4 items, at most 3\n"
     "  services: [{name: vod, hosts: [a.example], policy: {fallback: [local, local, local, "
     "local]}}]\n"
     "                                                                ^\n"},
    {"owners are more than the most",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1}]\n"
            "services: [{name: vod, hosts: [a.example], policy: {owners: 3, owners_max: 2}}]\n",
     "w.yaml:3:61: services[0].policy.owners: 3 is above owners_max, 2\n"
     "  services: [{name: vod, hosts: [a.example], policy: {owners: 3, owners_max: 2}}]\n"
     "                                                              ^\n"},
    {"a bypass has a streamer's variable",
     SERVED
     "streamers: [{name: a, ipv4: 192.0.2.1}]\n"
     "services: [{name: vod, hosts: [a.example], bypass: {http_url: 'https://{host}{path}'}}]\n",
     "w.yaml:3:63: services[0].bypass.http_url: \"https://{host}{path}\" has a variable other than "
     "{path} and {query}, as in https://origin.example.com{path}{query}\n"
     "  services: [{name: vod, hosts: [a.example], bypass: {http_url: 'https://{host}{path}'}}]\n"
     "                                                                ^\n"},
    {"a digest's URL has no scheme",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1}]\n"
            "services: [{name: vod, hosts: [a.example], digest_url: 'o.example{path}'}]\n",
     "w.yaml:3:56: services[0].digest_url: \"o.example{path}\" does not begin with http:// or "
     "https://\n"
     "  services: [{name: vod, hosts: [a.example], digest_url: 'o.example{path}'}]\n"
     "                                                         ^\n"},
    {"a list asks for geography",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1}]\n"
            "services: [{name: vod, hosts: [a.example], admit: {deny: {countries: [de]}}}]\n",
     "w.yaml:3:70: services[0].admit.deny.countries: asks where clients are; add geo: {databases: "
     "[GeoLite2-City.mmdb]}\n"
     "  services: [{name: vod, hosts: [a.example], admit: {deny: {countries: [de]}}}]\n"
     "                                                                       ^\n"},
    {"a country is none",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1}]\n"
            "services: [{name: vod, hosts: [a.example], admit: {deny: {countries: [germany]}}}]\n",
     "w.yaml:3:70: services[0].admit.deny.countries: asks where clients are; add geo: {databases: "
     "[GeoLite2-City.mmdb]}\n"
     "  services: [{name: vod, hosts: [a.example], admit: {deny: {countries: [germany]}}}]\n"
     "                                                                       ^\n"
     "w.yaml:3:71: services[0].admit.deny.countries[0]: \"germany\" is not a country code; write "
     "two letters, as in de (no in quotes: \"no\")\n"
     "  services: [{name: vod, hosts: [a.example], admit: {deny: {countries: [germany]}}}]\n"
     "                                                                        ^\n"},
    {"a country is YAML's no",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1}]\n"
            "services: [{name: vod, hosts: [a.example], admit: {deny: {countries: [false]}}}]\n",
     "w.yaml:3:70: services[0].admit.deny.countries: asks where clients are; add geo: {databases: "
     "[GeoLite2-City.mmdb]}\n"
     "  services: [{name: vod, hosts: [a.example], admit: {deny: {countries: [false]}}}]\n"
     "                                                                       ^\n"
     "w.yaml:3:71: services[0].admit.deny.countries[0]: \"false\" is not a country code; write two "
     "letters, as in de (no in quotes: \"no\")\n"
     "  services: [{name: vod, hosts: [a.example], admit: {deny: {countries: [false]}}}]\n"
     "                                                                        ^\n"},
    {"a cost is weighed without maps",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1}]\n"
            "services: [{name: vod, hosts: [a.example], costs: [{metric: delay-ow}]}]\n",
     "w.yaml:3:51: services[0].costs: weighs cost maps where there is none; add maps.cost\n"
     "  services: [{name: vod, hosts: [a.example], costs: [{metric: delay-ow}]}]\n"
     "                                                    ^\n"},
    {"a metric stands twice",
     SERVED "maps: {network: n.json, cost: c.json}\n"
            "streamers: [{name: a, ipv4: 192.0.2.1}]\n"
            "services: [{name: vod, hosts: [a.example], costs: [{metric: x}, {metric: x}]}]\n",
     "w.yaml:4:74: services[0].costs[1].metric: \"x\" stands here twice\n"
     "  services: [{name: vod, hosts: [a.example], costs: [{metric: x}, {metric: x}]}]\n"
     "                                                                           ^\n"},
    {"further maps beside none", SERVED "maps: {network: n.json, cost_maps: [d.json]}\n",
     "w.yaml:2:36: maps.cost_maps: further maps come beside a first one; add maps.cost\n"
     "  maps: {network: n.json, cost_maps: [d.json]}\n"
     "                                     ^\n"},
    {"PIDs by country without databases",
     SERVED "maps: {network: n.json}\n"
            "geo: {pids: [{country: de, pid: PID1}]}\n",
     "w.yaml:3:13: geo.pids: needs databases to know where clients are; add geo.databases\n"
     "  geo: {pids: [{country: de, pid: PID1}]}\n"
     "              ^\n"},
    {"PIDs by country of nobody",
     SERVED "maps: {network: n.json}\n"
            "geo: {databases: [c.mmdb], pids: [{pid: PID1}]}\n",
     "w.yaml:3:35: geo.pids[0]: says of nobody that they are there; add country or asn\n"
     "  geo: {databases: [c.mmdb], pids: [{pid: PID1}]}\n"
     "                                    ^\n"},
};

START_TEST(one_mistake)
{
    struct parsed p = parse(mistakes[_i].text);

    ck_assert_msg(p.rc == ERR_PARSE, "%s: %s", mistakes[_i].what, err_code_name(p.rc));
    ck_assert_msg(strcmp(p.text.data, mistakes[_i].printed) == 0, "%s:\n%s\ninstead of\n%s",
                  mistakes[_i].what, p.text.data, mistakes[_i].printed);
    parsed_free(&p);
}
END_TEST

START_TEST(all_in_one_run)
{
    struct parsed p = parse("wrokers: 1\n"
                            "workers: x\n"
                            "log: {level: loud, format: xml}\n"
                            "listen: {http: [nowhere]}\n"
                            "streamers:\n"
                            "- {name: A, ipv4: 1.2.3}\n"
                            "services:\n"
                            "- {hosts: [-]}\n");
    const struct {
        uint32_t line, col;
    } want[] = {{1, 1}, {2, 10}, {3, 14}, {3, 28}, {4, 17}, {6, 10}, {6, 19}, {8, 3}, {8, 12}};

    ck_assert_uint_eq(p.problems.count, sizeof want / sizeof want[0]);
    for (size_t i = 0; i < p.problems.count; i++) {
        ck_assert_uint_eq(p.problems.items[i].line, want[i].line);
        ck_assert_uint_eq(p.problems.items[i].col, want[i].col);
    }
    ck_assert_str_eq(p.e.text, "configuration /etc/waymark/w.yaml: 9 errors in the configuration");
    parsed_free(&p);
}
END_TEST

/* Columns count characters; what stands in front of the caret is as wide as in the line above. */
START_TEST(caret)
{
    static const struct {
        const char *what, *line, *printed;
    } lines[] = {
        {"letters of two bytes", "access_log: {to: \"./\xc3\xbc\xc3\xbc.log\", format: x}",
         "w.yaml:1:38: access_log.format: \"x\" is not one of logfmt, json\n"
         "  access_log: {to: \"./\xc3\xbc\xc3\xbc.log\", format: x}\n"
         "                                       ^\n"},
        {"a tab between", "log: {level:\tx}",
         "w.yaml:1:14: log.level: \"x\" is not one of error, warn, info, debug\n"
         "  log: {level:\tx}\n"
         "              \t^\n"},
        {"a byte order mark is no column", "\xef\xbb\xbfworkers: x",
         "w.yaml:1:10: workers: \"x\" is not a whole number; write digits, as in 100\n"
         "  workers: x\n"
         "           ^\n"},
        {"a byte that is no UTF-8", "workers: 1\nuser: \xff",
         "w.yaml:2:7: YAML: invalid leading UTF-8 octet (byte 17)\n"
         "  user: ?\n"
         "        ^\n"},
        {"an escape sequence does not reach the terminal", "user: \x1b[31m",
         "w.yaml:1:7: YAML: control characters are not allowed (byte 6)\n"
         "  user: ?[31m\n"
         "        ^\n"},
    };

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct parsed p = parse(lines[i].line);

        ck_assert_msg(strcmp(p.text.data, lines[i].printed) == 0, "%s:\n%s", lines[i].what,
                      p.text.data);
        parsed_free(&p);
    }
}
END_TEST

START_TEST(long_line_is_cut_around_the_caret)
{
    struct bytes b = {0};
    struct parsed p;

    ck_assert(bytes_printf(&b, "services: [{name: \"%*s\", path: x}]\n", 1000, "a"));
    p = parse_bytes(b.data, b.len);
    for (size_t i = 0; i < p.problems.count; i++) {
        const struct config_problem *q = &p.problems.items[i];

        ck_assert_uint_lt(strlen(q->source), 200);
        if (strstr(q->text, "path"))
            ck_assert(q->source[q->caret - 1] == 'x');
    }
    ck_assert(strstr(p.text.data, "services[0].path"));
    parsed_free(&p);
    bytes_free(&b);
}
END_TEST

START_TEST(many_errors_are_capped)
{
    struct bytes b = {0};
    struct parsed p;

    ck_assert(bytes_printf(&b, "tracker:\n"));
    for (unsigned i = 0; i < 220; i++)
        ck_assert(bytes_printf(&b, "  zz%u: 1\n", i));
    p = parse_bytes(b.data, b.len);
    ck_assert_uint_eq(p.problems.count, CONFIG_PROBLEMS_MAX + 1);
    ck_assert_str_eq(p.problems.items[CONFIG_PROBLEMS_MAX].text, "and 120 more");
    ck_assert_str_eq(p.e.text,
                     "configuration /etc/waymark/w.yaml: 220 errors in the configuration");
    parsed_free(&p);
    bytes_free(&b);
}
END_TEST

static const struct {
    const char *what, *text, *printed;
} warnings[] = {
    {"nothing is listened to", "workers: 1\n",
     "w.yaml:1:1: warning: listen: nothing is served; write listen: {http: [0.0.0.0:80]}, or dns, "
     "or tracker_udp\n"
     "  workers: 1\n"
     "  ^\n"},
    {"the admin port is open to all", "listen: {http: [\"[::1]:0\"], admin: [\"0.0.0.0:8953\"]}\n",
     "w.yaml:1:37: warning: listen.admin[0]: 0.0.0.0:8953 can be reached from outside and asks for "
     "no password; 127.0.0.1:8953 is safe\n"
     "  listen: {http: [\"[::1]:0\"], admin: [\"0.0.0.0:8953\"]}\n"
     "                                      ^\n"},
    {"a host outside every zone",
     "listen: {dns: [\"127.0.0.1:0\"]}\n"
     "dns: {zones: [{name: z.example, ns: [{name: ns.example}]}]}\n"
     "streamers: [{name: a, ipv4: 192.0.2.1}]\n"
     "services: [{name: b, hosts: [z.example, \"*.y.z.example\", az.example]}]\n",
     "w.yaml:4:58: warning: services[0].hosts[2]: az.example is in no zone of dns.zones, so DNS "
     "refuses to answer for it\n"
     "  services: [{name: b, hosts: [z.example, \"*.y.z.example\", az.example]}]\n"
     "                                                           ^\n"},
    {"a session's rate without use",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1, capacity: 5, session_rate: 5 Mbit/s}]\n",
     "w.yaml:2:67: warning: streamers[0].session_rate: has no use, for capacity is not a rate, as "
     "in 10 Gbit/s\n"
     "  streamers: [{name: a, ipv4: 192.0.2.1, capacity: 5, session_rate: 5 Mbit/s}]\n"
     "                                                                    ^\n"},
    {"an open redirect",
     SERVED "streamers: [{name: a, ipv4: 192.0.2.1}]\n"
            "services: [{name: vod, hosts: ['*.example'], redirect: {location: "
            "'https://{request_host}{path}'}}]\n",
     "w.yaml:3:67: warning: services[0].redirect.location: sends clients to whatever host below "
     "example they ask for; {hostport} is a streamer's\n"
     "  services: [{name: vod, hosts: ['*.example'], redirect: {location: "
     "'https://{request_host}{path}'}}]\n"
     "                                                                    ^\n"},
};

START_TEST(warning)
{
    struct parsed p = parse(warnings[_i].text);

    ck_assert_msg(p.rc == ERR_OK, "%s: %s", warnings[_i].what, p.text.data);
    ck_assert_msg(strcmp(p.text.data, warnings[_i].printed) == 0, "%s:\n%s", warnings[_i].what,
                  p.text.data);
    parsed_free(&p);
}
END_TEST

START_TEST(defaults_arrive)
{
    struct parsed p = parse(SERVED "streamers: [{name: a, ipv4: 192.0.2.1}]\n"
                                   "services: [{name: b, any_info_hash: true}]\n");
    const struct config *c = p.c;
    const struct streamer_conf *s;
    const struct service_conf *v;

    ck_assert_msg(p.rc == ERR_OK, "%s", p.text.data);
    ck_assert_uint_eq(c->workers, 0);
    ck_assert_uint_eq(c->user.n, 0);
    ck_assert_int_eq(c->log_level, LOG_LEVEL_INFO);
    ck_assert_int_eq(c->access_log.to, ACCESS_LOG_OFF);
    ck_assert_uint_eq(c->admin.count, 1);
    ck_assert_str_eq(c->admin.items[0].name.p, "127.0.0.1:8953");
    ck_assert_uint_eq(c->http_conf.header_bytes_max, 16384);
    ck_assert_uint_eq(c->http_conf.body_bytes_max, 1 << 20);
    ck_assert_uint_eq(c->http_conf.request_timeout_ms, 10000);
    ck_assert_uint_eq(c->http_conf.idle_timeout_ms, 60000);
    ck_assert_uint_eq(c->http_conf.write_bytes_max, 256 << 10);
    ck_assert_uint_eq(c->http_conf.connections_max, 10000);
    ck_assert_uint_eq(c->dns_conf.udp_bytes_max, 1232);
    ck_assert(c->dns_conf.client_subnet);
    ck_assert(c->tracker_http);
    ck_assert(c->tracker_conf.open);
    ck_assert_uint_eq(c->tracker_conf.interval_s, 1800);
    ck_assert_uint_eq(c->tracker_conf.peer_timeout_s, 2 * 1800 + 120);
    ck_assert_uint_eq(c->tracker_conf.random_pm, 200);
    ck_assert_uint_eq(c->tracker_conf.memory_max, 1u << 30);
    s = &c->streamers[0];
    ck_assert_uint_eq(s->can, STREAMER_V4 | STREAMER_HTTP);
    ck_assert_uint_eq(s->http_port, 80);
    ck_assert_double_eq(s->weight, 1);
    ck_assert_double_eq(s->capacity, 0);
    ck_assert_int_eq(s->probe.type, PROBE_HTTP);
    ck_assert_str_eq(s->probe.path.p, "/");
    ck_assert_uint_eq(s->probe.status_min, 200);
    ck_assert_uint_eq(s->probe.status_max, 399);
    ck_assert_uint_eq(s->probe.interval_ms, 5000);
    ck_assert_uint_eq(s->probe.timeout_ms, 2000);
    ck_assert_uint_eq(s->probe.up_after, 2);
    ck_assert_uint_eq(s->probe.down_after, 3);
    v = &c->services[0];
    ck_assert_double_eq(v->policy.cost_weight, 1);
    ck_assert_double_eq(v->policy.band, 0.1);
    ck_assert_double_eq(v->policy.eps, 0.25);
    ck_assert_double_eq(v->policy.balance_from, 0.9);
    ck_assert_uint_eq(v->policy.session_s, 600);
    ck_assert_uint_eq(v->redirect.status, 302);
    ck_assert_uint_eq(v->redirect.location.n, 0);
    ck_assert_str_eq(v->redirect.cache_control.p, "no-store");
    ck_assert_uint_eq(v->redirect.retry_after_s, 5);
    ck_assert_int_eq(v->dns.mode, DNS_MODE_ADDRESS);
    ck_assert_uint_eq(v->dns.ttl_s, 30);
    ck_assert_uint_eq(v->dns.answers, 2);
    parsed_free(&p);
}
END_TEST

/* The modules' own defaults, which tests and benchmarks of theirs use, are the schema's. */
START_TEST(defaults_agree)
{
    struct parsed p = parse(SERVED);
    struct http_conf h;
    struct dns_conf d;
    struct tracker_conf t;

    http_conf_default(&h);
    dns_conf_default(&d);
    tracker_conf_default(&t);
    ck_assert_msg(p.rc == ERR_OK, "%s", p.text.data);
#define SAME(a, b, field) ck_assert_uint_eq((uint64_t)(a).field, (uint64_t)(b).field)
    SAME(p.c->http_conf, h, header_bytes_max);
    SAME(p.c->http_conf, h, body_bytes_max);
    SAME(p.c->http_conf, h, request_timeout_ms);
    SAME(p.c->http_conf, h, idle_timeout_ms);
    SAME(p.c->http_conf, h, write_bytes_max);
    SAME(p.c->http_conf, h, write_timeout_ms);
    SAME(p.c->http_conf, h, connections_max);
    SAME(p.c->http_conf, h, connections_per_client);
    SAME(p.c->http_conf, h, requests_max);
    SAME(p.c->http_conf, h, trusted_proxy_count);
    SAME(p.c->dns_conf, d, udp_bytes_max);
    SAME(p.c->dns_conf, d, client_subnet);
    SAME(p.c->dns_conf, d, tcp_idle_ms);
    SAME(p.c->dns_conf, d, tcp_connections_max);
    SAME(p.c->tracker_conf, t, interval_s);
    SAME(p.c->tracker_conf, t, min_interval_s);
    SAME(p.c->tracker_conf, t, peer_timeout_s);
    SAME(p.c->tracker_conf, t, peers_default);
    SAME(p.c->tracker_conf, t, peers_max);
    SAME(p.c->tracker_conf, t, random_pm);
    SAME(p.c->tracker_conf, t, memory_max);
    SAME(p.c->tracker_conf, t, peers_per_swarm_max);
    SAME(p.c->tracker_conf, t, open);
    SAME(p.c->tracker_conf, t, trust_ip_param);
#undef SAME
    parsed_free(&p);
}
END_TEST

START_TEST(values_arrive)
{
    struct parsed p = parse(
        "workers: 2\n"
        "access_log: {to: logs/a.log, format: json}\n"
        "listen: {http: [\"127.0.0.1:8080\", \"[::1]:8080\"], tracker_udp: [\"127.0.0.1:6969\"],\n"
        "  admin: []}\n"
        "maps: {network: maps/n.json, cost: /srv/c.json, default_pid: far}\n"
        "http: {trusted_proxies: [10.0.0.0/8, \"2001:db8::/32\"], body_size: 0}\n"
        "dns:\n"
        "  zones:\n"
        "  - name: CDN.Example.com.\n"
        "    ns: [{name: ns1.cdn.example.com, ipv4: 192.0.2.53}, {name: ns.other.example}]\n"
        "    soa: {serial: 4294967295, negative_ttl: 5m}\n"
        "defaults: {probe: {interval: 1s, timeout: 500ms, status: 200}, policy: {band: 2.5%}}\n"
        "streamers:\n"
        "- {name: fra-1, host: Fra-1.Example, ipv4: 192.0.2.1, ipv6: \"2001:db8::1\",\n"
        "   https_port: 443, seed_port: 6881, pid: fra, origin_pid: ams, hit_ratio: 30%,\n"
        "   capacity: 10 Gbit/s, session_rate: 5 Mbit/s, weight: 0.5, probe: {type: tcp}}\n"
        "services:\n"
        "- name: vod\n"
        "  hosts: [Video.Example.com, \"*.Example.com\"]\n"
        "  path: /vod/\n"
        "  content_key: '^/vod/([^/]+)'\n"
        "  streamers: [fra-1]\n"
        "  info_hashes: [00112233445566778899aabbccddeeFF00112233]\n"
        "  policy: {eps: 50%}\n"
        "  redirect: {status: 307, cors: any}\n"
        "  dns: {mode: cname, ttl: 5s, txt: \"hello, world\"}\n");
    const struct config *c = p.c;
    const struct streamer_conf *s;
    const struct service_conf *v;
    char text[ADDR_TEXT_MAX];

    ck_assert_msg(p.rc == ERR_OK, "%s", p.text.data);
    ck_assert_uint_eq(c->workers, 2);
    ck_assert_int_eq(c->access_log.to, ACCESS_LOG_FILE);
    ck_assert_str_eq(c->access_log.path.p, "/etc/waymark/logs/a.log");
    ck_assert_int_eq(c->access_log.format, NOTE_JSON);
    ck_assert_uint_eq(c->http.count, 2);
    ck_assert_uint_eq(c->http.items[1].at.port, 8080);
    ck_assert_str_eq(addr_format(c->http.items[1].at.addr, text), "::1");
    ck_assert_uint_eq(c->tracker_udp.count, 1);
    ck_assert_uint_eq(c->admin.count, 0);
    ck_assert_str_eq(c->network_map.p, "/etc/waymark/maps/n.json");
    ck_assert_str_eq(c->cost_map.p, "/srv/c.json");
    ck_assert_uint_eq(c->http_conf.trusted_proxy_count, 2);
    ck_assert_uint_eq(c->http_conf.trusted_proxies[0].len, 104);
    ck_assert_uint_eq(c->http_conf.body_bytes_max, 0);
    ck_assert_str_eq(c->dns_conf.zones[0].name.p, "cdn.example.com");
    ck_assert(c->dns_conf.zones[0].ns[0].has_v4);
    ck_assert(!c->dns_conf.zones[0].ns[0].has_v6);
    ck_assert(!c->dns_conf.zones[0].ns[1].has_v4);
    ck_assert_uint_eq(c->dns_conf.zones[0].soa_serial, 4294967295u);
    ck_assert_uint_eq(c->dns_conf.zones[0].negative_ttl_s, 300);
    ck_assert_str_eq(c->dns_conf.zones[0].soa_rname.p, "hostmaster.cdn.example.com");
    s = &c->streamers[0];
    ck_assert_uint_eq(s->can,
                      STREAMER_V4 | STREAMER_V6 | STREAMER_HTTP | STREAMER_HTTPS | STREAMER_SEED);
    ck_assert_str_eq(s->host.p, "fra-1.example");
    ck_assert_double_eq(s->capacity, 2000);
    ck_assert_double_eq(s->weight, 0.5);
    ck_assert_uint_eq(s->hit_pm, 300);
    ck_assert_int_eq(s->probe.type, PROBE_TCP);
    ck_assert_uint_eq(s->probe.interval_ms, 1000);
    ck_assert_uint_eq(s->probe.status_max, 200);
    ck_assert_uint_eq(s->probe.up_after, 2);
    v = &c->services[0];
    ck_assert_str_eq(v->hosts[0].p, "video.example.com");
    ck_assert_str_eq(v->hosts[1].p, "*.example.com");
    ck_assert_str_eq(v->path_prefix.p, "/vod/");
    ck_assert_str_eq(v->content_key.p, "^/vod/([^/]+)");
    ck_assert_uint_eq(v->streamer_count, 1);
    ck_assert_uint_eq(v->info_hash_count, 1);
    ck_assert_uint_eq(v->info_hashes[0][15], 0xff);
    ck_assert_double_eq(v->policy.band, 0.025);
    ck_assert_double_eq(v->policy.eps, 0.5);
    ck_assert_uint_eq(v->redirect.status, 307);
    ck_assert_int_eq(v->redirect.cors, CORS_ANY);
    ck_assert_int_eq(v->dns.mode, DNS_MODE_CNAME);
    ck_assert_str_eq(v->dns.txt.p, "hello, world");
    parsed_free(&p);
}
END_TEST

/* What would be costly or endless in the tree is refused before there is one. */
START_TEST(hostile)
{
    struct bytes b = {0};
    struct parsed p;

    for (unsigned i = 0; i < 2000; i++)
        ck_assert(bytes_add(&b, "[", 1));
    p = parse_bytes(b.data, b.len);
    ck_assert_int_eq(p.rc, ERR_PARSE);
    ck_assert(strstr(p.text.data, "more than 16 lists and mappings in each other"));
    parsed_free(&p);
    bytes_free(&b);

    p = parse("a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\nd: &d [*d]\n");
    ck_assert_int_eq(p.rc, ERR_PARSE);
    ck_assert_uint_eq(p.problems.count, 12);
    parsed_free(&p);

    ck_assert(bytes_printf(&b, "services: ["));
    for (unsigned i = 0; i < 1000001; i++)
        ck_assert(bytes_add(&b, "a,", 2));
    p = parse_bytes(b.data, b.len);
    ck_assert_int_eq(p.rc, ERR_PARSE);
    ck_assert_str_eq(p.text.data, "w.yaml: more than 1000000 values\n");
    parsed_free(&p);
    bytes_free(&b);

    p = parse_bytes("workers: 1\0zz", 13);
    ck_assert_int_eq(p.rc, ERR_PARSE);
    parsed_free(&p);
    p = parse("user: \"a\\0b\"\n");
    ck_assert_int_eq(p.rc, ERR_PARSE);
    parsed_free(&p);
}
END_TEST

START_TEST(too_large)
{
    struct parsed p = {0};
    char *text = malloc(CONFIG_BYTES_MAX + 1);

    ck_assert_ptr_nonnull(text);
    memset(text, ' ', CONFIG_BYTES_MAX + 1);
    p.rc = config_parse(text, CONFIG_BYTES_MAX + 1, "w", &p.c, &p.problems, &p.arena, &p.e);
    ck_assert_int_eq(p.rc, ERR_LIMIT);
    ck_assert_str_eq(p.e.text, "configuration w: 16777217 bytes, at most 16777216");
    arena_free(p.arena);
    free(text);
}
END_TEST

/* Files are looked for when a file is loaded: from its own folder. */
START_TEST(load)
{
    char folder[] = "/tmp/waymark-config-XXXXXX", path[80], map[80];
    struct parsed p = {0};
    FILE *f;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/w.yaml", folder);
    snprintf(map, sizeof map, "%s/n.json", folder);
    ck_assert_int_eq(config_load(path, &p.c, &p.problems, &p.arena, &p.e), ERR_IO);
    ck_assert_msg(strstr(p.e.text, "cannot be opened: No such file"), "%s", p.e.text);
    arena_free(p.arena);

    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(SERVED "maps: {network: n.json}\n", f);
    fclose(f);
    p.e = (struct err){0};
    ck_assert_int_eq(config_load(path, &p.c, &p.problems, &p.arena, &p.e), ERR_PARSE);
    ck_assert_uint_eq(p.problems.count, 1);
    ck_assert_msg(strstr(p.problems.items[0].text, "n.json: No such file or directory"), "%s",
                  p.problems.items[0].text);
    arena_free(p.arena);

    f = fopen(map, "w");
    ck_assert_ptr_nonnull(f);
    fclose(f);
    p.e = (struct err){0};
    ck_assert_int_eq(config_load(path, &p.c, &p.problems, &p.arena, &p.e), ERR_OK);
    ck_assert_str_eq(p.c->network_map.p, map);
    arena_free(p.arena);
    unlink(map);
    unlink(path);
    rmdir(folder);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config");
    TCase *t = tcase_create("config");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, one_mistake, 0, (int)(sizeof mistakes / sizeof mistakes[0]));
    tcase_add_loop_test(t, warning, 0, (int)(sizeof warnings / sizeof warnings[0]));
    tcase_add_test(t, all_in_one_run);
    tcase_add_test(t, caret);
    tcase_add_test(t, long_line_is_cut_around_the_caret);
    tcase_add_test(t, many_errors_are_capped);
    tcase_add_test(t, defaults_arrive);
    tcase_add_test(t, defaults_agree);
    tcase_add_test(t, values_arrive);
    tcase_add_test(t, hostile);
    tcase_add_test(t, too_large);
    tcase_add_test(t, load);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
