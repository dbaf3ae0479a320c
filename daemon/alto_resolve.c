#include "daemon/alto_resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ldns/ldns.h>

#define EDNS_BYTES  1232
#define RECORDS_MAX 64u
/* Until a question is asked again that had no answer: RFC 2308 section 7 keeps a failure for at
 * most five minutes; what has no SOA says nothing about its time. */
#define RETRY_SILENT_S 60u
#define RETRY_FAILED_S 300u
#define RETRY_NONE_S   300u

const char *alto_resolve_end_text(enum alto_resolve_end end)
{
    switch (end) {
    case ALTO_RESOLVE_FOUND:
        return "found";
    case ALTO_RESOLVE_NO_DATA:
        return "no such records";
    case ALTO_RESOLVE_NO_NAME:
        return "no such name";
    case ALTO_RESOLVE_FAILED:
        return "failed for now";
    case ALTO_RESOLVE_SILENT:
        return "no answer in time";
    case ALTO_RESOLVE_UNPROVEN:
        return "not validated";
    }
    return "-";
}

static ldns_rdf *address_rdf(struct addr a)
{
    char text[ADDR_TEXT_MAX];

    addr_format(a, text);
    return ldns_rdf_new_frm_str(addr_is_v4(a) ? LDNS_RDF_TYPE_A : LDNS_RDF_TYPE_AAAA, text);
}

static ldns_resolver *make_resolver(const struct alto_resolve_conf *conf, struct err *e)
{
    const struct timeval wait = {(time_t)(conf->timeout_ms / 1000),
                                 (suseconds_t)(conf->timeout_ms % 1000 * 1000)};
    ldns_resolver *r = NULL;
    ldns_rdf *rdf;

    if (conf->port == 0) {
        if (ldns_resolver_new_frm_file(&r, NULL) != LDNS_STATUS_OK ||
            ldns_resolver_nameserver_count(r) == 0) {
            if (r)
                ldns_resolver_deep_free(r);
            err_set(e, ERR_IO, "/etc/resolv.conf names no resolver; --resolver ADDRESS:PORT does");
            return NULL;
        }
    } else {
        r = ldns_resolver_new();
        rdf = address_rdf(conf->resolver);
        if (!r || !rdf || ldns_resolver_push_nameserver(r, rdf) != LDNS_STATUS_OK) {
            ldns_rdf_deep_free(rdf);
            ldns_resolver_deep_free(r);
            err_set(e, ERR_LIMIT, "no memory left for a resolver");
            return NULL;
        }
        ldns_rdf_deep_free(rdf);
        ldns_resolver_set_port(r, conf->port);
    }
    ldns_resolver_set_timeout(r, wait);
    ldns_resolver_set_retry(r, 1); /* RFC 8686 section 3.5: the next name rather than again */
    ldns_resolver_set_edns_udp_size(r, EDNS_BYTES);
    return r;
}

/* Whose AD bit means something. */
static bool is_trusted(const struct alto_resolve_conf *conf, const ldns_resolver *r)
{
    const size_t n = ldns_resolver_nameserver_count(r);

    if (conf->port)
        return true;
    for (size_t i = 0; i < n; i++) {
        const ldns_rdf *rdf = ldns_resolver_nameservers(r)[i];
        const uint8_t *p = ldns_rdf_data(rdf);

        if (ldns_rdf_get_type(rdf) == LDNS_RDF_TYPE_A && p[0] == 127)
            continue;
        if (ldns_rdf_get_type(rdf) == LDNS_RDF_TYPE_AAAA &&
            memcmp(p, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16) == 0)
            continue;
        return false;
    }
    return n > 0;
}

/* A character string (RFC 1035 section 3.3) of a record. */
static struct str text_of(const ldns_rr *rr, size_t field)
{
    const ldns_rdf *rdf = ldns_rr_rdf(rr, field);
    const uint8_t *p = rdf ? ldns_rdf_data(rdf) : NULL;

    if (!p || ldns_rdf_size(rdf) < 1 || ldns_rdf_size(rdf) < (size_t)p[0] + 1)
        return (struct str){0};
    return (struct str){(const char *)p + 1, p[0]};
}

