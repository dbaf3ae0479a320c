#include "dns/dns_zone.h"

#include "base/hash.h"
#include "dns/dns_server.h"
#include "router/candidates.h"

struct slot {
    uint64_t hash;
    struct dns_entry *entry;
};

/* Open addressing; at most half full. */
struct dns_zones {
    struct slot *slots;
    size_t mask;
    unsigned labels_max; /* of any name: longer ones are cut before the first look */
    const struct dns_target *targets, *downstreams;
};

/* ---- finding ---- */

static struct dns_entry *table_get(const struct dns_zones *z, const uint8_t *name, unsigned len)
{
    uint64_t hash = hash_content(name, len);

    for (size_t i = hash & z->mask; z->slots[i].entry; i = (i + 1) & z->mask) {
        struct dns_entry *e = z->slots[i].entry;

        if (z->slots[i].hash == hash && e->name.len == len && memcmp(e->name.wire, name, len) == 0)
            return e;
    }
    return NULL;
}

static void table_put(struct dns_zones *z, struct dns_entry *e)
{
    uint64_t hash = hash_content(e->name.wire, e->name.len);
    size_t i = hash & z->mask;

    while (z->slots[i].entry)
        i = (i + 1) & z->mask;
    z->slots[i] = (struct slot){hash, e};
}

struct dns_found dns_zones_find(const struct dns_zones *z, const uint8_t *name, unsigned len,
                                unsigned labels)
{
    bool whole = true;

    if (!z)
        return (struct dns_found){0};
    for (;; labels--, whole = false) {
        if (labels <= z->labels_max) {
            const struct dns_entry *e = table_get(z, name, len);

            if (e)
                return (struct dns_found){e->zone, whole ? e : e->wildcard};
        }
        if (labels == 0)
            return (struct dns_found){0};
        len -= *name + 1u;
        name += *name + 1u;
    }
}

const struct dns_target *dns_zones_targets(const struct dns_zones *z)
{
    return z->targets;
}

const struct dns_target *dns_zones_downstreams(const struct dns_zones *z)
{
    return z->downstreams;
}

/* ---- building ---- */

struct builder {
    struct view *view;
    struct arena *arena;
    const struct dns_conf *conf;
    struct dns_zones *out;
    struct dns_zone *zones;       /* [conf->zone_count] */
    struct dns_service *services; /* [view->service_count] */
    struct key_scratch *scratch;
};

static enum err_code full(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no room left in the view");
}

static unsigned labels_in(struct str name)
{
    unsigned n = 1;

    for (size_t i = 0; i < name.n; i++)
        n += name.p[i] == '.';
    return n;
}

/* Slots for every label of every name: an upper bound, as names share their ancestors. */
static bool table_init(struct builder *b)
{
    size_t names = 1, slots = 16;

    for (size_t i = 0; i < b->conf->zone_count; i++) {
        names += labels_in(b->conf->zones[i].name);
        for (size_t k = 0; k < b->conf->zones[i].ns_count; k++)
            names += labels_in(b->conf->zones[i].ns[k].name);
    }
    for (svidx i = 0; i < b->view->service_count; i++)
        for (size_t k = 0; k < b->view->services[i].conf->host_count; k++)
            names += labels_in(b->view->services[i].conf->hosts[k]);
    for (sidx i = 0; i < b->view->streamer_count; i++)
        names += labels_in(b->view->streamers[i].conf->host);
    while (slots < 2 * names)
        slots *= 2;
    b->out->slots = arena_array(b->arena, slots, sizeof *b->out->slots);
    b->out->mask = slots - 1;
    return b->out->slots != NULL;
}

/* name less its first label. */
static struct dns_name name_parent(struct dns_name n)
{
    unsigned skip = n.wire[0] + 1u;

    return (struct dns_name){n.wire + skip, (uint8_t)(n.len - skip), (uint8_t)(n.labels - 1)};
}

/* The zone that a name lies in: of its closest ancestor in the table, which knows, once all apexes
 * are there. */
static const struct dns_zone *zone_of(const struct builder *b, struct dns_name n)
{
    for (;; n = name_parent(n)) {
        const struct dns_entry *e = table_get(b->out, n.wire, n.len);

        if (e)
            return e->zone;
        if (n.labels == 0)
            return NULL;
    }
}

