/* URIs of http and https (RFC 3986, RFC 9110 section 4.2): taken apart, and references resolved
 * against a base. */
#pragma once

#include "base/bytes.h"

#define URI_MAX 2048u /* bytes of a URI */

/* Parts point into the text that was parsed. */
struct uri {
    bool tls;        /* https */
    struct str host; /* "alto.example.com", "192.0.2.1", "[2001:db8::1]" */
    uint16_t port;   /* 80 or 443 when none is named */
    bool port_named;
    struct str authority; /* host, and the port when it is named: the Host header */
    struct str target;    /* path and query, what a request asks for; n 0: "/" */
};

/* An absolute URI; a fragment is left out. ERR_PARSE: not one, of another scheme, with a user or
 * password (RFC 9110 section 4.2.4), characters that no URI has. ERR_LIMIT: over URI_MAX. */
enum err_code uri_parse(struct str text, struct uri *out, struct err *e) MUST_CHECK;

/* Section 5.2: what the reference means in the base, an absolute URI, is added to out; it parses.
 * "" is the base itself. Errors as above, of the reference. */
enum err_code uri_resolve(struct str base, struct str reference, struct bytes *out,
                          struct err *e) MUST_CHECK;

/* Equal scheme, host (in any case) and port. */
bool uri_same_origin(const struct uri *a, const struct uri *b);
