#include "router/geo.h"

#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <maxminddb.h>

#include "base/hash.h"
#include "mmdb_fixture.h"
#include "router/geo_mmdb.h"
#include "router/intern.h"

#define MMDB(name) TEST_DATA "/mmdb/" name

static const struct geo_paths usual = {0};

static struct geo *load(const char *path)
{
    struct geo *g = NULL;
    struct err e = {0};

    ck_assert_msg(geo_load(&path, 1, &usual, &g, &e) == ERR_OK, "%s", e.text);
    return g;
}

static const struct geo_place *place_at(const struct geo *g, struct addr a)
{
    struct geo_hit hit = geo_find(g, a);

    ck_assert_uint_lt(hit.place, g->place_count);
    return &g->places[hit.place];
}

static struct addr address(const char *text)
{
    struct addr a;

    ck_assert(addr_parse(text, strlen(text), &a, NULL) == ERR_OK);
    return a;
}

/* What the source of a database says, in our words: "gb|gb-eng|0". */
static void expect(const json_t *record, char out[64])
{
    const char *country = NULL, *sub = NULL;
    json_int_t asn = json_integer_value(json_object_get(record, "autonomous_system_number"));
    size_t n;

    country = json_string_value(json_object_get(json_object_get(record, "country"), "iso_code"));
    if (!country)
        country = json_string_value(
            json_object_get(json_object_get(record, "registered_country"), "iso_code"));
    sub = json_string_value(
        json_object_get(json_array_get(json_object_get(record, "subdivisions"), 0), "iso_code"));
    n = (size_t)snprintf(out, 64, "%s|%s%s%s|%lld", country ? country : "", sub ? country : "",
                         sub ? "-" : "", sub ? sub : "", (long long)asn);
    for (size_t i = 0; i < n; i++)
        out[i] = (char)(out[i] >= 'A' && out[i] <= 'Z' ? out[i] | 0x20 : out[i]);
}

static void format(const struct geo_place *p, char out[64])
{
    snprintf(out, 64, "%s|%s|%u", p->country, p->subdivision, p->asn);
}

static const char *const sources[] = {"GeoLite2-City-Test", "GeoLite2-Country-Test",
                                      "GeoLite2-ASN-Test"};

/* First and last address of each prefix of the source. */
START_TEST(says_what_its_source_says)
{
    char path[512], want[64], got[64], text[PREFIX_TEXT_MAX];
    json_error_t je;
    json_t *doc, *row, *record;
    const char *key;
    unsigned compared = 0;
    struct geo *g;
    size_t i;

    snprintf(path, sizeof path, TEST_DATA "/mmdb/%s.mmdb", sources[_i]);
    g = load(path);
    ck_assert_uint_gt(g->build_epoch, 1500000000);
    snprintf(path, sizeof path, TEST_DATA "/mmdb/%s.source.json", sources[_i]);
    doc = json_load_file(path, 0, &je);
    ck_assert_msg(doc != NULL, "%s", je.text);
    json_array_foreach(doc, i, row) json_object_foreach(row, key, record)
    {
        struct prefix p;
        struct addr ends[2];

        ck_assert(prefix_parse(key, strlen(key), &p, NULL) == ERR_OK);
        if (!prefix_is_v4(p) && (p.addr.hi >> 48 == 0x2002 || p.addr.hi >> 32 == 0x20010000))
            continue; /* other ways to IPv4: we do not go them */
        if (!prefix_is_v4(p) && p.len >= 96 && p.addr.hi == 0 && p.addr.lo >> 32 == 0)
            p = (struct prefix){addr_from_v4((uint32_t)p.addr.lo), p.len};
        ends[0] = p.addr;
        ends[1] = addr_mask_last(p.addr, p.len);
        expect(record, want);
        for (unsigned k = 0; k < 2; k++) {
            format(place_at(g, ends[k]), got);
            ck_assert_msg(strcmp(got, want) == 0, "%s %s: %s, not %s", sources[_i],
                          prefix_format(p, text), got, want);
        }
        compared++;
    }
    ck_assert_uint_gt(compared, 200);
    json_decref(doc);
    geo_drop(g);
}
END_TEST

