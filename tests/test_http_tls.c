#include "http/http_tls.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tests/http_fixture.h"
#include "tests/stream_fixture.h"

static char folder[64], cert_path[96], key_path[96], other_path[96], junk_path[96];
static struct ssl_ctx_st *ctx;
static SSL_CTX *client_ctx;

/* ---- a certificate of the test's own ---- */

static EVP_PKEY *key_write(const char *path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(key);
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(f);
    return key;
}

static void extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509_EXTENSION *ext;
    X509V3_CTX c;

    X509V3_set_ctx_nodb(&c);
    X509V3_set_ctx(&c, issuer, x, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &c, nid, value);
    ck_assert_ptr_nonnull(ext);
    ck_assert_int_eq(X509_add_ext(x, ext, -1), 1);
    X509_EXTENSION_free(ext);
}

/* issuer NULL: signed by itself, and an authority. name2 NULL: one common name. */
static X509 *cert_make(EVP_PKEY *key, const char *name, const char *name2, X509 *issuer,
                       EVP_PKEY *issuer_key)
{
    X509 *x = X509_new();
    X509_NAME *subject;

    ck_assert_ptr_nonnull(x);
    ck_assert(X509_set_version(x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x), 1));
    ck_assert(X509_gmtime_adj(X509_getm_notBefore(x), -60) &&
              X509_gmtime_adj(X509_getm_notAfter(x), 3600));
    subject = X509_get_subject_name(x);
    ck_assert(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name,
                                         -1, -1, 0));
    if (name2)
        ck_assert(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                             (const unsigned char *)name2, -1, -1, 0));
    ck_assert(X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer) : subject) &&
              X509_set_pubkey(x, key));
    if (!issuer)
        extension(x, x, NID_basic_constraints, "critical,CA:TRUE");
    ck_assert_int_gt(X509_sign(x, issuer ? issuer_key : key, EVP_sha256()), 0);
    return x;
}

static void cert_save(const char *path, X509 *x)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(PEM_write_X509(f, x), 1);
    fclose(f);
}

static void cert_write(const char *path, EVP_PKEY *key)
{
    X509 *x = cert_make(key, "test.example", NULL, NULL, NULL);

    cert_save(path, x);
    X509_free(x);
}

