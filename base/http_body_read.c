#include "base/http_answer_read.h"

#define CHUNK_DIGITS_MAX 15u /* as many hex digits as cannot overflow 64 bits */

static enum http_body_state wrong(struct http_body *b, const char *why)
{
    b->wrong = why;
    return HTTP_BODY_BAD;
}

/* Section 6.3, number 5: one length, or the same several times. */
static enum http_body_state by_length(struct http_body *b, struct str v)
{
    uint64_t length = 0, first = 0;
    bool digits = false, repeated = false;

    for (size_t i = 0; i <= v.n; i++) {
        const char c = i < v.n ? v.p[i] : ',';

        if (c >= '0' && c <= '9' && length <= UINT64_MAX / 100) {
            length = length * 10 + (uint64_t)(c - '0');
            digits = true;
        } else if (c == ',' && digits && (!repeated || length == first)) {
            first = length;
            repeated = true;
            digits = false;
            length = 0;
            while (i + 1 < v.n && (v.p[i + 1] == ' ' || v.p[i + 1] == '\t'))
                i++;
        } else {
            return wrong(b, "the Content-Length is not one number");
        }
    }
    if (first > b->max)
        return wrong(b, "the body is longer than it may be");
    b->left = first;
    return first ? HTTP_BODY_LENGTH : HTTP_BODY_DONE;
}

static enum http_body_state framing(struct http_body *b, const struct http_answer *a, bool may_gzip)
{
    const struct str coding = http_answer_value(a, HTTP_CONTENT_ENCODING);

    if (a->cut)
        return wrong(b, "the answer's head is too long");
    if (a->status == 204 || a->status == 304 || a->status < 200)
        return HTTP_BODY_DONE;
    for (unsigned k = 0; k < HTTP_CONTENT_TYPE; k++)
        if (a->kept[k].cut)
            return wrong(b, "a header that says how the body comes is too long");
    if (coding.n && !str_eq_nocase(coding, STR("identity"))) {
        const bool gzip =
            str_eq_nocase(coding, STR("gzip")) || str_eq_nocase(coding, STR("x-gzip"));

        if (!may_gzip || !gzip)
            return wrong(b, "the body is compressed, which was not asked for");
        b->gzip = true;
    }
    if (!a->kept[HTTP_TRANSFER_ENCODING].there)
        return a->kept[HTTP_CONTENT_LENGTH].there
                   ? by_length(b, http_answer_value(a, HTTP_CONTENT_LENGTH))
                   : HTTP_BODY_CLOSE;
    if (a->kept[HTTP_CONTENT_LENGTH].there)
        return wrong(b, "both a Transfer-Encoding and a Content-Length");
    if (!str_eq_nocase(http_answer_value(a, HTTP_TRANSFER_ENCODING), STR("chunked")))
        return wrong(b, "a Transfer-Encoding other than chunked");
    return HTTP_BODY_CHUNK_SIZE;
}

enum http_body_state http_body_begin(struct http_body *b, const struct http_answer *a,
                                     struct bytes *out, size_t max)
{
    *b = (struct http_body){.out = out, .max = max};
    b->state = framing(b, a, false);
    return b->state;
}

enum http_body_state http_body_begin_gzip(struct http_body *b, const struct http_answer *a,
                                          struct bytes *out, size_t max)
{
    *b = (struct http_body){.out = out, .max = max};
    b->state = framing(b, a, true);
    return b->state;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Section 7.1. */
static enum http_body_state chunk_size(struct http_body *b, char c)
{
    const int digit = hex_digit(c);

