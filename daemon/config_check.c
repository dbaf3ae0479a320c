#include "daemon/config_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"
#include "daemon/config_units.h"

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory for the configuration");
}

yaml_node_t *config_tree_deep(struct config_tree *t, yaml_node_t *node, const char *keys)
{
    while (node && *keys) {
        const size_t n = strcspn(keys, ".");
        char key[64];
        yaml_node_t *below;

        if (n >= sizeof key)
            break;
        memcpy(key, keys, n);
        key[n] = '\0';
        below = config_tree_key(t, node, key);
        if (!below)
            break;
        node = below;
        keys += n + (keys[n] == '.');
    }
    return node;
}

struct place check_place(const struct check *c, yaml_node_t *node, const char *keys)
{
    return config_tree_place(config_tree_deep(c->t, node, keys));
}

bool check_has(const struct check *c, yaml_node_t *node, const char *key)
{
    return config_tree_key(c->t, node, key) != NULL;
}

bool check_has_map(const struct check *c, const char *key)
{
    yaml_node_t *maps = config_tree_key(c->t, c->root, "maps");

    return check_has(c, maps, key) || check_has(c, config_tree_key(c->t, maps, "alto"), "servers");
}

bool check_wrong(const struct check *c, yaml_node_t *node, const char *keys)
{
    return problem_sink_has(c->problems, check_place(c, node, keys));
}

static int named_cmp(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = str_cmp(x->name, y->name);

    return order ? order : (x->index > y->index) - (x->index < y->index);
}

void named_sort(struct named *all, size_t n)
{
    if (n)
        qsort(all, n, sizeof *all, named_cmp);
}

const struct named *named_find(const struct named *all, size_t n, struct str name)
{
    size_t lo = 0, hi = n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = str_cmp(all[mid].name, name);

        if (order == 0)
            return &all[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

void named_twins(struct config_tree *t, yaml_node_t *list, const char *path,
                 const struct named *sorted, size_t n)
{
    size_t first = 0;

    for (size_t i = 1; i < n; i++) {
        yaml_node_t *item = config_tree_item(t, list, sorted[i].index);
        char show[TEXT_QUOTE_MAX];

        if (!str_eq(sorted[i].name, sorted[first].name)) {
            first = i;
            continue;
        }
        if (sorted[i].name.n)
            problem_error(t->problems, config_tree_place(config_tree_deep(t, item, "name")),
                          "%s[%zu].name: \"%s\" is the name of %s[%zu] too; names are unique", path,
                          sorted[i].index, text_quote(sorted[i].name, show), path,
                          sorted[first].index);
    }
}

/* The sockets. */

struct bound {
    const struct listen_conf *conf;
    const char *path;
    size_t index;
    bool udp;
};

static int bound_cmp(const void *a, const void *b)
{
    const struct bound *x = a, *y = b;
    int order = x->udp - y->udp;

    if (!order)
        order = addr_cmp(x->conf->at.addr, y->conf->at.addr);
    if (!order)
        order = x->conf->at.port - y->conf->at.port;
    if (!order)
        order = strcmp(x->path, y->path);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static void bound_add(struct bound *all, size_t *n, const struct listen_list *l, const char *path,
                      bool udp)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].at.port) /* 0 is a free one each time, and what a wrong item has */
            all[(*n)++] = (struct bound){&l->items[i], path, i, udp};
}

static void bound_twin(struct check *c, const struct bound *b, const struct bound *first)
{
    yaml_node_t *list = config_tree_deep(c->t, c->root, b->path);
    yaml_node_t *item = config_tree_item(c->t, list, b->index);

    problem_error(c->problems, config_tree_place(item ? item : list),
                  "%s[%zu]: %s is taken by %s[%zu] already", b->path, b->index, b->conf->name.p,
                  first->path, first->index);
}

static enum err_code check_twin_sockets(struct check *c, struct err *e)
{
    const struct config *k = &c->in->c;
    const size_t most =
        k->http.count + k->https.count + 2 * k->dns.count + k->tracker_udp.count + k->admin.count;
    struct bound *all = arena_array(c->arena, most, sizeof *all);
    size_t n = 0;

