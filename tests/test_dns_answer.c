/* Queries to answers on a small world (dns_fixture.h). ldns, which had no part in writing them,
 * reads the answers and prints them: a malformed one fails. */
#include <stdbool.h> /* before ldns, which would bring a bool of its own */

#include <check.h>
#include <ldns/ldns.h>

#include "base/hash.h"
#include "tests/dns_fixture.h"

static struct fixture world;

static void setup(void)
{
    fixture_init(&world);
}

static void teardown(void)
{
    fixture_fini(&world);
}

/* ---- an answer as text ---- */

static void text_rrs(const char *section, ldns_rr_list *list, struct bytes *out)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
        char *rr = ldns_rr2str(ldns_rr_list_rr(list, i));

        for (char *c = rr; *c; c++)
            *c = *c == '\t' ? ' ' : *c;
        rr[strcspn(rr, "\n")] = '\0';
        ck_assert(bytes_printf(out, "%s%s", i ? "; " : section, rr));
        free(rr);
    }
}

static void text_options(const ldns_rdf *data, struct bytes *out)
{
    const uint8_t *p = data ? ldns_rdf_data(data) : NULL;
    size_t n = data ? ldns_rdf_size(data) : 0;

    for (size_t i = 0; i + 4 <= n; i += 4 + (size_t)dns_get_u16(p + i + 2)) {
        ck_assert_uint_eq(dns_get_u16(p + i), DNS_OPTION_ECS);
        ck_assert(bytes_printf(out, " ecs %u/%u/%u", dns_get_u16(p + i + 4), p[i + 6], p[i + 7]));
    }
}

/* "NOERROR aa rd | name TTL IN A ... | authority: ... | additional: ... | edns 1232 ecs 1/24/17" */
static char *answer_text(const uint8_t *wire, size_t n)
{
    struct bytes out = {0};
    ldns_pkt *pkt = NULL;
    ldns_status rc = ldns_wire2pkt(&pkt, wire, n);
    unsigned rcode;

    ck_assert_msg(rc == LDNS_STATUS_OK, "ldns: %s", ldns_get_errorstr_by_id(rc));
    ck_assert(ldns_pkt_qr(pkt) && !ldns_pkt_ra(pkt) && !ldns_pkt_ad(pkt));
    ck_assert_uint_eq(ldns_pkt_id(pkt), 0xbeef);
    rcode = (unsigned)ldns_pkt_get_rcode(pkt) | (unsigned)ldns_pkt_edns_extended_rcode(pkt) << 4;
    ck_assert(bytes_printf(&out, "%u", rcode));
    ck_assert(!ldns_pkt_aa(pkt) || bytes_printf(&out, " aa"));
    ck_assert(!ldns_pkt_tc(pkt) || bytes_printf(&out, " tc"));
    ck_assert(!ldns_pkt_rd(pkt) || bytes_printf(&out, " rd"));
    ck_assert(!ldns_pkt_cd(pkt) || bytes_printf(&out, " cd"));
    text_rrs(" | ", ldns_pkt_answer(pkt), &out);
    text_rrs(" | authority: ", ldns_pkt_authority(pkt), &out);
    text_rrs(" | additional: ", ldns_pkt_additional(pkt), &out);
    if (ldns_pkt_edns(pkt)) {
        ck_assert(bytes_printf(&out, " | edns %u", ldns_pkt_edns_udp_size(pkt)));
        ck_assert(!ldns_pkt_edns_do(pkt) || bytes_printf(&out, " do"));
        text_options(ldns_pkt_edns_data(pkt), &out);
    }
    ldns_pkt_free(pkt);
    return out.data;
}

static size_t answer(const char *client, bool tcp, const uint8_t *query, size_t n, uint8_t *out)
{
    return dns_answer(&world.turn, &world.conf, fixture_addr(client), tcp, query, n, out,
                      tcp ? 65535 : 1232);
}

static char *ask_text(const struct ask *a, const char *client, bool tcp)
{
    uint8_t query[512];
    static uint8_t out[65535];
    size_t n = ask_encode(a, query);
    size_t len = answer(client, tcp, query, n, out);

    ck_assert_uint_gt(len, 0);
    return answer_text(out, len);
}

/* ---- the rules, a row each ---- */

#define SOA      "cdn.example. 60 IN SOA ns1.cdn.example. hostmaster.cdn.example. 42 7200 900 1209600 60"
#define NODATA   "0 aa | authority: " SOA
#define NXDOMAIN "3 aa | authority: " SOA
#define CUT_SOA                                                                                    \
    "cut.deep.cdn.example. 300 IN SOA ns2.other.example. hostmaster.cut.deep.cdn.example. 7 1 2 3" \
    " 600"