/* What the library itself finds, for any address: our walk against its own. */
START_TEST(says_what_the_library_says)
{
    static const struct {
        const char *file;
        const char *const path[4];
        enum geo_field field;
    } rows[] = {
        {MMDB("GeoIP2-City-Test.mmdb"), {"country", "iso_code"}, GEO_COUNTRY},
        {MMDB("GeoLite2-ASN-Test.mmdb"), {"autonomous_system_number"}, GEO_ASN},
        {MMDB("GeoIP2-ISP-Test.mmdb"), {"autonomous_system_number"}, GEO_ASN},
    };
    struct geo *g = load(rows[_i].file);
    const struct lpm *lpm = g->lpm;
    unsigned known = 0;
    uint64_t seed;
    MMDB_s db;

    hash_random(&seed, sizeof seed);
    ck_assert_uint_gt(lpm_ranges(lpm), 100);
    ck_assert_int_eq(MMDB_open(rows[_i].file, MMDB_MODE_MMAP, &db), MMDB_SUCCESS);
    for (unsigned n = 0; n < 200000; n++) {
        const uint64_t r = hash_mix(seed, n), r2 = hash_mix(r, 1);
        struct addr a = addr_from_v4((uint32_t)(n % 4 ? r : (81u << 24) + (2u << 16) + r % 65536));
        struct sockaddr_storage ss;
        MMDB_lookup_result_s hit;
        MMDB_entry_data_s d = {0};
        const struct geo_place *p;
        int rc;

        if (n % 4 == 1)
            a = (struct addr){UINT64_C(0x2001000100000000) | (r & 0x0fffffffffffffff) >> 4, r2};
        if (n % 4 == 2)
            a = (struct addr){UINT64_C(0x2a02000000000000) | r >> 16, r2};
        addr_to_sockaddr(a, 0, &ss);
        hit = MMDB_lookup_sockaddr(&db, (const struct sockaddr *)&ss, &rc);
        ck_assert_int_eq(rc, MMDB_SUCCESS);
        if (hit.found_entry)
            MMDB_aget_value(&hit.entry, &d, rows[_i].path);
        p = place_at(g, a);
        if (rows[_i].field == GEO_ASN)
            ck_assert_msg(p->asn == (d.has_data ? d.uint32 : 0), "seed %lx n %u", seed, n);
        else if (d.has_data)
            ck_assert_msg((p->country[0] ^ d.utf8_string[0]) == 0x20 &&
                              (p->country[1] ^ d.utf8_string[1]) == 0x20,
                          "seed %lx n %u", seed, n);
        known += d.has_data;
    }
    ck_assert_uint_gt(known, 100);
    MMDB_close(&db);
    geo_drop(g);
}
END_TEST

#define DATA_BAD "contains bad data"
#define NO_SUCH  "leads to a record that is not there"
#define NOTHING  "no record of it has a country"

