/* The sockets: UDP in batches, TCP pipelined and bounded, draining. Server and clients take turns
 * in one thread, so that every step is where the test put it; each waits for a condition. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/net.h"
#include "tests/dns_fixture.h"

#define WAIT_MS 20000u /* for what should happen: only a failing test waits as long */

static struct fixture world;
static struct event_base *base;
static struct dns_server *server;
static uint16_t udp_port, tcp_port;

static void start(const char *address)
{
    struct listen_addr at = {.addr = fixture_addr(address)};
    struct err e = {0};
    int fd, small = 16384;

    server = dns_server_new(base, &world.conf, &world.turn);
    ck_assert_ptr_nonnull(server);
    ck_assert_int_eq(net_bind_udp(at, 0, &fd, &e), ERR_OK);
    udp_port = net_local_port(fd);
    ck_assert_int_eq(dns_server_listen_udp(server, fd, &e), ERR_OK);
    ck_assert_int_eq(net_listen_tcp(at, 16, &fd, &e), ERR_OK);
    tcp_port = net_local_port(fd);
    /* Inherited by what is accepted: a client that does not read is noticed soon. */
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    ck_assert_int_eq(dns_server_listen_tcp(server, fd, &e), ERR_OK);
}

static void setup(void)
{
    fixture_init(&world);
    base = event_base_new();
    ck_assert_ptr_nonnull(base);
}

static void teardown(void)
{
    dns_server_free(server);
    server = NULL;
    event_base_free(base);
    fixture_fini(&world);
}

static void pump(void)
{
    ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
}

static int client(const char *address, int type, uint16_t port)
{
    struct sockaddr_storage ss;
    socklen_t len = addr_to_sockaddr(fixture_addr(address), port, &ss);
    int fd = socket(ss.ss_family, type, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&ss, len), 0);
    ck_assert_int_ge(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static uint64_t counter(enum metric id)
{
    return atomic_load(&world.metrics.v[id]);
}

static size_t query(const char *name, unsigned type, unsigned id, uint8_t *out)
{
    const struct ask ask = {.name = name, .type = (uint16_t)type};
    size_t n = ask_encode(&ask, out);

    dns_put_u16_at(out, id);
    return n;
}

static size_t framed(const char *name, unsigned type, unsigned id, uint8_t *out)
{
    size_t n = query(name, type, id, out + 2);

    dns_put_u16_at(out, (unsigned)n);
    return n + 2;
}

/* Turns the server until the client can read; bytes read, 0 at the end of a stream. */
static size_t read_some(int fd, uint8_t *p, size_t n)
{
    uint64_t until = clock_ms() + WAIT_MS;

    for (;;) {
        ssize_t got;

        pump();
        got = recv(fd, p, n, 0);
        if (got >= 0)
            return (size_t)got;
        if (errno == ECONNRESET)
            return 0;
        ck_assert_int_eq(errno, EAGAIN);
        ck_assert_msg(clock_ms() < until, "nothing came");
        poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 1);
    }
}

/* A whole message of a stream; 0 at its end. */
static size_t read_message(int fd, uint8_t *p)
{
    size_t have = 0, want = 2;

    while (have < want) {
        size_t n = read_some(fd, p + have, want - have);

        if (n == 0)
            return 0;
        have += n;
        if (have == 2)
            want = 2u + dns_get_u16(p);
    }
    return have;
}

static void write_all(int fd, const uint8_t *p, size_t n)
{
    while (n) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

        if (sent < 0)
            ck_assert_int_eq(errno, EAGAIN);
        else
            p += sent, n -= (size_t)sent;
        pump();
    }
}

static void expect_closed(int fd)
{
    uint8_t p[65537];

    ck_assert_uint_eq(read_message(fd, p), 0);
    close(fd);
}

static const struct {
    const char *bound, *asked;
} places[] = {
    {"127.0.0.1", "127.0.0.1"},
    {"::1", "::1"},
    {"0.0.0.0", "127.0.0.3"}, /* a connected socket takes the answer from there alone */
    {"::", "::1"},
};

