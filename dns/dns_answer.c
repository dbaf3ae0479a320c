/* A query's bytes to an answer's bytes: the rules of authoritative answers, in the order in which
 * they apply. No allocation, no lock, no clock unless the access log is on. */
#include "dns/dns_answer.h"

#define POINTER_TO_QUESTION (DNS_POINTER_BITS | DNS_HEADER_LEN)
#define HINFO_TTL_S         3600u /* RFC 8482 section 4.2 leaves it to us */

enum section { SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL, SECTIONS };

struct answer {
    struct turn *turn;
    const struct dns_conf *conf;
    const struct dns_zone *zone; /* NULL: outside all */
    const struct dns_service *service;
    const struct dns_asked *in;
    const struct dns_query *q; /* in's */
    bool truncated, decided;
    bool may_be_alias; /* the name may be answered with a CNAME (RFC 1034 section 3.6.2) */
    uint8_t scope;     /* as in lpm.h; 0: the answer does not depend on the client */
    enum dns_rcode rcode;
    uint16_t flags;
    uint16_t counts[SECTIONS];
    struct dns_out out;
    struct route_question ask; /* choose() fills it and r; decided says so */
    struct route r;
};

/* ---- records ---- */

/* Owner (a pointer), type, class, TTL and the data's length; returns where the data goes. */
static uint8_t *put_record(struct answer *a, unsigned owner, enum dns_type type, uint32_t ttl_s,
                           unsigned len)
{
    uint8_t *p = dns_put(&a->out, 12u + len);

    if (!p)
        return NULL;
    dns_put_u16_at(p, owner);
    dns_put_u16_at(p + 2, (unsigned)type);
    dns_put_u16_at(p + 4, DNS_CLASS_IN);
    dns_put_u32_at(p + 6, ttl_s);
    dns_put_u16_at(p + 10, len);
    return p + 12;
}

/* Offset of zone's apex within the question, which ends in it. */
static unsigned apex_offset(const struct answer *a, const struct dns_zone *zone)
{
    return DNS_HEADER_LEN + a->q->name_len - zone->apex.len;
}

/* A name, compressed to the question where it lies in the question's zone. */
static void put_name(struct answer *a, const struct dns_target *t)
{
    unsigned n = t->name.len;
    uint8_t *p;

    if (t->zone && t->zone == a->zone)
        n -= t->zone->apex.len;
    p = dns_put(&a->out, n == t->name.len ? n : n + 2);
    if (!p)
        return;
    memcpy(p, t->name.wire, n);
    if (n != t->name.len)
        dns_put_u16_at(p + n, DNS_POINTER_BITS | apex_offset(a, a->zone));
}

/* A record whose data is names; begin gives the place of the length that end fills in. */
static size_t put_names_begin(struct answer *a, unsigned owner, enum dns_type type, uint32_t ttl_s)
{
    put_record(a, owner, type, ttl_s, 0);
    return a->out.len;
}

static void put_names_end(struct answer *a, size_t data)
{
    if (!a->out.full)
        dns_put_u16_at(a->out.p + data - 2, (unsigned)(a->out.len - data));
}

static void put_address(struct answer *a, unsigned owner, struct addr addr, uint32_t ttl_s)
{
    bool v4 = addr_is_v4(addr);
    uint8_t *p = put_record(a, owner, v4 ? DNS_TYPE_A : DNS_TYPE_AAAA, ttl_s, v4 ? 4 : 16);

    if (!p)
        return;
    if (v4)
        dns_put_u32_at(p, addr_v4(addr));
    else
        addr_to_bytes(addr, p);
}

/* Those of the wanted type; how many. */
static unsigned put_addresses(struct answer *a, unsigned owner, const struct dns_entry *e,
                              enum dns_type type)
{
    unsigned n = 0;

    for (const struct dns_address *x = e->addresses; x; x = x->next) {
        if (addr_is_v4(x->addr) != (type == DNS_TYPE_A))
            continue;
        put_address(a, owner, x->addr, e->zone->ttl_s);
        n++;
    }
    return n;
}

