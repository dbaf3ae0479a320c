#include "router/admit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "router/buckets.h"
#include "router/candidates.h"
#include "router/fci.h"
#include "router/geo.h"

#define LETTERS   26u
#define COUNTRIES (LETTERS * LETTERS)

#define SLACK_MAX 0x1p62 /* for ever, in either unit of time */

struct list {
    bool any; /* it has an entry */
    bool anonymous;
    bool has_countries;
    uint64_t countries[(COUNTRIES + 63) / 64];
    const uint32_t *asns; /* [asn_count], ascending */
    size_t asn_count;
    const struct lpm *prefixes; /* NULL: none */
};

struct admit_rules {
    struct list allow, deny;
    struct bucket_rate client, service; /* interval 0: no limit */
    uint8_t client_v4_len, client_v6_len;
    double sessions_max;
};

const char *admitted_name(enum admitted a)
{
    static const char *const names[] = {[ADMIT_YES] = "yes",
                                        [ADMIT_DENIED] = "denied",
                                        [ADMIT_LIMITED] = "limited",
                                        [ADMIT_FULL] = "full"};

    return names[a];
}

static unsigned country_number(const char *two)
{
    return (unsigned)(two[0] - 'a') * LETTERS + (unsigned)(two[1] - 'a');
}

static enum err_code out_of_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "admission does not fit the %zu MiB that a view may have",
                   VIEW_BYTES_MAX >> 20);
}