START_TEST(udp_answers)
{
    uint8_t p[1232];
    int fd;

    start(places[_i].bound);
    fd = client(places[_i].asked, SOCK_DGRAM, udp_port);
    write_all(fd, p, query("live.cdn.example", 1, 7, p));
    ck_assert_uint_gt(read_some(fd, p, sizeof p), 12);
    ck_assert_uint_eq(dns_get_u16(p), 7);
    ck_assert_uint_eq(dns_get_u16(p + 6), 2);
    close(fd);
}
END_TEST

/* More than a batch at once, with what gets no answer in between. */
START_TEST(udp_batches)
{
    static const uint8_t large[3000];
    enum { N = 3 * 32 + 5 };
    bool seen[N] = {0};
    uint8_t p[1232];
    int fd;

    start("127.0.0.1");
    fd = client("127.0.0.1", SOCK_DGRAM, udp_port);
    for (unsigned i = 0; i < N; i++) {
        ck_assert_int_gt(send(fd, p, query("live.cdn.example", 1, i, p), 0), 0);
        if (i % 10 == 0)
            ck_assert_int_eq(send(fd, "x", 1, 0), 1);
        if (i % 20 == 0)
            ck_assert_int_eq(send(fd, large, sizeof large, 0), sizeof large);
    }
    for (unsigned i = 0; i < N; i++) {
        ck_assert_uint_gt(read_some(fd, p, sizeof p), 12);
        ck_assert_uint_lt(dns_get_u16(p), N);
        ck_assert(!seen[dns_get_u16(p)]);
        seen[dns_get_u16(p)] = true;
    }
    ck_assert_uint_eq(counter(METRIC_DNS_QUERIES_UDP), N);
    ck_assert_uint_eq(counter(METRIC_DNS_DROPPED), 11 + 6);
    close(fd);
}
END_TEST

/* A batch looks ahead for its clients: wherever they are, whatever the map covers. */
START_TEST(udp_subnets)
{
    static const char *const subnets[] = {"0.0.0.0",
                                          "10.1.0.0",
                                          "255.255.255.255",
                                          "::",
                                          "::1",
                                          "2001:db8:a::",
                                          "2001:db8:b:ffff::",
                                          "4000::",
                                          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};
    enum { N = sizeof subnets / sizeof subnets[0] };
    uint8_t p[1232];
    int fd;

    start("127.0.0.1");
    fd = client("127.0.0.1", SOCK_DGRAM, udp_port);
    for (unsigned i = 0; i < N; i++) {
        const struct ask ask = {.name = "live.cdn.example",
                                .type = 1,
                                .subnet = subnets[i],
                                .source = strchr(subnets[i], ':') ? 128 : 32};

        ck_assert_int_gt(send(fd, p, ask_encode(&ask, p), 0), 0);
    }
    for (unsigned i = 0; i < N; i++) {
        ck_assert_uint_gt(read_some(fd, p, sizeof p), 12);
        ck_assert_uint_eq(dns_get_u16(p + 6), 2);
    }
    close(fd);
}
END_TEST

START_TEST(tcp_many_queries)
{
    uint8_t p[65537];
    int fd;

    start("127.0.0.1");
    fd = client("127.0.0.1", SOCK_STREAM, tcp_port);
    for (unsigned i = 0; i < 5; i++) {
        write_all(fd, p, framed("live.cdn.example", 1, i, p));
        ck_assert_uint_gt(read_message(fd, p), 14);
        ck_assert_uint_eq(dns_get_u16(p + 2), i);
    }
    ck_assert_uint_eq(counter(METRIC_DNS_TCP_ACCEPTED), 1);
    ck_assert_uint_eq(counter(METRIC_DNS_TCP_OPEN), 1);
    ck_assert_uint_eq(counter(METRIC_DNS_QUERIES_TCP), 5);
    close(fd);
    for (uint64_t until = clock_ms() + WAIT_MS; counter(METRIC_DNS_TCP_OPEN);) {
        pump();
        ck_assert(clock_ms() < until);
    }
    ck_assert_uint_eq(counter(METRIC_DNS_TCP_DROPPED), 0);
}
END_TEST

