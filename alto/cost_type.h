/* Cost types (RFC 7285 sections 6.1 and 10.7, RFC 9274, RFC 9439, RFC 9275): what a cost says, and
 * how it is to be read. */
#pragma once

#include "alto/vtag.h"

enum cost_mode {
    COST_NUMERICAL,
    COST_ORDINAL,
    COST_ARRAY, /* RFC 9275: ane-path */
    COST_OTHER, /* "priv:...": known by name alone */
};

#define COST_MODE_MAX    32   /* bytes of its name (RFC 7285 section 10.5) */
#define COST_CONTEXT_MAX 4096 /* bytes of a cost-context, and of a description */

/* Whose number it is (RFC 9439 section 3.1); without a cost-context: an estimation. */
enum cost_source { COST_SOURCE_NONE, COST_SOURCE_NOMINAL, COST_SOURCE_SLA, COST_SOURCE_ESTIMATION };

struct cost_type {
    struct str name; /* in a directory's meta.cost-types; n 0: none */
    enum cost_mode mode;
    struct str mode_text;   /* "numerical", ..., "priv:..." */
    struct str metric;      /* with its statistic: "delay-ow:p99" */
    struct str description; /* n 0: none; says nothing (section 10.7) */
    enum cost_source source;
    struct str context; /* the text of cost-context, a JSON object; n 0: none */
};

/* "numerical", "ordinal", "array", "priv:x" (RFC 9274 section 3). Any mode goes with any metric.
 * ERR_PARSE says what would do. */
enum err_code cost_mode_parse(struct str text, enum cost_mode *out, struct err *e) MUST_CHECK;
/* A metric's name with its statistic (RFC 9439 section 3.2): 1 to 32 characters; registered names
 * and others; "priv:" needs something behind it; behind ':' of a metric of RFC 9439 stands cur,
 * min, max, median, mean, stddev, stdvar or a percentile p0 to p100. */
enum err_code cost_metric_check(struct str metric, struct err *e) MUST_CHECK;
/* What the numerical values of a metric keep to, apart from not being negative (RFC 9439 sections 4
 * and 5): lossrate, but for its variance, is a percentage; hopcount is an integer where it is an
 * observation and not a mean or the like. */
struct cost_rules {
    bool integer, percent;
};
struct cost_rules cost_metric_rules(struct str metric);
/* {"cost-source": "nominal" | "sla" | "estimation", "parameters": any} (RFC 9439 section 3.1);
 * other members are ignored. ERR_PARSE, ERR_LIMIT over COST_CONTEXT_MAX. */
enum err_code cost_context_parse(struct str text, enum cost_source *out, struct err *e) MUST_CHECK;

/* Equal mode, metric and context: what may stand once in a resource (RFC 9439 section 3.1).
 * Contexts are equal as JSON values; none at all says the same as one of the source "estimation"
 * alone. */
bool cost_type_same(const struct cost_type *a, const struct cost_type *b);