    if (!all)
        return no_memory(e);
    bound_add(all, &n, &k->http, "listen.http", false);
    bound_add(all, &n, &k->https, "listen.https", false);
    bound_add(all, &n, &k->admin, "listen.admin", false);
    bound_add(all, &n, &k->dns, "listen.dns", false);
    bound_add(all, &n, &k->dns, "listen.dns", true);
    bound_add(all, &n, &k->tracker_udp, "listen.tracker_udp", true);
    if (n)
        qsort(all, n, sizeof *all, bound_cmp);
    for (size_t i = 1, first = 0; i < n; i++) {
        const struct listen_addr *a = &all[first].conf->at, *b = &all[i].conf->at;

        if (all[first].udp != all[i].udp || !addr_eq(a->addr, b->addr) || a->port != b->port)
            first = i;
        else if (!all[i].udp || strcmp(all[i].path, all[first].path) != 0)
            bound_twin(c, &all[i], &all[first]); /* listen.dns stands in both halves */
    }
    return ERR_OK;
}

static bool is_loopback(struct addr a)
{
    return addr_is_v4(a) ? addr_v4(a) >> 24 == 127 : a.hi == 0 && a.lo == 1;
}

static void check_listen(struct check *c)
{
    const struct config *k = &c->in->c;
    yaml_node_t *listen = config_tree_deep(c->t, c->root, "listen");
    yaml_node_t *admin = config_tree_key(c->t, listen, "admin");

    if (k->https.count && (!check_has(c, config_tree_key(c->t, c->root, "tls"), "certificate")))
        problem_error(c->problems, check_place(c, listen, "https"),
                      "listen.https: needs a certificate; write tls: {certificate: fullchain.pem, "
                      "key: key.pem}");
    if ((k->tls.certificate.n == 0) != (k->tls.key.n == 0) && !check_wrong(c, c->root, "tls.key") &&
        !check_wrong(c, c->root, "tls.certificate"))
        problem_error(c->problems, check_place(c, c->root, "tls"),
                      "tls: certificate and key belong together; add tls.%s",
                      k->tls.key.n ? "certificate" : "key");
    if (!k->http.count && !k->https.count && !k->dns.count && !k->tracker_udp.count &&
        !c->problems->errors)
        problem_warning(c->problems, check_place(c, c->root, "listen"),
                        "listen: nothing is served; write listen: {http: [0.0.0.0:80]}, or dns, or "
                        "tracker_udp");
    for (size_t i = 0; i < k->admin.count; i++)
        if (k->admin.items[i].name.n && !is_loopback(k->admin.items[i].at.addr))
            problem_warning(c->problems, config_tree_place(config_tree_item(c->t, admin, i)),
                            "listen.admin[%zu]: %s can be reached from outside and asks for no "
                            "password; 127.0.0.1:8953 is safe",
                            i, k->admin.items[i].name.p);
}

/* Maps. */

static void check_maps(struct check *c)
{
    const struct config *k = &c->in->c;
    yaml_node_t *maps = config_tree_key(c->t, c->root, "maps");

    if (k->cost_map_count && !check_has(c, maps, "cost"))
        problem_error(c->problems, check_place(c, maps, "cost_maps"),
                      "maps.cost_maps: further maps come beside a first one; add maps.cost");
    if (check_has_map(c, "network"))
        return;
    if (k->cost_map.n || k->cost_map_count)
        problem_error(c->problems, check_place(c, maps, k->cost_map.n ? "cost" : "cost_maps"),
                      "maps.cost: a cost map is between the PIDs of a network map; add "
                      "maps.network");
    if (k->default_pid.n)
        problem_error(c->problems, check_place(c, maps, "default_pid"),
                      "maps.default_pid: a PID is one of a network map; add maps.network");
}

static enum err_code set_access_log(struct check *c)
{
    struct config *k = &c->in->c;
    const struct str to = c->in->access_log_to;

    if (str_eq(to, STR("off"))) {
        k->access_log.to = ACCESS_LOG_OFF;
    } else if (str_eq(to, STR("stdout"))) {
        k->access_log.to = ACCESS_LOG_STDOUT;
    } else {
        k->access_log.to = ACCESS_LOG_FILE;
        k->access_log.path = to;
    }
    return ERR_OK;
}

/* The tracker. */

