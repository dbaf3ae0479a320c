#include "dns/dns_wire.h"

#include <stdio.h>

/* Lower-cases the ASCII letters among 8 bytes at once. Length bytes of labels are at most 63, below
 * 'A', so a whole wire name goes through without looking where its labels begin. */
static inline uint64_t lower8(uint64_t x)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
    uint64_t low7 = x & ~high;
    uint64_t from_a = low7 + ones * (0x80 - 'A'), past_z = low7 + ones * (0x7f - 'Z');

    return x | ((from_a ^ past_z) & ~x & high) >> 2;
}

static void lower_copy(uint8_t *to, const uint8_t *from, size_t n)
{
    uint64_t x;

    for (; n >= 8; n -= 8, from += 8, to += 8) {
        memcpy(&x, from, 8);
        x = lower8(x);
        memcpy(to, &x, 8);
    }
    for (; n; n--, from++, to++)
        *to = (uint8_t)(*from >= 'A' && *from <= 'Z' ? *from + ('a' - 'A') : *from);
}

struct reader {
    const uint8_t *p;
    size_t at, n;
};

/* The question: its name uncompressed, as nothing stands before it that it could point to. */
static bool read_question(struct reader *r, struct dns_query *q)
{
    size_t at = r->at;
    unsigned labels = 0;

    for (;; labels++) {
        unsigned len;

        if (at >= r->n)
            return false;
        len = r->p[at];
        if (len > DNS_LABEL_MAX || at + len + 1 - r->at > DNS_NAME_MAX)
            return false;
        at += len + 1;
        if (len == 0)
            break;
    }
    if (r->n - at < 4)
        return false;
    q->labels = (uint8_t)labels;
    q->name_len = (uint8_t)(at - r->at);
    lower_copy(q->name, r->p + r->at, q->name_len);
    q->qtype = dns_get_u16(r->p + at);
    q->qclass = dns_get_u16(r->p + at + 2);
    q->question_len = (uint16_t)(at + 4 - r->at);
    r->at = at + 4;
    return true;
}

struct record {
    bool at_root;
    uint16_t type, class;
    uint32_t ttl;
    const uint8_t *data;
    uint16_t len;
};

/* A record behind the question. Where its name points is nobody's business: only OPT is used, whose
 * name is the root. */
static bool read_record(struct reader *r, struct record *out)
{
    size_t start = r->at;
    const uint8_t *fixed;

    for (;;) {
        unsigned len;

        if (r->at >= r->n)
            return false;
        len = r->p[r->at];
        if (len >= DNS_POINTER_BITS >> 8) {
            r->at += 2;
            break;
        }
        if (len > DNS_LABEL_MAX || r->at + len + 1 - start > DNS_NAME_MAX)
            return false;
        r->at += len + 1;
        if (len == 0)
            break;
    }
    if (r->at > r->n || r->n - r->at < 10)
        return false;
    fixed = r->p + r->at;
    *out = (struct record){
        .at_root = r->p[start] == 0,
        .type = dns_get_u16(fixed),
        .class = dns_get_u16(fixed + 2),
        .ttl = dns_get_u32(fixed + 4),
        .data = fixed + 10,
        .len = dns_get_u16(fixed + 8),
    };
    r->at += 10;
    if (r->n - r->at < out->len)
        return false;
    r->at += out->len;
    return true;
}

static bool read_options(const struct record *opt, struct dns_query *q)
{
    const uint8_t *p = opt->data;
    size_t left = opt->len;

    while (left) {
        unsigned code, len;

        if (left < 4)
            return false;
        code = dns_get_u16(p);
        len = dns_get_u16(p + 2);
        if (left - 4 < len)
            return false;
        if (code == DNS_OPTION_ECS) {
            if (q->ecs)
                return false; /* which of the two would the answer be for? */
            q->ecs = p + 4;
            q->ecs_len = (uint16_t)len;
        }
        p += 4 + len;
        left -= 4 + len;
    }
    return true;
}

static enum dns_rcode read_body(struct reader *r, struct dns_query *q)
{
    unsigned questions = dns_get_u16(r->p + 4), answers = dns_get_u16(r->p + 6);
    unsigned authority = dns_get_u16(r->p + 8), additional = dns_get_u16(r->p + 10);
    struct record rr, opt = {0};