/* Two hundred in one write, more than a connection's buffer holds, answered in order. */
START_TEST(tcp_pipelined)
{
    uint8_t all[200 * 64], p[65537];
    size_t n = 0;
    int fd;

    start("127.0.0.1");
    fd = client("127.0.0.1", SOCK_STREAM, tcp_port);
    for (unsigned i = 0; i < 200; i++)
        n += framed("live.cdn.example", 1, i, all + n);
    write_all(fd, all, n);
    for (unsigned i = 0; i < 200; i++) {
        ck_assert_uint_gt(read_message(fd, p), 14);
        ck_assert_uint_eq(dns_get_u16(p + 2), i);
    }
    close(fd);
}
END_TEST

START_TEST(tcp_byte_by_byte)
{
    uint8_t q[512], p[65537];
    size_t n = framed("live.cdn.example", 1, 9, q);
    int fd;

    start("127.0.0.1");
    fd = client("127.0.0.1", SOCK_STREAM, tcp_port);
    for (size_t i = 0; i < n; i++)
        write_all(fd, q + i, 1);
    ck_assert_uint_gt(read_message(fd, p), 14);
    ck_assert_uint_eq(dns_get_u16(p + 2), 9);
    close(fd);
}
END_TEST

/* What is large for UDP is whole here. */
START_TEST(tcp_large)
{
    uint8_t p[65537];
    int fd;

    start("127.0.0.1");
    fd = client("127.0.0.1", SOCK_STREAM, tcp_port);
    write_all(fd, p, framed("a.b.ent.cdn.example", 16, 1, p));
    ck_assert_uint_gt(read_message(fd, p), 600);
    ck_assert_uint_eq(p[4] & 2, 0);
    close(fd);
}
END_TEST

START_TEST(tcp_half_closed)
{
    uint8_t q[1024], p[65537];
    size_t n;
    int fd;

    start("127.0.0.1");
    fd = client("127.0.0.1", SOCK_STREAM, tcp_port);
    n = framed("live.cdn.example", 1, 1, q);
    n += framed("live.cdn.example", 1, 2, q + n);
    ck_assert_int_eq(send(fd, q, n, 0), (ssize_t)n);
    shutdown(fd, SHUT_WR);
    ck_assert_uint_gt(read_message(fd, p), 14);
    ck_assert_uint_gt(read_message(fd, p), 14);
    expect_closed(fd);
}
END_TEST

static const struct {
    const char *what, *bytes;
    size_t n;
} nonsense[] = {
    {"length 0", "\0\0", 2},
    {"shorter than a header",
     "\0\x0b"
     "xxxxxxxxxxx",
     13},
    {"longer than any query", "\x10\1", 2},
    {"an answer", "\0\x0c\xbe\xef\x80\0\0\0\0\0\0\0\0\0", 14},
    {"HTTP", "GET / HTTP/1.1\r\n\r\n", 18},
};

/* The answers before it are sent, then the connection ends. */
START_TEST(tcp_nonsense)
{
    uint8_t q[1024], p[65537];
    size_t n = framed("live.cdn.example", 1, 1, q);
    int fd;

    start("127.0.0.1");
    fd = client("127.0.0.1", SOCK_STREAM, tcp_port);
    memcpy(q + n, nonsense[_i].bytes, nonsense[_i].n);
    write_all(fd, q, n + nonsense[_i].n);
    ck_assert_msg(read_message(fd, p) > 14, "%s", nonsense[_i].what);
    expect_closed(fd);
    ck_assert_uint_eq(counter(METRIC_DNS_TCP_DROPPED), 1);
}
END_TEST

