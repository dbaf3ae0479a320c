#include "tracker/announce_query.h"

#include <stdlib.h>
#include <string.h>

#include "base/query.h"

enum param {
    PARAM_COMPACT,
    PARAM_DOWNLOADED,
    PARAM_EVENT,
    PARAM_INFO_HASH,
    PARAM_IP,
    PARAM_LEFT,
    PARAM_NO_PEER_ID,
    PARAM_NUMWANT,
    PARAM_PEER_ID,
    PARAM_PORT,
    PARAM_UPLOADED,
    PARAMS
};

static const char *const param_names[PARAMS] = {"compact", "downloaded", "event",      "info_hash",
                                                "ip",      "left",       "no_peer_id", "numwant",
                                                "peer_id", "port",       "uploaded"};

static const char *const event_names[ANNOUNCE_EVENTS] = {
    [ANNOUNCE_NONE] = "",           [ANNOUNCE_COMPLETED] = "completed",
    [ANNOUNCE_STARTED] = "started", [ANNOUNCE_STOPPED] = "stopped",
    [ANNOUNCE_PAUSED] = "paused",
};

static unsigned param_find(struct str name)
{
    unsigned i = 0;

    while (i < PARAMS && !str_eq(name, str_from(param_names[i])))
        i++;
    return i;
}

/* Exactly 20 bytes, any of them percent-encoded. */
static enum err_code hash_read(struct str value, const char *name, uint8_t *out, struct err *e)
{
    char bytes[INFO_HASH_LEN];
    size_t n = 0;

    if (!percent_decode(value, false, bytes, sizeof bytes, &n) || n != sizeof bytes)
        return err_set(e, ERR_PARSE, "%s: not 20 bytes, percent-encoded", name);
    memcpy(out, bytes, sizeof bytes);
    return ERR_OK;
}

static enum err_code number_read(struct str value, const char *name, uint64_t max, uint64_t *out,
                                 struct err *e)
{
    uint64_t x = 0;

    if (value.n && value.p[0] == '-')
        return err_set(e, ERR_PARSE, "%s: negative, a number from 0 would be right", name);
    if (value.n == 0 || value.n > 20)
        return err_set(e, ERR_PARSE, "%s: not a number of 1 to 20 digits", name);
    for (size_t i = 0; i < value.n; i++) {
        unsigned digit = (unsigned)(unsigned char)value.p[i] - '0';

        if (digit > 9)
            return err_set(e, ERR_PARSE, "%s: not a decimal number", name);
        if (__builtin_mul_overflow(x, 10, &x) || __builtin_add_overflow(x, digit, &x))
            x = UINT64_MAX;
    }
    if (x > max)
        return err_set(e, ERR_PARSE, "%s: too large, %llu is the most", name,
                       (unsigned long long)max);
    *out = x;
    return ERR_OK;
}

static enum err_code event_read(struct str value, enum announce_event *out, struct err *e)
{
    for (unsigned i = 0; i < ANNOUNCE_EVENTS; i++)
        if (str_eq(value, str_from(event_names[i]))) {
            *out = (enum announce_event)i;
            return ERR_OK;
        }
    return err_set(e, ERR_PARSE, "event: unknown; started, completed, stopped or paused");
}

static enum err_code flag_read(struct str value, const char *name, bool *out, struct err *e)
{
    if (value.n != 1 || (value.p[0] != '0' && value.p[0] != '1'))
        return err_set(e, ERR_PARSE, "%s: neither 0 nor 1", name);
    *out = value.p[0] == '1';
    return ERR_OK;
}

static enum err_code ip_read(struct str value, struct announce_query *out, struct err *e)
{
    char text[ADDR_TEXT_MAX];
    size_t n;

    if (!percent_decode(value, false, text, sizeof text, &n) ||
        addr_parse(text, n, &out->ip, NULL) != ERR_OK)
        return err_set(e, ERR_PARSE, "ip: not an IPv4 or IPv6 address");
    out->has_ip = true;
    return ERR_OK;
}

