#include "alto/entity.h"

#include <string.h>

#include "alto/footprint.h"
#include "alto/vtag.h"

static const struct {
    const char *name;
    enum entity_kind kind;
} kinds[] = {
    {"ipv4", ENTITY_IPV4},
    {"ipv6", ENTITY_IPV6},
    {"pid", ENTITY_PID},
    {"ane", ENTITY_ANE},
    {"asn", ENTITY_ASN},
    {"countrycode", ENTITY_COUNTRY},
    {"subdivisioncode", ENTITY_SUBDIVISION},
};

static const char private_prefix[] = "priv:";
#define PRIVATE_LEN (sizeof private_prefix - 1)

static bool is_type_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '_';
}

/* Length of the domain type that s begins with: characters of it, behind at most one "priv:"; 0
 * when there is none, or when what follows is neither a colon nor the end. */
static size_t type_len(struct str s)
{
    size_t at = 0, from = 0;

    if (s.n >= PRIVATE_LEN && memcmp(s.p, private_prefix, PRIVATE_LEN) == 0)
        at = from = PRIVATE_LEN;
    while (at < s.n && is_type_char(s.p[at]))
        at++;
    if (at == from || at > ENTITY_TYPE_MAX || (at < s.n && s.p[at] != ':'))
        return 0;
    return at;
}

static enum entity_kind kind_of(struct str type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (str_eq(type, str_from(kinds[i].name)))
            return kinds[i].kind;
    return ENTITY_OTHER;
}

static enum err_code bad(struct err *e, const char *what, struct str s, const char *rule)
{
    char shown[160];

    return err_set(e, ERR_PARSE, "%s \"%s\": %s", what,
                   bytes_escape(s.n ? s.p : "", s.n, shown, sizeof shown), rule);
}

/* Where the domain's dot is; text.n when it has none. What begins with a type that everybody knows
 * ("ipv4:192.0.2.1") or with a private one has none. */
static size_t dot_of(struct str text)
{
    size_t n = type_len(text);

    if (n && (kind_of((struct str){text.p, n}) != ENTITY_OTHER || text.p[n - 1] == ':' ||
              memcmp(text.p, private_prefix, n < PRIVATE_LEN ? n : PRIVATE_LEN) == 0))
        return text.n;
    for (size_t i = 0; i <= ALTO_ID_MAX && i < text.n; i++)
        if (text.p[i] == '.' && type_len((struct str){text.p + i + 1, text.n - i - 1}))
            return i;
    return text.n;
}

static enum err_code domain_read(const char *what, struct str text, struct entity_domain *out,
                                 struct err *e)
{
    size_t dot = dot_of(text), from = dot < text.n ? dot + 1 : 0;
    size_t n = type_len((struct str){text.p + from, text.n - from});
    struct entity_domain d = {.scope = ENTITY_AGNOSTIC};

    if (n == 0)
        return bad(e, what, text,
                   "its domain is not a type of 1 to 64 letters, digits, - and _, behind \"priv:\" "
                   "if it is private, behind a resource id and a dot if it is a resource's");
    d.type = (struct str){text.p + from, n};
    d.name = (struct str){text.p, from + n};
    d.kind = kind_of(d.type);
    if (from) {
        d.scope = dot ? ENTITY_RESOURCE : ENTITY_SELF;
        d.resource = (struct str){text.p, dot};
        if (dot && vtag_check_name("resource id", d.resource, NULL) != ERR_OK)
            return bad(e, what, text, "what stands before its dot is not a resource id");
    }
    if (d.kind == ENTITY_PID && d.scope != ENTITY_RESOURCE)
        return bad(e, what, text, "a PID is a network map's: \"<resource id>.pid\"");
    if (d.kind == ENTITY_ANE && d.scope == ENTITY_AGNOSTIC)
        return bad(e, what, text, "an ANE is a property map's: \".ane\", or \"<resource id>.ane\"");
    *out = d;
    return ERR_OK;
}

enum err_code entity_domain_parse(struct str text, struct entity_domain *out, struct err *e)
{
    struct entity_domain d;
    enum err_code rc = domain_read("entity domain", text, &d, e);

    if (rc == ERR_OK && d.name.n != text.n)
        rc = bad(e, "entity domain", text, "something follows its type");
    if (rc == ERR_OK)
        *out = d;
    return rc;
}

