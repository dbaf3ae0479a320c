#include "daemon/config_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "alto/vtag.h"
#include "base/suggest.h"
#include "daemon/config_problems.h"
#include "daemon/config_units.h"
#include "http/redirect_template.h"
#include "router/content_key.h"

#define HOST_MAX  253u
#define LABEL_MAX 63u

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory for the configuration");
}

static enum err_code bad(struct err *e, struct str text, const char *what)
{
    char show[TEXT_QUOTE_MAX];

    return err_set(e, ERR_PARSE, "\"%s\" %s", text_quote(text, show), what);
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static enum err_code str_keep(const struct value_context *v, struct str text, struct str *out,
                              struct err *e)
{
    char *p = arena_strndup(v->arena, text.p, text.n);

    if (!p)
        return no_memory(e);
    *out = (struct str){p, text.n};
    return ERR_OK;
}

/* Numbers */

static void store_uint(void *field, size_t size, uint64_t value)
{
    uint8_t u8 = (uint8_t)value;
    uint16_t u16 = (uint16_t)value;
    uint32_t u32 = (uint32_t)value;

    switch (size) { /* the row's range fits its field: a test holds every row to that */
    case sizeof u8:
        memcpy(field, &u8, sizeof u8);
        break;
    case sizeof u16:
        memcpy(field, &u16, sizeof u16);
        break;
    case sizeof u32:
        memcpy(field, &u32, sizeof u32);
        break;
    default:
        memcpy(field, &value, sizeof value);
    }
}

/* A limit of a row as an operator would write the value. */
static void limit_format(const struct schema_row *row, double limit, char *out)
{
    const uint64_t whole = (uint64_t)limit;

    switch (row->type) {
    case SCHEMA_SECONDS:
        units_duration_format(whole * 1000, out);
        break;
    case SCHEMA_MILLIS:
        units_duration_format(whole, out);
        break;
    case SCHEMA_SIZE:
        units_size_format(whole, out);
        break;
    case SCHEMA_RATE:
        units_rate_format(whole, out);
        break;
    case SCHEMA_PERMILLE:
        units_share_format(whole * 100, out);
        break;
    case SCHEMA_SHARE:
        units_share_format((uint64_t)(limit * 100000), out);
        break;
    default:
        snprintf(out, UNITS_TEXT_MAX, "%.15g", limit); /* such limits are short */
    }
}

static char *words_format(const struct schema_word *words, char *out, size_t size)
{
    size_t n = 0;

    out[0] = '\0';
    for (const struct schema_word *w = words; w->name && n < size; w++)
        n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "", w->name);
    return out;
}

char *value_range_format(const struct schema_row *row, char *out)
{
    char lo[UNITS_TEXT_MAX], hi[UNITS_TEXT_MAX], words[VALUE_RANGE_MAX - 10];

    limit_format(row, row->min, lo);
    limit_format(row, row->max, hi);
    out[0] = '\0';
    if (row->type == SCHEMA_WORD)
        snprintf(out, VALUE_RANGE_MAX, "one of %s", words_format(row->words, words, sizeof words));
    else if (row->type == SCHEMA_TEXT || row->type == SCHEMA_REGEX ||
             row->type == SCHEMA_LOCATION || row->type == SCHEMA_URL ||
             row->type == SCHEMA_URL_PATH)
        snprintf(out, VALUE_RANGE_MAX, "at most %s bytes", hi);
    else if (row->type == SCHEMA_CAPACITY)
        snprintf(out, VALUE_RANGE_MAX, "at most %s sessions", hi);
    else if (row->max > 0)
        snprintf(out, VALUE_RANGE_MAX, "from %s to %s", lo, hi);
    return out;
}

static enum err_code range_check(const struct schema_row *row, struct str text, double value,
                                 struct err *e)
{
    char show[TEXT_QUOTE_MAX], lo[UNITS_TEXT_MAX], hi[UNITS_TEXT_MAX];