START_TEST(tcp_idle)
{
    uint8_t p[65537];
    int fd;

    world.conf.tcp_idle_ms = 50;
    start("127.0.0.1");
    fd = client("127.0.0.1", SOCK_STREAM, tcp_port);
    write_all(fd, p, framed("live.cdn.example", 1, 1, p));
    ck_assert_uint_gt(read_message(fd, p), 14);
    expect_closed(fd);
    ck_assert_uint_eq(counter(METRIC_DNS_TCP_DROPPED), 1);
}
END_TEST

/* Bytes that finish no query keep no connection. */
START_TEST(tcp_drip)
{
    const uint64_t until = clock_ms() + WAIT_MS;
    int fd;

    world.conf.tcp_idle_ms = 100;
    start("127.0.0.1");
    fd = client("127.0.0.1", SOCK_STREAM, tcp_port);
    ck_assert_int_eq(send(fd, "\x0f\xff", 2, 0), 2);
    while (counter(METRIC_DNS_TCP_DROPPED) == 0) {
        ck_assert(clock_ms() < until);
        (void)send(fd, "x", 1, MSG_NOSIGNAL);
        poll(NULL, 0, 5);
        pump();
    }
    expect_closed(fd);
}
END_TEST

START_TEST(tcp_cap)
{
    uint8_t p[65537];
    int fd[3];

    world.conf.tcp_connections_max = 2;
    start("127.0.0.1");
    for (unsigned i = 0; i < 3; i++) {
        fd[i] = client("127.0.0.1", SOCK_STREAM, tcp_port);
        write_all(fd[i], p, framed("live.cdn.example", 1, i, p));
        ck_assert_uint_gt(read_message(fd[i], p), 14);
        if (i == 1) { /* the first is used again: the second is now the longest idle */
            write_all(fd[0], p, framed("live.cdn.example", 1, i, p));
            ck_assert_uint_gt(read_message(fd[0], p), 14);
        }
    }
    expect_closed(fd[1]);
    ck_assert_uint_eq(counter(METRIC_DNS_TCP_OPEN), 2);
    write_all(fd[0], p, framed("live.cdn.example", 1, 8, p));
    ck_assert_uint_gt(read_message(fd[0], p), 14);
    close(fd[0]);
    close(fd[2]);
}
END_TEST