static const struct {
    const char *what;
    struct ask ask;
    const char *client;
    const char *want;
} rows[] = {
    {"A in ranked order, for a client in a",
     {.name = "live.cdn.example", .type = 1},
     "10.1.0.1",
     "0 aa | live.cdn.example. 30 IN A 203.0.113.1; live.cdn.example. 30 IN A 203.0.113.2"},
    {"... and in b",
     {.name = "live.cdn.example", .type = 1},
     "10.2.0.1",
     "0 aa | live.cdn.example. 30 IN A 203.0.113.2; live.cdn.example. 30 IN A 203.0.113.1"},
    {"another CDN is a CNAME",
     {.name = "away.cdn.example", .type = 1},
     "10.2.0.1",
     "0 aa | away.cdn.example. 30 IN CNAME far.example.net."},
    {"so is the bypass",
     {.name = "by.cdn.example", .type = 28},
     "10.2.0.1",
     "0 aa | by.cdn.example. 30 IN CNAME edge-a.cdn.example."},
    {"AAAA from those who have it",
     {.name = "live.cdn.example", .type = 28},
     "10.2.0.1",
     "0 aa | live.cdn.example. 30 IN AAAA 2001:db8:ffff::1; "
     "live.cdn.example. 30 IN AAAA 2001:db8:ffff::3"},
    {"as many as there are",
     {.name = "v4.cdn.example", .type = 1},
     "10.1.0.1",
     "0 aa | v4.cdn.example. 40 IN A 203.0.113.2"},
    {"a family that no streamer has", {.name = "v4.cdn.example", .type = 28}, "10.1.0.1", NODATA},
    {"TXT",
     {.name = "live.cdn.example", .type = 16},
     "10.1.0.1",
     "0 aa | live.cdn.example. 30 IN TXT \"hello\""},
    {"no TXT", {.name = "v4.cdn.example", .type = 16}, "10.1.0.1", NODATA},
    {"NAPTR of an ALTO server",
     {.name = "cdn.example", .type = 35},
     "10.1.0.1",
     "0 aa | cdn.example. 3600 IN NAPTR 100 10 \"u\" \"ALTO:https\" "
     "\"!.*!https://alto.cdn.example/alto!\" .; cdn.example. 3600 IN NAPTR 100 20 \"u\" "
     "\"ALTO:http\" \"!.*!http://alto.cdn.example/alto!\" ."},
    {"no NAPTR", {.name = "live.cdn.example", .type = 35}, "10.1.0.1", NODATA},
    {"a type that we do not have", {.name = "live.cdn.example", .type = 65}, "10.1.0.1", NODATA},
    {"a type that nobody has", {.name = "live.cdn.example", .type = 4711}, "10.1.0.1", NODATA},

    {"a wildcard",
     {.name = "any.wild.cdn.example", .type = 1},
     "10.2.0.1",
     "0 aa | any.wild.cdn.example. 30 IN A 203.0.113.2; "
     "any.wild.cdn.example. 30 IN A 203.0.113.1"},
    {"a wildcard, several labels below",
     {.name = "q.r.s.wild.cdn.example", .type = 16},
     "10.2.0.1",
     "0 aa | q.r.s.wild.cdn.example. 30 IN TXT \"hello\""},
    {"the wildcard's own name",
     {.name = "*.wild.cdn.example", .type = 16},
     "10.2.0.1",
     "0 aa | *.wild.cdn.example. 30 IN TXT \"hello\""},
    {"a wildcard is not its parent", {.name = "wild.cdn.example", .type = 1}, "10.2.0.1", NODATA},
    {"a name stands before the wildcard",
     {.name = "x.y.wild.cdn.example", .type = 1},
     "10.2.0.1",
     "0 aa | x.y.wild.cdn.example. 50 IN A 203.0.113.2"},
    {"an empty non-terminal stands before it too",
     {.name = "y.wild.cdn.example", .type = 1},
     "10.2.0.1",
     NODATA},
    {"and ends its reach (RFC 4592 2.2.1)",
     {.name = "z.y.wild.cdn.example", .type = 1},
     "10.2.0.1",
     NXDOMAIN},
    {"a wildcard's NODATA", {.name = "any.wild.cdn.example", .type = 65}, "10.2.0.1", NODATA},

    {"an empty non-terminal (RFC 8020)",
     {.name = "ent.cdn.example", .type = 1},
     "10.1.0.1",
     NODATA},
    {"an empty non-terminal has nothing of any type",
     {.name = "b.ent.cdn.example", .type = 255},
     "10.1.0.1",
     NODATA},
    {"a name that is not there", {.name = "no.cdn.example", .type = 1}, "10.1.0.1", NXDOMAIN},
    {"... beside an empty non-terminal",
     {.name = "c.ent.cdn.example", .type = 28},
     "10.1.0.1",
     NXDOMAIN},
    {"... below a name", {.name = "x.live.cdn.example", .type = 1}, "10.1.0.1", NXDOMAIN},
    {"... of any type", {.name = "no.cdn.example", .type = 255}, "10.1.0.1", NXDOMAIN},
    {"outside all zones", {.name = "www.example.org", .type = 1}, "10.1.0.1", "5"},
    {"a service's host outside all zones",
     {.name = "live.elsewhere.example", .type = 1},
     "10.1.0.1",
     "5"},
    {"above the zone", {.name = "example", .type = 6}, "10.1.0.1", "5"},
    {"the root", {.name = "", .type = 2}, "10.1.0.1", "5"},
    {"a name that only ends in the zone's letters",
     {.name = "xcdn.example", .type = 1},
     "10.1.0.1",
     "5"},
    {"more labels than any name has",
     {.name = "1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0.cdn.example", .type = 1},
     "10.1.0.1",
     NXDOMAIN},
    {"more labels than any name has, outside",
     {.name = "1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0.example.org", .type = 1},
     "10.1.0.1",
     "5"},

    {"SOA",
     {.name = "cdn.example", .type = 6},
     "10.1.0.1",
     "0 aa | cdn.example. 3600 IN SOA ns1.cdn.example. hostmaster.cdn.example. 42 7200 900 "
     "1209600 60"},
    {"NS with glue",
     {.name = "cdn.example", .type = 2},
     "10.1.0.1",
     "0 aa | cdn.example. 3600 IN NS ns1.cdn.example.; cdn.example. 3600 IN NS ns2.other.example."
     " | additional: ns1.cdn.example. 3600 IN A 192.0.2.53; "
     "ns1.cdn.example. 3600 IN AAAA 2001:db8::53"},
    {"a service at the apex",
     {.name = "cdn.example", .type = 1},
     "10.1.0.1",
     "0 aa | cdn.example. 30 IN A 203.0.113.1; cdn.example. 30 IN A 203.0.113.2"},
    {"SOA below the apex", {.name = "live.cdn.example", .type = 6}, "10.1.0.1", NODATA},
    {"NS below the apex", {.name = "live.cdn.example", .type = 2}, "10.1.0.1", NODATA},
    {"a name server's address",
     {.name = "ns1.cdn.example", .type = 28},
     "10.1.0.1",
     "0 aa | ns1.cdn.example. 3600 IN AAAA 2001:db8::53"},
    {"a name server has no text", {.name = "ns1.cdn.example", .type = 16}, "10.1.0.1", NODATA},
    {"a streamer's own name",
     {.name = "edge-c.cdn.example", .type = 1},
     "10.1.0.1",
     "0 aa | edge-c.cdn.example. 3600 IN A 203.0.113.3"},
    {"a streamer's own name, IPv6",
     {.name = "edge-c.cdn.example", .type = 28},
     "10.1.0.1",
     "0 aa | edge-c.cdn.example. 3600 IN AAAA 2001:db8:ffff::3"},
    {"the service for most paths has the host",
     {.name = "vod.cdn.example", .type = 16},
     "10.1.0.1",
     "0 aa | vod.cdn.example. 61 IN TXT \"root\""},

    {"a zone in a zone",
     {.name = "cut.deep.cdn.example", .type = 6},
     "10.1.0.1",
     "0 aa | " CUT_SOA},
    {"its negative TTL is no longer than its SOA's",
     {.name = "no.cut.deep.cdn.example", .type = 1},
     "10.1.0.1",
     "3 aa | authority: " CUT_SOA},
    {"a host in the zone in the zone",
     {.name = "here.cut.deep.cdn.example", .type = 16},
     "10.1.0.1",
     "0 aa | here.cut.deep.cdn.example. 30 IN TXT \"hello\""},
    {"what stands between the two", {.name = "deep.cdn.example", .type = 1}, "10.1.0.1", NODATA},
    {"DS lives above the cut", {.name = "cut.deep.cdn.example", .type = 43}, "10.1.0.1", NODATA},
    {"DS of a zone whose parent is not ours",
     {.name = "cdn.example", .type = 43},
     "10.1.0.1",
     NODATA},

    {"CNAME, and the addresses behind it",
     {.name = "www.cdn.example", .type = 1},
     "10.1.0.1",
     "0 aa | www.cdn.example. 20 IN CNAME edge-a.cdn.example.; "
     "edge-a.cdn.example. 3600 IN A 203.0.113.1"},
    {"CNAME to a host of others",
     {.name = "www.cdn.example", .type = 1},
     "10.2.0.1",
     "0 aa | www.cdn.example. 20 IN CNAME edge-b.other.example."},
    {"CNAME for AAAA goes to one who has it",
     {.name = "www.cdn.example", .type = 28},
     "10.2.0.1",
     "0 aa | www.cdn.example. 20 IN CNAME edge-a.cdn.example.; "
     "edge-a.cdn.example. 3600 IN AAAA 2001:db8:ffff::1"},
    {"CNAME for its own type",
     {.name = "www.cdn.example", .type = 5},
     "10.1.0.1",
     "0 aa | www.cdn.example. 20 IN CNAME edge-a.cdn.example."},
    {"CNAME for every type",
     {.name = "www.cdn.example", .type = 16},
     "10.1.0.1",
     "0 aa | www.cdn.example. 20 IN CNAME edge-a.cdn.example."},
    {"CNAME for ANY",
     {.name = "www.cdn.example", .type = 255},
     "10.1.0.1",
     "0 aa | www.cdn.example. 20 IN CNAME edge-a.cdn.example."},
    {"CNAME from a wildcard",
     {.name = "q.cn.cdn.example", .type = 5},
     "10.1.0.1",
     "0 aa | q.cn.cdn.example. 20 IN CNAME edge-a.cdn.example."},
    {"with a client subnet, the CNAME alone (RFC 7871 7.2.1)",
     {.name = "www.cdn.example", .type = 1, .subnet = "10.1.0.0", .source = 24},
     "10.2.0.1",
     "0 aa | www.cdn.example. 20 IN CNAME edge-a.cdn.example. | edns 1232 ecs 1/24/17"},

    {"ANY (RFC 8482)",
     {.name = "live.cdn.example", .type = 255},
     "10.1.0.1",
     "0 aa | live.cdn.example. 3600 IN HINFO \"RFC8482\" \"\""},
    {"AXFR", {.name = "cdn.example", .type = 252}, "10.1.0.1", "5"},
    {"IXFR", {.name = "cdn.example", .type = 251}, "10.1.0.1", "5"},
    {"MAILB", {.name = "cdn.example", .type = 253}, "10.1.0.1", "4"},
    {"TSIG as a type", {.name = "cdn.example", .type = 250}, "10.1.0.1", "4"},
    {"OPT as a type", {.name = "cdn.example", .type = 41}, "10.1.0.1", "1"},
    {"version.bind", {.name = "version.bind", .type = 16, .class = 3}, "10.1.0.1", "5"},
    {"a class that is not IN",
     {.name = "live.cdn.example", .type = 1, .class = 255},
     "10.1.0.1",
     "5"},

    {"RD and CD come back, AD does not",
     {.name = "ns1.cdn.example", .type = 1, .flags = 0x0130},
     "10.1.0.1",
     "0 aa rd cd | ns1.cdn.example. 3600 IN A 192.0.2.53"},
    {"EDNS",
     {.name = "ns1.cdn.example", .type = 1, .edns = true},
     "10.1.0.1",
     "0 aa | ns1.cdn.example. 3600 IN A 192.0.2.53 | edns 1232"},
    {"DO comes back",
     {.name = "ns1.cdn.example", .type = 1, .dnssec_ok = true},
     "10.1.0.1",
     "0 aa | ns1.cdn.example. 3600 IN A 192.0.2.53 | edns 1232 do"},
    {"EDNS in REFUSED",
     {.name = "example.org", .type = 1, .edns = true},
     "10.1.0.1",
     "5 | edns 1232"},

    {"the subnet decides, not the socket",
     {.name = "live.cdn.example", .type = 1, .subnet = "10.2.3.0", .source = 24},
     "10.1.0.1",
     "0 aa | live.cdn.example. 30 IN A 203.0.113.2; live.cdn.example. 30 IN A 203.0.113.1"
     " | edns 1232 ecs 1/24/16"},
    {"the scope keeps clear of the hole",
     {.name = "live.cdn.example", .type = 16 + 12, .subnet = "10.1.144.0", .source = 24},
     "10.1.0.1",
     "0 aa | live.cdn.example. 30 IN AAAA 2001:db8:ffff::1; "
     "live.cdn.example. 30 IN AAAA 2001:db8:ffff::3 | edns 1232 ecs 1/24/20"},
    {"more bits would have helped",
     {.name = "v4.cdn.example", .type = 1, .subnet = "10.1.0.0", .source = 12},
     "10.1.0.1",
     "0 aa | v4.cdn.example. 40 IN A 203.0.113.2 | edns 1232 ecs 1/12/16"},
    {"IPv6",
     {.name = "v4.cdn.example", .type = 1, .subnet = "2001:db8:b::", .source = 56},
     "10.1.0.1",
     "0 aa | v4.cdn.example. 40 IN A 203.0.113.2 | edns 1232 ecs 2/56/48"},
    {"source 0: the resolver's address decides, scope 0",
     {.name = "live.cdn.example", .type = 1, .subnet = "0.0.0.0", .source = 0},
     "10.2.0.1",
     "0 aa | live.cdn.example. 30 IN A 203.0.113.2; live.cdn.example. 30 IN A 203.0.113.1"
     " | edns 1232 ecs 1/0/0"},
    {"what does not depend on the client has scope 0",
     {.name = "ns1.cdn.example", .type = 1, .subnet = "10.2.3.0", .source = 24},
     "10.1.0.1",
     "0 aa | ns1.cdn.example. 3600 IN A 192.0.2.53 | edns 1232 ecs 1/24/0"},
    {"NODATA has scope 0",
     {.name = "live.cdn.example", .type = 65, .subnet = "10.2.3.0", .source = 24},
     "10.1.0.1",
     NODATA " | edns 1232 ecs 1/24/0"},
    {"NXDOMAIN has scope 0",
     {.name = "no.cdn.example", .type = 1, .subnet = "10.2.3.0", .source = 24},
     "10.1.0.1",
     NXDOMAIN " | edns 1232 ecs 1/24/0"},
    {"REFUSED has scope 0",
     {.name = "example.org", .type = 1, .subnet = "10.2.3.0", .source = 24},
     "10.1.0.1",
     "5 | edns 1232 ecs 1/24/0"},
};

