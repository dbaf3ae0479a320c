#include "alto/entity.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define SIXTEEN "abcdefghijklmnop"
#define LONG64  SIXTEEN SIXTEEN SIXTEEN SIXTEEN

static const struct {
    const char *text, *resource, *type;
    enum entity_scope scope;
    enum entity_kind kind;
} domains[] = {
    {"ipv4", "", "ipv4", ENTITY_AGNOSTIC, ENTITY_IPV4},
    {"ipv6", "", "ipv6", ENTITY_AGNOSTIC, ENTITY_IPV6},
    {"net1.ipv4", "net1", "ipv4", ENTITY_RESOURCE, ENTITY_IPV4},
    {"net1.pid", "net1", "pid", ENTITY_RESOURCE, ENTITY_PID},
    {"a.net.pid", "a.net", "pid", ENTITY_RESOURCE, ENTITY_PID},
    {"priv:x.pid", "priv:x", "pid", ENTITY_RESOURCE, ENTITY_PID},
    {".ane", "", "ane", ENTITY_SELF, ENTITY_ANE},
    {"props.ane", "props", "ane", ENTITY_RESOURCE, ENTITY_ANE},
    {"asn", "", "asn", ENTITY_AGNOSTIC, ENTITY_ASN},
    {"countrycode", "", "countrycode", ENTITY_AGNOSTIC, ENTITY_COUNTRY},
    {"subdivisioncode", "", "subdivisioncode", ENTITY_AGNOSTIC, ENTITY_SUBDIVISION},
    {"priv:example-test-edt", "", "priv:example-test-edt", ENTITY_AGNOSTIC, ENTITY_OTHER},
    {".priv:dc", "", "priv:dc", ENTITY_SELF, ENTITY_OTHER},
    {"net1.priv:dc", "net1", "priv:dc", ENTITY_RESOURCE, ENTITY_OTHER},
    {"_", "", "_", ENTITY_AGNOSTIC, ENTITY_OTHER},
    {"__--", "", "__--", ENTITY_AGNOSTIC, ENTITY_OTHER},
    {LONG64, "", LONG64, ENTITY_AGNOSTIC, ENTITY_OTHER},
};

/* Conformance: Y-02, Y-03. */
START_TEST(domain_names)
{
    struct entity_domain d;
    struct err e = {0};

    ck_assert_msg(entity_domain_parse(str_from(domains[_i].text), &d, &e) == ERR_OK, "%s: %s",
                  domains[_i].text, e.text);
    ck_assert_msg(str_eq(d.resource, str_from(domains[_i].resource)), "%s", domains[_i].text);
    ck_assert_msg(str_eq(d.type, str_from(domains[_i].type)), "%s", domains[_i].text);
    ck_assert(str_eq(d.name, str_from(domains[_i].text)));
    ck_assert_uint_eq(d.scope, domains[_i].scope);
    ck_assert_uint_eq(d.kind, domains[_i].kind);
}
END_TEST

static const char *const bad_domains[] = {
    "",         "ipv4.anycast!", "priv:", "pid",      "ane",       "a:b",       "priv:a:b",
    "x:priv:a", "net.",          ".",     ".pid",     "net.priv:", "a b",       "net 1.pid",
    LONG64 "q", "ipv4:",         "é",     "net.pid.", "priv:x.",   "net..pid:", "a.b:c.d",
};

/* Conformance: Y-02, Y-03. */
START_TEST(bad_domain_names)
{
    struct entity_domain d;
    struct err e = {0};

    ck_assert_msg(entity_domain_parse(str_from(bad_domains[_i]), &d, &e) == ERR_PARSE, "%s",
                  bad_domains[_i]);
    ck_assert_msg(e.text[0], "%s", bad_domains[_i]);
}
END_TEST

static const struct {
    const char *text, *domain, *id;
} entities[] = {
    {"ipv4:192.0.2.1", "ipv4", "192.0.2.1"},
    {"ipv4:192.0.2.1/32", "ipv4", "192.0.2.1"},
    {"ipv4:192.0.2.77/24", "ipv4", "192.0.2.0/24"},
    {"ipv4:0.0.0.0/0", "ipv4", "0.0.0.0/0"},
    {"net1.ipv4:192.0.2.0/26", "net1.ipv4", "192.0.2.0/26"},
    {"ipv6:2001:db8::1", "ipv6", "2001:db8::1"},
    {"ipv6:2001:db8:0:0:0:0:0:1/128", "ipv6", "2001:db8::1"},
    {"net1.ipv6:2001:db8::/48", "net1.ipv6", "2001:db8::/48"},
    {"ipv6:::/0", "ipv6", "::/0"},
    {"net1.pid:a.b:c", "net1.pid", "a.b:c"},
    {".ane:dc21", ".ane", "dc21"},
    {"asn:as64496", "asn", "as64496"},
    {"countrycode:us", "countrycode", "us"},
    {"subdivisioncode:us-ny", "subdivisioncode", "us-ny"},
    {"priv:streamer:edge1", "priv:streamer", "edge1"},
    {"priv:streamer:a:b.c:d", "priv:streamer", "a:b.c:d"},
    {"future:anything at all", "future", "anything at all"},
};

