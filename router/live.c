#include "router/live.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "router/digest.h"

#define HEALTH_MASK  UINT32_C(3)
#define HEALTH_V6_AT 2
#define ADMIN_AT     4
#define SCALE_ONE    UINT32_C(0x3f800000) /* the bits of 1.0F */
#define HIT_KNOWN_PM 950
#define NAMES        (2 * LIVE_SLOTS)
#define LEARN_MS     1000u /* of less time no rate is learnt */
#define POLLS_LOST   3     /* in a row, and what others send is believed less and less */

struct live *live_new(void)
{
    struct live *l = NULL;

    if (posix_memalign((void **)&l, LIVE_LINE, sizeof *l))
        return NULL;
    memset(l, 0, sizeof *l);
    memset(l->by_name, 0xff, sizeof l->by_name); /* LIVE_NONE */
    for (unsigned i = 0; i < LIVE_SLOTS; i++)
        atomic_init(&l->streamer[i].scale, SCALE_ONE);
    return l;
}

void live_free(struct live *l)
{
    if (!l)
        return;
    for (unsigned i = 0; i < LIVE_SLOTS; i++)
        digest_live_free(live_digest(l, (lidx)i));
    free(l);
}

struct digest_live *live_digest(const struct live *l, lidx i)
{
    return atomic_load_explicit(&l->streamer[i].digest, memory_order_acquire);
}

struct digest_live *live_digest_open(struct live *l, lidx i)
{
    struct digest_live *d = live_digest(l, i);

    if (d)
        return d;
    d = digest_live_new();
    atomic_store_explicit(&l->streamer[i].digest, d, memory_order_release);
    return d;
}

/* A worker may be in it: it is emptied, and goes with the words. */
static void digest_empty(struct digest_live *d)
{
    const struct digest_info none = {0};
    struct err e = {0};

    if (d)
        (void)!digest_live_set(d, &none, NULL, &e);
}

/* The control thread is the only writer, so reading and storing are two steps; ahead of the change
 * itself. */
static void lowered(struct live *l)
{
    uint32_t n = atomic_load_explicit(&l->lowered, memory_order_relaxed) + 1;

    atomic_store_explicit(&l->lowered, n == UINT32_MAX ? 0 : n, memory_order_release);
}

static void slot_reset(struct live_streamer *s, struct str name)
{
    atomic_store_explicit(&s->health, 0, memory_order_relaxed);
    atomic_store_explicit(&s->dispatched, 0, memory_order_relaxed);
    atomic_store_explicit(&s->folded, 0, memory_order_relaxed);
    atomic_store_explicit(&s->scale, SCALE_ONE, memory_order_relaxed);
    atomic_store_explicit(&s->hit_pm, 0, memory_order_relaxed);
    atomic_store_explicit(&s->hit_known_pm, HIT_KNOWN_PM, memory_order_relaxed);
    atomic_store_explicit(&s->sent_known, 0, memory_order_relaxed);
    digest_empty(atomic_load_explicit(&s->digest, memory_order_relaxed));
    s->open = 0;
    s->foreign = 0;
    s->foreign_s = 0;
    s->missing = s->every_s = s->unheard_s = 0;
    s->polled_ms = 0;
    memset(s->name, 0, sizeof s->name);
    memcpy(s->name, name.p, name.n);
    s->in_use = true;
}

/* Where the name is in by_name, or the empty place where it would be. */
static unsigned name_place(const struct live *l, struct str name)
{
    unsigned at = (unsigned)hash_content(name.p, name.n) % NAMES;

    while (l->by_name[at] != LIVE_NONE) {
        const char *is = l->streamer[l->by_name[at]].name;

        if (memcmp(is, name.p, name.n) == 0 && is[name.n] == '\0')
            break;
        at = (at + 1) % NAMES;
    }
    return at;
}

static bool name_fits(struct str name)
{
    return name.n > 0 && name.n < sizeof((struct live_streamer *)0)->name;
}

lidx live_find(const struct live *l, struct str name)
{
    return name_fits(name) ? l->by_name[name_place(l, name)] : LIVE_NONE;
}