/* The entry of a name inside zone, made with all that stand between it and the apex. */
static struct dns_entry *entry_get(struct builder *b, struct dns_name name,
                                   const struct dns_zone *zone)
{
    struct dns_entry *below = NULL, *first = NULL;

    for (struct dns_name n = name;; n = name_parent(n)) {
        struct dns_entry *e = table_get(b->out, n.wire, n.len);
        bool there = e != NULL;

        if (!there) {
            e = arena_array(b->arena, 1, sizeof *e);
            if (!e)
                return NULL;
            *e = (struct dns_entry){.name = n, .zone = zone};
            table_put(b->out, e);
            if (n.labels > b->out->labels_max)
                b->out->labels_max = n.labels;
        }
        if (below && below->name.wire[0] == 1 && below->name.wire[1] == '*')
            e->wildcard = below;
        if (!first)
            first = e;
        if (there || n.len == zone->apex.len)
            return first;
        below = e;
    }
}

static enum err_code address_add(struct builder *b, struct dns_entry *to, struct addr a,
                                 struct err *e)
{
    struct dns_address **last = &to->addresses, *add;

    for (; *last; last = &(*last)->next)
        if (addr_eq((*last)->addr, a))
            return ERR_OK;
    add = arena_array(b->arena, 1, sizeof *add);
    if (!add)
        return full(e);
    add->addr = a;
    *last = add;
    return ERR_OK;
}

/* A host with addresses of its own: a streamer's or a name server's. Outside our zones it is only
 * a name to point to. */
static enum err_code target_make(struct builder *b, struct str host, const struct addr *v4,
                                 const struct addr *v6, struct dns_target *out, struct err *e)
{
    enum err_code rc = dns_name_parse(host, b->arena, &out->name, e);
    struct dns_entry *entry;

    if (rc != ERR_OK)
        return rc;
    out->zone = zone_of(b, out->name);
    if (!out->zone)
        return ERR_OK;
    entry = entry_get(b, out->name, out->zone);
    if (!entry)
        return full(e);
    out->entry = entry;
    if (v4)
        rc = address_add(b, entry, *v4, e);
    if (rc == ERR_OK && v6)
        rc = address_add(b, entry, *v6, e);
    return rc;
}

static enum err_code apex_add(struct builder *b, size_t i, struct err *e)
{
    const struct dns_zone_conf *conf = &b->conf->zones[i];
    struct dns_zone *zone = &b->zones[i];
    struct dns_entry *entry;
    enum err_code rc = dns_name_parse(conf->name, b->arena, &zone->apex, e);

    if (rc != ERR_OK)
        return rc;
    if (zone->apex.wire[1] == '*' && zone->apex.wire[0] == 1)
        return err_set(e, ERR_PARSE, "a zone's name has no wildcard");
    if (table_get(b->out, zone->apex.wire, zone->apex.len))
        return err_set(e, ERR_CONFLICT, "there are two zones of this name");
    if (conf->ns_count == 0)
        return err_set(e, ERR_CONFLICT, "a zone needs at least one name server");
    if (conf->ns_count > DNS_ZONE_NS_MAX)
        return err_set(e, ERR_LIMIT, "%zu name servers, at most %u", conf->ns_count,
                       DNS_ZONE_NS_MAX);
    if (conf->ttl_s > DNS_TTL_MAX || conf->negative_ttl_s > DNS_TTL_MAX)
        return err_set(e, ERR_LIMIT, "a TTL is at most %d s", DNS_TTL_MAX);
    entry = entry_get(b, zone->apex, zone);
    if (!entry)
        return full(e);
    entry->apex = true;
    return ERR_OK;
}

/* A character string at p, and what is behind it. */
static uint8_t *put_string(uint8_t *p, struct str a, struct str b, struct str c)
{
    *p++ = (uint8_t)(a.n + b.n + c.n);
    memcpy(p, a.p, a.n);
    memcpy(p + a.n, b.p, b.n);
    memcpy(p + a.n + b.n, c.p, c.n);
    return p + a.n + b.n + c.n;
}

#define NAPTR_ORDER 100u

/* U-NAPTR of an ALTO server (RFC 7286 section 3.2, RFC 4848): order, preference, flags, service,
 * regular expression, no replacement. */
static enum err_code naptr_make(struct builder *b, struct str uri, size_t i, struct dns_data *out,
                                struct err *e)
{
    const bool tls = uri.n >= 8 && strncmp(uri.p, "https://", 8) == 0;
    const struct str none = STR("");
    uint8_t *to = arena_alloc(b->arena, 4 + 2 + 11 + uri.n + 6 + 1), *p = to;

