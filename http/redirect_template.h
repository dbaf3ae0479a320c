/* Location templates, compiled once a view: "{scheme}://{hostport}{path}{query}".
 *
 *  {scheme}        http or https: the template's own, if it begins with one, else as the client
 * came {host}          the streamer's public name, else its address; IPv6 stands in brackets {port}
 * its port for the scheme, always a number {hostport}      both, without the port where it is the
 * scheme's default {path}          the request's, byte for byte {query}         the request's with
 * its '?', or nothing {streamer}      the streamer's name in the configuration {service}       the
 * service's {request_host}  the host that the client asked, without its port
 *
 * There is no way to write a brace. */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"

enum redirect_variable {
    REDIRECT_LITERAL,
    REDIRECT_SCHEME,
    REDIRECT_HOST,
    REDIRECT_PORT,
    REDIRECT_HOSTPORT,
    REDIRECT_PATH,
    REDIRECT_QUERY,
    REDIRECT_STREAMER,
    REDIRECT_SERVICE,
    REDIRECT_REQUEST_HOST,
    REDIRECT_VARIABLES
};

enum redirect_scheme {
    REDIRECT_SCHEME_REQUEST, /* the template begins with {scheme} */
    REDIRECT_SCHEME_HTTP,
    REDIRECT_SCHEME_HTTPS,
};

struct redirect_piece {
    enum redirect_variable variable;
    struct str text; /* of a literal */
};

struct redirect_template {
    enum redirect_scheme scheme;
    const struct redirect_piece *pieces;
    size_t count;
};

#define REDIRECT_TEMPLATE_DEFAULT STR("{scheme}://{hostport}{path}{query}")

/* Must begin with {scheme}://, http:// or https://, and hold no byte that a URL cannot. Errors name
 * the column, from 1. */
enum err_code redirect_template_parse(struct str text, struct arena *arena,
                                      struct redirect_template *out, struct err *e) MUST_CHECK;

/* value[REDIRECT_LITERAL] is unused. In arena, with p NULL when it has no room. */
struct str redirect_template_render(const struct redirect_template *t,
                                    const struct str value[REDIRECT_VARIABLES],
                                    struct arena *arena);