static enum err_code prefix_id(bool v6, struct str id, struct prefix *out, struct err *e)
{
    struct err inner = {0};

    if (prefix_parse(id.p, id.n, out, &inner) != ERR_OK)
        return err_set(e, ERR_PARSE, "%s", inner.text);
    if ((memchr(id.p, ':', id.n) != NULL) == v6 && prefix_is_v4(*out) != v6)
        return ERR_OK;
    return bad(e, v6 ? "ipv6" : "ipv4", id,
               v6 ? "not an IPv6 address or prefix" : "not an IPv4 address or prefix");
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

enum err_code entity_id_parse(const struct entity_domain *domain, struct str id,
                              struct prefix *prefix, struct err *e)
{
    uint32_t asn;

    *prefix = (struct prefix){{0, 0}, 0};
    if (id.n == 0 || id.n > ENTITY_ID_MAX)
        return bad(e, "entity", id, "an identifier has 1 to 1024 characters");
    switch (domain->kind) {
    case ENTITY_IPV4:
    case ENTITY_IPV6:
        return prefix_id(domain->kind == ENTITY_IPV6, id, prefix, e);
    case ENTITY_PID:
        return vtag_check_name("PID name", id, e);
    case ENTITY_ANE:
        return vtag_check_name("ANE name", id, e);
    case ENTITY_ASN:
        if (footprint_asn_parse(id, &asn))
            return ERR_OK;
        return bad(e, "asn", id, "not an AS number in lower case, as \"as64500\"");
    case ENTITY_COUNTRY:
        if (footprint_country_is(id))
            return ERR_OK;
        return bad(e, "countrycode", id, "not the two lower case letters of a country, as \"de\"");
    case ENTITY_SUBDIVISION:
        if (footprint_subdivision_is(id))
            return ERR_OK;
        return bad(e, "subdivisioncode", id,
                   "not a subdivision of a country in lower case, as \"us-ca\"");
    case ENTITY_OTHER:
        break;
    }
    return is_plain(id) ? ERR_OK : bad(e, "entity", id, "has control characters");
}

enum err_code entity_parse(struct str text, struct entity *out, struct err *e)
{
    struct entity made = {.prefix = {{0, 0}, 0}};
    enum err_code rc = domain_read("entity", text, &made.domain, e);
    size_t n;

    if (rc != ERR_OK)
        return rc;
    n = made.domain.name.n;
    if (n == text.n)
        return bad(e, "entity", text, "a colon and an identifier are missing behind its domain");
    made.id = (struct str){text.p + n + 1, text.n - n - 1};
    rc = entity_id_parse(&made.domain, made.id, &made.prefix, e);
    if (rc == ERR_OK)
        *out = made;
    return rc;
}

enum err_code entity_property_parse(struct str text, struct str *resource, struct str *type,
                                    enum entity_scope *scope, struct err *e)
{
    const char *dot = text.n ? memrchr(text.p, '.', text.n) : NULL;
    size_t before = dot ? (size_t)(dot - text.p) : 0, from = dot ? before + 1 : 0;
    struct str t = {text.p + from, text.n - from};
    bool good = t.n > 0 && t.n <= ENTITY_PROPERTY_MAX && !str_eq(t, str_from(private_prefix));

    for (size_t i = 0; good && i < t.n; i++)
        good = is_type_char(t.p[i]) || t.p[i] == ':';
    if (!good)
        return bad(e, "property", text,
                   "its type is 1 to 32 letters, digits and - : _, and more than \"priv:\"; a "
                   "resource id and a dot, or a dot alone, may stand before it");
    if (before && vtag_check_name("resource id", (struct str){text.p, before}, NULL) != ERR_OK)
        return bad(e, "property", text, "what stands before its dot is not a resource id");
    if (resource)
        *resource = (struct str){text.p, before};
    if (type)
        *type = t;
    if (scope)
        *scope = !dot ? ENTITY_AGNOSTIC : before ? ENTITY_RESOURCE : ENTITY_SELF;
    return ERR_OK;
}

char *entity_prefix_format(struct prefix p, char *out)
{
    if (p.len == 128)
        return addr_format(p.addr, out);
    return prefix_format(p, out);
}
