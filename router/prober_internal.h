/* What the parts of the prober share; nobody else includes this. prober.c keeps the list of
 * streamers, prober_ask.c asks on time, prober_probe.c and prober_poll.c say what and judge,
 * prober_format.c tells. */
#pragma once

#include <event2/event.h>

#include "router/digest.h"
#include "router/hit_ratio.h"
#include "router/probe.h"
#include "router/prober.h"
#include "router/profile.h"

struct member;

/* One thing that is asked of a streamer again and again. */
struct asker {
    struct prober *owner;
    struct event *timer;
    struct probe *probe; /* under way */
    uint64_t due_ms;     /* when the last one should have begun */
    bool on;
};

/* Probes one address. */
struct target {
    struct asker ask;
    struct member *member;
    struct addr addr;
    bool v6;
    char last[PROBE_WHY_MAX];
    char said[PROBE_WHY_MAX + 64]; /* why its probes are what they are */
};

/* Polls its statistics. What is pushed to us comes here too. */
struct poller {
    struct asker ask;
    bool v6; /* asked there; the other one's turn comes when that fails */
    bool has_sample;
    struct profile_sample sample; /* the last good one, */
    uint64_t sample_ms;           /* taken then */
    struct profile_report report; /* the last poll or report, */
    uint64_t report_ms;           /* heard then; 0: never */
    char error[256];              /* of the last poll; "" it was good */
    uint32_t sent, sent_known;    /* the live counters when its hit ratio was learnt from */
    struct hit_belief hit;
    bool hit_learnt;
};

struct digester {
    struct asker ask;
    uint64_t got_ms; /* 0: never */
    struct digest_info info;
    char error[256];
};

/* A streamer. conf and at point into the prober's view. */
struct member {
    struct prober *owner;
    const struct streamer_conf *conf;
    const struct view_streamer *at;
    bool kept; /* prober_set: it is in the new view too */
    struct streamer_state state;
    struct target target[2]; /* IPv4, IPv6 */
    struct poller poll;
    struct digester digest;
};

struct prober {
    struct event_base *base;
    struct live *live;
    prober_change_fn *on_change;
    void *arg;
    struct metrics *metrics; /* NULL: nothing is counted */
    struct view *view;       /* a reference; NULL before the first prober_set */
    struct member **members; /* [count], in the order of the view's streamers */
    size_t count;
    struct event *tick;
    struct ssl_ctx_st *tls; /* NULL: nobody has asked for it yet */
    struct arena *scratch;  /* of one page of statistics */
    unsigned in_flight;
    uint64_t seed, drawn;
    uint64_t complain_at_ms;
};

static inline bool member_has(const struct member *m, bool v6)
{
    return m->conf->can & (v6 ? STREAMER_V6 : STREAMER_V4);
}

void prober_count(struct prober *p, enum metric id);
/* Behind each call of router/health.h: what changed goes to the live words and is told. The last
 * thing that a callback does, for it calls outside. */
void member_took(struct member *m, unsigned changed, uint64_t now_ms);
/* Something on this side kept us from asking; rate limited. */
void member_complain(struct member *m, const char *why);

/* ---- prober_ask.c */

bool asker_init(struct asker *a, struct prober *p, event_callback_fn on_timer, void *arg);
void asker_fini(struct asker *a);
/* First time soon; stop ends what is under way. */
void asker_start(struct asker *a, uint32_t interval_ms);
void asker_stop(struct asker *a);
void asker_next(struct asker *a, uint32_t interval_ms);
/* From on_timer: asks, or waits its turn. false: no memory, nothing was begun. */
bool asker_ask(struct asker *a, const struct probe_ask *ask, probe_done_fn *done, void *arg);
/* First thing in a done. */
void asker_done(struct asker *a);
/* Nothing that would break a request line or header apart. */
bool ask_is_clean(struct str s);

/* ---- prober_probe.c, prober_poll.c: the parts of a member */

bool target_init(struct target *t, struct member *m, bool v6);
bool poller_init(struct member *m);
bool digester_init(struct member *m);
/* The member goes over from conf `before` (NULL: it is new) to m->conf. */
void target_adopt(struct target *t, const struct streamer_conf *before);
void poller_adopt(struct member *m, const struct view_streamer *before);
void digester_adopt(struct member *m, const struct streamer_conf *before);
/* ERR_CONFLICT: it cannot be asked so. */
enum err_code target_check(const struct streamer_conf *c, struct err *e) MUST_CHECK;
enum err_code poller_check(const struct view_streamer *s, struct err *e) MUST_CHECK;
/* Puts what was learnt of hits into the live words. */
void poller_hits(const struct member *m);
/* Takes from there what an earlier process learnt. */
void poller_resume(struct member *m);
/* A poll or report is in. */
void poller_took(struct member *m, const struct profile_report *r, uint64_t now_ms);
