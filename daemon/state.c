#include "daemon/state.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_write.h"
#include "base/jsonin.h"

static const char *const admin_names[] = {
    [ADMIN_UP] = "up", [ADMIN_DRAIN] = "drain", [ADMIN_DOWN] = "down", [ADMIN_FORCED] = "forced"};
static const char *const health_names[] = {[HEALTH_UNKNOWN] = "unknown",
                                           [HEALTH_UP] = "up",
                                           [HEALTH_DOWN] = "down",
                                           [HEALTH_SUSPECT] = "suspect"};

static void put_text(struct json_write *w, const char *key, const char *text)
{
    json_write_key(w, str_from(key));
    json_write_string(w, str_from(text));
}

static void put_number(struct json_write *w, const char *key, double v)
{
    json_write_key(w, str_from(key));
    json_write_number(w, isfinite(v) ? v : 0);
}

static void streamer_put(struct json_write *w, const struct view_streamer *s,
                         const struct live *live)
{
    const health_word word = live_health_get(live, s->live);

    json_write_object(w);
    put_text(w, "name", s->conf->name.p);
    put_text(w, "admin", admin_names[live_admin_of(word)]);
    put_text(w, "ipv4", health_names[live_health_of(word, false)]);
    put_text(w, "ipv6", health_names[live_health_of(word, true)]);
    put_number(w, "sessions", live_sessions(live, s->live));
    json_write_object_end(w);
}

static void row_put(struct json_write *w, const struct view *v, const struct popularity_row *row)
{
    char content[17], key[POPULARITY_KEY_MAX + 1];

    if (row->service >= v->service_count)
        return;
    snprintf(content, sizeof content, "%016" PRIx64, row->content);
    snprintf(key, sizeof key, "%s", row->key);
    for (char *p = key; *p; p++) /* a client's bytes: it may be cut, and need not be UTF-8 */
        if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
            *p = '?';
    json_write_object(w);
    put_text(w, "service", v->services[row->service].conf->name.p);
    put_text(w, "content", content);
    put_text(w, "key", key);
    put_number(w, "rate", row->rate);
    put_number(w, "error", row->error);
    json_write_object_end(w);
}

bool state_format(const struct view *v, const struct live *live, struct memory *m, uint64_t now_ms,
                  uint64_t wall_ms, struct bytes *out)
{
    struct popularity_row *rows = calloc(STATE_POPULAR_MAX, sizeof *rows);
    size_t n = rows ? memory_top(m, SVIDX_NONE, now_ms, rows, STATE_POPULAR_MAX) : 0;
    struct json_write w;

    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("version"));
    json_write_uint(&w, STATE_VERSION);
    json_write_key(&w, STR("written_ms"));
    json_write_uint(&w, wall_ms);
    json_write_key(&w, STR("streamers"));
    json_write_array(&w);
    for (sidx i = 0; i < v->streamer_count; i++)
        streamer_put(&w, &v->streamers[i], live);
    json_write_array_end(&w);
    json_write_key(&w, STR("popular"));
    json_write_array(&w);
    for (size_t i = 0; i < n; i++)
        row_put(&w, v, &rows[i]);
    json_write_array_end(&w);
    json_write_object_end(&w);
    free(rows);
    return rows && json_write_done(&w) && bytes_add(out, "\n", 1);
}

/* ---- back in. Twice over the same: first to know that all is well, then in earnest. */

struct restore {
    const struct view *view;
    struct live *live;
    struct memory *memory;
    double half_life_s;
    uint64_t now_ms, age_ms;
    bool apply;
    struct state_counts *counts;
};

static enum err_code word_find(const struct jsonin *in, const char *key, const char *const *names,
                               size_t n, unsigned *out, struct err *e)
{
    struct str text;
    enum err_code rc = jsonin_string(in, key, &text, e);

    for (unsigned i = 0; rc == ERR_OK && i < n; i++)
        if (str_eq(text, str_from(names[i]))) {
            *out = i;
            return ERR_OK;
        }
    return rc != ERR_OK ? rc : jsonin_error(in, e, "%s is none of the states", key);
}

static enum err_code streamer_restore(struct restore *r, const struct jsonin *in, struct err *e)
{
    unsigned admin = 0, health[2] = {0, 0};
    double sessions = 0;
    struct str name;
    enum err_code rc = jsonin_string(in, "name", &name, e);
    sidx at;

