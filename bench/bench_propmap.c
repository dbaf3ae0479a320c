/* A property map of 250,000 prefixes with a property each: read from its text, written as a whole,
 * and asked for ten addresses by a filtered request, without a socket. */
#include <string.h>

#include "alto/offer.h"
#include "alto/propmap.h"
#include "alto/server.h"
#include "base/clock.h"
#include "bench/lib/stats.h"

#define PREFIXES 250000u
#define REQUESTS 20000u

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

/* Always the same, in no order. */
static void make_text(struct bytes *out)
{
    bool good = bytes_printf(out, "{\"meta\":{},\"property-map\":{");

    for (uint32_t i = 0; good && i < PREFIXES; i++) {
        struct prefix p = {addr_from_v4((i * 7919u % (1u << 19)) << 8), 120};
        char text[PREFIX_TEXT_MAX];

        good = bytes_printf(out, "%s\"ipv4:%s\":{\"net.pid\":\"pid-%04u\"}", i ? "," : "",
                            prefix_format(p, text), i % 1715);
    }
    if (!good || !bytes_printf(out, "}}"))
        fail("made text", "no memory");
}

static struct alto_catalog *catalog(const struct propmap *m)
{
    struct offer_props props = {.map = m, .id = STR("props")};
    struct alto_offer offer = {.base = STR("/alto"), .props = &props, .prop_count = 1};
    struct alto_catalog *c = NULL;
    struct err e = {0};

    if (alto_offer_build(&offer, NULL, &c, &e) != ERR_OK)
        fail("catalog", e.text);
    return c;
}

static void bench_filter(const struct alto_catalog *c)
{
    const struct alto_resource *r = alto_find_id(c, STR("props-filter"));
    struct arena *arena = arena_new((size_t)1 << 20);
    struct bytes body = {0}, out = {0};
    double us[BENCH_RUNS];
    bool good = arena && bytes_printf(&body, "{\"properties\":[\"net.pid\"],\"entities\":[");

    for (unsigned i = 0; i < 10; i++)
        good = good &&
               bytes_printf(&body, "%s\"ipv4:%u.%u.%u.7\"", i ? "," : "", i % 8, i * 25, i * 17);
    if (!good || !bytes_printf(&body, "]}"))
        fail("request", "no memory");
    for (unsigned i = 0; i < BENCH_RUNS; i++) {
        uint64_t start = clock_cpu_ns();

        for (unsigned k = 0; k < REQUESTS; k++) {
            struct alto_question q = {
                .catalog = c, .resource = r, .body = {body.data, body.len}, .arena = arena};
            struct alto_reply reply = {.out = &out};

            out.len = 0;
            if (!alto_reply_make(&q, &reply))
                fail("filter", reply.error.text);
            arena_reset(arena);
        }
        us[i] = (double)(clock_cpu_ns() - start) / 1e3 / REQUESTS;
    }
    bench_ratio("property-map-filter", bench_median(us, BENCH_RUNS), 20, "us");
    bench_detail("property-map-filter", us, BENCH_RUNS, "us of CPU", "10 of 250,000 entities");
    bytes_free(&body);
    bytes_free(&out);
    arena_free(arena);
}

int main(void)
{
    struct bytes text = {0};
    double load[BENCH_RUNS], format[BENCH_RUNS];
    struct alto_catalog *c = NULL;
    struct arena *arena = NULL;
    char size[80];

    make_text(&text);
    for (unsigned i = 0; i < BENCH_RUNS; i++) {
        const struct propmap *m = NULL;
        struct bytes out = {0};
        struct err e = {0};
        uint64_t start;

        alto_catalog_drop(c);
        arena_free(arena);
        arena = arena_new((size_t)1 << 30);
        start = clock_cpu_ns();
        if (!arena || propmap_parse(text.data, text.len, arena, &m, &e) != ERR_OK)
            fail("load", e.text);
        load[i] = (double)(clock_cpu_ns() - start) / 1e6;
        c = catalog(m);
        start = clock_cpu_ns();
        if (!alto_prop_format(alto_find_id(c, STR("props")), &out))
            fail("format", "full");
        format[i] = (double)(clock_cpu_ns() - start) / 1e6;
        bytes_free(&out);
    }
    snprintf(size, sizeof size, "%zu bytes, %zu MB in memory", text.len, arena_used(arena) >> 20);
    bench_ratio("property-map-load", bench_median(load, BENCH_RUNS), 300, "ms");
    bench_detail("property-map-load", load, BENCH_RUNS, "ms of CPU", size);
    bench_ratio("property-map-text", bench_median(format, BENCH_RUNS), 100, "ms");
    bench_detail("property-map-text", format, BENCH_RUNS, "ms of CPU", size);
    bench_filter(c);
    alto_catalog_drop(c);
    arena_free(arena);
    bytes_free(&text);
    return 0;
}
