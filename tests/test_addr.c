#include "base/addr.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

static const struct {
    const char *what, *text, *again; /* again: how it is printed; NULL: refused */
} addresses[] = {
    {"IPv4", "192.0.2.1", "192.0.2.1"},
    {"lowest", "0.0.0.0", "0.0.0.0"},
    {"highest", "255.255.255.255", "255.255.255.255"},
    {"number over 255", "192.0.2.256", NULL},
    {"leading zero", "192.0.02.1", NULL},
    {"three parts", "192.0.2", NULL},
    {"five parts", "192.0.2.1.1", NULL},
    {"a blank behind", "192.0.2.1 ", NULL},
    {"hexadecimal", "0x7f.0.0.1", NULL},
    {"one number", "3232235777", NULL},
    {"empty", "", NULL},
    {"IPv6", "2001:db8::1", "2001:db8::1"},
    {"RFC 5952 section 2.1", "2001:0DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
    {"unspecified", "::", "::"},
    {"mapped is IPv4", "::ffff:192.0.2.1", "192.0.2.1"},
    {"mapped in hexadecimal too", "::ffff:c000:201", "192.0.2.1"},
    {"zone", "fe80::1%eth0", NULL},
    {"brackets", "[::1]", NULL},
    {"two gaps", "1::2::3", NULL},
    {"nine groups", "1:2:3:4:5:6:7:8:9", NULL},
    {"longer than any", "2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0001", NULL},
};

START_TEST(address_text)
{
    char text[ADDR_TEXT_MAX];
    struct addr a;
    struct err e = {0};
    enum err_code rc = addr_parse(addresses[_i].text, strlen(addresses[_i].text), &a, &e);

    ck_assert_msg((rc == ERR_OK) == (addresses[_i].again != NULL), "%s: %s", addresses[_i].what,
                  e.text);
    if (rc == ERR_OK)
        ck_assert_str_eq(addr_format(a, text), addresses[_i].again);
    else
        ck_assert_msg(strstr(e.text, "not an IPv4 or IPv6 address"), "%s", e.text);
}
END_TEST

static const struct {
    const char *what, *text;
    enum err_code rc;
    uint8_t len;
    const char *again; /* or the error */
} prefixes[] = {
    {"IPv4 is held mapped", "10.0.0.0/8", ERR_OK, 104, "10.0.0.0/8"},
    {"host bits are masked off", "10.1.2.3/8", ERR_OK, 104, "10.0.0.0/8"},
    {"all of IPv4", "0.0.0.0/0", ERR_OK, 96, "0.0.0.0/0"},
    {"a bare address", "10.0.0.1", ERR_OK, 128, "10.0.0.1/32"},
    {"a bare IPv6 address", "::1", ERR_OK, 128, "::1/128"},
    {"IPv6", "2001:db8:ffff::/33", ERR_OK, 33, "2001:db8:8000::/33"},
    {"all of IPv6", "::/0", ERR_OK, 0, "::/0"},
    {"wider than the mapped range", "::ffff:0:0/95", ERR_OK, 95, "::fffe:0:0/95"},
    {"mapped counts its own bits", "::ffff:10.0.0.0/104", ERR_OK, 104, "10.0.0.0/8"},
    {"length over 32", "10.0.0.0/33", ERR_PARSE, 0, "\"10.0.0.0/33\": length is over 32"},
    {"length over 128", "::/129", ERR_PARSE, 0, "\"::/129\": length is over 128"},
    {"no length", "10.0.0.0/", ERR_PARSE, 0, "\"10.0.0.0/\": no length behind the slash"},
    {"a long length", "::/0000", ERR_PARSE, 0, "\"::/0000\": no length behind the slash"},
    {"leading zero", "10.0.0.0/08", ERR_PARSE, 0, "\"10.0.0.0/08\": the length is not a number"},
    {"sign", "10.0.0.0/+8", ERR_PARSE, 0, "\"10.0.0.0/+8\": the length is not a number"},
    {"netmask", "10.0.0.0/255.0.0.0", ERR_PARSE, 0,
     "\"10.0.0.0/255.0.0.0\": no length behind the slash"},
    {"no address", "/8", ERR_PARSE, 0, "\"\": not an IPv4 or IPv6 address"},
};

START_TEST(prefix_text)
{
    char text[PREFIX_TEXT_MAX];
    struct prefix p = {0};
    struct err e = {0};

    ck_assert_msg(prefix_parse(prefixes[_i].text, strlen(prefixes[_i].text), &p, &e) ==
                      prefixes[_i].rc,
                  "%s: %s", prefixes[_i].what, e.text);
    ck_assert_uint_eq(p.len, prefixes[_i].len);
    ck_assert_str_eq(e.code == ERR_OK ? prefix_format(p, text) : e.text, prefixes[_i].again);
}
END_TEST

static const struct {
    const char *text;
    uint16_t default_port;
    const char *addr; /* NULL: refused, error in `error` */
    uint16_t port;
    const char *error;
} ports[] = {
    {"127.0.0.1:80", 0, "127.0.0.1", 80, NULL},
    {"127.0.0.1", 53, "127.0.0.1", 53, NULL},
    {"127.0.0.1", 0, NULL, 0, "a port is missing, as in 127.0.0.1:80 or [::1]:80"},
    {"[::1]:65535", 0, "::1", 65535, NULL},
    {"[::1]", 80, "::1", 80, NULL},
    {"::1", 80, "::1", 80, NULL},
    {"[::1]:65536", 0, NULL, 0, "the port is not a number of 0 to 65535"},
    {"127.0.0.1:", 80, NULL, 0, "the port is not a number of 0 to 65535"},
    {"127.0.0.1:8x", 80, NULL, 0, "the port is not a number of 0 to 65535"},
    {"[::1", 80, NULL, 0, "no closing bracket"},
    {"[::1]x", 80, NULL, 0, "a colon and a port belong behind the bracket"},
    {"localhost:80", 0, NULL, 0, "not an IPv4 or IPv6 address"},
    {"", 80, NULL, 0, "not an IPv4 or IPv6 address"},
};

START_TEST(address_and_port)
{
    char text[ADDR_TEXT_MAX];
    struct addr a;
    uint16_t port = 0;
    struct err e = {0};
    enum err_code rc = addr_port_parse(ports[_i].text, strlen(ports[_i].text),
                                       ports[_i].default_port, &a, &port, &e);

    if (ports[_i].addr) {
        ck_assert_msg(rc == ERR_OK, "%s", e.text);
        ck_assert_str_eq(addr_format(a, text), ports[_i].addr);
        ck_assert_uint_eq(port, ports[_i].port);
    } else {
        ck_assert_int_eq(rc, ERR_PARSE);
        ck_assert_msg(strstr(e.text, ports[_i].error), "%s", e.text);
    }
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
    return *state = hash_mix(*state, 0x5851f42d4c957f2d);
}

/* Random addresses, many of them with long runs of zeros and of equal leading bits. */
static struct addr random_addr(uint64_t *state)
{
    struct addr a = {next_random(state), next_random(state)};

    switch (next_random(state) % 4) {
    case 0:
        return addr_from_v4((uint32_t)a.lo);
    case 1:
        return addr_mask(a, (unsigned)(next_random(state) % 129));
    case 2:
        return (struct addr){a.hi & next_random(state) & next_random(state), a.lo & 0xffff};
    default:
        return a;
    }
}

START_TEST(text_and_wire_read_back)
{
    uint64_t state = 21;

    for (unsigned i = 0; i < 5000; i++) {
        struct addr a = random_addr(&state), back;
        struct prefix p = {.len = (uint8_t)(next_random(&state) % 129)}, q;
        struct sockaddr_storage ss;
        char text[PREFIX_TEXT_MAX], want[INET6_ADDRSTRLEN];
        uint8_t wire[16];
        uint16_t port = 0;
        struct err e = {0};

        addr_format(a, text);
        ck_assert_int_eq(addr_parse(text, strlen(text), &back, &e), ERR_OK);
        ck_assert_msg(addr_eq(a, back), "%s", text);
        addr_to_bytes(a, wire);
        ck_assert(addr_eq(addr_from_bytes(wire), a));
        if (!addr_is_v4(a)) {
            inet_ntop(AF_INET6, wire, want, sizeof want);
            ck_assert_str_eq(text, want);
        }
        addr_to_sockaddr(a, 4711, &ss);
        ck_assert_int_eq(ss.ss_family, addr_is_v4(a) ? AF_INET : AF_INET6);
        ck_assert(addr_from_sockaddr((struct sockaddr *)&ss, &back, &port));
        ck_assert(addr_eq(a, back) && port == 4711);
        p.addr = addr_mask(a, p.len);
        prefix_format(p, text);
        ck_assert_msg(prefix_parse(text, strlen(text), &q, &e) == ERR_OK, "%s", e.text);
        ck_assert_msg(prefix_cmp(&p, &q) == 0, "%s", text);
    }
}
END_TEST

static unsigned bit(struct addr a, unsigned i)
{
    return (i < 64 ? a.hi >> (63 - i) : a.lo >> (127 - i)) & 1;
}

/* Masks, common bits and containment, each against counting bits one by one. */
START_TEST(bits_one_by_one)
{
    uint64_t state = 22;

    for (unsigned i = 0; i < 5000; i++) {
        struct addr a = random_addr(&state), b = random_addr(&state), first, last;
        unsigned len = (unsigned)(next_random(&state) % 129), common = 0, wrong = 0;

        if (i % 2)
            b = (struct addr){a.hi ^ (i % 4 == 1 ? UINT64_C(1) << i % 64 : 0),
                              a.lo ^ (i % 4 == 3 ? UINT64_C(1) << i % 64 : 0)};
        first = addr_mask(a, len);
        last = addr_mask_last(a, len);
        while (common < 128 && bit(a, common) == bit(b, common))
            common++;
        ck_assert_uint_eq(addr_common_bits(a, b), common);
        for (unsigned k = 0; k < 128; k++)
            wrong += bit(first, k) != (k < len ? bit(a, k) : 0) ||
                     bit(last, k) != (k < len ? bit(a, k) : 1);
        ck_assert_uint_eq(wrong, 0);
        ck_assert(prefix_has((struct prefix){first, (uint8_t)len}, b) == (common >= len));
        ck_assert((addr_cmp(first, a) <= 0) && (addr_cmp(a, last) <= 0));
        ck_assert_int_eq(addr_cmp(a, b), -addr_cmp(b, a));
    }
}
END_TEST

static const struct {
    const char *text;
    bool special;
} specials[] = {
    {"127.0.0.1", true},
    {"10.1.2.3", true},
    {"172.15.255.255", false},
    {"172.16.0.0", true},
    {"172.32.0.0", false},
    {"192.168.255.1", true},
    {"169.254.0.1", true},
    {"100.64.0.1", true},
    {"100.128.0.0", false},
    {"224.0.0.1", true},
    {"255.255.255.255", true},
    {"223.255.255.255", false},
    {"0.1.2.3", true},
    {"8.8.8.8", false},
    {"::", true},
    {"::1", true},
    {"::2", false},
    {"fe80::1", true},
    {"fd00::1", true},
    {"ff02::1", true},
    {"2001:db8::1", false},
};

START_TEST(special_addresses)
{
    struct addr a;
    struct err e = {0};

    ck_assert_int_eq(addr_parse(specials[_i].text, strlen(specials[_i].text), &a, &e), ERR_OK);
    ck_assert_msg(addr_is_special(a) == specials[_i].special, "%s", specials[_i].text);
}
END_TEST

START_TEST(other_families)
{
    struct sockaddr sa = {.sa_family = AF_UNIX};
    struct addr a;

    ck_assert(!addr_from_sockaddr(&sa, &a, NULL));
}
END_TEST

START_TEST(prefix_order)
{
    static const char *const ordered[] = {
        "::/0", "::/128", "0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.1.0.0/16", "2001:db8::/32"};
    struct prefix p[7];
    struct err e = {0};

    for (unsigned i = 0; i < 7; i++)
        ck_assert_int_eq(prefix_parse(ordered[i], strlen(ordered[i]), &p[i], &e), ERR_OK);
    for (unsigned i = 0; i < 7; i++)
        for (unsigned k = 0; k < 7; k++)
            ck_assert_int_eq(prefix_cmp(&p[i], &p[k]), (i > k) - (i < k));
    ck_assert(prefix_is_v4(p[2]) && !prefix_is_v4(p[0]) && !prefix_is_v4(p[6]));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("addr");
    TCase *t = tcase_create("addr");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, address_text, 0, sizeof addresses / sizeof *addresses);
    tcase_add_loop_test(t, prefix_text, 0, sizeof prefixes / sizeof *prefixes);
    tcase_add_loop_test(t, address_and_port, 0, sizeof ports / sizeof *ports);
    tcase_add_test(t, text_and_wire_read_back);
    tcase_add_test(t, bits_one_by_one);
    tcase_add_loop_test(t, special_addresses, 0, sizeof specials / sizeof *specials);
    tcase_add_test(t, other_families);
    tcase_add_test(t, prefix_order);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