static void put_soa(struct answer *a, enum section section, uint32_t ttl_s)
{
    const struct dns_zone *z = a->zone;
    size_t data = put_names_begin(a, DNS_POINTER_BITS | apex_offset(a, z), DNS_TYPE_SOA, ttl_s);
    uint8_t *p;

    put_name(a, &z->mname);
    put_name(a, &z->rname);
    p = dns_put(&a->out, sizeof z->soa_numbers);
    if (p)
        memcpy(p, z->soa_numbers, sizeof z->soa_numbers);
    put_names_end(a, data);
    a->counts[section]++;
}

/* NODATA and NXDOMAIN alike: RFC 2308 section 3. */
static void put_negative(struct answer *a, enum dns_rcode rcode)
{
    a->rcode = rcode;
    put_soa(a, SECTION_AUTHORITY, a->zone->negative_ttl_s);
}

/* Addresses of our name servers: a help, so left out without TC where they do not fit. */
static void put_glue(struct answer *a, const struct dns_target *ns, unsigned owner)
{
    static const enum dns_type types[] = {DNS_TYPE_A, DNS_TYPE_AAAA};

    if (!ns->entry)
        return;
    for (unsigned i = 0; i < 2; i++) {
        size_t before = a->out.len;
        unsigned n = put_addresses(a, owner, ns->entry, types[i]);

        if (a->out.full) {
            a->out.len = before;
            a->out.full = false;
            return;
        }
        a->counts[SECTION_ADDITIONAL] = (uint16_t)(a->counts[SECTION_ADDITIONAL] + n);
    }
}

static void put_ns(struct answer *a)
{
    unsigned at[DNS_ZONE_NS_MAX] = {0}; /* where each name server's name was written */

    for (unsigned i = 0; i < a->zone->ns_count; i++) {
        size_t data = put_names_begin(a, POINTER_TO_QUESTION, DNS_TYPE_NS, a->zone->ttl_s);

        at[i] = (unsigned)data;
        put_name(a, &a->zone->ns[i]);
        put_names_end(a, data);
        a->counts[SECTION_ANSWER]++;
    }
    if (!a->out.full)
        for (unsigned i = 0; i < a->zone->ns_count; i++)
            put_glue(a, &a->zone->ns[i], DNS_POINTER_BITS | at[i]);
}

/* RFC 8482 section 4.2. */
static void put_hinfo(struct answer *a)
{
    static const uint8_t data[] = {7, 'R', 'F', 'C', '8', '4', '8', '2', 0};
    uint8_t *p = put_record(a, POINTER_TO_QUESTION, DNS_TYPE_HINFO, HINFO_TTL_S, sizeof data);

    if (p)
        memcpy(p, data, sizeof data);
    a->counts[SECTION_ANSWER]++;
}

static void put_txt(struct answer *a, const struct dns_service *s)
{
    uint8_t *p = put_record(a, POINTER_TO_QUESTION, DNS_TYPE_TXT, s->ttl_s, s->txt_len);

    if (p)
        memcpy(p, s->txt, s->txt_len);
    a->counts[SECTION_ANSWER]++;
}

static void put_naptr(struct answer *a)
{
    for (unsigned i = 0; i < a->zone->naptr_count; i++) {
        const struct dns_data *d = &a->zone->naptr[i];
        uint8_t *p = put_record(a, POINTER_TO_QUESTION, DNS_TYPE_NAPTR, a->zone->ttl_s, d->len);

        if (p)
            memcpy(p, d->p, d->len);
        a->counts[SECTION_ANSWER]++;
    }
}

/* ---- the decision's answers ---- */

static uint32_t ttl_of(const struct answer *a)
{
    return route_ttl(a->turn->view, a->turn->wall_ms, a->service->ttl_s);
}

static size_t put_cname(struct answer *a, const struct dns_target *t)
{
    size_t data = put_names_begin(a, POINTER_TO_QUESTION, DNS_TYPE_CNAME, ttl_of(a));

    put_name(a, t);
    put_names_end(a, data);
    a->counts[SECTION_ANSWER]++;
    return data;
}

