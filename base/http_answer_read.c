#include "base/http_answer_read.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* RFC 9110 section 5.6.2 */
static bool is_tchar(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* What may stand in a reason phrase or field value (obs-text too). */
static bool is_text(char c)
{
    return (unsigned char)c >= 0x20 ? c != 0x7f : c == '\t';
}

static enum http_answer_state wrong(struct http_answer *a, const char *why)
{
    a->wrong = why;
    return HTTP_ANSWER_BAD;
}

/* "HTTP/1.x NNN", then a space or the end of the line. */
static enum http_answer_state status_line(struct http_answer *a, char c)
{
    static const char shape[] = "HTTP/1.0 000";
    const uint32_t i = a->line++;
    bool fits;

    if (i < 7 || i == 8)
        fits = c == shape[i];
    else if (i < sizeof shape - 1)
        fits = is_digit(c) && (i != 9 || (c >= '1' && c <= '5'));
    else
        fits = c == ' ' || c == '\r' || c == '\n';
    if (!fits)
        return wrong(a, "not an HTTP/1 answer");
    if (i >= 9 && i < sizeof shape - 1)
        a->status = (uint16_t)(a->status * 10 + (c - '0'));
    if (c == '\r' && i == sizeof shape - 1)
        return HTTP_ANSWER_LF;
    if (c == '\n')
        return HTTP_ANSWER_LINE_START;
    return i == sizeof shape - 1 ? HTTP_ANSWER_REASON : HTTP_ANSWER_STATUS_LINE;
}

/* Inside a reason phrase or a field's value. */
static enum http_answer_state text(struct http_answer *a, char c)
{
    if (c == '\r')
        return HTTP_ANSWER_LF;
    if (c == '\n')
        return HTTP_ANSWER_LINE_START;
    return is_text(c) ? a->state : wrong(a, "a control character in the answer's head");
}

static enum http_answer_state head_end(struct http_answer *a)
{
    if (a->status >= 200 || a->status == 101)
        return HTTP_ANSWER_DONE;
    a->line = 0;
    a->fields = 0;
    a->status = 0;
    a->name_n = 0;
    a->field = HTTP_KEPT;
    memset(a->kept, 0, sizeof a->kept);
    return HTTP_ANSWER_STATUS_LINE;
}

/* Inside a field's name. */
static enum http_answer_state name(struct http_answer *a, char c)
{
    if (!is_tchar(c))
        return wrong(a, "a header line without a colon");
    if (a->name_n < sizeof a->name)
        a->name[a->name_n] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    a->name_n += a->name_n <= sizeof a->name;
    return HTTP_ANSWER_NAME;
}

static void value_add(struct http_answer *a, char c)
{
    struct http_value *v = &a->kept[a->field];

    if (a->leading && (c == ' ' || c == '\t'))
        return;
    a->leading = false;
    if (v->n < HTTP_KEPT_MAX)
        v->text[v->n++] = c;
    else if (c != ' ' && c != '\t')
        v->cut = true;
}

/* Behind a field's colon: is it one of ours? */
static enum http_answer_state colon(struct http_answer *a)
{
    static const struct str names[] = {
        [HTTP_CONTENT_LENGTH] = {"content-length", 14},
        [HTTP_TRANSFER_ENCODING] = {"transfer-encoding", 17},
        [HTTP_CONTENT_ENCODING] = {"content-encoding", 16},
        [HTTP_CONTENT_TYPE] = {"content-type", 12},
        [HTTP_ALLOW_ORIGIN] = {"access-control-allow-origin", 27},
        [HTTP_LOCATION] = {"location", 8},
        [HTTP_ETAG] = {"etag", 4},
        [HTTP_LAST_MODIFIED] = {"last-modified", 13},
        [HTTP_CACHE_CONTROL] = {"cache-control", 13},
        [HTTP_RETRY_AFTER] = {"retry-after", 11},
        [HTTP_DATE] = {"date", 4},
    };

    for (a->field = 0; a->field < HTTP_KEPT; a->field++)
        if (a->name_n == names[a->field].n && memcmp(a->name, names[a->field].p, a->name_n) == 0)
            break;
    if (a->field < HTTP_KEPT) {
        struct http_value *v = &a->kept[a->field];

        while (v->n > 0 && (v->text[v->n - 1] == ' ' || v->text[v->n - 1] == '\t'))
            v->n--;
        if (v->there) {
            value_add(a, ',');
            value_add(a, ' ');
        }
        v->there = true;
        a->leading = true;
    }
    return HTTP_ANSWER_VALUE;
}

static enum http_answer_state line_start(struct http_answer *a, char c)
{
    if (c == '\r')
        return HTTP_ANSWER_LAST_LF;
    if (c == '\n')
        return head_end(a);
    if ((c == ' ' || c == '\t') && a->fields > 0) { /* folded: goes on with the line above */
        if (a->field < HTTP_KEPT)
            value_add(a, ' ');
        return HTTP_ANSWER_VALUE;
    }
    a->fields++;
    a->name_n = 0;
    a->field = HTTP_KEPT;
    return is_tchar(c) ? name(a, c) : wrong(a, "a header line that does not begin with a name");
}

static enum http_answer_state step(struct http_answer *a, char c)
{
    switch (a->state) {
    case HTTP_ANSWER_STATUS_LINE:
        return status_line(a, c);
    case HTTP_ANSWER_VALUE:
        if (a->field < HTTP_KEPT && c != '\r' && c != '\n')
            value_add(a, c);
        return text(a, c);
    case HTTP_ANSWER_REASON:
        return text(a, c);
    case HTTP_ANSWER_LINE_START:
        return line_start(a, c);
    case HTTP_ANSWER_NAME:
        return c == ':' ? colon(a) : name(a, c);
    case HTTP_ANSWER_LF:
        return c == '\n' ? HTTP_ANSWER_LINE_START : wrong(a, "a CR without its LF");
    case HTTP_ANSWER_LAST_LF:
        return c == '\n' ? head_end(a) : wrong(a, "a CR without its LF");
    default:
        return a->state;
    }
}

enum http_answer_state http_answer_feed(struct http_answer *a, const char *p, size_t n)
{
    for (size_t i = 0; i < n && a->state < HTTP_ANSWER_DONE; i++) {
        if (a->seen++ < HTTP_ANSWER_MAX) {
            a->state = step(a, p[i]);
            continue;
        }
        a->cut = a->state > HTTP_ANSWER_STATUS_LINE;
        a->state = a->cut ? HTTP_ANSWER_DONE : wrong(a, "no status line");
    }
    return a->state;
}

enum http_answer_state http_answer_end(struct http_answer *a)
{
    if (a->state < HTTP_ANSWER_DONE)
        a->state =
            wrong(a, a->seen ? "closed inside of the answer's head" : "closed without an answer");
    return a->state;
}

struct str http_answer_value(const struct http_answer *a, enum http_kept k)
{
    struct str v = {a->kept[k].text, a->kept[k].n};

    while (v.n > 0 && (v.p[v.n - 1] == ' ' || v.p[v.n - 1] == '\t'))
        v.n--;
    return v;
}