    if (value >= row->min && value <= row->max)
        return ERR_OK;
    limit_format(row, row->min, lo);
    limit_format(row, row->max, hi);
    return err_set(e, ERR_PARSE, "\"%s\" is too %s; it goes from %s to %s", text_quote(text, show),
                   value < row->min ? "small" : "large", lo, hi);
}

/* COUNT, SECONDS, MILLIS, SIZE, PERMILLE: whole numbers in the field's own unit. */
static enum err_code set_whole(const struct schema_row *row, struct str text, void *field,
                               struct err *e)
{
    uint64_t value = 0, divisor = 1;
    enum err_code rc;

    switch (row->type) {
    case SCHEMA_SECONDS:
        divisor = 1000;
        rc = units_duration_parse(text, &value, e);
        break;
    case SCHEMA_MILLIS:
        rc = units_duration_parse(text, &value, e);
        break;
    case SCHEMA_SIZE:
        rc = units_size_parse(text, &value, e);
        break;
    case SCHEMA_PERMILLE:
        divisor = 100;
        rc = units_share_parse(text, &value, e);
        break;
    default:
        rc = units_integer_parse(text, &value, e);
    }
    if (rc != ERR_OK)
        return rc;
    if (value % divisor != 0)
        return bad(e, text,
                   row->type == SCHEMA_SECONDS ? "is not a whole number of seconds"
                                               : "is finer than a tenth of a percent");
    value /= divisor;
    rc = range_check(row, text, (double)value, e);
    if (rc == ERR_OK)
        store_uint(field, row->size, value);
    return rc;
}

/* NUMBER, SHARE, RATE: doubles. */
static enum err_code set_real(const struct schema_row *row, struct str text, void *field,
                              struct err *e)
{
    double value = 0;
    uint64_t whole = 0;
    enum err_code rc;

    if (row->type == SCHEMA_NUMBER) {
        rc = units_number_parse(text, &value, e);
    } else if (row->type == SCHEMA_SHARE) {
        rc = units_share_parse(text, &whole, e);
        value = (double)whole / 100000;
    } else {
        rc = units_rate_parse(text, &whole, e);
        value = (double)whole;
    }
    if (rc == ERR_OK)
        rc = range_check(row, text, value, e);
    if (rc == ERR_OK)
        memcpy(field, &value, sizeof value);
    return rc;
}

static enum err_code set_capacity(const struct schema_row *row, struct str text, void *field,
                                  struct err *e)
{
    struct schema_capacity c = {0};
    uint64_t value;

    if (units_integer_parse(text, &value, NULL) == ERR_OK) {
        enum err_code rc = range_check(row, text, (double)value, e);

        if (rc != ERR_OK)
            return rc;
        c.sessions = (double)value;
    } else if (units_rate_parse(text, &value, NULL) == ERR_OK && value > 0) {
        c.bps = (double)value;
    } else {
        return bad(e, text, "is neither a number of sessions nor a rate; write 2000 or 10 Gbit/s");
    }
    memcpy(field, &c, sizeof c);
    return ERR_OK;
}

/* Words */

static enum err_code set_bool(struct str text, void *field, struct err *e)
{
    const bool value = str_eq(text, STR("true"));

    if (!value && !str_eq(text, STR("false")))
        return bad(e, text, "is neither true nor false");
    memcpy(field, &value, sizeof value);
    return ERR_OK;
}

static enum err_code set_word(const struct schema_row *row, struct str text, void *field,
                              struct err *e)
{
    char show[TEXT_QUOTE_MAX], all[VALUE_RANGE_MAX], hint[SUGGEST_TEXT_MAX];
    struct suggest near;

    suggest_init(&near, text);
    for (const struct schema_word *w = row->words; w->name; w++) {
        if (str_eq(text, str_from(w->name))) {
            store_uint(field, row->size, (uint64_t)w->value);
            return ERR_OK;
        }
        suggest_offer(&near, str_from(w->name));
    }
    return err_set(e, ERR_PARSE, "\"%s\" is not one of %s%s", text_quote(text, show),
                   words_format(row->words, all, sizeof all), suggest_format(&near, hint));
}

/* Texts */

