#include "alto/discover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/uri.h"

/* RFC 8686 section 3.4, table 1. */
static const unsigned steps_v4[] = {32, 24, 16, 8};
static const unsigned steps_v6[] = {128, 64, 56, 48, 40, 32};

/* RFC 1035 section 3.5, cut to its last labels (RFC 8686 section 3.3). */
static void reverse_v4(struct addr a, unsigned bits, char *out)
{
    const uint32_t v = addr_v4(a);
    size_t n = 0;

    for (unsigned i = 32 - bits; i < 32; i += 8)
        n += (size_t)snprintf(out + n, DISCOVER_NAME_MAX - n, "%u.", v >> i & 255);
    snprintf(out + n, DISCOVER_NAME_MAX - n, "IN-ADDR.ARPA.");
}

/* RFC 3596 section 2.5, likewise. */
static void reverse_v6(struct addr a, unsigned bits, char *out)
{
    size_t n = 0;

    for (unsigned i = 128 - bits; i < 128; i += 4) {
        const uint64_t half = i < 64 ? a.lo : a.hi;

        out[n++] = "0123456789ABCDEF"[half >> i % 64 & 15];
        out[n++] = '.';
    }
    snprintf(out + n, DISCOVER_NAME_MAX - n, "IP6.ARPA.");
}

enum err_code discover_names(struct addr a, unsigned bits, struct discover_names *out,
                             struct err *e)
{
    const bool v4 = addr_is_v4(a);
    const unsigned *steps = v4 ? steps_v4 : steps_v6;
    const size_t count = v4 ? sizeof steps_v4 / sizeof *steps_v4 : DISCOVER_NAMES_MAX;

    out->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (steps[i] > bits)
            continue;
        out->bits[out->count] = steps[i];
        if (v4)
            reverse_v4(a, steps[i], out->names[out->count]);
        else
            reverse_v6(a, steps[i], out->names[out->count]);
        out->count++;
    }
    if (out->count == 0)
        return err_set(e, ERR_UNSUPPORTED,
                       "a prefix of length %u: unsupported prefix length, of an %s address it must "
                       "be %u or more",
                       bits, v4 ? "IPv4" : "IPv6", v4 ? 8u : 32u);
    return ERR_OK;
}

enum err_code discover_service_parse(struct str text, struct str *protocol, struct err *e)
{
    char shown[64];

    if (str_eq_nocase(text, STR("ALTO:https")))
        *protocol = STR("https");
    else if (str_eq_nocase(text, STR("ALTO:http")))
        *protocol = STR("http");
    else
        return err_set(e, ERR_PARSE, "\"%s\" is no service of ALTO; it is ALTO:https or ALTO:http",
                       bytes_escape(text.n ? text.p : "", text.n, shown, sizeof shown));
    return ERR_OK;
}

static bool next_word(struct str *rest, struct str *out)
{
    const char *end;

    if (!rest->p)
        return false;
    end = rest->n ? memchr(rest->p, ':', rest->n) : NULL;
    *out = (struct str){rest->p, end ? (size_t)(end - rest->p) : rest->n};
    rest->n -= out->n + (end ? 1 : 0);
    rest->p = end ? end + 1 : NULL;
    return true;
}

/* RFC 4848 section 2.1: the application, then the protocols that it is there with. */
static bool serves(struct str service, struct str protocol)
{
    struct str word;

    if (!next_word(&service, &word) || !str_eq_nocase(word, STR("ALTO")))
        return false;
    while (next_word(&service, &word))
        if (str_eq_nocase(word, protocol))
            return true;
    return false;
}

/* "!.*!https://alto.example.net/ird!" */
static bool read_uri(struct str regexp, struct str protocol, struct str *out)
{
    struct uri uri;

    if (regexp.n < 6 || memcmp(regexp.p, "!.*!", 4) != 0 || regexp.p[regexp.n - 1] != '!')
        return false;
    *out = (struct str){regexp.p + 4, regexp.n - 5};
    if (out->n >= DISCOVER_URI_MAX || memchr(out->p, '!', out->n) ||
        uri_parse(*out, &uri, NULL) != ERR_OK)
        return false;
    return uri.tls == str_eq(protocol, STR("https"));
}

static bool record_uri(const struct discover_record *r, struct str protocol, struct str *out)
{
    return str_eq_nocase(r->flags, STR("u")) && serves(r->service, protocol) &&
           read_uri(r->regexp, protocol, out);
}

static void add(struct discover_uris *out, struct str uri)
{
    for (unsigned i = 0; i < out->count; i++)
        if (str_eq(str_from(out->uris[i]), uri))
            return;
    if (out->count == DISCOVER_URIS_MAX)
        return;
    memcpy(out->uris[out->count], uri.p, uri.n);
    out->uris[out->count++][uri.n] = '\0';
}

void discover_choose(const struct discover_record *records, size_t count, struct str protocol,
                     struct discover_uris *out)
{
    uint32_t order = UINT32_MAX;
    struct str uri;

    out->count = 0;
    for (size_t i = 0; i < count; i++)
        if (records[i].order < order && record_uri(&records[i], protocol, &uri))
            order = records[i].order;
    /* Records are few: those of each preference in turn, the lowest first. */
    for (int64_t done = -1; order != UINT32_MAX;) {
        int64_t next = INT64_MAX;

        for (size_t i = 0; i < count; i++)
            if (records[i].order == order && records[i].preference > done &&
                records[i].preference < next)
                next = records[i].preference;
        if (next == INT64_MAX)
            break;
        for (size_t i = 0; i < count; i++)
            if (records[i].order == order && records[i].preference == next &&
                record_uri(&records[i], protocol, &uri))
                add(out, uri);
        done = next;
    }
}
