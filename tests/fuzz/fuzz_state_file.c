/* A state file either gives one error with a text, or a state whose every value is within bounds,
 * that goes into live words and popularity, and out of them into a file that reads back. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/state_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_of_all, const char *what)
{
    if (true_of_all)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void check_state(const struct state *s)
{
    must(s->streamer_count <= STREAMERS_MAX && s->content_count <= STATE_CONTENTS_MAX, "too many");
    for (size_t i = 0; i < s->streamer_count; i++) {
        const struct state_streamer *r = &s->streamers[i];

        must(r->sessions >= 0 && isfinite(r->sessions) && isfinite(r->foreign), "sessions");
        must(r->hit_pm >= -1 && r->hit_pm <= 1000 && r->hit_known_pm <= 1000, "hit ratio");
    }
    for (size_t i = 0; i < s->content_count; i++) {
        const struct popularity_row *r = &s->contents[i].row;

        must(r->rate >= 0 && r->error >= 0 && r->error <= r->rate && isfinite(r->rate), "rate");
        must(strlen(r->key) <= POPULARITY_KEY_MAX, "key");
    }
}

/* A view of the two streamers and the service that the corpus names; made once. */
static struct view *world(struct live *live)
{
    static struct view *v;
    const struct streamer_conf streamers[2] = {
        {.name = STR("a"),
         .can = STREAMER_V4 | STREAMER_HTTP,
         .http_port = 80,
         .weight = 1,
         .reports = true},
        {.name = STR("b"), .can = STREAMER_V6 | STREAMER_HTTP, .http_port = 80, .weight = 1}};
    const struct str host = STR("www.example.com");
    const struct service_conf service = {
        .name = STR("vod"),
        .hosts = &host,
        .host_count = 1,
        .policy = {.cost_weight = 1, .origin_weight = 1, .load_weight = 1, .session_s = 600}};
    const struct view_inputs in = {.serial = 1,
                                   .streamers = streamers,
                                   .streamer_count = 2,
                                   .services = &service,
                                   .service_count = 1};
    struct err e = {0};

    if (!v)
        must(view_build(&in, live, &v, &e) == ERR_OK, e.text);
    return v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct live *live;
    struct state *s = NULL, *back = NULL;
    struct popularity *p = popularity_new(64, 600);
    struct bytes text = {0};
    struct err e = {0};
    struct view *v;

    if (!live)
        live = live_new();
    v = world(live);
    if (state_parse((const char *)data, size, &s, &e) == ERR_OK) {
        check_state(s);
        (void)state_apply(s, live, v, p, 1, s->wall_ms + 30000);
        must(state_format(live, v, p, 2, s->wall_ms, &text, &e) == ERR_OK, e.text);
        must(state_parse(text.data, text.len, &back, &e) == ERR_OK, e.text);
        must(back->streamer_count == 2 && back->content_count <= s->content_count, "not the same");
        check_state(back);
    } else {
        must(s == NULL && e.text[0], "an error without a text, or with a state");
    }
    state_free(s);
    state_free(back);
    bytes_free(&text);
    popularity_free(p);
    return 0;
}