    if (!to)
        return full(e);
    if (!tls && (uri.n < 7 || strncmp(uri.p, "http://", 7) != 0))
        return err_set(e, ERR_PARSE, "alto: \"%.*s\" is no URI of HTTP; write https://host/path",
                       (int)uri.n, uri.p);
    if (uri.n > DNS_ALTO_URI_MAX || memchr(uri.p, '!', uri.n) || memchr(uri.p, '\\', uri.n))
        return err_set(e, ERR_PARSE,
                       "alto: \"%.*s\": a URI of at most %u bytes without ! and \\ fits a record",
                       (int)uri.n, uri.p, DNS_ALTO_URI_MAX);
    dns_put_u16_at(p, NAPTR_ORDER);
    dns_put_u16_at(p + 2, (unsigned)(10 * (i + 1)));
    p = put_string(p + 4, STR("u"), none, none);
    p = put_string(p, STR("ALTO:"), tls ? STR("https") : STR("http"), none);
    p = put_string(p, STR("!.*!"), uri, STR("!"));
    *p++ = 0; /* the root */
    *out = (struct dns_data){to, (uint16_t)(p - to)};
    return ERR_OK;
}

static enum err_code naptr_add(struct builder *b, const struct dns_zone_conf *conf,
                               struct dns_zone *zone, struct err *e)
{
    struct dns_data *all = arena_array(b->arena, conf->alto_count + 1, sizeof *all);
    enum err_code rc = ERR_OK;

    if (!all)
        return full(e);
    if (conf->alto_count > DNS_ZONE_ALTO_MAX)
        return err_set(e, ERR_LIMIT, "alto: %zu URIs, at most %u", conf->alto_count,
                       DNS_ZONE_ALTO_MAX);
    for (size_t i = 0; rc == ERR_OK && i < conf->alto_count; i++)
        rc = naptr_make(b, conf->alto[i], i, &all[i], e);
    zone->naptr = all;
    zone->naptr_count = (unsigned)conf->alto_count;
    return rc;
}

/* SOA and NS, once the apexes of all zones are in the table. */
static enum err_code zone_fill(struct builder *b, size_t i, struct err *e)
{
    const struct dns_zone_conf *conf = &b->conf->zones[i];
    struct dns_zone *zone = &b->zones[i];
    struct dns_target *ns = arena_array(b->arena, conf->ns_count, sizeof *ns);
    const uint32_t numbers[5] = {
        conf->soa_serial ? conf->soa_serial : (uint32_t)b->view->serial,
        conf->refresh_s,
        conf->retry_s,
        conf->expire_s,
        conf->negative_ttl_s,
    };
    enum err_code rc = ERR_OK;
    struct str rname = conf->soa_rname;

    if (!ns)
        return full(e);
    zone->parent = zone_of(b, name_parent(zone->apex));
    /* The cut exists in the parent too, so what stands between is not NXDOMAIN there (RFC 8020). */
    if (zone->parent && !entry_get(b, name_parent(zone->apex), zone->parent))
        return full(e);
    zone->ns = ns;
    zone->ns_count = (unsigned)conf->ns_count;
    zone->ttl_s = conf->ttl_s;
    zone->negative_ttl_s = conf->negative_ttl_s < conf->ttl_s ? conf->negative_ttl_s : conf->ttl_s;
    for (unsigned k = 0; k < 5; k++)
        dns_put_u32_at(zone->soa_numbers + 4 * k, numbers[k]);
    for (size_t k = 0; rc == ERR_OK && k < conf->ns_count; k++) {
        const struct dns_ns_conf *c = &conf->ns[k];

        rc = target_make(b, c->name, c->has_v4 ? &c->v4 : NULL, c->has_v6 ? &c->v6 : NULL, &ns[k],
                         e);
        if (rc != ERR_OK)
            err_wrap(e, "name server");
    }
    if (rc == ERR_OK && conf->soa_mname.n == 0)
        zone->mname = ns[0];
    else if (rc == ERR_OK)
        rc = dns_name_parse(conf->soa_mname, b->arena, &zone->mname.name, e);
    if (rc == ERR_OK && rname.n == 0) {
        rname.p = arena_printf(b->arena, "hostmaster.%.*s", (int)conf->name.n, conf->name.p);
        rname.n = rname.p ? strlen(rname.p) : 0;
    }
    if (rc == ERR_OK)
        rc = dns_name_parse(rname, b->arena, &zone->rname.name, e);
    if (rc == ERR_OK)
        rc = naptr_add(b, conf, zone, e);
    if (rc == ERR_OK) {
        zone->mname.zone = zone_of(b, zone->mname.name);
        zone->rname.zone = zone_of(b, zone->rname.name);
    }
    return rc;
}

