/* The ALTO server's keys: resource ids that are told apart, groups that are there. */
#include <stdio.h>
#include <string.h>

#include "daemon/config_check.h"

static bool is_group(const struct alto_conf *a, struct str name)
{
    for (size_t i = 0; i < a->client_group_count; i++)
        if (str_eq(a->client_groups[i].name, name))
            return true;
    return false;
}

static void check_groups(struct check *c, yaml_node_t *at, const char *path,
                         const struct alto_group_names *groups)
{
    char show[TEXT_QUOTE_MAX];

    for (size_t i = 0; i < groups->count; i++)
        if (groups->names[i].n && !is_group(&c->in->c.alto, groups->names[i]))
            problem_error(c->problems, check_place(c, at, "groups"),
                          "%s.groups[%zu]: \"%s\" is none of alto.client_groups", path, i,
                          text_quote(groups->names[i], show));
}

/* One list of records with ids: they go into `names`, which has room for them. */
static void check_ids(struct check *c, const char *list, const struct str *ids,
                      const struct alto_group_names *groups, size_t i, struct named *names,
                      size_t *n)
{
    yaml_node_t *all = config_tree_deep(c->t, c->root, list);
    yaml_node_t *item = config_tree_item(c->t, all, i);
    char path[64], show[TEXT_QUOTE_MAX];

    snprintf(path, sizeof path, "%s[%zu]", list, i);
    for (size_t k = 0; ids->n && k < *n; k++)
        if (str_eq(names[k].name, *ids))
            problem_error(c->problems, check_place(c, item, "id"),
                          "%s.id: \"%s\" is the id of another resource; ids are unique", path,
                          text_quote(*ids, show));
    names[(*n)++] = (struct named){*ids, i};
    if (groups)
        check_groups(c, item, path, groups);
}

static void check_endpoint_properties(struct check *c)
{
    const struct alto_conf *a = &c->in->c.alto;
    char show[TEXT_QUOTE_MAX];
    bool found = a->endpoint_properties.n == 0;

    for (size_t i = 0; !found && i < a->prop_count; i++)
        found = str_eq(a->props[i].id, a->endpoint_properties);
    if (!found)
        problem_error(c->problems, check_place(c, c->root, "alto.endpoint_properties"),
                      "alto.endpoint_properties: \"%s\" is the id of none of alto.properties",
                      text_quote(a->endpoint_properties, show));
}

/* It stands between quotes in a header and between colons in the file (RFC 7616 section 3.3). */
static void check_realm(struct check *c)
{
    const struct str realm = c->in->c.alto.realm;

    for (size_t i = 0; i < realm.n; i++)
        if (realm.p[i] < ' ' || realm.p[i] > '~' || memchr("\"\\:", realm.p[i], 3)) {
            problem_error(c->problems, check_place(c, c->root, "alto.realm"),
                          "alto.realm: is printable ASCII without quotes, backslashes and colons");
            return;
        }
}

static enum err_code check_resources(struct check *c, struct err *e)
{
    const struct alto_conf *a = &c->in->c.alto;
    const size_t all =
        3 + a->network_count + a->prop_count + a->cdni_count + a->path_count + a->link_count;
    struct named *names = arena_array(c->arena, all, sizeof *names);
    size_t n = 0;

    if (!names)
        return err_set(e, ERR_LIMIT, "no memory for the configuration");
    if (a->network_id.n)
        names[n++] = (struct named){a->network_id, 0};
    if (a->streamers_id.n)
        names[n++] = (struct named){a->streamers_id, 0};
    if (a->cdni_id.n)
        names[n++] = (struct named){a->cdni_id, 0};
    for (size_t i = 0; i < a->network_count; i++)
        check_ids(c, "alto.networks", &a->networks[i].id, &a->networks[i].groups, i, names, &n);
    for (size_t i = 0; i < a->prop_count; i++)
        check_ids(c, "alto.properties", &a->props[i].id, &a->props[i].groups, i, names, &n);
    for (size_t i = 0; i < a->cdni_count; i++)
        check_ids(c, "alto.cdni", &a->cdni[i].id, &a->cdni[i].groups, i, names, &n);
    for (size_t i = 0; i < a->path_count; i++)
        check_ids(c, "alto.paths", &a->paths[i].id, &a->paths[i].groups, i, names, &n);
    for (size_t i = 0; i < a->link_count; i++)
        check_ids(c, "alto.links", &a->links[i].id, NULL, i, names, &n);
    check_endpoint_properties(c);
    return ERR_OK;
}

static void check_client_groups(struct check *c)
{
    const struct alto_conf *a = &c->in->c.alto;
    yaml_node_t *list = config_tree_deep(c->t, c->root, "alto.client_groups");

    for (size_t i = 0; i < a->client_group_count; i++) {
        const struct alto_group_conf *g = &a->client_groups[i];
        yaml_node_t *item = config_tree_item(c->t, list, i);
        char show[TEXT_QUOTE_MAX];

        for (size_t k = 0; k < i; k++)
            if (g->name.n && str_eq(a->client_groups[k].name, g->name))
                problem_error(c->problems, check_place(c, item, "name"),
                              "alto.client_groups[%zu].name: \"%s\" stands here twice", i,
                              text_quote(g->name, show));
        if (item && !check_has(c, item, "clients") && !check_has(c, item, "users"))
            problem_error(c->problems, config_tree_place(item),
                          "alto.client_groups[%zu]: nobody is in it; add clients or users", i);
    }
}

static void check_feed(struct check *c)
{
    const struct alto_feed_conf *f = &c->in->c.feed;
    yaml_node_t *feed = config_tree_deep(c->t, c->root, "maps.alto");
    char show[TEXT_QUOTE_MAX];

    for (size_t i = 0; i < f->server_count; i++)
        if (f->servers[i].n && strncmp(f->servers[i].p, "http://", 7) != 0 &&
            strncmp(f->servers[i].p, "https://", 8) != 0)
            problem_error(c->problems, check_place(c, feed, "servers"),
                          "maps.alto.servers[%zu]: \"%s\" is no URI of a directory; write "
                          "https://alto.example.com/alto",
                          i, text_quote(f->servers[i], show));
    if (f->server_count && f->retry_max_ms < f->retry_min_ms)
        problem_error(c->problems, check_place(c, feed, "retry_max"),
                      "maps.alto.retry_max: is below retry");
}

enum err_code check_alto_server(struct check *c, struct err *e)
{
    const struct config *k = &c->in->c;
    yaml_node_t *alto = config_tree_key(c->t, c->root, "alto");

    check_feed(c);
    if (!alto)
        return ERR_OK;
    if (!k->alto.path.n) {
        if (!check_has(c, alto, "path"))
            problem_warning(c->problems, config_tree_place(alto),
                            "alto: has no use without a path; add path: /alto");
        return ERR_OK;
    }
    if (k->alto.path.p[k->alto.path.n - 1] == '/' || memchr(k->alto.path.p, '?', k->alto.path.n))
        problem_error(c->problems, check_place(c, alto, "path"),
                      "alto.path: ends in a name, without a query; write /alto");
    if (!check_has_map(c, "network"))
        problem_error(c->problems, check_place(c, alto, "path"),
                      "alto.path: an ALTO server has a network map at least; add maps.network and "
                      "maps.cost");
    else if (!check_has_map(c, "cost"))
        problem_error(c->problems, check_place(c, alto, "path"),
                      "alto.path: an ALTO server has costs of its network map; add maps.cost");
    check_client_groups(c);
    check_realm(c);
    check_groups(c, alto, "alto", &k->alto.groups);
    return check_resources(c, e);
}
