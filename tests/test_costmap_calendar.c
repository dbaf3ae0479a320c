/* Cost calendars (RFC 8896) and bodies of several cost types (RFC 8189). */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/costmap.h"
#include "base/hash.h"

#define ARENA_CAP ((size_t)256 << 20)
#define RFC_TAG   "3ee2cb7e8d63d9fab71b9b34cbf764436315542e"
#define DEPENDS                                                                                    \
    "\"dependent-vtags\":[{\"resource-id\":\"my-default-network-map\",\"tag\":\"" RFC_TAG "\"}]"
#define TYPE(mode)       "\"cost-type\":{\"cost-mode\":\"" mode "\",\"cost-metric\":\"routingcost\"}"
#define START            "\"calendar-start-time\":\"Tue, 1 Jul 2014 13:00:00 GMT\""
#define CALENDAR(more)   "\"calendar-response-attributes\":[{" more "}]"
#define THREE            CALENDAR(START ",\"time-interval-size\":300,\"number-of-intervals\":3")
#define META(mode, more) "{\"meta\":{" DEPENDS "," TYPE(mode) "," more "},\"cost-map\":"
#define START_MS         UINT64_C(1404219600000)

static struct arena *arena;
static const struct netmap *network;

static void setup(void)
{
    static const char text[] =
        "{\"meta\":{\"vtag\":{\"resource-id\":\"my-default-network-map\",\"tag\":\"" RFC_TAG "\"}},"
        "\"network-map\":{\"PID1\":{},\"PID2\":{},\"PID3\":{}}}";
    struct err e = {0};

    arena = arena_new(ARENA_CAP);
    ck_assert_msg(netmap_parse(text, sizeof text - 1, arena, &network, &e) == ERR_OK, "%s", e.text);
}

static void teardown(void)
{
    arena_free(arena);
}

static const struct costmap *parse(const char *text, size_t n)
{
    const struct costmap *c = NULL;
    struct err e = {0};

    ck_assert_msg(costmap_parse(text, n, network, arena, &c, &e) == ERR_OK, "%.300s: %s", text,
                  e.text);
    return c;
}

static void same_cost(double got, double want, const char *what)
{
    ck_assert_msg(isnan(want) ? isnan(got) : got == want, "%s: %.17g and %.17g", what, got, want);
}

START_TEST(rfc8896_example)
{
    static const double first[12] = {1, 12, 14, 18, 14, 14, 14, 18, 19, 20, 11, 12};
    static const double last[2][3] = {{12, 14, 16}, {18, 16, 16}};
    const uint64_t start = UINT64_C(1561986000000);
    const struct costmap *c = NULL;
    struct err e = {0};
    uint64_t ends;

    ck_assert_msg(costmap_load(TEST_DATA "/rfc8896/5.1.3-costmap.json", network, arena, &c, &e) ==
                      ERR_OK,
                  "%s", e.text);
    ck_assert_uint_eq(costmap_slots(c), 12);
    ck_assert_uint_eq(costmap_info_get(c)->pair_count, 6);
    ck_assert_uint_eq(costmap_calendar_get(c)->start_ms, start);
    ck_assert_double_eq(costmap_calendar_get(c)->interval_s, 7200);
    ck_assert_uint_eq(costmap_calendar_get(c)->repeated, 1);
    for (uint32_t k = 0; k < 12; k++) {
        ck_assert_ptr_null(costmap_calendar_get(costmap_slot(c, k)));
        ck_assert_uint_eq(costmap_slots(costmap_slot(c, k)), 1);
        same_cost(costmap_get(costmap_slot(c, k), 0, 0), first[k], "PID1 to itself");
        same_cost(costmap_get(costmap_slot(c, k), 2, 0), NAN, "PID3");
        ck_assert_uint_eq(costmap_slot_at(c, start + k * 7200000 + 5, &ends), k);
        ck_assert_uint_eq(ends, start + (k + 1) * 7200000);
    }
    for (pidx i = 0; i < 2; i++)
        for (pidx j = 0; j < 3; j++)
            same_cost(costmap_get(costmap_slot(c, 11), i, j), last[i][j], "the last slot");
}
END_TEST