static bool read_record(const ldns_rr *rr, struct discover_record *out)
{
    if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_NAPTR || ldns_rr_rd_count(rr) != 6)
        return false;
    out->order = ldns_rdf2native_int16(ldns_rr_rdf(rr, 0));
    out->preference = ldns_rdf2native_int16(ldns_rr_rdf(rr, 1));
    out->flags = text_of(rr, 2);
    out->service = text_of(rr, 3);
    out->regexp = text_of(rr, 4);
    return true;
}

/* RFC 2308 section 5: the lesser of the SOA's TTL and its minimum. */
static uint32_t negative_ttl(const ldns_pkt *p)
{
    const ldns_rr_list *l = ldns_pkt_authority(p);

    for (size_t i = 0; i < ldns_rr_list_rr_count(l); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(l, i);
        uint32_t minimum;

        if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_SOA || ldns_rr_rd_count(rr) != 7)
            continue;
        minimum = ldns_rdf2native_int32(ldns_rr_rdf(rr, 6));
        return minimum < ldns_rr_ttl(rr) ? minimum : ldns_rr_ttl(rr);
    }
    return RETRY_NONE_S;
}

static enum alto_resolve_end read_answer(const ldns_pkt *p, struct str protocol,
                                         struct discover_uris *uris)
{
    const ldns_rr_list *l = ldns_pkt_answer(p);
    struct discover_record records[RECORDS_MAX];
    size_t n = 0;

    if (ldns_pkt_get_rcode(p) == LDNS_RCODE_NXDOMAIN)
        return ALTO_RESOLVE_NO_NAME;
    if (ldns_pkt_get_rcode(p) != LDNS_RCODE_NOERROR)
        return ALTO_RESOLVE_FAILED;
    for (size_t i = 0; i < ldns_rr_list_rr_count(l) && n < RECORDS_MAX; i++)
        n += read_record(ldns_rr_list_rr(l, i), &records[n]);
    discover_choose(records, n, protocol, uris);
    return uris->count ? ALTO_RESOLVE_FOUND : ALTO_RESOLVE_NO_DATA;
}

/* One question and its end, which `t` gets. */
static void ask(ldns_resolver *r, const struct alto_resolve_conf *conf, struct str protocol,
                struct alto_resolved *out, struct alto_resolve_try *t)
{
    ldns_rdf *name = ldns_dname_new_frm_str(t->name);
    ldns_pkt *query = NULL, *answer = NULL;

    out->uris.count = 0;
    out->validated = false;
    t->end = ALTO_RESOLVE_SILENT;
    t->retry_s = RETRY_SILENT_S;
    /* One that was silent about the last name may know this one. */
    for (size_t i = 0; i < ldns_resolver_nameserver_count(r); i++)
        ldns_resolver_set_nameserver_rtt(r, i, LDNS_RESOLV_RTT_MIN);
    if (!name)
        return;
    query = ldns_pkt_query_new(name, LDNS_RR_TYPE_NAPTR, LDNS_RR_CLASS_IN, LDNS_RD);
    if (!query) {
        ldns_rdf_deep_free(name);
        return;
    }
    ldns_pkt_set_random_id(query);
    ldns_pkt_set_ad(query, true); /* RFC 6840 section 5.7: tell us, without the signatures */
    ldns_pkt_set_edns_udp_size(query, EDNS_BYTES);
    if (ldns_resolver_send_pkt(&answer, r, query) == LDNS_STATUS_OK && answer) {
        t->end = read_answer(answer, protocol, &out->uris);
        t->retry_s = t->end == ALTO_RESOLVE_FOUND    ? 0
                     : t->end == ALTO_RESOLVE_FAILED ? RETRY_FAILED_S
                                                     : negative_ttl(answer);
        out->validated = ldns_pkt_ad(answer) && is_trusted(conf, r);
        if (t->end == ALTO_RESOLVE_FOUND && conf->require_dnssec && !out->validated) {
            t->end = ALTO_RESOLVE_UNPROVEN;
            t->retry_s = RETRY_NONE_S;
            out->uris.count = 0;
        }
    }
    ldns_pkt_free(answer);
    ldns_pkt_free(query);
}

