/* Writes small MaxMind databases (format 2.0, records of 32 bits) for tests: rows of a prefix and
 * its record as JSON, nested ones too. */
#pragma once

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <jansson.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "router/geo.h"

struct mmdb_row {
    const char *prefix, *record;
};

#define MMDB_NODES 65536

struct mmdb_tree {
    struct {
        uint32_t way[2]; /* 0: nothing, else a node, or a record with the highest bit set */
    } node[MMDB_NODES];
    uint32_t count;
    struct bytes data;
};

#define MMDB_RECORD (1u << 31)

static inline void mmdb_control(struct bytes *out, unsigned type, size_t size)
{
    uint8_t head[3] = {(uint8_t)(type > 7 ? 0 : type << 5)};
    unsigned n = 1;

    head[0] |= (uint8_t)(size < 29 ? size : 29);
    ck_assert_uint_lt(size, 29 + 256);
    if (type > 7)
        head[n++] = (uint8_t)(type - 7);
    if (size >= 29)
        head[n++] = (uint8_t)(size - 29);
    ck_assert(bytes_add(out, head, n));
}

static inline void mmdb_text(struct bytes *out, const char *s)
{
    mmdb_control(out, 2, strlen(s));
    ck_assert(bytes_add(out, s, strlen(s)));
}

/* type 5: uint16, 6: uint32, 9: uint64 */
static inline void mmdb_number(struct bytes *out, unsigned type, uint64_t n)
{
    uint8_t big[8];
    unsigned len = 0;

    for (int shift = 56; shift >= 0; shift -= 8)
        if (len || n >> shift)
            big[len++] = (uint8_t)(n >> shift);
    mmdb_control(out, type, len);
    ck_assert(bytes_add(out, big, len));
}

static inline void mmdb_value(struct bytes *out, const json_t *v)
{
    const char *key;
    json_t *item;
    size_t i;

    switch (json_typeof(v)) {
    case JSON_OBJECT:
        mmdb_control(out, 7, json_object_size(v));
        for (void *it = json_object_iter((json_t *)(uintptr_t)v); it;
             it = json_object_iter_next((json_t *)(uintptr_t)v, it)) {
            key = json_object_iter_key(it);
            mmdb_text(out, key);
            mmdb_value(out, json_object_iter_value(it));
        }
        break;
    case JSON_ARRAY:
        mmdb_control(out, 11, json_array_size(v));
        json_array_foreach(v, i, item) mmdb_value(out, item);
        break;
    case JSON_STRING:
        mmdb_text(out, json_string_value(v));
        break;
    case JSON_INTEGER:
        mmdb_number(out, 6, (uint64_t)json_integer_value(v));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        mmdb_control(out, 14, json_is_true(v));
        break;
    default:
        ck_abort_msg("a value of a kind that mmdb records here do not have");
    }
}

static inline unsigned mmdb_bit(struct addr a, unsigned at)
{
    return (unsigned)(at < 64 ? a.hi >> (63 - at) : a.lo >> (127 - at)) & 1;
}

/* Longer prefixes behind the shorter ones that hold them. */
static inline void mmdb_tree_add(struct mmdb_tree *t, struct prefix p, unsigned from, uint32_t what)
{
    uint32_t at = 0;

    for (unsigned i = from; i + 1u < p.len; i++) {
        uint32_t *way = &t->node[at].way[mmdb_bit(p.addr, i)];

        if (*way == 0 || *way & MMDB_RECORD) {
            ck_assert_uint_lt(t->count, MMDB_NODES);
            t->node[t->count].way[0] = t->node[t->count].way[1] = *way;
            *way = t->count++;
        }
        at = *way;
    }
    ck_assert_uint_gt(p.len, from);
    t->node[at].way[mmdb_bit(p.addr, p.len - 1u)] = what;
}

static inline void mmdb_tree_write(const struct mmdb_tree *t, struct bytes *out)
{
    for (uint32_t i = 0; i < t->count; i++)
        for (unsigned k = 0; k < 2; k++) {
            uint32_t way = t->node[i].way[k];
            uint32_t value = way == 0            ? t->count
                             : way & MMDB_RECORD ? t->count + 16 + (way & ~MMDB_RECORD)
                                                 : way;
            const uint8_t big[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16),
                                    (uint8_t)(value >> 8), (uint8_t)value};

            ck_assert(bytes_add(out, big, 4));
        }
}