static int slow_client(void)
{
    struct sockaddr_storage ss;
    socklen_t len = addr_to_sockaddr(fixture_addr("127.0.0.1"), tcp_port, &ss);
    int fd = socket(AF_INET, SOCK_STREAM, 0), small = 16384;

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&ss, len), 0);
    ck_assert_int_ge(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

/* Writes queries until the server stops taking them; how many went whole. */
static unsigned write_until_stuck(int fd)
{
    uint8_t q[512];
    size_t n = framed("a.b.ent.cdn.example", 16, 0, q), at = 0;
    unsigned sent = 0, stuck = 0;

    while (stuck < 50) {
        ssize_t k = send(fd, q + at, n - at, MSG_NOSIGNAL);

        if (k > 0) {
            stuck = 0;
            at += (size_t)k;
            if (at == n) {
                at = 0;
                sent++;
                dns_put_u16_at(q + 2, sent & 0xffff);
            }
        } else {
            ck_assert_int_eq(errno, EAGAIN);
            stuck++;
        }
        pump();
    }
    return sent;
}

/* A client that reads nothing is not read from; once it reads, nothing was lost. */
START_TEST(tcp_slow_reader)
{
    uint8_t p[65537];
    unsigned sent;
    int fd;

    start("127.0.0.1");
    fd = slow_client();
    sent = write_until_stuck(fd);
    ck_assert_uint_lt(counter(METRIC_DNS_QUERIES_TCP), sent);
    for (unsigned i = 0; i < sent; i++) {
        ck_assert_uint_gt(read_message(fd, p), 600);
        ck_assert_uint_eq(dns_get_u16(p + 2), i & 0xffff);
    }
    close(fd);
}
END_TEST

START_TEST(tcp_slow_reader_is_dropped)
{
    const uint64_t until = clock_ms() + WAIT_MS;
    int fd;

    world.conf.tcp_idle_ms = 300;
    start("127.0.0.1");
    fd = slow_client();
    write_until_stuck(fd);
    while (counter(METRIC_DNS_TCP_DROPPED) == 0) {
        ck_assert(clock_ms() < until);
        poll(NULL, 0, 5);
        pump();
    }
    ck_assert_uint_eq(counter(METRIC_DNS_TCP_OPEN), 0);
    close(fd);
}
END_TEST

static void on_drained(void *arg)
{
    ++*(unsigned *)arg;
}

static void wait_drained(const unsigned *drained)
{
    const uint64_t until = clock_ms() + WAIT_MS;

    while (!*drained) {
        ck_assert(clock_ms() < until);
        pump();
    }
}

/* What has arrived by datagram is answered; a connection with nothing under way is closed. */
START_TEST(drain_idle)
{
    uint8_t p[65537];
    unsigned drained = 0;
    int udp, tcp;

    start("127.0.0.1");
    tcp = client("127.0.0.1", SOCK_STREAM, tcp_port);
    write_all(tcp, p, framed("live.cdn.example", 1, 1, p));
    ck_assert_uint_gt(read_message(tcp, p), 14);
    udp = client("127.0.0.1", SOCK_DGRAM, udp_port);
    for (unsigned i = 0; i < 40; i++)
        ck_assert_int_gt(send(udp, p, query("live.cdn.example", 1, i, p), 0), 0);
    dns_server_drain(server, on_drained, &drained);
    ck_assert_uint_eq(drained, 0); /* never from within */
    for (unsigned i = 0; i < 40; i++)
        ck_assert_uint_gt(read_some(udp, p, sizeof p), 12);
    expect_closed(tcp);
    wait_drained(&drained);
    ck_assert_uint_eq(drained, 1);
    close(udp);
}
END_TEST

START_TEST(drain_without_connections)
{
    unsigned drained = 0;

    start("127.0.0.1");
    dns_server_drain(server, on_drained, &drained);
    wait_drained(&drained);
    ck_assert_uint_eq(drained, 1);
}
END_TEST

/* Answers under way are finished. */
START_TEST(drain_slow_reader)
{
    uint8_t p[65537];
    unsigned drained = 0;
    uint64_t answers = 0;
    int fd;

    start("127.0.0.1");
    fd = slow_client();
    write_until_stuck(fd);
    dns_server_drain(server, on_drained, &drained);
    pump();
    ck_assert_uint_eq(drained, 0);
    while (read_message(fd, p))
        answers++;
    ck_assert_uint_eq(answers, counter(METRIC_DNS_QUERIES_TCP));
    wait_drained(&drained);
    close(fd);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dns_server");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, udp_answers, 0, sizeof places / sizeof places[0]);
    tcase_add_test(t, udp_batches);
    tcase_add_test(t, udp_subnets);
    tcase_add_test(t, tcp_many_queries);
    tcase_add_test(t, tcp_pipelined);
    tcase_add_test(t, tcp_byte_by_byte);
    tcase_add_test(t, tcp_large);
    tcase_add_test(t, tcp_half_closed);
    tcase_add_loop_test(t, tcp_nonsense, 0, sizeof nonsense / sizeof nonsense[0]);
    tcase_add_test(t, tcp_idle);
    tcase_add_test(t, tcp_drip);
    tcase_add_test(t, tcp_cap);
    tcase_add_test(t, tcp_slow_reader);
    tcase_add_test(t, tcp_slow_reader_is_dropped);
    tcase_add_test(t, drain_idle);
    tcase_add_test(t, drain_without_connections);
    tcase_add_test(t, drain_slow_reader);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
