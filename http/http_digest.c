#include "http/http_digest.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "base/hash.h"
#include "base/md5.h"
#include "router/turn.h"

#define FILE_BYTES_MAX (4u << 20)
#define USERS_MAX      65536u
#define NAME_MAX_BYTES 128u
#define LIFE_DEFAULT_S 300u
#define MAC_LEN        16u
#define NONCE_LEN      (8u + 16u + 2u * MAC_LEN)
#define HA1_MAX        64u

enum algorithm { SHA_256, MD5, ALGORITHMS };
static const struct str algorithm_names[ALGORITHMS] = {{"SHA-256", 7}, {"MD5", 3}};
static const size_t hex_len[ALGORITHMS] = {64, 32};

struct digest_user {
    struct str name;
    enum algorithm algorithm;
    char ha1[HA1_MAX];
};

struct http_digest {
    _Atomic uint32_t refs;
    struct bytes file; /* names point into it */
    char *realm;
    struct digest_user *users; /* sorted by name, then algorithm */
    size_t user_count;
    bool offered[ALGORITHMS];
    uint32_t life_s;
    unsigned char key[32];
    _Atomic uint64_t issued;
    _Atomic uint64_t slots[HTTP_DIGEST_SLOTS];
};

static void hex(const unsigned char *p, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = "0123456789abcdef"[p[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[p[i] & 15];
    }
}

static bool hex_parse(const char *p, size_t n, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        const char c = p[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
            return false;
        *out = *out << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return true;
}

/* ---- the file of users ---- */

/* Of names and realms: they stand in quotes, and between colons. */
static bool name_ok(struct str s)
{
    if (s.n == 0 || s.n > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 || s.p[i] > 0x7e || s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == ':')
            return false;
    return true;
}

static int user_cmp(const void *a, const void *b)
{
    const struct digest_user *x = a, *y = b;
    const int by_name = str_cmp(x->name, y->name);

    return by_name ? by_name : (x->algorithm > y->algorithm) - (x->algorithm < y->algorithm);
}

static enum err_code ha1_parse(struct str text, struct digest_user *u, struct err *e)
{
    uint64_t ignored;

    if (text.n != hex_len[SHA_256] && text.n != hex_len[MD5])
        return err_set(e, ERR_PARSE,
                       "%zu digits behind the realm; 64 (SHA-256) or 32 (MD5) are right", text.n);
    for (size_t i = 0; i < text.n; i++) /* as htdigest writes them, or in capitals */
        u->ha1[i] = (char)(text.p[i] >= 'A' && text.p[i] <= 'F' ? text.p[i] | 0x20 : text.p[i]);
    if (!hex_parse(u->ha1, text.n, &ignored))
        return err_set(e, ERR_PARSE, "what stands behind the realm is not hexadecimal");
    u->algorithm = text.n == hex_len[MD5] ? MD5 : SHA_256;
    return ERR_OK;
}

static enum err_code line_parse(struct http_digest *d, struct str line, struct err *e)
{
    const char *colon = memchr(line.p, ':', line.n), *end = line.p + line.n;
    const char *second = colon ? memchr(colon + 1, ':', (size_t)(end - colon - 1)) : NULL;
    struct digest_user *u = &d->users[d->user_count];
    struct str realm;
    enum err_code rc;

    if (!second)
        return err_set(e, ERR_PARSE, "not \"user:realm:digest\"");
    u->name = (struct str){line.p, (size_t)(colon - line.p)};
    realm = (struct str){colon + 1, (size_t)(second - colon - 1)};
    if (!name_ok(u->name))
        return err_set(e, ERR_PARSE,
                       "the user's name is not 1 to %u bytes of printable ASCII without quotes and "
                       "backslashes",
                       NAME_MAX_BYTES);
    if (!str_eq(realm, str_from(d->realm)))
        return err_set(e, ERR_CONFLICT, "the realm is not \"%s\", which its digest must be of",
                       d->realm);
    rc = ha1_parse((struct str){second + 1, (size_t)(end - second - 1)}, u, e);
    if (rc != ERR_OK)
        return rc;
    d->offered[u->algorithm] = true;
    d->user_count++;
    return ERR_OK;
}

/* Each line is tried with room for one user more. */
static enum err_code users_parse(struct http_digest *d, struct err *e)
{
    const char *p = d->file.data, *end = p + d->file.len;
    size_t cap = 0;

    for (unsigned number = 1; p < end; number++) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        struct str line = {p, (size_t)((lf ? lf : end) - p)};
        enum err_code rc;

        p += line.n + 1;
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (d->user_count == USERS_MAX)
            return err_set(e, ERR_LIMIT, "line %u: more than %u users", number, USERS_MAX);
        if (d->user_count == cap) {
            struct digest_user *more = realloc(d->users, (cap = cap ? 2 * cap : 16) * sizeof *more);

            if (!more)
                return err_set(e, ERR_LIMIT, "no memory");
            d->users = more;
        }
        rc = line_parse(d, line, e);
        if (rc != ERR_OK) {
            err_wrap(e, "line %u", number);
            return rc;
        }
    }
    if (d->user_count == 0)
        return err_set(e, ERR_PARSE, "no users");
    qsort(d->users, d->user_count, sizeof *d->users, user_cmp);
    for (size_t i = 1; i < d->user_count; i++)
        if (user_cmp(&d->users[i - 1], &d->users[i]) == 0)
            return err_set(e, ERR_CONFLICT, "user \"%.*s\" stands twice", (int)d->users[i].name.n,
                           d->users[i].name.p);
    return ERR_OK;
}

enum err_code http_digest_new(const struct http_digest_conf *conf, struct http_digest **out,
                              struct err *e)
{
    struct http_digest *d;
    enum err_code rc;

    *out = NULL;
    if (!name_ok(conf->realm))
        return err_set(e, ERR_PARSE,
                       "the realm is not 1 to %u bytes of printable ASCII without quotes, "
                       "backslashes and colons",
                       NAME_MAX_BYTES);
    d = calloc(1, sizeof *d);
    if (!d)
        return err_set(e, ERR_LIMIT, "no memory");
    atomic_init(&d->refs, 1);
    d->life_s = conf->nonce_life_s ? conf->nonce_life_s : LIFE_DEFAULT_S;
    hash_random(d->key, sizeof d->key);
    d->realm = strndup(conf->realm.p, conf->realm.n);
    rc = d->realm ? file_read(conf->users.p, FILE_BYTES_MAX, &d->file, e)
                  : err_set(e, ERR_LIMIT, "no memory");
    if (rc == ERR_OK) {
        rc = users_parse(d, e);
        if (rc != ERR_OK)
            err_wrap(e, "users %s", conf->users.p);
    }
    if (rc != ERR_OK) {
        http_digest_free(d);
        return rc;
    }
    *out = d;
    return ERR_OK;
}

struct http_digest *http_digest_take(struct http_digest *d)
{
    atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
    return d;
}

void http_digest_free(struct http_digest *d)
{
    if (!d || atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) != 1)
        return;
    OPENSSL_cleanse(d->key, sizeof d->key);
    free(d->users);
    bytes_free(&d->file);
    free(d->realm);
    free(d);
}

