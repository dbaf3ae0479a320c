#include "alto/sse_write.h"

#include <string.h>

bool sse_write_head(struct bytes *out, struct str media_type, struct str data_id)
{
    return bytes_add(out, "event: ", 7) && bytes_add(out, media_type.p, media_type.n) &&
           (!data_id.n || (bytes_add(out, ",", 1) && bytes_add(out, data_id.p, data_id.n))) &&
           bytes_add(out, "\n", 1);
}

/* Where the next line of a text that goes on for n bytes ends: behind a comma if it must be cut,
 * else at a line end or at n. No comma in the length of a line: at the next one. Lines begin
 * outside strings, since JSON has no raw line end in one. */
static size_t line_length(const char *p, size_t n)
{
    const size_t max = SSE_LINE_MAX - 7; /* "data: " and the line feed */
    bool in_string = false;
    size_t cut = 0;

    for (size_t i = 0; i < n; i++) {
        if (i >= max && cut)
            return cut;
        if (p[i] == '\n' || p[i] == '\r')
            return i;
        if (in_string && p[i] == '\\' && i + 1 < n)
            i++;
        else if (p[i] == '"')
            in_string = !in_string;
        else if (p[i] == ',' && !in_string)
            cut = i + 1;
    }
    return n <= max || !cut ? n : cut;
}

bool sse_write_data(struct bytes *out, struct str json)
{
    bool good = true;

    for (size_t at = 0; good && at < json.n;) {
        const char *p = json.p + at;
        size_t n = line_length(p, json.n - at);

        good = bytes_add(out, "data: ", 6) && bytes_add(out, p, n) && bytes_add(out, "\n", 1);
        at += n;
        if (at < json.n && json.p[at] == '\r')
            at++;
        if (at < json.n && json.p[at] == '\n')
            at++;
    }
    return good;
}

bool sse_write_end(struct bytes *out)
{
    return bytes_add(out, "\n", 1);
}

bool sse_write_event(struct bytes *out, struct str media_type, struct str data_id, struct str json)
{
    return sse_write_head(out, media_type, data_id) && sse_write_data(out, json) &&
           sse_write_end(out);
}
