#include "router/geo_mmdb.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <maxminddb.h>

#define KEYS_MAX      8
#define PATH_TEXT_MAX 256
#define EPOCH_MAX     UINT64_C(253402300799) /* the end of year 9999 */

/* Where the usual databases have their values. The first that fits counts. */
#define PATHS_MAX 28
#define NESTED    "traits."

static const char *const usual[GEO_FIELDS][PATHS_MAX] = {
    [GEO_COUNTRY] = {"country.iso_code", "country_code", "country", "registered_country.iso_code"},
    [GEO_SUBDIVISION] = {"subdivisions.0.iso_code", "subdivision", "region_code", "region"},
    [GEO_ASN] = {"autonomous_system_number", "asn", NESTED "autonomous_system_number"},
    [GEO_ANONYMITY] = {NESTED "is_anonymous",
                       NESTED "is_anonymous_proxy",
                       NESTED "is_anonymous_vpn",
                       NESTED "is_hosting_provider",
                       NESTED "is_public_proxy",
                       NESTED "is_residential_proxy",
                       NESTED "is_tor_exit_node",
                       "is_anonymous",
                       "is_anonymous_proxy",
                       "is_anonymous_vpn",
                       "is_hosting_provider",
                       "is_public_proxy",
                       "is_residential_proxy",
                       "is_tor_exit_node",
                       "is_vpn",
                       "is_proxy",
                       "is_tor",
                       "is_hosting",
                       "vpn",
                       "proxy",
                       "tor",
                       "hosting"},
};

/* A path cut at its dots, as the library wants it. */
struct path {
    char text[PATH_TEXT_MAX];
    const char *keys[KEYS_MAX + 1];
};

struct paths {
    struct path path[PATHS_MAX];
    unsigned count;
};

struct walk {
    MMDB_s *db;
    struct paths *paths; /* [GEO_FIELDS] */
    struct geo_layer *out;
    struct intern offsets; /* of records that were read ... */
    uint32_t *place_of;    /* ... and their places, INTERN_NONE: nothing known; [offsets.cap] */
    uint64_t visits, visits_max;
};

static bool path_cut(struct path *p, struct str text)
{
    unsigned n = 0;

    if (text.n == 0 || text.n >= PATH_TEXT_MAX || memchr(text.p, 0, text.n))
        return false;
    memcpy(p->text, text.p, text.n);
    p->text[text.n] = 0;
    for (char *key = p->text; key;) {
        char *dot = strchr(key, '.');

        if (n == KEYS_MAX || key[0] == 0 || key[0] == '.')
            return false;
        p->keys[n++] = key;
        if (dot)
            *dot++ = 0;
        key = dot;
    }
    p->keys[n] = NULL;
    return true;
}

static enum err_code paths_compile(const struct geo_paths *where, struct paths *out, struct err *e)
{
    const struct str given[GEO_FIELDS] = {where->country, where->subdivision, where->asn,
                                          where->anonymous};

    for (unsigned f = 0; f < GEO_FIELDS; f++) {
        out[f].count = 0;
        if (given[f].n) {
            char shown[80];

            if (!path_cut(&out[f].path[out[f].count++], given[f]))
                return err_set(e, ERR_PARSE,
                               "\"%s\" is no path of a value: up to %d keys joined by dots, as "
                               "country.iso_code",
                               bytes_escape(given[f].p, given[f].n, shown, sizeof shown), KEYS_MAX);
            continue;
        }
        for (; out[f].count < PATHS_MAX && usual[f][out[f].count]; out[f].count++)
            if (!path_cut(&out[f].path[out[f].count], str_from(usual[f][out[f].count])))
                return err_set(e, ERR_PARSE, "%s is no path", usual[f][out[f].count]);
    }
    return ERR_OK;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

/* "DE" */
static bool take_country(struct str s, struct geo_place *p)
{
    if (s.n != 2 || !is_letter(lower(s.p[0])) || !is_letter(lower(s.p[1])))
        return false;
    p->country[0] = lower(s.p[0]);
    p->country[1] = lower(s.p[1]);
    return true;
}

/* ISO 3166-2: "CA" in the record of a country, or "US-CA". */
static bool take_subdivision(struct str s, struct geo_place *p)
{
    char *out = p->subdivision;

    if (s.n > 3 && s.p[2] == '-' && p->country[0] == lower(s.p[0]) &&
        p->country[1] == lower(s.p[1]))
        s = (struct str){s.p + 3, s.n - 3};
    if (!p->country[0] || s.n < 1 || s.n > 3)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_letter(lower(s.p[i])) && !(s.p[i] >= '0' && s.p[i] <= '9'))
            return false;
    *out++ = p->country[0];
    *out++ = p->country[1];
    *out++ = '-';
    for (size_t i = 0; i < s.n; i++)
        *out++ = lower(s.p[i]);
    return true;
}