    if (questions != 1 || !read_question(r, q) || answers)
        return DNS_FORMERR;
    /* IXFR carries the asker's SOA here (RFC 1995 section 3); nothing else has a use for it. */
    if (authority > (q->qtype == DNS_TYPE_IXFR ? 1 : 0))
        return DNS_FORMERR;
    for (; authority; authority--)
        if (!read_record(r, &rr) || rr.type == DNS_TYPE_OPT)
            return DNS_FORMERR;
    for (; additional; additional--) {
        if (!read_record(r, &rr))
            return DNS_FORMERR;
        if (rr.type != DNS_TYPE_OPT)
            continue;
        if (q->has_opt || !rr.at_root)
            return DNS_FORMERR;
        opt = rr;
        q->has_opt = true;
        q->udp_bytes = rr.class;
        q->dnssec_ok = rr.ttl & DNS_OPT_FLAG_DO;
    }
    if (r->at != r->n)
        return DNS_FORMERR;
    /* RFC 6891 section 6.1.3: what follows in a later version is unknown, so the version is judged
     * before the options. */
    if (q->has_opt && (opt.ttl >> 16 & 0xff) != 0)
        return DNS_BADVERS;
    return read_options(&opt, q) ? DNS_NOERROR : DNS_FORMERR;
}

enum dns_rcode dns_query_parse(const uint8_t *p, size_t n, struct dns_query *q)
{
    struct reader r = {p, DNS_HEADER_LEN, n};
    enum dns_rcode rc;

    if (n < DNS_HEADER_LEN)
        return DNS_DROP;
    q->id = dns_get_u16(p);
    q->flags = dns_get_u16(p + 2);
    q->question_len = 0;
    q->name_len = 0;
    q->labels = 0;
    q->has_opt = false;
    q->dnssec_ok = false;
    q->ecs = NULL;
    q->ecs_len = 0;
    if (q->flags & DNS_QR)
        return DNS_DROP;
    rc = read_body(&r, q);
    return q->flags & DNS_OPCODE ? DNS_NOTIMP : rc;
}

static bool host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

/* One label from text[*at], up to its dot. */
static enum err_code label_parse(struct str text, size_t *at, bool first, uint8_t *label,
                                 unsigned *len, struct err *e)
{
    unsigned n = 0;

    for (; *at < text.n && text.p[*at] != '.'; ++*at) {
        char c = text.p[*at];

        if (c == '\\' && *at + 1 < text.n && text.p[*at + 1] == '.')
            c = text.p[++*at];
        else if (!host_char(c) &&
                 !(c == '*' && first && n == 0 && (*at + 1 == text.n || text.p[*at + 1] == '.')))
            return err_set(e, ERR_PARSE,
                           "not a domain name: a label is made of letters, digits, '-' and '_'");
        if (n == DNS_LABEL_MAX)
            return err_set(e, ERR_PARSE, "not a domain name: a label has at most %u bytes",
                           DNS_LABEL_MAX);
        label[n++] = (uint8_t)c;
    }
    if (n == 0)
        return err_set(e, ERR_PARSE, "not a domain name: a label is empty");
    *len = n;
    return ERR_OK;
}

enum err_code dns_name_parse(struct str text, struct arena *arena, struct dns_name *out,
                             struct err *e)
{
    uint8_t wire[DNS_NAME_MAX], label[DNS_LABEL_MAX], *copy;
    unsigned len = 0, n = 0, labels = 0;
    char shown[128];

    for (size_t at = 0; at < text.n; at++, labels++) {
        if (label_parse(text, &at, labels == 0, label, &n, e) != ERR_OK)
            goto bad;
        if (len + n + 2 > DNS_NAME_MAX) {
            err_set(e, ERR_PARSE, "not a domain name: at most %u bytes on the wire", DNS_NAME_MAX);
            goto bad;
        }
        wire[len] = (uint8_t)n;
        memcpy(wire + len + 1, label, n);
        len += n + 1;
    }
    if (len == 0) {
        err_set(e, ERR_PARSE, "not a domain name: it is empty");
        goto bad;
    }
    wire[len++] = 0;
    copy = arena_alloc(arena, len);
    if (!copy)
        return err_set(e, ERR_LIMIT, "no room for the name");
    lower_copy(copy, wire, len);
    *out = (struct dns_name){copy, (uint8_t)len, (uint8_t)labels};
    return ERR_OK;

bad:
    err_wrap(e, "\"%s\"", bytes_escape(text.p, text.n, shown, sizeof shown));
    return ERR_PARSE;
}

size_t dns_name_format(const uint8_t *wire, char *out, size_t size)
{
    char text[DNS_NAME_TEXT_MAX + 8];
    size_t n = 0;

    for (unsigned len; (len = *wire++) != 0;) {
        if (n)
            text[n++] = '.';
        for (; len; len--, wire++) {
            if (*wire == '.' || *wire == '\\')
                text[n++] = '\\';
            if (*wire > ' ' && *wire < 0x7f)
                text[n++] = (char)*wire;
            else
                n += (size_t)snprintf(text + n, 5, "\\%03u", *wire);
        }
    }
    if (n == 0)
        text[n++] = '.';
    if (size == 0)
        return 0;
    if (n > size - 1)
        n = size - 1;
    memcpy(out, text, n);
    out[n] = '\0';
    return n;
}
