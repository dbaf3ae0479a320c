/* What streamers tell of themselves, and whom they serve. */
#include <string.h>

#include "base/suggest.h"
#include "daemon/config_check.h"
#include "daemon/config_units.h"
#include "router/fci.h"
#include "router/profile.h"

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory for the configuration");
}

/* ---- profiles */

static void check_profile(struct check *c, yaml_node_t *item, size_t i, struct profile_conf *out)
{
    const struct profile_keys *k = &c->in->profiles[i];
    bool says = false;

    *out = (struct profile_conf){
        .name = k->name, .format = (enum stats_format)k->format, .path = k->path};
    for (unsigned f = 0; f < PROFILE_FIELDS; f++) {
        const struct profile_field_keys *from = &k->field[f];
        struct profile_expr *to = &out->field[f];

        if (from->name_count > PROFILE_TERMS_MAX)
            problem_error(c->problems, check_place(c, item, profile_field_name(f)),
                          "profiles[%zu].%s.names: %zu names, at most %u", i, profile_field_name(f),
                          from->name_count, PROFILE_TERMS_MAX);
        to->scale = from->scale;
        for (size_t n = 0; n < from->name_count && n < PROFILE_TERMS_MAX; n++)
            to->names[to->name_count++] = from->names[n];
        says = says || from->name_count;
    }
    if (!says && item && item->type == YAML_MAPPING_NODE)
        problem_error(c->problems, config_tree_place(item),
                      "profiles[%zu]: reads nothing; add sessions: {names: [active_connections]}, "
                      "or another of its fields",
                      i);
    if (k->name.n && profile_builtin(k->name))
        problem_error(c->problems, check_place(c, item, "name"),
                      "profiles[%zu].name: \"%s\" is built in; choose another name", i, k->name.p);
}

enum err_code check_profiles(struct check *c, struct err *e)
{
    const size_t n = c->in->profile_count;
    yaml_node_t *list = config_tree_key(c->t, c->root, "profiles");
    struct profile_conf *out = arena_array(c->arena, n, sizeof *out);
    struct named *names = arena_array(c->arena, n, sizeof *names);

    if (!out || !names)
        return no_memory(e);
    for (size_t i = 0; i < n; i++) {
        names[i] = (struct named){c->in->profiles[i].name, i};
        check_profile(c, config_tree_item(c->t, list, i), i, &out[i]);
    }
    named_sort(names, n);
    named_twins(c->t, list, "profiles", names, n);
    c->in->c.profiles = out;
    c->in->c.profile_count = n;
    return ERR_OK;
}

static bool profile_known(const struct check *c, struct str name, struct suggest *near)
{
    const struct profile_conf *p;
    bool known = false;

    for (size_t i = 0; (p = profile_builtin_at(i)); i++) {
        known = known || str_eq(p->name, name);
        suggest_offer(near, p->name);
    }
    for (size_t i = 0; i < c->in->profile_count; i++) {
        known = known || str_eq(c->in->profiles[i].name, name);
        suggest_offer(near, c->in->profiles[i].name);
    }
    return known;
}

/* ---- polls */

static void check_poll_times(struct check *c, yaml_node_t *node, const char *path,
                             const struct poll_conf *p)
{
    char a[UNITS_TEXT_MAX], b[UNITS_TEXT_MAX];
    const bool interval = check_has(c, node, "interval");

    if (check_wrong(c, node, "interval"))
        return;
    if (p->timeout_ms >= p->interval_ms && (interval || check_has(c, node, "timeout")) &&
        !check_wrong(c, node, "timeout"))
        problem_error(c->problems,
                      check_place(c, node, check_has(c, node, "timeout") ? "timeout" : "interval"),
                      "%s.timeout: %s is not below the interval, %s; a poll must end before the "
                      "next begins",
                      path, units_duration_format(p->timeout_ms, a),
                      units_duration_format(p->interval_ms, b));
    if (p->stale_ms <= p->interval_ms && (interval || check_has(c, node, "stale_after")) &&
        !check_wrong(c, node, "stale_after"))
        problem_error(
            c->problems,
            check_place(c, node, check_has(c, node, "stale_after") ? "stale_after" : "interval"),
            "%s.stale_after: %s is not above the interval, %s; every streamer would be suspect "
            "between two polls",
            path, units_duration_format(p->stale_ms, a), units_duration_format(p->interval_ms, b));
}

