/* The client subnet option: what is taken, what is refused, and the scope that goes back. */
#include "dns/dns_ecs.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define B(s) (const uint8_t *)(s), sizeof(s) - 1

static const struct {
    const char *what;
    const uint8_t *p;
    size_t n;
    bool good;
    unsigned source;
    const char *addr;
} rows[] = {
    {"IPv4 /24", B("\0\1\x18\0\xc0\0\2"), true, 24, "192.0.2.0"},
    {"IPv4 /32", B("\0\1\x20\0\xc0\0\2\1"), true, 32, "192.0.2.1"},
    {"IPv4 /20", B("\0\1\x14\0\xc0\0\x10"), true, 20, "192.0.16.0"},
    {"IPv4 /0: the client withholds its address", B("\0\1\0\0"), true, 0, "0.0.0.0"},
    {"IPv6 /56", B("\0\2\x38\0\x20\1\x0d\xb8\0\1\2"), true, 56, "2001:db8:1:200::"},
    {"IPv6 /128", B("\0\2\x80\0\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"), true, 128, "2001:db8::1"},
    {"IPv6 /0", B("\0\2\0\0"), true, 0, "::"},
    {"IPv6 /1", B("\0\2\1\0\x80"), true, 1, "8000::"},

    {"wrong family: 0", B("\0\0\0\0"), false, 0, NULL},
    {"wrong family: 3", B("\0\3\x18\0\xc0\0\2"), false, 0, NULL},
    {"wrong family: 257, whose low byte is 1", B("\1\1\x18\0\xc0\0\2"), false, 0, NULL},
    {"source length over IPv4's", B("\0\1\x21\0\xc0\0\2\1\0"), false, 0, NULL},
    {"source length over IPv6's", B("\0\2\x81\0\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0"), false, 0,
     NULL},
    {"a scope in a query", B("\0\1\x18\x18\xc0\0\2"), false, 0, NULL},
    {"too few bytes of address", B("\0\1\x18\0\xc0\0"), false, 0, NULL},
    {"too many bytes of address", B("\0\1\x18\0\xc0\0\2\0"), false, 0, NULL},
    {"an address with source 0", B("\0\1\0\0\xc0"), false, 0, NULL},
    {"bits behind the source length", B("\0\1\x14\0\xc0\0\x11"), false, 0, NULL},
    {"the last bit behind the source length", B("\0\1\x17\0\xc0\0\1"), false, 0, NULL},
    {"bits behind the source length, IPv6", B("\0\2\x39\0\x20\1\x0d\xb8\0\1\2\x40"), false, 0,
     NULL},
    {"shorter than its head", B("\0\1\x18"), false, 0, NULL},
    {"empty", B(""), false, 0, NULL},
};

START_TEST(ecs_parse)
{
    struct dns_ecs ecs = {0};
    uint8_t *copy = malloc(rows[_i].n ? rows[_i].n : 1);

    memcpy(copy, rows[_i].p, rows[_i].n);
    ck_assert_msg(dns_ecs_parse(copy, rows[_i].n, &ecs) == rows[_i].good, "%s", rows[_i].what);
    if (rows[_i].good) {
        char text[ADDR_TEXT_MAX];
        uint8_t back[4 + DNS_ECS_DATA_MAX] = {0};

        ck_assert_uint_eq(ecs.source, rows[_i].source);
        ck_assert_str_eq(addr_format(ecs.addr, text), rows[_i].addr);

        /* RFC 7871 section 7.2.1: family, source length and address come back as they were. */
        ck_assert_uint_eq(dns_ecs_encode(&ecs, 17, back), 4 + rows[_i].n);
        ck_assert_mem_eq(back, "\0\x08\0", 3);
        ck_assert_uint_eq(back[3], rows[_i].n);
        ck_assert_uint_eq(back[7], 17);
        back[7] = 0;
        ck_assert_mem_eq(back + 4, rows[_i].p, rows[_i].n);
    }
    free(copy);
}
END_TEST

static const struct {
    const char *what;
    unsigned family, source, scope, wire;
} scopes[] = {
    {"IPv4 counts from the mapped form", 1, 24, 96 + 20, 20},
    {"longer than the source: more bits would help", 1, 16, 96 + 24, 24},
    {"the whole of IPv4", 1, 24, 96, 0},
    {"does not depend on the client", 1, 24, 0, 0},
    {"IPv6 as it is", 2, 56, 48, 48},
    {"an IPv4 address in IPv6's clothes", 2, 128, 96 + 24, 120},
    {"the resolver's address decided", 1, 0, 96 + 24, 0},
    {"the resolver's address decided, IPv6", 2, 0, 48, 0},
};

START_TEST(ecs_scope)
{
    struct dns_ecs ecs = {.family = (uint8_t)scopes[_i].family,
                          .source = (uint8_t)scopes[_i].source};

    ck_assert_msg(dns_ecs_scope(&ecs, (uint8_t)scopes[_i].scope) == scopes[_i].wire, "%s",
                  scopes[_i].what);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dns_ecs");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, ecs_parse, 0, sizeof rows / sizeof rows[0]);
    tcase_add_loop_test(t, ecs_scope, 0, sizeof scopes / sizeof scopes[0]);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
