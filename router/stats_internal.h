/* What the readers of the formats share. Their errors say what is wrong; who walks the lines puts
 * the line in front. */
#pragma once

#include "router/stats.h"

struct stats_page {
    const char *at, *end; /* what is not read yet; whole lines, no NULs (JSON: anything) */
    uint32_t line;        /* of the line that stats_line gave last, from 1 */
    struct arena *arena;
    struct bytes rows; /* struct stats_row */
};

struct stats_row {
    struct stats_item stat;
    size_t at; /* how many stood before it */
};

/* The next line without its end; false behind the last. */
bool stats_line(struct stats_page *page, struct str *line);
/* Takes a copy of the name. */
enum err_code stats_add(struct stats_page *page, struct str name, const struct stat_value *v,
                        struct err *e) MUST_CHECK;
/* Without the blanks and tabs at either end. */
struct str stats_trim(struct str s);

enum err_code stats_read_prometheus(struct stats_page *page, struct err *e) MUST_CHECK;
enum err_code stats_read_json(struct stats_page *page, struct err *e) MUST_CHECK;
enum err_code stats_read_ats_csv(struct stats_page *page, struct err *e) MUST_CHECK;
enum err_code stats_read_haproxy_csv(struct stats_page *page, struct err *e) MUST_CHECK;
enum err_code stats_read_stub_status(struct stats_page *page, struct err *e) MUST_CHECK;
enum err_code stats_read_squid(struct stats_page *page, struct err *e) MUST_CHECK;
