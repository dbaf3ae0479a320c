#include "daemon/config_check.h"

#include <string.h>

struct zones {
    struct config_tree *t;
    struct config *c;
    yaml_node_t *list;
};

/* name is the apex of zone or below it. Both are lower case. */
static bool in_zone(struct str name, struct str zone)
{
    if (zone.n == 0 || name.n < zone.n || memcmp(name.p + name.n - zone.n, zone.p, zone.n) != 0)
        return false;
    return name.n == zone.n || name.p[name.n - zone.n - 1] == '.';
}

static void check_ns(struct zones *z, size_t zone, struct dns_ns_conf *ns, size_t i)
{
    yaml_node_t *item = config_tree_item(z->t, z->list, zone);
    yaml_node_t *node = config_tree_item(z->t, config_tree_key(z->t, item, "ns"), i);

    ns->has_v4 = ns->v4.lo != 0;
    ns->has_v6 = ns->v6.hi != 0 || ns->v6.lo != 0;
    if (ns->name.n && in_zone(ns->name, z->c->dns_conf.zones[zone].name) &&
        !config_tree_key(z->t, node, "ipv4") && !config_tree_key(z->t, node, "ipv6"))
        problem_error(z->t->problems, config_tree_place(config_tree_deep(z->t, node, "name")),
                      "dns.zones[%zu].ns[%zu]: %s is inside the zone, so nobody else knows its "
                      "address; add ipv4 or ipv6",
                      zone, i, ns->name.p);
}

static enum err_code check_zone(struct zones *z, size_t i, struct err *e)
{
    yaml_node_t *item = config_tree_item(z->t, z->list, i);
    /* The records are ours until the configuration is handed out. */
    struct dns_zone_conf *zone = (struct dns_zone_conf *)(uintptr_t)&z->c->dns_conf.zones[i];
    struct dns_ns_conf *ns = (struct dns_ns_conf *)(uintptr_t)zone->ns;
    yaml_node_t *ns_node = config_tree_key(z->t, item, "ns");

    if (ns_node && ns_node->type == YAML_SEQUENCE_NODE && zone->ns_count == 0 &&
        !problem_sink_has(z->t->problems, config_tree_place(ns_node)))
        problem_error(z->t->problems, config_tree_place(ns_node),
                      "dns.zones[%zu].ns: a zone has a name server at least; write ns: [{name: "
                      "ns1.example.com}]",
                      i);
    for (size_t k = 0; k < zone->ns_count; k++)
        check_ns(z, i, &ns[k], k);
    if (zone->soa_rname.n == 0 && zone->name.n) {
        char *rname = arena_printf(z->t->problems->arena, "hostmaster.%s", zone->name.p);

        if (!rname)
            return err_set(e, ERR_LIMIT, "no memory for the configuration");
        zone->soa_rname = str_from(rname);
    }
    return ERR_OK;
}

/* The zone of a host by binary search over its suffixes; "*." was taken off. */
static bool host_has_zone(const struct named *zones, size_t n, struct str host)
{
    for (;;) {
        const char *dot;

        if (named_find(zones, n, host))
            return true;
        dot = memchr(host.p, '.', host.n);
        if (!dot)
            return false;
        host.n -= (size_t)(dot + 1 - host.p);
        host.p = dot + 1;
    }
}

static void check_hosts(struct zones *z, const struct named *zones, size_t n)
{
    yaml_node_t *services = config_tree_key(z->t, config_tree_root(z->t), "services");

    for (size_t i = 0; i < z->c->service_count; i++) {
        const struct service_conf *s = &z->c->services[i];
        yaml_node_t *hosts = config_tree_key(z->t, config_tree_item(z->t, services, i), "hosts");

        for (size_t k = 0; k < s->host_count; k++) {
            struct str host = s->hosts[k];
            struct addr a;

            if (host.n > 2 && host.p[0] == '*')
                host = (struct str){host.p + 2, host.n - 2};
            if (host.n == 0 || addr_parse(host.p, host.n, &a, NULL) == ERR_OK ||
                host_has_zone(zones, n, host))
                continue;
            problem_warning(z->t->problems, config_tree_place(config_tree_item(z->t, hosts, k)),
                            "services[%zu].hosts[%zu]: %s is in no zone of dns.zones, so DNS "
                            "refuses to answer for it",
                            i, k, s->hosts[k].p);
        }
    }
}

enum err_code config_check_dns(struct config_tree *t, struct config *c, struct err *e)
{
    yaml_node_t *root = config_tree_root(t);
    struct zones z = {t, c, config_tree_key(t, config_tree_key(t, root, "dns"), "zones")};
    const size_t n = c->dns_conf.zone_count;
    struct named *names = arena_array(t->problems->arena, n, sizeof *names);

    if (!names)
        return err_set(e, ERR_LIMIT, "no memory for the configuration");
    for (size_t i = 0; i < n; i++) {
        enum err_code rc = check_zone(&z, i, e);

        if (rc != ERR_OK)
            return rc;
        names[i] = (struct named){c->dns_conf.zones[i].name, i};
    }
    named_sort(names, n);
    named_twins(t, z.list, "dns.zones", names, n);
    if (c->dns.count && n == 0 && !problem_sink_has(t->problems, config_tree_place(z.list)))
        problem_warning(t->problems, config_tree_place(config_tree_deep(t, root, "listen.dns")),
                        "listen.dns: there is no zone, so every query is refused; add dns.zones");
    else if (c->dns.count)
        check_hosts(&z, names, n);
    return ERR_OK;
}