static bool is_printable(struct str t)
{
    for (size_t i = 0; i < t.n; i++)
        if ((unsigned char)t.p[i] < 0x20 || t.p[i] == 0x7f)
            return false;
    return true;
}

static enum err_code set_text(const struct value_context *v, const struct schema_row *row,
                              struct str text, void *field, struct err *e)
{
    char show[TEXT_QUOTE_MAX];

    if (!is_printable(text))
        return bad(e, text, "has control characters; write it in one line");
    if ((double)text.n > row->max)
        return err_set(e, ERR_PARSE, "\"%s\" has %zu bytes, at most %.0f", text_quote(text, show),
                       text.n, row->max);
    return str_keep(v, text, field, e);
}

/* A DNS label of small letters: also what the control and status pages name things by. */
static enum err_code set_name(const struct value_context *v, struct str text, void *field,
                              struct err *e)
{
    bool ok = text.n <= LABEL_MAX && text.p[0] != '-' && text.p[text.n - 1] != '-';
    enum err_code rc = str_keep(v, text, field, e);

    for (size_t i = 0; i < text.n; i++)
        ok = ok && (is_lower(text.p[i]) || is_digit(text.p[i]) || text.p[i] == '-');
    if (rc == ERR_OK && !ok)
        rc = bad(e, text,
                 "is not a name; use up to 63 small letters, digits and hyphens, as in fra-1");
    return rc;
}

static enum err_code set_account(const struct value_context *v, struct str text, void *field,
                                 struct err *e)
{
    bool ok = text.n <= 32 && (is_lower(text.p[0]) || text.p[0] == '_');

    for (size_t i = 0; i < text.n; i++)
        ok = ok &&
             (is_lower(text.p[i]) || is_digit(text.p[i]) || text.p[i] == '-' || text.p[i] == '_');
    if (!ok)
        return bad(e, text, "is not the name of a user or group, as in waymark");
    return str_keep(v, text, field, e);
}

/* The same rule as for the maps that have the names. */
static enum err_code set_pid(const struct value_context *v, struct str text, void *field,
                             struct err *e)
{
    enum err_code rc = vtag_check_name("PID name", text, e);

    return rc == ERR_OK ? str_keep(v, text, field, e) : rc;
}

/* Compiled here to know that it can be; the view compiles it for use. */
static enum err_code set_regex(const struct value_context *v, const struct schema_row *row,
                               struct str text, void *field, struct err *e)
{
    static const char prefix[] = "content_key: "; /* the path says so already */
    struct content_regex *regex = NULL;
    struct err sub = {0};
    enum err_code rc = set_text(v, row, text, field, e);

    if (rc != ERR_OK)
        return rc;
    rc = content_regex_new(text, &regex, &sub);
    content_regex_free(regex);
    if (rc == ERR_OK)
        return ERR_OK;
    return err_set(e, ERR_PARSE, "%s",
                   sub.text +
                       (strncmp(sub.text, prefix, sizeof prefix - 1) == 0 ? sizeof prefix - 1 : 0));
}

static enum err_code set_location(const struct value_context *v, const struct schema_row *row,
                                  struct str text, void *field, struct err *e)
{
    struct redirect_template template;
    struct err sub = {0};
    enum err_code rc = set_text(v, row, text, field, e);

    if (rc == ERR_OK && redirect_template_parse(text, v->arena, &template, &sub) != ERR_OK)
        rc = err_set(e, ERR_PARSE, "%s", sub.text);
    return rc;
}

/* A template without what only a streamer has. */
static enum err_code set_url(const struct value_context *v, const struct schema_row *row,
                             struct str text, void *field, struct err *e)
{
    static const bool known[REDIRECT_VARIABLES] = {
        [REDIRECT_LITERAL] = true, [REDIRECT_PATH] = true, [REDIRECT_QUERY] = true};
    struct redirect_template template;
    struct err sub = {0};
    enum err_code rc = set_text(v, row, text, field, e);

