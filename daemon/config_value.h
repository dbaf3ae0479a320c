/* One value of the configuration: text of the file into a field, by its row of the schema. */
#pragma once

#include "base/arena.h"
#include "daemon/config_schema.h"

struct value_context {
    struct arena *arena;
    struct str folder; /* of the configuration; relative files are made absolute against it */
};

/* The folder of path, absolute where the system can tell, without a slash at the end. false: the
 * arena is full. */
bool config_folder(struct arena *a, const char *path, struct str *out) MUST_CHECK;

/* Checks text against row and writes the field (row->size bytes; of a list, one item). ERR_PARSE
 * with a sentence without the key's path: "\"30x\" is not a duration; write 30s, 5m or 1h". A name
 * that is no name is kept all the same, so that what refers to it is not an error on top.
 * ERR_LIMIT: the arena is full. */
enum err_code value_set(const struct value_context *v, const struct schema_row *row,
                        struct str text, void *field, struct err *e) MUST_CHECK;

/* A DNS name in lower case without its trailing dot; pattern: "*." may stand in front. In arena. */
enum err_code value_host_parse(struct arena *arena, struct str text, bool pattern, struct str *out,
                               struct err *e) MUST_CHECK;

/* What a value may be, beyond its type: "from 1s to 7d", "one of info, debug", "" for no limit that
 * is worth a word. out holds VALUE_RANGE_MAX. Returns out. */
#define VALUE_RANGE_MAX 160
char *value_range_format(const struct schema_row *row, char *out);
