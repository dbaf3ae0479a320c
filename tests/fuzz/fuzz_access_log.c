/* A line of an access log either gives one error with a text, or a note that is within its bounds
 * and that is the same again when it is written, in either format, and read back. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/access_log_read.h"
#include "router/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_of_all, const char *what)
{
    if (true_of_all)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static bool same_cost(float a, float b)
{
    return (isnan(a) && isnan(b)) || fabsf(a - b) <= 1e-6F * fabsf(a) + 1e-44F;
}

static void check_bounds(const struct note *n)
{
    must(n->name_len <= NOTE_NAME_MAX && n->kind <= NOTE_TRACKER, "name or kind");
    must(n->why < WHY_COUNT && n->to <= ROUTE_TO_COUNT, "why or to");
    must(memchr(n->service, 0, sizeof n->service) && memchr(n->pid, 0, sizeof n->pid) &&
             memchr(n->streamer, 0, sizeof n->streamer),
         "a name without an end");
    must(isnan(n->cost) || isfinite(n->cost), "cost");
}

static void check_again(const struct note *n, enum note_format format)
{
    struct bytes line = {0};
    struct err e = {0};
    struct note back;

    must(note_format(n, format, &line), "no memory");
    must(access_line_parse(line.data, line.len - 1, &back, &e) == ERR_OK, e.text);
    must(n->wall_ms == back.wall_ms && n->serial == back.serial && n->took_us == back.took_us &&
             n->status == back.status && n->kind == back.kind && n->why == back.why &&
             n->to == back.to && addr_eq(n->client, back.client) && same_cost(n->cost, back.cost),
         "a number is another");
    must(strcmp(n->service, back.service) == 0 && strcmp(n->pid, back.pid) == 0 &&
             strcmp(n->streamer, back.streamer) == 0,
         "a name is another");
    /* An info-hash of twenty bytes is written as hex, which is what the log of a tracker has. */
    if (n->kind != NOTE_TRACKER || n->name_len != INFO_HASH_LEN)
        must(n->name_len == back.name_len && memcmp(n->name, back.name, n->name_len) == 0,
             "the name is another");
    bytes_free(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {0};
    struct note n;

    if (access_line_parse((const char *)data, size, &n, &e) != ERR_OK) {
        must(e.code == ERR_PARSE && e.text[0], "an error without a text");
        return 0;
    }
    check_bounds(&n);
    check_again(&n, NOTE_LOGFMT);
    check_again(&n, NOTE_JSON);
    return 0;
}
