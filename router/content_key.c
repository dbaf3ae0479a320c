#include "router/content_key.h"

#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* A path comes from a stranger, and an expression may backtrack without end on it. A sane match of
 * a sane path takes some dozen steps. */
#define MATCH_STEPS_MAX 10000u
#define MATCH_DEPTH_MAX 250u
#define PATTERN_MAX     4096u

struct content_regex {
    pcre2_code *code;
};

struct key_scratch {
    pcre2_match_data *data;
    pcre2_match_context *limits;
};

struct key_scratch *key_scratch_new(void)
{
    struct key_scratch *k = calloc(1, sizeof *k);

    if (!k)
        return NULL;
    k->data = pcre2_match_data_create(2, NULL);
    k->limits = pcre2_match_context_create(NULL);
    if (!k->data || !k->limits) {
        key_scratch_free(k);
        return NULL;
    }
    pcre2_set_match_limit(k->limits, MATCH_STEPS_MAX);
    pcre2_set_depth_limit(k->limits, MATCH_DEPTH_MAX);
    return k;
}

void key_scratch_free(struct key_scratch *k)
{
    if (!k)
        return;
    pcre2_match_data_free(k->data);
    pcre2_match_context_free(k->limits);
    free(k);
}

enum err_code content_regex_new(struct str pattern, struct content_regex **out, struct err *e)
{
    struct content_regex *r;
    PCRE2_UCHAR why[128];
    PCRE2_SIZE at;
    int code;

    *out = NULL;
    if (pattern.n > PATTERN_MAX)
        return err_set(e, ERR_LIMIT, "content_key has %zu bytes, at most %u", pattern.n,
                       PATTERN_MAX);
    r = calloc(1, sizeof *r);
    if (!r)
        return err_set(e, ERR_LIMIT, "no memory for content_key");
    r->code =
        pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n, PCRE2_NEVER_BACKSLASH_C, &code, &at, NULL);
    if (!r->code) {
        free(r);
        pcre2_get_error_message(code, why, sizeof why);
        return err_set(e, ERR_PARSE, "content_key: %s, at character %zu of the expression",
                       (const char *)why, at + 1);
    }
    /* Without the JIT (a hardened kernel may refuse it) the interpreter gives the same answer. */
    (void)pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
    *out = r;
    return ERR_OK;
}

void content_regex_free(void *regex)
{
    struct content_regex *r = regex;

    if (!r)
        return;
    pcre2_code_free(r->code);
    free(r);
}

static struct str directory(struct str path)
{
    const char *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;

    if (slash)
        path.n = (size_t)(slash - path.p) + 1;
    return path;
}

struct str content_part(const struct content_regex *regex, struct str path,
                        struct key_scratch *scratch)
{
    const PCRE2_SIZE *span;
    int groups;

    if (!regex || path.n == 0)
        return directory(path);
    groups =
        pcre2_match(regex->code, (PCRE2_SPTR)path.p, path.n, 0, 0, scratch->data, scratch->limits);
    if (groups < 0) /* no match, or one of the limits */
        return directory(path);
    span = pcre2_get_ovector_pointer(scratch->data);
    if (groups != 1 && span[2] != PCRE2_UNSET)
        span += 2;
    /* PCRE2 before 10.38 lets \K in a lookahead put the start behind the end. */
    if (span[0] > span[1])
        return directory(path);
    return (struct str){path.p + span[0], span[1] - span[0]};
}

uint64_t view_content_key(const struct view *v, svidx service, struct str path,
                          struct key_scratch *scratch)
{
    const struct view_service *s = &v->services[service];
    struct str part = content_part(s->regex, path, scratch);

    return content_hash(s, part);
}
