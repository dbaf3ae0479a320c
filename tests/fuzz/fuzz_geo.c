/* MaxMind databases. Beyond not crashing and not going in circles: what is read has places for
 * every address, as text that footprints can be compared with. */
#include "router/geo.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "router/fci.h"

#define CHECK(x)                                                                                   \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libmaxminddb 1.7 keeps a few kilobytes when it refuses a description in the metadata, half read.
 */
const char *__lsan_default_suppressions(void)
{
    return "leak:libmaxminddb.so";
}

static void check(const struct geo *g)
{
    for (uint32_t i = 0; i < g->place_count; i++) {
        const struct geo_place *p = &g->places[i];

        CHECK(!p->country[0] || footprint_country_is(str_from(p->country)));
        CHECK(!p->subdivision[0] ||
              (memcmp(p->country, p->subdivision, 2) == 0 &&
               footprint_value_check(FOOTPRINT_SUBDIVISIONCODE, str_from(p->subdivision), NULL) ==
                   ERR_OK));
    }
    for (uint64_t i = 0; i < 64; i++) {
        struct addr a = {hash_mix(i, 1) >> i % 64, hash_mix(i, 2) >> i % 64};

        if (i % 2)
            a = addr_from_v4((uint32_t)a.lo);
        CHECK(geo_find(g, a).place < g->place_count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct geo_paths usual = {0};
    char path[32];
    const char *paths[] = {path};
    struct geo *g = NULL;
    struct err e = {0};
    int fd = memfd_create("fuzz.mmdb", MFD_CLOEXEC);

    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (geo_load(paths, 1, &usual, &g, &e) == ERR_OK)
        check(g);
    else
        CHECK(!g && e.text[0]);
    geo_drop(g);
    close(fd);
    return 0;
}
