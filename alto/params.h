/* Reading the bodies of requests with the protocol's own errors (RFC 7285 section 8.5.2): a member
 * that is absent, of another type or of another value gives the one error that the RFC wants, with
 * its path. Unknown members are ignored (section 8.3.7). */
#pragma once

#include <jansson.h>

#include "alto/alto_error.h"

#define PARAMS_DEPTH_MAX 32u

/* An object of the request and its path: "" for the whole, "cost-type" below it. */
struct params {
    const json_t *object;
    const char *path; /* "/"-joined; lives as long as what is read below it */
    struct arena *arena;
    struct alto_error *e;
};

/* The body as a tree, which the caller json_decref()s. Not JSON, not UTF-8, a member twice, too
 * deep: E_SYNTAX with line and column; not an object: E_INVALID_FIELD_TYPE without a field. */
bool params_load(struct str body, json_t **out, struct alto_error *e) MUST_CHECK;

/* What is asked for but not there: *out empty and true when it need not be, else E_MISSING_FIELD.
 * Of another type: E_INVALID_FIELD_TYPE. null counts as another type. */
bool params_object(const struct params *in, const char *key, bool required, struct params *out,
                   bool *there) MUST_CHECK;
bool params_string(const struct params *in, const char *key, bool required,
                   struct str *out) MUST_CHECK; /* absent: p NULL */
bool params_bool(const struct params *in, const char *key,
                 bool *out) MUST_CHECK; /* absent: as is */
/* An array of strings, each once, in the order of their first; an item of another type is
 * E_INVALID_FIELD_VALUE with the array's name and the item as a string. Absent: p NULL, n 0. */
struct str_list {
    const struct str *p; /* borrowed from the document, in the arena */
    size_t n;
};
bool params_strings(const struct params *in, const char *key, bool required,
                    struct str_list *out) MUST_CHECK;
/* The array itself, for items of other kinds. *out NULL when it is absent. */
bool params_array(const struct params *in, const char *key, bool required,
                  const json_t **out) MUST_CHECK;

/* The path of a member: "cost-type/cost-metric", in the arena. */
const char *params_path(const struct params *in, const char *key);
/* A JSON value as the string that meta.value wants: text of a string, else JSON; in the arena. */
struct str params_value(const struct params *in, const json_t *v);
