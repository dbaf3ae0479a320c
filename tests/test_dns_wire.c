/* Queries as bytes, good and bad, and names between text and wire. */
#include "dns/dns_wire.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define B(s) (const uint8_t *)(s), sizeof(s) - 1

/* Header: id 0x1234, flags, counts of one byte each. */
#define H(flags, qd, an, ns, ar) "\x12\x34" flags "\0" qd "\0" an "\0" ns "\0" ar
#define RD                       "\x01\x00"
#define WWW                                                                                        \
    "\x03www\x03"                                                                                  \
    "cdn\x07"                                                                                      \
    "example\0"
#define A_IN            "\0\x01\0\x01"
#define OPT(ver, rdlen) "\0\0\x29\x04\xd0\0" ver "\x80\0\0" rdlen
#define L63                                                                                        \
    "\x3f"                                                                                         \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ECS4 "\0\x08\0\x07\0\x01\x18\0\xc0\0\x02"

static const struct {
    const char *what;
    const uint8_t *p;
    size_t n;
    enum dns_rcode rc;
    unsigned question_len;
} rows[] = {
    {"a plain query", B(H(RD, "\1", "\0", "\0", "\0") WWW A_IN), DNS_NOERROR, 21},
    {"the root's question", B(H(RD, "\1", "\0", "\0", "\0") "\0" A_IN), DNS_NOERROR, 5},
    {"with EDNS", B(H(RD, "\1", "\0", "\0", "\1") WWW A_IN OPT("\0", "\0")), DNS_NOERROR, 21},
    {"with a client subnet", B(H(RD, "\1", "\0", "\0", "\1") WWW A_IN OPT("\0", "\x0b") ECS4),
     DNS_NOERROR, 21},
    {"an unknown option is passed over",
     B(H(RD, "\1", "\0", "\0", "\1") WWW A_IN OPT("\0", "\x06") "\0\x0a\0\2xx"), DNS_NOERROR, 21},
    {"a record that we do not know beside the OPT",
     B(H(RD, "\1", "\0", "\0", "\2") WWW A_IN OPT("\0", "\0") "\xc0\x0c\0\xfa\0\xff\0\0\0\0\0\2xx"),
     DNS_NOERROR, 21},
    {"IXFR carries its SOA",
     B(H(RD, "\1", "\0", "\1", "\0") WWW "\0\xfb\0\1"
                                         "\xc0\x0c\0\6\0\1\0\0\0\0\0\1x"),
     DNS_NOERROR, 21},
    {"name of 255 bytes",
     B(H(RD, "\1", "\0", "\0", "\0") L63 L63 L63
       "\x3d"
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
       "\0" A_IN),
     DNS_NOERROR, 259},

    {"empty", B(""), DNS_DROP, 0},
    {"eleven bytes", B("\x12\x34\x01\0\0\1\0\0\0\0\0"), DNS_DROP, 0},
    {"an answer", B(H("\x81\0", "\1", "\0", "\0", "\0") WWW A_IN), DNS_DROP, 0},
    {"an answer of another opcode", B(H("\xa0\0", "\1", "\0", "\0", "\0") WWW A_IN), DNS_DROP, 0},

    {"a header alone that promises a question", B(H(RD, "\1", "\0", "\0", "\0")), DNS_FORMERR, 0},
    {"no question", B(H(RD, "\0", "\0", "\0", "\0")), DNS_FORMERR, 0},
    {"two questions", B(H(RD, "\2", "\0", "\0", "\0") WWW A_IN WWW A_IN), DNS_FORMERR, 0},
    {"name of 256 bytes",
     B(H(RD, "\1", "\0", "\0", "\0") L63 L63 L63
       "\x3e"
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
       "\0" A_IN),
     DNS_FORMERR, 0},
    {"label of type 01",
     B(H(RD, "\1", "\0", "\0", "\0") "\x41"
                                     "a\0" A_IN),
     DNS_FORMERR, 0},
    {"pointer in the question", B(H(RD, "\1", "\0", "\0", "\0") "\xc0\x0c" A_IN), DNS_FORMERR, 0},
    {"name cut off", B(H(RD, "\1", "\0", "\0", "\0") "\3ww"), DNS_FORMERR, 0},
    {"class cut off", B(H(RD, "\1", "\0", "\0", "\0") WWW "\0\1\0"), DNS_FORMERR, 0},
    {"a byte behind the question", B(H(RD, "\1", "\0", "\0", "\0") WWW A_IN "x"), DNS_FORMERR, 21},
    {"a byte behind the OPT", B(H(RD, "\1", "\0", "\0", "\1") WWW A_IN OPT("\0", "\0") "x"),
     DNS_FORMERR, 21},
    {"an answer record in a query",
     B(H(RD, "\1", "\1", "\0", "\0") WWW A_IN "\xc0\x0c\0\1\0\1\0\0\0\0\0\4abcd"), DNS_FORMERR, 21},
    {"an authority record in a query",
     B(H(RD, "\1", "\0", "\1", "\0") WWW A_IN "\xc0\x0c\0\6\0\1\0\0\0\0\0\1x"), DNS_FORMERR, 21},
    {"an OPT promised and absent", B(H(RD, "\1", "\0", "\0", "\1") WWW A_IN), DNS_FORMERR, 21},
    {"two OPTs", B(H(RD, "\1", "\0", "\0", "\2") WWW A_IN OPT("\0", "\0") OPT("\0", "\0")),
     DNS_FORMERR, 21},
    {"an OPT that is not at the root",
     B(H(RD, "\1", "\0", "\0", "\1") WWW A_IN "\xc0\x0c\0\x29\x04\xd0\0\0\0\0\0\0"), DNS_FORMERR,
     21},
    {"OPT data longer than the message",
     B(H(RD, "\1", "\0", "\0", "\1") WWW A_IN OPT("\0", "\x04") "\0\x0a\0"), DNS_FORMERR, 21},
    {"an option longer than its OPT",
     B(H(RD, "\1", "\0", "\0", "\1") WWW A_IN OPT("\0", "\x05") "\0\x0a\0\2x"), DNS_FORMERR, 21},
    {"half an option head", B(H(RD, "\1", "\0", "\0", "\1") WWW A_IN OPT("\0", "\x02") "\0\x0a"),
     DNS_FORMERR, 21},
    {"two client subnets", B(H(RD, "\1", "\0", "\0", "\1") WWW A_IN OPT("\0", "\x16") ECS4 ECS4),
     DNS_FORMERR, 21},
    {"pointer of one byte at the end", B(H(RD, "\1", "\0", "\0", "\1") WWW A_IN "\xc0"),
     DNS_FORMERR, 21},

    {"version 1", B(H(RD, "\1", "\0", "\0", "\1") WWW A_IN OPT("\1", "\0")), DNS_BADVERS, 21},
    {"version 1, whose options are nobody's to judge",
     B(H(RD, "\1", "\0", "\0", "\1") WWW A_IN OPT("\1", "\1") "x"), DNS_BADVERS, 21},
    {"IQUERY", B(H("\x08\0", "\1", "\0", "\0", "\0") WWW A_IN), DNS_NOTIMP, 21},
    {"NOTIFY with its SOA",
     B(H("\x20\0", "\1", "\1", "\0", "\0") WWW "\0\6\0\1\xc0\x0c\0\6\0\1\0\0\0\0\0\1x"), DNS_NOTIMP,
     21},
    {"UPDATE of any shape", B(H("\x28\0", "\0", "\0", "\0", "\0") "x"), DNS_NOTIMP, 0},
};

