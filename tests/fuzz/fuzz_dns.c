/* Any bytes as a query against a small world: whatever is answered must be a well-formed answer to
 * that query, by a reader that shares no code with the writer. The first byte chooses transport,
 * client and settings. */
#include <stdlib.h>

#include "tests/dns_fixture.h"

#define CHECK(x)                                                                                   \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)

struct seen {
    unsigned section[4], opt;
};

static unsigned u16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* A name from at on; where it ends. Pointers go strictly backwards, so this ends too. */
static size_t check_name(const uint8_t *p, size_t n, size_t at, bool compressed)
{
    size_t end = 0, total = 0, floor = at;

    for (;;) {
        unsigned len;

        CHECK(at < n);
        len = p[at];
        if (len >= 0xc0) {
            size_t to;

            CHECK(compressed && at + 1 < n);
            to = u16(p + at) & 0x3fff;
            if (!end)
                end = at + 2;
            CHECK(to < floor && to >= 12);
            floor = at = to;
            continue;
        }
        CHECK(len <= 63);
        total += len + 1;
        CHECK(total <= 255);
        at += len + 1;
        if (len == 0)
            return end ? end : at;
    }
}

static void check_rdata(const uint8_t *p, size_t n, unsigned type, size_t at, size_t len)
{
    size_t end = at + len;

    switch (type) {
    case 1:
        CHECK(len == 4);
        break;
    case 28:
        CHECK(len == 16);
        break;
    case 2:
    case 5:
        CHECK(check_name(p, n, at, true) == end);
        break;
    case 6:
        CHECK(check_name(p, n, check_name(p, n, at, true), true) + 20 == end);
        break;
    case 13:
    case 16:
        for (; at < end; at += p[at] + 1u)
            ;
        CHECK(at == end);
        break;
    case 41:
        for (; at < end; at += 4 + u16(p + at + 2))
            CHECK(end - at >= 4);
        CHECK(at == end);
        break;
    default:
        abort(); /* a type that we never send */
    }
}

static void check_answer(const uint8_t *q, size_t qn, const uint8_t *p, size_t n, struct seen *s)
{
    size_t at = 12;

    CHECK(n >= 12);
    CHECK(p[0] == q[0] && p[1] == q[1]);
    CHECK((p[2] & 0x80) && !(q[2] & 0x80));
    CHECK((p[2] & 0x79) == (q[2] & 0x79)); /* opcode and RD */
    CHECK((p[3] & 0xe0) == 0);             /* RA, Z, AD */
    for (unsigned i = 0; i < 4; i++)
        s->section[i] = u16(p + 4 + 2 * i);
    CHECK(s->section[0] <= 1);
    if (s->section[0]) {
        at = check_name(p, n, at, false) + 4;
        CHECK(at <= n && at <= qn && memcmp(p + 12, q + 12, at - 12) == 0);
    }
    if (p[2] & 2)
        CHECK(!s->section[1] && !s->section[2]);
    for (unsigned i = 1; i < 4; i++) {
        for (unsigned k = 0; k < s->section[i]; k++) {
            size_t fixed = check_name(p, n, at, true);
            unsigned type, len;

            CHECK(fixed + 10 <= n);
            type = u16(p + fixed);
            len = u16(p + fixed + 8);
            CHECK(fixed + 10 + len <= n);
            check_rdata(p, n, type, fixed + 10, len);
            if (type == 41) {
                CHECK(i == 3 && p[at] == 0);
                s->opt++;
            }
            at = fixed + 10 + len;
        }
    }
    CHECK(at == n);
    CHECK(s->opt <= 1);
}

static struct fixture *world_get(void)
{
    static struct fixture world;

    if (!world.view)
        fixture_init(&world);
    return &world;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[65535], again[65535];
    struct fixture *f = world_get();
    struct addr client = addr_from_v4(0x0a010001);
    struct seen s = {0};
    size_t max, n;
    bool tcp;

    if (size < 1)
        return 0;
    tcp = data[0] & 1;
    if (data[0] & 2)
        client = addr_from_v4(0x0a020001);
    if (data[0] & 4)
        client = (struct addr){UINT64_C(0x20010db8000b0000), 1};
    f->conf.udp_bytes_max = data[0] & 8 ? 512 : data[0] & 16 ? 4096 : 1232;
    f->conf.client_subnet = !(data[0] & 32);
    max = tcp ? sizeof out : f->conf.udp_bytes_max;

    n = dns_answer(&f->turn, &f->conf, client, tcp, data + 1, size - 1, out, max);
    CHECK(n <= max);
    if (n == 0)
        return 0;
    check_answer(data + 1, size - 1, out, n, &s);
    if (!tcp && !s.opt)
        CHECK(n <= 512);

    /* The same question has the same answer: nothing of an answer is left over from another. */
    CHECK(dns_answer(&f->turn, &f->conf, client, tcp, data + 1, size - 1, again, max) == n);
    CHECK(memcmp(out, again, n) == 0);
    return 0;
}