/* A name server inside our zones must have an address: nobody else can give it. After the
 * streamers, whose host it may be. */
static enum err_code zone_check_glue(const struct builder *b, size_t i, struct err *e)
{
    const struct dns_zone *zone = &b->zones[i];

    for (unsigned k = 0; k < zone->ns_count; k++) {
        const struct dns_entry *entry = zone->ns[k].entry;
        char text[DNS_NAME_TEXT_MAX];

        if (entry && !entry->addresses) {
            dns_name_format(zone->ns[k].name.wire, text, sizeof text);
            return err_set(e, ERR_CONFLICT,
                           "name server %s lies in a zone of ours: it needs an address here", text);
        }
    }
    return ERR_OK;
}

static enum err_code zones_add(struct builder *b, struct err *e)
{
    enum err_code rc = ERR_OK;
    size_t i = 0;

    for (i = 0; rc == ERR_OK && i < b->conf->zone_count; i++)
        rc = apex_add(b, i, e);
    if (rc == ERR_OK)
        for (i = 0; rc == ERR_OK && i < b->conf->zone_count; i++)
            rc = zone_fill(b, i, e);
    if (rc != ERR_OK)
        err_wrap(e, "zone %.*s", (int)b->conf->zones[i - 1].name.n, b->conf->zones[i - 1].name.p);
    return rc;
}

static enum err_code streamers_add(struct builder *b, struct err *e)
{
    struct dns_target *t = arena_array(b->arena, b->view->streamer_count, sizeof *t);

    if (!t)
        return full(e);
    b->out->targets = t;
    for (sidx i = 0; i < b->view->streamer_count; i++) {
        const struct streamer_conf *c = b->view->streamers[i].conf;
        struct addr literal;
        enum err_code rc;

        if (c->host.n == 0 || addr_parse(c->host.p, c->host.n, &literal, NULL) == ERR_OK)
            continue;
        rc = target_make(b, c->host, c->can & STREAMER_V4 ? &c->v4 : NULL,
                         c->can & STREAMER_V6 ? &c->v6 : NULL, &t[i], e);
        if (rc != ERR_OK) {
            err_wrap(e, "streamer %.*s: host", (int)c->name.n, c->name.p);
            return rc;
        }
    }
    return ERR_OK;
}

static enum err_code downstreams_add(struct builder *b, struct err *e)
{
    struct dns_target *t = arena_array(b->arena, b->view->downstream_count, sizeof *t);

    if (!t)
        return full(e);
    b->out->downstreams = t;
    for (uint16_t i = 0; i < b->view->downstream_count; i++) {
        const struct downstream_conf *c = b->view->downstreams[i].conf;
        enum err_code rc = ERR_OK;

        if (c->dns_cname.n)
            rc = target_make(b, c->dns_cname, NULL, NULL, &t[i], e);
        if (rc != ERR_OK) {
            err_wrap(e, "downstream CDN %.*s: dns_cname", (int)c->name.n, c->name.p);
            return rc;
        }
    }
    return ERR_OK;
}

/* Character strings of at most 255 bytes (RFC 1035 section 3.3.14). */
static enum err_code txt_make(struct builder *b, struct str text, struct dns_service *s,
                              struct err *e)
{
    size_t strings = (text.n + 254) / 255;
    uint8_t *to;

    if (text.n > DNS_TXT_BYTES_MAX)
        return err_set(e, ERR_LIMIT, "dns.txt: %zu bytes, at most %u", text.n, DNS_TXT_BYTES_MAX);
    to = arena_alloc(b->arena, text.n + strings);
    if (!to)
        return full(e);
    s->txt = to;
    s->txt_len = (uint16_t)(text.n + strings);
    for (size_t at = 0; at < text.n; at += 255) {
        size_t n = text.n - at < 255 ? text.n - at : 255;

        *to++ = (uint8_t)n;
        memcpy(to, text.p + at, n);
        to += n;
    }
    return ERR_OK;
}

