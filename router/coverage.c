#include "router/coverage.h"

#include <stdlib.h>
#include <string.h>

#include "router/fci.h"
#include "router/geo.h"
#include "router/intern.h"
#include "router/view_pid.h"

#define ROWS_BYTES_MAX (VIEW_BYTES_MAX / 4) /* of different rows, each of places and of marks */

#define STACK_MAX 130 /* prefixes that hold each other, and nobody */

/* What a value adds: a bit of a level's row. */
struct bit {
    uint16_t who, level;
};

struct place_atom {
    uint64_t key;
    struct bit bit;
};

struct prefix_atom {
    struct prefix prefix;
    struct bit bit;
};

struct pid_atom {
    pidx pid;
    struct bit bit;
};

/* A growing array. */
struct atoms {
    size_t size, count, cap;
    void *items;
};

struct building {
    const struct view *v;
    unsigned words, levels;
    struct atoms places, prefixes, pids;
};

static enum err_code out_of_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "footprints do not fit the %zu MiB that a view may have",
                   VIEW_BYTES_MAX >> 20);
}

static bool atom_add(struct atoms *a, const void *item)
{
    if (a->count == a->cap) {
        size_t cap = a->cap ? 2 * a->cap : 64;
        void *grown = realloc(a->items, cap * a->size);

        if (!grown)
            return false;
        a->items = grown;
        a->cap = cap;
    }
    memcpy((char *)a->items + a->count++ * a->size, item, a->size);
    return true;
}

static void bit_set(uint64_t *row, unsigned words, struct bit b)
{
    row[(size_t)b.level * words + b.who / 64u] |= UINT64_C(1) << (b.who % 64u);
}

/* Countries, subdivisions and ASNs as numbers: the type on top, then text or number. */
static uint64_t text_key(enum footprint_type t, const char *s, size_t n)
{
    uint64_t key = 0;

    for (size_t i = 0; i < n; i++)
        key = key << 8 | (uint8_t)s[i];
    return key | (uint64_t)t << 56;
}

static uint64_t asn_key(uint32_t asn)
{
    return asn | (uint64_t)FOOTPRINT_ASN << 56;
}

/* "PID1", or "<this map's resource id>.PID1" (RFC 9241 section 3.1). */
static enum err_code pid_value(struct building *b, struct str value, struct bit bit, struct err *e)
{
    struct pid_atom atom = {.bit = bit};
    const struct netmap *m = b->v->netmap;
    struct str name = value, id = {"", 0};
    enum err_code rc;

    if (m)
        id = str_from(m->vtag.resource_id);
    if (m && netmap_find_pid(m, value) == PIDX_NONE && id.n && value.n > id.n + 1 &&
        memcmp(value.p, id.p, id.n) == 0 && value.p[id.n] == '.')
        name = (struct str){value.p + id.n + 1, value.n - id.n - 1};
    rc = view_pid_find(b->v, "altopid", name, &atom.pid, e);
    if (rc != ERR_OK)
        return rc;
    return atom_add(&b->pids, &atom) ? ERR_OK : out_of_memory(e);
}

static enum err_code prefix_value(struct building *b, struct str value, struct bit bit,
                                  struct err *e)
{
    struct prefix_atom atom = {.bit = bit};
    enum err_code rc = prefix_parse(value.p, value.n, &atom.prefix, e);

    if (rc != ERR_OK)
        return rc;
    return atom_add(&b->prefixes, &atom) ? ERR_OK : out_of_memory(e);
}

static enum err_code place_value(struct building *b, enum footprint_type t, struct str value,
                                 struct bit bit, struct err *e)
{
    struct place_atom atom = {.bit = bit};
    uint32_t asn = 0;