// clang-format off
static const struct {
    const char *file, *why; /* NULL: it is read */
} files[] = {
    {"GeoIP2-City-Test.mmdb",                               NULL},
    {"GeoIP2-ISP-Test.mmdb",                                NULL},
    {"GeoLite2-ASN-Test.mmdb",                              NULL},
    {"GeoLite2-City-Test.mmdb",                             NULL},
    {"GeoLite2-Country-Test.mmdb",                          NULL},
    /* Good ones that say nothing of where anybody is. */
    {"GeoIP2-Connection-Type-Test.mmdb",                    NOTHING},
    {"MaxMind-DB-no-ipv4-search-tree.mmdb",                 NOTHING},
    {"MaxMind-DB-test-decoder.mmdb",                        NOTHING},
    {"MaxMind-DB-test-ipv4-24.mmdb",                        NOTHING},
    {"MaxMind-DB-test-ipv6-32.mmdb",                        NOTHING},
    {"MaxMind-DB-test-mixed-28.mmdb",                       NOTHING},
    {"MaxMind-DB-test-mixed-32.mmdb",                       NOTHING},
    /* Corrupt where the library reads to open them. */
    {"GeoIP2-City-Test-Invalid-Node-Count.mmdb",            "invalid metadata"},
    {"bad-cyclic-data-structure.mmdb",                      DATA_BAD},
    {"bad-invalid-bytes-length.mmdb",                       DATA_BAD},
    {"bad-invalid-data-record-offset.mmdb",                 DATA_BAD},
    {"bad-invalid-map-key-length.mmdb",                     DATA_BAD},
    {"bad-invalid-string-length.mmdb",                      DATA_BAD},
    {"bad-libmaxminddb-metadata-marker-only.mmdb",          "does not match the data"},
    {"bad-libmaxminddb-offset-integer-overflow.mmdb",       DATA_BAD},
    {"bad-metadata-is-an-uint128.mmdb",                     DATA_BAD},
    {"bad-unexpected-bytes.mmdb",                           DATA_BAD},
    {"bad-libmaxminddb-uint64-max-epoch.mmdb",              "its build_epoch is no time"},
    /* Corrupt in the tree. */
    {"MaxMind-DB-test-broken-search-tree-24.mmdb",          NO_SUCH},
    {"bad-bad-unicode-in-map-key.mmdb",                     NO_SUCH},
    {"bad-libmaxminddb-separator-record-max-left.mmdb",     NO_SUCH},
    {"bad-libmaxminddb-separator-record-min-left.mmdb",     NO_SUCH},
    {"bad-libmaxminddb-separator-record-min-right.mmdb",    NO_SUCH},
    /* Corrupt in a record, on the way to a value. */
    {"GeoIP2-City-Test-Broken-Double-Format.mmdb",          "the record at 155 of the data"},
    {"MaxMind-DB-test-broken-pointers-24.mmdb",             "the record at 0 of the data"},
    {"bad-libmaxminddb-oversized-map.mmdb",                 "the record at 0 of the data"},
    /* Corrupt where we do not look (an array that is none of ours, nesting, the metadata's end): the
     * library opens and finds nothing. */
    {"bad-libmaxminddb-corrupt-search-tree.mmdb",           NOTHING},
    {"bad-libmaxminddb-deep-array-nesting.mmdb",            NOTHING},
    {"bad-libmaxminddb-deep-nesting.mmdb",                  NOTHING},
    {"bad-libmaxminddb-empty-array-last-in-metadata.mmdb",  NOTHING},
    {"bad-libmaxminddb-empty-map-last-in-metadata.mmdb",    NOTHING},
    {"bad-libmaxminddb-oversized-array.mmdb",               NOTHING},
    /* No databases at all. */
    {"SOURCE",                                              "contains invalid metadata"},
    {"nobody.mmdb",                                         "No such file or directory"},
    {"",                                                    "it is no regular file"},
};
// clang-format on

START_TEST(file)
{
    char path[512];
    const char *paths[] = {path};
    struct geo *g = NULL;
    struct err e = {0};

    snprintf(path, sizeof path, TEST_DATA "/mmdb/%s", files[_i].file);
    if (geo_load(paths, 1, &usual, &g, &e) == ERR_OK) {
        ck_assert_msg(files[_i].why == NULL, "%s: read", path);
        ck_assert_ptr_nonnull(g);
    } else {
        ck_assert_msg(files[_i].why && strstr(e.text, files[_i].why), "%s", e.text);
        ck_assert_msg(strncmp(e.text, "mmdb /", 6) == 0 && strchr(e.text, '\n') == NULL, "%s",
                      e.text);
        ck_assert_ptr_null(g);
    }
    geo_drop(g);
}
END_TEST

/* A file that is in the folder and in no row would be tested by nobody. */
START_TEST(all_files_are_in_the_table)
{
    DIR *d = opendir(TEST_DATA "/mmdb");

    ck_assert_ptr_nonnull(d);
    for (struct dirent *f; (f = readdir(d));) {
        bool there = !strstr(f->d_name, ".mmdb");

        for (size_t i = 0; i < sizeof files / sizeof *files; i++)
            there |= strcmp(files[i].file, f->d_name) == 0;
        ck_assert_msg(there, "%s", f->d_name);
    }
    closedir(d);
}
END_TEST

