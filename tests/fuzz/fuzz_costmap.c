/* A cost map either gives one error with a text, or a map without negative costs that formats,
 * reads back and formats to the same bytes with the same tag. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new((size_t)256 << 20);
    const struct costmap *c = NULL, *back = NULL;
    const struct netmap *m = NULL;
    struct bytes once = {0}, twice = {0};
    struct err e = {0};

    if (!arena || netmap_parse(network, sizeof network - 1, arena, &m, &e) != ERR_OK)
        abort();
    if (costmap_parse((const char *)data, size, m, arena, &c, &e) == ERR_OK) {
        uint32_t pairs = 0;

        for (pidx i = 0; i < m->pid_count; i++) {
            for (pidx k = 0; k < m->pid_count; k++) {
                must(!(costmap_get(c, i, k) < 0), "a negative cost");
                pairs += costmap_get(c, i, k) >= 0;
            }
        }
        must(pairs == costmap_info_get(c)->pair_count, "pairs are counted wrongly");
        must(costmap_format(c, m, &once), "does not format");
        must(costmap_parse(once.data, once.len, m, arena, &back, &e) == ERR_OK, e.text);
        must(costmap_format(back, m, &twice), "does not format twice");
        must(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0,
             "formats differently");
        must(strcmp(costmap_info_get(c)->tag, costmap_info_get(back)->tag) == 0, "another tag");
    } else {
        must(c == NULL && e.text[0], "an error without a text, or with a map");
    }
    bytes_free(&once);
    bytes_free(&twice);
    arena_free(arena);
    return 0;
}
