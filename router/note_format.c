/* A note as one line of the access log. Written by hand into a reserved buffer: a busy daemon makes
 * a hundred thousand of these a second, and printf would cost more than the answer did. */
#include "router/note.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "router/route.h"

/* Keys, numbers, and every byte of a text as "\u00ff". */
#define NOTE_LINE_MAX                                                                              \
    (512 + ADDR_TEXT_MAX +                                                                         \
     6 * (sizeof((struct note *)0)->service + sizeof((struct note *)0)->pid +                      \
          sizeof((struct note *)0)->streamer + NOTE_NAME_MAX))

static const char *const kind_names[] = {
    [NOTE_HTTP] = "http", [NOTE_DNS] = "dns", [NOTE_TRACKER] = "tracker"};

static const char hex[] = "0123456789abcdef";

struct out {
    char *at;
    bool json;
    bool first;
};

static void put(struct out *o, const char *p, size_t n)
{
    memcpy(o->at, p, n);
    o->at += n;
}

static void put_key(struct out *o, struct str key)
{
    if (!o->first)
        *o->at++ = o->json ? ',' : ' ';
    o->first = false;
    if (o->json)
        *o->at++ = '"';
    put(o, key.p, key.n);
    if (o->json)
        *o->at++ = '"';
    *o->at++ = o->json ? ':' : '=';
}

static void put_none(struct out *o)
{
    put(o, o->json ? "null" : "-", o->json ? 4 : 1);
}

/* A word of ours: needs no escape. */
static void put_word(struct out *o, struct str key, const char *word)
{
    put_key(o, key);
    if (o->json)
        *o->at++ = '"';
    put(o, word, strlen(word));
    if (o->json)
        *o->at++ = '"';
}

static void put_number(struct out *o, struct str key, uint64_t n)
{
    char text[20];
    size_t i = sizeof text;

    do
        text[--i] = (char)('0' + n % 10);
    while (n /= 10);
    put_key(o, key);
    put(o, text + i, sizeof text - i);
}

static void put_cost(struct out *o, struct str key, float cost)
{
    char text[32];

    if (!isfinite(cost)) {
        put_key(o, key);
        put_none(o);
    } else if (cost >= 0 && cost < 1e9F && cost == truncf(cost)) {
        put_number(o, key, (uint64_t)cost);
    } else {
        put_key(o, key);
        put(o, text, (size_t)snprintf(text, sizeof text, "%.7g", (double)cost));
    }
}

/* The first byte that is escaped: what JSON does, and DEL. */
static const char *plain(const char *p, const char *end)
{
    const char *stop = json_text_plain(p, end);
    const char *del = memchr(p, 0x7f, (size_t)(stop - p));

    return del ? del : stop;
}

static void put_escaped(struct out *o, unsigned char c)
{
    if (c == '"' || c == '\\') {
        *o->at++ = '\\';
        *o->at++ = (char)c;
        return;
    }
    put(o, o->json ? "\\u00" : "\\x", o->json ? 4 : 2);
    *o->at++ = hex[c >> 4];
    *o->at++ = hex[c & 15];
}

/* Text that a peer or a file gave. JSON: byte b outside printable ASCII is the character U+00bb, so
 * that nothing is lost and every byte string is valid. logfmt: quoted where a reader would stumble,
 * such bytes as \xbb. No text at all is null or a bare -. */
static void put_text(struct out *o, struct str key, const char *p, size_t n)
{
    const char *const end = p + n;
    bool quote = o->json;

    put_key(o, key);
    if (n == 0) {
        put_none(o);
        return;
    }
    if (!quote)
        quote = plain(p, end) < end || memchr(p, ' ', n) || memchr(p, '=', n) ||
                (n == 1 && p[0] == '-');
    if (quote)
        *o->at++ = '"';
    while (p < end) {
        const char *stop = plain(p, end);

        put(o, p, (size_t)(stop - p));
        if (stop < end)
            put_escaped(o, (unsigned char)*stop++);
        p = stop;
    }
    if (quote)
        *o->at++ = '"';
}

static void put_name(struct out *o, const struct note *n)
{
    char text[2 * INFO_HASH_LEN];
    size_t len = n->name_len < NOTE_NAME_MAX ? n->name_len : NOTE_NAME_MAX;

    if (n->kind != NOTE_TRACKER || len != INFO_HASH_LEN) {
        put_text(o, STR("name"), n->name, len);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = hex[(unsigned char)n->name[i] >> 4];
        text[2 * i + 1] = hex[(unsigned char)n->name[i] & 15];
    }
    put_text(o, STR("name"), text, sizeof text);
}

bool note_format(const struct note *n, enum note_format format, struct bytes *out)
{
    struct out o = {.json = format == NOTE_JSON, .first = true};
    char text[CLOCK_TEXT_MAX > ADDR_TEXT_MAX ? CLOCK_TEXT_MAX : ADDR_TEXT_MAX];

    if (!bytes_reserve(out, NOTE_LINE_MAX))
        return false;
    o.at = out->data + out->len;
    if (o.json)
        *o.at++ = '{';
    put_word(&o, STR("time"), clock_format(n->wall_ms, text));
    put_word(&o, STR("kind"), n->kind <= NOTE_TRACKER ? kind_names[n->kind] : "unknown");
    put_word(&o, STR("client"), addr_format(n->client, text));
    put_name(&o, n);
    put_text(&o, STR("service"), n->service, strnlen(n->service, sizeof n->service));
    put_number(&o, STR("status"), n->status);
    put_word(&o, STR("why"), n->why < WHY_COUNT ? why_name((enum why)n->why) : "unknown");
    if (n->to == 0 || n->to > ROUTE_TO_COUNT) {
        put_key(&o, STR("to"));
        put_none(&o);
    } else {
        put_word(&o, STR("to"), route_to_name((enum route_to)(n->to - 1)));
    }
    put_text(&o, STR("pid"), n->pid, strnlen(n->pid, sizeof n->pid));
    put_text(&o, STR("streamer"), n->streamer, strnlen(n->streamer, sizeof n->streamer));
    put_cost(&o, STR("cost"), n->cost);
    put_number(&o, STR("serial"), n->serial);
    put_number(&o, STR("us"), n->took_us);
    if (o.json)
        *o.at++ = '}';
    *o.at++ = '\n';
    out->len = (size_t)(o.at - out->data);
    return true;
}