static int by_asn(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static enum err_code countries_build(const struct admit_list *c, struct list *l, struct err *e)
{
    for (size_t i = 0; i < c->country_count; i++) {
        struct str s = c->countries[i];
        char shown[32];

        if (!footprint_country_is(s))
            return err_set(e, ERR_PARSE, "country \"%s\" is not two lower case letters, as \"de\"",
                           bytes_escape(s.p, s.n, shown, sizeof shown));
        l->countries[country_number(s.p) / 64] |= UINT64_C(1) << country_number(s.p) % 64;
        l->has_countries = true;
    }
    return ERR_OK;
}

static enum err_code prefixes_build(const struct view *v, const struct admit_list *c,
                                    struct list *l, struct err *e)
{
    struct lpm_entry *entries;
    enum err_code rc;

    if (c->prefix_count == 0)
        return ERR_OK;
    entries = calloc(c->prefix_count, sizeof *entries);
    if (!entries)
        return out_of_memory(e);
    for (size_t i = 0; i < c->prefix_count; i++)
        entries[i].prefix = c->prefixes[i];
    rc = lpm_build(entries, c->prefix_count, v->arena, &l->prefixes, e);
    free(entries);
    return rc;
}

static enum err_code list_build(const struct view *v, const struct admit_list *c, struct list *l,
                                struct err *e)
{
    uint32_t *asns = arena_array(v->arena, c->asn_count, sizeof *asns);
    enum err_code rc;

    if (!v->geo && (c->country_count || c->asn_count || c->anonymous))
        return err_set(e, ERR_CONFLICT,
                       "it asks for a country, an AS or anonymity, and no geography is configured; "
                       "an mmdb file would say who is there");
    if (!asns)
        return out_of_memory(e);
    if (c->asn_count) {
        memcpy(asns, c->asns, c->asn_count * sizeof *asns);
        qsort(asns, c->asn_count, sizeof *asns, by_asn);
    }
    l->asns = asns;
    l->asn_count = c->asn_count;
    l->anonymous = c->anonymous;
    l->any = c->country_count || c->asn_count || c->prefix_count || c->anonymous;
    rc = countries_build(c, l, e);
    return rc == ERR_OK ? prefixes_build(v, c, l, e) : rc;
}

/* units: of time, in a second. */
static enum err_code rate_build(const char *what, double rate, uint32_t burst, double units,
                                struct bucket_rate *out, struct err *e)
{
    const double least = rate / 500; /* of two milliseconds */
    double slack;

    if (!(rate >= 0) || !isfinite(rate) || rate > units)
        return err_set(e, ERR_PARSE, "%s_rate %g is not a number of sessions a second from 0 to %g",
                       what, rate, units);
    if (rate == 0)
        return ERR_OK;
    if (rate < 1e-6)
        return err_set(e, ERR_PARSE, "%s_rate %g is less than one session in a week; deny them",
                       what, rate);
    out->interval = (uint64_t)llround(units / rate);
    slack = ((burst > least ? burst : least) - 1) * (units / rate);
    out->slack = slack < SLACK_MAX ? (uint64_t)slack : (uint64_t)SLACK_MAX;
    if (burst <= 1 && least <= 1)
        out->slack = 0;
    return ERR_OK;
}

/* Sessions, or a bandwidth in sessions; the lower when there are both. */
static enum err_code ceiling_build(const struct admit_conf *c, struct admit_rules *r, struct err *e)
{
    double sessions;

    if (!(c->sessions_max >= 0) || !isfinite(c->sessions_max))
        return err_set(e, ERR_PARSE, "sessions_max %g is not 0 (no limit) or more",
                       c->sessions_max);
    if (!(c->bandwidth_bps >= 0) || !isfinite(c->bandwidth_bps))
        return err_set(e, ERR_PARSE, "bandwidth_max %g is not 0 (no limit) or more",
                       c->bandwidth_bps);
    r->sessions_max = c->sessions_max;
    if (c->bandwidth_bps == 0)
        return ERR_OK;
    if (!(c->session_bps > 0) || !isfinite(c->session_bps))
        return err_set(e, ERR_CONFLICT,
                       "bandwidth_max needs session_rate, the mean rate of one session");
    sessions = c->bandwidth_bps / c->session_bps;
    if (r->sessions_max == 0 || sessions < r->sessions_max)
        r->sessions_max = sessions;
    return ERR_OK;
}

static enum err_code limits_build(const struct admit_conf *c, struct admit_rules *r, struct err *e)
{
    enum err_code rc;

    if (c->client_rate > ADMIT_CLIENT_RATE_MAX)
        return err_set(e, ERR_LIMIT, "client_rate %g, at most %g", c->client_rate,
                       ADMIT_CLIENT_RATE_MAX);
    if (c->client_v4_bits > 32 || c->client_v6_bits > 128)
        return err_set(e, ERR_PARSE, "a client prefix of %u or %u bits; 32 and 128 are all",
                       c->client_v4_bits, c->client_v6_bits);
    r->client_v4_len = (uint8_t)(ADDR_V4_BITS + (c->client_v4_bits ? c->client_v4_bits : 32));
    r->client_v6_len = c->client_v6_bits ? c->client_v6_bits : 56;
    rc = ceiling_build(c, r, e);
    if (rc == ERR_OK)
        rc = rate_build("client", c->client_rate, c->client_burst, 1000.0 * BUCKET_UNITS_MS,
                        &r->client, e);
    if (rc == ERR_OK)
        rc = rate_build("service", c->service_rate, c->service_burst, 1e9, &r->service, e);
    return rc;
}

enum err_code admit_build(const struct view *v, const struct admit_conf *c,
                          const struct admit_rules **out, struct err *e)
{
    struct admit_rules *r = arena_array(v->arena, 1, sizeof *r);
    enum err_code rc;

    *out = NULL;
    if (!r)
        return out_of_memory(e);
    rc = list_build(v, &c->allow, &r->allow, e);
    if (rc != ERR_OK) {
        err_wrap(e, "admit.allow");
        return rc;
    }
    rc = list_build(v, &c->deny, &r->deny, e);
    if (rc != ERR_OK) {
        err_wrap(e, "admit.deny");
        return rc;
    }
    rc = limits_build(c, r, e);
    if (rc != ERR_OK) {
        err_wrap(e, "admit");
        return rc;
    }
    if (r->allow.any || r->deny.any || r->client.interval > 0 || r->service.interval > 0 ||
        r->sessions_max > 0)
        *out = r;
    return ERR_OK;
}

bool admit_asks_places(const struct admit_rules *r)
{
    return r && (r->allow.any || r->deny.any);
}

uint8_t admit_scope(const struct admit_rules *r, struct addr client)
{
    uint8_t scope = 0, other = 0;

    if (r->deny.prefixes)
        scope = lpm_find_scope(r->deny.prefixes, client).scope;
    if (r->allow.prefixes)
        other = lpm_find_scope(r->allow.prefixes, client).scope;
    return scope > other ? scope : other;
}

enum matched { MATCHED_NOT, MATCHED_PREFIX, MATCHED_COUNTRY, MATCHED_ASN, MATCHED_ANONYMOUS };

static enum matched list_match(const struct list *l, struct addr client,
                               const struct geo_place *place)
{
    if (l->prefixes && lpm_find(l->prefixes, client) != LPM_NONE)
        return MATCHED_PREFIX;
    if (!place)
        return MATCHED_NOT;
    if (l->has_countries && place->country[0]) {
        const unsigned n = country_number(place->country);

        if (l->countries[n / 64] >> n % 64 & 1)
            return MATCHED_COUNTRY;
    }
    if (l->asn_count && place->asn &&
        bsearch(&place->asn, l->asns, l->asn_count, sizeof *l->asns, by_asn))
        return MATCHED_ASN;
    return l->anonymous && place->flags & GEO_ANONYMOUS ? MATCHED_ANONYMOUS : MATCHED_NOT;
}

bool admit_listed(const struct admit_rules *r, const struct view *v, struct addr client,
                  const struct located *at, const char **why)
{
    static const char *const denied[] = {
        [MATCHED_PREFIX] = "its address is in a prefix that is denied",
        [MATCHED_COUNTRY] = "its country is denied",
        [MATCHED_ASN] = "its AS is denied",
        [MATCHED_ANONYMOUS] = "it is behind an anonymizer, and they are denied",
    };
    const struct geo_place *place = NULL;
    enum matched m;

    *why = NULL;
    if (!r)
        return true;
    if (v->geo && at->place < v->geo->place_count)
        place = &v->geo->places[at->place];
    m = list_match(&r->deny, client, place);
    if (m != MATCHED_NOT) {
        *why = denied[m];
        return false;
    }
    if (r->allow.any && list_match(&r->allow, client, place) == MATCHED_NOT) {
        *why = "it is in nothing that is allowed";
        return false;
    }
    return true;
}

static bool at_ceiling(const struct view_service *s, const struct live *live, double max)
{
    double sum = 0;

    for (uint16_t i = 0; i < s->candidates->count && sum < max; i++)
        sum += live_sessions(live, s->candidates->slot[i].live);
    return sum >= max;
}

enum admitted admit(const struct view *v, svidx service, const struct live *live, struct buckets *b,
                    struct addr client, const struct located *at, uint64_t now_ms)
{
    const struct view_service *s = &v->services[service];
    const struct admit_rules *r = s->admit;
    const uint8_t len = !r ? 0 : addr_is_v4(client) ? r->client_v4_len : r->client_v6_len;
    const char *why;

    if (!r)
        return ADMIT_YES;
    if (!admit_listed(r, v, client, at, &why))
        return ADMIT_DENIED;
    if (r->sessions_max > 0 && at_ceiling(s, live, r->sessions_max))
        return ADMIT_FULL;
    if (!b)
        return ADMIT_YES;
    /* Asked first and taken last, so that a service that is full costs no client a token. */
    if (r->service.interval && !buckets_has_service(b, s->id, r->service, now_ms))
        return ADMIT_FULL;
    if (r->client.interval &&
        !buckets_take_client(b, s->id, (struct prefix){addr_mask(client, len), len}, r->client,
                             now_ms))
        return ADMIT_LIMITED;
    if (r->service.interval && !buckets_take_service(b, s->id, r->service, now_ms))
        return ADMIT_FULL;
    return ADMIT_YES;
}
