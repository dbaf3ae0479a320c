/* A property map either gives one error with a text, or a map whose answers about its own entities
 * are what it holds, and whose whole text reads back to the same tag. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/propmap_internal.h"
#include "alto/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_of_all_maps, const char *what)
{
    if (true_of_all_maps)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void check_entity(const struct propmap *m, const struct propmap_domain *d, uint32_t i)
{
    const struct propmap_entity *x = &d->entities[i];
    char name[2 * ENTITY_ID_MAX], text[PREFIX_TEXT_MAX];
    struct str id = x->id;
    int n;

    if (entity_is_prefix(d->name.kind))
        id = str_from(entity_prefix_format(x->prefix, text));
    n = snprintf(name, sizeof name, "%.*s:%.*s", (int)d->name.name.n, d->name.name.p, (int)id.n,
                 id.p);
    must(x->count > 0 && x->end > i && x->end <= d->entity_count, "an entity without a value");
    must(x->up == PROPMAP_NONE || (x->up < i && d->entities[x->up].end >= x->end), "no nesting");
    for (uint32_t k = 0; k < x->count; k++) {
        const struct propmap_value *v = &m->values[x->first + k];
        struct str got = propmap_get(m, (struct str){name, (size_t)n}, m->properties[v->property]);
        struct str want = m->texts[v->text];

        must(str_eq(want, STR("null")) ? got.p == NULL : str_eq(got, want), "another value");
    }
}

static void check_map(const struct propmap *m, struct arena *arena)
{
    const struct alto_resource r = {.kind = ALTO_PROP_MAP, .props = m};
    const struct propmap *back = NULL;
    struct bytes text = {0};
    struct err e = {0};

    for (size_t i = 0; i < m->domain_count; i++)
        for (uint32_t k = 0; k < m->domains[i].entity_count; k++)
            check_entity(m, &m->domains[i], k);
    must(alto_prop_format(&r, &text), "does not format");
    if (m->depend_count == 0) { /* the text has the tags of what is served, which is nothing here */
        must(propmap_parse(text.data, text.len, arena, &back, &e) == ERR_OK, e.text);
        must(strcmp(propmap_tag(m), propmap_tag(back)) == 0, "another tag");
    }
    bytes_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new((size_t)64 << 20);
    const struct propmap *m = NULL;
    struct err e = {0};

    if (!arena)
        abort();
    if (propmap_parse((const char *)data, size, arena, &m, &e) == ERR_OK)
        check_map(m, arena);
    else
        must(m == NULL && e.text[0], "an error without a text, or with a map");
    arena_free(arena);
    return 0;
}
