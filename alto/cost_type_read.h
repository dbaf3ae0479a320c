/* Reading and writing one CostType object (RFC 7285 section 10.7, RFC 9439 section 3.1) by the
 * events of json_push: cost maps and path vectors share it. */
#pragma once

#include "alto/cost_type.h"
#include "base/json_push.h"
#include "base/json_write.h"

/* Start from {0} at the object's beginning; cost_type_read_fini at the end of all. */
struct cost_type_read {
    const char *member; /* the last key, for the path of an error; NULL: none that matters */
    bool has_mode, has_metric, has_description, has_context;
    enum cost_mode mode;
    char metric[ALTO_METRIC_MAX + 1];
    enum cost_source source;
    struct bytes description;
    struct bytes context;   /* without white space */
    struct json_write copy; /* of a context that is being read; depth 0: none is */
};

/* One event inside the object, up to and with its end: an object without any of mode and metric is
 * fine here (RFC 8189 section 3.6.5), one of them alone is ERR_PARSE. *done: that was the end. */
enum err_code cost_type_read_event(struct cost_type_read *r, struct json_push *j,
                                   const struct json_event *ev, bool *done,
                                   struct err *e) MUST_CHECK;
void cost_type_read_fini(struct cost_type_read *r);
