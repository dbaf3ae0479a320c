#include "alto/footprint.h"

#include <string.h>

#include "base/addr.h"

#define ALTOPID_MAX 129 /* resource id and PID name of 64 characters each, and the dot between */

static const char *const names[] = {
    [FOOTPRINT_IPV4CIDR] = "ipv4cidr",
    [FOOTPRINT_IPV6CIDR] = "ipv6cidr",
    [FOOTPRINT_ASN] = "asn",
    [FOOTPRINT_COUNTRYCODE] = "countrycode",
    [FOOTPRINT_SUBDIVISIONCODE] = "subdivisioncode",
    [FOOTPRINT_ALTOPID] = "altopid",
    [FOOTPRINT_UNION] = "footprintunion",
};

const char *footprint_type_name(enum footprint_type t)
{
    return names[t];
}

bool footprint_type_find(struct str name, enum footprint_type *out)
{
    for (unsigned t = 0; t < sizeof names / sizeof *names; t++)
        if (str_eq(name, str_from(names[t]))) {
            *out = (enum footprint_type)t;
            return true;
        }
    return false;
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool footprint_asn_parse(struct str s, uint32_t *out)
{
    uint64_t n = 0;

    if (s.n < 3 || s.n > 12 || s.p[0] != 'a' || s.p[1] != 's' || s.p[2] == '0')
        return false;
    for (size_t i = 2; i < s.n; i++) {
        if (!is_digit(s.p[i]))
            return false;
        n = n * 10 + (uint64_t)(s.p[i] - '0');
    }
    if (n > UINT32_MAX)
        return false;
    *out = (uint32_t)n;
    return true;
}

bool footprint_country_is(struct str s)
{
    return s.n == 2 && is_letter(s.p[0]) && is_letter(s.p[1]);
}

/* ISO 3166-2: a country, a hyphen, and one to three letters or digits. */
bool footprint_subdivision_is(struct str s)
{
    if (s.n < 4 || s.n > 6 || s.p[2] != '-' || !footprint_country_is((struct str){s.p, 2}))
        return false;
    for (size_t i = 3; i < s.n; i++)
        if (!is_letter(s.p[i]) && !is_digit(s.p[i]))
            return false;
    return true;
}

static bool altopid_is(struct str s)
{
    if (s.n < 1 || s.n > ALTOPID_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return true;
}

/* RFC 8006 sections 4.3.5 and 4.3.6: an address, a slash, a length. */
static enum err_code prefix_check(bool v4, struct str s, struct err *e)
{
    struct prefix p;
    struct err inner = {0};

    if (prefix_parse(s.p, s.n, &p, &inner) != ERR_OK)
        return err_set(e, ERR_PARSE, "%s", inner.text);
    if (prefix_is_v4(p) != v4 || !memchr(s.p, '/', s.n))
        return err_set(e, ERR_PARSE, "not a prefix of IPv%c with its length, as \"%s\"",
                       v4 ? '4' : '6', v4 ? "192.0.2.0/24" : "2001:db8::/32");
    return ERR_OK;
}

static enum err_code value_check(enum footprint_type t, struct str s, struct err *e)
{
    uint32_t asn;

    switch (t) {
    case FOOTPRINT_IPV4CIDR:
        return prefix_check(true, s, e);
    case FOOTPRINT_IPV6CIDR:
        return prefix_check(false, s, e);
    case FOOTPRINT_ASN:
        if (footprint_asn_parse(s, &asn))
            return ERR_OK;
        return err_set(e, ERR_PARSE, "not an AS number in lower case, as \"as64500\"");
    case FOOTPRINT_COUNTRYCODE:
        if (footprint_country_is(s))
            return ERR_OK;
        return err_set(e, ERR_PARSE, "not the two lower case letters of a country, as \"de\"");
    case FOOTPRINT_SUBDIVISIONCODE:
        if (footprint_subdivision_is(s))
            return ERR_OK;
        return err_set(e, ERR_PARSE,
                       "not a subdivision of a country in lower case, as \"us-ca\" (ISO 3166-2)");
    case FOOTPRINT_ALTOPID:
        if (altopid_is(s))
            return ERR_OK;
        return err_set(e, ERR_PARSE, "not the name of a PID");
    case FOOTPRINT_UNION:
        break;
    }
    return err_set(e, ERR_PARSE, "a footprintunion has footprints, not values");
}

enum err_code footprint_value_check(enum footprint_type t, struct str value, struct err *e)
{
    struct err inner = {0};
    enum err_code rc = value_check(t, value, &inner);
    char shown[96];

    if (rc == ERR_OK)
        return ERR_OK;
    return err_set(e, rc, "%s \"%s\": %s", names[t],
                   bytes_escape(value.p, value.n, shown, sizeof shown), inner.text);
}
