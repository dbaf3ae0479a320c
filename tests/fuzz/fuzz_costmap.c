/* A cost map either gives one error with a text, or a map without negative costs that formats,
 * reads back and formats to the same bytes with the same tag; so does each of its cost types. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/costmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char network[] = "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"t\"}},"
                              "\"network-map\":{\"a\":{},\"b\":{},\"c\":{},\"d\":{},\"e\":{}}}";

static void must(bool true_of_all_maps, const char *what)
{
    if (true_of_all_maps)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

/* Of each slot: no negative cost, and as many pairs as it says. */
static void check_slots(const struct costmap *c, const struct netmap *m)
{
    for (uint32_t k = 0; k < costmap_slots(c); k++) {
        const struct costmap *s = costmap_slot(c, k);
        uint32_t pairs = 0;

        for (pidx i = 0; i < m->pid_count; i++) {
            for (pidx j = 0; j < m->pid_count; j++) {
                must(!(costmap_get(s, i, j) < 0), "a negative cost");
                pairs += costmap_get(s, i, j) >= 0;
            }
        }
        if (costmap_slots(c) == 1)
            must(pairs == costmap_info_get(s)->pair_count, "pairs are counted wrongly");
        must(pairs <= costmap_info_get(c)->pair_count, "a slot has more pairs than all");
    }
}

static void check_times(const struct costmap *c)
{
    const struct costmap_calendar *cal = costmap_calendar_get(c);
    uint64_t t = cal ? cal->start_ms : 0, ends;

    for (unsigned i = 0; i < 20; i++) {
        must(costmap_slot_at(c, t, &ends) < costmap_slots(c), "no such slot");
        must(ends == 0 || ends > t, "a slot that ended");
        t = ends ? ends : UINT64_MAX;
    }
}

static void check_map(const struct costmap *c, const struct netmap *m, struct arena *arena)
{
    struct bytes once = {0}, twice = {0};
    const struct costmap *back = NULL;
    struct err e = {0};

    check_slots(c, m);
    check_times(c);
    must(costmap_format(c, m, &once), "does not format");
    must(costmap_parse(once.data, once.len, m, arena, &back, &e) == ERR_OK, e.text);
    must(costmap_format(back, m, &twice), "does not format twice");
    must(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0,
         "formats differently");
    must(strcmp(costmap_info_get(c)->tag, costmap_info_get(back)->tag) == 0, "another tag");
    bytes_free(&once);
    bytes_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new((size_t)256 << 20);
    const struct costmap *c = NULL, *types[COSTMAP_TYPES_MAX];
    const struct netmap *m = NULL;
    struct err e = {0};
    unsigned count;

    if (!arena || netmap_parse(network, sizeof network - 1, arena, &m, &e) != ERR_OK)
        abort();
    if (costmap_parse((const char *)data, size, m, arena, &c, &e) == ERR_OK)
        check_map(c, m, arena);
    else
        must(c == NULL && e.text[0], "an error without a text, or with a map");
    if (costmap_parse_multi((const char *)data, size, m, arena, types, &count, &e) == ERR_OK) {
        must(count >= 1 && count <= COSTMAP_TYPES_MAX, "no types");
        for (unsigned i = 0; i < count; i++)
            check_map(types[i], m, arena);
    } else {
        must(count == 0 && c == NULL, "one map, and not several");
    }
    arena_free(arena);
    return 0;
}
