/* What the ALTO server publishes besides the maps that answers are made by: further network maps,
 * property maps, advertisements, path vectors, from files. Read together, shared by the catalogs
 * made of them. */
#pragma once

#include "alto/cdni.h"
#include "alto/pathvec.h"
#include "alto/propmap.h"
#include "daemon/config.h"

struct alto_file_network {
    const struct netmap *map;
    const struct costmap **costs; /* [cost_count], as in the configuration */
    size_t cost_count;
};

struct alto_files {
    _Atomic uint32_t refs;
    struct arena *arena;                      /* of all of it */
    const struct alto_file_network *networks; /* as in the configuration, like the rest */
    const struct propmap **props;
    const struct cdni_advert **cdni;
    const struct path_vectors **paths; /* over the main network map */
    uint64_t loaded_wall_ms;
};

/* network: the main map, that path vectors are for. Errors name the file. */
enum err_code alto_files_load(const struct alto_conf *conf, const struct netmap *network,
                              struct alto_files **out, struct err *e) MUST_CHECK;
void alto_files_take(struct alto_files *f);
void alto_files_drop(struct alto_files *f); /* NULL is fine */