/* Conformance: W-09. */
START_TEST(rules)
{
    for (unsigned tcp = 0; tcp < 2; tcp++) {
        char *got = ask_text(&rows[_i].ask, rows[_i].client, tcp);

        ck_assert_msg(strcmp(got, rows[_i].want) == 0, "%s:\n  got  %s\n  want %s", rows[_i].what,
                      got, rows[_i].want);
        free(got);
    }
}
END_TEST

/* ---- bytes ---- */

/* 0x20: the question comes back byte for byte, and every name of ours points into it. */
START_TEST(bytes_of_an_answer)
{
    static const uint8_t query[] = "\xbe\xef\1\0\0\1\0\0\0\0\0\0"
                                   "\4LiVe\3cDn\7eXaMpLe\0\0\1\0\1";
    static const uint8_t want[] = "\xbe\xef\x85\0\0\1\0\2\0\0\0\0"
                                  "\4LiVe\3cDn\7eXaMpLe\0\0\1\0\1"
                                  "\xc0\x0c\0\1\0\1\0\0\0\x1e\0\4\xcb\0\x71\1"
                                  "\xc0\x0c\0\1\0\1\0\0\0\x1e\0\4\xcb\0\x71\2";
    uint8_t out[1232];

    ck_assert_uint_eq(answer("10.1.0.1", false, query, sizeof query - 1, out), sizeof want - 1);
    ck_assert_mem_eq(out, want, sizeof want - 1);
}
END_TEST