// clang-format off
static const struct {
    const char *what, *record, *place; /* country|subdivision|asn, "*" for anonymous */
} schemas[] = {
    {"nested",                "{\"country\":{\"iso_code\":\"US\"},\"subdivisions\":[{\"iso_code\":\"CA\"},{\"iso_code\":\"X\"}]}", "us|us-ca|0"},
    {"registered alone",      "{\"registered_country\":{\"iso_code\":\"FR\"}}",                        "fr||0"},
    {"both countries",        "{\"registered_country\":{\"iso_code\":\"FR\"},\"country\":{\"iso_code\":\"GB\"}}", "gb||0"},
    {"flat",                  "{\"country_code\":\"us\",\"region\":\"NY\"}",                            "us|us-ny|0"},
    {"flat, country",         "{\"country\":\"DE\",\"subdivision\":\"DE-BW\"}",                         "de|de-bw|0"},
    {"region is a name",      "{\"country\":\"DE\",\"region\":\"Bavaria\"}",                            "de||0"},
    {"another's subdivision", "{\"country\":\"DE\",\"subdivision\":\"US-CA\"}",                         "de||0"},
    {"subdivision alone",     "{\"subdivision\":\"CA\",\"asn\":1}",                                     "||1"},
    {"country is a name",     "{\"country\":\"Germany\",\"asn\":1}",                                    "||1"},
    {"ASN",                   "{\"autonomous_system_number\":64500}",                                   "||64500"},
    {"flat ASN, number",      "{\"asn\":4200000000}",                                                   "||4200000000"},
    {"flat ASN, text",        "{\"asn\":\"AS64500\"}",                                                  "||64500"},
    {"flat ASN, digits",      "{\"asn\":\"64500\"}",                                                    "||64500"},
    {"ASN over 32 bits",      "{\"asn\":\"AS4294967296\",\"country\":\"DE\"}",                          "de||0"},
    {"ASN is a word",         "{\"asn\":\"AS12x\",\"country\":\"DE\"}",                                 "de||0"},
    {"anonymous, nested",     "{\"traits\":{\"is_anonymous_proxy\":true}}",                             "||0*"},
    {"anonymous, flat",       "{\"is_anonymous\":false,\"is_tor_exit_node\":true}",                     "||0*"},
    {"a VPN in short",        "{\"vpn\":\"true\",\"country\":\"CH\"}",                                  "ch||0*"},
    {"not anonymous",         "{\"is_anonymous\":false,\"is_vpn\":false,\"country\":\"CH\"}",           "ch||0"},
};
// clang-format on

static void ck_place(const struct geo *g, const char *at, const char *want, const char *what)
{
    const struct geo_place *p = place_at(g, address(at));
    char got[80];

    format(p, got);
    if (p->flags & GEO_ANONYMOUS)
        snprintf(got + strlen(got), sizeof got - strlen(got), "*");
    ck_assert_msg(strcmp(got, want) == 0, "%s: %s: %s, not %s", what, at, got, want);
}

START_TEST(schema)
{
    const struct mmdb_row rows[] = {{"192.0.2.0/24", schemas[_i].record},
                                    {"2001:db8::/32", schemas[_i].record}};
    struct geo *g = mmdb_geo(rows, 2);

    ck_place(g, "192.0.2.0", schemas[_i].place, schemas[_i].what);
    ck_place(g, "192.0.2.255", schemas[_i].place, schemas[_i].what);
    ck_place(g, "2001:db8:ffff::", schemas[_i].place, schemas[_i].what);
    ck_place(g, "192.0.3.0", "||0", schemas[_i].what);
    ck_place(g, "2001:db9::", "||0", schemas[_i].what);
    ck_assert_uint_eq(g->place_count, 2);
    geo_drop(g);
}
END_TEST

static enum err_code load_rows(const struct mmdb_row *rows, size_t n, const struct geo_paths *where,
                               struct geo **out, struct err *e)
{
    struct bytes b = mmdb_write(rows, n, 6, false);
    char path[32];
    int fd = mmdb_file(&b, path);
    const char *paths[] = {path};
    enum err_code rc = geo_load(paths, 1, where, out, e);

    close(fd);
    bytes_free(&b);
    return rc;
}

START_TEST(own_paths)
{
    const struct mmdb_row rows[] = {
        {"192.0.2.0/24",
         "{\"where\":{\"cc\":\"SE\",\"parts\":[\"AB\"]},\"net\":{\"as\":7},\"odd\":true,"
         "\"country\":\"DE\"}"}};
    struct geo_paths where = {STR("where.cc"), STR("where.parts.0"), STR("net.as"), STR("odd")};
    struct geo *g = NULL;
    struct err e = {0};

    ck_assert_msg(load_rows(rows, 1, &where, &g, &e) == ERR_OK, "%s", e.text);
    ck_place(g, "192.0.2.1", "se|se-ab|7*", "own paths");
    geo_drop(g);
    where.country = STR("where.country");
    ck_assert(load_rows(rows, 1, &where, &g, &e) == ERR_NOT_FOUND);
    ck_assert_msg(strstr(e.text, "no record has a country of two letters at \"where.country\""),
                  "%s", e.text);
    ck_assert_ptr_null(g);
    e = (struct err){0};
    where.country = STR("where..cc");
    ck_assert(load_rows(rows, 1, &where, &g, &e) == ERR_PARSE);
    ck_assert_msg(strstr(e.text, "\"where..cc\" is no path of a value"), "%s", e.text);
}
END_TEST