lidx live_slot(struct live *l, struct str name)
{
    unsigned at;
    lidx i;

    if (!name_fits(name))
        return LIVE_NONE;
    at = name_place(l, name);
    i = l->by_name[at];
    if (i == LIVE_NONE) {
        while (l->free_from < LIVE_SLOTS && l->streamer[l->free_from].in_use)
            l->free_from++;
        if (l->free_from == LIVE_SLOTS)
            return LIVE_NONE;
        i = l->by_name[at] = l->free_from;
        lowered(l);
        slot_reset(&l->streamer[i], name);
    }
    l->streamer[i].marked = true;
    return i;
}

void live_mark_begin(struct live *l)
{
    for (unsigned i = 0; i < LIVE_SLOTS; i++)
        l->streamer[i].marked = false;
}

/* Names that go leave holes that would end the search for others. */
static void names_anew(struct live *l)
{
    memset(l->by_name, 0xff, sizeof l->by_name);
    for (unsigned i = 0; i < LIVE_SLOTS; i++)
        if (l->streamer[i].in_use)
            l->by_name[name_place(l, str_from(l->streamer[i].name))] = (lidx)i;
    l->free_from = 0;
}

void live_mark_end(struct live *l)
{
    bool gone = false;

    for (unsigned i = 0; i < LIVE_SLOTS; i++) {
        struct live_streamer *s = &l->streamer[i];

        gone = gone || (s->in_use && !s->marked);
        s->in_use = s->in_use && s->marked;
    }
    if (gone)
        names_anew(l);
}

static void field_set(struct live *l, lidx i, unsigned at, uint32_t value)
{
    uint32_t w = live_health_get(l, i);

    w = (w & ~(HEALTH_MASK << at)) | value << at;
    atomic_store_explicit(&l->streamer[i].health, w, memory_order_relaxed);
}

void live_health_set(struct live *l, lidx i, bool v6, enum health h)
{
    field_set(l, i, v6 ? HEALTH_V6_AT : 0, (uint32_t)h);
}

void live_admin_set(struct live *l, lidx i, enum admin_state s)
{
    field_set(l, i, ADMIN_AT, (uint32_t)s);
}

enum admin_state live_admin_get(const struct live *l, lidx i)
{
    return live_admin_of(live_health_get(l, i));
}

enum health live_health_of(health_word w, bool v6)
{
    return (enum health)(w >> (v6 ? HEALTH_V6_AT : 0) & HEALTH_MASK);
}

enum admin_state live_admin_of(health_word w)
{
    return (enum admin_state)(w >> ADMIN_AT & HEALTH_MASK);
}

static void hit_set(struct live *l, _Atomic uint32_t *word, uint32_t hit_pm)
{
    if (hit_pm > 1000)
        hit_pm = 1000;
    if (hit_pm > atomic_load_explicit(word, memory_order_relaxed))
        lowered(l);
    atomic_store_explicit(word, hit_pm, memory_order_relaxed);
}

void live_hit_set(struct live *l, lidx i, uint32_t hit_pm)
{
    struct live_streamer *s = &l->streamer[i];

    hit_set(l, &s->hit_pm, hit_pm);
    live_hit_known_set(l, i, atomic_load_explicit(&s->hit_known_pm, memory_order_relaxed));
}

void live_hit_known_set(struct live *l, lidx i, uint32_t hit_pm)
{
    const uint32_t least = atomic_load_explicit(&l->streamer[i].hit_pm, memory_order_relaxed);

    hit_set(l, &l->streamer[i].hit_known_pm, hit_pm > least ? hit_pm : least);
}

void live_scale_set(struct live *l, lidx i, float scale)
{
    uint32_t bits;

    memcpy(&bits, &scale, sizeof bits);
    if (scale < live_scale(l, i))
        lowered(l);
    atomic_store_explicit(&l->streamer[i].scale, bits, memory_order_relaxed);
}

void live_dispatch(struct live *l, lidx i, uint32_t n)
{
    atomic_fetch_add_explicit(&l->streamer[i].dispatched, n, memory_order_relaxed);
}

void live_dispatch_known(struct live *l, lidx i, uint32_t n)
{
    atomic_fetch_add_explicit(&l->streamer[i].sent_known, n, memory_order_relaxed);
}

