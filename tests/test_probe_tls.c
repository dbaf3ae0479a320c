#include "prober_fixture.h"

#include "cert_fixture.h"

static bool a_known(void)
{
    return word("a", false) != HEALTH_UNKNOWN;
}

/* The server speaks TLS with such a certificate; trusted: the prober's OpenSSL knows it. */
static void serve_tls(const char *names, long from_s, long to_s, bool trusted)
{
    char path[] = "/tmp/waymark-test-XXXXXX";
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = cert_new(key, names, from_s, to_s);
    const int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");

    ck_assert(f && PEM_write_X509(f, x) == 1 && fclose(f) == 0);
    server.tls = SSL_CTX_new(TLS_server_method());
    ck_assert(SSL_CTX_use_certificate(server.tls, x) == 1 &&
              SSL_CTX_use_PrivateKey(server.tls, key) == 1);
    ck_assert_int_eq(setenv("SSL_CERT_FILE", trusted ? path : "/dev/null", 1), 0);
    ck_assert_int_eq(setenv("SSL_CERT_DIR", "/nonexistent", 1), 0);
    ck_assert(server_listen(&server, false, 0));
    worlds[0].conf[0] = streamer("a", PROBE_HTTPS);
    worlds[0].conf[0].probe.verify = true;
    worlds[0].conf[0].probe.interval_ms = 2000;
    worlds[0].conf[0].probe.timeout_ms = 1500;
    world_set(&worlds[0], 1); /* reads SSL_CERT_FILE */
    unlink(path);
    X509_free(x);
    EVP_PKEY_free(key);
}

static void tls_teardown(void)
{
    teardown();
    SSL_CTX_free(server.tls);
    server.tls = NULL;
}

// clang-format off
static const struct {
    const char *what, *names, *host;
    long from_s, to_s;
    bool trusted, unverified;
    const char *change; /* how it begins */
} certs[] = {
    {"for the address",      "IP:127.0.0.1", "", -60, 3600, true, false, "a v4 up: first probe: 200 in "},
    {"for the host",         "DNS:a.example", "a.example", -60, 3600, true, false, "a v4 up: first probe: 200 in "},
    {"for the host with its port", "DNS:a.example", "a.example:8443", -60, 3600, true, false, "a v4 up: first probe: 200 in "},
    {"by a wildcard",        "DNS:*.cdn.example", "a.cdn.example", -60, 3600, true, false, "a v4 up: first probe: 200 in "},
    {"expired",              "IP:127.0.0.1", "", -7200, -3600, true, false, "a v4 down: first probe: TLS: the certificate: certificate has expired in "},
    {"not yet",              "IP:127.0.0.1", "", 3600, 7200, true, false, "a v4 down: first probe: TLS: the certificate: certificate is not yet valid in "},
    {"for another host",     "DNS:b.example", "a.example", -60, 3600, true, false, "a v4 down: first probe: TLS: the certificate: hostname mismatch in "},
    {"for another address",  "IP:127.0.0.2", "", -60, 3600, true, false, "a v4 down: first probe: TLS: the certificate: IP address mismatch in "},
    {"signed by nobody",     "IP:127.0.0.1", "", -60, 3600, false, false, "a v4 down: first probe: TLS: the certificate: self-signed certificate in "},
    {"all of it wrong, and nobody looks", "DNS:b.example", "", -7200, -3600, false, true, "a v4 up: first probe: 200 in "},
};
// clang-format on

START_TEST(certificates)
{
    serve_tls(certs[_i].names, certs[_i].from_s, certs[_i].to_s, certs[_i].trusted);
    worlds[1] = worlds[0]; /* asked before the first probe's time */
    worlds[1].conf[0].probe.host = str_from(certs[_i].host);
    worlds[1].conf[0].probe.verify = !certs[_i].unverified;
    world_set(&worlds[1], 1);
    run_until(a_known, certs[_i].what);
    ck_assert_msg(strstr(changes, certs[_i].change) == changes, "%s: %s", certs[_i].what, changes);
}
END_TEST

START_TEST(no_tls_there)
{
    ck_assert(server_listen(&server, false, 0));
    worlds[0].conf[0] = streamer("a", PROBE_HTTPS);
    server.answer = STR("HTTP/1.1 400 Bad Request\r\n\r\n");
    world_set(&worlds[0], 1);
    run_until(a_known, "answered in the clear");
    ck_assert_msg(strstr(changes, "a v4 down: first probe: TLS: ") == changes &&
                      strstr(changes, " in the handshake in "),
                  "%s", changes);
}
END_TEST

