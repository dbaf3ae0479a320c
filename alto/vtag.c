#include "alto/vtag.h"

#include <stdio.h>
#include <string.h>

#include <xxhash.h>

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static enum err_code bad(struct err *e, struct str s, const char *what, const char *rule)
{
    char shown[100];

    return err_set(e, ERR_PARSE, "\"%s\" is not a %s: %s",
                   bytes_escape(s.n ? s.p : "", s.n, shown, sizeof shown), what, rule);
}

bool vtag_is_word(struct str s, size_t max, const char *extra)
{
    if (s.n == 0 || s.n > max)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && (s.p[i] == '\0' || !strchr(extra, s.p[i])))
            return false;
    return true;
}

enum err_code vtag_check_name(const char *what, struct str name, struct err *e)
{
    if (vtag_is_word(name, PID_NAME_MAX, "-:@_."))
        return ERR_OK;
    return bad(e, name, what, "it is 1 to 64 letters, digits and - : @ _ .");
}

enum err_code vtag_check_tag(struct str tag, struct err *e)
{
    bool good = tag.n > 0 && tag.n <= ALTO_TAG_MAX;

    for (size_t i = 0; good && i < tag.n; i++)
        good = tag.p[i] >= 0x21 && tag.p[i] <= 0x7e;
    if (good)
        return ERR_OK;
    return bad(e, tag, "version tag", "it is 1 to 64 printable ASCII characters without blanks");
}

struct vtag_hash *vtag_hash_new(void)
{
    XXH3_state_t *state = XXH3_createState();

    if (state)
        XXH3_128bits_reset(state);
    return (struct vtag_hash *)state;
}

void vtag_hash_add(struct vtag_hash *h, const void *p, size_t n)
{
    if (n)
        XXH3_128bits_update((XXH3_state_t *)h, p, n);
}

void vtag_hash_add_str(struct vtag_hash *h, struct str s)
{
    uint64_t n = s.n;

    vtag_hash_add(h, &n, sizeof n);
    vtag_hash_add(h, s.p, s.n);
}

void vtag_hash_finish(struct vtag_hash *h, char out[ALTO_TAG_MAX + 1])
{
    XXH128_hash_t v = XXH3_128bits_digest((XXH3_state_t *)h);

    snprintf(out, ALTO_TAG_MAX + 1, "%016llx%016llx", (unsigned long long)v.high64,
             (unsigned long long)v.low64);
    XXH3_freeState((XXH3_state_t *)h);
}