/* Conformance: Y-04, K-13. */
START_TEST(entity_ids)
{
    struct entity x;
    struct err e = {0};
    char text[PREFIX_TEXT_MAX];

    ck_assert_msg(entity_parse(str_from(entities[_i].text), &x, &e) == ERR_OK, "%s: %s",
                  entities[_i].text, e.text);
    ck_assert_msg(str_eq(x.domain.name, str_from(entities[_i].domain)), "%s", entities[_i].text);
    if (entity_is_prefix(x.domain.kind))
        ck_assert_str_eq(entity_prefix_format(x.prefix, text), entities[_i].id);
    else
        ck_assert_msg(str_eq(x.id, str_from(entities[_i].id)), "%s", entities[_i].text);
}
END_TEST

static const char *const bad_entities[] = {
    "ipv4",
    "ipv4:",
    "ipv4:192.0.2",
    "ipv4:192.0.2.0/33",
    "ipv4:2001:db8::1",
    "ipv6:192.0.2.1",
    "ipv6:::ffff:192.0.2.1",
    "ipv6:2001:db8::/129",
    "ipv6:fe80::1%eth0",
    "pid:PID1",
    ".pid:PID1",
    "net.pid:",
    "net.pid:a b",
    "ane:x",
    "asn:64496",
    "asn:AS64496",
    "asn:as012",
    "asn:as0",
    "asn:as4294967296",
    "countrycode:US",
    "countrycode:usa",
    "subdivisioncode:us",
    "priv:x",
    "priv:x:\n",
    "",
};

/* Conformance: Y-04, K-13. */
START_TEST(bad_entity_ids)
{
    struct entity x;
    struct err e = {0};

    ck_assert_msg(entity_parse(str_from(bad_entities[_i]), &x, &e) == ERR_PARSE, "%s",
                  bad_entities[_i]);
    ck_assert_msg(e.text[0], "%s", bad_entities[_i]);
}
END_TEST

static const struct {
    const char *text, *resource, *type;
    enum entity_scope scope;
} properties[] = {
    {"pid", "", "pid", ENTITY_AGNOSTIC},
    {".ISP", "", "ISP", ENTITY_SELF},
    {"net-map-1.pid", "net-map-1", "pid", ENTITY_RESOURCE},
    {"a.b.pid", "a.b", "pid", ENTITY_RESOURCE},
    {"priv:ietf-x", "", "priv:ietf-x", ENTITY_AGNOSTIC},
    {"net.priv:x:y", "net", "priv:x:y", ENTITY_RESOURCE},
    {":", "", ":", ENTITY_AGNOSTIC},
    {"_::-", "", "_::-", ENTITY_AGNOSTIC},
    {SIXTEEN SIXTEEN, "", SIXTEEN SIXTEEN, ENTITY_AGNOSTIC},
    {LONG64 "." SIXTEEN SIXTEEN, LONG64, SIXTEEN SIXTEEN, ENTITY_RESOURCE},
};

/* Conformance: Y-05. */
START_TEST(property_names)
{
    struct str resource, type;
    enum entity_scope scope;
    struct err e = {0};

    ck_assert_msg(entity_property_parse(str_from(properties[_i].text), &resource, &type, &scope,
                                        &e) == ERR_OK,
                  "%s: %s", properties[_i].text, e.text);
    ck_assert(str_eq(resource, str_from(properties[_i].resource)));
    ck_assert(str_eq(type, str_from(properties[_i].type)));
    ck_assert_uint_eq(scope, properties[_i].scope);
}
END_TEST

static const char *const bad_properties[] = {
    "",  ".",    "priv:", "net.priv:",           ".priv:",  "a b",
    "é", "net.", "a/b",   (SIXTEEN SIXTEEN "q"), "a b.pid", (LONG64 "q.pid"),
};

/* Conformance: Y-05. */
START_TEST(bad_property_names)
{
    struct err e = {0};

    ck_assert_msg(entity_property_parse(str_from(bad_properties[_i]), NULL, NULL, NULL, &e) ==
                      ERR_PARSE,
                  "%s", bad_properties[_i]);
    ck_assert_msg(e.text[0], "%s", bad_properties[_i]);
}
END_TEST

#define ROWS(x) (int)(sizeof(x) / sizeof *(x))

int main(void)
{
    Suite *s = suite_create("entity");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, domain_names, 0, ROWS(domains));
    tcase_add_loop_test(t, bad_domain_names, 0, ROWS(bad_domains));
    tcase_add_loop_test(t, entity_ids, 0, ROWS(entities));
    tcase_add_loop_test(t, bad_entity_ids, 0, ROWS(bad_entities));
    tcase_add_loop_test(t, property_names, 0, ROWS(properties));
    tcase_add_loop_test(t, bad_property_names, 0, ROWS(bad_properties));
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