static void ask_next(ldns_resolver *r, const struct alto_resolve_conf *conf, struct str protocol,
                     const char *name, struct alto_resolved *out)
{
    struct alto_resolve_try *t = &out->tries[out->try_count++];

    snprintf(t->name, sizeof t->name, "%s", name);
    ask(r, conf, protocol, out, t);
    out->temporary |= t->end == ALTO_RESOLVE_FAILED || t->end == ALTO_RESOLVE_SILENT;
}

/* Behind the last name. */
static enum err_code not_found(const struct alto_resolved *out, struct str what, struct err *e)
{
    uint32_t retry_s = 0;
    bool unproven = false;

    for (unsigned i = 0; i < out->try_count; i++) {
        unproven |= out->tries[i].end == ALTO_RESOLVE_UNPROVEN;
        if (out->tries[i].retry_s > retry_s)
            retry_s = out->tries[i].retry_s;
    }
    if (unproven)
        return err_set(e, ERR_CONFLICT,
                       "%.*s: the records of its ALTO server are not validated by DNSSEC, and "
                       "--require-dnssec wants that",
                       (int)what.n, what.p);
    if (out->temporary)
        return err_set(e, ERR_IO,
                       "%.*s: the DNS fails for now (%s: %s); another try in %u s may find an ALTO "
                       "server",
                       (int)what.n, what.p, out->tries[out->try_count - 1].name,
                       alto_resolve_end_text(out->tries[out->try_count - 1].end), retry_s);
    return err_set(e, ERR_NOT_FOUND,
                   "%.*s: the DNS names no ALTO server (%s: %s); it is not worth asking again "
                   "within %u s",
                   (int)what.n, what.p, out->tries[out->try_count - 1].name,
                   alto_resolve_end_text(out->tries[out->try_count - 1].end), retry_s);
}

enum err_code alto_resolve_domain(const struct alto_resolve_conf *conf, struct str domain,
                                  struct alto_resolved *out, struct err *e)
{
    char name[256], shown[96];
    ldns_rdf *parsed;
    ldns_resolver *r;
    struct str protocol;
    enum err_code rc = discover_service_parse(conf->service, &protocol, e);

    memset(out, 0, sizeof *out);
    if (rc != ERR_OK)
        return rc;
    snprintf(name, sizeof name, "%.*s", (int)domain.n, domain.p);
    parsed = domain.n && domain.n < sizeof name ? ldns_dname_new_frm_str(name) : NULL;
    if (!parsed)
        return err_set(e, ERR_PARSE, "\"%s\" is no name of a domain",
                       bytes_escape(domain.p, domain.n, shown, sizeof shown));
    ldns_rdf_deep_free(parsed);
    r = make_resolver(conf, e);
    if (!r)
        return e ? e->code : ERR_IO;
    ask_next(r, conf, protocol, name, out);
    ldns_resolver_deep_free(r);
    return out->uris.count ? ERR_OK : not_found(out, domain, e);
}

enum err_code alto_resolve_address(const struct alto_resolve_conf *conf, struct str prefix,
                                   struct alto_resolved *out, struct err *e)
{
    struct discover_names names;
    ldns_resolver *r;
    struct str protocol;
    struct prefix p;
    enum err_code rc = discover_service_parse(conf->service, &protocol, e);

    memset(out, 0, sizeof *out);
    if (rc == ERR_OK)
        rc = prefix_parse(prefix.p, prefix.n, &p, e);
    if (rc == ERR_OK)
        rc = discover_names(p.addr, addr_own_bits(p.addr, p.len), &names, e);
    if (rc != ERR_OK)
        return rc;
    r = make_resolver(conf, e);
    if (!r)
        return e ? e->code : ERR_IO;
    for (unsigned i = 0; i < names.count && out->uris.count == 0; i++)
        ask_next(r, conf, protocol, names.names[i], out);
    ldns_resolver_deep_free(r);
    return out->uris.count ? ERR_OK : not_found(out, prefix, e);
}