    if (!b->v->geo)
        return err_set(e, ERR_CONFLICT,
                       "%s \"%.*s\" asks for geography, and none is configured; an mmdb file would "
                       "say who is there",
                       footprint_type_name(t), (int)value.n, value.p);
    atom.key = text_key(t, value.p, value.n);
    if (t == FOOTPRINT_ASN && footprint_asn_parse(value, &asn))
        atom.key = asn_key(asn);
    return atom_add(&b->places, &atom) ? ERR_OK : out_of_memory(e);
}

static enum err_code values_add(struct building *b, const struct footprint_conf *f, struct bit bit,
                                struct err *e)
{
    enum err_code rc = ERR_OK;

    for (size_t i = 0; i < f->value_count && rc == ERR_OK; i++) {
        struct str value = f->values[i];

        rc = footprint_value_check(f->type, value, e);
        if (rc != ERR_OK)
            break;
        switch (f->type) {
        case FOOTPRINT_ALTOPID:
            rc = pid_value(b, value, bit, e);
            break;
        case FOOTPRINT_IPV4CIDR:
        case FOOTPRINT_IPV6CIDR:
            rc = prefix_value(b, value, bit, e);
            break;
        default:
            rc = place_value(b, f->type, value, bit, e);
        }
    }
    return rc;
}

static enum err_code object_add(struct building *b, const struct footprint_conf *f, struct bit bit,
                                struct err *e)
{
    enum err_code rc = ERR_OK;

    if (f->type != FOOTPRINT_UNION)
        return values_add(b, f, bit, e);
    for (size_t i = 0; i < f->part_count && rc == ERR_OK; i++) {
        if (f->parts[i].type == FOOTPRINT_UNION)
            rc = err_set(e, ERR_PARSE, "a footprintunion in a footprintunion (RFC 9388)");
        else
            rc = values_add(b, &f->parts[i], bit, e);
        if (rc != ERR_OK)
            err_wrap(e, "part %zu", i);
    }
    return rc;
}

static enum err_code list_add(struct building *b, const char *what, struct str name, uint16_t who,
                              const struct footprint_conf *list, size_t n, struct err *e)
{
    enum err_code rc = ERR_OK;

    if (n > COVERAGE_LEVELS_MAX)
        rc = err_set(e, ERR_LIMIT, "%zu footprints that narrow each other, at most %u", n,
                     COVERAGE_LEVELS_MAX);
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        rc = object_add(b, &list[i], (struct bit){who, (uint16_t)i}, e);
        if (rc != ERR_OK)
            err_wrap(e, "footprints[%zu]", i);
    }
    if (rc != ERR_OK)
        err_wrap(e, "%s %.*s", what, (int)name.n, name.p);
    else if (n > b->levels)
        b->levels = (unsigned)n;
    return rc;
}

static enum err_code lists_add(struct building *b, struct err *e)
{
    const struct view *v = b->v;
    enum err_code rc = ERR_OK;

    for (sidx i = 0; i < v->streamer_count && rc == ERR_OK; i++)
        rc = list_add(b, "streamer", v->streamers[i].conf->name, i,
                      v->streamers[i].conf->footprints, v->streamers[i].conf->footprint_count, e);
    for (uint16_t i = 0; i < v->downstream_count && rc == ERR_OK; i++)
        rc = list_add(b, "downstream CDN", v->downstreams[i].conf->name,
                      (uint16_t)(v->streamer_count + i), v->downstreams[i].conf->footprints,
                      v->downstreams[i].conf->footprint_count, e);
    return rc;
}

static size_t footprints_of(const struct view *v, unsigned who)
{
    if (who < v->streamer_count)
        return v->streamers[who].conf->footprint_count;
    return v->downstreams[who - v->streamer_count].conf->footprint_count;
}

/* Who has nothing at a level is in every PID's row of it. */
static enum err_code pids_build(const struct building *b, struct coverage *c, struct err *e)
{
    const struct pid_atom *atoms = b->pids.items;
    size_t row = c->words, plane;
    uint64_t *out;