void check_poll(struct check *c, yaml_node_t *node, const char *path, const struct poll_conf *p)
{
    char a[UNITS_TEXT_MAX], b[UNITS_TEXT_MAX], show[TEXT_QUOTE_MAX], hint[SUGGEST_TEXT_MAX];
    const bool leave = check_has(c, node, "leave_at"), back = check_has(c, node, "return_at");
    struct suggest near;

    /* What is inherited was said at defaults. */
    check_poll_times(c, node, path, p);
    if (p->return_pm >= p->leave_pm && (leave || back) && !check_wrong(c, node, "leave_at") &&
        !check_wrong(c, node, "return_at"))
        problem_error(c->problems, check_place(c, node, back ? "return_at" : "leave_at"),
                      "%s.return_at: %s is not below leave_at, %s; a streamer at the threshold "
                      "would come and go with each poll",
                      path, units_share_format((uint64_t)p->return_pm * 100, a),
                      units_share_format((uint64_t)p->leave_pm * 100, b));
    suggest_init(&near, p->profile);
    if (check_has(c, node, "profile") && !check_wrong(c, node, "profile") &&
        !profile_known(c, p->profile, &near))
        problem_error(c->problems, check_place(c, node, "profile"),
                      "%s.profile: no profile is called \"%s\"%s", path,
                      text_quote(p->profile, show),
                      near.best.n ? suggest_format(&near, hint)
                                  : "; add it under profiles, or write one that is built in: ats, "
                                    "varnish, nginx, haproxy, squid, node-exporter, prometheus");
    if (check_has(c, node, "digest_path") && p->profile.n == 0)
        problem_warning(c->problems, check_place(c, node, "digest_path"),
                        "%s.digest_path: has no use without a profile", path);
}

enum err_code check_streamer_state(struct check *c, yaml_node_t *item, size_t i, struct err *e)
{
    const struct streamer_conf *k = &c->in->streamers[i].conf;
    yaml_node_t *poll = config_tree_key(c->t, item, "poll");
    char path[64];

    if (!item || item->type != YAML_MAPPING_NODE)
        return ERR_OK;
    snprintf(path, sizeof path, "streamers[%zu].poll", i);
    check_poll(c, poll, path, &k->poll);
    if (k->poll.profile.n && !k->poll.port && !(k->poll.tls ? k->https_port : k->http_port) &&
        (k->poll.tls || !k->https_port))
        problem_error(c->problems, config_tree_place(poll ? poll : item),
                      "%s: there is no port to ask; add %s, or write poll: {port: 8080}", path,
                      k->poll.tls ? "https_port" : "http_port");
    if (k->reports && c->in->c.report_token_file.n == 0 &&
        !check_has(c, config_tree_key(c->t, c->root, "admin"), "report_token_file"))
        problem_error(c->problems, check_place(c, item, "reports"),
                      "streamers[%zu].reports: anybody could report without a token; write admin: "
                      "{report_token_file: report.token}",
                      i);
    snprintf(path, sizeof path, "streamers[%zu].footprints", i);
    return check_footprints(c, config_tree_key(c->t, item, "footprints"), path, k->footprints,
                            k->footprint_count, e);
}

/* ---- footprints */

struct footprint_at {
    struct check *c;
    yaml_node_t *node;
    const char *path; /* "streamers[0].footprints[1]" */
    bool part;
};

static void check_footprint_needs(const struct footprint_at *at, const struct footprint_conf *f)
{
    const struct config *k = &at->c->in->c;
    const char *type = footprint_type_name(f->type);
    const struct place place = check_place(at->c, at->node, "type");

    if ((f->type == FOOTPRINT_ASN || f->type == FOOTPRINT_COUNTRYCODE ||
         f->type == FOOTPRINT_SUBDIVISIONCODE) &&
        k->geo.database_count == 0)
        problem_error(at->c->problems, place,
                      "%s.type: %s asks where clients are; add geo: {databases: "
                      "[GeoLite2-City.mmdb]}",
                      at->path, type);
    if (f->type == FOOTPRINT_ALTOPID && !check_has_map(at->c, "network"))
        problem_error(at->c->problems, place,
                      "%s.type: altopid names PIDs of a network map; add maps.network", at->path);
}

