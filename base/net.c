#include "base/net.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <unistd.h>

static enum err_code socket_bind(struct listen_addr a, int type, int *out, struct err *e)
{
    struct sockaddr_storage ss;
    socklen_t len = addr_to_sockaddr(a.addr, a.port, &ss);
    char text[ADDR_TEXT_MAX];
    const int on = 1;
    int fd = socket(ss.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    *out = -1;
    if (fd < 0)
        return err_set_errno(e, "listen on %s port %u", addr_format(a.addr, text), a.port);
    if ((type == SOCK_STREAM && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0 ||
        (ss.ss_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) ||
        bind(fd, (struct sockaddr *)&ss, len) < 0) {
        enum err_code rc =
            err_set_errno(e, "listen on %s port %u", addr_format(a.addr, text), a.port);

        close(fd);
        return rc;
    }
    *out = fd;
    return ERR_OK;
}

enum err_code net_listen_tcp(struct listen_addr a, int backlog, int *fd, struct err *e)
{
    char text[ADDR_TEXT_MAX];
    enum err_code rc = socket_bind(a, SOCK_STREAM, fd, e);

    if (rc != ERR_OK)
        return rc;
    if (listen(*fd, backlog) < 0) {
        rc = err_set_errno(e, "listen on %s port %u", addr_format(a.addr, text), a.port);
        close(*fd);
        *fd = -1;
    }
    return rc;
}

/* Answers fit every path (1232 bytes), so none need be cut in pieces (RFC 9715 section 3.1), and
 * what somebody claims of a path's MTU need not be believed. The system is spared a number for each
 * datagram, which it would have to draw for one that may be cut. Nothing is lost where it fails. */
static void never_fragment(int fd)
{
    const int probe = IP_PMTUDISC_PROBE, probe6 = IPV6_PMTUDISC_PROBE;

    (void)setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof probe);
    (void)setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &probe6, sizeof probe6);
}

enum err_code net_bind_udp(struct listen_addr a, int rcvbuf, int *fd, struct err *e)
{
    enum err_code rc = socket_bind(a, SOCK_DGRAM, fd, e);

    if (rc == ERR_OK)
        never_fragment(*fd);
    /* A smaller buffer than asked for costs bursts, not correctness. */
    if (rc == ERR_OK && rcvbuf > 0)
        (void)setsockopt(*fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf);
    return rc;
}

uint16_t net_local_port(int fd)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    struct addr a;
    uint16_t port = 0;

    if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0 ||
        !addr_from_sockaddr((struct sockaddr *)&ss, &a, &port))
        return 0;
    return port;
}

void net_ignore_sigpipe(void)
{
    struct sigaction now;

    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}
