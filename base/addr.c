#include "base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

struct addr addr_from_bytes(const uint8_t wire[16])
{
    struct addr a = {0, 0};

    for (unsigned i = 0; i < 8; i++) {
        a.hi = a.hi << 8 | wire[i];
        a.lo = a.lo << 8 | wire[i + 8];
    }
    return a;
}

void addr_to_bytes(struct addr a, uint8_t wire[16])
{
    for (unsigned i = 0; i < 8; i++) {
        wire[i] = (uint8_t)(a.hi >> (56 - 8 * i));
        wire[i + 8] = (uint8_t)(a.lo >> (56 - 8 * i));
    }
}

/* Strict dotted quad: four decimal numbers without leading zeros, nothing before or behind. Written
 * out because network maps hold a quarter of a million of them, and inet_pton wants a NUL. */
static bool v4_parse(const char *s, size_t n, uint32_t *out)
{
    uint32_t value = 0;
    size_t i = 0;

    for (unsigned part = 0; part < 4; part++) {
        unsigned v = 0;
        size_t start;

        if (part && (i >= n || s[i++] != '.'))
            return false;
        start = i;
        while (i < n && i - start < 3 && s[i] >= '0' && s[i] <= '9')
            v = v * 10 + (unsigned)(s[i++] - '0');
        if (i == start || v > 255 || (s[start] == '0' && i - start > 1))
            return false;
        value = value << 8 | v;
    }
    *out = value;
    return i == n;
}

enum err_code addr_parse(const char *s, size_t n, struct addr *out, struct err *e)
{
    char text[INET6_ADDRSTRLEN], shown[ADDR_TEXT_MAX * 2];
    uint8_t wire[16];
    uint32_t v4;

    if (v4_parse(s, n, &v4)) {
        *out = addr_from_v4(v4);
        return ERR_OK;
    }
    if (n < sizeof text && n > 0 && !memchr(s, '\0', n)) {
        memcpy(text, s, n);
        text[n] = '\0';
        if (inet_pton(AF_INET6, text, wire) == 1) {
            *out = addr_from_bytes(wire);
            return ERR_OK;
        }
    }
    return err_set(e, ERR_PARSE, "\"%s\": not an IPv4 or IPv6 address",
                   bytes_escape(s, n, shown, sizeof shown));
}

/* By hand: every answer with a Location and every line of the access log has one. */
static char *format_v4(uint32_t v, char *out)
{
    char *at = out;

    for (int shift = 24; shift >= 0; shift -= 8) {
        const unsigned b = v >> shift & 255;

        if (b >= 100)
            *at++ = (char)('0' + b / 100);
        if (b >= 10)
            *at++ = (char)('0' + b / 10 % 10);
        *at++ = (char)('0' + b % 10);
        *at++ = shift ? '.' : '\0';
    }
    return out;
}

char *addr_format(struct addr a, char *out)
{
    uint8_t wire[16];

    if (addr_is_v4(a))
        return format_v4(addr_v4(a), out);
    addr_to_bytes(a, wire);
    inet_ntop(AF_INET6, wire, out, ADDR_TEXT_MAX);
    return out;
}

bool addr_from_sockaddr(const struct sockaddr *sa, struct addr *out, uint16_t *port)
{
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, sa, sizeof in);
        *out = addr_from_v4(ntohl(in.sin_addr.s_addr));
        if (port)
            *port = ntohs(in.sin_port);
        return true;
    }
    if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, sa, sizeof in6);
        *out = addr_from_bytes(in6.sin6_addr.s6_addr);
        if (port)
            *port = ntohs(in6.sin6_port);
        return true;
    }
    return false;
}

socklen_t addr_to_sockaddr(struct addr a, uint16_t port, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (addr_is_v4(a)) {
        struct sockaddr_in in = {
            .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(addr_v4(a))};

        memcpy(out, &in, sizeof in);
        return sizeof in;
    }
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    addr_to_bytes(a, in6.sin6_addr.s6_addr);
    memcpy(out, &in6, sizeof in6);
    return sizeof in6;
}

unsigned addr_common_bits(struct addr a, struct addr b)
{
    if (a.hi != b.hi)
        return (unsigned)__builtin_clzll(a.hi ^ b.hi);
    if (a.lo != b.lo)
        return 64 + (unsigned)__builtin_clzll(a.lo ^ b.lo);
    return 128;
}

/* Ones in the first len bits of the 64 that begin at bit `from`. */
static uint64_t ones(unsigned len, unsigned from)
{
    if (len <= from)
        return 0;
    if (len >= from + 64)
        return UINT64_MAX;
    return UINT64_MAX << (64 - (len - from));
}

struct addr addr_mask(struct addr a, unsigned len)
{
    return (struct addr){a.hi & ones(len, 0), a.lo & ones(len, 64)};
}

struct addr addr_mask_last(struct addr a, unsigned len)
{
    return (struct addr){a.hi | ~ones(len, 0), a.lo | ~ones(len, 64)};
}

