#include "base/net.h"

#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct listen_addr loopback(bool v6, uint16_t port)
{
    return (struct listen_addr){v6 ? (struct addr){0, 1} : addr_from_v4(0x7f000001), port};
}

START_TEST(workers_share_a_port)
{
    struct err e = {0};
    uint16_t port;
    int first, second;

    ck_assert_msg(net_listen_tcp(loopback(_i, 0), 8, &first, &e) == ERR_OK, "%s", e.text);
    port = net_local_port(first);
    ck_assert_uint_ne(port, 0);
    ck_assert_msg(net_listen_tcp(loopback(_i, port), 8, &second, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(net_local_port(second), port);
    close(first);
    close(second);
}
END_TEST

static const struct {
    int level, name, probe;
} families[] = {
    {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE},
};

START_TEST(datagrams_are_not_cut)
{
    struct err e = {0};
    int fd, how = -1;
    socklen_t len = sizeof how;

    ck_assert_msg(net_bind_udp(loopback(_i, 0), 1 << 16, &fd, &e) == ERR_OK, "%s", e.text);
    ck_assert_int_eq(getsockopt(fd, families[_i].level, families[_i].name, &how, &len), 0);
    ck_assert_int_eq(how, families[_i].probe);
    close(fd);
}
END_TEST

START_TEST(a_taken_address_is_named)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int holder = socket(AF_INET, SOCK_STREAM, 0), fd = 0;
    struct err e = {0};
    char wanted[64];
    uint16_t port;

    ck_assert_int_eq(bind(holder, (struct sockaddr *)&in, sizeof in), 0);
    port = net_local_port(holder);
    ck_assert_int_eq(net_listen_tcp(loopback(false, port), 8, &fd, &e), ERR_IO);
    ck_assert_int_eq(fd, -1);
    snprintf(wanted, sizeof wanted, "listen on 127.0.0.1 port %u: ", port);
    ck_assert_msg(strncmp(e.text, wanted, strlen(wanted)) == 0, "%s", e.text);
    close(holder);
}
END_TEST

START_TEST(what_is_no_socket_has_no_port)
{
    ck_assert_uint_eq(net_local_port(-1), 0);
    ck_assert_uint_eq(net_local_port(0), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("net");
    TCase *t = tcase_create("net");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, workers_share_a_port, 0, 2);
    tcase_add_loop_test(t, datagrams_are_not_cut, 0, 2);
    tcase_add_test(t, a_taken_address_is_named);
    tcase_add_test(t, what_is_no_socket_has_no_port);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