static void files_make(void)
{
    EVP_PKEY *key, *other;
    FILE *f;

    snprintf(folder, sizeof folder, "/tmp/waymark-tls-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(cert_path, sizeof cert_path, "%s/cert.pem", folder);
    snprintf(key_path, sizeof key_path, "%s/key.pem", folder);
    snprintf(other_path, sizeof other_path, "%s/other.pem", folder);
    snprintf(junk_path, sizeof junk_path, "%s/junk.pem", folder);
    key = key_write(key_path);
    other = key_write(other_path);
    cert_write(cert_path, key);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    f = fopen(junk_path, "w");
    ck_assert_ptr_nonnull(f);
    fputs("junk\n", f);
    fclose(f);
}

static void files_remove(void)
{
    unlink(cert_path);
    unlink(key_path);
    unlink(other_path);
    unlink(junk_path);
    rmdir(folder);
}

/* ca n 0: no client is asked. */
static void context_make(struct str ca, bool required)
{
    const struct http_tls_conf c = {.certificate = str_from(cert_path),
                                    .key = str_from(key_path),
                                    .client_ca = ca,
                                    .client_required = required};
    struct err e = {0};

    http_tls_free(ctx);
    ck_assert_msg(http_tls_new(&c, &ctx, &e) == ERR_OK, "%s", e.text);
}

static void tls_setup(void)
{
    setup();
    files_make();
    ctx = NULL;
    context_make((struct str){0}, false);
    client_ctx = SSL_CTX_new(TLS_client_method());
    ck_assert_ptr_nonnull(client_ctx);
    SSL_CTX_set_session_cache_mode(client_ctx, SSL_SESS_CACHE_CLIENT);
}

static void tls_teardown(void)
{
    teardown();
    http_tls_free(ctx);
    SSL_CTX_free(client_ctx);
    files_remove();
}

/* ---- a client ---- */

static SSL *tls_dial(SSL_SESSION *resume)
{
    SSL *ssl = SSL_new(client_ctx);

    ck_assert_ptr_nonnull(ssl);
    ck_assert_int_eq(SSL_set_fd(ssl, dial()), 1);
    if (resume)
        ck_assert_int_eq(SSL_set_session(ssl, resume), 1);
    SSL_set_connect_state(ssl);
    return ssl;
}

static bool again(SSL *ssl, int n)
{
    int why = SSL_get_error(ssl, n);

    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

static bool tls_shake(SSL *ssl)
{
    for (uint64_t until = clock_ms() + PATIENCE_MS; clock_ms() < until;) {
        int n = SSL_do_handshake(ssl);

        if (n == 1)
            return true;
        if (!again(ssl, n))
            return false;
        turn_loop();
    }
    ck_abort_msg("the handshake never ends");
    return false;
}

static void tls_say(SSL *ssl, const char *text)
{
    int n;

    while ((n = SSL_write(ssl, text, (int)strlen(text))) <= 0) {
        ck_assert(again(ssl, n));
        turn_loop();
    }
    ck_assert_int_eq(n, (int)strlen(text));
}

/* Reads until what was heard n times, or, with n 0, until the end. */
static void tls_hear(SSL *ssl, struct heard *h, const char *what, unsigned n)
{
    for (uint64_t until = clock_ms() + PATIENCE_MS; n == 0 || !h->n || times(h->text, what) < n;) {
        int k;

        ck_assert_msg(clock_ms() < until, "wanted %u times %s", n, what);
        if (h->cap - h->n < 65536) {
            h->cap = h->cap ? h->cap * 2 : 131072;
            h->text = realloc(h->text, h->cap);
            ck_assert_ptr_nonnull(h->text);
        }
        k = SSL_read(ssl, h->text + h->n, (int)(h->cap - h->n - 1));
        if (k > 0) {
            h->n += (size_t)k;
            h->text[h->n] = '\0';
        } else if (!again(ssl, k)) {
            h->closed = SSL_get_error(ssl, k) == SSL_ERROR_ZERO_RETURN;
            ck_assert_msg(n == 0, "it ended; wanted %u times %s", n, what);
            return;
        } else {
            turn_loop();
        }
    }
}

static void tls_hang_up(SSL *ssl, struct heard *h)
{
    int fd = SSL_get_fd(ssl);

    SSL_shutdown(ssl);
    SSL_free(ssl);
    hang_up(fd, h);
}

/* ---- tests ---- */

/* Versions: 0 is TLS 1.2, 1 is TLS 1.3. */
static void version(int which)
{
    const int v = which ? TLS1_3_VERSION : TLS1_2_VERSION;

    ck_assert_int_eq(SSL_CTX_set_min_proto_version(client_ctx, v), 1);
    ck_assert_int_eq(SSL_CTX_set_max_proto_version(client_ctx, v), 1);
}

START_TEST(requests_and_pipelines)
{
    char asks[2048] = "";
    struct heard h = {0};
    SSL *ssl;

    version(_i);
    begin_with(ctx);
    ssl = tls_dial(NULL);
    ck_assert(tls_shake(ssl));
    for (unsigned i = 0; i < 20; i++)
        sprintf(asks + strlen(asks), "GET /%u HTTP/1.1\r\nHost: h\r\n\r\n", i);
    tls_say(ssl, asks);
    tls_hear(ssl, &h, "any /19 []", 1);
    ck_assert_uint_eq(times(h.text, "HTTP/1.1 200 OK"), 20);
    for (const char *p = "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"; *p; p++) { /* a record a byte */
        const char one[] = {*p, '\0'};

        tls_say(ssl, one);
        if (*p == '\n')
            turn_loop();
    }
    tls_hear(ssl, &h, "any /slow []", 1);
    tls_say(ssl, "GET /end HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    tls_hear(ssl, &h, "", 0);
    ck_assert_uint_eq(times(h.text, "any /end []"), 1);
    ck_assert_msg(h.closed, "no close_notify");
    tls_hang_up(ssl, &h);
}
END_TEST

START_TEST(large_bodies)
{
    struct heard h = {0};
    SSL *ssl;

    version(_i);
    begin_with(ctx);
    ssl = tls_dial(NULL);
    ck_assert(tls_shake(ssl));
    tls_say(ssl, "GET /big HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
    tls_hear(ssl, &h, "any /2 []", 1);
    ck_assert_uint_gt(h.n, sizeof big);
    ck_assert_uint_eq(times(h.text, "Content-Length: 4194304\r\n\r\nbbbb"), 1);
    ck_assert_uint_eq(atomic_load(&big_body.refs), 1);
    tls_hang_up(ssl, &h);
    WAIT_UNTIL(http_server_connections(server) == 0);
}
END_TEST

START_TEST(resumption)
{
    struct heard h = {0};
    SSL_SESSION *session;
    SSL *ssl;

    version(_i);
    begin_with(ctx);
    ssl = tls_dial(NULL);
    ck_assert(tls_shake(ssl));
    tls_say(ssl, "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    tls_hear(ssl, &h, "", 0);
    ck_assert(!SSL_session_reused(ssl));
    session = SSL_get1_session(ssl);
    ck_assert(SSL_SESSION_has_ticket(session));
    tls_hang_up(ssl, &h);
    ssl = tls_dial(session);
    ck_assert(tls_shake(ssl));
    ck_assert(SSL_session_reused(ssl));
    tls_say(ssl, "GET /y HTTP/1.1\r\nHost: h\r\n\r\n");
    tls_hear(ssl, &h, "any /y []", 1);
    SSL_SESSION_free(session);
    tls_hang_up(ssl, &h);
}
END_TEST

START_TEST(alpn)
{
    static const struct {
        const char *offer;
        bool good;
    } rows[] = {{"\x08http/1.1", true}, {"\x02h2\x08http/1.1", true}, {"\x02h2", false}};

    begin_with(ctx);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SSL *ssl = tls_dial(NULL);
        struct heard h = {0};
        const unsigned char *got;
        unsigned n;

        ck_assert_int_eq(SSL_set_alpn_protos(ssl, (const unsigned char *)rows[i].offer,
                                             (unsigned)strlen(rows[i].offer)),
                         0);
        ck_assert_int_eq(tls_shake(ssl), rows[i].good);
        SSL_get0_alpn_selected(ssl, &got, &n);
        ck_assert(!rows[i].good || (n == 8 && memcmp(got, "http/1.1", 8) == 0));
        tls_hang_up(ssl, &h);
    }
    WAIT_UNTIL(http_server_connections(server) == 0);
}
END_TEST

START_TEST(old_versions_and_other_languages_are_refused)
{
    struct heard h = {0};
    SSL *ssl;
    int fd;

    begin_with(ctx);
    ck_assert_int_eq(SSL_CTX_set_min_proto_version(client_ctx, TLS1_VERSION), 1);
    ck_assert_int_eq(SSL_CTX_set_max_proto_version(client_ctx, TLS1_1_VERSION), 1);
    ck_assert_int_eq(SSL_CTX_set_cipher_list(client_ctx, "ALL:@SECLEVEL=0"), 1);
    ssl = tls_dial(NULL);
    ck_assert(!tls_shake(ssl));
    tls_hang_up(ssl, &h);
    fd = dial();
    say(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    hear_close(fd, &h);
    ck_assert_uint_eq(times(h.text, "200 OK"), 0);
    hang_up(fd, &h);
    ck_assert_uint_eq(http_server_connections(server), 0);
}
END_TEST

START_TEST(a_slow_handshake_is_timed_out)
{
    static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    struct heard h = {0};
    uint64_t from = clock_ms();
    int fd;

    conf.request_timeout_ms = 300;
    begin_with(ctx);
    fd = dial();
    for (size_t i = 0; !h.closed && clock_ms() - from < PATIENCE_MS; i++) {
        (void)!send(fd, i < sizeof hello - 1 ? hello + i : "x", 1, MSG_NOSIGNAL);
        for (unsigned k = 0; k < 10; k++)
            turn_loop();
        listen_once(fd, &h);
    }
    ck_assert_uint_lt(clock_ms() - from, 3000);
    ck_assert_uint_ge(clock_ms() - from, 290);
    ck_assert_uint_eq(metric(METRIC_HTTP_TIMEOUT_HANDSHAKE), 1);
    hang_up(fd, &h);
}
END_TEST

/* The deadline is the whole request's here, too; the client is told. */
START_TEST(slowloris)
{
    struct heard h = {0};
    uint64_t from;
    SSL *ssl;

    conf.request_timeout_ms = 300;
    begin_with(ctx);
    ssl = tls_dial(NULL);
    ck_assert(tls_shake(ssl));
    from = clock_ms();
    tls_say(ssl, "GET / HTTP/1.1\r\n");
    tls_hear(ssl, &h, "HTTP/1.1 408 ", 1);
    ck_assert_uint_lt(clock_ms() - from, 3000);
    tls_hang_up(ssl, &h);
    WAIT_UNTIL(http_server_connections(server) == 0);
}
END_TEST

/* What was left of a blocked write kept the write event on, and each wake-up renewed the deadline:
 * the worker span for as long as the client held on. */
START_TEST(a_refused_client_behind_with_reading_does_not_linger_for_ever)
{
    struct heard h = {0};
    SSL *ssl;

    begin_with(ctx);
    ssl = tls_dial(NULL);
    ck_assert(tls_shake(ssl));
    tls_say(ssl, "GET /big HTTP/1.1\r\nHost: h\r\n\r\nnonsense\r\n\r\n");
    tls_hear(ssl, &h, "HTTP/1.1 400 ", 1);
    WAIT_UNTIL(http_server_connections(server) == 0);
    tls_hang_up(ssl, &h);
}
END_TEST

/* Pieces of a record are no request: they do not renew the idle deadline. */
START_TEST(a_dribbled_record_does_not_keep_a_connection)
{
    static const char head[] = "\x17\x03\x03\x40";
    struct heard h = {0};
    uint64_t from;
    SSL *ssl;
    int fd;

    conf.idle_timeout_ms = 300;
    begin_with(ctx);
    ssl = tls_dial(NULL);
    ck_assert(tls_shake(ssl));
    fd = SSL_get_fd(ssl);
    from = clock_ms();
    for (size_t i = 0; !h.closed && clock_ms() - from < 3000; i++) {
        (void)!send(fd, i < sizeof head - 1 ? head + i : "", 1, MSG_NOSIGNAL);
        for (unsigned k = 0; k < 10; k++)
            turn_loop();
        listen_once(fd, &h);
    }
    ck_assert_msg(h.closed, "still open after %u ms", 3000u);
    ck_assert_uint_eq(metric(METRIC_HTTP_TIMEOUT_IDLE), 1);
    tls_hang_up(ssl, &h);
}
END_TEST

/* ---- streams ---- */

/* Conformance: T-09. */
START_TEST(streams)
{
    struct http_response r = {.status = 200, .shared = &big_body};
    struct heard h = {0};
    SSL *ssl;

    big_body.len = 1 << 20; /* what was heard is searched again and again */
    version(_i);
    begin_with(ctx);
    tellers_mount();
    ssl = tls_dial(NULL);
    ck_assert(tls_shake(ssl));
    ck_assert_int_eq(SSL_version(ssl), _i ? TLS1_3_VERSION : TLS1_2_VERSION);
    tls_say(ssl, "GET /tell HTTP/1.1\r\nHost: h\r\n\r\n");
    tls_hear(ssl, &h, "chunked\r\n\r\n", 1);
    tls_say(ssl, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /poll HTTP/1.1\r\nHost: h\r\n\r\n");
    for (unsigned i = 0; i < 40; i++) {
        ck_assert(http_stream_share(teller.s, &big_body, i, 20000));
        tell("between");
    }
    tls_hear(ssl, &h, "\r\n7\r\nbetween\r\n", 40);
    ck_assert_uint_eq(times(h.text, "4e20\r\nbbbb"), 40);
    h.n = 0;
    http_stream_end(teller.s);
    tls_hear(ssl, &h, "0\r\n\r\nHTTP/1.1 200 OK", 1);
    tls_hear(ssl, &h, "any /1 []", 1);
    WAIT_UNTIL(teller.opened == 2);
    shared_body_take(&big_body);
    ck_assert(http_stream_answer(teller.s, &r));
    tls_say(ssl, "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
    tls_hear(ssl, &h, "any /2 []", 1);
    ck_assert_uint_eq(times(h.text, "Content-Length: 1048576\r\n\r\nbbbb"), 1);
    ck_assert_uint_eq(atomic_load(&big_body.refs), 1);
    ck_assert_uint_eq(teller.gone, 0);
    tls_hang_up(ssl, &h);
}
END_TEST

/* 0, 1: by close_notify, over TLS 1.2 and 1.3; 2, 3: by the end of the connection alone. */
START_TEST(a_client_of_a_stream_that_goes)
{
    struct heard h = {0};
    SSL *ssl;

    version(_i % 2);
    begin_with(ctx);
    tellers_mount();
    ssl = tls_dial(NULL);
    ck_assert(tls_shake(ssl));
    tls_say(ssl, "GET /tell HTTP/1.1\r\nHost: h\r\n\r\n");
    tls_hear(ssl, &h, "chunked\r\n\r\n", 1);
    if (_i < 2)
        SSL_shutdown(ssl);
    else
        shutdown(SSL_get_fd(ssl), SHUT_RDWR);
    WAIT_UNTIL(teller.gone == 1);
    ck_assert_uint_eq(http_server_connections(server), 0);
    tls_hang_up(ssl, &h);
}
END_TEST

/* ---- certificates of clients ---- */

static void who(void *page_ctx, const struct http_request *q, struct http_response *r)
{
    char *p = arena_printf(q->arena, "user=<%.*s>", (int)q->user.n, q->user.p ? q->user.p : "");

    (void)page_ctx;
    ck_assert_ptr_nonnull(p);
    http_response_text(r, 200, str_from(p));
}

/* The handshake, a request, and its answer; in TLS 1.3 the client's part of the handshake may look
 * well to it until it reads. */
static bool ask_who(SSL *ssl, struct heard *h)
{
    if (!tls_shake(ssl))
        return false;
    tls_say(ssl, "GET /who HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    tls_hear(ssl, h, "", 0);
    return h->n > 0;
}

START_TEST(client_certificates)
{
    // clang-format off
    static const struct { const char *what, *name, *name2; bool shown, foreign, required, good; const char *user; } rows[] = {
        {"none, and none is required", "x", NULL, false, false, false, true, "user=<>"},
        {"none, and one is required", "x", NULL, false, false, true, false, NULL},
        {"a good one", "Flow Director 1", NULL, true, false, false, true, "user=<cert:Flow Director 1>"},
        {"a good one, required", "fts3.example", NULL, true, false, true, true, "user=<cert:fts3.example>"},
        {"of another authority", "x", NULL, true, true, false, false, NULL},
        {"a quote in the name", "a\"b", NULL, true, false, false, true, "user=<>"},
        {"a name that is not ASCII", "J\xc3\xbcrgen", NULL, true, false, false, true, "user=<>"},
        {"a line end in the name", "a\r\nb", NULL, true, false, false, true, "user=<>"},
        {"two names", "a", "b", true, false, false, true, "user=<>"},
    };
    // clang-format on
    const int which = _i % 2, row = _i / 2;
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *other_key = EVP_EC_gen("P-256"),
             *key = EVP_EC_gen("P-256");
    X509 *ca = cert_make(ca_key, "authority", NULL, NULL, NULL);
    X509 *other = cert_make(other_key, "authority", NULL, NULL, NULL);
    X509 *x = cert_make(key, rows[row].name, rows[row].name2, rows[row].foreign ? other : ca,
                        rows[row].foreign ? other_key : ca_key);
    struct heard h = {0};
    SSL_SESSION *session;
    SSL *ssl;

    cert_save(junk_path, ca);
    context_make(str_from(junk_path), rows[row].required);
    version(which);
    begin_with(ctx);
    ck_assert(http_server_mount(server, (struct str){0}, STR("/who"), who, NULL));
    if (rows[row].shown) {
        ck_assert_int_eq(SSL_CTX_use_certificate(client_ctx, x), 1);
        ck_assert_int_eq(SSL_CTX_use_PrivateKey(client_ctx, key), 1);
    }
    ssl = tls_dial(NULL);
    ck_assert_msg(ask_who(ssl, &h) == rows[row].good, "%s", rows[row].what);
    ck_assert_msg(!rows[row].good || times(h.text, rows[row].user) == 1, "%s: %s", rows[row].what,
                  h.text);
    session = SSL_get1_session(ssl);
    tls_hang_up(ssl, &h);
    if (rows[row].good) { /* who resumes is who he was */
        ssl = tls_dial(session);
        ck_assert(ask_who(ssl, &h));
        ck_assert(SSL_session_reused(ssl));
        ck_assert_msg(times(h.text, rows[row].user) == 1, "%s: %s", rows[row].what, h.text);
        tls_hang_up(ssl, &h);
    }
    SSL_SESSION_free(session);
    X509_free(ca);
    X509_free(other);
    X509_free(x);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(other_key);
    EVP_PKEY_free(key);
}
END_TEST
#define CLIENT_ROWS 9

START_TEST(bad_files)
{
    const struct {
        const char *cert, *key, *ca;
        enum err_code rc;
        const char *error;
    } rows[] = {
        {"/nonexistent/c.pem", key_path, NULL, ERR_IO,
         "certificate /nonexistent/c.pem: No such file"},
        {cert_path, "/nonexistent/k.pem", NULL, ERR_IO, "key /nonexistent/k.pem: No such file"},
        {junk_path, key_path, NULL, ERR_PARSE, "not a certificate with its chain in PEM"},
        {cert_path, junk_path, NULL, ERR_PARSE, "not a private key in PEM without a passphrase"},
        {cert_path, other_path, NULL, ERR_CONFLICT, "does not belong to the certificate"},
        {cert_path, key_path, "/nonexistent/a.pem", ERR_IO, "authorities /nonexistent/a.pem: No "},
        {cert_path, key_path, junk_path, ERR_PARSE, "no certificates in PEM"},
    };

    begin();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ssl_ctx_st *none = ctx;
        struct err e = {0};

        const struct http_tls_conf c = {.certificate = str_from(rows[i].cert),
                                        .key = str_from(rows[i].key),
                                        .client_ca = str_from(rows[i].ca)};

        ck_assert_int_eq((int)http_tls_new(&c, &none, &e), (int)rows[i].rc);
        ck_assert_ptr_null(none);
        ck_assert_msg(strstr(e.text, rows[i].error) != NULL, "%s", e.text);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_tls");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, tls_setup, tls_teardown);
    tcase_add_loop_test(t, requests_and_pipelines, 0, 2);
    tcase_add_loop_test(t, large_bodies, 0, 2);
    tcase_add_loop_test(t, resumption, 0, 2);
    tcase_add_test(t, alpn);
    tcase_add_test(t, old_versions_and_other_languages_are_refused);
    tcase_add_test(t, a_slow_handshake_is_timed_out);
    tcase_add_test(t, slowloris);
    tcase_add_test(t, a_refused_client_behind_with_reading_does_not_linger_for_ever);
    tcase_add_test(t, a_dribbled_record_does_not_keep_a_connection);
    tcase_add_loop_test(t, streams, 0, 2);
    tcase_add_loop_test(t, a_client_of_a_stream_that_goes, 0, 4);
    tcase_add_loop_test(t, client_certificates, 0, 2 * CLIENT_ROWS);
    tcase_add_test(t, bad_files);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