START_TEST(bytes_of_a_denial)
{
    static const uint8_t query[] = "\xbe\xef\0\0\0\1\0\0\0\0\0\0\2nO\3cDn\7eXaMpLe\0\0\1\0\1";
    static const uint8_t want[] = "\xbe\xef\x84\3\0\1\0\0\0\1\0\0\2nO\3cDn\7eXaMpLe\0\0\1\0\1"
                                  "\xc0\x0f\0\6\0\1\0\0\0\x3c\0\x27"
                                  "\3ns1\xc0\x0f"
                                  "\x0ahostmaster\xc0\x0f"
                                  "\0\0\0\x2a\0\0\x1c\x20\0\0\3\x84\0\x12\x75\0\0\0\0\x3c";
    uint8_t out[1232];

    ck_assert_uint_eq(answer("10.1.0.1", false, query, sizeof query - 1, out), sizeof want - 1);
    ck_assert_mem_eq(out, want, sizeof want - 1);
}
END_TEST

#define LIVE         "\4live\3cdn\7example\0\0\1\0\1"
#define Q(flags, ar) "\xbe\xef" flags "\0\1\0\0\0\0\0" ar LIVE
#define ECS(n, data) "\0\0\x29\x04\xd0\0\0\0\0\0" n "\0\x08\0" data