// clang-format off
static const struct {
    const char *text;
    enum err_code rc;
    const char *says;
} bad[] = {
    {META("numerical", THREE) "{\"PID1\":{\"PID1\":[1,2]}}}", ERR_PARSE, "cost-map: arrays of 2 costs, and there are 3 intervals in the calendar"},
    {META("numerical", THREE) "{\"PID1\":{\"PID1\":[1,2,3],\"PID2\":[1,2]}}}", ERR_PARSE, "cost-map.PID1.PID2: an array of 2 costs, and earlier ones had 3"},
    {META("numerical", THREE) "{\"PID1\":{\"PID1\":[]}}}", ERR_PARSE, "cost-map.PID1.PID1: an array of no costs"},
    {META("numerical", THREE) "{\"PID1\":{\"PID1\":[1,[2],3]}}}", ERR_PARSE, "cost-map.PID1.PID1[1]: an array, where a number should be"},
    {META("numerical", THREE) "{\"PID1\":{\"PID1\":[1,2,-3]}}}", ERR_PARSE, "cost-map.PID1.PID1[2]: -3: a cost is not negative"},
    {META("numerical", THREE) "{\"PID1\":{\"PID1\":[1,2,3],\"PID1\":[1,2,3]}}}", ERR_PARSE, "PID \"PID1\" stands here a second time"},
    {META("ordinal", THREE) "{\"PID1\":{\"PID1\":[1,2,0.5]}}}", ERR_PARSE, "cost-map.PID1.PID1[2]: 0.5 is not an integer"},
    {META("numerical", "\"x\":1") "{\"PID1\":{\"PID1\":[1]}}}", ERR_PARSE, "cost-map.PID1.PID1: an array of costs, and meta has no \"calendar-response-attributes\""},
    {META("numerical", CALENDAR(START ",\"time-interval-size\":300,\"number-of-intervals\":1e9")) "{}}", ERR_LIMIT, "meta.calendar-response-attributes[0].number-of-intervals: 1000000000 intervals, at most 10000"},
    {META("numerical", CALENDAR(START ",\"time-interval-size\":300,\"number-of-intervals\":0")) "{}}", ERR_PARSE, "number-of-intervals: 0 is not an integer of 1 and more"},
    {META("numerical", CALENDAR(START ",\"time-interval-size\":300,\"number-of-intervals\":2.5")) "{}}", ERR_PARSE, "number-of-intervals: 2.5 is not an integer of 1 and more"},
    {META("numerical", CALENDAR(START ",\"time-interval-size\":300,\"number-of-intervals\":\"3\"")) "{}}", ERR_PARSE, "number-of-intervals: a string, where a number should be"},
    {META("numerical", CALENDAR(START ",\"time-interval-size\":-300,\"number-of-intervals\":3")) "{}}", ERR_PARSE, "time-interval-size: -300: an interval lasts more than 0 seconds"},
    {META("numerical", CALENDAR(START ",\"time-interval-size\":0,\"number-of-intervals\":3")) "{}}", ERR_PARSE, "time-interval-size: 0: an interval lasts more than 0 seconds"},
    {META("numerical", CALENDAR(START ",\"time-interval-size\":1e-9,\"number-of-intervals\":3")) "{}}", ERR_LIMIT, "time-interval-size: 1e-09 s is not between a millisecond and 1e+10 s"},
    {META("numerical", CALENDAR(START ",\"time-interval-size\":1e300,\"number-of-intervals\":3")) "{}}", ERR_LIMIT, "time-interval-size: 1e+300 s is not between"},
    {META("numerical", CALENDAR(START ",\"time-interval-size\":1,\"number-of-intervals\":3,\"repeated\":0")) "{}}", ERR_PARSE, "repeated: 0 is not an integer of 1 and more"},
    {META("numerical", CALENDAR(START ",\"time-interval-size\":1,\"number-of-intervals\":3,\"repeated\":1e99")) "{}}", ERR_PARSE, "repeated: 1e99 is not an integer of 1 and more"},
    {META("numerical", CALENDAR("\"calendar-start-time\":\"tomorrow\",\"time-interval-size\":1,\"number-of-intervals\":3")) "{}}", ERR_PARSE, "calendar-start-time: \"tomorrow\" is no date"},
    {META("numerical", CALENDAR("\"calendar-start-time\":1404219600,\"time-interval-size\":1,\"number-of-intervals\":3")) "{}}", ERR_PARSE, "calendar-start-time: a number, where a string should be"},
    {META("numerical", CALENDAR("\"time-interval-size\":1,\"number-of-intervals\":3")) "{}}", ERR_PARSE, "meta.calendar-response-attributes[0]: \"calendar-start-time\" is missing"},
    {META("numerical", CALENDAR(START ",\"number-of-intervals\":3")) "{}}", ERR_PARSE, "\"time-interval-size\" is missing"},
    {META("numerical", CALENDAR(START ",\"time-interval-size\":1")) "{}}", ERR_PARSE, "\"number-of-intervals\" is missing"},
    {META("numerical", CALENDAR(START "," START)) "{}}", ERR_PARSE, "\"calendar-start-time\" stands here a second time"},
    {META("numerical", "\"calendar-response-attributes\":[]") "{}}", ERR_PARSE, "a list of no calendars"},
    {META("numerical", "\"calendar-response-attributes\":{}") "{}}", ERR_PARSE, "an object, where an array should be"},
    {META("numerical", "\"calendar-response-attributes\":[1]") "{}}", ERR_PARSE, "a number, where an object should be"},
    {META("numerical", "\"calendar-response-attributes\":[{" START ",\"time-interval-size\":1,\"number-of-intervals\":3},{}]") "{}}", ERR_UNSUPPORTED, "calendars of several cost types"},
    {"{\"meta\":{" DEPENDS ",\"cost-type\":{}},\"cost-map\":{}}", ERR_PARSE, "\"multi-cost-types\" is missing"},
    {META("numerical", "\"multi-cost-types\":[{\"cost-mode\":\"ordinal\",\"cost-metric\":\"a\"}]") "{}}", ERR_PARSE, "\"cost-type\" names a type beside \"multi-cost-types\""},
    {"{\"meta\":{" DEPENDS ",\"cost-type\":{},\"multi-cost-types\":[]},\"cost-map\":{}}", ERR_PARSE, "meta.multi-cost-types: a list of no types"},
    {"{\"meta\":{" DEPENDS ",\"cost-type\":{},\"multi-cost-types\":[{\"cost-mode\":\"ordinal\"}]},\"cost-map\":{}}", ERR_PARSE, "meta.multi-cost-types[0]: \"cost-metric\" is missing"},
    {"{\"meta\":{" DEPENDS ",\"cost-type\":{},\"multi-cost-types\":[{\"cost-mode\":\"ordinal\",\"cost-metric\":\"a\"},{\"cost-mode\":\"ordinal\",\"cost-metric\":\"b\"}]},\"cost-map\":{}}", ERR_UNSUPPORTED, "2 cost types, where one map is read"},
};
// clang-format on

