/* How the rows of a schema's table are written: for the files that hold such a table, and no
 * others. */
#pragma once

#include <stddef.h>

#include "daemon/config_schema.h"

#define LIST_MAX 65536u

/* Where a field is: AT(record, member) for one value, MANY(record, items, count) for a list. */
#define AT(record, member)                                                                         \
    .offset = offsetof(struct record, member), .size = sizeof(((struct record *)0)->member)
#define MANY(record, items_member, count_member)                                                   \
    .list = true, .offset = offsetof(struct record, items_member),                                 \
    .count_offset = offsetof(struct record, count_member),                                         \
    .size = sizeof(*((struct record *)0)->items_member), .items_max = LIST_MAX
/* A list that is held in the record itself. */
#define MANY_IN(record, member)                                                                    \
    .list = true, .in_place = true, .offset = offsetof(struct record, member),                     \
    .size = sizeof(((struct record *)0)->member[0]),                                               \
    .items_max = sizeof(((struct record *)0)->member) / sizeof(((struct record *)0)->member[0])
#define RECORDS(record, items_member, count_member, max_items)                                     \
    .type = SCHEMA_RECORDS, .offset = offsetof(struct record, items_member),                       \
    .count_offset = offsetof(struct record, count_member),                                         \
    .size = sizeof(*((struct record *)0)->items_member), .items_max = (max_items)
#define GROUP(record, member) .type = SCHEMA_GROUP, AT(record, member)
/* A group whose rows have their fields in the same record as itself. */
#define GROUP_FLAT .type = SCHEMA_GROUP

#define SECONDS(lo, hi) .type = SCHEMA_SECONDS, .min = (lo), .max = (hi)
#define MILLIS(lo, hi)  .type = SCHEMA_MILLIS, .min = (lo), .max = (hi)
#define COUNT(lo, hi)   .type = SCHEMA_COUNT, .min = (lo), .max = (hi)
#define SIZE(lo, hi)    .type = SCHEMA_SIZE, .min = (lo), .max = (hi)
#define NUMBER(lo, hi)  .type = SCHEMA_NUMBER, .min = (lo), .max = (hi)
#define SHARE(lo, hi)   .type = SCHEMA_SHARE, .min = (lo), .max = (hi)
#define TEXT(lo, hi)    .type = SCHEMA_TEXT, .min = (lo), .max = (hi)
#define WORD(list_of)   .type = SCHEMA_WORD, .words = (list_of)