    if (digit >= 0 && b->digits < CHUNK_DIGITS_MAX) {
        b->left = b->left << 4 | (uint64_t)digit;
        b->digits++;
        return HTTP_BODY_CHUNK_SIZE;
    }
    if (b->digits == 0 || digit >= 0)
        return wrong(b, "a chunk's size is not a number");
    if (c == '\r')
        return HTTP_BODY_CHUNK_SIZE_LF;
    return c == ';' || c == ' ' || c == '\t' ? HTTP_BODY_CHUNK_EXT
                                             : wrong(b, "a chunk's size is not a number");
}

static enum http_body_state chunk_begin(struct http_body *b)
{
    if (b->left == 0)
        return HTTP_BODY_TRAILER_START;
    if (b->left > b->max - b->out->len)
        return wrong(b, "the body is longer than it may be");
    return HTTP_BODY_CHUNK_DATA;
}

/* Extensions and trailers say nothing to us, and so must end soon. */
static enum http_body_state skipped(struct http_body *b, char c, enum http_body_state same,
                                    enum http_body_state lf)
{
    if (++b->framing > HTTP_BODY_FRAMING_MAX)
        return wrong(b, "chunk extensions or trailers are too long");
    if (c == '\r')
        return lf;
    return (unsigned char)c >= 0x20 || c == '\t' ? same
                                                 : wrong(b, "a control character in a chunk");
}

static enum http_body_state step(struct http_body *b, char c)
{
    switch (b->state) {
    case HTTP_BODY_CHUNK_SIZE:
        return chunk_size(b, c);
    case HTTP_BODY_CHUNK_EXT:
        return skipped(b, c, HTTP_BODY_CHUNK_EXT, HTTP_BODY_CHUNK_SIZE_LF);
    case HTTP_BODY_CHUNK_SIZE_LF:
        return c == '\n' ? chunk_begin(b) : wrong(b, "a chunk's size without its end of line");
    case HTTP_BODY_CHUNK_DATA_CR:
        return c == '\r' ? HTTP_BODY_CHUNK_DATA_LF : wrong(b, "a chunk is longer than its size");
    case HTTP_BODY_CHUNK_DATA_LF:
        b->left = 0;
        b->digits = 0;
        return c == '\n' ? HTTP_BODY_CHUNK_SIZE : wrong(b, "a chunk is longer than its size");
    case HTTP_BODY_TRAILER_START:
        return skipped(b, c, HTTP_BODY_TRAILER, HTTP_BODY_LAST_LF);
    case HTTP_BODY_TRAILER:
        return skipped(b, c, HTTP_BODY_TRAILER, HTTP_BODY_TRAILER_LF);
    case HTTP_BODY_TRAILER_LF:
        return c == '\n' ? HTTP_BODY_TRAILER_START : wrong(b, "a trailer without its end of line");
    case HTTP_BODY_LAST_LF:
        return c == '\n' ? HTTP_BODY_DONE : wrong(b, "a trailer without its end of line");
    default:
        return b->state;
    }
}

/* Takes what belongs to the body itself; returns how much that was. */
static size_t take(struct http_body *b, const char *p, size_t n)
{
    const bool endless = b->state == HTTP_BODY_CLOSE;

    if (!endless && n > b->left)
        n = (size_t)b->left;
    if (n > b->max - b->out->len) {
        b->state = wrong(b, "the body is longer than it may be");
    } else if (!bytes_add(b->out, p, n)) {
        b->state = wrong(b, "no memory for the body");
    } else if (!endless) {
        b->left -= n;
        if (b->left == 0)
            b->state = b->state == HTTP_BODY_LENGTH ? HTTP_BODY_DONE : HTTP_BODY_CHUNK_DATA_CR;
    }
    return n;
}

enum http_body_state http_body_feed(struct http_body *b, const char *p, size_t n)
{
    for (size_t i = 0; i < n && b->state < HTTP_BODY_DONE;) {
        if (b->state == HTTP_BODY_LENGTH || b->state == HTTP_BODY_CLOSE ||
            b->state == HTTP_BODY_CHUNK_DATA)
            i += take(b, p + i, n - i);
        else
            b->state = step(b, p[i++]);
    }
    return b->state;
}

enum http_body_state http_body_end(struct http_body *b)
{
    if (b->state == HTTP_BODY_CLOSE)
        b->state = HTTP_BODY_DONE;
    else if (b->state < HTTP_BODY_DONE)
        b->state = wrong(b, "closed inside of the body");
    return b->state;
}