START_TEST(refuses)
{
    const struct costmap *c = NULL;
    struct err e = {0};

    ck_assert_msg(costmap_parse(bad[_i].text, strlen(bad[_i].text), network, arena, &c, &e) ==
                      bad[_i].rc,
                  "row %d: %s", _i, e.text);
    ck_assert_msg(strstr(e.text, bad[_i].says), "row %d: \"%s\"", _i, e.text);
    ck_assert_ptr_null(c);
}
END_TEST

/* 1e9 intervals in earnest: an array that long ends the reading. */
START_TEST(a_long_array_is_refused)
{
    const struct costmap *c = NULL;
    struct bytes text = {0};
    struct err e = {0};

    ck_assert(bytes_printf(&text, "{\"cost-map\":{\"PID1\":{\"PID1\":[1"));
    for (unsigned i = 0; i < COSTMAP_SLOTS_MAX; i++)
        ck_assert(bytes_printf(&text, ",1"));
    ck_assert_int_eq(costmap_parse(text.data, text.len, network, arena, &c, &e), ERR_LIMIT);
    ck_assert_msg(strstr(e.text, "cost-map.PID1.PID1[10000]: more than 10000 costs of one pair"),
                  "%s", e.text);
    bytes_free(&text);
}
END_TEST

/* Numbers among arrays, nulls, meta behind the costs. */
START_TEST(numbers_stand_for_all_slots)
{
    static const char text[] =
        "{\"cost-map\":{\"PID1\":{\"PID1\":4,\"PID2\":[1,null,3],\"PID3\":null},"
        "\"PID2\":{\"PID1\":7},\"PID3\":{\"PID3\":[null,null,null]}},"
        "\"meta\":{" DEPENDS "," TYPE("numerical") "," THREE "}}";
    static const double second[3] = {1, NAN, 3};
    const struct costmap *c = parse(text, sizeof text - 1);

    for (uint32_t k = 0; k < 3; k++) {
        const struct costmap *s = costmap_slot(c, k);
        const pidx all[3] = {2, 1, 0};
        double row[3], gathered[3];

        same_cost(costmap_get(s, 0, 0), 4, "a number");
        same_cost(costmap_get(s, 0, 1), second[k], "an array");
        same_cost(costmap_get(s, 0, 2), NAN, "null");
        same_cost(costmap_get(s, 1, 0), 7, "a row of numbers");
        same_cost(costmap_get(s, 2, 2), NAN, "an array of nulls");
        ck_assert_uint_eq(costmap_info_get(s)->pair_count, k == 1 ? 2 : 3);
        ck_assert_uint_eq(costmap_row(s, 0, row), k == 1 ? 1 : 2);
        costmap_gather(s, 0, all, 3, gathered);
        for (unsigned i = 0; i < 3; i++) {
            same_cost(row[i], costmap_get(s, 0, (pidx)i), "row");
            same_cost(gathered[i], row[2 - i], "gather");
        }
    }
    ck_assert_uint_eq(costmap_info_get(c)->pair_count, 3);
    ck_assert_double_eq(costmap_get(c, 0, 1), 1); /* a calendar reads as its first slot */
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
    return *state = hash_mix(*state, 0x5851f42d4c957f2d);
}