/* Values are compared as RFC 8006 wants it, whatever their case; PIDs' names have one. */
static enum err_code values_lower(struct check *c, struct str *v, struct err *e)
{
    char *p = arena_strndup(c->arena, v->p, v->n);

    if (!p)
        return no_memory(e);
    for (size_t i = 0; i < v->n; i++)
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] | 0x20);
    v->p = p;
    return ERR_OK;
}

static enum err_code check_footprint_values(const struct footprint_at *at,
                                            const struct footprint_conf *f, struct err *e)
{
    yaml_node_t *list = config_tree_key(at->c->t, at->node, "values");
    struct str *values = (struct str *)(uintptr_t)f->values; /* ours until handed out */

    for (size_t i = 0; i < f->value_count; i++) {
        struct err why = {0};

        if (values[i].n == 0)
            continue; /* wrong in itself */
        if (f->type != FOOTPRINT_ALTOPID && values_lower(at->c, &values[i], e) != ERR_OK)
            return ERR_LIMIT;
        if (footprint_value_check(f->type, values[i], &why) != ERR_OK)
            problem_error(at->c->problems, config_tree_place(config_tree_item(at->c->t, list, i)),
                          "%s.values[%zu]: %s", at->path, i, why.text);
    }
    return ERR_OK;
}

static enum err_code check_footprint(const struct footprint_at *at, const struct footprint_conf *f,
                                     struct err *e)
{
    const struct place place = config_tree_place(at->node);
    const bool values = check_has(at->c, at->node, "values");
    char path[160];

    if (!at->node || at->node->type != YAML_MAPPING_NODE || !check_has(at->c, at->node, "type") ||
        check_wrong(at->c, at->node, "type"))
        return ERR_OK;
    if (f->type == FOOTPRINT_UNION) {
        if (at->part)
            problem_error(at->c->problems, place,
                          "%s: a part of a union is no union; write its "
                          "parts beside the others",
                          at->path);
        else if (f->value_count)
            problem_error(at->c->problems, check_place(at->c, at->node, "values"),
                          "%s.values: a footprintunion has parts; write parts: [{type: "
                          "countrycode, values: [de]}]",
                          at->path);
        else if (!f->part_count && !check_has(at->c, at->node, "parts"))
            problem_error(at->c->problems, place,
                          "%s: a footprintunion has parts; write parts: [{type: countrycode, "
                          "values: [de]}]",
                          at->path);
        snprintf(path, sizeof path, "%s.parts", at->path);
        return check_footprints(at->c, config_tree_key(at->c->t, at->node, "parts"), path, f->parts,
                                f->part_count, e);
    }
    if (f->part_count)
        problem_error(at->c->problems, check_place(at->c, at->node, "parts"),
                      "%s.parts: %s has values; parts are a footprintunion's", at->path,
                      footprint_type_name(f->type));
    if (f->value_count == 0 && (!values || !check_wrong(at->c, at->node, "values")))
        problem_error(at->c->problems, place,
                      "%s: nobody is in a footprint without values; add values", at->path);
    check_footprint_needs(at, f);
    return check_footprint_values(at, f, e);
}

enum err_code check_footprints(struct check *c, yaml_node_t *node, const char *path,
                               const struct footprint_conf *all, size_t n, struct err *e)
{
    const size_t len = strlen(path);
    const bool parts = len > 6 && strcmp(path + len - 6, ".parts") == 0;
    enum err_code rc = ERR_OK;

    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        char own[128];
        const struct footprint_at at = {c, config_tree_item(c->t, node, i), own, parts};

        snprintf(own, sizeof own, "%s[%zu]", path, i);
        rc = check_footprint(&at, &all[i], e);
    }
    return rc;
}
