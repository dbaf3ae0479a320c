/* Sockets that listen: opened by the daemon before it drops its privileges, handed to the workers
 * as descriptors. */
#pragma once

#include "base/addr.h"
#include "base/err.h"

struct listen_addr {
    struct addr addr;
    uint16_t port; /* 0: any free one; net_local_port tells */
};

/* Non-blocking, close-on-exec, SO_REUSEPORT (one socket a worker on the same address), IPV6_V6ONLY.
 * *fd is -1 on failure; ERR_IO names the address and the system's reason. */
enum err_code net_listen_tcp(struct listen_addr a, int backlog, int *fd, struct err *e) MUST_CHECK;
/* Datagrams go out with DF set: they are to fit every path. Receive buffer of rcvbuf bytes if not 0
 * (as far as the system allows). */
enum err_code net_bind_udp(struct listen_addr a, int rcvbuf, int *fd, struct err *e) MUST_CHECK;
uint16_t net_local_port(int fd); /* 0 when it is not a bound socket */

/* A peer that closes early must not end the process: SIGPIPE is ignored from here on, unless
 * somebody has said what to do with it. For who writes through a library that does not know
 * MSG_NOSIGNAL. */
void net_ignore_sigpipe(void);
