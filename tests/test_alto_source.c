/* The client over sockets: a server in the same loop, made of libevent's own HTTP, so that what the
 * client says is understood by somebody else too. */
#include "daemon/alto_source.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/log.h"
#include "cert_fixture.h"
#include "daemon/alto_kept.h"

#define IRD_TYPE  "application/alto-directory+json"
#define NET_TYPE  "application/alto-networkmap+json"
#define COST_TYPE "application/alto-costmap+json"
#define IRD                                                                                        \
    "{\"meta\":{\"default-alto-network-map\":\"net\",\"cost-types\":{\"num\":{"                    \
    "\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}}},\"resources\":{"               \
    "\"net\":{\"uri\":\"net\",\"media-type\":\"" NET_TYPE "\"},"                                   \
    "\"cost\":{\"uri\":\"cost\",\"media-type\":\"" COST_TYPE "\",\"uses\":[\"net\"],"              \
    "\"capabilities\":{\"cost-type-names\":[\"num\"]}}}}"

static struct event_base *base;
static struct evhttp *server;
static struct evhttp_bound_socket *bound;
static SSL_CTX *tls;
static struct alto_source *source;
static struct alto_source_conf conf;
static struct err e;
static char uri[128], dir[] = "/tmp/waymark-test-XXXXXX", state[64], ca[64];
static struct str uris[1];
static unsigned version, asked, given, taken_away;
static double cost;
static char tag[ALTO_TAG_MAX + 1];

static void on_request(struct evhttp_request *r, void *arg)
{
    const char *path = evhttp_request_get_uri(r), *type = IRD_TYPE;
    struct evkeyvalq *in = evhttp_request_get_input_headers(r);
    struct evkeyvalq *out = evhttp_request_get_output_headers(r);
    const char *match = evhttp_find_header(in, "If-None-Match");
    struct evbuffer *body = evbuffer_new();
    char etag[32];

    (void)arg;
    asked++;
    snprintf(etag, sizeof etag, "\"v%u\"", version);
    if (strcmp(path, "/net") == 0) {
        type = NET_TYPE;
        evbuffer_add_printf(body,
                            "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t%u\"}},"
                            "\"network-map\":{\"a\":{\"ipv4\":[\"10.0.0.0/8\"]},"
                            "\"b\":{\"ipv4\":[\"20.0.0.0/8\"]}}}",
                            version);
    } else if (strcmp(path, "/cost") == 0) {
        type = COST_TYPE;
        evbuffer_add_printf(body,
                            "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":"
                            "\"t%u\"}],\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":"
                            "\"routingcost\"}},\"cost-map\":{\"a\":{\"b\":%u}}}",
                            version, version);
    } else {
        evbuffer_add_printf(body, "%s", IRD);
    }
    evhttp_add_header(out, "Content-Type", type);
    evhttp_add_header(out, "ETag", etag);
    if (match && strcmp(match, etag) == 0)
        evhttp_send_reply(r, 304, "Not Modified", NULL);
    else
        evhttp_send_reply(r, 200, "OK", body);
    evbuffer_free(body);
}

static struct bufferevent *on_bev(struct event_base *b, void *arg)
{
    (void)arg;
    return bufferevent_openssl_socket_new(b, -1, SSL_new(tls), BUFFEREVENT_SSL_ACCEPTING,
                                          BEV_OPT_CLOSE_ON_FREE);
}

static uint16_t port_of(struct evhttp_bound_socket *b)
{
    struct sockaddr_storage ss;
    socklen_t n = sizeof ss;
    struct addr a;
    uint16_t port = 0;

    ck_assert_int_eq(getsockname(evhttp_bound_socket_get_fd(b), (struct sockaddr *)&ss, &n), 0);
    ck_assert(addr_from_sockaddr((struct sockaddr *)&ss, &a, &port));
    return port;
}

static bool on_maps(void *ctx, const struct alto_source_maps *m)
{
    (void)ctx;
    if (!m) {
        taken_away++;
        return true;
    }
    given++;
    ck_assert_uint_eq(m->cost_count, 1);
    cost = costmap_get(m->costs[0]->costmap, netmap_find_pid(m->network->netmap, STR("a")),
                       netmap_find_pid(m->network->netmap, STR("b")));
    snprintf(tag, sizeof tag, "%s", m->network->netmap->vtag.tag);
    return true;
}

static void serve(const char *scheme, const char *host)
{
    server = evhttp_new(base);
    if (tls)
        evhttp_set_bevcb(server, on_bev, NULL);
    evhttp_set_gencb(server, on_request, NULL);
    bound = evhttp_bind_socket_with_handle(server, "127.0.0.1", 0);
    ck_assert_ptr_nonnull(bound);
    snprintf(uri, sizeof uri, "%s://%s:%u/", scheme, host, port_of(bound));
    uris[0] = str_from(uri);
}