/* What a calendar says of every millisecond, counted by hand. */
START_TEST(slots_follow_each_other)
{
    uint64_t seed = 77 + (unsigned)_i, state = seed;
    static const double sizes[] = {0.001, 0.0015, 0.01, 0.0333, 0.1, 0.25, 1};
    struct costmap_calendar cal = {.start_ms = 1000 + next_random(&state) % 1000,
                                   .interval_s = sizes[next_random(&state) % 7],
                                   .slots = 1 + (uint32_t)(next_random(&state) % 7),
                                   .repeated = 1 + next_random(&state) % 3};
    uint64_t total = cal.slots * cal.repeated, k = 0, ends = 0;

    for (uint64_t t = 0; t < cal.start_ms + 3000; t++) {
        /* Slot k is t's when t is not yet at its end: exact for decimal fractions of 0.1 us. */
        uint64_t tenth_us = (uint64_t)llround(cal.interval_s * 1e7);
        uint32_t want;
        uint64_t want_ends, in = t < cal.start_ms ? 0 : t - cal.start_ms;

        while (k < total && in * 10000 >= (k + 1) * tenth_us)
            k++;
        want = k < total ? (uint32_t)(k % cal.slots) : cal.slots - 1;
        want_ends = k < total ? cal.start_ms + ((k + 1) * tenth_us + 9999) / 10000 : 0;
        ck_assert_msg(costmap_calendar_at(&cal, t, &ends) == want && ends == want_ends,
                      "seed %llu at %llu ms: ends %llu, not %llu", (unsigned long long)seed,
                      (unsigned long long)t, (unsigned long long)ends,
                      (unsigned long long)want_ends);
    }
}
END_TEST

START_TEST(time_without_end)
{
    struct costmap_calendar cal = {.start_ms = START_MS,
                                   .interval_s = 0.001,
                                   .slots = COSTMAP_SLOTS_MAX,
                                   .repeated = UINT64_C(1000000000000000)};
    uint64_t ends;

    (void)costmap_calendar_at(&cal, UINT64_MAX, &ends);
    ck_assert_uint_gt(ends, START_MS);
    cal.repeated = 1;
    ck_assert_uint_eq(costmap_calendar_at(&cal, UINT64_MAX, &ends), COSTMAP_SLOTS_MAX - 1);
    ck_assert_uint_eq(ends, 0);
}
END_TEST

#define SIDE  3u
#define SLOTS 5u

/* A random calendar equals the matrices that it was written from, slot by slot, and its format
 * reads back as the same. */