/* What is answered when no streamer of ours is. SERVFAIL, not NODATA: that would be remembered. */
static void answer_away(struct answer *a, const struct dns_zones *zones)
{
    switch (a->r.to) {
    case ROUTE_DOWNSTREAM:
        put_cname(a, &dns_zones_downstreams(zones)[a->r.downstream]);
        return;
    case ROUTE_BYPASS:
        put_cname(a, &a->service->bypass);
        return;
    case ROUTE_DENIED:
    case ROUTE_LIMITED:
        a->rcode = DNS_REFUSED;
        return;
    case ROUTE_STREAMERS:
    case ROUTE_NOBODY:
    case ROUTE_TO_COUNT:
        break;
    }
    a->rcode = DNS_SERVFAIL;
}

/* true: it is our streamers. Otherwise the answer is written. */
static bool choose(struct answer *a, const struct dns_zones *zones, uint8_t need, uint8_t need_any,
                   uint8_t other_any, uint8_t want)
{
    a->ask = a->service->ask;
    a->ask.q.client = a->in->client;
    a->ask.q.need = need;
    a->ask.q.need_any = need_any;
    a->ask.other_need_any = other_any;
    a->ask.q.want = want;
    a->ask.can = a->may_be_alias ? ROUTE_CAN_DNS : 0;
    route(a->turn, &a->ask, &a->r);
    a->decided = true;
    a->scope = a->r.decision.scope;
    if (a->r.to == ROUTE_STREAMERS)
        return true;
    answer_away(a, zones);
    return false;
}

static bool same_address_before(const struct answer *a, unsigned i, struct addr addr, bool v4)
{
    for (unsigned k = 0; k < i; k++) {
        const struct streamer_conf *c =
            a->turn->view->streamers[a->r.decision.choice[k].streamer].conf;

        if (addr_eq(v4 ? c->v4 : c->v6, addr))
            return true;
    }
    return false;
}

/* Whose streamers keep a name from being an alias (RFC 1034 section 3.6.2) for this type, when
 * there is nobody of the wanted family: a resolver that was told of an alias uses it for both
 * types, and one that got SERVFAIL for the one may not ask for the other. Those of IPv4 for AAAA,
 * as hardly a client has IPv6 alone; for A only where IPv4 is never answered with addresses, or
 * with a name: a client of IPv4 alone would get nothing. */
static uint8_t other_family(const struct answer *a, bool v4)
{
    if (!v4)
        return STREAMER_V4;
    return a->service->can & STREAMER_V4 && a->may_be_alias && a->service->has_away ? 0
                                                                                    : STREAMER_V6;
}

/* Our streamers serve, and none of them has the family: so long as that is so. */
static void put_no_address(struct answer *a)
{
    const uint32_t ttl_s = ttl_of(a);

    put_soa(a, SECTION_AUTHORITY,
            ttl_s < a->zone->negative_ttl_s ? ttl_s : a->zone->negative_ttl_s);
}

static void answer_address(struct answer *a, const struct dns_zones *zones)
{
    bool v4 = a->q->qtype == DNS_TYPE_A;
    uint8_t need = v4 ? STREAMER_V4 : STREAMER_V6;

    if (!(a->service->can & need) && !(a->may_be_alias && a->service->has_away)) {
        put_negative(a, DNS_NOERROR); /* nobody has the family, for whichever client */
        return;
    }
    if (!choose(a, zones, need, 0, other_family(a, v4), a->service->answers))
        return;
    if (a->r.other) {
        put_no_address(a);
        return;
    }
    for (unsigned i = 0; i < a->r.decision.count; i++) {
        const struct streamer_conf *c =
            a->turn->view->streamers[a->r.decision.choice[i].streamer].conf;
        struct addr addr = v4 ? c->v4 : c->v6;

        if (same_address_before(a, i, addr, v4))
            continue; /* RFC 2181 section 5: no record twice in a set */
        put_address(a, POINTER_TO_QUESTION, addr, ttl_of(a));
        a->counts[SECTION_ANSWER]++;
    }
}

/* A CNAME answers for every type. The streamer has the family that was asked for if any has; the
 * addresses behind the CNAME follow where they are ours, unless there is a client subnet (RFC 7871
 * section 7.2.1: then the CNAME alone, as they do not depend on the client). */
