/* A JSON value as text in one form: no white space, members sorted by name, numbers as the shortest
 * text of their double, so that equal values are equal texts. */
#pragma once

#include <jansson.h>

#include "base/json_write.h"

#define JSON_VALUE_MAX ((size_t)64 << 10) /* of one value */

/* ERR_PARSE: not one JSON value, a member twice; ERR_LIMIT: JSON_VALUE_MAX, JSON_WRITE_DEPTH_MAX,
 * or out is full. What it adds to out is undone then. */
enum err_code json_value_canon(struct str text, struct bytes *out, struct err *e) MUST_CHECK;
/* The same of a tree. */
enum err_code json_value_canon_tree(const json_t *v, struct bytes *out, struct err *e) MUST_CHECK;