START_TEST(silent_handshake)
{
    ck_assert(server_listen(&server, false, 0));
    worlds[0].conf[0] = streamer("a", PROBE_HTTPS);
    server.answer = STR("");
    world_set(&worlds[0], 1);
    run_until(a_known, "silent");
    ck_assert_msg(strstr(changes, "a v4 down: first probe: no end of the TLS handshake in ") ==
                      changes,
                  "%s", changes);
}
END_TEST

START_TEST(closed_handshake)
{
    ck_assert(server_listen(&server, false, 0));
    worlds[0].conf[0] = streamer("a", PROBE_HTTPS);
    server.close_first = true;
    world_set(&worlds[0], 1);
    run_until(a_known, "closed");
    ck_assert_msg(strstr(changes, "a v4 down: first probe: ") == changes, "%s", changes);
}
END_TEST

static const struct profile_conf own = {
    .name = {"own", 3},
    .format = STATS_PROMETHEUS,
    .path = {"/metrics", 8},
    .field = {[PROFILE_SESSIONS] = {{{"sessions", 8}}, 1, 1}},
};

static bool a_polled(void)
{
    return metrics.v[METRIC_POLLS_GOOD] + metrics.v[METRIC_POLLS_BAD] > 0;
}

/* A page of many TLS records: none of it waits for an event that never comes. */
START_TEST(polls_over_tls)
{
    static char page[200000];
    size_t n = (size_t)snprintf(page, sizeof page, "HTTP/1.1 200 OK\r\n\r\n");

    for (unsigned i = 0; n < sizeof page - 100; i++)
        n += (size_t)snprintf(page + n, sizeof page - n, "other_%u 1\n", i);
    n += (size_t)snprintf(page + n, sizeof page - n, "sessions 7\n");
    server.answer = (struct str){page, n};
    serve_tls("IP:127.0.0.1", -60, 3600, true);
    worlds[1] = worlds[0];
    worlds[1].profile = &own;
    worlds[1].conf[0].probe.type = PROBE_NONE;
    worlds[1].conf[0].poll = (struct poll_conf){.profile = STR("own"),
                                                .tls = true,
                                                .verify = true,
                                                .interval_ms = 5000,
                                                .timeout_ms = 4000,
                                                .body_max = sizeof page};
    world_set(&worlds[1], 1);
    run_until(a_polled, "polled");
    ck_assert_uint_eq(metrics.v[METRIC_POLLS_GOOD], 1);
    ck_assert_double_eq_tol(live_sessions(live, 0), 7, 0.1);
}
END_TEST

#define ORIGIN "https://player.example"

// clang-format off
static const struct {
    const char *what, *answer, *change;
} origins[] = {
    {"any", "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\n\r\n", "a v4 up: first probe: 200 in "},
    {"this one", "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: " ORIGIN "\r\n\r\n", "a v4 up: first probe: 200 in "},
    {"none", "HTTP/1.1 200 OK\r\n\r\n", "a v4 down: first probe: 200, but no Access-Control-Allow-Origin in "},
    {"another", "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: https://b.example\r\n\r\n",
     "a v4 down: first probe: 200, but Access-Control-Allow-Origin is \"https://b.example\" in "},
    {"of another case", "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: https://Player.example\r\n\r\n",
     "a v4 down: first probe: 200, but Access-Control-Allow-Origin is \"https://Player.example\" in "},
    {"two", "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Origin: *\r\n\r\n",
     "a v4 down: first probe: 200, but Access-Control-Allow-Origin is \"*, *\" in "},
    {"bad before that", "HTTP/1.1 500 X\r\n\r\n", "a v4 down: first probe: 500 (good is 200 to 399) in "},
};
// clang-format on

START_TEST(allowed_origins)
{
    server.answer = str_from(origins[_i].answer);
    ck_assert(server_listen(&server, false, 0));
    worlds[0].conf[0] = streamer("a", PROBE_HTTP);
    worlds[0].conf[0].probe.cors_origin = STR(ORIGIN);
    world_set(&worlds[0], 1);
    run_until(a_known, origins[_i].what);
    ck_assert_msg(strstr(changes, origins[_i].change) == changes, "%s: %s", origins[_i].what,
                  changes);
    ck_assert_ptr_ne(strstr(server.request, "\r\nOrigin: " ORIGIN "\r\n"), NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("probe_tls");
    TCase *c = tcase_create("probe_tls");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(c, 30);
    tcase_add_checked_fixture(c, setup, tls_teardown);
    tcase_add_loop_test(c, certificates, 0, (int)(sizeof certs / sizeof *certs));
    tcase_add_test(c, no_tls_there);
    tcase_add_test(c, silent_handshake);
    tcase_add_test(c, closed_handshake);
    tcase_add_test(c, polls_over_tls);
    tcase_add_loop_test(c, allowed_origins, 0, (int)(sizeof origins / sizeof *origins));
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
