/* HTTP Digest authentication (RFC 7616): SHA-256 and MD5, qop "auth". Around a page's handler: who
 * shows nothing is nobody, who shows what is right is request->user, everybody else gets 401; and a
 * 401 of the page's own is turned into an invitation.
 *
 * Nonces are not kept: each is a time, a number and their HMAC by a key of this process. What is
 * kept is which counts (nc) of a nonce were used, in a table of HTTP_DIGEST_SLOTS words that all
 * workers share; a nonce that finds its word taken by another, live one is called stale, and the
 * client asks again with the next. So nothing is ever accepted twice, by any worker, and nobody
 * grows the table. */
#pragma once

#include "base/handler.h"
#include "http/http_server.h"

struct turn;
struct http_digest;

#define HTTP_DIGEST_SLOTS 16384u
#define HTTP_DIGEST_WINDOW                                                                         \
    16u /* a count may come so much later than a higher one, over another connection */

struct http_digest_conf {
    struct str realm; /* printable ASCII without quotes, backslashes and colons */
    struct str users; /* a file; ends in NUL. Lines "user:realm:HA1" as htdigest writes them: HA1 is
                         SHA-256 (64 digits) or MD5 (32) of "user:realm:password", in hexadecimal;
                         a user may have one line of each. Empty lines and lines that begin with #
                         are skipped */
    uint32_t nonce_life_s; /* 0: 300 */
};

/* Safe to share among workers. What one of the users has is offered, SHA-256 first. ERR_IO,
 * ERR_LIMIT: the file; ERR_PARSE, ERR_CONFLICT: with its line. */
enum err_code http_digest_new(const struct http_digest_conf *conf, struct http_digest **out,
                              struct err *e) MUST_CHECK;
struct http_digest *http_digest_take(struct http_digest *d); /* one more reference */
void http_digest_free(struct http_digest *d);                /* NULL is fine */

/* A page behind it: ctx of http_digest_handle. One a worker. */
struct http_digest_page {
    struct http_digest *digest;
    const struct turn *turn; /* for the time */
    handler_fn *fn;
    void *ctx;
    http_refused_fn *refused; /* the body of a 401 or 400 of ours; gets ctx; NULL: plain text */
};
void http_digest_handle(void *ctx, const struct http_request *request,
                        struct http_response *response);

/* ---- parts, for tests ---- */

/* Borrowed from the header. */
struct http_digest_fields {
    struct str username, realm, nonce, uri, response, cnonce, qop, nc, algorithm; /* n 0: absent */
    bool hashed; /* userhash=true or username*: names that we do not read */
};
/* The value of an Authorization header. false: it is not Digest, a parameter stands twice, or the
 * syntax is wrong; a backslash in a quoted string is, too, for no name of ours has one. */
bool http_digest_parse(struct str value, struct http_digest_fields *out) MUST_CHECK;
