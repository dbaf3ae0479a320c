#include "alto/negotiate.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct str trim(struct str s)
{
    while (s.n && is_blank(s.p[0]))
        s = (struct str){s.p + 1, s.n - 1};
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* Cuts s at the first `at` outside quotes: what was in front of it; s is what is behind. */
static struct str cut(struct str *s, char at)
{
    struct str head = *s;
    bool quoted = false;

    for (size_t i = 0; i < s->n; i++) {
        char c = s->p[i];

        if (quoted && c == '\\') {
            i++;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (c == at && !quoted) {
            head.n = i;
            *s = (struct str){s->p + i + 1, s->n - i - 1};
            return trim(head);
        }
    }
    *s = (struct str){s->p + s->n, 0};
    return trim(head);
}

/* RFC 9110 section 12.4.2, in thousandths; what is no weight counts as 1. */
static unsigned weight_of(struct str v)
{
    unsigned q, scale = 100;

    if (v.n == 0 || (v.p[0] != '0' && v.p[0] != '1'))
        return 1000;
    q = v.p[0] == '1' ? 1000 : 0;
    for (size_t i = 2; i < v.n && v.p[1] == '.' && scale; i++, scale /= 10)
        if (v.p[i] >= '0' && v.p[i] <= '9')
            q += (unsigned)(v.p[i] - '0') * scale;
    return q > 1000 ? 1000 : q;
}

/* One member of a list: its name and the value of q. */
static struct str take(struct str *list, unsigned *q)
{
    struct str member = cut(list, ','), name = cut(&member, ';');

    *q = 1000;
    while (member.n) {
        struct str value = cut(&member, ';'), key = cut(&value, '=');

        if (str_eq_nocase(key, STR("q")))
            *q = weight_of(trim(value));
    }
    return name;
}

/* 3 the type itself, 2 its "type/" with any subtype, 1 anything, 0 another. */
static unsigned covers(struct str range, struct str type)
{
    size_t slash = 0;

    if (str_eq(range, STR("*/*")) || str_eq(range, STR("*")))
        return 1;
    while (slash < type.n && type.p[slash] != '/')
        slash++;
    if (range.n == slash + 2 && range.p[range.n - 1] == '*' && slash < type.n &&
        str_eq_nocase((struct str){range.p, slash + 1}, (struct str){type.p, slash + 1}))
        return 2;
    return str_eq_nocase(range, type) ? 3 : 0;
}

unsigned accept_weight(struct str accept, struct str type)
{
    unsigned best = 0, weight = 0, q;
    struct str rest = type;

    if (trim(accept).n == 0)
        return 1000;
    type = cut(&rest, ';');
    while (accept.n) {
        struct str range = take(&accept, &q);
        unsigned how = covers(range, type);

        if (how > best || (how && how == best && q > weight)) {
            best = how;
            weight = q;
        }
    }
    return weight;
}

unsigned accept_coding_weight(struct str accept_encoding, struct str coding)
{
    bool identity = str_eq(coding, STR("identity")), named = false, any = false;
    unsigned of_any = 0, weight = 0, q;

    while (accept_encoding.n) {
        struct str name = take(&accept_encoding, &q);

        if (str_eq_nocase(name, coding) ||
            (str_eq_nocase(name, STR("x-gzip")) && str_eq(coding, STR("gzip")))) {
            named = true;
            weight = q;
        } else if (str_eq(name, STR("*"))) {
            any = true;
            of_any = q;
        }
    }
    if (named)
        return weight;
    if (any)
        return of_any;
    return identity ? 1 : 0; /* behind everything that is asked for */
}

bool content_type_is(struct str content_type, struct str type)
{
    struct str name = cut(&content_type, ';');

    if (!str_eq_nocase(name, type))
        return false;
    while (content_type.n) {
        struct str value = cut(&content_type, ';'), key = cut(&value, '=');

        value = trim(value);
        if (value.n > 1 && value.p[0] == '"' && value.p[value.n - 1] == '"')
            value = (struct str){value.p + 1, value.n - 2};
        if (str_eq_nocase(key, STR("charset")) && !str_eq_nocase(value, STR("utf-8")) &&
            !str_eq_nocase(value, STR("us-ascii")))
            return false;
    }
    return true;
}

bool etag_next(struct str *list, struct str *tag)
{
    while (list->n) {
        *tag = cut(list, ',');
        if (tag->n > 2 && tag->p[0] == 'W' && tag->p[1] == '/')
            *tag = (struct str){tag->p + 2, tag->n - 2};
        if (tag->n)
            return true;
    }
    return false;
}