static const struct {
    const char *what;
    const char *query;
    size_t n;
    const char *want;
    size_t want_n;
} wire_rows[] = {
#define ROW(what, q, w)                                                                            \
    {                                                                                              \
        what, q, sizeof(q) - 1, w, sizeof(w) - 1                                                   \
    }
    ROW("subnet of a wrong family: FORMERR, with EDNS",
        Q("\0\0", "\1") ECS("\x0b", "\7\0\3\x18\0\x0a\1\0"),
        "\xbe\xef\x80\1\0\1\0\0\0\0\0\1" LIVE "\0\0\x29\x04\xd0\0\0\0\0\0\0"),
    ROW("source length over the family's",
        Q("\0\0", "\1") ECS("\x0d", "\x09\0\1\x21\0\x0a\1\0\0\0"),
        "\xbe\xef\x80\1\0\1\0\0\0\0\0\1" LIVE "\0\0\x29\x04\xd0\0\0\0\0\0\0"),
    ROW("a scope in the query", Q("\0\0", "\1") ECS("\x0b", "\7\0\1\x18\x10\x0a\1\0"),
        "\xbe\xef\x80\1\0\1\0\0\0\0\0\1" LIVE "\0\0\x29\x04\xd0\0\0\0\0\0\0"),
    ROW("bytes that do not match the source length",
        Q("\0\0", "\1") ECS("\x0b", "\7\0\1\x10\0\x0a\1\0"),
        "\xbe\xef\x80\1\0\1\0\0\0\0\0\1" LIVE "\0\0\x29\x04\xd0\0\0\0\0\0\0"),
    ROW("bits behind the source length", Q("\0\0", "\1") ECS("\x0b", "\7\0\1\x17\0\x0a\1\1"),
        "\xbe\xef\x80\1\0\1\0\0\0\0\0\1" LIVE "\0\0\x29\x04\xd0\0\0\0\0\0\0"),
    ROW("BADVERS keeps the question and shows version 0",
        Q("\1\0", "\1") "\0\0\x29\x04\xd0\0\1\0\0\0\0",
        "\xbe\xef\x81\0\0\1\0\0\0\0\0\1" LIVE "\0\0\x29\x04\xd0\1\0\0\0\0\0"),
    ROW("two questions: FORMERR without any", "\xbe\xef\1\0\0\2\0\0\0\0\0\0" LIVE LIVE,
        "\xbe\xef\x81\1\0\0\0\0\0\0\0\0"),
    ROW("a byte too much: FORMERR", Q("\0\0", "\0") "x", "\xbe\xef\x80\1\0\1\0\0\0\0\0\0" LIVE),
    ROW("two OPTs: FORMERR with one",
        Q("\0\0", "\2") "\0\0\x29\x04\xd0\0\0\0\0\0\0"
                        "\0\0\x29\x04\xd0\0\0\0\0\0\0",
        "\xbe\xef\x80\1\0\1\0\0\0\0\0\1" LIVE "\0\0\x29\x04\xd0\0\0\0\0\0\0"),
    ROW("STATUS: NOTIMP, opcode kept", Q("\x11\0", "\0"), "\xbe\xef\x91\4\0\1\0\0\0\0\0\0" LIVE),
    ROW("an answer is not answered", Q("\x80\0", "\0"), ""),
    ROW("too short for a header", "\xbe\xef\0\0\0\1\0\0\0\0\0", ""),
#undef ROW
};

START_TEST(wire_in_out)
{
    uint8_t out[1232];
    size_t n =
        answer("10.1.0.1", false, (const uint8_t *)wire_rows[_i].query, wire_rows[_i].n, out);

    ck_assert_msg(n == wire_rows[_i].want_n, "%s: %zu bytes", wire_rows[_i].what, n);
    ck_assert_msg(memcmp(out, wire_rows[_i].want, n) == 0, "%s", wire_rows[_i].what);
}
END_TEST

/* ---- sizes ---- */

static const struct {
    const char *what;
    uint16_t edns, own;
    bool tcp, truncated;
} sizes[] = {
    {"600 bytes do not fit the 512 of old", 0, 1232, false, true},
    {"nor a client that says less than 512", 100, 1232, false, true},
    {"they fit 1232", 1232, 1232, false, false},
    {"they fit what both can", 4096, 1232, false, false},
    {"the client's limit counts", 600, 1232, false, true},
    {"our limit counts", 4096, 600, false, true},
    {"TCP has room", 0, 600, true, false},
};

START_TEST(truncation)
{
    struct ask ask = {
        .name = "a.b.ent.cdn.example", .type = DNS_TYPE_TXT, .udp_bytes = sizes[_i].edns};
    char *got;

    world.conf.udp_bytes_max = sizes[_i].own;
    got = ask_text(&ask, "10.1.0.1", sizes[_i].tcp);
    ck_assert_msg((strncmp(got, "0 aa tc", 7) == 0) == sizes[_i].truncated, "%s: %s",
                  sizes[_i].what, got);
    ck_assert_msg((strstr(got, "IN TXT") == NULL) == sizes[_i].truncated, "%s: %s", sizes[_i].what,
                  got);
    ck_assert_uint_eq(atomic_load(&world.metrics.v[METRIC_DNS_TRUNCATED]), sizes[_i].truncated);
    free(got);
}
END_TEST

/* The exact byte from which an answer fits; below it the question is whole, and the OPT is kept. */
START_TEST(truncation_edge)
{
    const struct ask ask = {.name = "a.b.ent.cdn.example", .type = DNS_TYPE_TXT, .udp_bytes = 4096};
    uint8_t query[512], out[4096];
    size_t n = ask_encode(&ask, query), whole;

    world.conf.udp_bytes_max = 4096;
    whole = dns_answer(&world.turn, &world.conf, fixture_addr("10.1.0.1"), false, query, n, out,
                       sizeof out);
    for (size_t max = 512; max <= whole; max++) {
        size_t got;

        world.conf.udp_bytes_max = (uint16_t)max;
        got = dns_answer(&world.turn, &world.conf, fixture_addr("10.1.0.1"), false, query, n, out,
                         sizeof out);
        ck_assert_uint_eq(got, max < whole ? n : whole);
        ck_assert_uint_eq(out[2] & 2, max < whole ? 2 : 0);
        ck_assert_mem_eq(out + 12, query + 12, n - 12 - 11);
    }
}
END_TEST

/* Glue that does not fit is left out, and that is no truncation. */
START_TEST(glue_gives_way)
{
    const struct ask ask = {.name = "cdn.example", .type = DNS_TYPE_NS};
    uint8_t query[512], out[1232];
    size_t n = ask_encode(&ask, query);
    size_t whole = answer("10.1.0.1", false, query, n, out);

    ck_assert_uint_eq(out[11], 2);
    ck_assert_uint_lt(whole, 512);
}
END_TEST

