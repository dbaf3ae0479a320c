#include "daemon/config_check.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/publish.h"
#include "http/http_digest.h"

#define TOKEN_BYTES_MIN 16u
#define TOKEN_BYTES_MAX 1024u

/* at: where the path is written; keys: what it is called. */
static void check_file(struct check *c, yaml_node_t *at, const char *keys, struct str path)
{
    struct stat st;

    if (path.n == 0)
        return;
    if (stat(path.p, &st) < 0)
        problem_error(c->problems, config_tree_place(at), "%s: %s: %s", keys, path.p,
                      strerror(errno));
    else if (!S_ISREG(st.st_mode))
        problem_error(c->problems, config_tree_place(at), "%s: %s is not a file", keys, path.p);
}

static void check_key(struct check *c, const char *keys, struct str path)
{
    check_file(c, config_tree_deep(c->t, c->root, keys), keys, path);
}

static void check_list(struct check *c, const char *keys, const struct str *paths, size_t n)
{
    yaml_node_t *list = config_tree_deep(c->t, c->root, keys);

    for (size_t i = 0; i < n; i++) {
        char name[64];

        snprintf(name, sizeof name, "%s[%zu]", keys, i);
        check_file(c, config_tree_item(c->t, list, i), name, paths[i]);
    }
}

static void check_advertisements(struct check *c)
{
    const struct config *k = &c->in->c;
    yaml_node_t *list = config_tree_key(c->t, c->root, "downstreams");

    for (size_t i = 0; i < k->downstream_count; i++) {
        yaml_node_t *item = config_tree_item(c->t, list, i);
        char name[64];

        snprintf(name, sizeof name, "downstreams[%zu].advertisement", i);
        check_file(c, config_tree_deep(c->t, item, "advertisement"), name,
                   k->downstreams[i].advertisement);
    }
}

/* Records of one list, each with a file: where its path is in a record. */
static void check_records(struct check *c, const char *keys, const char *key, const void *items,
                          size_t count, size_t size, size_t offset)
{
    yaml_node_t *list = config_tree_deep(c->t, c->root, keys);

    for (size_t i = 0; i < count; i++) {
        const struct str *path =
            (const struct str *)(const void *)((const char *)items + i * size + offset);
        yaml_node_t *item = config_tree_item(c->t, list, i);
        char name[64];

        snprintf(name, sizeof name, "%s[%zu].%s", keys, i, key);
        check_file(c, config_tree_deep(c->t, item, key), name, *path);
    }
}

static void check_alto(struct check *c)
{
    const struct alto_conf *a = &c->in->c.alto;
    yaml_node_t *networks = config_tree_deep(c->t, c->root, "alto.networks");

    check_records(c, "alto.networks", "map", a->networks, a->network_count, sizeof *a->networks,
                  offsetof(struct alto_network_conf, map));
    for (size_t i = 0; i < a->network_count; i++)
        for (size_t k = 0; k < a->networks[i].cost_count; k++)
            check_file(c, config_tree_deep(c->t, config_tree_item(c->t, networks, i), "costs"),
                       "alto.networks: costs", a->networks[i].costs[k]);
    check_records(c, "alto.properties", "map", a->props, a->prop_count, sizeof *a->props,
                  offsetof(struct alto_props_conf, map));
    check_records(c, "alto.cdni", "advertisement", a->cdni, a->cdni_count, sizeof *a->cdni,
                  offsetof(struct alto_cdni_conf, advertisement));
    check_records(c, "alto.paths", "cost_map", a->paths, a->path_count, sizeof *a->paths,
                  offsetof(struct alto_paths_conf, cost_map));
    check_records(c, "alto.paths", "properties", a->paths, a->path_count, sizeof *a->paths,
                  offsetof(struct alto_paths_conf, properties));
}

/* What is wrong within is said now, with its line, not at the first challenge. */
static void check_users(struct check *c)
{
    const struct alto_conf *a = &c->in->c.alto;
    const struct place place = check_place(c, c->root, "alto.users_file");
    struct http_digest *digest = NULL;
    struct err why = {0};
    struct stat st;

    check_key(c, "alto.users_file", a->users_file);
    if (!a->users_file.n || stat(a->users_file.p, &st) < 0 || !S_ISREG(st.st_mode) ||
        check_wrong(c, c->root, "alto.realm"))
        return; /* said already */
    if (st.st_mode & S_IROTH)
        problem_warning(c->problems, place,
                        "alto.users_file: everybody on this machine can read %s; chmod o-r keeps "
                        "its passwords secret",
                        a->users_file.p);
    if (publish_digest(&c->in->c, &digest, &why) != ERR_OK)
        problem_error(c->problems, place, "alto.users_file: %s", why.text);
    http_digest_free(digest);
}

static void check_state_directory(struct check *c)
{
    const struct str path = c->in->c.state_directory;
    const struct place place = check_place(c, c->root, "state_directory");
    struct stat st;

    if (path.n == 0)
        return;
    if (stat(path.p, &st) < 0)
        problem_error(c->problems, place, "state_directory: %s: %s", path.p, strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        problem_error(c->problems, place, "state_directory: %s is not a folder", path.p);
}

/* The token is all that a streamer needs to say how it is. */
static enum err_code read_token(struct check *c, struct err *e)
{
    struct config *k = &c->in->c;
    const struct place place = check_place(c, c->root, "admin.report_token_file");
    const char *path = k->report_token_file.p;
    struct bytes text = {0};
    struct err why = {0};
    struct stat st;
    size_t n;
    char *p;

    if (k->report_token_file.n == 0 || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
        return ERR_OK; /* said already */
    if (st.st_mode & S_IROTH)
        problem_warning(c->problems, place,
                        "admin.report_token_file: everybody on this machine can read %s; chmod "
                        "o-r keeps it secret",
                        path);
    if (file_read(path, TOKEN_BYTES_MAX, &text, &why) != ERR_OK) {
        problem_error(c->problems, place, "admin.report_token_file: %s", why.text);
        return ERR_OK;
    }
    for (n = text.len; n && (unsigned char)text.data[n - 1] <= ' ';)
        n--;
    for (size_t i = 0; i < n; i++)
        if (text.data[i] <= ' ' || text.data[i] == 0x7f)
            n = 0; /* it could not stand in a header */
    p = n >= TOKEN_BYTES_MIN ? arena_strndup(c->arena, text.data, n) : NULL;
    bytes_free(&text);
    if (n < TOKEN_BYTES_MIN)
        problem_error(c->problems, place,
                      "admin.report_token_file: %s has no token; write %u printable characters or "
                      "more in one line",
                      path, TOKEN_BYTES_MIN);
    else if (!p)
        return err_set(e, ERR_LIMIT, "no memory for the configuration");
    k->report_token = (struct str){p, p ? n : 0};
    return ERR_OK;
}

enum err_code check_files(struct check *c, struct err *e)
{
    const struct config *k = &c->in->c;

    check_key(c, "tls.certificate", k->tls.certificate);
    check_key(c, "tls.key", k->tls.key);
    check_key(c, "tls.client_ca", k->tls.client_ca);
    check_key(c, "maps.network", k->network_map);
    check_key(c, "maps.cost", k->cost_map);
    check_key(c, "maps.alto.ca_file", k->feed.ca_file);
    check_list(c, "maps.cost_maps", k->cost_maps, k->cost_map_count);
    check_list(c, "geo.databases", k->geo.databases, k->geo.database_count);
    check_advertisements(c);
    check_alto(c);
    check_users(c);
    check_state_directory(c);
    check_key(c, "admin.report_token_file", k->report_token_file);
    return read_token(c, e);
}
