/* A directory from a stranger. Beyond not crashing: what is read has an absolute address for each
 * resource, and cost types of its own alone. */
#include "alto/directory_read.h"

#include <stdlib.h>

#include "alto/uri.h"

#define CHECK(x)                                                                                   \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_resource(const struct directory *d, const struct directory_resource *r)
{
    struct uri uri;

    CHECK(uri_parse(r->uri, &uri, NULL) == ERR_OK && uri.port);
    for (size_t i = 0; i < r->cost_count; i++)
        CHECK(r->costs[i] >= d->types && r->costs[i] < d->types + d->type_count);
    CHECK(r->calendar_count <= d->type_count);
    for (size_t i = 0; i < r->calendar_count; i++)
        CHECK(r->calendars[i].slots > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new((size_t)16 << 20);
    const struct directory *d;
    struct err e = {0};

    CHECK(arena);
    if (directory_read((struct str){(const char *)data, size}, STR("https://h/d/e"), arena, &d,
                       &e) == ERR_OK)
        for (size_t i = 0; i < d->resource_count; i++)
            check_resource(d, &d->resources[i]);
    else
        CHECK(!d && e.text[0]);
    arena_free(arena);
    return 0;
}
