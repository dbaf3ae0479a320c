/* DNS messages as bytes (RFC 1035 section 4, RFC 6891): a strict reader of queries, names between
 * text and wire, and a bounded writer of answers. No sockets, no zones, no allocation but in
 * dns_name_parse's arena. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

#define DNS_HEADER_LEN    12u
#define DNS_NAME_MAX      255u /* of a wire form, with its root byte */
#define DNS_LABEL_MAX     63u
#define DNS_LABELS_MAX    127u
#define DNS_NAME_TEXT_MAX 1024u /* every byte as \DDD, and the dots */
#define DNS_UDP_BYTES_MIN 512u  /* what every client takes */
#define DNS_UDP_BYTES_MAX 4096u
#define DNS_OPT_LEN       11u

enum dns_flag {
    DNS_QR = 0x8000,
    DNS_OPCODE = 0x7800,
    DNS_AA = 0x0400,
    DNS_TC = 0x0200,
    DNS_RD = 0x0100,
    DNS_CD = 0x0010,
};

enum dns_type {
    DNS_TYPE_A = 1,
    DNS_TYPE_NS = 2,
    DNS_TYPE_CNAME = 5,
    DNS_TYPE_SOA = 6,
    DNS_TYPE_HINFO = 13,
    DNS_TYPE_TXT = 16,
    DNS_TYPE_AAAA = 28,
    DNS_TYPE_NAPTR = 35,
    DNS_TYPE_OPT = 41,
    DNS_TYPE_DS = 43,
    DNS_TYPE_META_FIRST = 249, /* TKEY, TSIG, IXFR, AXFR, MAILB, MAILA */
    DNS_TYPE_IXFR = 251,
    DNS_TYPE_AXFR = 252,
    DNS_TYPE_META_LAST = 254,
    DNS_TYPE_ANY = 255,
};

#define DNS_CLASS_IN     1u
#define DNS_OPTION_ECS   8u
#define DNS_OPT_FLAG_DO  0x8000u
#define DNS_POINTER_BITS 0xc000u

enum dns_rcode {
    DNS_NOERROR = 0,
    DNS_FORMERR = 1,
    DNS_SERVFAIL = 2,
    DNS_NXDOMAIN = 3,
    DNS_NOTIMP = 4,
    DNS_REFUSED = 5,
    DNS_BADVERS = 16,
    DNS_DROP = -1, /* not an rcode: nothing is sent */
};

/* A query read. Pointers go into the query's bytes. */
struct dns_query {
    uint16_t id, flags;
    uint16_t question_len; /* bytes of the question behind the header; 0: it could not be read */
    uint16_t qtype, qclass;
    uint16_t udp_bytes; /* the client's, as sent; valid with has_opt */
    uint8_t name_len;   /* of the wire form with its root byte */
    uint8_t labels;     /* without the root */
    bool has_opt, dnssec_ok;
    const uint8_t *ecs; /* data of the client subnet option; NULL: none */
    uint16_t ecs_len;
    uint8_t name[DNS_NAME_MAX + 1]; /* wire form in lower case, name_len bytes valid */
};

/* Reads a whole message of n bytes. DNS_NOERROR: a well-formed query of opcode QUERY with one
 * question, whose type, class and name the caller judges. Else the rcode to answer with, and as
 * much of q as could be read (id, flags; question_len and has_opt if they came before the fault).
 * DNS_DROP: shorter than a header, or itself an answer (answering those makes loops).
 *
 * Strict: compression in the question, records where a query has none, an OPT that is not at the
 * root or comes twice, options that do not fill their OPT, two client subnets, and bytes behind the
 * last record are FORMERR. */
enum dns_rcode dns_query_parse(const uint8_t *p, size_t n, struct dns_query *q);

/* A name from configuration: letters, digits, '-' and '_', a first label "*", and "\." for a dot
 * within a label. Lower-cased; a trailing dot is fine. The bytes live in arena. */
struct dns_name {
    const uint8_t *wire;
    uint8_t len; /* with the root byte */
    uint8_t labels;
};
enum err_code dns_name_parse(struct str text, struct arena *arena, struct dns_name *out,
                             struct err *e) MUST_CHECK;

/* Text of a wire name without the final dot ("." for the root), special bytes as "\." and "\DDD",
 * cut at size. Returns the length without its NUL. */
size_t dns_name_format(const uint8_t *wire, char *out, size_t size);

/* Writes messages: every put checks the room once and sets full instead of writing past limit. */
struct dns_out {
    uint8_t *p;
    size_t len, limit;
    bool full;
};

static inline void dns_put_u16_at(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void dns_put_u32_at(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v); /* little endian is the only kind of machine this runs on */
    memcpy(p, &v, 4);
}

static inline uint16_t dns_get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t dns_get_u32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, 4);
    return __builtin_bswap32(v);
}

/* n bytes to fill, or NULL (and full) when they do not fit. */
static inline uint8_t *dns_put(struct dns_out *o, size_t n)
{
    uint8_t *at = o->p + o->len;

    if (o->full || n > o->limit - o->len) {
        o->full = true;
        return NULL;
    }
    assert(at);
    o->len += n;
    return at;
}