/* "AS64500" or "64500" */
static bool take_asn_text(struct str s, struct geo_place *p)
{
    uint64_t n = 0;

    if (s.n > 2 && lower(s.p[0]) == 'a' && lower(s.p[1]) == 's')
        s = (struct str){s.p + 2, s.n - 2};
    if (s.n < 1 || s.n > 10)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(s.p[i] - '0');
    }
    p->asn = n <= UINT32_MAX ? (uint32_t)n : 0;
    return p->asn != 0;
}

static bool take_asn(const MMDB_entry_data_s *d, struct str text, struct geo_place *p)
{
    uint64_t n;

    switch (d->type) {
    case MMDB_DATA_TYPE_UTF8_STRING:
        return take_asn_text(text, p);
    case MMDB_DATA_TYPE_UINT16:
        n = d->uint16;
        break;
    case MMDB_DATA_TYPE_UINT32:
        n = d->uint32;
        break;
    case MMDB_DATA_TYPE_UINT64:
        n = d->uint64;
        break;
    case MMDB_DATA_TYPE_INT32:
        n = d->int32 > 0 ? (uint64_t)d->int32 : 0;
        break;
    default:
        return false;
    }
    p->asn = n <= UINT32_MAX ? (uint32_t)n : 0;
    return p->asn != 0;
}

static bool take_flag(const MMDB_entry_data_s *d, struct str text, struct geo_place *p)
{
    bool on = (d->type == MMDB_DATA_TYPE_BOOLEAN && d->boolean) ||
              (d->type == MMDB_DATA_TYPE_UINT16 && d->uint16) ||
              (d->type == MMDB_DATA_TYPE_UINT32 && d->uint32) || str_eq_nocase(text, STR("true")) ||
              str_eq(text, STR("1"));

    if (on)
        p->flags |= GEO_ANONYMOUS;
    return on;
}

static bool take(enum geo_field f, const MMDB_entry_data_s *d, struct geo_place *p)
{
    struct str text = {"", 0};

    if (d->type == MMDB_DATA_TYPE_UTF8_STRING)
        text = (struct str){d->utf8_string, d->data_size};
    switch (f) {
    case GEO_COUNTRY:
        return take_country(text, p);
    case GEO_SUBDIVISION:
        return take_subdivision(text, p);
    case GEO_ASN:
        return take_asn(d, text, p);
    case GEO_ANONYMITY:
        return take_flag(d, text, p);
    case GEO_FIELDS:
        break;
    }
    return false;
}

/* Fills one field of p from a record. Values of another type or form are passed over: what is text
 * in one database is a map in the next. */
static enum err_code field_read(struct walk *w, MMDB_entry_s *record, enum geo_field f,
                                struct geo_place *p, struct err *e)
{
    const struct paths *paths = &w->paths[f];

