/* The first byte picks the format, the rest is the page. A page gives one error with a text and
 * nothing else, or numbers that are sorted, found by their names and bounded; written out and read
 * again, those of JSON and of Prometheus are the same. Every profile makes finite reports of it. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_write.h"
#include "router/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_of_all_pages, const char *what)
{
    if (true_of_all_pages)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static bool same(const struct stat_value *a, const struct stat_value *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == STAT_REAL)
        return a->d == b->d || (isnan(a->d) && isnan(b->d));
    return a->u == b->u; /* i lies on it */
}

static bool format_number(const struct stat_value *v, struct bytes *out)
{
    switch (v->kind) {
    case STAT_UINT:
        return bytes_printf(out, "%" PRIu64, v->u);
    case STAT_INT:
        return bytes_printf(out, "%" PRId64, v->i);
    case STAT_REAL:
        break;
    }
    return bytes_printf(out, "%.17g", v->d);
}

static void format_prometheus(const struct stats *s, struct bytes *out)
{
    for (size_t i = 0; i < s->count; i++)
        must(bytes_add(out, s->items[i].name.p, s->items[i].name.n) && bytes_add(out, " ", 1) &&
                 format_number(&s->items[i].value, out) && bytes_add(out, "\n", 1),
             "does not format");
}

static void format_json(const struct stats *s, struct bytes *out)
{
    struct json_write w;

    json_write_init(&w, out);
    json_write_object(&w);
    for (size_t i = 0; i < s->count; i++) {
        struct bytes number = {0};

        must(format_number(&s->items[i].value, &number), "no memory");
        json_write_key(&w, s->items[i].name);
        json_write_string(&w, (struct str){number.data, number.len});
        bytes_free(&number);
    }
    json_write_object_end(&w);
    must(json_write_done(&w), "does not format");
}

static void check_order(const struct stats *s)
{
    must(s->count > 0 && s->count <= STATS_MAX, "no number, or too many");
    for (size_t i = 0; i < s->count; i++) {
        must(s->items[i].name.n > 0 && s->items[i].name.n <= STATS_NAME_MAX, "a name's length");
        must(i == 0 || str_cmp(s->items[i - 1].name, s->items[i].name) < 0, "not sorted");
        must(stats_find(s, s->items[i].name) == &s->items[i], "not found");
    }
}

static void check_again(enum stats_format f, const struct stats *s, struct arena *arena)
{
    struct bytes text = {0};
    struct err e = {0};
    struct stats back;

    if (f != STATS_PROMETHEUS && f != STATS_JSON)
        return;
    if (f == STATS_PROMETHEUS)
        format_prometheus(s, &text);
    else
        format_json(s, &text);
    if (text.len <= STATS_BYTES_MAX) {
        must(stats_parse(f, text.data, text.len, arena, &back, &e) == ERR_OK, e.text);
        must(back.count == s->count, "another count");
        for (size_t i = 0; i < s->count; i++)
            must(str_eq(s->items[i].name, back.items[i].name) &&
                     same(&s->items[i].value, &back.items[i].value),
                 "another number");
    }
    bytes_free(&text);
}

static void check_profiles(enum stats_format f, const struct stats *s)
{
    const struct profile_conf *p;

    for (size_t i = 0; (p = profile_builtin_at(i)); i++) {
        struct profile_sample now, none = {0};
        struct profile_report r;

        if (p->format != f)
            continue;
        profile_read(p, s, s->items[0].name, &now); /* any text */
        profile_read(p, s, (struct str){0}, &now);
        profile_report(&none, &now, 10, &r);
        must(isnan(r.bytes_out_bps) && isnan(r.hit_ratio), "a rate of one sample");
        profile_report(&now, &now, 10, &r);
        must(isnan(r.sessions) || (r.sessions >= 0 && isfinite(r.sessions)), "sessions");
        must(isnan(r.capacity) || (r.capacity >= 0 && isfinite(r.capacity)), "capacity");
        must(isnan(r.bytes_out_bps) || r.bytes_out_bps == 0, "a rate of nothing");
        must(isnan(r.hit_ratio), "hits of nothing");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new((size_t)256 << 20);
    struct err e = {0};
    enum stats_format f;
    struct stats s;

    if (!arena)
        abort();
    if (size > 0) {
        f = (enum stats_format)(data[0] % STATS_FORMATS);
        if (stats_parse(f, (const char *)data + 1, size - 1, arena, &s, &e) == ERR_OK) {
            check_order(&s);
            check_again(f, &s, arena);
            check_profiles(f, &s);
        } else {
            must(e.text[0] && !s.items && s.count == 0, "an error without a text, or with numbers");
        }
    }
    arena_free(arena);
    return 0;
}
