/* Checked reading over jansson: for requests, properties and configuration-sized JSON. Every error
 * carries the path of the member. Maps are read by json_push instead. json_t never leaves the
 * function that parsed it. */
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

/* Position in a document: parent and the key or index below it; lives on the caller's stack, at
 * least as long as what is below it. The root is {.value = document}. */
struct jsonin {
    const struct jsonin *up;
    const char *key; /* NULL: an array's item, index */
    size_t index;
    const json_t *value;
};

#define JSONIN_DEPTH_MAX 64

/* Parses n bytes strictly (RFC 8259: no duplicate keys, no trailing text, UTF-8). The caller
 * json_decref()s *out. */
enum err_code jsonin_load(const char *text, size_t n, json_t **out, struct err *e) MUST_CHECK;

/* "network-map.PID1.ipv4[3]" into out. */
char *jsonin_path(const struct jsonin *at, char *out, size_t size);

/* err_set with the path of `at` in front. */
enum err_code jsonin_error(const struct jsonin *at, struct err *e, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
#ifdef __clang_analyzer__
#define jsonin_error(...) err_failed(jsonin_error(__VA_ARGS__)) /* base/err.h says why */
#endif

/* The member `key` of an object, by kind; key NULL takes `in` itself, as for an array's item.
 * ERR_PARSE when it is missing or of another kind; *out is then untouched. Strings are borrowed
 * from the document. An integer may be written 1.0 or 1e3, as JSON has one kind of number. */
enum err_code jsonin_object(const struct jsonin *in, const char *key, struct jsonin *out,
                            struct err *e) MUST_CHECK;
enum err_code jsonin_array(const struct jsonin *in, const char *key, struct jsonin *out,
                           struct err *e) MUST_CHECK;
enum err_code jsonin_string(const struct jsonin *in, const char *key, struct str *out,
                            struct err *e) MUST_CHECK;
enum err_code jsonin_number(const struct jsonin *in, const char *key, double *out,
                            struct err *e) MUST_CHECK;
enum err_code jsonin_integer(const struct jsonin *in, const char *key, int64_t min, int64_t max,
                             int64_t *out, struct err *e) MUST_CHECK;
enum err_code jsonin_bool(const struct jsonin *in, const char *key, bool *out,
                          struct err *e) MUST_CHECK;
/* Items of an array; index below jsonin_count. */
size_t jsonin_count(const struct jsonin *array);
struct jsonin jsonin_item(const struct jsonin *array, size_t index);
/* true when the object has the key, whatever its kind. */
bool jsonin_has(const struct jsonin *in, const char *key);