/* ---- what an answer rests on ---- */

START_TEST(client_subnet_off)
{
    struct ask ask = {.name = "live.cdn.example", .type = 1, .subnet = "10.2.0.0", .source = 24};
    char *got;

    world.conf.client_subnet = false;
    got = ask_text(&ask, "10.1.0.1", false);
    ck_assert_str_eq(got, "0 aa | live.cdn.example. 30 IN A 203.0.113.1; "
                          "live.cdn.example. 30 IN A 203.0.113.2 | edns 1232");
    free(got);
}
END_TEST

START_TEST(health_moves_the_answer)
{
    const struct ask ask = {.name = "live.cdn.example", .type = 1};
    sidx s = view_find_streamer(world.view, STR("edge-a"));
    char *got;

    live_health_set(world.live, world.view->streamers[s].live, false, HEALTH_DOWN);
    got = ask_text(&ask, "10.1.0.1", false);
    ck_assert_str_eq(got, "0 aa | live.cdn.example. 30 IN A 203.0.113.2; "
                          "live.cdn.example. 30 IN A 203.0.113.3");
    free(got);
}
END_TEST

/* Nobody may serve: a failure for now, not a fact to be remembered. */
START_TEST(nobody_may_serve)
{
    const struct ask ask = {.name = "v4.cdn.example", .type = 1, .edns = true};
    sidx s = view_find_streamer(world.view, STR("edge-b"));
    char *got;

    live_admin_set(world.live, world.view->streamers[s].live, ADMIN_DOWN);
    got = ask_text(&ask, "10.1.0.1", false);
    ck_assert_str_eq(got, "2 | edns 1232");
    free(got);
}
END_TEST

/* The other family's streamers keep a name from a failure, or from an alias that would hold for
 * both; nobody is sent anywhere by that. */
START_TEST(a_family_is_down)
{
    static const struct {
        struct ask ask;
        const char *want;
    } asks[] = {
        {{.name = "live.cdn.example", .type = 28},
         "0 aa | authority: cdn.example. 30 IN SOA ns1.cdn.example. hostmaster.cdn.example. 42 "
         "7200 "
         "900 1209600 60"},
        {{.name = "or.cdn.example", .type = 28},
         "0 aa | authority: cdn.example. 30 IN SOA ns1.cdn.example. hostmaster.cdn.example. 42 "
         "7200 "
         "900 1209600 60"},
        {{.name = "or.cdn.example", .type = 1}, "0 aa | or.cdn.example. 30 IN A 203.0.113.1"},
        {{.name = "www.cdn.example", .type = 28},
         "0 aa | www.cdn.example. 20 IN CNAME edge-a.cdn.example.; edge-a.cdn.example. 3600 IN "
         "AAAA "
         "2001:db8:ffff::1"},
    };

    for (sidx i = 0; i < world.view->streamer_count; i++)
        live_health_set(world.live, world.view->streamers[i].live, true, HEALTH_DOWN);
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        char *got = ask_text(&asks[i].ask, "10.1.0.1", false);

        ck_assert_str_eq(got, asks[i].want);
        free(got);
        if (asks[i].ask.type == 28 && i < 2)
            for (sidx k = 0; k < world.view->streamer_count; k++)
                ck_assert_uint_eq(
                    atomic_load(&world.live->streamer[world.view->streamers[k].live].dispatched),
                    0);
    }
    /* IPv4 is down too: then it is an alias for both. */
    for (sidx i = 0; i < world.view->streamer_count; i++)
        live_health_set(world.live, world.view->streamers[i].live, false, HEALTH_DOWN);
    for (unsigned i = 0; i < 2; i++) {
        const struct ask ask = {.name = "or.cdn.example", .type = i ? 28 : 1};
        char *got = ask_text(&ask, "10.1.0.1", false);

        ck_assert_str_eq(got, "0 aa | or.cdn.example. 30 IN CNAME origin.example.net.");
        free(got);
    }
}
END_TEST

START_TEST(one_session_an_answer)
{
    const struct ask ask = {.name = "live.cdn.example", .type = 1},
                     text = {.name = "live.cdn.example", .type = 16};
    sidx a = view_find_streamer(world.view, STR("edge-a"));
    sidx b = view_find_streamer(world.view, STR("edge-b"));
    const struct live_streamer *s = world.live->streamer;

    free(ask_text(&ask, "10.1.0.1", false));
    free(ask_text(&text, "10.1.0.1", false));
    ck_assert_uint_eq(atomic_load(&s[world.view->streamers[a].live].dispatched), 1);
    ck_assert_uint_eq(atomic_load(&s[world.view->streamers[b].live].dispatched), 0);
}
END_TEST

START_TEST(note_and_counters)
{
    const struct ask ask = {
        .name = "LIVE.cdn.example", .type = 1, .subnet = "10.2.3.0", .source = 24};
    const struct note *n;

    world.turn.notes = note_ring_new(4);
    free(ask_text(&ask, "10.1.0.1", false));
    n = note_peek(world.turn.notes);
    ck_assert_ptr_nonnull(n);
    ck_assert_int_eq(n->kind, NOTE_DNS);
    ck_assert_uint_eq(n->status, 0);
    ck_assert_uint_eq(n->serial, 42);
    ck_assert_str_eq(n->service, "live");
    ck_assert_str_eq(n->streamer, "edge-b");
    ck_assert_str_eq(n->pid, "b");
    ck_assert_uint_eq(n->name_len, 16);
    ck_assert_mem_eq(n->name, "LIVE.cdn.example", 16);
    ck_assert(addr_eq(n->client, fixture_addr("10.2.3.0")));
    note_ring_free(world.turn.notes);
    ck_assert_uint_eq(atomic_load(&world.metrics.v[METRIC_DNS_QUERIES_UDP]), 1);
    ck_assert_uint_eq(atomic_load(&world.metrics.v[METRIC_DNS_NOERROR]), 1);
    ck_assert_uint_eq(atomic_load(&world.metrics.v[METRIC_DNS_SUBNET]), 1);
}
END_TEST

