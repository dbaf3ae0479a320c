/* What a streamer pushes. Beyond not crashing: what is refused changes nothing and says why, what
 * is taken names the streamer that reports, and what is then believed is a number of sessions. */
#include "router/report.h"

#include <math.h>
#include <stdlib.h>

#include <event2/event.h>

#define CHECK(x)                                                                                   \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct live *live;
static struct prober *prober;

static void on_change(void *arg, struct str streamer, bool v6, enum health now, const char *why)
{
    (void)arg;
    (void)v6;
    CHECK(str_eq(streamer, STR("a")) && now != HEALTH_UNKNOWN && why[0]);
}

static void start(void)
{
    static struct streamer_conf conf[2] = {
        {.name = {"a", 1},
         .can = STREAMER_V4,
         .reports = true,
         .capacity = 100,
         .session_bps = 1e6,
         .poll = {.leave_pm = 950, .return_pm = 850}},
        {.name = {"b", 1}, .can = STREAMER_V4},
    };
    static struct view_streamer streamers[2];
    static struct view view = {.streamers = streamers, .streamer_count = 2};

    live = live_new();
    for (unsigned i = 0; i < 2; i++)
        streamers[i] = (struct view_streamer){
            .conf = &conf[i], .live = live_slot(live, conf[i].name), .session_s = 600};
    atomic_store(&view.refs, 1);
    prober = prober_new(event_base_new(), live, on_change, NULL);
    CHECK(prober && prober_set(prober, &view, NULL) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint64_t now_ms = 1000;
    struct err e = {0};
    double before;
    enum err_code rc;

    if (!prober)
        start();
    before = live_sessions(live, 0);
    rc = report_take(prober, (const char *)data, size, now_ms += 1000, &e);
    CHECK(rc == e.code && (rc == ERR_OK) == (e.text[0] == '\0'));
    CHECK(rc == ERR_OK || fabs(live_sessions(live, 0) - before) <= 0);
    CHECK(live_sessions(live, 0) >= 0 && isfinite(live_scale(live, 0)) && live_scale(live, 0) > 0);
    CHECK(live_sessions(live, 1) <= 0);
    return 0;
}
