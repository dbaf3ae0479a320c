/* Reading and writing one CalendarResponseAttributes object (RFC 8896 section 5.1.2) by the events
 * of json_push. */
#pragma once

#include "alto/costmap.h"
#include "base/json_push.h"
#include "base/json_write.h"

/* Start from {0} at the object's beginning. */
struct calendar_read {
    struct costmap_calendar calendar;
    const char *member; /* the last key, for the path of an error */
    bool has_start, has_interval, has_slots, has_repeated;
};

/* One event inside the object, up to and with its end. Cost type names are skipped: they are those
 * of a directory. ERR_PARSE: a member is missing, twice, or not what it should be. ERR_LIMIT: more
 * than COSTMAP_SLOTS_MAX intervals, or intervals under a millisecond. */
enum err_code calendar_read_event(struct calendar_read *r, struct json_push *j,
                                  const struct json_event *ev, struct err *e) MUST_CHECK;

/* The members of such an object, and the whole of it. */
void calendar_write_members(struct json_write *w, const struct costmap_calendar *cal);
void calendar_write(struct json_write *w, const struct costmap_calendar *cal);