/* ---- nonces ---- */

static bool nonce_mac(const struct http_digest *d, const char *text, unsigned char out[32])
{
    unsigned n = 32;

    return HMAC(EVP_sha256(), d->key, (int)sizeof d->key, (const unsigned char *)text,
                NONCE_LEN - 2 * MAC_LEN, out, &n) != NULL;
}

static bool nonce_make(struct http_digest *d, uint32_t now_s, char out[NONCE_LEN + 1])
{
    unsigned char mac[32];

    snprintf(out, NONCE_LEN + 1, "%08x%016llx", now_s,
             (unsigned long long)atomic_fetch_add_explicit(&d->issued, 1, memory_order_relaxed));
    if (!nonce_mac(d, out, mac))
        return false;
    hex(mac, MAC_LEN, out + NONCE_LEN - 2 * MAC_LEN);
    out[NONCE_LEN] = '\0';
    return true;
}

/* A slot is one word: when its nonce was made (20 bits of seconds), 12 bits of its MAC, the highest
 * count of it that was used, and which of the 16 counts up to that were. 0: never used. */
#define SLOT(time, tag, high, window)                                                              \
    ((uint64_t)((time)&0xfffff) << 44 | (uint64_t)((tag)&0xfff) << 32 | (uint64_t)(high) << 16 |   \
     (uint64_t)(window))