static void answer_cname(struct answer *a, const struct dns_zones *zones)
{
    uint8_t need = a->q->qtype == DNS_TYPE_AAAA ? STREAMER_V6 : STREAMER_V4;
    const uint8_t any = STREAMER_V4 | STREAMER_V6;
    const struct dns_target *t;
    enum dns_type type = a->q->qtype;
    size_t data;

    /* No other alias for the one type than for the other because of a family. */
    if (!choose(a, zones, need & a->service->can, any, any, 1))
        return;
    t = &dns_zones_targets(zones)[a->r.decision.choice[0].streamer];
    data = put_cname(a, t);
    if (t->entry && !a->in->has_ecs && (type == DNS_TYPE_A || type == DNS_TYPE_AAAA)) {
        unsigned n = put_addresses(a, DNS_POINTER_BITS | (unsigned)data, t->entry, type);

        a->counts[SECTION_ANSWER] = (uint16_t)(a->counts[SECTION_ANSWER] + n);
    }
}

/* A name that exists, and what it has of the type. */
static void answer_entry(struct answer *a, const struct dns_entry *e, const struct dns_zones *zones)
{
    enum dns_type type = a->q->qtype;
    bool holds = e->apex || e->service || e->addresses;

    a->service = e->service;
    a->may_be_alias = !e->apex && !e->addresses;
    if (e->service && e->service->mode == DNS_MODE_CNAME) {
        answer_cname(a, zones);
    } else if (type == DNS_TYPE_ANY && holds) {
        put_hinfo(a);
    } else if (type == DNS_TYPE_A || type == DNS_TYPE_AAAA) {
        if (e->service) {
            answer_address(a, zones);
            return;
        }
        a->counts[SECTION_ANSWER] = (uint16_t)put_addresses(a, POINTER_TO_QUESTION, e, type);
    } else if (type == DNS_TYPE_SOA && e->apex) {
        put_soa(a, SECTION_ANSWER, a->zone->ttl_s);
    } else if (type == DNS_TYPE_NS && e->apex) {
        put_ns(a);
    } else if (type == DNS_TYPE_NAPTR && e->apex) {
        put_naptr(a);
    } else if (type == DNS_TYPE_TXT && e->service && e->service->txt_len) {
        put_txt(a, e->service);
    }
    if (a->counts[SECTION_ANSWER] == 0 && a->rcode == DNS_NOERROR && !a->out.full)
        put_negative(a, DNS_NOERROR);
}

static void answer_query(struct answer *a)
{
    const struct dns_zones *zones = a->turn->view->part[VIEW_PART_DNS];
    const struct dns_found found = a->in->found;

    if (a->q->qclass != DNS_CLASS_IN) {
        a->rcode = DNS_REFUSED;
        return;
    }
    if (a->q->qtype == DNS_TYPE_OPT) {
        a->rcode = DNS_FORMERR;
        return;
    }
    if (a->q->qtype >= DNS_TYPE_META_FIRST && a->q->qtype <= DNS_TYPE_META_LAST) {
        bool transfer = a->q->qtype == DNS_TYPE_AXFR || a->q->qtype == DNS_TYPE_IXFR;

        a->rcode = transfer ? DNS_REFUSED : DNS_NOTIMP;
        return;
    }
    if (!found.zone) {
        a->rcode = DNS_REFUSED;
        return;
    }
    a->zone = found.zone;
    a->flags |= DNS_AA;
    if (!found.entry) {
        put_negative(a, DNS_NXDOMAIN);
    } else if (a->q->qtype == DNS_TYPE_DS && found.entry->apex && found.zone->parent) {
        /* RFC 4035 section 3.1.4.1: DS lives above the cut; nobody signs here yet. */
        a->zone = found.zone->parent;
        put_negative(a, DNS_NOERROR);
    } else {
        answer_entry(a, found.entry, zones);
    }
    if (a->rcode == DNS_SERVFAIL || a->rcode == DNS_REFUSED)
        a->flags &= (uint16_t)~DNS_AA;
}

/* ---- the message around it ---- */

static size_t opt_len(const struct dns_asked *in)
{
    if (!in->q.has_opt)
        return 0;
    return DNS_OPT_LEN + (in->has_ecs ? 4u + in->ecs.len : 0);
}