/* A city's over an AS's over another country's: each value of the first that has it. */
START_TEST(databases_over_each_other)
{
    static const struct mmdb_row city[] = {
        {"10.1.0.0/16", "{\"country\":\"DE\",\"region\":\"BW\"}"},
        {"10.2.0.0/15", "{\"country\":\"FR\"}"}};
    static const struct mmdb_row as[] = {{"10.0.0.0/8", "{\"asn\":1,\"country\":\"US\"}"},
                                         {"10.1.2.0/24", "{\"asn\":2,\"country\":\"US\"}"},
                                         {"2001:db8::/32", "{\"asn\":3}"}};
    static const struct mmdb_row vpn[] = {{"10.1.2.128/25", "{\"vpn\":true}"},
                                          {"11.0.0.0/8", "{\"vpn\":true}"},
                                          {"10.2.0.0/15", "{\"asn\":9,\"vpn\":true}"}};
    const struct bytes b[3] = {mmdb_write(city, 2, 4, false), mmdb_write(as, 3, 6, true),
                               mmdb_write(vpn, 3, 4, false)};
    char path[3][32];
    const char *paths[3];
    struct geo *g = NULL;
    struct err e = {0};
    int fd[3];

    for (unsigned i = 0; i < 3; i++) {
        fd[i] = mmdb_file(&b[i], path[i]);
        paths[i] = path[i];
    }
    ck_assert_msg(geo_load(paths, 3, &usual, &g, &e) == ERR_OK, "%s", e.text);
    ck_place(g, "10.1.0.1", "de|de-bw|1", "country of the first, AS of the second");
    ck_place(g, "10.1.2.1", "de|de-bw|2", "a longer prefix of the second");
    ck_place(g, "10.1.2.129", "de|de-bw|2*", "all three");
    ck_place(g, "10.1.3.0", "de|de-bw|1", "behind it");
    ck_place(g, "10.2.0.1", "fr||1*", "AS of the second, not of the third");
    ck_place(g, "10.4.0.1", "us||1", "the second alone");
    ck_place(g, "11.0.0.1", "||0*", "the third alone");
    ck_place(g, "2001:db8::1", "||3", "IPv6");
    ck_place(g, "12.0.0.1", "||0", "nobody");
    for (unsigned i = 0; i < 3; i++) {
        struct bytes done = b[i];

        close(fd[i]);
        bytes_free(&done);
    }
    geo_drop(g);
}
END_TEST

START_TEST(trees)
{
    static const struct mmdb_row v4[] = {{"1.2.3.0/24", "{\"country\":\"DE\"}"}};
    static const struct mmdb_row wide[] = {{"::/64", "{\"country\":\"DE\"}"}};
    const struct bytes only4 = mmdb_write(v4, 1, 4, false), no4 = mmdb_write(wide, 1, 6, false),
                       aliased = mmdb_write(v4, 1, 6, true);
    const struct bytes *all[] = {&only4, &no4, &aliased};

    for (unsigned i = 0; i < 3; i++) {
        struct bytes done = *all[i];
        char path[32];
        int fd = mmdb_file(all[i], path);
        struct geo *g = load(path);

        ck_place(g, "1.2.3.4", "de||0", "IPv4");
        ck_place(g, "1.2.4.4", i == 1 ? "de||0" : "||0", "IPv4 beyond");
        ck_place(g, "::1:0:0:0", i == 1 ? "de||0" : "||0", "IPv6 in ::/64");
        ck_place(g, "2002:102:304::", "||0", "another way to IPv4");
        ck_assert_uint_eq(lpm_ranges(g->lpm), i == 1 ? 2 : 1);
        geo_drop(g);
        close(fd);
        bytes_free(&done);
    }
}
END_TEST

