#include "alto/calendar_read.h"

#include <math.h>
#include <string.h>

#include "alto/vtag_read.h"
#include "base/http_date.h"

#define INTERVAL_MIN 0.001
#define INTERVAL_MAX 1e10 /* three centuries */
#define REPEATED_MAX 1e15 /* doubles hold such an integer exactly */

static const char start_key[] = "calendar-start-time", interval_key[] = "time-interval-size",
                  slots_key[] = "number-of-intervals", repeated_key[] = "repeated";

static enum err_code on_key(struct calendar_read *r, struct json_push *j, struct str key,
                            struct err *e)
{
    const struct {
        const char *name;
        bool *seen;
    } members[] = {{start_key, &r->has_start},
                   {interval_key, &r->has_interval},
                   {slots_key, &r->has_slots},
                   {repeated_key, &r->has_repeated}};

    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (str_eq(key, str_from(members[i].name))) {
            r->member = members[i].name;
            return vtag_read_once(members[i].seen, key, e);
        }
    json_push_skip(j); /* RFC 7285 section 8.3.7: unknown members are ignored */
    return ERR_OK;
}

static enum err_code on_end(struct calendar_read *r, struct err *e)
{
    const char *missing = !r->has_start      ? start_key
                          : !r->has_interval ? interval_key
                          : !r->has_slots    ? slots_key
                                             : NULL;

    r->member = NULL;
    if (missing)
        return err_set(e, ERR_PARSE, "\"%s\" is missing", missing);
    if (!r->has_repeated)
        r->calendar.repeated = 1;
    return ERR_OK;
}

static enum err_code on_date(struct calendar_read *r, const struct json_event *ev, struct err *e)
{
    enum err_code rc = vtag_read_expect(ev, JSON_PUSH_STRING, e);
    uint64_t s = 0;

    if (rc == ERR_OK)
        rc = http_date_parse(ev->text, &s, e);
    r->calendar.start_ms = s * 1000;
    return rc;
}

/* An integer of 1 and more. */
static enum err_code read_count(const struct json_event *ev, uint64_t *out, struct err *e)
{
    if (ev->number < 1 || ev->number != trunc(ev->number) || ev->number > REPEATED_MAX)
        return err_set(e, ERR_PARSE, "%.*s is not an integer of 1 and more",
                       ev->text.n > 40 ? 40 : (int)ev->text.n, ev->text.p);
    *out = (uint64_t)ev->number;
    return ERR_OK;
}

static enum err_code on_number(struct calendar_read *r, const struct json_event *ev, struct err *e)
{
    enum err_code rc = vtag_read_expect(ev, JSON_PUSH_NUMBER, e);
    uint64_t slots = 0;

    if (rc != ERR_OK)
        return rc;
    if (r->member == repeated_key)
        return read_count(ev, &r->calendar.repeated, e);
    if (r->member == interval_key) {
        if (ev->number <= 0)
            return err_set(e, ERR_PARSE, "%.*s: an interval lasts more than 0 seconds",
                           ev->text.n > 40 ? 40 : (int)ev->text.n, ev->text.p);
        if (ev->number < INTERVAL_MIN || ev->number > INTERVAL_MAX)
            return err_set(e, ERR_LIMIT, "%g s is not between a millisecond and %g s", ev->number,
                           INTERVAL_MAX);
        r->calendar.interval_s = ev->number;
        return ERR_OK;
    }
    rc = read_count(ev, &slots, e);
    if (rc == ERR_OK && slots > COSTMAP_SLOTS_MAX)
        return err_set(e, ERR_LIMIT, "%llu intervals, at most %u", (unsigned long long)slots,
                       COSTMAP_SLOTS_MAX);
    r->calendar.slots = (uint32_t)slots;
    return rc;
}

enum err_code calendar_read_event(struct calendar_read *r, struct json_push *j,
                                  const struct json_event *ev, struct err *e)
{
    if (ev->kind == JSON_PUSH_KEY)
        return on_key(r, j, ev->text, e);
    if (ev->kind == JSON_PUSH_OBJECT_END)
        return on_end(r, e);
    return r->member == start_key ? on_date(r, ev, e) : on_number(r, ev, e);
}

void calendar_write_members(struct json_write *w, const struct costmap_calendar *cal)
{
    char date[HTTP_DATE_SIZE];

    http_date_format(cal->start_ms / 1000, date);
    json_write_key(w, str_from(start_key));
    json_write_string(w, str_from(date));
    json_write_key(w, str_from(interval_key));
    json_write_number(w, cal->interval_s);
    json_write_key(w, str_from(slots_key));
    json_write_uint(w, cal->slots);
    if (cal->repeated > 1) {
        json_write_key(w, str_from(repeated_key));
        json_write_uint(w, cal->repeated);
    }
}

void calendar_write(struct json_write *w, const struct costmap_calendar *cal)
{
    json_write_object(w);
    calendar_write_members(w, cal);
    json_write_object_end(w);
}
