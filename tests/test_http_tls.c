#include "http/http_tls.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "tests/http_fixture.h"

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

static void cert_write(const char *path, EVP_PKEY *key)
{
    X509 *x = X509_new();
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(x);
    ck_assert_ptr_nonnull(f);
    ck_assert(X509_set_version(x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x), 1));
    ck_assert(X509_gmtime_adj(X509_getm_notBefore(x), -60) &&
              X509_gmtime_adj(X509_getm_notAfter(x), 3600));
    ck_assert(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                         (const unsigned char *)"test.example", -1, -1, 0));
    ck_assert(X509_set_issuer_name(x, X509_get_subject_name(x)) && X509_set_pubkey(x, key));
    ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
    ck_assert_int_eq(PEM_write_X509(f, x), 1);
    fclose(f);
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

static void tls_setup(void)
{
    struct err e = {0};

    setup();
    files_make();
    ck_assert_msg(http_tls_new(cert_path, key_path, &ctx, &e) == ERR_OK, "%s", e.text);
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

START_TEST(bad_files)
{
    const struct {
        const char *cert, *key;
        enum err_code rc;
        const char *error;
    } rows[] = {
        {"/nonexistent/c.pem", key_path, ERR_IO, "certificate /nonexistent/c.pem: No such file"},
        {cert_path, "/nonexistent/k.pem", ERR_IO, "key /nonexistent/k.pem: No such file"},
        {junk_path, key_path, ERR_PARSE, "not a certificate with its chain in PEM"},
        {cert_path, junk_path, ERR_PARSE, "not a private key in PEM without a passphrase"},
        {cert_path, other_path, ERR_CONFLICT, "does not belong to the certificate"},
    };

    begin();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ssl_ctx_st *none = ctx;
        struct err e = {0};

        ck_assert_int_eq((int)http_tls_new(rows[i].cert, rows[i].key, &none, &e), (int)rows[i].rc);
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
    tcase_add_test(t, bad_files);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