static bool has_away(const struct builder *b, const struct dns_service *s)
{
    const struct view_service *v = &b->view->services[s->service];

    for (uint16_t i = 0; i < v->downstream_count && !v->conf->delegated; i++)
        if (b->view->downstreams[v->downstreams[i]].conf->dns_cname.n)
            return true;
    return s->bypass.name.len > 0;
}

/* A service in CNAME mode needs a host of each of its streamers. */
static enum err_code hosts_check(const struct builder *b, const struct dns_service *s,
                                 struct err *e)
{
    const struct service_conf *c = b->view->services[s->service].conf;
    size_t n = c->streamer_count ? c->streamer_count : b->view->streamer_count;

    for (size_t i = 0; i < n && s->mode == DNS_MODE_CNAME; i++) {
        sidx k = c->streamer_count ? view_find_streamer(b->view, c->streamers[i]) : (sidx)i;
        const struct streamer_conf *sc;

        if (k == SIDX_NONE)
            continue; /* view_build has refused it already */
        sc = b->view->streamers[k].conf;
        if (b->out->targets[k].name.len == 0)
            return err_set(e, ERR_CONFLICT,
                           "dns.mode cname: streamer %.*s has no host name to point to",
                           (int)sc->name.n, sc->name.p);
    }
    return ERR_OK;
}

static enum err_code bypass_make(struct builder *b, struct str host, struct dns_service *s,
                                 struct err *e)
{
    enum err_code rc = target_make(b, host, NULL, NULL, &s->bypass, e);

    if (rc != ERR_OK)
        err_wrap(e, "bypass dns_cname");
    return rc;
}

static enum err_code service_make(struct builder *b, svidx i, struct err *e)
{
    const struct service_conf *c = b->view->services[i].conf;
    struct dns_service *s = &b->services[i];

    *s = (struct dns_service){
        .service = i,
        .mode = c->dns.mode,
        .answers = c->dns.answers,
        .can = b->view->services[i].candidates->can,
        .ttl_s = c->dns.ttl_s,
    };
    s->ask.q.service = i;
    route_content(b->view, &s->ask, STR("/"), (struct str){0}, b->scratch);
    if (c->bypass.dns_cname.n && bypass_make(b, c->bypass.dns_cname, s, e) != ERR_OK)
        return e->code;
    s->has_away = has_away(b, s);
    if (s->answers < 1 || s->answers > DECISION_MAX)
        return err_set(e, ERR_LIMIT, "dns.answers: %u, must be 1 to %u", s->answers, DECISION_MAX);
    if (s->ttl_s > DNS_TTL_MAX)
        return err_set(e, ERR_LIMIT, "dns.ttl: at most %d s", DNS_TTL_MAX);
    if (txt_make(b, c->dns.txt, s, e) != ERR_OK)
        return e->code;
    return hosts_check(b, s, e);
}

/* DNS has no path: of several services on one host, the one for the most paths answers. */
static bool service_before(const struct builder *b, const struct dns_service *new,
                           const struct dns_service *old)
{
    return b->view->services[new->service].conf->path_prefix.n <
           b->view->services[old->service].conf->path_prefix.n;
}

static enum err_code host_add(struct builder *b, const struct dns_service *s, struct str host,
                              struct err *e)
{
    struct dns_name name;
    const struct dns_zone *zone;
    struct dns_entry *entry;
    enum err_code rc = dns_name_parse(host, b->arena, &name, e);

    if (rc != ERR_OK)
        return rc;
    zone = zone_of(b, name);
    if (!zone)
        return ERR_OK; /* HTTP's alone */
    entry = entry_get(b, name, zone);
    if (!entry)
        return full(e);
    if (entry->service && !service_before(b, s, entry->service))
        return ERR_OK;
    entry->service = s;
    return ERR_OK;
}

/* RFC 1034 section 3.6.2: where a CNAME is, nothing else is. */
static enum err_code cnames_check(const struct builder *b, struct err *e)
{
    for (size_t i = 0; i <= b->out->mask; i++) {
        const struct dns_entry *n = b->out->slots[i].entry;
        char text[DNS_NAME_TEXT_MAX];
        struct str service;

        if (!n || !n->service || n->service->mode != DNS_MODE_CNAME)
            continue;
        if (!n->apex && !n->addresses)
            continue;
        service = b->view->services[n->service->service].conf->name;
        dns_name_format(n->name.wire, text, sizeof text);
        return err_set(e, ERR_CONFLICT, "service %.*s: dns.mode cname: %s is %s; use mode address",
                       (int)service.n, service.p, text,
                       n->apex ? "a zone's apex, which cannot be a CNAME"
                               : "the host of a streamer or name server");
    }
    return ERR_OK;
}