static void check_tracker(struct check *c)
{
    struct tracker_conf *k = &c->in->c.tracker_conf;
    yaml_node_t *node = config_tree_key(c->t, c->root, "tracker");
    char a[UNITS_TEXT_MAX], b[UNITS_TEXT_MAX];

    if (!check_has(c, node, "peer_timeout"))
        k->peer_timeout_s = 2 * k->interval_s + 120;
    else if (k->peer_timeout_s <= k->interval_s && !check_wrong(c, node, "peer_timeout"))
        problem_error(c->problems, check_place(c, node, "peer_timeout"),
                      "tracker.peer_timeout: %s is not above the interval, %s; every peer would be "
                      "forgotten before it announces again",
                      units_duration_format((uint64_t)k->peer_timeout_s * 1000, a),
                      units_duration_format((uint64_t)k->interval_s * 1000, b));
    if (k->min_interval_s > k->interval_s && !check_wrong(c, node, "min_interval") &&
        !check_wrong(c, node, "interval"))
        problem_error(
            c->problems,
            check_place(c, node, check_has(c, node, "min_interval") ? "min_interval" : "interval"),
            "tracker.min_interval: %s is above the interval, %s",
            units_duration_format((uint64_t)k->min_interval_s * 1000, a),
            units_duration_format((uint64_t)k->interval_s * 1000, b));
    if (k->peers_default > k->peers_max)
        problem_error(
            c->problems,
            check_place(c, node,
                        check_has(c, node, "peers_default") ? "peers_default" : "peers_max"),
            "tracker.peers_default: %u is above tracker.peers_max, %u", k->peers_default,
            k->peers_max);
}

/* Streamers. */

/* node: the mapping that the probe's keys are in; path: its own. */
static void check_probe_times(struct check *c, yaml_node_t *node, const char *path,
                              const struct probe_conf *p)
{
    char a[UNITS_TEXT_MAX], b[UNITS_TEXT_MAX];
    const char *key = check_has(c, node, "timeout") ? "timeout" : "interval";

    /* What is inherited was said at defaults. */
    if (p->timeout_ms < p->interval_ms || !check_has(c, node, key) ||
        check_wrong(c, node, "timeout") || check_wrong(c, node, "interval"))
        return;
    problem_error(c->problems, check_place(c, node, key),
                  "%s.timeout: %s is not below the interval, %s; a probe must end before the next "
                  "begins",
                  path, units_duration_format(p->timeout_ms, a),
                  units_duration_format(p->interval_ms, b));
}

static void set_capacity(struct check *c, yaml_node_t *item, size_t i, struct streamer_read *s)
{
    s->conf.capacity = s->capacity.sessions;
    s->conf.session_bps = s->session_bps > 0 ? s->session_bps : 0;
    if (s->capacity.bps > 0 && !check_has(c, item, "session_rate"))
        problem_error(c->problems, check_place(c, item, "capacity"),
                      "streamers[%zu].capacity: a rate needs the mean rate of one session beside "
                      "it; add session_rate: 5 Mbit/s",
                      i);
    if (s->capacity.bps > 0 && s->session_bps > 0) {
        s->conf.capacity = s->capacity.bps / s->session_bps;
        if (s->conf.capacity < 1)
            problem_error(c->problems, check_place(c, item, "capacity"),
                          "streamers[%zu].capacity: is less than one session of session_rate", i);
    }
    if (s->capacity.bps <= 0 && s->session_bps > 0 && !check_wrong(c, item, "capacity"))
        problem_warning(c->problems, check_place(c, item, "session_rate"),
                        "streamers[%zu].session_rate: has no use, for capacity is not a rate, as "
                        "in 10 Gbit/s",
                        i);
}