    for (unsigned i = 0; i < paths->count; i++) {
        MMDB_entry_data_s d = {0};
        int rc = MMDB_aget_value(record, &d, paths->path[i].keys);

        if (rc == MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR ||
            rc == MMDB_INVALID_LOOKUP_PATH_ERROR || (rc == MMDB_SUCCESS && !d.has_data))
            continue;
        if (rc != MMDB_SUCCESS)
            return err_set(e, ERR_PARSE, "the record at %u of the data: %s", record->offset,
                           MMDB_strerror(rc));
        if (f == GEO_ANONYMITY)
            w->out->found |= 1u << f; /* "no" is an answer too, but the next path may say yes */
        if (take(f, &d, p)) {
            w->out->found |= 1u << f;
            return ERR_OK;
        }
    }
    return ERR_OK;
}

/* The place of a record, which many prefixes share. */
static enum err_code record_place(struct walk *w, MMDB_entry_s *record, uint32_t *out,
                                  struct err *e)
{
    uint32_t cap = w->offsets.cap, known = w->offsets.count;
    uint32_t i = intern_add(&w->offsets, &record->offset);
    struct geo_place p;
    enum err_code rc = ERR_OK;

    if (i == INTERN_NONE)
        return err_set(e, ERR_LIMIT, "no memory for its records");
    if (w->offsets.cap != cap) {
        uint32_t *grown = realloc(w->place_of, w->offsets.cap * sizeof *grown);

        if (!grown)
            return err_set(e, ERR_LIMIT, "no memory for its records");
        w->place_of = grown;
    }
    if (i < known) {
        *out = w->place_of[i];
        return ERR_OK;
    }
    memset(&p, 0, sizeof p); /* padding too: places are compared as bytes */
    for (unsigned f = 0; f < GEO_FIELDS && rc == ERR_OK; f++)
        rc = field_read(w, record, (enum geo_field)f, &p, e);
    if (rc != ERR_OK)
        return rc;
    *out = INTERN_NONE;
    if (p.country[0] || p.asn || p.flags) {
        *out = intern_add(&w->out->places, &p);
        if (*out == INTERN_NONE)
            return err_set(e, ERR_LIMIT, "no memory for its places");
    }
    w->place_of[i] = *out;
    return ERR_OK;
}

/* Two halves of one prefix that say the same are that prefix: a city's database, asked for
 * countries alone, shrinks to a tenth. */
static void merge_halves(struct geo_layer *l)
{
    while (l->count >= 2) {
        struct lpm_entry *a = &l->entries[l->count - 2], *b = a + 1;
        unsigned len = a->prefix.len;

        if (len != b->prefix.len || a->value != b->value || len == 0 ||
            addr_common_bits(a->prefix.addr, b->prefix.addr) != len - 1 ||
            prefix_is_v4(a->prefix) != prefix_is_v4(b->prefix) ||
            (prefix_is_v4(a->prefix) && len == ADDR_V4_BITS))
            return;
        a->prefix.len--;
        l->count--;
    }
}

static enum err_code entry_add(struct geo_layer *l, struct addr a, unsigned len, uint32_t place,
                               struct err *e)
{
    if (l->count == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 1024;
        struct lpm_entry *grown = realloc(l->entries, cap * sizeof *grown);

        if (!grown)
            return err_set(e, ERR_LIMIT, "no memory for its prefixes");
        l->entries = grown;
        l->cap = cap;
    }
    l->entries[l->count++] = (struct lpm_entry){{a, (uint8_t)len}, place};
    merge_halves(l);
    return ERR_OK;
}

/* What the tree has behind the leading bits of an address; IPv4 stands under ::/96. */
struct spot {
    struct addr addr;
    unsigned len;
    uint8_t type; /* MMDB_RECORD_TYPE_* */
    uint32_t node;
    MMDB_entry_s record;
};

static const struct addr v4_base = {0, UINT64_C(0xffff00000000)};

static bool is_v4_in_tree(const struct spot *at)
{
    return at->len >= ADDR_V4_BITS && at->addr.hi == 0 && at->addr.lo >> 32 == 0;
}

static enum err_code leaf_add(struct walk *w, struct spot *at, struct err *e)
{
    uint32_t place = INTERN_NONE;
    enum err_code rc = ERR_OK;

