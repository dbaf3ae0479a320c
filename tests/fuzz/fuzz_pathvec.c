/* Path vectors either give one error with a text, or paths that can be asked for by every pair,
 * with elements that are there, and the same tag when they are read again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/pathvec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char network[] = "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"t\"}},"
                              "\"network-map\":{\"a\":{},\"b\":{},\"c\":{}}}";

static const char elements[] =
    "{\"meta\":{},\"property-map\":{\".ane:L1\":{\"max-reservable-bandwidth\":5},"
    "\".ane:L2\":{\"persistent-entity-id\":\"m.ane:X\"}}}";

static void must(bool true_of_all, const char *what)
{
    if (true_of_all)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void check(const struct path_vectors *p, const struct netmap *m)
{
    for (pidx i = 0; i <= m->pid_count; i++)
        for (pidx j = 0; j <= m->pid_count; j++) {
            uint32_t count = 0;
            const uint32_t *path = path_vectors_get(p, i, j, &count);

            must(path || count == 0, "a length without a path");
            must(!path || (i < m->pid_count && j < m->pid_count), "a path of no PID");
            for (uint32_t k = 0; path && k < count; k++) {
                must(path[k] < path_vectors_elements(p), "no such element");
                must(path_vectors_element(p, path[k]).n > 0, "an element without a name");
                path_vectors_value(p, path[k], STR("max-reservable-bandwidth"));
            }
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new((size_t)64 << 20);
    const struct path_vectors *p = NULL, *again = NULL;
    const struct propmap *props = NULL;
    const struct netmap *m = NULL;
    struct err e = {0};
    enum err_code rc;

    must(arena && netmap_parse(network, sizeof network - 1, arena, &m, &e) == ERR_OK, e.text);
    must(propmap_parse(elements, sizeof elements - 1, arena, &props, &e) == ERR_OK, e.text);
    rc = path_vectors_parse((const char *)data, size, props, m, arena, &p, &e);
    must((rc == ERR_OK) == (e.text[0] == '\0'), "an error without a text, or one without");
    must((rc == ERR_OK) == (p != NULL), "paths with an error, or none without");
    if (rc == ERR_OK) {
        check(p, m);
        must(path_vectors_parse((const char *)data, size, props, m, arena, &again, &e) == ERR_OK,
             e.text);
        must(strcmp(path_vectors_tag(p), path_vectors_tag(again)) == 0, "another tag");
    }
    arena_free(arena);
    return 0;
}