START_TEST(query_parse)
{
    struct dns_query q;
    uint8_t *copy = malloc(rows[_i].n + 1); /* exact, for ASan to see a read behind the end */

    memcpy(copy, rows[_i].p, rows[_i].n);
    copy = realloc(copy, rows[_i].n ? rows[_i].n : 1);
    ck_assert_msg(dns_query_parse(copy, rows[_i].n, &q) == rows[_i].rc, "%s", rows[_i].what);
    if (rows[_i].rc != DNS_DROP)
        ck_assert_msg(q.question_len == rows[_i].question_len, "%s: question of %u bytes",
                      rows[_i].what, q.question_len);
    free(copy);
}
END_TEST

/* Every prefix of a good query is no good query, and reads nothing behind its end. */
START_TEST(query_cut)
{
    static const char good[] = H(RD, "\1", "\0", "\0", "\1") WWW A_IN OPT("\0", "\x0b") ECS4;
    struct dns_query q;

    for (size_t n = 0; n < sizeof good - 1; n++) {
        uint8_t *copy = malloc(n + 1);
        enum dns_rcode rc;

        memcpy(copy, good, n);
        copy = realloc(copy, n ? n : 1);
        rc = dns_query_parse(copy, n, &q);
        ck_assert_msg(rc == (n < DNS_HEADER_LEN ? DNS_DROP : DNS_FORMERR), "%zu bytes", n);
        free(copy);
    }
}
END_TEST

START_TEST(query_fields)
{
    static const char query[] =
        H("\x01\x10", "\1", "\0", "\0", "\1") "\x03wWw\x03"
                                              "CdN\x07"
                                              "eXAMPLe\0"
                                              "\0\x1c\0\3" OPT("\0", "\x0b") ECS4;
    struct dns_query q;

    ck_assert_int_eq(dns_query_parse(B(query), &q), DNS_NOERROR);
    ck_assert_uint_eq(q.id, 0x1234);
    ck_assert_uint_eq(q.flags, DNS_RD | DNS_CD);
    ck_assert_uint_eq(q.qtype, DNS_TYPE_AAAA);
    ck_assert_uint_eq(q.qclass, 3);
    ck_assert_uint_eq(q.labels, 3);
    ck_assert_uint_eq(q.name_len, sizeof WWW - 1);
    ck_assert_mem_eq(q.name, WWW, sizeof WWW - 1);
    ck_assert(q.has_opt && q.dnssec_ok);
    ck_assert_uint_eq(q.udp_bytes, 1232);
    ck_assert_uint_eq(q.ecs_len, 7);
    ck_assert_mem_eq(q.ecs, "\0\1\x18\0\xc0\0\2", 7);
}
END_TEST