    if (at->record.offset >= w->db->data_section_size)
        return err_set(e, ERR_PARSE, "the search tree leads to a record that is not there");
    rc = record_place(w, &at->record, &place, e);
    if (rc != ERR_OK || place == INTERN_NONE)
        return rc;
    if (is_v4_in_tree(at))
        return entry_add(w->out, addr_from_v4((uint32_t)at->addr.lo), at->len, place, e);
    if (at->len >= ADDR_V4_BITS && addr_is_v4(at->addr))
        return ERR_OK; /* ::ffff:0:0/96: nobody looks for IPv4 there */
    rc = entry_add(w->out, at->addr, at->len, place, e);
    /* A tree that does not go down to IPv4: what holds for ::/64, say, holds for all of it. */
    if (rc == ERR_OK && at->addr.hi == 0 && at->addr.lo == 0)
        rc = entry_add(w->out, v4_base, ADDR_V4_BITS, place, e);
    return rc;
}

/* MaxMind's trees lead to their IPv4 from ::ffff:0:0/96, 2002::/16 and 2001::/32 too. */
static bool is_another_way_to_v4(const struct walk *w, const struct spot *at)
{
    const MMDB_ipv4_start_node_s *v4 = &w->db->ipv4_start_node;

    return w->db->metadata.ip_version == 6 && v4->netmask == ADDR_V4_BITS &&
           at->node == v4->node_value && !(at->len == ADDR_V4_BITS && is_v4_in_tree(at));
}

/* The two ways on, the left one on top. */
static enum err_code node_open(struct walk *w, const struct spot *at, struct spot *stack,
                               unsigned *depth, struct err *e)
{
    struct spot left = *at, right = *at;
    MMDB_search_node_s node;

    if (at->len >= 128)
        return err_set(e, ERR_PARSE, "the search tree is deeper than an address has bits");
    if (is_another_way_to_v4(w, at))
        return ERR_OK;
    if (++w->visits > w->visits_max)
        return err_set(e, ERR_PARSE, "the search tree is no tree: its nodes lead in circles");
    if (MMDB_read_node(w->db, at->node, &node) != MMDB_SUCCESS)
        return err_set(e, ERR_PARSE, "node %u of the search tree cannot be read", at->node);
    left.len = ++right.len;
    if (right.len <= 64)
        right.addr.hi |= UINT64_C(1) << (64 - right.len);
    else
        right.addr.lo |= UINT64_C(1) << (128 - right.len);
    left.type = node.left_record_type;
    left.node = (uint32_t)node.left_record;
    left.record = node.left_record_entry;
    right.type = node.right_record_type;
    right.node = (uint32_t)node.right_record;
    right.record = node.right_record_entry;
    stack[(*depth)++] = right;
    stack[(*depth)++] = left;
    return ERR_OK;
}

/* Left before right, so the prefixes come in order (but for what lies between ::/96 and
 * ::ffff:0:0/96). A tree has each node once; a broken one that runs in circles is found out by
 * their number. */
static enum err_code tree_walk(struct walk *w, struct err *e)
{
    struct spot stack[128 + 2]; /* a sibling waits on each level */
    unsigned depth = 1;
    enum err_code rc = ERR_OK;

    stack[0] = (struct spot){.len = w->db->metadata.ip_version == 4 ? ADDR_V4_BITS : 0,
                             .type = MMDB_RECORD_TYPE_SEARCH_NODE};
    while (depth && rc == ERR_OK) {
        struct spot at = stack[--depth];

        switch (at.type) {
        case MMDB_RECORD_TYPE_EMPTY:
            break;
        case MMDB_RECORD_TYPE_DATA:
            rc = leaf_add(w, &at, e);
            break;
        case MMDB_RECORD_TYPE_SEARCH_NODE:
            rc = node_open(w, &at, stack, &depth, e);
            break;
        default:
            rc = err_set(e, ERR_PARSE, "the search tree leads to a record that is not there");
        }
    }
    return rc;
}