static void setup(void)
{
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    e = (struct err){0};
    version = 1;
    asked = given = taken_away = 0;
    cost = 0;
    source = NULL;
    server = NULL;
    tls = NULL;
    strcpy(dir, "/tmp/waymark-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(state, sizeof state, "%s/maps", dir);
    snprintf(ca, sizeof ca, "%s/ca.pem", dir);
    base = event_base_new();
    ck_assert_ptr_nonnull(base);
    conf = (struct alto_source_conf){0};
    alto_client_conf_default(&conf.client);
    conf.client.servers = uris;
    conf.client.server_count = 1;
    conf.client.poll_ms = 50;
    conf.client.retry_min_ms = 20;
    conf.client.retry_max_ms = 100;
}

static void teardown(void)
{
    alto_source_free(source);
    if (server)
        evhttp_free(server);
    SSL_CTX_free(tls);
    event_base_free(base);
    unlink(state);
    unlink(ca);
    rmdir(dir);
}

static void begin(void)
{
    ck_assert_msg(alto_source_new(base, &conf, on_maps, NULL, &source, &e) == ERR_OK, "%s", e.text);
}

static struct alto_source_status status(void)
{
    struct alto_source_status s;

    alto_source_status(source, &s);
    return s;
}

/* Runs the loop until done, a while at most. */
#define run_until(done)                                                                            \
    do {                                                                                           \
        const uint64_t end = clock_ms() + 20000;                                                   \
                                                                                                   \
        while (!(done)) {                                                                          \
            const struct timeval soon = {0, 5000};                                                 \
                                                                                                   \
            ck_assert_msg(clock_ms() < end, "never: %s (%s)", #done, status().client.error);       \
            event_base_loopexit(base, &soon);                                                      \
            event_base_dispatch(base);                                                             \
        }                                                                                          \
    } while (0)

START_TEST(fetches_and_polls)
{
    serve("http", "127.0.0.1");
    begin();
    run_until(given == 1);
    ck_assert_double_eq(cost, 1);
    ck_assert_str_eq(status().tag, "t1");
    ck_assert_str_eq(status().uri, uri);
    ck_assert_int_eq(status().client.mode, ALTO_CLIENT_POLL);
    asked = 0;
    run_until(asked >= 6); /* nothing new */
    ck_assert_uint_eq(given, 1);
    version = 2;
    run_until(given == 2);
    ck_assert_double_eq(cost, 2);
    ck_assert_str_eq(tag, "t2");
    ck_assert_uint_lt(status().age_ms, 20000);
}
END_TEST

/* The name is looked up in the hosts file. */
START_TEST(by_name)
{
    serve("http", "localhost");
    begin();
    run_until(given == 1);
}
END_TEST

static const struct {
    const char *names, *host, *error;
    bool trusted;
} certs[] = {
    {"DNS:localhost", "localhost", NULL, true},
    {"IP:127.0.0.1", "127.0.0.1", NULL, true},
    {"DNS:other.example", "localhost", "TLS: the certificate: hostname mismatch", true},
    {"DNS:localhost", "127.0.0.1", "TLS: the certificate: IP address mismatch", true},
    {"DNS:localhost", "localhost", "TLS: the certificate: self-signed certificate", false},
};

/* Conformance: T-09. */
START_TEST(names_in_certificates)
{
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    X509 *x = cert_new(key, certs[_i].names, 0, 3600);
    X509 *y = cert_new(other, "DNS:nobody", 0, 3600);
    FILE *f = fopen(ca, "w");

    ck_assert(f && PEM_write_X509(f, certs[_i].trusted ? x : y) == 1 && fclose(f) == 0);
    tls = SSL_CTX_new(TLS_server_method());
    ck_assert(SSL_CTX_use_certificate(tls, x) == 1 && SSL_CTX_use_PrivateKey(tls, key) == 1);
    serve("https", certs[_i].host);
    conf.ca_file = ca;
    begin();
    if (certs[_i].error) {
        run_until(status().client.error[0]);
        ck_assert_msg(strstr(status().client.error, certs[_i].error), "%s, not %s",
                      status().client.error, certs[_i].error);
        ck_assert_uint_eq(asked, 0);
    } else {
        run_until(given == 1);
    }
    X509_free(x);
    X509_free(y);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}
END_TEST

/* Conformance: T-09. */
START_TEST(old_tls_is_refused)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = cert_new(key, "DNS:localhost", 0, 3600);
    FILE *f = fopen(ca, "w");

    ck_assert(f && PEM_write_X509(f, x) == 1 && fclose(f) == 0);
    tls = SSL_CTX_new(TLS_server_method());
    ck_assert(SSL_CTX_use_certificate(tls, x) == 1 && SSL_CTX_use_PrivateKey(tls, key) == 1);
    ck_assert_int_eq(SSL_CTX_set_max_proto_version(tls, TLS1_1_VERSION), 1);
    SSL_CTX_set_security_level(tls, 0);
    serve("https", "localhost");
    conf.ca_file = ca;
    begin();
    run_until(strstr(status().client.error, "TLS"));
    ck_assert_uint_eq(given, 0);
    X509_free(x);
    EVP_PKEY_free(key);
}
END_TEST

START_TEST(no_such_authorities)
{
    serve("http", "localhost");
    conf.ca_file = "/nonexistent";
    ck_assert_int_eq(alto_source_new(base, &conf, on_maps, NULL, &source, &e), ERR_IO);
    ck_assert_ptr_null(source);
}
END_TEST

/* Conformance: E-14. */
START_TEST(kept_maps)
{
    struct stat st;

    serve("http", "127.0.0.1");
    conf.state_path = state;
    version = 5;
    begin();
    run_until(given == 1);
    alto_source_free(source); /* writes what is to be kept */
    source = NULL;
    ck_assert_int_eq(stat(state, &st), 0);
    evhttp_free(server); /* nobody is there any more */
    server = NULL;
    cost = 0;
    begin();
    run_until(given == 2);
    ck_assert_double_eq(cost, 5);
    ck_assert_str_eq(tag, "t5");
    ck_assert(status().from_state && status().taken_wall_ms > 0);
    ck_assert_str_eq(status().uri, uri);
    run_until(status().client.failures > 2);
    ck_assert_uint_eq(given, 2);
    ck_assert_uint_eq(taken_away, 0);
}
END_TEST

START_TEST(kept_maps_are_confirmed)
{
    serve("http", "127.0.0.1");
    conf.state_path = state;
    begin();
    run_until(given == 1);
    alto_source_free(source);
    begin();
    run_until(status().client.checked_ms > 0);
    run_until(given == 2);
    ck_assert_uint_eq(status().client.generations, 0); /* 304 throughout */
}
END_TEST

START_TEST(kept_rubbish)
{
    FILE *f = fopen(state, "w");

    ck_assert(f && fputs("{\"waymark-maps\":1}\n{", f) >= 0 && fclose(f) == 0);
    serve("http", "127.0.0.1");
    conf.state_path = state;
    begin();
    run_until(given == 1);
    ck_assert(!status().from_state);
}
END_TEST

/* Conformance: E-14. */
START_TEST(too_old)
{
    serve("http", "127.0.0.1");
    conf.age_max_ms = 1500;
    begin();
    run_until(given == 1);
    evhttp_del_accept_socket(server, bound);
    run_until(taken_away == 1);
    ck_assert(status().expired);
    ck_assert_uint_eq(given, 1);
}
END_TEST

START_TEST(kept_text)
{
    static const char net[] = "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"t\"}},"
                              "\"network-map\":{\"a\":{\"ipv4\":[\"10.0.0.0/8\"]}}}";
    struct arena *arena = arena_new(1 << 20);
    struct alto_generation g = {.source = "http://h/x"}, again;
    struct bytes text = {0}, second = {0};
    const struct netmap *map;
    uint64_t taken, checked;

    ck_assert(netmap_parse(net, sizeof net - 1, arena, &map, &e) == ERR_OK);
    g.network = alto_part_new(arena, map, NULL, NULL);
    strcpy(g.network->etag, "\"\\x\"");
    ck_assert(alto_kept_format(&g, 7, 8, &text));
    ck_assert_msg(alto_kept_parse((struct str){text.data, text.len}, 1 << 20, &again, &taken,
                                  &checked, &e) == ERR_OK,
                  "%s", e.text);
    ck_assert_uint_eq(taken, 7);
    ck_assert_uint_eq(checked, 8);
    ck_assert_str_eq(again.network->etag, "\"\\x\"");
    ck_assert(alto_kept_format(&again, 7, 8, &second));
    ck_assert(str_eq((struct str){text.data, text.len}, (struct str){second.data, second.len}));
    alto_generation_drop(&again);
    for (size_t n = 0; n < text.len; n++) {
        ck_assert(alto_kept_parse((struct str){text.data, n}, 1 << 20, &again, &taken, &checked,
                                  NULL) != ERR_OK);
        ck_assert_ptr_null(again.network);
    }
    alto_generation_drop(&g);
    bytes_free(&text);
    bytes_free(&second);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("alto_source");
    TCase *t = tcase_create("alto_source");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, fetches_and_polls);
    tcase_add_test(t, by_name);
    tcase_add_loop_test(t, names_in_certificates, 0, sizeof certs / sizeof *certs);
    tcase_add_test(t, old_tls_is_refused);
    tcase_add_test(t, no_such_authorities);
    tcase_add_test(t, kept_maps);
    tcase_add_test(t, kept_maps_are_confirmed);
    tcase_add_test(t, kept_rubbish);
    tcase_add_test(t, too_old);
    tcase_add_test(t, kept_text);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