bool addr_is_special(struct addr a)
{
    // clang-format off
    static const struct prefix special[] = {
        {{0, UINT64_C(0xffff00000000)}, 104},   /* 0.0.0.0/8 */
        {{0, UINT64_C(0xffff0a000000)}, 104},   /* 10.0.0.0/8 */
        {{0, UINT64_C(0xffff64400000)}, 106},   /* 100.64.0.0/10 */
        {{0, UINT64_C(0xffff7f000000)}, 104},   /* 127.0.0.0/8 */
        {{0, UINT64_C(0xffffa9fe0000)}, 112},   /* 169.254.0.0/16 */
        {{0, UINT64_C(0xffffac100000)}, 108},   /* 172.16.0.0/12 */
        {{0, UINT64_C(0xffffc0a80000)}, 112},   /* 192.168.0.0/16 */
        {{0, UINT64_C(0xffffe0000000)}, 99},    /* 224.0.0.0/3 */
        {{0, 0}, 127},                          /* ::, ::1 */
        {{UINT64_C(0xfc00000000000000), 0}, 7}, /* unique local */
        {{UINT64_C(0xfe80000000000000), 0}, 10},
        {{UINT64_C(0xff00000000000000), 0}, 8},
    };
    // clang-format on

    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (prefix_has(special[i], a))
            return true;
    return false;
}

enum err_code prefix_parse(const char *s, size_t n, struct prefix *out, struct err *e)
{
    const char *slash = n ? memchr(s, '/', n) : NULL;
    size_t addr_len = slash ? (size_t)(slash - s) : n;
    char shown[PREFIX_TEXT_MAX * 2];
    struct prefix p = {.len = 128};
    enum err_code rc;

    rc = addr_parse(s, addr_len, &p.addr, e);
    if (rc != ERR_OK)
        return rc;
    if (slash) {
        /* The text's own family decides what the length counts: ::ffff:10.0.0.0/104 is 10.0.0.0/8.
         */
        bool dotted = !memchr(s, ':', addr_len);
        unsigned len = 0, max = dotted ? 32 : 128;
        size_t i = addr_len + 1;

        if (i == n || n - i > 3)
            return err_set(e, ERR_PARSE, "\"%s\": no length behind the slash",
                           bytes_escape(s, n, shown, sizeof shown));
        for (; i < n; i++) {
            if (s[i] < '0' || s[i] > '9' || (len == 0 && i > addr_len + 1))
                return err_set(e, ERR_PARSE, "\"%s\": the length is not a number",
                               bytes_escape(s, n, shown, sizeof shown));
            len = len * 10 + (unsigned)(s[i] - '0');
        }
        if (len > max)
            return err_set(e, ERR_PARSE, "\"%s\": length is over %u",
                           bytes_escape(s, n, shown, sizeof shown), max);
        p.len = (uint8_t)(dotted ? len + ADDR_V4_BITS : len);
    }
    p.addr = addr_mask(p.addr, p.len);
    *out = p;
    return ERR_OK;
}

char *prefix_format(struct prefix p, char *out)
{
    size_t n;

    /* ::/0 and its like begin with zeros and are IPv6; only a prefix inside ::ffff:0:0/96 is IPv4.
     */
    addr_format(p.addr, out);
    n = strlen(out);
    snprintf(out + n, PREFIX_TEXT_MAX - n, "/%d", prefix_is_v4(p) ? p.len - ADDR_V4_BITS : p.len);
    return out;
}

bool prefix_has(struct prefix p, struct addr a)
{
    return addr_eq(addr_mask(a, p.len), p.addr);
}

int prefix_cmp(const struct prefix *a, const struct prefix *b)
{
    int c = addr_cmp(a->addr, b->addr);

    return c ? c : (a->len > b->len) - (a->len < b->len);
}

static bool port_parse(const char *s, size_t n, uint16_t *out)
{
    unsigned v = 0;

    if (n == 0 || n > 5)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        v = v * 10 + (unsigned)(s[i] - '0');
    }
    if (v > UINT16_MAX)
        return false;
    *out = (uint16_t)v;
    return true;
}

enum err_code addr_port_parse(const char *s, size_t n, uint16_t default_port, struct addr *out,
                              uint16_t *port, struct err *e)
{
    const char *host = s, *colon = NULL, *first = n ? memchr(s, ':', n) : NULL;
    size_t host_len = n;
    char shown[ADDR_TEXT_MAX * 2];

    if (n && s[0] == '[') {
        const char *close = memchr(s, ']', n);

        if (!close)
            return err_set(e, ERR_PARSE, "\"%s\": no closing bracket",
                           bytes_escape(s, n, shown, sizeof shown));
        host = s + 1;
        host_len = (size_t)(close - host);
        if (close + 1 < s + n) {
            colon = close + 1;
            if (*colon != ':')
                return err_set(e, ERR_PARSE, "\"%s\": a colon and a port belong behind the bracket",
                               bytes_escape(s, n, shown, sizeof shown));
        }
    } else if (first && !memchr(first + 1, ':', n - (size_t)(first + 1 - s))) {
        colon = first; /* exactly one: IPv4 and a port */
        host_len = (size_t)(colon - s);
    }
    *port = default_port;
    if (colon && !port_parse(colon + 1, n - (size_t)(colon + 1 - s), port))
        return err_set(e, ERR_PARSE, "\"%s\": the port is not a number of 0 to 65535",
                       bytes_escape(s, n, shown, sizeof shown));
    if (!colon && default_port == 0)
        return err_set(e, ERR_PARSE, "\"%s\": a port is missing, as in 127.0.0.1:80 or [::1]:80",
                       bytes_escape(s, n, shown, sizeof shown));
    return addr_parse(host, host_len, out, e);
}