static void check_streamer(struct check *c, yaml_node_t *item, size_t i)
{
    struct streamer_read *s = &c->in->streamers[i];
    struct streamer_conf *k = &s->conf;
    yaml_node_t *probe = config_tree_key(c->t, item, "probe");
    char path[64];

    k->can = (uint8_t)((k->v4.lo ? STREAMER_V4 : 0) | (k->v6.hi || k->v6.lo ? STREAMER_V6 : 0) |
                       (k->http_port ? STREAMER_HTTP : 0) | (k->https_port ? STREAMER_HTTPS : 0) |
                       (k->seed_port ? STREAMER_SEED : 0));
    set_capacity(c, item, i, s);
    if (!item || item->type != YAML_MAPPING_NODE)
        return;
    if (!check_has(c, item, "ipv4") && !check_has(c, item, "ipv6"))
        problem_error(c->problems, config_tree_place(item),
                      "streamers[%zu]: has no address; add ipv4 or ipv6", i);
    if (!k->http_port && !k->https_port && !k->seed_port)
        problem_error(c->problems, check_place(c, item, "http_port"),
                      "streamers[%zu]: has no port; add http_port, https_port or seed_port", i);
    else if (k->probe.type == PROBE_HTTP && !k->http_port && !k->probe.port)
        problem_error(c->problems, config_tree_place(probe ? probe : item),
                      "streamers[%zu].probe: asks over HTTP where there is no http_port; write "
                      "probe: {type: https}, or probe: {port: 8080}",
                      i);
    else if (k->probe.type == PROBE_HTTPS && !k->https_port && !k->probe.port)
        problem_error(c->problems, config_tree_place(probe ? probe : item),
                      "streamers[%zu].probe: asks over HTTPS where there is no https_port; add "
                      "one, or write probe: {type: http}",
                      i);
    if (k->probe.cors_origin.n && k->probe.type != PROBE_HTTP && k->probe.type != PROBE_HTTPS &&
        check_has(c, probe, "cors_origin"))
        problem_warning(c->problems, check_place(c, probe, "cors_origin"),
                        "streamers[%zu].probe.cors_origin: has no use, for the probe is not HTTP",
                        i);
    snprintf(path, sizeof path, "streamers[%zu].probe", i);
    check_probe_times(c, probe, path, &k->probe);
}

static enum err_code set_streamers(struct check *c, struct err *e)
{
    struct streamer_conf *out = arena_array(c->arena, c->in->streamer_count, sizeof *out);

    if (!out)
        return no_memory(e);
    for (size_t i = 0; i < c->in->streamer_count; i++)
        out[i] = c->in->streamers[i].conf;
    c->in->c.streamers = out;
    c->in->c.streamer_count = c->in->streamer_count;
    return ERR_OK;
}

static enum err_code check_streamers(struct check *c, struct named **names, struct err *e)
{
    const size_t n = c->in->streamer_count;
    yaml_node_t *list = config_tree_key(c->t, c->root, "streamers");

    *names = arena_array(c->arena, n, sizeof **names);
    if (!*names)
        return no_memory(e);
    check_probe_times(c, config_tree_deep(c->t, c->root, "defaults.probe"), "defaults.probe",
                      &c->in->probe);
    check_poll(c, config_tree_deep(c->t, c->root, "defaults.poll"), "defaults.poll", &c->in->poll);
    for (size_t i = 0; i < n; i++) {
        yaml_node_t *item = config_tree_item(c->t, list, i);
        enum err_code rc;

        (*names)[i] = (struct named){c->in->streamers[i].conf.name, i};
        check_streamer(c, item, i);
        rc = check_streamer_state(c, item, i, e);
        if (rc != ERR_OK)
            return rc;
    }
    named_sort(*names, n);
    named_twins(c->t, list, "streamers", *names, n);
    return set_streamers(c, e);
}

/* Services. */

static void unknown_name(struct check *c, const struct name_list *l, struct place place,
                         size_t service, size_t i, struct str name)
{
    char show[TEXT_QUOTE_MAX], hint[SUGGEST_TEXT_MAX];
    struct suggest near;

    suggest_init(&near, name);
    for (size_t k = 0; k < l->known_count && !problem_sink_full(c->problems); k++)
        suggest_offer(&near, l->known[k].name);
    suggest_format(&near, hint);
    problem_error(c->problems, place, "services[%zu].%s[%zu]: no %s is called \"%s\"%s", service,
                  l->key, i, l->what, text_quote(name, show),
                  hint[0]          ? hint
                  : l->known_count ? "; add it, or write one of those that are"
                                   : "; there are none");
}

