#include "router/view_copy.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Everything that a configuration points to stands here: a copy must not point back into it. */
static _Alignas(16) char pool[1 << 16];
static size_t pool_used;
static struct arena *arena;

static void setup(void)
{
    pool_used = 0;
    arena = arena_new(1 << 20);
    ck_assert_ptr_nonnull(arena);
}

static void teardown(void)
{
    arena_free(arena);
}

static void *take(size_t size)
{
    void *p = pool + pool_used;

    pool_used = (pool_used + size + 15) / 16 * 16;
    ck_assert_uint_le(pool_used, sizeof pool);
    return p;
}

static struct str text(const char *s)
{
    size_t n = strlen(s);

    return (struct str){memcpy(take(n + 1), s, n + 1), n};
}

static const struct str *list(const char *a, const char *b)
{
    struct str *l = take(2 * sizeof *l);

    l[0] = text(a);
    l[1] = text(b);
    return l;
}

/* No word of the n bytes at p is a pointer into the pool. */
static void check_own(const void *p, size_t n)
{
    for (size_t i = 0; i + sizeof(uintptr_t) <= n; i += sizeof(uintptr_t)) {
        uintptr_t word;

        memcpy(&word, (const char *)p + i, sizeof word);
        ck_assert_msg(word < (uintptr_t)pool || word >= (uintptr_t)(pool + sizeof pool),
                      "byte %zu of %zu points back", i, n);
    }
}

static void check_text(struct str s, const char *want)
{
    ck_assert_msg(str_eq(s, str_from(want)), "\"%.*s\" is not \"%s\"", (int)s.n, s.p, want);
    ck_assert_int_eq(s.p[s.n], '\0');
}

static void check_list(const struct str *l, const char *a, const char *b)
{
    check_own(l, 2 * sizeof *l);
    check_text(l[0], a);
    check_text(l[1], b);
}

/* asn, and a union of a country and another union of a prefix. */
static const struct footprint_conf *footprints(void)
{
    struct footprint_conf *top = take(2 * sizeof *top), *mid = take(2 * sizeof *mid),
                          *low = take(sizeof *low);

    low[0] = (struct footprint_conf){
        .type = FOOTPRINT_IPV4CIDR, .values = list("192.0.2.0/24", "10.0.0.0/8"), .value_count = 2};
    mid[0] = (struct footprint_conf){
        .type = FOOTPRINT_COUNTRYCODE, .values = list("de", "fr"), .value_count = 2};
    mid[1] = (struct footprint_conf){.type = FOOTPRINT_UNION, .parts = low, .part_count = 1};
    top[0] = (struct footprint_conf){
        .type = FOOTPRINT_ASN, .values = list("as64500", "as64501"), .value_count = 2};
    top[1] = (struct footprint_conf){.type = FOOTPRINT_UNION, .parts = mid, .part_count = 2};
    return top;
}

static void check_footprints(const struct footprint_conf *f)
{
    check_own(f, 2 * sizeof *f);
    ck_assert_int_eq(f[0].type, FOOTPRINT_ASN);
    check_list(f[0].values, "as64500", "as64501");
    ck_assert_uint_eq(f[1].part_count, 2);
    f = f[1].parts;
    check_own(f, 2 * sizeof *f);
    check_list(f[0].values, "de", "fr");
    ck_assert_uint_eq(f[1].part_count, 1);
    check_own(f[1].parts, sizeof *f);
    check_list(f[1].parts[0].values, "192.0.2.0/24", "10.0.0.0/8");
}

START_TEST(copies_a_streamer)
{
    struct streamer_conf in = {
        .name = text("s1"),
        .host = text("s1.example.com"),
        .pid = text("p1"),
        .origin_pid = text("p2"),
        .hash_id = text("edge-1@cdn.example.com"),
        .probe = {.path = text("/probe"),
                  .host = text("probe.example.com"),
                  .cors_origin = text("https://player.example.com")},
        .poll = {.profile = text("ats"),
                 .host = text("stats.example.com"),
                 .path = text("/_stats"),
                 .select = text("frontend,http"),
                 .digest_path = text("/squid-internal-periodic/store_digest"),
                 .interval_ms = 10000},
        .footprints = footprints(),
        .footprint_count = 2,
        .capacity = 70,
    };
    const struct streamer_conf *c = streamer_conf_copy(&in, arena);

    ck_assert_ptr_nonnull(c);
    memset(pool, '#', sizeof pool);
    check_own(c, sizeof *c);
    check_text(c->name, "s1");
    check_text(c->host, "s1.example.com");
    check_text(c->pid, "p1");
    check_text(c->origin_pid, "p2");
    check_text(c->hash_id, "edge-1@cdn.example.com");
    check_text(c->probe.path, "/probe");
    check_text(c->probe.host, "probe.example.com");
    check_text(c->probe.cors_origin, "https://player.example.com");
    check_text(c->poll.profile, "ats");
    check_text(c->poll.host, "stats.example.com");
    check_text(c->poll.path, "/_stats");
    check_text(c->poll.select, "frontend,http");
    check_text(c->poll.digest_path, "/squid-internal-periodic/store_digest");
    check_footprints(c->footprints);
    ck_assert_uint_eq(c->poll.interval_ms, 10000);
    ck_assert_double_eq(c->capacity, 70);
}
END_TEST