/* A copy in memory: the library maps the file, and one that is written over in place while it is
 * read would end the process. */
static enum err_code copy_open(const char *path, int *copy, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    enum err_code rc = ERR_OK;
    size_t left;

    *copy = -1;
    if (fd < 0 || fstat(fd, &st) < 0)
        rc = err_set_errno(e, "cannot open it");
    else if (!S_ISREG(st.st_mode))
        rc = err_set(e, ERR_IO, "it is no regular file");
    else if ((uint64_t)st.st_size > GEO_BYTES_MAX)
        rc = err_set(e, ERR_LIMIT, "it has %lld bytes, at most %zu", (long long)st.st_size,
                     GEO_BYTES_MAX);
    else if ((*copy = memfd_create("mmdb", MFD_CLOEXEC)) < 0)
        rc = err_set_errno(e, "no memory for a copy");
    left = rc == ERR_OK ? (size_t)st.st_size : 0;
    while (left) {
        ssize_t n = sendfile(*copy, fd, NULL, left);

        if (n < 0)
            rc = err_set_errno(e, "cannot read it");
        if (n <= 0)
            break;
        left -= (size_t)n;
    }
    if (fd >= 0)
        close(fd);
    if (rc != ERR_OK && *copy >= 0)
        close(*copy);
    return rc;
}

static enum err_code db_open(const char *path, MMDB_s *db, struct err *e)
{
    char shown[32];
    int copy, rc;
    enum err_code code = copy_open(path, &copy, e);

    if (code != ERR_OK)
        return code;
    snprintf(shown, sizeof shown, "/proc/self/fd/%d", copy);
    rc = MMDB_open(shown, MMDB_MODE_MMAP, db);
    close(copy);
    if (rc == MMDB_OUT_OF_MEMORY_ERROR)
        return err_set(e, ERR_LIMIT, "%s", MMDB_strerror(rc));
    if (rc != MMDB_SUCCESS)
        return err_set(e, ERR_PARSE, "%s", MMDB_strerror(rc));
    if (db->metadata.build_epoch <= EPOCH_MAX)
        return ERR_OK;
    MMDB_close(db);
    return err_set(e, ERR_PARSE, "its build_epoch is no time: seconds since 1970 would be right");
}

static int by_prefix(const void *a, const void *b)
{
    const struct lpm_entry *x = a, *y = b;

    return prefix_cmp(&x->prefix, &y->prefix);
}

static void entries_sort(struct geo_layer *l)
{
    for (size_t i = 1; i < l->count; i++)
        if (by_prefix(&l->entries[i - 1], &l->entries[i]) > 0) {
            qsort(l->entries, l->count, sizeof *l->entries, by_prefix);
            return;
        }
}

enum err_code geo_layer_load(const char *path, const struct geo_paths *where, struct geo_layer *out,
                             struct err *e)
{
    struct paths *paths = calloc(GEO_FIELDS, sizeof *paths);
    MMDB_s db;
    struct walk w = {.db = &db, .paths = paths, .out = out, .offsets.size = sizeof(uint32_t)};
    enum err_code rc;

    *out = (struct geo_layer){.places.size = sizeof(struct geo_place)};
    if (!paths)
        return err_set(e, ERR_LIMIT, "no memory to read it");
    rc = paths_compile(where, paths, e);
    if (rc == ERR_OK)
        rc = db_open(path, &db, e);
    if (rc == ERR_OK) {
        out->build_epoch = db.metadata.build_epoch;
        w.visits_max = (uint64_t)db.metadata.node_count + 128;
        rc = tree_walk(&w, e);
        entries_sort(out);
        MMDB_close(&db);
    }
    intern_fini(&w.offsets);
    free(w.place_of);
    free(paths);
    if (rc != ERR_OK)
        geo_layer_fini(out);
    return rc;
}

void geo_layer_fini(struct geo_layer *l)
{
    free(l->entries);
    intern_fini(&l->places);
    *l = (struct geo_layer){.places.size = sizeof(struct geo_place)};
}