    if (rc != ERR_OK)
        return rc;
    if ((text.n < 7 || memcmp(text.p, "http://", 7) != 0) &&
        (text.n < 8 || memcmp(text.p, "https://", 8) != 0))
        return bad(e, text, "does not begin with http:// or https://");
    if (redirect_template_parse(text, v->arena, &template, &sub) != ERR_OK)
        return err_set(e, ERR_PARSE, "%s", sub.text);
    for (size_t i = 0; i < template.count; i++)
        if (!known[template.pieces[i].variable])
            return bad(e, text,
                       "has a variable other than {path} and {query}, as in "
                       "https://origin.example.com{path}{query}");
    return ERR_OK;
}

static bool labels_ok(struct str name)
{
    size_t start = 0;

    if (name.n == 0 || name.n > HOST_MAX)
        return false;
    for (size_t i = 0; i <= name.n; i++) {
        if (i < name.n && name.p[i] != '.') {
            if (!is_letter(name.p[i]) && !is_digit(name.p[i]) && name.p[i] != '-')
                return false;
            continue;
        }
        if (i == start || i - start > LABEL_MAX || name.p[start] == '-' || name.p[i - 1] == '-')
            return false;
        start = i + 1;
    }
    return true;
}

enum err_code value_host_parse(struct arena *arena, struct str text, bool pattern, struct str *out,
                               struct err *e)
{
    struct str name = text;
    struct addr a;
    char *copy;

    if (name.n && name.p[name.n - 1] == '.')
        name.n--;
    if (pattern && name.n > 2 && memcmp(name.p, "*.", 2) == 0)
        name = (struct str){name.p + 2, name.n - 2};
    if (!labels_ok(name))
        return bad(e, text,
                   pattern ? "is not a host name; write video.example.com or \"*.example.com\""
                           : "is not a host name; write video.example.com");
    /* A Host header may hold an address; a name in DNS may not. */
    if ((!pattern || name.p != text.p) && addr_parse(name.p, name.n, &a, NULL) == ERR_OK)
        return bad(e, text, "is an address, not a host name");
    name.n += (size_t)(name.p - text.p);
    copy = arena_strndup(arena, text.p, name.n);
    if (!copy)
        return no_memory(e);
    for (size_t i = 0; i < name.n; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] + ('a' - 'A'));
    *out = (struct str){copy, name.n};
    return ERR_OK;
}

static enum err_code set_authority(const struct value_context *v, struct str text, void *field,
                                   struct err *e)
{
    const char *colon = memchr(text.p, ':', text.n);
    struct str host = {text.p, colon ? (size_t)(colon - text.p) : text.n};
    struct listen_addr at;
    uint64_t port = 1;

    if (text.p[0] == '[' || addr_parse(host.p, host.n, &at.addr, NULL) == ERR_OK) {
        if (addr_port_parse(text.p, text.n, 80, &at.addr, &at.port, NULL) != ERR_OK || !at.port)
            return bad(e, text, "is not an address, nor one with a port");
    } else if (!labels_ok(host) ||
               (colon && (units_integer_parse((struct str){colon + 1, text.n - host.n - 1}, &port,
                                              NULL) != ERR_OK ||
                          port == 0 || port > UINT16_MAX))) {
        return bad(e, text,
                   "is not a host, nor one with a port; write cdn.example.net or "
                   "cdn.example.net:8080");
    }
    return str_keep(v, text, field, e);
}

static enum err_code set_country(const struct value_context *v, struct str text, void *field,
                                 struct err *e)
{
    char lower[2];

    if (text.n != 2 || !is_letter(text.p[0]) || !is_letter(text.p[1]))
        return bad(e, text,
                   "is not a country code; write two letters, as in de (no in quotes: "
                   "\"no\")");
    lower[0] = (char)(text.p[0] | 0x20);
    lower[1] = (char)(text.p[1] | 0x20);
    return str_keep(v, (struct str){lower, 2}, field, e);
}

static enum err_code set_file(const struct value_context *v, struct str text, void *field,
                              struct err *e)
{
    struct str out = {0};