START_TEST(copies_a_downstream)
{
    struct downstream_conf in = {
        .name = text("dcdn"),
        .http_host = text("dcdn.example.net:8080"),
        .http_prefix = text("/from-us"),
        .dns_cname = text("us.dcdn.example.net"),
        .pid = text("p3"),
        .cost = 7,
        .footprints = footprints(),
        .footprint_count = 2,
    };
    const struct downstream_conf *c = downstream_conf_copy(&in, arena);

    ck_assert_ptr_nonnull(c);
    memset(pool, '#', sizeof pool);
    check_own(c, sizeof *c);
    check_text(c->name, "dcdn");
    check_text(c->http_host, "dcdn.example.net:8080");
    check_text(c->http_prefix, "/from-us");
    check_text(c->dns_cname, "us.dcdn.example.net");
    check_text(c->pid, "p3");
    check_footprints(c->footprints);
    ck_assert_double_eq(c->cost, 7);
}
END_TEST

static const struct cost_part *costs(void)
{
    struct cost_part *c = take(2 * sizeof *c);

    c[0] = (struct cost_part){text("routingcost"), 1};
    c[1] = (struct cost_part){text("delay-ow"), 0.2};
    return c;
}

static struct admit_list admit_list(const char *country, uint32_t asn)
{
    struct admit_list l = {.countries = list(country, "xx"),
                           .country_count = 2,
                           .asn_count = 1,
                           .prefix_count = 1,
                           .anonymous = true};
    struct prefix p = {.len = 128};

    p.addr = addr_from_v4(asn);
    l.asns = memcpy(take(sizeof asn), &asn, sizeof asn);
    l.prefixes = memcpy(take(sizeof p), &p, sizeof p);
    return l;
}

static void check_admit_list(const struct admit_list *l, const char *country, uint32_t asn)
{
    check_list(l->countries, country, "xx");
    check_own(l->prefixes, sizeof *l->prefixes);
    ck_assert_uint_eq(l->asns[0], asn);
    ck_assert_uint_eq(addr_v4(l->prefixes[0].addr), asn);
    ck_assert(l->anonymous);
}

static struct service_conf service(void)
{
    return (struct service_conf){
        .name = text("vod"),
        .hosts = list("a.example.com", "*.example.com"),
        .host_count = 2,
        .path_prefix = text("/vod/"),
        .content_key = text("^/([^/]+)"),
        .streamers = list("s1", "s2"),
        .streamer_count = 2,
        .info_hashes = memset(take(INFO_HASH_LEN), 0xab, INFO_HASH_LEN),
        .info_hash_count = 1,
        .costs = costs(),
        .cost_count = 2,
        .downstreams = list("dcdn", "other"),
        .downstream_count = 2,
        .digest_url = text("http://origin.example.com{path}"),
        .admit = {.allow = admit_list("de", 64500), .deny = admit_list("fr", 64501)},
        .bypass = {.http_url = text("https://origin.example.com{path}"),
                   .dns_cname = text("origin.example.com")},
        .redirect = {.location = text("{scheme}://x{path}"), .cache_control = text("no-store")},
        .dns = {.txt = text("a text")},
    };
}

START_TEST(copies_a_service)
{
    struct service_conf in = service();
    const struct service_conf *c = service_conf_copy(&in, arena);

    ck_assert_ptr_nonnull(c);
    memset(pool, '#', sizeof pool);
    check_own(c, sizeof *c);
    check_text(c->name, "vod");
    check_list(c->hosts, "a.example.com", "*.example.com");
    check_text(c->path_prefix, "/vod/");
    check_text(c->content_key, "^/([^/]+)");
    check_list(c->streamers, "s1", "s2");
    for (unsigned i = 0; i < INFO_HASH_LEN; i++)
        ck_assert_uint_eq(c->info_hashes[0][i], 0xab);
    check_own(c->costs, 2 * sizeof *c->costs);
    check_text(c->costs[1].metric, "delay-ow");
    ck_assert_double_eq(c->costs[1].weight, 0.2);
    check_list(c->downstreams, "dcdn", "other");
    check_text(c->digest_url, "http://origin.example.com{path}");
    check_admit_list(&c->admit.allow, "de", 64500);
    check_admit_list(&c->admit.deny, "fr", 64501);
    check_text(c->bypass.http_url, "https://origin.example.com{path}");
    check_text(c->bypass.dns_cname, "origin.example.com");
    check_text(c->redirect.location, "{scheme}://x{path}");
    check_text(c->redirect.cache_control, "no-store");
    check_text(c->dns.txt, "a text");
}
END_TEST

/* However little the arena holds: NULL, or a whole copy. */
START_TEST(a_full_arena_is_told)
{
    struct service_conf in = service();
    size_t whole;

    ck_assert_ptr_nonnull(service_conf_copy(&in, arena));
    whole = arena_used(arena);
    for (size_t cap = 0; cap < whole; cap += 16) {
        struct arena *small = arena_new(cap);

        ck_assert_ptr_nonnull(small);
        ck_assert_ptr_null(service_conf_copy(&in, small));
        arena_free(small);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("view_copy");
    TCase *c = tcase_create("view_copy");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, copies_a_streamer);
    tcase_add_test(c, copies_a_downstream);
    tcase_add_test(c, copies_a_service);
    tcase_add_test(c, a_full_arena_is_told);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
