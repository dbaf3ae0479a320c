/* Advertisements of downstream CDNs. Beyond not crashing: what is read holds values that are good
 * by their type, unions do not nest, and conditions are bounded. */
#include "router/fci.h"

#include <stdint.h>
#include <stdlib.h>

#include "router/coverage.h"

#define CHECK(x)                                                                                   \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct footprint_conf *f, size_t n, bool in_union)
{
    for (size_t i = 0; i < n; i++) {
        CHECK(f[i].type <= FOOTPRINT_UNION);
        CHECK(f[i].type == FOOTPRINT_UNION ? f[i].value_count == 0 : f[i].part_count == 0);
        CHECK(!in_union || f[i].type != FOOTPRINT_UNION);
        for (size_t k = 0; k < f[i].value_count; k++)
            CHECK(footprint_value_check(f[i].type, f[i].values[k], NULL) == ERR_OK);
        check(f[i].parts, f[i].part_count, true);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new((size_t)16 << 20);
    struct fci f = {0};
    struct err e = {0};

    CHECK(arena);
    if (fci_parse((const char *)data, size, arena, &f, &e) == ERR_OK) {
        CHECK(f.count <= COVERAGE_LEVELS_MAX);
        check(f.footprints, f.count, false);
    } else {
        CHECK(e.code != ERR_OK && e.text[0] && f.count == 0);
    }
    arena_free(arena);
    return 0;
}