    if (!is_printable(text))
        return bad(e, text, "has control characters; write the path of a file");
    if (text.p[0] == '/' || v->folder.n == 0)
        return str_keep(v, text, field, e);
    while (text.n > 2 && memcmp(text.p, "./", 2) == 0)
        text = (struct str){text.p + 2, text.n - 2};
    out.p = arena_printf(v->arena, "%.*s/%.*s", (int)v->folder.n, v->folder.p, (int)text.n, text.p);
    if (!out.p)
        return no_memory(e);
    out.n = strlen(out.p);
    memcpy(field, &out, sizeof out);
    return ERR_OK;
}

static enum err_code set_log_target(const struct value_context *v, struct str text, void *field,
                                    struct err *e)
{
    if (str_eq(text, STR("off")) || str_eq(text, STR("stdout")))
        return str_keep(v, text, field, e);
    if (!memchr(text.p, '/', text.n)) /* so that a slip of the pen does not become a file */
        return bad(e, text,
                   "is neither off nor stdout nor a file; a file's path has a slash, as in "
                   "./access.log");
    return set_file(v, text, field, e);
}

static enum err_code set_url_path(const struct value_context *v, const struct schema_row *row,
                                  struct str text, void *field, struct err *e)
{
    char show[TEXT_QUOTE_MAX];

    if (text.p[0] != '/')
        return err_set(e, ERR_PARSE, "\"%s\" does not begin with /; write a path as in /vod/",
                       text_quote(text, show));
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= 0x20 || text.p[i] >= 0x7f || text.p[i] == '#')
            return bad(e, text,
                       "has a character that a path cannot have; write it percent-encoded, as %20");
    if ((double)text.n > row->max)
        return err_set(e, ERR_PARSE, "\"%s\" has %zu bytes, at most %.0f", text_quote(text, show),
                       text.n, row->max);
    return str_keep(v, text, field, e);
}

/* Addresses */

static enum err_code set_address(const struct schema_row *row, struct str text, void *field,
                                 struct err *e)
{
    const bool want_v4 = row->type == SCHEMA_IPV4;
    struct addr a;

    if (addr_parse(text.p, text.n, &a, NULL) != ERR_OK)
        return bad(e, text,
                   want_v4 ? "is not an IPv4 address; write it as in 192.0.2.10"
                           : "is not an IPv6 address; write it as in \"2001:db8::10\"");
    if (addr_is_v4(a) != want_v4)
        return bad(e, text,
                   want_v4 ? "is an IPv6 address; write it under ipv6"
                           : "is an IPv4 address; write it under ipv4");
    if ((a.hi == 0 && a.lo == 0) || (want_v4 && (addr_v4(a) == 0 || addr_v4(a) >= 0xe0000000)) ||
        a.hi >> 56 == 0xff)
        return bad(e, text, "is not the address of one host");
    memcpy(field, &a, sizeof a);
    return ERR_OK;
}

static enum err_code set_listen(const struct value_context *v, struct str text, void *field,
                                struct err *e)
{
    struct listen_conf l = {0};
    enum err_code rc;

    if (addr_port_parse(text.p, text.n, 0, &l.at.addr, &l.at.port, NULL) != ERR_OK)
        return bad(e, text,
                   "is not an address with a port; write 127.0.0.1:80 or \"[::1]:80\", the port "
                   "at most 65535");
    rc = str_keep(v, text, &l.name, e);
    if (rc == ERR_OK)
        memcpy(field, &l, sizeof l);
    return rc;
}

static enum err_code set_prefix(struct str text, void *field, struct err *e)
{
    char show[TEXT_QUOTE_MAX], right[PREFIX_TEXT_MAX];
    const char *slash = memchr(text.p, '/', text.n);
    struct prefix p;
    struct addr a;

    if (prefix_parse(text.p, text.n, &p, NULL) != ERR_OK)
        return bad(e, text, "is not a prefix; write 10.0.0.0/8 or \"2001:db8::/32\"");
    if (slash && addr_parse(text.p, (size_t)(slash - text.p), &a, NULL) == ERR_OK &&
        !addr_eq(a, p.addr))
        return err_set(e, ERR_PARSE, "\"%s\" has bits set behind its length; write %s",
                       text_quote(text, show), prefix_format(p, right));
    memcpy(field, &p, sizeof p);
    return ERR_OK;
}

