#include "http/redirect_template.h"

#include <string.h>

#include "base/suggest.h"

static const struct str names[REDIRECT_VARIABLES] = {
    [REDIRECT_SCHEME] = {"scheme", 6},
    [REDIRECT_HOST] = {"host", 4},
    [REDIRECT_PORT] = {"port", 4},
    [REDIRECT_HOSTPORT] = {"hostport", 8},
    [REDIRECT_PATH] = {"path", 4},
    [REDIRECT_QUERY] = {"query", 5},
    [REDIRECT_STREAMER] = {"streamer", 8},
    [REDIRECT_SERVICE] = {"service", 7},
    [REDIRECT_REQUEST_HOST] = {"request_host", 12},
};

static enum err_code variable_find(struct str name, size_t column, enum redirect_variable *out,
                                   struct err *e)
{
    struct suggest near;
    char given[64], hint[SUGGEST_TEXT_MAX];

    suggest_init(&near, name);
    for (unsigned i = REDIRECT_LITERAL + 1; i < REDIRECT_VARIABLES; i++) {
        if (str_eq(names[i], name)) {
            *out = (enum redirect_variable)i;
            return ERR_OK;
        }
        suggest_offer(&near, names[i]);
    }
    return err_set(e, ERR_NOT_FOUND,
                   "column %zu: {%s} is not a variable; there are scheme, host, port, hostport, "
                   "path, query, streamer, service and request_host%s",
                   column, bytes_escape(name.p, name.n, given, sizeof given),
                   suggest_format(&near, hint));
}

static bool literal_ok(char c)
{
    return c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '}';
}

/* The piece at text.p[*at]. */
static enum err_code piece_parse(struct str text, size_t *at, struct redirect_piece *out,
                                 struct err *e)
{
    const char *p = text.p + *at, *end;
    size_t left = text.n - *at, n = 0;
    enum err_code rc;
    char c[8];

    *out = (struct redirect_piece){.variable = REDIRECT_LITERAL};
    if (p[0] == '{') {
        end = memchr(p, '}', left);
        if (!end)
            return err_set(e, ERR_PARSE, "column %zu: { has no }", *at + 1);
        rc = variable_find((struct str){p + 1, (size_t)(end - p) - 1}, *at + 1, &out->variable, e);
        *at += (size_t)(end - p) + 1;
        return rc;
    }
    while (n < left && p[n] != '{' && literal_ok(p[n]))
        n++;
    if (n < left && p[n] != '{')
        return err_set(e, ERR_PARSE, "column %zu: \"%s\" cannot stand in a URL", *at + n + 1,
                       bytes_escape(p + n, 1, c, sizeof c));
    out->text = (struct str){p, n};
    *at += n;
    return ERR_OK;
}

static bool begins(struct str text, struct str with)
{
    return text.n > with.n && memcmp(text.p, with.p, with.n) == 0;
}

enum err_code redirect_template_parse(struct str text, struct arena *arena,
                                      struct redirect_template *out, struct err *e)
{
    struct redirect_piece *pieces;
    enum redirect_scheme scheme;
    size_t count = 0;
    const char *kept;

    if (begins(text, STR("{scheme}://")))
        scheme = REDIRECT_SCHEME_REQUEST;
    else if (begins(text, STR("http://")))
        scheme = REDIRECT_SCHEME_HTTP;
    else if (begins(text, STR("https://")))
        scheme = REDIRECT_SCHEME_HTTPS;
    else
        return err_set(e, ERR_PARSE,
                       "column 1: must begin with {scheme}://, http:// or https://, and go on");
    kept = arena_strndup(arena, text.p, text.n);
    pieces = arena_array(arena, text.n, sizeof *pieces); /* a piece has a byte at least */
    if (!kept || !pieces)
        return err_set(e, ERR_LIMIT, "no room for a template of %zu bytes", text.n);
    for (size_t at = 0; at < text.n; count++) {
        enum err_code rc = piece_parse((struct str){kept, text.n}, &at, &pieces[count], e);

        if (rc != ERR_OK)
            return rc;
    }
    *out = (struct redirect_template){.scheme = scheme, .pieces = pieces, .count = count};
    return ERR_OK;
}

struct str redirect_template_render(const struct redirect_template *t,
                                    const struct str value[REDIRECT_VARIABLES], struct arena *arena)
{
    size_t n = 0;
    char *text, *p;

    for (size_t i = 0; i < t->count; i++)
        n += t->pieces[i].variable ? value[t->pieces[i].variable].n : t->pieces[i].text.n;
    text = p = arena_alloc(arena, n);
    if (!text)
        return (struct str){NULL, 0};
    for (size_t i = 0; i < t->count; i++) {
        const struct redirect_piece *piece = &t->pieces[i];
        struct str s = piece->variable ? value[piece->variable] : piece->text;

        if (s.n)
            memcpy(p, s.p, s.n);
        p += s.n;
    }
    return (struct str){text, n};
}