static void put_opt(struct answer *a)
{
    uint8_t *p = a->out.p + a->out.len;
    size_t options = 0;

    p[0] = 0;
    dns_put_u16_at(p + 1, DNS_TYPE_OPT);
    dns_put_u16_at(p + 3, a->conf->udp_bytes_max);
    p[5] = (uint8_t)((unsigned)a->rcode >> 4);
    p[6] = 0;
    dns_put_u16_at(p + 7, a->q->dnssec_ok ? DNS_OPT_FLAG_DO : 0); /* RFC 3225 section 3 */
    if (a->in->has_ecs)
        options =
            dns_ecs_encode(&a->in->ecs, dns_ecs_scope(&a->in->ecs, a->scope), p + DNS_OPT_LEN);
    dns_put_u16_at(p + 9, (unsigned)options);
    a->out.len += DNS_OPT_LEN + options;
    a->counts[SECTION_ADDITIONAL]++;
}

static void put_header(const struct answer *a)
{
    uint8_t *p = a->out.p;
    unsigned flags = DNS_QR | (a->q->flags & (DNS_OPCODE | DNS_RD | DNS_CD)) | a->flags |
                     ((unsigned)a->rcode & 0xf);

    dns_put_u16_at(p, a->q->id);
    dns_put_u16_at(p + 2, flags);
    dns_put_u16_at(p + 4, a->q->question_len ? 1 : 0);
    for (unsigned i = 0; i < SECTIONS; i++)
        dns_put_u16_at(p + 6 + 2 * i, a->counts[i]);
}

static size_t limit_get(const struct dns_asked *in, const struct dns_conf *conf, bool tcp,
                        size_t out_max)
{
    size_t limit = tcp ? UINT16_MAX : DNS_UDP_BYTES_MIN;

    if (!tcp && in->q.has_opt) {
        size_t both = in->q.udp_bytes < conf->udp_bytes_max ? in->q.udp_bytes : conf->udp_bytes_max;

        if (both > limit)
            limit = both; /* RFC 6891 section 6.2.3: less than 512 means 512 */
    }
    return limit < out_max ? limit : out_max;
}

static void count(const struct answer *a, bool tcp)
{
    static const enum metric by_rcode[] = {
        [DNS_NOERROR] = METRIC_DNS_NOERROR,   [DNS_FORMERR] = METRIC_DNS_FORMERR,
        [DNS_SERVFAIL] = METRIC_DNS_SERVFAIL, [DNS_NXDOMAIN] = METRIC_DNS_NXDOMAIN,
        [DNS_NOTIMP] = METRIC_DNS_NOTIMP,     [DNS_REFUSED] = METRIC_DNS_REFUSED,
        [DNS_BADVERS] = METRIC_DNS_BADVERS,
    };
    struct metrics *m = a->turn->metrics;

    metric_add(m, tcp ? METRIC_DNS_QUERIES_TCP : METRIC_DNS_QUERIES_UDP, 1);
    metric_add(m, by_rcode[a->rcode], 1);
    if (a->in->has_ecs)
        metric_add(m, METRIC_DNS_SUBNET, 1);
    if (a->truncated)
        metric_add(m, METRIC_DNS_TRUNCATED, 1);
}

static void write_note(const struct answer *a, const uint8_t *query)
{
    struct turn *t = a->turn;
    struct note *n = note_begin(t->notes);
    char text[DNS_NAME_TEXT_MAX];
    size_t len = 0;

    if (!n)
        return;
    *n = (struct note){
        .wall_ms = t->wall_ms,
        .serial = t->view->serial,
        .client = a->in->client,
        .took_us = (uint32_t)(clock_us() - t->now_us),
        .status = (uint16_t)a->rcode,
        .kind = NOTE_DNS,
        .cost = __builtin_nanf(""),
    };
    if (a->decided)
        note_route(n, t->view, a->service->service, &a->r);
    if (a->q->question_len)
        len = dns_name_format(query + DNS_HEADER_LEN, text, sizeof text);
    n->name_len = (uint8_t)(len < NOTE_NAME_MAX ? len : NOTE_NAME_MAX);
    memcpy(n->name, text, n->name_len);
    note_commit(t->notes);
}