static enum err_code set_status(const struct schema_row *row, struct str text, void *field,
                                struct err *e)
{
    const char *dash = memchr(text.p, '-', text.n);
    const size_t first_n = dash ? (size_t)(dash - text.p) : text.n;
    uint64_t lo = 0, hi = 0;
    bool ok = units_integer_parse((struct str){text.p, first_n}, &lo, NULL) == ERR_OK;
    uint16_t range[2];

    hi = lo;
    if (ok && dash)
        ok = units_integer_parse((struct str){dash + 1, text.n - first_n - 1}, &hi, NULL) == ERR_OK;
    if (!ok || lo > hi || (double)lo < row->min || (double)hi > row->max)
        return bad(e, text, "is not a range of HTTP status; write 200 or 200-399");
    range[0] = (uint16_t)lo;
    range[1] = (uint16_t)hi;
    memcpy(field, range, sizeof range);
    return ERR_OK;
}

static int hex_digit(char c)
{
    return is_digit(c)            ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static enum err_code set_info_hash(struct str text, void *field, struct err *e)
{
    uint8_t hash[INFO_HASH_LEN];

    for (size_t i = 0; i < INFO_HASH_LEN; i++) {
        int hi = text.n == sizeof hash * 2 ? hex_digit(text.p[2 * i]) : -1;
        int lo = hi >= 0 ? hex_digit(text.p[2 * i + 1]) : -1;

        if (lo < 0)
            return bad(e, text, "is not an info-hash; write its 40 hexadecimal digits");
        hash[i] = (uint8_t)(hi << 4 | lo);
    }
    memcpy(field, hash, sizeof hash);
    return ERR_OK;
}

enum err_code value_set(const struct value_context *v, const struct schema_row *row,
                        struct str text, void *field, struct err *e)
{
    if (text.n && memchr(text.p, '\0', text.n))
        return bad(e, text, "has a NUL in it");
    if (text.n == 0)
        return err_set(e, ERR_PARSE, "is empty; write %s, or leave the key out",
                       schema_type_name(row));
    switch (row->type) {
    case SCHEMA_BOOL:
        return set_bool(text, field, e);
    case SCHEMA_NUMBER:
    case SCHEMA_SHARE:
    case SCHEMA_RATE:
        return set_real(row, text, field, e);
    case SCHEMA_CAPACITY:
        return set_capacity(row, text, field, e);
    case SCHEMA_WORD:
        return set_word(row, text, field, e);
    case SCHEMA_TEXT:
        return set_text(v, row, text, field, e);
    case SCHEMA_REGEX:
        return set_regex(v, row, text, field, e);
    case SCHEMA_LOCATION:
        return set_location(v, row, text, field, e);
    case SCHEMA_URL:
        return set_url(v, row, text, field, e);
    case SCHEMA_AUTHORITY:
        return set_authority(v, text, field, e);
    case SCHEMA_COUNTRY:
        return set_country(v, text, field, e);
    case SCHEMA_NAME:
        return set_name(v, text, field, e);
    case SCHEMA_ACCOUNT:
        return set_account(v, text, field, e);
    case SCHEMA_HOST:
    case SCHEMA_HOST_PATTERN:
        return value_host_parse(v->arena, text, row->type == SCHEMA_HOST_PATTERN, field, e);
    case SCHEMA_PID:
        return set_pid(v, text, field, e);
    case SCHEMA_FILE:
        return set_file(v, text, field, e);
    case SCHEMA_LOG_TARGET:
        return set_log_target(v, text, field, e);
    case SCHEMA_URL_PATH:
        return set_url_path(v, row, text, field, e);
    case SCHEMA_IPV4:
    case SCHEMA_IPV6:
        return set_address(row, text, field, e);
    case SCHEMA_LISTEN:
        return set_listen(v, text, field, e);
    case SCHEMA_PREFIX:
        return set_prefix(text, field, e);
    case SCHEMA_STATUS:
        return set_status(row, text, field, e);
    case SCHEMA_INFO_HASH:
        return set_info_hash(text, field, e);
    default:
        return set_whole(row, text, field, e);
    }
}
