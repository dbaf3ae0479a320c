/* Geography and other CDNs, and what services make of them. */
#include <string.h>

#include "daemon/config_check.h"
#include "http/redirect_template.h"

/* ---- geography */

static void check_geo(struct check *c)
{
    const struct config *k = &c->in->c;
    yaml_node_t *geo = config_tree_key(c->t, c->root, "geo");
    yaml_node_t *list = config_tree_key(c->t, geo, "pids");

    if (k->geo.pid_count && !check_has(c, geo, "databases"))
        problem_error(c->problems, config_tree_place(list),
                      "geo.pids: needs databases to know where clients are; add geo.databases");
    if (k->geo.pid_count && !check_has_map(c, "network"))
        problem_error(c->problems, config_tree_place(list),
                      "geo.pids: a PID is one of a network map; add maps.network");
    for (size_t i = 0; i < k->geo.pid_count; i++) {
        yaml_node_t *item = config_tree_item(c->t, list, i);

        if (!check_has(c, item, "country") && !check_has(c, item, "asn") && item &&
            item->type == YAML_MAPPING_NODE)
            problem_error(c->problems, config_tree_place(item),
                          "geo.pids[%zu]: says of nobody that they are there; add country or asn",
                          i);
    }
}

/* ---- downstream CDNs */

/* It goes into a query and is looked for there, byte by byte: what RFC 3986 lets stand unescaped,
 * and what others would not escape on the way. */
static void check_cdni_id(struct check *c)
{
    const struct str id = c->in->c.cdni_id;
    char show[TEXT_QUOTE_MAX];

    for (size_t i = 0; i < id.n; i++) {
        const char at = id.p[i];

        if ((at >= 'a' && at <= 'z') || (at >= 'A' && at <= 'Z') || (at >= '0' && at <= '9') ||
            (at && strchr("-._~:", at)))
            continue;
        problem_error(c->problems, check_place(c, c->root, "cdni_id"),
                      "cdni_id: \"%s\" goes into URLs: letters, digits and -._~: alone; write "
                      "cdn.example.com",
                      text_quote(id, show));
        return;
    }
}

static enum err_code check_downstream(struct check *c, yaml_node_t *item, size_t i, struct err *e)
{
    const struct downstream_conf *d = &c->in->c.downstreams[i].conf;
    char show[TEXT_QUOTE_MAX], path[64];

    if (!item || item->type != YAML_MAPPING_NODE)
        return ERR_OK;
    if (!check_has(c, item, "http_host") && !check_has(c, item, "dns_cname"))
        problem_error(c->problems, config_tree_place(item),
                      "downstreams[%zu]: nobody can be sent there; add http_host or dns_cname", i);
    if (d->http_prefix.n && !check_has(c, item, "http_host"))
        problem_warning(c->problems, check_place(c, item, "http_prefix"),
                        "downstreams[%zu].http_prefix: has no use without http_host", i);
    if (d->pid.n && !check_has_map(c, "network"))
        problem_error(c->problems, check_place(c, item, "pid"),
                      "downstreams[%zu].pid: a PID is one of a network map; add maps.network", i);
    if (d->name.n && named_find(c->streamers, c->in->streamer_count, d->name))
        problem_error(c->problems, check_place(c, item, "name"),
                      "downstreams[%zu].name: \"%s\" is the name of a streamer too; names are "
                      "unique",
                      i, text_quote(d->name, show));
    snprintf(path, sizeof path, "downstreams[%zu].footprints", i);
    return check_footprints(c, config_tree_key(c->t, item, "footprints"), path, d->footprints,
                            d->footprint_count, e);
}

enum err_code check_partners(struct check *c, struct err *e)
{
    const size_t n = c->in->c.downstream_count;
    yaml_node_t *list = config_tree_key(c->t, c->root, "downstreams");
    struct named *names = arena_array(c->arena, n, sizeof *names);
    uint32_t *seen = arena_array(c->arena, n, sizeof *seen);
    enum err_code rc = ERR_OK;

    if (!names || !seen)
        return err_set(e, ERR_LIMIT, "no memory for the configuration");
    check_geo(c);
    check_cdni_id(c);
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        names[i] = (struct named){c->in->c.downstreams[i].conf.name, i};
        rc = check_downstream(c, config_tree_item(c->t, list, i), i, e);
    }
    named_sort(names, n);
    named_twins(c->t, list, "downstreams", names, n);
    for (size_t i = 0; i < c->in->c.service_count; i++)
        check_names(c, config_tree_item(c->t, config_tree_key(c->t, c->root, "services"), i), i,
                    &(struct name_list){.key = "downstreams",
                                        .what = "downstream CDN",
                                        .names = c->in->c.services[i].downstreams,
                                        .count = c->in->c.services[i].downstream_count,
                                        .known = names,
                                        .known_count = n,
                                        .seen = seen});
    return rc;
}

/* ---- services */

static void check_admit_list(struct check *c, yaml_node_t *admit, size_t service, const char *key,
                             const struct admit_list *l)
{
    yaml_node_t *node = config_tree_key(c->t, admit, key);
    const char *needs = l->country_count ? "countries"
                        : l->asn_count   ? "asns"
                        : l->anonymous   ? "anonymous"
                                         : NULL;

    if (needs && c->in->c.geo.database_count == 0)
        problem_error(c->problems, check_place(c, node, needs),
                      "services[%zu].admit.%s.%s: asks where clients are; add geo: {databases: "
                      "[GeoLite2-City.mmdb]}",
                      service, key, needs);
}