    c->pids = b->pids.count ? b->v->netmap->pid_count : 0;
    plane = (c->pids + (size_t)1) * row;
    out = arena_array(b->v->arena, plane, c->levels * sizeof *out);
    if (!out)
        return out_of_memory(e);
    for (unsigned l = 0; l < c->levels; l++) {
        uint64_t *first = out + l * plane;

        for (unsigned who = 0; who < b->v->streamer_count + (unsigned)b->v->downstream_count; who++)
            if (footprints_of(b->v, who) <= l)
                first[who / 64] |= UINT64_C(1) << who % 64;
        for (size_t p = 1; p <= c->pids; p++)
            memcpy(first + p * row, first, row * sizeof *out);
    }
    for (size_t i = 0; i < b->pids.count; i++) {
        struct bit bit = atoms[i].bit;

        out[bit.level * plane + atoms[i].pid * row + bit.who / 64u] |= UINT64_C(1) << bit.who % 64u;
    }
    c->by_pid = out;
    return ERR_OK;
}

/* Rows of all levels, one behind another, to a plane for each level. */
static const uint64_t *planes_new(const struct building *b, const struct intern *rows)
{
    uint64_t *out = arena_array(b->v->arena, rows->count, rows->size);

    for (uint32_t i = 0; i < rows->count && out; i++)
        for (unsigned l = 0; l < b->levels; l++)
            memcpy(out + ((size_t)l * rows->count + i) * b->words,
                   (const uint64_t *)intern_get(rows, i) + (size_t)l * b->words,
                   b->words * sizeof *out);
    return out;
}

static bool row_add(struct intern *rows, const uint64_t *row, uint32_t *out)
{
    *out = intern_add(rows, row);
    return *out != INTERN_NONE && (size_t)rows->count * rows->size <= ROWS_BYTES_MAX;
}

static int by_key(const void *a, const void *b)
{
    const struct place_atom *x = a, *y = b;

    return (x->key > y->key) - (x->key < y->key);
}

/* Sets the bits of all atoms of a key. */
static void key_or(const struct building *b, uint64_t key, uint64_t *row)
{
    const struct place_atom *atoms = b->places.items;
    size_t low = 0, high = b->places.count;

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (atoms[mid].key < key)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < b->places.count && atoms[low].key == key; low++)
        bit_set(row, b->words, atoms[low].bit);
}

static enum err_code places_build(struct building *b, struct coverage *c, struct err *e)
{
    const struct geo *g = b->v->geo;
    struct intern rows = {.size = (size_t)b->levels * b->words * sizeof(uint64_t)};
    uint64_t *row;
    uint32_t *class;
    bool ok;

    if (!b->places.count)
        return ERR_OK;
    row = malloc(rows.size);
    class = arena_array(b->v->arena, g->place_count, sizeof *class);
    qsort(b->places.items, b->places.count, b->places.size, by_key);
    ok = row && class;
    for (uint32_t i = 0; i < g->place_count && ok; i++) {
        const struct geo_place *p = &g->places[i];

        memset(row, 0, rows.size);
        if (p->country[0])
            key_or(b, text_key(FOOTPRINT_COUNTRYCODE, p->country, strlen(p->country)), row);
        if (p->subdivision[0])
            key_or(b, text_key(FOOTPRINT_SUBDIVISIONCODE, p->subdivision, strlen(p->subdivision)),
                   row);
        if (p->asn)
            key_or(b, asn_key(p->asn), row);
        ok = row_add(&rows, row, &class[i]);
    }
    c->place_class = class;
    c->classes = rows.count;
    c->by_place = ok ? planes_new(b, &rows) : NULL;
    intern_fini(&rows);
    free(row);
    return c->by_place ? ERR_OK : out_of_memory(e);
}

static int by_prefix(const void *a, const void *b)
{
    const struct prefix_atom *x = a, *y = b;

    return prefix_cmp(&x->prefix, &y->prefix);
}