void check_names(struct check *c, yaml_node_t *item, size_t service, const struct name_list *l)
{
    yaml_node_t *list = config_tree_key(c->t, item, l->key);

    for (size_t i = 0; i < l->count; i++) {
        yaml_node_t *node = config_tree_item(c->t, list, i);
        const struct named *found = named_find(l->known, l->known_count, l->names[i]);
        char show[TEXT_QUOTE_MAX];

        if (l->names[i].n == 0)
            continue;
        if (!found) {
            if (!problem_sink_has(c->problems, config_tree_place(node)))
                unknown_name(c, l, config_tree_place(node), service, i, l->names[i]);
        } else if (l->seen[found->index] == service + 1) {
            problem_error(c->problems, config_tree_place(node),
                          "services[%zu].%s[%zu]: \"%s\" stands here twice", service, l->key, i,
                          text_quote(l->names[i], show));
        } else {
            l->seen[found->index] = (uint32_t)service + 1;
        }
    }
}

static void check_cname(struct check *c, yaml_node_t *item, size_t service,
                        const struct named *names)
{
    const struct service_conf *s = &c->in->c.services[service];
    const size_t n = s->streamer_count ? s->streamer_count : c->in->streamer_count;

    if (s->dns.mode != DNS_MODE_CNAME)
        return;
    for (size_t i = 0; i < n; i++) {
        const struct named *found =
            s->streamer_count ? named_find(names, c->in->streamer_count, s->streamers[i]) : NULL;
        const size_t at = found ? found->index : i;
        yaml_node_t *streamer;

        if (s->streamer_count && !found)
            continue;
        streamer = config_tree_item(c->t, config_tree_key(c->t, c->root, "streamers"), at);
        if (check_has(c, streamer, "host"))
            continue;
        problem_error(c->problems, check_place(c, item, "dns.mode"),
                      "services[%zu].dns.mode: cname answers with a streamer's host, and "
                      "streamers[%zu] has none; add host there, or write mode: address",
                      service, at);
        return;
    }
}

static void check_service(struct check *c, yaml_node_t *item, size_t i)
{
    const struct service_conf *s = &c->in->c.services[i];

    if (!item || item->type != YAML_MAPPING_NODE)
        return;
    if (!s->host_count && !s->info_hash_count && !s->any_info_hash &&
        !check_has(c, item, "hosts") && !check_has(c, item, "info_hashes"))
        problem_error(c->problems, config_tree_place(item),
                      "services[%zu]: nobody can ask for it; add hosts, info_hashes or "
                      "any_info_hash: true",
                      i);
    if (s->path_prefix.n && memchr(s->path_prefix.p, '?', s->path_prefix.n))
        problem_error(
            c->problems, check_place(c, item, "path"),
            "services[%zu].path: a path ends where its query begins; remove the part from "
            "the ?",
            i);
}

/* What a service is found by: a host with a path, or an info-hash. */
struct claim {
    struct str a, b;
    size_t service, index;
};

static int claim_cmp(const void *x, const void *y)
{
    const struct claim *p = x, *q = y;
    int order = str_cmp(p->a, q->a);

    if (!order)
        order = str_cmp(p->b, q->b);
    if (!order)
        order = (p->service > q->service) - (p->service < q->service);
    return order ? order : (p->index > q->index) - (p->index < q->index);
}

static void claim_twins(struct check *c, struct claim *all, size_t n, const char *key)
{
    yaml_node_t *services = config_tree_key(c->t, c->root, "services");

    if (n)
        qsort(all, n, sizeof *all, claim_cmp);
    for (size_t i = 1, first = 0; i < n; i++) {
        yaml_node_t *item, *node;

        if (!str_eq(all[i].a, all[first].a) || !str_eq(all[i].b, all[first].b)) {
            first = i;
            continue;
        }
        item = config_tree_item(c->t, services, all[i].service);
        node = config_tree_item(c->t, config_tree_key(c->t, item, key), all[i].index);
        if (all[i].service == all[first].service)
            problem_error(c->problems, config_tree_place(node),
                          "services[%zu].%s[%zu]: stands here twice", all[i].service, key,
                          all[i].index);
        else
            problem_error(c->problems, config_tree_place(node),
                          "services[%zu].%s[%zu]: belongs to services[%zu] already%s",
                          all[i].service, key, all[i].index, all[first].service,
                          all[i].b.p ? ", with the same path" : "");
    }
}

static enum err_code check_claims(struct check *c, struct err *e)
{
    const struct config *k = &c->in->c;
    struct claim *hosts, *hashes;
    size_t host_max = 0, hash_max = 0, h = 0, t = 0;
    static const uint8_t none[INFO_HASH_LEN];