/* ip_version 4 or 6; in the latter IPv4 stands under ::/96, and with aliases ::ffff:0:0/96 and
 * 2002::/16 lead there too. The caller frees the bytes. */
static inline struct bytes mmdb_write(const struct mmdb_row *rows, size_t n, unsigned ip_version,
                                      bool aliases)
{
    static const char zeros[16];
    struct mmdb_tree *t = calloc(1, sizeof *t);
    struct bytes out = {0};

    t->count = 1;
    for (size_t i = 0; i < n; i++) {
        struct prefix p;
        struct err e = {0};
        json_error_t je;
        json_t *v = json_loads(rows[i].record, 0, &je);

        ck_assert_msg(v != NULL, "%s: %s", rows[i].record, je.text);
        ck_assert_msg(prefix_parse(rows[i].prefix, strlen(rows[i].prefix), &p, &e) == ERR_OK, "%s",
                      e.text);
        if (prefix_is_v4(p))
            p.addr.lo &= UINT32_MAX;
        mmdb_tree_add(t, p, ip_version == 4 ? ADDR_V4_BITS : 0,
                      MMDB_RECORD | (uint32_t)t->data.len);
        mmdb_value(&t->data, v);
        json_decref(v);
    }
    if (aliases) {
        const struct prefix mapped = {{0, UINT64_C(0xffff00000000)}, 96};
        const struct prefix six_to_four = {{UINT64_C(0x2002) << 48, 0}, 16};
        uint32_t v4 = 0;

        for (unsigned i = 0; i < ADDR_V4_BITS; i++)
            v4 = t->node[v4].way[0];
        ck_assert(v4 && !(v4 & MMDB_RECORD));
        mmdb_tree_add(t, mapped, 0, v4);
        mmdb_tree_add(t, six_to_four, 0, v4);
    }
    mmdb_tree_write(t, &out);
    ck_assert(bytes_add(&out, zeros, 16) && bytes_add(&out, t->data.data, t->data.len));
    ck_assert(bytes_add(&out, "\xab\xcd\xefMaxMind.com", 14));
    mmdb_control(&out, 7, 9);
    mmdb_text(&out, "binary_format_major_version");
    mmdb_number(&out, 5, 2);
    mmdb_text(&out, "binary_format_minor_version");
    mmdb_number(&out, 5, 0);
    mmdb_text(&out, "build_epoch");
    mmdb_number(&out, 9, 1700000000);
    mmdb_text(&out, "database_type");
    mmdb_text(&out, "Test");
    mmdb_text(&out, "description");
    mmdb_control(&out, 7, 0);
    mmdb_text(&out, "ip_version");
    mmdb_number(&out, 5, ip_version);
    mmdb_text(&out, "languages");
    mmdb_control(&out, 11, 0);
    mmdb_text(&out, "node_count");
    mmdb_number(&out, 6, t->count);
    mmdb_text(&out, "record_size");
    mmdb_number(&out, 5, 32);
    bytes_free(&t->data);
    free(t);
    return out;
}

/* A file in memory; path has room for 32 bytes. close() the result. */
static inline int mmdb_file(const struct bytes *b, char path[32])
{
    int fd = memfd_create("test.mmdb", MFD_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, b->data, b->len), (ssize_t)b->len);
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

/* Geography of these rows; one reference. */
static inline struct geo *mmdb_geo(const struct mmdb_row *rows, size_t n)
{
    struct bytes b = mmdb_write(rows, n, 6, true);
    char path[32];
    int fd = mmdb_file(&b, path);
    const char *paths[] = {path};
    const struct geo_paths where = {0};
    struct geo *g = NULL;
    struct err e = {0};

    ck_assert_msg(geo_load(paths, 1, &where, &g, &e) == ERR_OK, "%s", e.text);
    close(fd);
    bytes_free(&b);
    return g;
}