START_TEST(equals_its_matrices)
{
    uint64_t seed = 900 + (unsigned)_i, state = seed;
    static double want[SLOTS][SIDE][SIDE];
    struct bytes text = {0}, once = {0}, twice = {0};
    const struct costmap *c, *back;

    ck_assert(bytes_printf(&text, "{\"meta\":{" DEPENDS "," TYPE("numerical") "," CALENDAR(
                                      START ",\"time-interval-size\":0.1,\"number-of-intervals\":5,"
                                            "\"repeated\":40") "},\"cost-map\":{"));
    for (unsigned i = 0; i < SIDE; i++) {
        ck_assert(bytes_printf(&text, "%s\"PID%u\":{", i ? "," : "", i + 1));
        for (unsigned j = 0; j < SIDE; j++) {
            bool one = next_random(&state) % 3 == 0;

            ck_assert(bytes_printf(&text, "%s\"PID%u\":%s", j ? "," : "", j + 1, one ? "" : "["));
            for (unsigned k = 0; k < SLOTS; k++) {
                bool known = next_random(&state) % 4 > 0;
                double cost = (double)(next_random(&state) % 1000) / 8;

                want[k][i][j] = one && k ? want[0][i][j] : known ? cost : NAN;
                if (one && k)
                    continue;
                ck_assert(known ? bytes_printf(&text, "%s%.17g", k ? "," : "", cost)
                                : bytes_printf(&text, "%snull", k ? "," : ""));
            }
            ck_assert(bytes_printf(&text, "%s", one ? "" : "]"));
        }
        ck_assert(bytes_printf(&text, "}"));
    }
    ck_assert(bytes_printf(&text, "}}"));
    c = parse(text.data, text.len);
    ck_assert(costmap_format(c, network, &once));
    back = parse(once.data, once.len);
    ck_assert(costmap_format(back, network, &twice));
    ck_assert_uint_eq(once.len, twice.len);
    ck_assert_mem_eq(once.data, twice.data, once.len);
    ck_assert_str_eq(costmap_info_get(c)->tag, costmap_info_get(back)->tag);
    ck_assert_mem_eq(costmap_calendar_get(c), costmap_calendar_get(back),
                     sizeof(struct costmap_calendar));
    for (uint32_t k = 0; k < SLOTS; k++)
        for (pidx i = 0; i < SIDE; i++)
            for (pidx j = 0; j < SIDE; j++) {
                same_cost(costmap_get(costmap_slot(c, k), i, j), want[k][i][j], "slot");
                same_cost(costmap_get(costmap_slot(back, k), i, j), want[k][i][j], "read back");
            }
    bytes_free(&text);
    bytes_free(&once);
    bytes_free(&twice);
}
END_TEST

/* A slot alone formats as a plain map of its costs. */
START_TEST(a_slot_is_a_map)
{
    static const char text[] = META("numerical", THREE) "{\"PID1\":{\"PID2\":[1,null,3]}}}";
    const struct costmap *c = parse(text, sizeof text - 1), *alone;
    struct bytes out = {0};

    ck_assert(costmap_format(costmap_slot(c, 2), network, &out));
    alone = parse(out.data, out.len);
    ck_assert_uint_eq(costmap_slots(alone), 1);
    same_cost(costmap_get(alone, 0, 1), 3, "slot 2");
    bytes_free(&out);
}
END_TEST

/* Which slot knows a pair is part of the content. */
START_TEST(tags_tell_slots_apart)
{
    static const char *const texts[] = {
        META("numerical", THREE) "{\"PID1\":{\"PID1\":[1,null,null],\"PID2\":[null,2,null]}}}",
        META("numerical", THREE) "{\"PID1\":{\"PID1\":[1,null,null],\"PID2\":[2,null,null]}}}",
        META("numerical", THREE) "{\"PID1\":{\"PID1\":[1,null,null],\"PID2\":[null,null,2]}}}",
        META("numerical", CALENDAR(START ",\"time-interval-size\":301,\"number-of-intervals\":"
                                         "3")) "{\"PID1\":{\"PID1\":[1,null,null],\"PID2\":["
                                               "null,2,null]}}}",
    };
    const char *tags[4];

    for (unsigned i = 0; i < 4; i++) {
        tags[i] = costmap_info_get(parse(texts[i], strlen(texts[i])))->tag;
        ck_assert_str_eq(costmap_info_get(costmap_slot(parse(texts[i], strlen(texts[i])), 1))->tag,
                         tags[i]);
        for (unsigned j = 0; j < i; j++)
            ck_assert_str_ne(tags[i], tags[j]);
    }
}
END_TEST

/* Memory is the arena's cap, whatever is asked for: a row of 10,000 slots does not come through. */
START_TEST(a_full_arena_is_told)
{
    struct bytes text = {0};
    unsigned refused = 0;

    ck_assert(bytes_printf(&text, "{\"meta\":{" DEPENDS "," TYPE("numerical") "," CALENDAR(
                                      START ",\"time-interval-size\":1,\"number-of-intervals\":"
                                            "100") "},\"cost-map\":{\"PID1\":{\"PID1\":[1"));
    for (unsigned i = 1; i < 100; i++)
        ck_assert(bytes_printf(&text, ",1"));
    ck_assert(bytes_printf(&text, "],\"PID3\":2}}}"));
    for (size_t cap = 64; cap < 100000; cap += 256) {
        struct arena *small = arena_new(cap);
        const struct costmap *c = NULL;
        struct err e = {0};
        enum err_code rc = costmap_parse(text.data, text.len, network, small, &c, &e);

        ck_assert_msg(rc == ERR_OK || (rc == ERR_LIMIT && strstr(e.text, "no memory left")), "%s",
                      e.text);
        refused += rc == ERR_LIMIT;
        arena_free(small);
    }
    ck_assert_uint_gt(refused, 10);
    ck_assert_uint_lt(refused, 380);
    bytes_free(&text);
}
END_TEST