/* A name of ours to which somebody is sent away must lead on: nobody else answers for it, and the
 * service itself would send him there again. */
static bool leads_on(const struct dns_target *t, const struct dns_service *from)
{
    const struct dns_entry *n = t->entry;

    return !n || n->addresses || (n->service && n->service != from);
}

static enum err_code away_check(const struct builder *b, struct err *e)
{
    for (svidx i = 0; i < b->view->service_count; i++) {
        const struct service_conf *c = b->view->services[i].conf;

        if (!leads_on(&b->services[i].bypass, &b->services[i]))
            return err_set(e, ERR_CONFLICT,
                           "service %.*s: bypass dns_cname: %.*s lies in a zone of ours, and only "
                           "this service answers for it, if any; name a host that others serve",
                           (int)c->name.n, c->name.p, (int)c->bypass.dns_cname.n,
                           c->bypass.dns_cname.p);
    }
    for (uint16_t i = 0; i < b->view->downstream_count; i++) {
        const struct downstream_conf *c = b->view->downstreams[i].conf;

        if (!leads_on(&b->out->downstreams[i], NULL))
            return err_set(e, ERR_CONFLICT,
                           "downstream CDN %.*s: dns_cname: %.*s lies in a zone of ours, and "
                           "nobody answers for it there",
                           (int)c->name.n, c->name.p, (int)c->dns_cname.n, c->dns_cname.p);
    }
    return ERR_OK;
}

static enum err_code services_add(struct builder *b, struct err *e)
{
    b->services = arena_array(b->arena, b->view->service_count, sizeof *b->services);
    if (!b->services)
        return full(e);
    for (svidx i = 0; i < b->view->service_count; i++) {
        const struct service_conf *c = b->view->services[i].conf;
        enum err_code rc = service_make(b, i, e);

        for (size_t k = 0; rc == ERR_OK && k < c->host_count; k++)
            rc = host_add(b, &b->services[i], c->hosts[k], e);
        if (rc != ERR_OK) {
            err_wrap(e, "service %.*s", (int)c->name.n, c->name.p);
            return rc;
        }
    }
    if (away_check(b, e) != ERR_OK)
        return e->code;
    return cnames_check(b, e);
}

static enum err_code build(struct builder *b, struct err *e)
{
    enum err_code rc;

    b->out = arena_array(b->arena, 1, sizeof *b->out);
    b->zones = arena_array(b->arena, b->conf->zone_count, sizeof *b->zones);
    if (!b->out || !b->zones || !table_init(b))
        return full(e);
    rc = zones_add(b, e);
    if (rc == ERR_OK)
        rc = streamers_add(b, e);
    if (rc == ERR_OK)
        rc = downstreams_add(b, e);
    for (size_t i = 0; rc == ERR_OK && i < b->conf->zone_count; i++) {
        rc = zone_check_glue(b, i, e);
        if (rc != ERR_OK)
            err_wrap(e, "zone %.*s", (int)b->conf->zones[i].name.n, b->conf->zones[i].name.p);
    }
    if (rc == ERR_OK)
        rc = services_add(b, e);
    return rc;
}

enum err_code dns_zone_build(struct view *v, const struct dns_conf *conf, struct err *e)
{
    struct builder b = {.view = v, .arena = v->arena, .conf = conf};
    struct err local = {0};
    enum err_code rc;

    if (!e)
        e = &local;
    b.scratch = key_scratch_new();
    rc = b.scratch ? build(&b, e) : full(e);
    key_scratch_free(b.scratch);
    if (rc == ERR_OK)
        v->part[VIEW_PART_DNS] = b.out;
    else
        err_wrap(e, "dns");
    return rc;
}

void dns_conf_default(struct dns_conf *c)
{
    *c = (struct dns_conf){
        .udp_bytes_max = 1232,
        .client_subnet = true,
        .tcp_idle_ms = 10000,
        .tcp_connections_max = 1000,
    };
}