static void check_costs(struct check *c, yaml_node_t *item, size_t service)
{
    const struct service_conf *s = &c->in->c.services[service];
    yaml_node_t *list = config_tree_key(c->t, item, "costs");
    char show[TEXT_QUOTE_MAX];

    if (s->cost_count && !check_has_map(c, "cost"))
        problem_error(c->problems, config_tree_place(list),
                      "services[%zu].costs: weighs cost maps where there is none; add maps.cost",
                      service);
    for (size_t i = 1; i < s->cost_count; i++)
        for (size_t k = 0; k < i; k++)
            if (s->costs[i].metric.n && str_eq(s->costs[i].metric, s->costs[k].metric)) {
                problem_error(c->problems,
                              check_place(c, config_tree_item(c->t, list, i), "metric"),
                              "services[%zu].costs[%zu].metric: \"%s\" stands here twice", service,
                              i, text_quote(s->costs[i].metric, show));
                break;
            }
}

static void fallback_item(struct check *c, yaml_node_t *item, size_t service, unsigned i)
{
    const struct service_conf *s = &c->in->c.services[service];
    yaml_node_t *list = config_tree_key(c->t, config_tree_key(c->t, item, "policy"), "fallback");
    const struct place place = config_tree_place(config_tree_item(c->t, list, i));
    const enum fallback who = s->policy.fallback[i];

    for (unsigned k = 0; k < i; k++)
        if (who == s->policy.fallback[k])
            problem_error(c->problems, place,
                          "services[%zu].policy.fallback[%u]: stands here twice", service, i);
    if (who == FALLBACK_BYPASS && !check_has(c, item, "bypass"))
        problem_error(c->problems, place,
                      "services[%zu].policy.fallback[%u]: there is no bypass; add bypass: "
                      "{http_url: 'https://origin.example.com{path}{query}'}",
                      service, i);
    if (who == FALLBACK_DOWNSTREAM && !check_has(c, item, "downstreams"))
        problem_error(c->problems, place,
                      "services[%zu].policy.fallback[%u]: no downstream CDN serves it; add "
                      "downstreams: [NAME]",
                      service, i);
}

static void check_policy(struct check *c, yaml_node_t *item, size_t service)
{
    struct service_conf *s = (struct service_conf *)(uintptr_t)&c->in->c.services[service];
    yaml_node_t *policy = config_tree_key(c->t, item, "policy");

    if (s->policy.owners > s->policy.owners_max && !check_wrong(c, policy, "owners") &&
        !check_wrong(c, policy, "owners_max"))
        problem_error(
            c->problems,
            check_place(c, policy, check_has(c, policy, "owners") ? "owners" : "owners_max"),
            "services[%zu].policy.owners: %u is above owners_max, %u", service, s->policy.owners,
            s->policy.owners_max);
    if (check_has(c, policy, "fallback"))
        for (unsigned i = 0; i < FALLBACK_MAX && s->policy.fallback[i] != FALLBACK_NONE; i++)
            fallback_item(c, item, service, i);
    if (s->policy.fallback[0] == FALLBACK_NONE) {
        s->policy.fallback[0] = FALLBACK_LOCAL;
        s->policy.fallback[1] = FALLBACK_DOWNSTREAM;
        s->policy.fallback[2] = FALLBACK_BYPASS;
    }
}

/* A redirect to whatever host was asked for is an open one where any is taken. */
static void check_request_host(struct check *c, yaml_node_t *item, size_t service)
{
    const struct service_conf *s = &c->in->c.services[service];
    struct redirect_template t;
    bool host = false;

    if (s->redirect.location.n == 0 ||
        redirect_template_parse(s->redirect.location, c->arena, &t, NULL) != ERR_OK)
        return;
    for (size_t i = 0; i < t.count && t.pieces[i].variable != REDIRECT_PATH; i++) {
        struct str text =
            t.pieces[i].variable == REDIRECT_LITERAL ? t.pieces[i].text : (struct str){NULL, 0};
        const char *scheme = text.n ? memmem(text.p, text.n, "://", 3) : NULL;

        if (scheme)
            text = (struct str){scheme + 3, text.n - (size_t)(scheme + 3 - text.p)};
        if (text.n && memchr(text.p, '/', text.n))
            break; /* behind the host part it does no harm */
        host = host || t.pieces[i].variable == REDIRECT_REQUEST_HOST;
    }
    for (size_t i = 0; host && i < s->host_count; i++)
        if (s->hosts[i].n > 2 && s->hosts[i].p[0] == '*') {
            problem_warning(c->problems, check_place(c, item, "redirect.location"),
                            "services[%zu].redirect.location: sends clients to whatever host "
                            "below %s they ask for; {hostport} is a streamer's",
                            service, s->hosts[i].p + 2);
            return;
        }
}

void check_service_partners(struct check *c, yaml_node_t *item, size_t i)
{
    const struct service_conf *s = &c->in->c.services[i];
    yaml_node_t *admit = config_tree_key(c->t, item, "admit");

    if (!item || item->type != YAML_MAPPING_NODE)
        return;
    check_admit_list(c, admit, i, "allow", &s->admit.allow);
    check_admit_list(c, admit, i, "deny", &s->admit.deny);
    check_costs(c, item, i);
    check_policy(c, item, i);
    check_request_host(c, item, i);
    if (s->delegated && s->downstream_count)
        problem_warning(c->problems, check_place(c, item, "downstreams"),
                        "services[%zu].downstreams: have no use, for clients of a delegated "
                        "service are not sent on",
                        i);
}