START_TEST(no_zones)
{
    const struct ask ask = {.name = "live.cdn.example", .type = 1};
    char *got;

    world.view->part[VIEW_PART_DNS] = NULL;
    got = ask_text(&ask, "10.1.0.1", false);
    ck_assert_str_eq(got, "5");
    free(got);
}
END_TEST

/* ---- building zones ---- */

static enum err_code build(const struct dns_zone_conf *zones, size_t n, struct err *e)
{
    struct dns_conf c;

    dns_conf_default(&c);
    c.zones = zones;
    c.zone_count = n;
    return dns_zone_build(world.view, &c, e);
}

START_TEST(build_errors)
{
    const struct dns_ns_conf out[] = {{.name = STR("ns.other.example")}};
    const struct dns_ns_conf in[] = {{.name = STR("ns.x.example")}};
    const struct dns_ns_conf www[] = {
        {.name = STR("www.cdn.example"), .has_v4 = true, .v4 = fixture_addr("192.0.2.1")}};
    const struct dns_zone_conf one = {.name = STR("x.example"), .ns = out, .ns_count = 1};
    struct dns_zone_conf two[] = {one, one}, bad;
    struct err e = {0};

    ck_assert_int_eq(build(&one, 1, &e), ERR_OK);
    ck_assert_int_eq(build(two, 2, &e), ERR_CONFLICT);
    ck_assert_str_eq(e.text, "dns: zone x.example: there are two zones of this name");

    bad = one, bad.ns_count = 0, e = (struct err){0};
    ck_assert_int_eq(build(&bad, 1, &e), ERR_CONFLICT);
    ck_assert_str_eq(e.text, "dns: zone x.example: a zone needs at least one name server");

    bad = one, bad.alto = &(const struct str){"ftp://x", 7}, bad.alto_count = 1;
    e = (struct err){0};
    ck_assert_int_eq(build(&bad, 1, &e), ERR_PARSE);
    ck_assert_str_eq(e.text, "dns: zone x.example: alto: \"ftp://x\" is no URI of HTTP; write "
                             "https://host/path");
    bad.alto = &(const struct str){"http://x/!", 10}, e = (struct err){0};
    ck_assert_int_eq(build(&bad, 1, &e), ERR_PARSE);

    bad = one, bad.ns = in, e = (struct err){0};
    ck_assert_int_eq(build(&bad, 1, &e), ERR_CONFLICT);
    ck_assert_str_eq(e.text, "dns: zone x.example: name server ns.x.example lies in a zone of "
                             "ours: it needs an address here");

    bad = one, bad.name = STR("a..b"), e = (struct err){0};
    ck_assert_int_eq(build(&bad, 1, &e), ERR_PARSE);
    ck_assert_str_eq(e.text, "dns: zone a..b: \"a..b\": not a domain name: a label is empty");

    bad = one, bad.name = STR("www.cdn.example"), e = (struct err){0};
    ck_assert_int_eq(build(&bad, 1, &e), ERR_CONFLICT);
    ck_assert_str_eq(e.text, "dns: service www: dns.mode cname: www.cdn.example is a zone's apex, "
                             "which cannot be a CNAME; use mode address");

    bad = one, bad.name = STR("cdn.example"), bad.ns = www, e = (struct err){0};
    ck_assert_int_eq(build(&bad, 1, &e), ERR_CONFLICT);
    ck_assert_str_eq(e.text, "dns: service www: dns.mode cname: www.cdn.example is the host of a "
                             "streamer or name server; use mode address");

    bad = one, bad.name = STR("example.net"), e = (struct err){0};
    ck_assert_int_eq(build(&bad, 1, &e), ERR_CONFLICT);
    ck_assert_str_eq(e.text, "dns: service or: bypass dns_cname: origin.example.net lies in a zone "
                             "of ours, and only this service answers for it, if any; name a host "
                             "that others serve");

    bad = one, bad.name = STR("far.example.net"), e = (struct err){0};
    ck_assert_int_eq(build(&bad, 1, &e), ERR_CONFLICT);
    ck_assert_str_eq(e.text,
                     "dns: downstream CDN far: dns_cname: far.example.net lies in a zone of "
                     "ours, and nobody answers for it there");

    bad = one, bad.ttl_s = 1u << 31, e = (struct err){0};
    ck_assert_int_eq(build(&bad, 1, &e), ERR_LIMIT);
}
END_TEST

/* ---- RFC 7871: what shares the scope shares the answer ---- */

static uint64_t seed;

static uint64_t next(void)
{
    seed = hash_mix(seed, 0x5eed);
    return seed;
}

