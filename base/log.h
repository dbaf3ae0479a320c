/* The program's own log: one line an event, "time level key=value ...", to standard error. error:
 * someone must act. warn: degraded and still serving. info: state changed. debug: a request, off by
 * default. */
#pragma once

#include <stdint.h>

#include "base/attr.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

/* Once, before threads start. */
void log_setup(enum log_level level, enum log_format format);

/* fmt gives "event=view.published serial=42 path=%s"; a value with spaces, quotes or control
 * characters goes through log_quote. One write(2) a line; control characters never reach the output
 * raw. */
void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* "text" in double quotes, with \" \\ and \xNN, cut at size. Returns out. */
char *log_quote(const char *text, char *out, unsigned size);
