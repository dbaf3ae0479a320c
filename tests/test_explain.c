#include "router/explain.h"

#include <jansson.h>

#include "tests/view_fixture.h"

/* Five streamers for a client in p0: near but down, near but full, without HTTPS, draining, and the
 * one that is left. */
enum { DOWN, FULL, PLAIN, DRAINING, LEFT, STREAMERS };

struct scene {
    struct live *live;
    struct view *v;
    struct question q;
};

static void scene_init(struct scene *s)
{
    const double costs[4] = {1, 8, 8, 1};
    struct fixture_maps maps = fixture_maps(2, costs, COST_NUMERICAL);
    struct fixture_names names[STREAMERS];
    struct streamer_conf st[STREAMERS];

    s->live = live_new();
    for (unsigned i = 0; i < STREAMERS; i++) {
        st[i] = fixture_streamer(&names[i], i, i == LEFT);
        st[i].can |= STREAMER_HTTPS;
        st[i].capacity = 100;
    }
    st[PLAIN].can = STREAMER_V4 | STREAMER_HTTP;
    s->v = fixture_view(&maps, st, STREAMERS, &fixture_policy, s->live);
    fixture_maps_drop(&maps);
    live_health_set(s->live, s->v->streamers[DOWN].live, false, HEALTH_DOWN);
    live_health_set(s->live, s->v->streamers[LEFT].live, false, HEALTH_UP);
    live_dispatch(s->live, s->v->streamers[FULL].live, 100);
    live_admin_set(s->live, s->v->streamers[DRAINING].live, ADMIN_DRAIN);
    s->q = (struct question){
        .client = fixture_client(0), .need = STREAMER_V4 | STREAMER_HTTPS, .want = 1};
}

static void scene_fini(struct scene *s)
{
    view_drop(s->v);
    live_free(s->live);
}

static json_t *explain(const struct scene *s)
{
    struct bytes out = {0};
    json_t *j;

    ck_assert(explain_json(s->v, s->live, &s->q, &out));
    j = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(j != NULL, "%.*s", (int)out.len, out.data);
    bytes_free(&out);
    return j;
}

static json_t *find(json_t *j, const char *name)
{
    size_t i;
    json_t *c;

    json_array_foreach(json_object_get(j, "candidates"), i, c)
    {
        if (strcmp(json_string_value(json_object_get(c, "name")), name) == 0)
            return c;
    }
    ck_abort_msg("no candidate %s", name);
}

static const char *word(json_t *j, const char *key)
{
    return json_string_value(json_object_get(j, key));
}

/* A content that the draining one does not own. */
static void content_of_others(struct scene *s)
{
    struct decision d;

    do {
        s->q.content++;
        decide(s->v, s->live, &s->q, &d);
    } while (d.choice[0].streamer == DRAINING);
}

START_TEST(every_candidate_with_its_stage)
{
    struct scene s;
    json_t *j, *left;

    scene_init(&s);
    content_of_others(&s);
    j = explain(&s);
    ck_assert_int_eq(json_integer_value(json_object_get(j, "serial")), 1);
    ck_assert_str_eq(word(j, "client"), "10.0.0.7");
    ck_assert_str_eq(word(j, "pid"), "p0");
    ck_assert_int_eq(json_integer_value(json_object_get(j, "scope")), 20);
    ck_assert_str_eq(word(j, "service"), "svc");
    ck_assert_str_eq(word(j, "chosen"), "s4");
    ck_assert_str_eq(word(j, "why"), "load"); /* s1 is nearer, and full */
    ck_assert_uint_eq(json_array_size(json_object_get(j, "candidates")), STREAMERS);
    ck_assert_str_eq(word(find(j, "s0"), "excluded"), "health");
    ck_assert_str_eq(word(find(j, "s0"), "health"), "v4 down, v6 unknown");
    ck_assert_str_eq(word(find(j, "s1"), "excluded"), "cap");
    ck_assert_int_eq(json_integer_value(json_object_get(find(j, "s1"), "rank")), 2);
    ck_assert_str_eq(word(find(j, "s2"), "excluded"), "family");
    ck_assert_str_eq(word(find(j, "s3"), "excluded"), "drain");
    ck_assert_str_eq(word(find(j, "s3"), "admin"), "drain");
    left = find(j, "s4");
    ck_assert(json_is_null(json_object_get(left, "excluded")));
    ck_assert_int_eq(json_integer_value(json_object_get(left, "rank")), 1);
    ck_assert_double_eq(json_number_value(json_object_get(left, "cost")), 8);
    ck_assert_str_eq(word(left, "pid"), "p1");
    ck_assert_int_eq(json_integer_value(json_object_get(j, "owners")), 1);
    ck_assert_double_eq_tol(json_number_value(json_object_get(j, "mean")), 100 / 500.0, 0.06);
    ck_assert_double_eq(json_number_value(json_object_get(j, "cap")), 0.5);
    ck_assert_double_eq(json_number_value(json_object_get(left, "scale")), 1);
    ck_assert_double_eq(json_number_value(json_object_get(left, "hit")), 0);
    ck_assert(json_is_false(json_object_get(left, "remembered")));
    ck_assert(json_is_null(json_object_get(left, "digest")));
    ck_assert(json_is_false(json_object_get(left, "owner")));
    ck_assert_ptr_eq(json_array_get(json_object_get(j, "candidates"), 0), left);
    json_decref(j);
    scene_fini(&s);
}
END_TEST

START_TEST(nowhere_and_nobody)
{
    struct scene s;
    json_t *j;

    scene_init(&s);
    s.q.client = addr_from_v4(0x7f000001);
    s.q.need = STREAMER_SEED;
    j = explain(&s);
    ck_assert(json_is_null(json_object_get(j, "pid")));
    ck_assert(json_is_null(json_object_get(j, "chosen")));
    ck_assert_str_eq(word(j, "why"), "no-candidate");
    ck_assert(json_is_null(json_object_get(find(j, "s0"), "cost")));
    json_decref(j);
    s.q.service = 99;
    j = explain(&s);
    ck_assert_str_eq(word(j, "why"), "no-service");
    ck_assert_uint_eq(json_array_size(json_object_get(j, "candidates")), 0);
    json_decref(j);
    scene_fini(&s);
}
END_TEST

START_TEST(a_full_buffer_is_said)
{
    struct scene s;
    struct bytes out = {.limit = 300};

    scene_init(&s);
    ck_assert(!explain_json(s.v, s.live, &s.q, &out));
    bytes_free(&out);
    scene_fini(&s);
}
END_TEST

START_TEST(every_why_has_a_name_and_a_sentence)
{
    for (enum why w = 0; w < WHY_COUNT; w++) {
        ck_assert_ptr_nonnull(why_name(w));
        ck_assert_ptr_nonnull(why_sentence(w));
        for (enum why other = 0; other < w; other++)
            ck_assert_str_ne(why_name(w), why_name(other));
    }
}
END_TEST

static Suite *explain_suite(void)
{
    Suite *s = suite_create("explain");
    TCase *t = tcase_create("explain");

    tcase_add_test(t, every_candidate_with_its_stage);
    tcase_add_test(t, nowhere_and_nobody);
    tcase_add_test(t, a_full_buffer_is_said);
    tcase_add_test(t, every_why_has_a_name_and_a_sentence);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(explain_suite());
    int failed;

    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
