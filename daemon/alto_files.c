#include "daemon/alto_files.h"

#include <stdlib.h>

#include "base/clock.h"
#include "daemon/sources.h"

void alto_files_take(struct alto_files *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
}

void alto_files_drop(struct alto_files *f)
{
    if (f && atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) == 1) {
        arena_free(f->arena);
        free(f);
    }
}

static enum err_code network_load(const struct alto_network_conf *conf, struct arena *arena,
                                  struct alto_file_network *out, struct err *e)
{
    enum err_code rc = netmap_load(conf->map.p, arena, &out->map, e);

    out->cost_count = conf->cost_count;
    out->costs = arena_array(arena, conf->cost_count + 1, sizeof(void *));
    if (rc == ERR_OK && !out->costs)
        rc = err_set(e, ERR_LIMIT, "no memory for the ALTO server's files");
    for (size_t i = 0; rc == ERR_OK && i < conf->cost_count; i++)
        rc = costmap_load(conf->costs[i].p, out->map, arena, &out->costs[i], e);
    return rc;
}

static enum err_code load_all(const struct alto_conf *conf, const struct netmap *network,
                              struct alto_files *f, struct err *e)
{
    struct alto_file_network *networks =
        arena_array(f->arena, conf->network_count + 1, sizeof *networks);
    enum err_code rc = ERR_OK;

    f->networks = networks;
    f->props = arena_array(f->arena, conf->prop_count + 1, sizeof(void *));
    f->cdni = arena_array(f->arena, conf->cdni_count + 1, sizeof(void *));
    f->paths = arena_array(f->arena, conf->path_count + 1, sizeof(void *));
    if (!networks || !f->props || !f->cdni || !f->paths)
        return err_set(e, ERR_LIMIT, "no memory for the ALTO server's files");
    for (size_t i = 0; rc == ERR_OK && i < conf->network_count; i++)
        rc = network_load(&conf->networks[i], f->arena, &networks[i], e);
    for (size_t i = 0; rc == ERR_OK && i < conf->prop_count; i++)
        rc = propmap_load(conf->props[i].map.p, f->arena, &f->props[i], e);
    for (size_t i = 0; rc == ERR_OK && i < conf->cdni_count; i++)
        rc = cdni_advert_load(conf->cdni[i].advertisement.p, f->arena, &f->cdni[i], e);
    for (size_t i = 0; rc == ERR_OK && i < conf->path_count; i++)
        rc = path_vectors_load(conf->paths[i].cost_map.p, conf->paths[i].properties.p, network,
                               f->arena, &f->paths[i], e);
    return rc;
}

enum err_code alto_files_load(const struct alto_conf *conf, const struct netmap *network,
                              struct alto_files **out, struct err *e)
{
    struct alto_files *f = calloc(1, sizeof *f);
    enum err_code rc;

    *out = NULL;
    if (f)
        f->arena = arena_new(SOURCES_ARENA_MAX);
    if (!f || !f->arena) {
        free(f);
        return err_set(e, ERR_LIMIT, "no memory for the ALTO server's files");
    }
    atomic_init(&f->refs, 1);
    f->loaded_wall_ms = clock_wall_ms();
    rc = load_all(conf, network, f, e);
    if (rc != ERR_OK) {
        alto_files_drop(f);
        return rc;
    }
    *out = f;
    return ERR_OK;
}
