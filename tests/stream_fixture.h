/* A page that streams, for a server of http_fixture.h: "/tell" tells in pieces, "/poll" answers
 * later. */
#pragma once

#include "tests/http_fixture.h"

#define PULL_PIECE 10000u

enum { OPEN_NOTHING, OPEN_ALL, OPEN_PULL };

static struct teller {
    struct http_stream *s; /* of the last that was opened */
    unsigned opened, rooms, gone;
    int at_open;
    size_t pull_left, pulled, held_max;
} teller;

static inline void tell(const char *text)
{
    ck_assert(http_stream_write(teller.s, str_from(text)));
}

static inline void pull(struct http_stream *s)
{
    char text[PULL_PIECE];

    while (teller.pull_left && http_stream_held(s) < HTTP_STREAM_LOW) {
        size_t n = teller.pull_left < sizeof text ? teller.pull_left : sizeof text;

        for (size_t i = 0; i < n; i++)
            text[i] = (char)('a' + (teller.pulled + i) % 26);
        ck_assert(http_stream_write(s, (struct str){text, n}));
        teller.pulled += n;
        teller.pull_left -= n;
        if (http_stream_held(s) > teller.held_max)
            teller.held_max = http_stream_held(s);
    }
    if (teller.pull_left == 0)
        http_stream_end(s);
}

static inline void teller_open(void *ctx, struct http_stream *s)
{
    ck_assert_ptr_eq(ctx, &teller);
    teller.s = s;
    teller.opened++;
    if (teller.at_open == OPEN_ALL) {
        tell("all");
        http_stream_end(s);
    } else if (teller.at_open == OPEN_PULL) {
        pull(s);
    }
}

static inline void teller_room(void *ctx, struct http_stream *s)
{
    (void)ctx;
    teller.rooms++;
    if (teller.at_open == OPEN_PULL)
        pull(s);
}

static inline void teller_gone(void *ctx)
{
    ck_assert_ptr_eq(ctx, &teller);
    teller.gone++;
}

static const struct http_stream_use teller_use = {
    .on_open = teller_open, .on_room = teller_room, .on_gone = teller_gone};

static inline void tell_page(void *ctx, const struct http_request *q, struct http_response *r)
{
    (void)ctx;
    r->status = str_eq(q->path, STR("/poll")) ? 0 : 200;
    r->stream = &teller_use;
    r->stream_ctx = &teller;
}

static inline void tellers_mount(void)
{
    teller = (struct teller){0};
    ck_assert(http_server_mount(server, (struct str){0}, STR("/tell"), tell_page, NULL));
    ck_assert(http_server_mount(server, (struct str){0}, STR("/poll"), tell_page, NULL));
}
