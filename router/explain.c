#include "router/explain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_write.h"

static void number(struct json_write *w, struct str key, float v)
{
    json_write_key(w, key);
    if (isfinite(v))
        json_write_number(w, round((double)v * 1e6) / 1e6);
    else
        json_write_null(w);
}

static void flag(struct json_write *w, struct str key, bool value)
{
    json_write_key(w, key);
    json_write_bool(w, value);
}

static void text(struct json_write *w, struct str key, const char *value)
{
    json_write_key(w, key);
    if (value)
        json_write_string(w, str_from(value));
    else
        json_write_null(w);
}

static void pid_name(struct json_write *w, const struct view *v, struct str key, pidx pid)
{
    json_write_key(w, key);
    if (pid == PIDX_NONE || !v->netmap)
        json_write_null(w);
    else
        json_write_string(w, v->netmap->pids[pid].name);
}

static const char *health_text(health_word w, bool v6)
{
    switch (live_health_of(w, v6)) {
    case HEALTH_UP:
        return "up";
    case HEALTH_DOWN:
        return "down";
    case HEALTH_SUSPECT:
        return "suspect";
    case HEALTH_UNKNOWN:
        break;
    }
    return "unknown";
}

static const char *admin_text(health_word w)
{
    static const char *const names[] = {"up", "drain", "down", "forced"};

    return names[live_admin_of(w)];
}

/* One word when both families that it has agree, else one for each. */
static void health(struct json_write *w, const struct streamer_conf *c, health_word word)
{
    const char *v4 = c->can & STREAMER_V4 ? health_text(word, false) : NULL;
    const char *v6 = c->can & STREAMER_V6 ? health_text(word, true) : NULL;
    char both[48];

    if (v4 && v6 && v4 != v6) {
        snprintf(both, sizeof both, "v4 %s, v6 %s", v4, v6);
        text(w, STR("health"), both);
        return;
    }
    text(w, STR("health"), v4 ? v4 : v6);
}

static void candidate(struct json_write *w, const struct view *v, const struct trace_row *r)
{
    const struct view_streamer *s = &v->streamers[r->choice.streamer];

    json_write_object(w);
    json_write_key(w, STR("name"));
    json_write_string(w, s->conf->name);
    pid_name(w, v, STR("pid"), s->pid);
    number(w, STR("cost"), r->choice.cost);
    number(w, STR("origin"), r->choice.origin);
    number(w, STR("load"), r->choice.load);
    number(w, STR("score"), r->choice.score);
    number(w, STR("hit"), r->choice.hit);
    flag(w, STR("remembered"), r->remembered);
    json_write_key(w, STR("digest"));
    if (r->digest < 0)
        json_write_null(w);
    else
        json_write_bool(w, r->digest != 0);
    number(w, STR("scale"), r->scale);
    health(w, s->conf, r->health);
    text(w, STR("admin"), admin_text(r->health));
    json_write_key(w, STR("rank"));
    if (r->rank)
        json_write_uint(w, r->rank);
    else
        json_write_null(w);
    flag(w, STR("in_band"), r->in_band);
    flag(w, STR("owner"), r->owner);
    text(w, STR("why"), r->choice.why == WHY_NONE ? NULL : why_name(r->choice.why));
    text(w, STR("excluded"), excluded_name(r->excluded));
    json_write_object_end(w);
}

static void head(struct json_write *w, const struct view *v, const struct live *live,
                 const struct question *q, const struct decision *d)
{
    double cap = (double)NAN, mean = (double)NAN, unit = v->cost_unit;
    char client[ADDR_TEXT_MAX];

    json_write_key(w, STR("serial"));
    json_write_uint(w, v->serial);
    text(w, STR("client"), addr_format(q->client, client));
    pid_name(w, v, STR("pid"), d->pid);
    json_write_key(w, STR("scope"));
    json_write_uint(w, addr_own_bits(q->client, d->scope));
    json_write_key(w, STR("service"));
    if (q->service < v->service_count)
        json_write_string(w, v->services[q->service].conf->name);
    else
        json_write_null(w);
    text(w, STR("why"), why_name(d->why));
    text(w, STR("sentence"), why_sentence(d->why));
    json_write_key(w, STR("chosen"));
    if (d->count)
        json_write_string(w, v->streamers[d->choice[0].streamer].conf->name);
    else
        json_write_null(w);
    json_write_key(w, STR("owners"));
    json_write_uint(w, d->owners);
    if (q->service < v->service_count) {
        cap = decide_cap(v, live, q->service, &mean);
        unit = v->services[q->service].cost_unit;
    }
    number(w, STR("mean"), (float)mean);
    number(w, STR("cap"), (float)cap);
    json_write_key(w, STR("cost_unit"));
    json_write_number(w, unit);
}

bool explain_json(const struct view *v, const struct live *live, const struct question *q,
                  struct bytes *out)
{
    struct trace_row *rows = calloc(STREAMERS_MAX, sizeof *rows);
    struct json_write w;
    struct decision d;
    size_t count;
    bool done;

    if (!rows)
        return false;
    decide_traced(v, live, q, &d, rows, &count);
    json_write_init(&w, out);
    json_write_object(&w);
    head(&w, v, live, q, &d);
    json_write_key(&w, STR("candidates"));
    json_write_array(&w);
    for (size_t i = 0; i < count; i++)
        candidate(&w, v, &rows[i]);
    json_write_array_end(&w);
    json_write_object_end(&w);
    done = json_write_done(&w);
    free(rows);
    return done;
}
