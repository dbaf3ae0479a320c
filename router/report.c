#include "router/report.h"

#include <math.h>

#include "base/jsonin.h"
#include "base/suggest.h"
#include "router/prober_internal.h"

static const struct {
    struct str name;
    size_t at; /* of a double in struct profile_report; SIZE_MAX: another kind */
    double most;
} members[] = {
    {{"streamer", 8}, SIZE_MAX, 0},
    {{"ready", 5}, SIZE_MAX, 0},
    {{"sessions", 8}, offsetof(struct profile_report, sessions), 1e12},
    {{"bytes_out_bps", 13}, offsetof(struct profile_report, bytes_out_bps), 1e18},
    {{"hit_ratio", 9}, offsetof(struct profile_report, hit_ratio), 1},
    {{"capacity", 8}, offsetof(struct profile_report, capacity), 1e12},
};
#define MEMBERS (sizeof members / sizeof *members)

/* Whatever is misspelt would be missing in silence. */
static enum err_code check_names(const struct jsonin *root, struct err *e)
{
    const char *key;
    size_t n;
    json_t *value;

    json_object_keylen_foreach((json_t *)(uintptr_t)root->value, key, n, value)
    {
        const struct str name = {key, n};
        char shown[64], hint[SUGGEST_TEXT_MAX];
        struct suggest s;
        bool known = false;

        suggest_init(&s, name);
        for (size_t i = 0; i < MEMBERS; i++) {
            known = known || str_eq(name, members[i].name);
            suggest_offer(&s, members[i].name);
        }
        if (!known)
            return err_set(e, ERR_PARSE, "a report has no \"%s\"%s",
                           bytes_escape(key, n, shown, sizeof shown), suggest_format(&s, hint));
    }
    return ERR_OK;
}

static enum err_code read_report(const struct jsonin *root, struct str *name,
                                 struct profile_report *out, struct err *e)
{
    enum err_code rc = check_names(root, e);
    bool ready;

    if (rc == ERR_OK)
        rc = jsonin_string(root, "streamer", name, e);
    for (size_t i = 0; i < MEMBERS && rc == ERR_OK; i++) {
        const char *key = members[i].name.p;
        double v;

        if (members[i].at == SIZE_MAX || !jsonin_has(root, key))
            continue;
        rc = jsonin_number(root, key, &v, e);
        if (rc == ERR_OK && !(v >= 0 && v <= members[i].most))
            rc = err_set(e, ERR_PARSE, "%s: %g is not from 0 to %g", key, v, members[i].most);
        if (rc == ERR_OK)
            *(double *)(void *)((char *)out + members[i].at) = v;
    }
    if (rc != ERR_OK || !jsonin_has(root, "ready"))
        return rc;
    rc = jsonin_bool(root, "ready", &ready, e);
    if (rc == ERR_OK)
        out->ready = ready;
    return rc;
}

static enum err_code member_find(struct prober *p, struct str name, struct member **out,
                                 struct err *e)
{
    char shown[128], hint[SUGGEST_TEXT_MAX];
    const sidx at = p->view ? view_find_streamer(p->view, name) : SIDX_NONE;
    struct suggest s;

    bytes_escape(name.p, name.n, shown, sizeof shown);
    if (at == SIDX_NONE) {
        suggest_init(&s, name);
        for (size_t i = 0; i < p->count; i++)
            suggest_offer(&s, p->members[i]->conf->name);
        return err_set(e, ERR_NOT_FOUND, "there is no streamer \"%s\"%s", shown,
                       suggest_format(&s, hint));
    }
    *out = p->members[at];
    if (!(*out)->conf->reports)
        return err_set(e, ERR_CONFLICT,
                       "streamer %s does not report by its configuration; set its reports", shown);
    return ERR_OK;
}

enum err_code report_take(struct prober *p, const char *json, size_t n, uint64_t now_ms,
                          struct err *e)
{
    struct profile_report r = {.sessions = NAN,
                               .bytes_out_bps = NAN,
                               .hit_ratio = NAN,
                               .asked = NAN,
                               .requests_ps = NAN,
                               .capacity = NAN,
                               .ready = -1};
    struct member *m = NULL;
    struct str name = {0};
    json_t *doc = NULL;
    struct jsonin root = {0};
    enum err_code rc = ERR_OK;

    if (n > REPORT_BYTES_MAX)
        rc = err_set(e, ERR_LIMIT, "a report of %zu bytes, at most %u", n, REPORT_BYTES_MAX);
    if (rc == ERR_OK)
        rc = jsonin_load(json, n, &doc, e);
    root.value = doc;
    if (rc == ERR_OK)
        rc = jsonin_object(&root, NULL, &root, e);
    if (rc == ERR_OK)
        rc = read_report(&root, &name, &r, e);
    if (rc == ERR_OK)
        rc = member_find(p, name, &m, e);
    json_decref(doc);
    prober_count(p, rc == ERR_OK ? METRIC_REPORTS : METRIC_REPORT_ERRORS);
    if (rc == ERR_OK)
        poller_took(m, &r, now_ms);
    return rc;
}