/* Lower-casing goes 8 bytes at a time: every byte value, at every place of a word. */
START_TEST(name_case)
{
    for (unsigned v = 0; v < 256; v++) {
        uint8_t p[DNS_HEADER_LEN + 26] = {0};
        struct dns_query q;

        p[5] = 1;
        p[12] = 20;
        memset(p + 13, (int)v, 20);
        p[34] = p[36] = 0;
        p[35] = p[37] = 1;
        p[34] = 0;
        ck_assert_int_eq(dns_query_parse(p, sizeof p, &q), DNS_NOERROR);
        for (unsigned i = 1; i <= 20; i++)
            ck_assert_uint_eq(q.name[i], v >= 'A' && v <= 'Z' ? v + 32 : v);
    }
}
END_TEST

static const struct {
    const char *what, *text;
    const uint8_t *wire;
    size_t n;
    const char *error, *back;
} names[] = {
    {"a host", "www.cdn.example", B(WWW), NULL, "www.cdn.example"},
    {"letters become small, a dot may end it", "WWW.cdn.Example.", B(WWW), NULL, "www.cdn.example"},
    {"a wildcard", "*.example", B("\1*\7example\0"), NULL, "*.example"},
    {"a dot in a mail name", "a\\.b.example", B("\3a.b\7example\0"), NULL, "a\\.b.example"},
    {"underscores and digits", "_x-1.9", B("\4_x-1\0019\0"), NULL, "_x-1.9"},
    {"empty", "", NULL, 0, "it is empty", NULL},
    {"a lonely dot", ".", NULL, 0, "a label is empty", NULL},
    {"two dots", "a..b", NULL, 0, "a label is empty", NULL},
    {"a leading dot", ".a", NULL, 0, "a label is empty", NULL},
    {"a space", "a b", NULL, 0, "letters, digits", NULL},
    {"a wildcard that is not the first label", "a.*.b", NULL, 0, "letters, digits", NULL},
    {"a star within a label", "*a.b", NULL, 0, "letters, digits", NULL},
    {"a label of 64 bytes", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     NULL, 0, "at most 63 bytes", NULL},
};

START_TEST(name_parse)
{
    struct arena *a = arena_new(1 << 16);
    struct dns_name name = {0};
    struct err e = {0};
    enum err_code rc = dns_name_parse(str_from(names[_i].text), a, &name, &e);

    if (names[_i].error) {
        ck_assert_msg(rc == ERR_PARSE && strstr(e.text, names[_i].error), "%s: %s", names[_i].what,
                      e.text);
    } else {
        char back[64];

        ck_assert_msg(rc == ERR_OK, "%s: %s", names[_i].what, e.text);
        ck_assert_uint_eq(name.len, names[_i].n);
        ck_assert_mem_eq(name.wire, names[_i].wire, name.len);
        ck_assert_uint_eq(dns_name_format(name.wire, back, sizeof back), strlen(names[_i].back));
        ck_assert_str_eq(back, names[_i].back);
    }
    arena_free(a);
}
END_TEST

START_TEST(name_parse_too_long)
{
    struct arena *a = arena_new(1 << 16);
    struct dns_name name;
    char text[256];

    memset(text, 'a', sizeof text);
    for (unsigned i = 1; i < sizeof text; i += 2)
        text[i] = '.';
    ck_assert_int_eq(dns_name_parse((struct str){text, 253}, a, &name, NULL), ERR_OK);
    ck_assert_uint_eq(name.len, 255);
    ck_assert_uint_eq(name.labels, 127);
    ck_assert_int_eq(dns_name_parse((struct str){text, 255}, a, &name, NULL), ERR_PARSE);
    arena_free(a);
}
END_TEST

START_TEST(name_format)
{
    char out[64], small[4];
    uint8_t worst[DNS_NAME_MAX];
    char large[DNS_NAME_TEXT_MAX];

    ck_assert_uint_eq(dns_name_format((const uint8_t *)"\0", out, sizeof out), 1);
    ck_assert_str_eq(out, ".");
    dns_name_format((const uint8_t *)"\4a\n\\\xff\0", out, sizeof out);
    ck_assert_str_eq(out, "a\\010\\\\\\255");
    ck_assert_uint_eq(dns_name_format((const uint8_t *)WWW, small, sizeof small), 3);
    ck_assert_str_eq(small, "www");
    memset(worst, 1, sizeof worst);
    for (unsigned i = 0; i < 254; i += 2)
        worst[i] = 1;
    worst[254] = 0;
    ck_assert_uint_eq(dns_name_format(worst, large, sizeof large), 127 * 5 - 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dns_wire");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, query_parse, 0, sizeof rows / sizeof rows[0]);
    tcase_add_test(t, query_cut);
    tcase_add_test(t, query_fields);
    tcase_add_test(t, name_case);
    tcase_add_loop_test(t, name_parse, 0, sizeof names / sizeof names[0]);
    tcase_add_test(t, name_parse_too_long);
    tcase_add_test(t, name_format);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