/* Goes through the sorted prefixes of a family with the stack of those around: a prefix has the
 * bits of all that hold it, and its own. stack[0] is nobody. */
static bool family_walk(const struct building *b, bool v4, uint64_t *stack, struct intern *rows,
                        struct lpm_entry *entries, size_t *n)
{
    const struct prefix_atom *atoms = b->prefixes.items;
    size_t row = (size_t)b->levels * b->words;
    struct prefix open[STACK_MAX];
    unsigned depth = 0;

    for (size_t i = 0; i < b->prefixes.count;) {
        struct prefix p = atoms[i].prefix;
        uint64_t *mine;
        uint32_t mark;

        if (prefix_is_v4(p) != v4) {
            i++;
            continue;
        }
        while (depth && !prefix_has(open[depth - 1], p.addr))
            depth--;
        open[depth++] = p;
        mine = stack + depth * row;
        memcpy(mine, mine - row, row * sizeof *mine);
        for (; i < b->prefixes.count && prefix_cmp(&atoms[i].prefix, &p) == 0; i++)
            bit_set(mine, b->words, atoms[i].bit);
        if (!row_add(rows, mine, &mark))
            return false;
        entries[(*n)++] = (struct lpm_entry){p, mark};
    }
    return true;
}

/* entries has room for all; *n is how many there are. */
static bool marks_walk(const struct building *b, struct intern *rows, struct lpm_entry *entries,
                       size_t *n)
{
    uint64_t *stack = calloc(STACK_MAX, rows->size);
    uint32_t none;
    bool ok;

    *n = 0;
    ok = stack && row_add(rows, stack, &none) && family_walk(b, true, stack, rows, entries, n) &&
         family_walk(b, false, stack, rows, entries, n);
    free(stack);
    return ok;
}

static enum err_code marks_build(struct building *b, struct coverage *c, struct err *e)
{
    struct intern rows = {.size = (size_t)b->levels * b->words * sizeof(uint64_t)};
    struct lpm_entry *entries;
    enum err_code rc = ERR_OK;
    size_t n;

    if (!b->prefixes.count)
        return ERR_OK;
    n = 0;
    entries = malloc(b->prefixes.count * sizeof *entries);
    qsort(b->prefixes.items, b->prefixes.count, b->prefixes.size, by_prefix);
    if (!entries || !marks_walk(b, &rows, entries, &n))
        rc = out_of_memory(e);
    if (rc == ERR_OK)
        rc = lpm_build(entries, n, b->v->arena, &c->prefixes, e);
    if (rc == ERR_OK) {
        c->marks = rows.count;
        c->by_mark = planes_new(b, &rows);
        if (!c->by_mark)
            rc = out_of_memory(e);
    }
    intern_fini(&rows);
    free(entries);
    return rc;
}

enum err_code coverage_build(const struct view *v, const struct coverage **out, struct err *e)
{
    struct building b = {.v = v,
                         .words = (v->streamer_count + v->downstream_count + 63u) / 64,
                         .places.size = sizeof(struct place_atom),
                         .prefixes.size = sizeof(struct prefix_atom),
                         .pids.size = sizeof(struct pid_atom)};
    struct coverage *c = NULL;
    enum err_code rc = lists_add(&b, e);

    *out = NULL;
    if (rc == ERR_OK && b.levels) {
        c = arena_array(v->arena, 1, sizeof *c);
        if (!c)
            rc = out_of_memory(e);
    }
    if (c) {
        c->words = b.words;
        c->levels = b.levels;
        rc = pids_build(&b, c, e);
        if (rc == ERR_OK)
            rc = places_build(&b, c, e);
        if (rc == ERR_OK)
            rc = marks_build(&b, c, e);
    }
    free(b.places.items);
    free(b.prefixes.items);
    free(b.pids.items);
    if (rc == ERR_OK)
        *out = c;
    return rc;
}