/* false: that count was used, or is too old to know. */
static bool window_take(uint64_t *word, uint32_t nc)
{
    const uint32_t high = *word >> 16 & 0xffff;
    uint32_t window = *word & 0xffff;

    if (nc > high)
        window = nc - high < HTTP_DIGEST_WINDOW ? (window << (nc - high) | 1) & 0xffff : 1;
    else if (high - nc >= HTTP_DIGEST_WINDOW || window & 1u << (high - nc))
        return false;
    else
        window |= 1u << (high - nc);
    *word = (*word & ~UINT64_C(0xffffffff)) | (uint64_t)(nc > high ? nc : high) << 16 | window;
    return true;
}

/* Once for each count of a nonce, over all workers. */
static bool count_take(struct http_digest *d, uint32_t made_s, uint64_t mac, uint32_t nc,
                       uint32_t now_s)
{
    _Atomic uint64_t *slot = &d->slots[mac % HTTP_DIGEST_SLOTS];
    const uint64_t name = SLOT(made_s, mac >> 40, 0, 0);
    uint64_t old = atomic_load_explicit(slot, memory_order_relaxed), word;

    if (nc == 0 || nc > UINT16_MAX) /* a new nonce is cheap */
        return false;
    do {
        word = old;
        if (old == 0 || (old ^ name) >> 32) {
            if (old && ((now_s - (uint32_t)(old >> 44)) & 0xfffff) <= d->life_s)
                return false; /* another's, that is alive */
            word = name | SLOT(0, 0, nc, 1);
        } else if (!window_take(&word, nc)) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(slot, &old, word, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

static bool nonce_use(struct http_digest *d, struct str nonce, uint32_t nc, uint32_t now_s)
{
    unsigned char mac[32];
    char text[2 * MAC_LEN];
    uint64_t made, head;

    if (nonce.n != NONCE_LEN || !nonce_mac(d, nonce.p, mac))
        return false;
    hex(mac, MAC_LEN, text);
    if (CRYPTO_memcmp(text, nonce.p + NONCE_LEN - sizeof text, sizeof text) != 0 ||
        !hex_parse(nonce.p, 8, &made) || now_s - (uint32_t)made > d->life_s)
        return false;
    memcpy(&head, mac, sizeof head);
    return count_take(d, (uint32_t)made, head, nc, now_s);
}

/* ---- the Authorization header ---- */

static bool is_token(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void blanks_skip(struct str *s)
{
    while (s->n && (s->p[0] == ' ' || s->p[0] == '\t')) {
        s->p++;
        s->n--;
    }
}

static struct str take(struct str *s, size_t n)
{
    const struct str head = {s->p, n};

    s->p += n;
    s->n -= n;
    return head;
}

static struct str token_take(struct str *s)
{
    size_t n = 0;

    while (n < s->n && is_token(s->p[n]))
        n++;
    return take(s, n);
}

/* A token or a quoted string. */
static bool value_take(struct str *s, struct str *out)
{
    size_t n = 0;

    if (s->n == 0 || s->p[0] != '"') {
        *out = token_take(s);
        return out->n > 0;
    }
    (void)take(s, 1);
    while (n < s->n && s->p[n] != '"')
        if (s->p[n++] == '\\')
            return false;
    if (n == s->n)
        return false;
    *out = take(s, n);
    (void)take(s, 1);
    return true;
}

/* NULL: a parameter that says nothing to us. */
static struct str *field_of(struct http_digest_fields *f, struct str name)
{
    const struct {
        struct str name;
        struct str *to;
    } fields[] = {
        {STR("username"), &f->username},   {STR("realm"), &f->realm},
        {STR("nonce"), &f->nonce},         {STR("uri"), &f->uri},
        {STR("cnonce"), &f->cnonce},       {STR("qop"), &f->qop},
        {STR("response"), &f->response},   {STR("nc"), &f->nc},
        {STR("algorithm"), &f->algorithm},
    };

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (str_eq_nocase(name, fields[i].name))
            return fields[i].to;
    return NULL;
}

static bool parameter_parse(struct str *s, struct http_digest_fields *out)
{
    const struct str name = token_take(s);
    struct str value, *to;

    if (name.n == 0)
        return false;
    blanks_skip(s);
    if (s->n == 0 || take(s, 1).p[0] != '=')
        return false;
    blanks_skip(s);
    if (!value_take(s, &value))
        return false;
    out->hashed |= str_eq_nocase(name, STR("username*")) ||
                   (str_eq_nocase(name, STR("userhash")) && str_eq_nocase(value, STR("true")));
    to = field_of(out, name);
    if (to && to->p)
        return false;
    if (to)
        *to = value;
    return true;
}

bool http_digest_parse(struct str value, struct http_digest_fields *out)
{
    *out = (struct http_digest_fields){0};
    if (!str_eq_nocase(token_take(&value), STR("Digest")) || value.n == 0 || value.p[0] != ' ')
        return false;
    for (;;) {
        blanks_skip(&value);
        if (value.n && value.p[0] == ',') { /* RFC 9110 section 5.6.1.2: empty elements */
            (void)take(&value, 1);
            continue;
        }
        if (value.n == 0)
            return true;
        if (!parameter_parse(&value, out))
            return false;
        blanks_skip(&value);
        if (value.n && value.p[0] != ',')
            return false;
    }
}

/* ---- the proof ---- */

enum verdict { GOOD, WRONG, STALE, MALFORMED, OTHER_TARGET, NO_MEMORY };

static struct str method_name(const struct http_request *q)
{
    static const struct str names[] = {
        [HTTP_GET] = {"GET", 3},       [HTTP_HEAD] = {"HEAD", 4},
        [HTTP_POST] = {"POST", 4},     [HTTP_PUT] = {"PUT", 3},
        [HTTP_DELETE] = {"DELETE", 6}, [HTTP_OPTIONS] = {"OPTIONS", 7},
        [HTTP_METHOD_OTHER] = {"", 0},
    };

    return q->is_head ? names[HTTP_HEAD] : names[q->method];
}

static void digest_of(enum algorithm a, const char *text, char out[HA1_MAX])
{
    const size_t n = strlen(text);
    unsigned char sum[SHA256_DIGEST_LENGTH];

    if (a == SHA_256)
        SHA256((const unsigned char *)text, n, sum);
    else
        md5(text, n, sum);
    hex(sum, hex_len[a] / 2, out);
}

/* RFC 7616 section 3.4.1. false: no memory. */
static bool response_make(const struct http_request *q, const struct http_digest_fields *f,
                          enum algorithm a, const char *ha1, char out[HA1_MAX])
{
    const int n = (int)hex_len[a];
    const struct str method = method_name(q);
    char ha2[HA1_MAX];
    const char *text =
        arena_printf(q->arena, "%.*s:%.*s", (int)method.n, method.p, (int)f->uri.n, f->uri.p);

    if (!text)
        return false;
    digest_of(a, text, ha2);
    text = arena_printf(q->arena, "%.*s:%.*s:%.*s:%.*s:auth:%.*s", n, ha1, (int)f->nonce.n,
                        f->nonce.p, (int)f->nc.n, f->nc.p, (int)f->cnonce.n, f->cnonce.p, n, ha2);
    if (!text)
        return false;
    digest_of(a, text, out);
    return true;
}

static bool algorithm_find(const struct http_digest *d, struct str name, enum algorithm *out)
{
    *out = MD5; /* RFC 7616 section 3.4: when it is not named */
    for (unsigned i = 0; i < ALGORITHMS; i++)
        if (name.n == 0 || str_eq_nocase(name, algorithm_names[i])) {
            if (name.n)
                *out = (enum algorithm)i;
            return d->offered[*out];
        }
    return false;
}

static enum verdict verify(struct http_digest *d, const struct http_request *q,
                           struct http_digest_fields *f, uint32_t now_s, struct str *user)
{
    static const char nobody[HA1_MAX] = {0};
    struct digest_user key = {.name = f->username};
    const struct digest_user *u;
    char want[HA1_MAX];
    uint64_t nc;

    if (f->hashed || !str_eq(f->realm, str_from(d->realm)) || !str_eq_nocase(f->qop, STR("auth")) ||
        !algorithm_find(d, f->algorithm, &key.algorithm))
        return WRONG;
    if (f->nc.n != 8 || !hex_parse(f->nc.p, 8, &nc) || f->cnonce.n == 0 ||
        f->response.n != hex_len[key.algorithm])
        return MALFORMED;
    if (!str_eq(f->uri, q->target)) /* section 3.4.6 */
        return OTHER_TARGET;
    u = bsearch(&key, d->users, d->user_count, sizeof key, user_cmp);
    if (!response_make(q, f, key.algorithm, u ? u->ha1 : nobody, want))
        return NO_MEMORY;
    if (CRYPTO_memcmp(want, f->response.p, f->response.n) != 0 || !u)
        return WRONG;
    /* Only who has shown the password learns that the nonce alone was the matter. */
    if (!nonce_use(d, f->nonce, (uint32_t)nc, now_s))
        return STALE;
    *user = u->name;
    return GOOD;
}

/* ---- answers ---- */

/* RFC 7616 section 3.3: one field for each algorithm, the preferred first. */
static void challenge(struct http_digest *d, const struct http_request *q, uint32_t now_s,
                      bool stale, struct http_response *r)
{
    char nonce[NONCE_LEN + 1];

    if (!nonce_make(d, now_s, nonce))
        return;
    for (unsigned i = 0; i < ALGORITHMS; i++) {
        const char *text;

        if (!d->offered[i])
            continue;
        text = arena_printf(q->arena,
                            "Digest realm=\"%s\", qop=\"auth\", algorithm=%s, nonce=\"%s\"%s",
                            d->realm, algorithm_names[i].p, nonce, stale ? ", stale=true" : "");
        if (text)
            (void)!http_response_header(r, STR("WWW-Authenticate"), str_from(text));
    }
}

static void refuse(const struct http_digest_page *p, int status, struct str text,
                   struct http_response *r)
{
    if (p->refused)
        p->refused(p->ctx, status, text, r);
    if (r->status < 200)
        http_response_text(r, status, text);
}

/* The request's one Authorization header. */
static enum verdict look(struct http_digest *d, const struct http_request *q, struct str header,
                         uint32_t now_s, struct str *user)
{
    struct http_digest_fields f;
    unsigned count = 0;

    for (size_t i = 0; i < q->header_count; i++)
        count += str_eq_nocase(q->headers[i].name, STR("Authorization"));
    if (count > 1)
        return MALFORMED;
    if (header.n < 7 || !str_eq_nocase((struct str){header.p, 7}, STR("Digest ")))
        return WRONG; /* another scheme: it is told which is right */
    return http_digest_parse(header, &f) ? verify(d, q, &f, now_s, user) : MALFORMED;
}

void http_digest_handle(void *ctx, const struct http_request *q, struct http_response *r)
{
    const struct http_digest_page *p = ctx;
    const struct str header = http_request_header(q, STR("Authorization"));
    const uint32_t now_s = (uint32_t)(p->turn->now_ms / 1000);
    struct http_request known = *q;
    enum verdict v = header.p ? look(p->digest, q, header, now_s, &known.user) : GOOD;

    switch (v) {
    case GOOD:
        p->fn(p->ctx, &known, r);
        if (r->status == 401)
            challenge(p->digest, q, now_s, false, r);
        break;
    case WRONG:
    case STALE:
        refuse(p, 401,
               v == STALE ? STR("the nonce is used up; ask again with the new one\n")
                          : STR("the name, the password or the scheme is wrong\n"),
               r);
        challenge(p->digest, q, now_s, v == STALE, r);
        break;
    case MALFORMED:
        refuse(p, 400, STR("the Authorization header is not as RFC 7616 has it\n"), r);
        break;
    case OTHER_TARGET:
        refuse(p, 400, STR("the Authorization header is for another target\n"), r);
        break;
    case NO_MEMORY:
        refuse(p, 503, STR("out of memory\n"), r);
        break;
    }
}
