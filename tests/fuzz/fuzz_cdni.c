/* An advertisement either gives one error with a text, or one with good values that formats, reads
 * back to the same tag, and has properties. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/cdni.h"
#include "alto/propmap.h"
#include "alto/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_of_all, const char *what)
{
    if (true_of_all)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void check_footprints(const struct cdni_footprint *f, size_t n, bool in_union)
{
    for (size_t i = 0; i < n; i++) {
        enum footprint_type t;

        must(footprint_type_find(f[i].type, &t), "no such type");
        must(t != FOOTPRINT_UNION || !in_union, "a union in a union");
        must((t == FOOTPRINT_UNION ? f[i].part_count : f[i].count) > 0, "an empty footprint");
        for (size_t k = 0; k < f[i].count; k++)
            must(footprint_value_check(t, f[i].values[k], NULL) == ERR_OK, "a bad value");
        check_footprints(f[i].parts, f[i].part_count, true);
    }
}

static void check_advert(const struct cdni_advert *a, struct arena *arena)
{
    const struct alto_resource r = {.kind = ALTO_CDNI, .cdni = a, .vtag = {"id", "tag"}};
    struct propmap_build *b = propmap_build_new(arena);
    const struct cdni_advert *back = NULL;
    const struct propmap *m = NULL;
    struct bytes text = {0};
    struct err e = {0};

    for (size_t i = 0; i < cdni_advert_count(a); i++)
        check_footprints(cdni_advert_items(a)[i].footprints, cdni_advert_items(a)[i].count, false);
    must(alto_cdni_format(&r, &text), "does not format");
    must(cdni_advert_parse(text.data, text.len, arena, &back, &e) == ERR_OK, e.text);
    must(strcmp(cdni_advert_tag(a), cdni_advert_tag(back)) == 0, "another tag");
    must(b != NULL, "no memory");
    /* A PID's name may be none in a property map; values may be too long. */
    if (cdni_advert_properties(a, STR("fci"), STR("net"), b, &e) == ERR_OK)
        must(propmap_build_freeze(b, &m, &e) == ERR_OK, e.text);
    else
        must(e.text[0] != '\0', "an error without a text");
    propmap_build_free(b);
    bytes_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new((size_t)64 << 20);
    const struct cdni_advert *a = NULL;
    struct err e = {0};

    if (!arena)
        abort();
    if (cdni_advert_parse((const char *)data, size, arena, &a, &e) == ERR_OK)
        check_advert(a, arena);
    else
        must(a == NULL && e.text[0], "an error without a text, or with an advertisement");
    arena_free(arena);
    return 0;
}
