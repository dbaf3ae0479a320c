#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_write.h"
#include "router/prober_internal.h"

static const char *health_text(const struct member *m, const struct live *live, bool v6)
{
    const enum health h = live_health_of(live_health_get(live, m->at->live), v6);

    return member_has(m, v6) ? health_name(h) : "none";
}

static void member_string(struct json_write *w, struct str key, const char *text)
{
    json_write_key(w, key);
    if (text[0])
        json_write_string(w, str_from(text));
    else
        json_write_null(w);
}

static void member_number(struct json_write *w, struct str key, double v)
{
    json_write_key(w, key);
    if (isfinite(v))
        json_write_number(w, v);
    else
        json_write_null(w);
}

/* One sentence for one or both addresses: "IPv4 ...; IPv6 ...". */
static void format_both(struct json_write *w, struct str key, const struct member *m,
                        const char *const text[2])
{
    static const char *const family[] = {"IPv4 ", "IPv6 "};
    const bool both = member_has(m, false) && member_has(m, true) && strcmp(text[0], text[1]) != 0;
    char line[2 * (PROBE_WHY_MAX + 64)] = "";
    size_t at = 0;

    for (unsigned v6 = 0; v6 < 2; v6++) {
        if (!member_has(m, v6) || !text[v6][0] || (at && !both))
            continue;
        at += (size_t)snprintf(line + at, sizeof line - at, "%s%s%s", at ? "; " : "",
                               both ? family[v6] : "", text[v6]);
    }
    member_string(w, key, line);
}

static void format_probes(struct json_write *w, const struct member *m, uint64_t now)
{
    const struct streamer_state *s = &m->state;
    const char *const last[2] = {m->target[0].last, m->target[1].last};
    char why[2][HEALTH_WHY_MAX + 16] = {"", ""};
    const char *const whys[2] = {why[0], why[1]};
    uint64_t changed = 0;

    for (unsigned v6 = 0; v6 < 2; v6++) {
        char text[HEALTH_WHY_MAX];

        if (!member_has(m, v6))
            continue;
        if (s->decided[v6] && s->since_ms[v6] > changed)
            changed = s->since_ms[v6];
        snprintf(why[v6], sizeof why[v6], "%s: %s", health_name(s->now[v6]),
                 health_why(s, m->conf, v6, now, text));
    }
    format_both(w, STR("last"), m, last);
    format_both(w, STR("why"), m, whys);
    json_write_key(w, STR("changed_s"));
    if (changed)
        json_write_uint(w, (now - changed) / 1000);
    else
        json_write_null(w);
}

static void format_age(struct json_write *w, uint64_t at_ms, uint64_t now)
{
    const uint64_t age_s = (now - at_ms) / 1000; /* whole seconds will do */

    member_number(w, STR("age_s"), at_ms ? (double)age_s : NAN);
}

static void format_poll(struct json_write *w, const struct member *m, uint64_t now)
{
    const struct profile_report *r = &m->poll.report;
    const bool heard = m->poll.report_ms != 0;
    const struct str profile = m->conf->poll.profile;

    json_write_key(w, STR("poll"));
    if (profile.n == 0 && !m->conf->reports) {
        json_write_null(w);
        return;
    }
    json_write_object(w);
    json_write_key(w, STR("profile"));
    json_write_string(w, profile.n ? profile : STR("report"));
    format_age(w, m->poll.report_ms, now);
    member_number(w, STR("sessions"), heard ? r->sessions : NAN);
    member_number(w, STR("bytes_out_bps"), heard ? r->bytes_out_bps : NAN);
    member_number(w, STR("load"), health_load(&m->state, m->conf));
    member_number(w, STR("hit_ratio"), heard ? r->hit_ratio : NAN);
    member_string(w, STR("error"), m->poll.error);
    json_write_object_end(w);
}

static void format_digest(struct json_write *w, const struct member *m, uint64_t now)
{
    json_write_key(w, STR("digest"));
    if (m->conf->poll.digest_path.n == 0) {
        json_write_null(w);
        return;
    }
    json_write_object(w);
    format_age(w, m->digest.got_ms, now);
    json_write_key(w, STR("contents"));
    json_write_uint(w, m->digest.got_ms ? m->digest.info.count : 0);
    member_string(w, STR("error"), m->digest.error);
    json_write_object_end(w);
}

bool prober_format(const struct prober *p, const struct live *live, struct bytes *out)
{
    static const char *const admin[] = {[ADMIN_UP] = "up",
                                        [ADMIN_DRAIN] = "drain",
                                        [ADMIN_DOWN] = "down",
                                        [ADMIN_FORCED] = "forced"};
    const uint64_t now = clock_ms();
    struct json_write w;

    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("streamers"));
    json_write_array(&w);
    for (size_t i = 0; i < p->count; i++) {
        const struct member *m = p->members[i];

        json_write_object(&w);
        json_write_key(&w, STR("name"));
        json_write_string(&w, m->conf->name);
        member_string(&w, STR("ipv4"), health_text(m, live, false));
        member_string(&w, STR("ipv6"), health_text(m, live, true));
        member_string(&w, STR("admin"), admin[live_admin_get(live, m->at->live)]);
        format_probes(&w, m, now);
        member_number(&w, STR("scale"), (double)live_scale(live, m->at->live));
        format_poll(&w, m, now);
        format_digest(&w, m, now);
        json_write_object_end(&w);
    }
    json_write_array_end(&w);
    json_write_object_end(&w);
    return json_write_done(&w);
}