static enum err_code param_read(enum param p, struct str value, struct announce_query *out,
                                struct err *e)
{
    const char *name = param_names[p];
    uint8_t unused_id[PEER_ID_LEN];
    uint64_t x = 0;
    bool unused_flag;
    enum err_code rc;

    switch (p) {
    case PARAM_INFO_HASH:
        return hash_read(value, name, out->info_hash, e);
    case PARAM_PEER_ID:
        return hash_read(value, name, unused_id, e);
    case PARAM_PORT:
        rc = number_read(value, name, UINT16_MAX, &x, e);
        if (rc == ERR_OK && x == 0)
            rc = err_set(e, ERR_PARSE, "port: 0, 1 to 65535 would be right");
        out->port = (uint16_t)x;
        return rc;
    case PARAM_LEFT:
        return number_read(value, name, UINT64_MAX, &out->left, e);
    case PARAM_UPLOADED:
    case PARAM_DOWNLOADED:
        return number_read(value, name, UINT64_MAX, &x, e);
    case PARAM_NUMWANT:
        if (str_eq(value, STR("-1"))) /* as over UDP: the tracker's choice */
            return ERR_OK;
        rc = number_read(value, name, INT32_MAX, &x, e);
        out->want = (int64_t)x;
        return rc;
    case PARAM_EVENT:
        return event_read(value, &out->event, e);
    case PARAM_COMPACT:
        return flag_read(value, name, &out->compact, e);
    case PARAM_NO_PEER_ID:
        return flag_read(value, name, &unused_flag, e);
    default:
        return ip_read(value, out, e);
    }
}

enum err_code announce_query_parse(struct str query, struct announce_query *out, struct err *e)
{
    static const enum param needed[] = {PARAM_INFO_HASH, PARAM_PEER_ID, PARAM_PORT, PARAM_LEFT};
    struct announce_query q = {.want = -1, .compact = true};
    struct str name, value;
    unsigned seen = 0;

    while (query_next(&query, &name, &value)) {
        unsigned p = param_find(name);

        if (p == PARAMS)
            continue;
        if (seen & 1u << p)
            return err_set(e, ERR_PARSE, "%s: there twice", param_names[p]);
        seen |= 1u << p;
        if (param_read((enum param)p, value, &q, e) != ERR_OK)
            return ERR_PARSE;
    }
    for (unsigned i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!(seen & 1u << needed[i]))
            return err_set(e, ERR_PARSE, "%s: missing", param_names[needed[i]]);
    *out = q;
    return ERR_OK;
}

static int hash_cmp(const void *a, const void *b)
{
    return memcmp(a, b, INFO_HASH_LEN);
}

enum err_code scrape_query_parse(struct str query, uint8_t (*out)[INFO_HASH_LEN], unsigned *n,
                                 struct err *e)
{
    struct str name, value;
    unsigned count = 0, kept = 0;

    while (query_next(&query, &name, &value)) {
        if (!str_eq(name, STR("info_hash")))
            continue;
        if (count == SCRAPE_MAX)
            return err_set(e, ERR_LIMIT, "info_hash: more than %d in one scrape", SCRAPE_MAX);
        if (hash_read(value, "info_hash", out[count], e) != ERR_OK)
            return ERR_PARSE;
        count++;
    }
    if (count == 0)
        return err_set(e, ERR_PARSE, "info_hash: missing; a scrape of everything is not to be had");
    qsort(out, count, INFO_HASH_LEN, hash_cmp);
    for (unsigned i = 0; i < count; i++)
        if (kept == 0 || memcmp(out[kept - 1], out[i], INFO_HASH_LEN) != 0)
            memmove(out[kept++], out[i], INFO_HASH_LEN);
    *n = kept;
    return ERR_OK;
}