/* IPv4 lies within ::/2 and is not of it: what is open there goes on behind IPv4. */
START_TEST(families_are_apart)
{
    static const struct mmdb_row wide[] = {{"::/2", "{\"asn\":5}"}};
    static const struct mmdb_row deep[] = {{"10.0.0.0/8", "{\"country\":\"DE\"}"},
                                           {"2001:db8::/32", "{\"country\":\"FR\"}"}};
    struct bytes b[2] = {mmdb_write(wide, 1, 6, false), mmdb_write(deep, 2, 6, false)};
    char path[2][32];
    const int fd[2] = {mmdb_file(&b[0], path[0]), mmdb_file(&b[1], path[1])};
    const char *paths[] = {path[0], path[1]};
    struct geo *g = NULL;
    struct err e = {0};

    ck_assert_msg(geo_load(paths, 2, &usual, &g, &e) == ERR_OK, "%s", e.text);
    ck_place(g, "10.1.0.1", "de||5", "IPv4");
    ck_place(g, "11.1.0.1", "||5", "IPv4 beyond");
    ck_place(g, "2001:db8::1", "fr||5", "IPv6 behind IPv4");
    ck_place(g, "2001:db9::1", "||5", "IPv6 of the first alone");
    ck_place(g, "4001::1", "||0", "nobody");
    for (unsigned i = 0; i < 2; i++) {
        close(fd[i]);
        bytes_free(&b[i]);
    }
    geo_drop(g);
}
END_TEST

static void poke(struct bytes *b, uint32_t node, unsigned side, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        b->data[node * 8 + side * 4 + i] = (char)(value >> (24 - 8 * i));
}

/* Trees that are none end in a sentence, and soon. */
START_TEST(circles)
{
    static const struct mmdb_row rows[] = {{"1.2.3.0/24", "{\"country\":\"DE\"}"},
                                           {"2001:db8::/32", "{\"country\":\"DE\"}"}};
    static const struct {
        uint32_t node, side, to;
        const char *why;
    } pokes[] = {{2, 1, 2, "in circles"}, {30, 1, 0, NO_SUCH}, {20, 1, 19, "in circles"}};

    for (size_t i = 0; i < sizeof pokes / sizeof *pokes; i++) {
        struct bytes b = mmdb_write(rows, 2, 6, false);
        char path[32];
        const char *paths[] = {path};
        struct geo *g = NULL;
        struct err e = {0};
        int fd;

        poke(&b, pokes[i].node, pokes[i].side, pokes[i].to);
        fd = mmdb_file(&b, path);
        ck_assert(geo_load(paths, 1, &usual, &g, &e) == ERR_PARSE);
        ck_assert_msg(strstr(e.text, pokes[i].why) != NULL, "%s", e.text);
        close(fd);
        bytes_free(&b);
    }
}
END_TEST

/* Halves that say the same are one: the layer of a database cut as finely as can be is short. */
START_TEST(halves_merge)
{
    struct mmdb_row *rows = calloc(256, sizeof *rows);
    static char text[256][32];
    const struct geo_paths where = {0};
    struct geo_layer layer;
    struct err e = {0};
    struct bytes b;
    char path[32];
    int fd;

    for (unsigned i = 0; i < 256; i++) {
        snprintf(text[i], sizeof text[i], "10.0.%u.0/24", i);
        rows[i] = (struct mmdb_row){text[i], i < 192 ? "{\"country\":\"DE\",\"city\":\"x\"}"
                                                     : "{\"country\":\"FR\"}"};
    }
    b = mmdb_write(rows, 256, 6, false);
    fd = mmdb_file(&b, path);
    ck_assert_msg(geo_layer_load(path, &where, &layer, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(layer.count, 3); /* /17, /18, /18 */
    ck_assert_uint_eq(layer.places.count, 2);
    geo_layer_fini(&layer);
    close(fd);
    bytes_free(&b);
    free(rows);
}
END_TEST

START_TEST(interning)
{
    struct intern t = {.size = 12};
    char item[12] = "";

    for (unsigned round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 5000; i++) {
            memcpy(item + 4, &i, sizeof i);
            ck_assert_uint_eq(intern_add(&t, item), i);
        }
    ck_assert_uint_eq(t.count, 5000);
    ck_assert_int_eq(memcmp(intern_get(&t, 4999), item, 12), 0);
    intern_fini(&t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("geo");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, says_what_its_source_says, 0, 3);
    tcase_add_loop_test(t, says_what_the_library_says, 0, 3);
    tcase_add_loop_test(t, file, 0, (int)(sizeof files / sizeof *files));
    tcase_add_test(t, all_files_are_in_the_table);
    tcase_add_loop_test(t, schema, 0, (int)(sizeof schemas / sizeof *schemas));
    tcase_add_test(t, own_paths);
    tcase_add_test(t, databases_over_each_other);
    tcase_add_test(t, families_are_apart);
    tcase_add_test(t, trees);
    tcase_add_test(t, circles);
    tcase_add_test(t, halves_merge);
    tcase_add_test(t, interning);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
