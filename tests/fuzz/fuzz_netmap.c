/* A network map either gives one error with a text, or a map that formats, reads back and formats
 * to the same bytes with the same tag, and whose every prefix is found where it should be. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/netmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_of_all_maps, const char *what)
{
    if (true_of_all_maps)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void check_map(const struct netmap *m)
{
    uint32_t prefixes = 0;

    for (pidx i = 0; i < m->pid_count; i++) {
        must(netmap_find_pid(m, m->pids[i].name) == i, "a name is not found");
        prefixes += m->pids[i].prefix_count;
        for (uint32_t k = 0; k < m->pids[i].prefix_count; k++)
            must(netmap_locate(m, m->pids[i].prefixes[k].addr) != PIDX_NONE,
                 "an address is not found");
    }
    must(prefixes == m->prefix_count, "prefixes are counted wrongly");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new((size_t)256 << 20);
    const struct netmap *m = NULL, *back = NULL;
    struct bytes once = {0}, twice = {0};
    struct err e = {0};

    if (!arena)
        return 0;
    if (netmap_parse((const char *)data, size, arena, &m, &e) == ERR_OK) {
        check_map(m);
        must(netmap_format(m, &once), "does not format");
        must(netmap_parse(once.data, once.len, arena, &back, &e) == ERR_OK, e.text);
        must(netmap_format(back, &twice), "does not format twice");
        must(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0,
             "formats differently");
        /* Without a resource id the text's own tag is not written. */
        if (m->vtag.resource_id[0])
            must(strcmp(m->vtag.tag, back->vtag.tag) == 0, "another tag");
        must(m->covers_all_v4 == back->covers_all_v4 && m->covers_all_v6 == back->covers_all_v6,
             "covers something else");
    } else {
        must(m == NULL && e.text[0], "an error without a text, or with a map");
    }
    bytes_free(&once);
    bytes_free(&twice);
    arena_free(arena);
    return 0;
}