START_TEST(rfc8189_example)
{
    static const double first[3][3] = {{1, 4, 10}, {15, 1, NAN}, {20, NAN, 1}},
                        second[3][3] = {{0, 3, 2}, {5, 0, 9}, {12, 1, 0}};
    const struct costmap *out[COSTMAP_TYPES_MAX];
    struct bytes text = {0};
    struct err e = {0};
    unsigned count;

    ck_assert(file_read(TEST_DATA "/rfc8189/5.2-costmap.json", 1 << 20, &text, &e) == ERR_OK);
    ck_assert_msg(costmap_parse_multi(text.data, text.len, network, arena, out, &count, &e) ==
                      ERR_OK,
                  "%s", e.text);
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(costmap_info_get(out[0])->metric, "routingcost");
    ck_assert_str_eq(costmap_info_get(out[1])->metric, "shoesize");
    ck_assert_uint_eq(costmap_info_get(out[0])->pair_count, 7);
    ck_assert_uint_eq(costmap_info_get(out[1])->pair_count, 9);
    ck_assert_str_ne(costmap_info_get(out[0])->tag, costmap_info_get(out[1])->tag);
    for (pidx i = 0; i < 3; i++)
        for (pidx j = 0; j < 3; j++) {
            same_cost(costmap_get(out[0], i, j), first[i][j], "routingcost");
            same_cost(costmap_get(out[1], i, j), second[i][j], "shoesize");
        }
    bytes_free(&text);
}
END_TEST

#define TWO_TYPES(costs)                                                                           \
    "{\"cost-map\":{\"PID1\":{\"PID1\":" costs "}},\"meta\":{" DEPENDS                             \
    ",\"cost-type\":{},\"multi-cost-types\":["                                                     \
    "{\"cost-mode\":\"ordinal\",\"cost-metric\":\"a\"},"                                           \
    "{\"cost-mode\":\"numerical\",\"cost-metric\":\"b\"}]}}"

// clang-format off
static const struct {
    const char *text;
    enum err_code rc;
    const char *says;
} multi[] = {
    {TWO_TYPES("[1,0.5]"), ERR_OK, ""},
    {TWO_TYPES("null"), ERR_OK, ""},
    {TWO_TYPES("[0.5,1]"), ERR_PARSE, "1:30: cost-map.PID1.PID1[0]: 0.5 is not an integer"},
    {TWO_TYPES("[1]"), ERR_PARSE, "cost-map: arrays of 1 costs, and there are 2 cost types"},
    {TWO_TYPES("7"), ERR_PARSE, "cost-map.PID1.PID1: a single cost, where an array of one for each"},
};
// clang-format on

START_TEST(several_types)
{
    const struct costmap *out[COSTMAP_TYPES_MAX] = {0};
    struct err e = {0};
    unsigned count;
    enum err_code rc = costmap_parse_multi(multi[_i].text, strlen(multi[_i].text), network, arena,
                                           out, &count, &e);

    ck_assert_msg(rc == multi[_i].rc && strstr(e.text, multi[_i].says), "row %d: %s", _i, e.text);
    ck_assert_uint_eq(count, rc == ERR_OK ? 2 : 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("costmap_calendar");
    TCase *t = tcase_create("costmap_calendar");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, rfc8896_example);
    tcase_add_loop_test(t, refuses, 0, sizeof bad / sizeof *bad);
    tcase_add_test(t, a_long_array_is_refused);
    tcase_add_test(t, numbers_stand_for_all_slots);
    tcase_add_loop_test(t, slots_follow_each_other, 0, 60);
    tcase_add_test(t, time_without_end);
    tcase_add_loop_test(t, equals_its_matrices, 0, 50);
    tcase_add_test(t, a_slot_is_a_map);
    tcase_add_test(t, tags_tell_slots_apart);
    tcase_add_test(t, a_full_arena_is_told);
    tcase_add_test(t, rfc8189_example);
    tcase_add_loop_test(t, several_types, 0, sizeof multi / sizeof *multi);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
