/* Merge patches of a cost map of which one cost in ten has changed: made of the two maps, against
 * a comparison of their trees; and applied to the older one, against reading the newer one whole.
 * bench_load_cost_patch [COST-MAP NETWORK-MAP]; without files it makes small ones. */
#include <math.h>
#include <string.h>

#include "alto/costmap_build.h"
#include "alto/patch.h"
#include "base/clock.h"
#include "base/hash.h"
#include "bench/lib/maps.h"
#include "bench/lib/stats.h"

#define ARENA_CAP ((size_t)1 << 30)

/* The same with a tenth of its costs changed, picked by their place. */
static const struct costmap *change(const struct costmap *from, const struct netmap *map,
                                    struct arena *arena)
{
    struct costmap_build *b = costmap_build_new(map, arena);
    const struct costmap *to = NULL;
    struct err e = {0};
    double *row = malloc(map->pid_count * sizeof *row);
    bool good = b && row;

    for (pidx i = 0; good && i < map->pid_count; i++) {
        if (!costmap_row(from, i, row))
            continue;
        good = costmap_build_begin_row(b, i, &e) == ERR_OK;
        for (pidx k = 0; good && k < map->pid_count; k++) {
            const bool changed = hash_mix(i, k) % 10 == 0;

            if (!isnan(row[k]))
                good = costmap_build_add(b, k, changed ? row[k] + 1 : row[k], &e) == ERR_OK;
        }
        good = good && costmap_build_end_row(b, &e) == ERR_OK;
    }
    if (!good || costmap_build_freeze(b, costmap_info_get(from), &to, &e) != ERR_OK)
        bench_fail("change", e.text);
    costmap_build_free(b);
    free(row);
    return to;
}

static double made(const struct costmap *from, const struct costmap *to, const struct netmap *map,
                   struct bytes *out)
{
    const struct vtag tag = map->vtag;
    uint64_t start = clock_cpu_ns();

    out->len = 0;
    if (!costmap_patch_format(from, map, &tag, to, map, &tag, SIZE_MAX, out))
        bench_fail("patch", "full");
    return (double)(clock_cpu_ns() - start) / 1e6;
}

static double applied(const struct costmap *from, const struct costmap *to,
                      const struct netmap *map, const struct bytes *patch)
{
    struct arena *arena = arena_new(ARENA_CAP);
    uint64_t start = clock_cpu_ns();
    const struct costmap *got;
    struct err e = {0};
    double ms;

    if (!arena || costmap_patch_apply(from, map, PATCH_MERGE, (struct str){patch->data, patch->len},
                                      map, arena, &got, &e) != ERR_OK)
        bench_fail("apply", e.text);
    ms = (double)(clock_cpu_ns() - start) / 1e6;
    if (strcmp(costmap_info_get(got)->tag, costmap_info_get(to)->tag) != 0)
        bench_fail("apply", "another map than the patch was made for");
    arena_free(arena);
    return ms;
}

/* What there would be without a comparison of the maps: that of the trees of their texts. */
static double by_trees(const struct costmap *from, const struct costmap *to,
                       const struct netmap *map)
{
    struct bytes a = {0}, b = {0};
    json_t *x, *y, *patch;
    enum patch_kind kind;
    uint64_t start;
    char *text;
    double ms;

    if (!costmap_format(from, map, &a) || !costmap_format(to, map, &b))
        bench_fail("format", "full");
    x = json_loadb(a.data, a.len, 0, NULL);
    y = json_loadb(b.data, b.len, 0, NULL);
    start = clock_cpu_ns();
    patch = patch_make(x, y, &kind);
    text = json_dumps(patch, JSON_COMPACT);
    ms = (double)(clock_cpu_ns() - start) / 1e6;
    if (!text)
        bench_fail("trees", "no memory");
    free(text);
    json_decref(x);
    json_decref(y);
    json_decref(patch);
    bytes_free(&a);
    bytes_free(&b);
    return ms;
}

int main(int argc, char **argv)
{
    struct arena *arena = arena_new(ARENA_CAP);
    const struct netmap *map;
    const struct costmap *from = NULL, *to;
    struct bytes n = {0}, c = {0}, patch = {0};
    double ms[BENCH_RUNS];
    struct err e = {0};
    char size[128];

    if (argc != 1 && argc != 3)
        bench_fail(argv[0], "[COST-MAP NETWORK-MAP]");
    if (argc == 1)
        bench_maps_make(&n, &c);
    else if (file_read(argv[1], COSTMAP_BYTES_MAX, &c, &e) != ERR_OK ||
             file_read(argv[2], NETMAP_BYTES_MAX, &n, &e) != ERR_OK)
        bench_fail("maps", e.text);
    if (!arena || netmap_parse(n.data, n.len, arena, &map, &e) != ERR_OK ||
        costmap_parse(c.data, c.len, map, arena, &from, &e) != ERR_OK)
        bench_fail("maps", e.text);
    to = change(from, map, arena);

    for (unsigned i = 0; i < BENCH_RUNS; i++)
        ms[i] = made(from, to, map, &patch);
    snprintf(size, sizeof size, "%u pairs, %zu bytes of patch", costmap_info_get(to)->pair_count,
             patch.len);
    bench_ratio("cost-patch-made", bench_median(ms, BENCH_RUNS), 50, "ms");
    bench_detail("cost-patch-made", ms, BENCH_RUNS, "ms of CPU", size);
    printf("# cost-patch-made: by trees that are there already %.0f ms\n", by_trees(from, to, map));
    for (unsigned i = 0; i < BENCH_RUNS; i++)
        ms[i] = applied(from, to, map, &patch);
    bench_ratio("cost-patch-applied", bench_median(ms, BENCH_RUNS), 100, "ms");
    bench_detail("cost-patch-applied", ms, BENCH_RUNS, "ms of CPU", size);
    bytes_free(&n);
    bytes_free(&c);
    bytes_free(&patch);
    arena_free(arena);
    return 0;
}