/* A random map: nested prefixes of few distinct bits, so that holes and edges are common. */
static void random_world(struct fixture *f)
{
    struct bytes net = {0}, cost = {0};
    struct streamer_conf streamers[3];
    struct service_conf services[FIXTURE_SERVICES];
    struct view_inputs in = {.serial = 1,
                             .streamers = streamers,
                             .streamer_count = 3,
                             .downstreams = &fixture_far,
                             .downstream_count = 1,
                             .services = services};
    bool used[3][256][9] = {0};
    struct err e = {0};

    memset(f, 0, sizeof *f);
    ck_assert(bytes_printf(&net, "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"1\"}},"
                                 "\"network-map\":{"));
    for (unsigned pid = 0; pid < 3; pid++) {
        ck_assert(bytes_printf(&net, "%s\"%s\":{\"ipv4\":[", pid ? "," : "",
                               pid == 2 ? "rest"
                               : pid    ? "b"
                                        : "a"));
        for (unsigned i = 0, n = 0; i < 6; i++) {
            unsigned len = (unsigned)(next() % 9);
            unsigned value = (unsigned)(next() % 256) & (0xff00u >> len & 255);

            if (used[0][value][len])
                continue;
            used[0][value][len] = true;
            ck_assert(bytes_printf(&net, "%s\"10.%u.0.0/%u\"", n++ ? "," : "", value, 8 + len));
        }
        ck_assert(bytes_printf(&net, "],\"ipv6\":["));
        for (unsigned i = 0, n = 0; i < 6; i++) {
            unsigned len = (unsigned)(next() % 9), value = (unsigned)(next() % 256);

            value &= 0xff00u >> len & 255;
            if (used[1][value][len])
                continue;
            used[1][value][len] = true;
            ck_assert(
                bytes_printf(&net, "%s\"2001:db8:%x::/%u\"", n++ ? "," : "", value << 8, 32 + len));
        }
        ck_assert(bytes_printf(&net, "]}"));
    }
    ck_assert(bytes_printf(&net, "}}%c", 0));
    ck_assert(bytes_printf(
        &cost,
        "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"n\",\"tag\":\"1\"}],"
        "\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}},"
        "\"cost-map\":{\"a\":{\"a\":1,\"b\":%u,\"rest\":%u},\"b\":{\"a\":%u,\"b\":1,\"rest\":%u},"
        "\"rest\":{\"a\":%u,\"b\":%u,\"rest\":1}}}%c",
        (unsigned)(next() % 30), (unsigned)(next() % 30), (unsigned)(next() % 30),
        (unsigned)(next() % 30), (unsigned)(next() % 30), (unsigned)(next() % 30), 0));
    fixture_streamers(streamers);
    in.service_count = fixture_services(services);
    fixture_dns_conf(&f->conf);
    fixture_maps(net.data, cost.data, &in.netmap, &in.costmap);
    f->live = live_new();
    ck_assert_msg(view_build(&in, f->live, &f->view, &e) == ERR_OK &&
                      dns_zone_build(f->view, &f->conf, &e) == ERR_OK,
                  "%s", e.text);
    view_source_drop(in.netmap);
    view_source_drop(in.costmap);
    fixture_turn(f);
    bytes_free(&net);
    bytes_free(&cost);
}

struct tailored {
    unsigned scope, rr_len;
    uint8_t rrs[256]; /* the answer section, which lies between question and OPT */
};

static void tailored_get(struct fixture *f, const char *subnet, unsigned source, unsigned type,
                         struct tailored *out)
{
    const struct ask ask = {"live.cdn.example", (uint16_t)type, .subnet = subnet,
                            .source = (uint8_t)source};
    uint8_t query[512], wire[1232];
    size_t n = ask_encode(&ask, query), opt = (source + 7) / 8 + 8 + DNS_OPT_LEN, len;

    len = dns_answer(&f->turn, &f->conf, fixture_addr("192.0.2.1"), false, query, n, wire,
                     sizeof wire);
    ck_assert_uint_gt(len, n);
    out->scope = wire[len - opt + DNS_OPT_LEN + 7];
    out->rr_len = (unsigned)(len - n);
    memcpy(out->rrs, wire + n - opt, out->rr_len);
}

static void random_client(bool v6, char *text, size_t size)
{
    unsigned a = (unsigned)(next() % 256), b = (unsigned)(next() % 256);

    if (v6)
        snprintf(text, size, "2001:db8:%x::", a << 8 | b);
    else
        snprintf(text, size, "10.%u.%u.0", a, b);
}

START_TEST(scope_covers)
{
    seed = 0x7871u + (unsigned)_i;
    for (unsigned round = 0; round < 12; round++) {
        struct fixture f;
        const bool v6 = round & 1;
        const unsigned source = v6 ? 48 : 24, base = v6 ? 0 : 96;
        uint64_t at = seed;
        unsigned shared = 0;

        random_world(&f);
        for (unsigned i = 0; i < 40; i++) {
            char one[64], other[64];
            struct tailored t1, t2;
            struct addr a;

            random_client(v6, one, sizeof one);
            tailored_get(&f, one, source, v6 ? 28 : 1, &t1);
            a = fixture_addr(one);
            for (unsigned k = 0; k < 40; k++) {
                random_client(v6, other, sizeof other);
                if (addr_common_bits(a, fixture_addr(other)) < base + t1.scope)
                    continue;
                tailored_get(&f, other, source, v6 ? 28 : 1, &t2);
                ck_assert_msg(t1.scope == t2.scope && t1.rr_len == t2.rr_len &&
                                  memcmp(t1.rrs, t2.rrs, t1.rr_len) == 0,
                              "seed %llx: %s and %s share /%u and differ", (unsigned long long)at,
                              one, other, t1.scope);
                shared++;
            }
        }
        ck_assert_uint_gt(shared, 0);
        fixture_fini(&f);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("dns_answer");
    TCase *t = tcase_create("world"), *own = tcase_create("own worlds");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, rules, 0, sizeof rows / sizeof rows[0]);
    tcase_add_test(t, bytes_of_an_answer);
    tcase_add_test(t, bytes_of_a_denial);
    tcase_add_loop_test(t, wire_in_out, 0, sizeof wire_rows / sizeof wire_rows[0]);
    tcase_add_loop_test(t, truncation, 0, sizeof sizes / sizeof sizes[0]);
    tcase_add_test(t, truncation_edge);
    tcase_add_test(t, glue_gives_way);
    tcase_add_test(t, client_subnet_off);
    tcase_add_test(t, health_moves_the_answer);
    tcase_add_test(t, nobody_may_serve);
    tcase_add_test(t, a_family_is_down);
    tcase_add_test(t, one_session_an_answer);
    tcase_add_test(t, note_and_counters);
    tcase_add_test(t, no_zones);
    tcase_add_test(t, build_errors);
    suite_add_tcase(s, t);
    tcase_add_loop_test(own, scope_covers, 0, 8);
    suite_add_tcase(s, own);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(suite());
    int failed;

    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