    if (rc == ERR_OK)
        rc = word_find(in, "admin", admin_names, 4, &admin, e);
    if (rc == ERR_OK)
        rc = word_find(in, "ipv4", health_names, 4, &health[0], e);
    if (rc == ERR_OK)
        rc = word_find(in, "ipv6", health_names, 4, &health[1], e);
    if (rc == ERR_OK)
        rc = jsonin_number(in, "sessions", &sessions, e);
    if (rc == ERR_OK && !(sessions >= 0 && sessions < 1e12))
        rc = jsonin_error(in, e, "sessions is not a number of them");
    if (rc != ERR_OK || !r->apply)
        return rc;
    at = view_find_streamer(r->view, name);
    if (at == SIDX_NONE)
        return ERR_OK;
    live_admin_set(r->live, r->view->streamers[at].live, (enum admin_state)admin);
    for (unsigned i = 0; i < 2 && r->age_ms <= STATE_HEALTH_MAX_S * UINT64_C(1000); i++)
        live_health_set(r->live, r->view->streamers[at].live, i == 1, (enum health)health[i]);
    if (sessions > 0) {
        const double session_s = r->view->streamers[at].session_s;
        const double aged = sessions * exp(-(double)r->age_ms / 1000 / fmax(session_s, 1));

        live_poll(r->live, r->view->streamers[at].live, aged, r->now_ms, session_s);
        live_poll_forget(r->live, r->view->streamers[at].live);
    }
    r->counts->streamers++;
    return ERR_OK;
}

static enum err_code row_restore(struct restore *r, const struct jsonin *in, struct err *e)
{
    struct popularity_row row = {0};
    struct str service, content, key;
    enum err_code rc = jsonin_string(in, "service", &service, e);
    char *end, hex[17] = "";
    double f;

    if (rc == ERR_OK)
        rc = jsonin_string(in, "content", &content, e);
    if (rc == ERR_OK)
        rc = jsonin_string(in, "key", &key, e);
    if (rc == ERR_OK)
        rc = jsonin_number(in, "rate", &row.rate, e);
    if (rc == ERR_OK)
        rc = jsonin_number(in, "error", &row.error, e);
    if (rc != ERR_OK)
        return rc;
    if (content.n != 16 || key.n > POPULARITY_KEY_MAX || !(row.rate >= 0 && row.rate < 1e12) ||
        !(row.error >= 0 && row.error < 1e12))
        return jsonin_error(in, e, "is not a content with its rate");
    memcpy(hex, content.p, 16);
    row.content = strtoull(hex, &end, 16);
    if (*end)
        return jsonin_error(in, e, "content is not 16 hexadecimal digits");
    row.service = view_find_service_by_name(r->view, service);
    if (!r->apply || row.service == SVIDX_NONE)
        return ERR_OK;
    memcpy(row.key, key.p, key.n);
    f = exp2(-(double)r->age_ms / 1000 / fmax(r->half_life_s, 1));
    row.rate *= f;
    row.error *= f;
    popularity_restore(r->memory->popularity, &row, (double)r->now_ms / 1000);
    r->counts->popular++;
    return ERR_OK;
}

static enum err_code all_restore(struct restore *r, const struct jsonin *root, struct err *e)
{
    struct jsonin list;
    enum err_code rc = jsonin_array(root, "streamers", &list, e);

    for (size_t i = 0; rc == ERR_OK && i < jsonin_count(&list); i++) {
        const struct jsonin item = jsonin_item(&list, i);

        rc = streamer_restore(r, &item, e);
    }
    if (rc == ERR_OK)
        rc = jsonin_array(root, "popular", &list, e);
    for (size_t i = 0; rc == ERR_OK && i < jsonin_count(&list); i++) {
        const struct jsonin item = jsonin_item(&list, i);

        rc = row_restore(r, &item, e);
    }
    return rc;
}

enum err_code state_restore(const char *text, size_t n, const struct view *v, struct live *live,
                            struct memory *m, double half_life_s, uint64_t now_ms, uint64_t wall_ms,
                            struct state_counts *counts, struct err *e)
{
    struct restore r = {v, live, m, half_life_s, now_ms, 0, false, counts};
    int64_t version = 0, written_ms = 0;
    json_t *doc = NULL;
    enum err_code rc = jsonin_load(text, n, &doc, e);
    struct jsonin root;

    *counts = (struct state_counts){0};
    if (rc != ERR_OK)
        return rc;
    root = (struct jsonin){.value = doc};
    rc = jsonin_integer(&root, "version", 0, INT64_MAX, &version, e);
    if (rc == ERR_OK && version != STATE_VERSION)
        rc =
            err_set(e, ERR_UNSUPPORTED, "version %" PRId64 ", known is %d", version, STATE_VERSION);
    if (rc == ERR_OK)
        rc = jsonin_integer(&root, "written_ms", 0, INT64_MAX, &written_ms, e);
    if (rc == ERR_OK)
        rc = all_restore(&r, &root, e);
    if (rc == ERR_OK) {
        /* A clock that was put back makes it no older than now. */
        r.age_ms = wall_ms > (uint64_t)written_ms ? wall_ms - (uint64_t)written_ms : 0;
        counts->age_ms = r.age_ms;
        r.apply = true;
        rc = all_restore(&r, &root, e);
    }
    json_decref(doc);
    return rc;
}