/* All but out, and ask and r, which are large. */
static void begin(struct answer *a, struct turn *t, const struct dns_conf *conf,
                  const struct dns_asked *in)
{
    a->turn = t;
    a->conf = conf;
    a->zone = NULL;
    a->service = NULL;
    a->in = in;
    a->q = &in->q;
    a->truncated = a->decided = a->may_be_alias = false;
    a->scope = 0;
    a->rcode = in->rcode;
    a->flags = 0;
    memset(a->counts, 0, sizeof a->counts);
}

static size_t compose(struct turn *t, const struct dns_conf *conf, const struct dns_asked *in,
                      bool tcp, const uint8_t *query, uint8_t *out, size_t out_max)
{
    const size_t head = DNS_HEADER_LEN + in->q.question_len;
    const size_t opt = opt_len(in); /* its place is kept free: no answer pushes it out */
    UNINITIALIZED struct answer a;

    begin(&a, t, conf, in);
    a.out =
        (struct dns_out){.p = out, .len = head, .limit = limit_get(in, conf, tcp, out_max) - opt};
    memcpy(out + DNS_HEADER_LEN, query + DNS_HEADER_LEN, in->q.question_len);
    if (a.rcode == DNS_NOERROR)
        answer_query(&a);
    if (a.out.full) {
        /* RFC 2181 section 9: not half a set; the question stays. */
        a.truncated = true;
        a.flags |= DNS_TC;
        a.out.len = head;
        memset(a.counts, 0, sizeof a.counts);
    }
    /* A session is believed to begin at the first address of an answer; which of the others a
     * client takes, and how many clients a resolver serves from its cache, nobody tells us. */
    if (a.decided && !a.truncated && a.counts[SECTION_ANSWER] > 0)
        route_sent(t, &a.ask, &a.r);
    if (opt)
        put_opt(&a);
    put_header(&a);
    count(&a, tcp);
    if (t->notes)
        write_note(&a, query);
    return a.out.len;
}

void dns_answer_read(const struct dns_conf *conf, struct addr client, const uint8_t *query,
                     size_t n, struct dns_asked *out)
{
    out->rcode = dns_query_parse(query, n, &out->q);
    out->client = client;
    out->has_ecs = false;
    /* RFC 7871 section 7.2.1: an answer carries the option if, and only if, the query did. */
    if (out->rcode != DNS_NOERROR || !conf->client_subnet || !out->q.ecs)
        return;
    out->has_ecs = dns_ecs_parse(out->q.ecs, out->q.ecs_len, &out->ecs);
    if (!out->has_ecs)
        out->rcode = DNS_FORMERR;
    else if (out->ecs.source)
        out->client = out->ecs.addr;
}

void dns_answer_find(const struct turn *t, struct dns_asked *in)
{
    const struct dns_entry *e;

    if (in->rcode != DNS_NOERROR)
        return;
    in->found =
        dns_zones_find(t->view->part[VIEW_PART_DNS], in->q.name, in->q.name_len, in->q.labels);
    e = in->found.entry;
    if (e && e->service)
        route_sent_prefetch(t, in->client, e->service->ask.q.content);
}

size_t dns_answer_write(struct turn *t, const struct dns_conf *conf, const struct dns_asked *in,
                        bool tcp, const uint8_t *query, uint8_t *out, size_t out_max)
{
    if (in->rcode != DNS_DROP && out_max >= DNS_UDP_BYTES_MIN)
        return compose(t, conf, in, tcp, query, out, out_max);
    metric_add(t->metrics, METRIC_DNS_DROPPED, 1);
    return 0;
}

size_t dns_answer(struct turn *t, const struct dns_conf *conf, struct addr client, bool tcp,
                  const uint8_t *query, size_t n, uint8_t *out, size_t out_max)
{
    UNINITIALIZED struct dns_asked in;

    dns_answer_read(conf, client, query, n, &in);
    dns_answer_find(t, &in);
    return dns_answer_write(t, conf, &in, tcp, query, out, out_max);
}