/* What is open now, and that everything dispatched up to `now` is in it. */
static void folded_set(struct live *l, struct live_streamer *s, uint32_t now)
{
    uint64_t before = atomic_load_explicit(&s->folded, memory_order_relaxed);
    double units = s->open * LIVE_SESSION_UNITS + 0.5;

    if (units > (double)UINT32_MAX)
        units = (double)UINT32_MAX;
    if ((uint64_t)units <
        (before >> 32) + (uint64_t)(uint32_t)(now - (uint32_t)before) * LIVE_SESSION_UNITS)
        lowered(l);
    atomic_store_explicit(&s->folded, (uint64_t)(uint32_t)units << 32 | now, memory_order_release);
}

/* What others sent a moment ago says little of what they send in an hour. */
static void foreign_fade(struct live_streamer *s, double elapsed_s)
{
    s->unheard_s += elapsed_s;
    if (s->unheard_s > fmax(LIVE_FOREIGN_S, POLLS_LOST * s->every_s))
        s->foreign *= exp(-elapsed_s / LIVE_FOREIGN_S);
}

/* The exact number stays in `open`: rounded to the word's sixteenths again and again, a small one
 * would never age. */
void live_fold(struct live *l, lidx i, double elapsed_s, double session_s)
{
    struct live_streamer *s = &l->streamer[i];
    uint32_t now = atomic_load_explicit(&s->dispatched, memory_order_relaxed);
    uint64_t before = atomic_load_explicit(&s->folded, memory_order_relaxed);
    double aged = session_s > 0 ? s->open * exp(-elapsed_s / session_s) : 0;

    foreign_fade(s, elapsed_s);
    s->open = fmax(aged + (double)(now - (uint32_t)before) + s->foreign * elapsed_s, 0);
    folded_set(l, s, now);
}

/* What others send, by how far the belief was off. A session a second more since the last poll
 * would have left session_s * (1 - exp(-elapsed / session_s)) more open now. */
static void learn_foreign(struct live_streamer *s, double elapsed_s, double session_s)
{
    const double known_s = fmin(s->foreign_s, LIVE_FOREIGN_S);
    const double left = session_s > 0 ? session_s * -expm1(-elapsed_s / session_s) : elapsed_s;

    s->foreign += elapsed_s / (known_s + elapsed_s) * (s->missing / left);
    s->foreign_s = known_s + elapsed_s;
    s->every_s = elapsed_s;
    s->missing = 0;
}

void live_poll(struct live *l, lidx i, double sessions, uint64_t now_ms, double session_s)
{
    struct live_streamer *s = &l->streamer[i];
    uint32_t now = atomic_load_explicit(&s->dispatched, memory_order_relaxed);
    uint64_t before = atomic_load_explicit(&s->folded, memory_order_relaxed);
    double believed = s->open + (double)(now - (uint32_t)before);

    if (isnan(sessions))
        return;
    sessions = fmin(fmax(sessions, 0), LIVE_SESSIONS_MAX);
    if (s->polled_ms)
        s->missing += sessions - believed;
    if (s->polled_ms && now_ms >= s->polled_ms + LEARN_MS)
        learn_foreign(s, (double)(now_ms - s->polled_ms) / 1000, session_s);
    if (s->polled_ms == 0 || now_ms >= s->polled_ms + LEARN_MS)
        s->polled_ms = now_ms;
    s->unheard_s = 0;
    s->open = sessions;
    folded_set(l, s, now);
}

void live_poll_forget(struct live *l, lidx i)
{
    struct live_streamer *s = &l->streamer[i];

    s->foreign = 0;
    s->foreign_s = 0;
    s->missing = s->every_s = 0;
    s->polled_ms = 0;
}

void live_resume(struct live *l, lidx i, double sessions, double foreign, double foreign_s)
{
    struct live_streamer *s = &l->streamer[i];

    s->open = fmin(sessions, LIVE_SESSIONS_MAX);
    s->foreign = foreign;
    s->foreign_s = fmin(foreign_s, LIVE_FOREIGN_S);
    folded_set(l, s, (uint32_t)atomic_load_explicit(&s->folded, memory_order_relaxed));
}