    for (size_t i = 0; i < k->service_count; i++) {
        host_max += k->services[i].host_count;
        hash_max += k->services[i].info_hash_count;
    }
    hosts = arena_array(c->arena, host_max, sizeof *hosts);
    hashes = arena_array(c->arena, hash_max, sizeof *hashes);
    if (!hosts || !hashes)
        return no_memory(e);
    for (size_t i = 0; i < k->service_count; i++) {
        const struct service_conf *s = &k->services[i];
        const struct str path = s->path_prefix.n ? s->path_prefix : STR("/");

        for (size_t j = 0; j < s->host_count; j++)
            if (s->hosts[j].n)
                hosts[h++] = (struct claim){s->hosts[j], path, i, j};
        for (size_t j = 0; j < s->info_hash_count; j++)
            if (memcmp(s->info_hashes[j], none, sizeof none) != 0) /* what a wrong one has */
                hashes[t++] = (struct claim){
                    {(const char *)s->info_hashes[j], INFO_HASH_LEN}, {NULL, 0}, i, j};
    }
    claim_twins(c, hosts, h, "hosts");
    claim_twins(c, hashes, t, "info_hashes");
    return ERR_OK;
}

static void check_any_info_hash(struct check *c)
{
    yaml_node_t *list = config_tree_key(c->t, c->root, "services");
    size_t first = SIZE_MAX;

    for (size_t i = 0; i < c->in->c.service_count; i++) {
        if (!c->in->c.services[i].any_info_hash)
            continue;
        if (first == SIZE_MAX)
            first = i;
        else
            problem_error(c->problems,
                          check_place(c, config_tree_item(c->t, list, i), "any_info_hash"),
                          "services[%zu].any_info_hash: services[%zu] takes them already; one "
                          "service can",
                          i, first);
    }
}

static enum err_code check_services(struct check *c, const struct named *streamers, struct err *e)
{
    const size_t n = c->in->c.service_count;
    yaml_node_t *list = config_tree_key(c->t, c->root, "services");
    struct named *names = arena_array(c->arena, n, sizeof *names);
    uint32_t *seen = arena_array(c->arena, c->in->streamer_count, sizeof *seen);

    if (!names || !seen)
        return no_memory(e);
    for (size_t i = 0; i < n; i++) {
        yaml_node_t *item = config_tree_item(c->t, list, i);

        names[i] = (struct named){c->in->c.services[i].name, i};
        check_service(c, item, i);
        check_names(c, item, i,
                    &(struct name_list){.key = "streamers",
                                        .what = "streamer",
                                        .names = c->in->c.services[i].streamers,
                                        .count = c->in->c.services[i].streamer_count,
                                        .known = streamers,
                                        .known_count = c->in->streamer_count,
                                        .seen = seen});
        check_cname(c, item, i, streamers);
        check_service_partners(c, item, i);
    }
    named_sort(names, n);
    named_twins(c->t, list, "services", names, n);
    check_any_info_hash(c);
    if (n && !check_has(c, c->root, "streamers"))
        problem_warning(c->problems, config_tree_place(list),
                        "services: there is nobody to send clients to; add streamers");
    return check_claims(c, e);
}

enum err_code config_check(struct config_tree *t, struct config_read *in, bool files, struct err *e)
{
    struct check c = {.t = t,
                      .problems = t->problems,
                      .in = in,
                      .root = config_tree_root(t),
                      .arena = t->problems->arena};
    struct named *streamers = NULL;
    enum err_code rc;

    if (c.root->type != YAML_MAPPING_NODE)
        return ERR_OK;
    set_access_log(&c);
    check_maps(&c);
    check_tracker(&c);
    rc = check_twin_sockets(&c, e);
    if (rc == ERR_OK)
        rc = check_profiles(&c, e);
    if (rc == ERR_OK)
        rc = check_streamers(&c, &streamers, e);
    c.streamers = streamers;
    if (rc == ERR_OK)
        rc = check_partners(&c, e);
    if (rc == ERR_OK)
        rc = check_services(&c, streamers, e);
    if (rc == ERR_OK)
        rc = check_alto_server(&c, e);
    if (rc == ERR_OK)
        rc = config_check_dns(t, &in->c, e);
    if (rc == ERR_OK && files)
        rc = check_files(&c, e);
    check_listen(&c);
    return rc;
}
