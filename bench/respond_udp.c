/* The reference for DNS over UDP: what a query costs when nothing is decided. recvmmsg, the query
 * back with the answer bit and one fixed A record between question and additional section,
 * sendmmsg. It checks only what keeps it inside its buffers. usage: respond_udp ADDRESS:PORT */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "bench/lib/load.h"

enum { BATCH = 32, DATAGRAM_MAX = 1500, HEADER = 12 };

/* Name by pointer to the question, A, IN, TTL 30, 192.0.2.1. */
static const unsigned char RECORD[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 192, 0, 2, 1};

/* Length of the answer in out, 0 for none. */
static size_t answer(const unsigned char *q, size_t n, unsigned char *out)
{
    size_t at = HEADER;

    if (n < HEADER + 5 || n > DATAGRAM_MAX - sizeof RECORD)
        return 0;
    while (at < n && q[at] != 0)
        at += q[at] + 1u;
    at += 5;
    if (at > n)
        return 0;
    memcpy(out, q, at);
    memcpy(out + at, RECORD, sizeof RECORD);
    memcpy(out + at + sizeof RECORD, q + at, n - at);
    out[2] |= 0x84; /* QR, AA */
    out[7] = 1;     /* one answer */
    return n + sizeof RECORD;
}

int main(int argc, char **argv)
{
    static unsigned char in[BATCH][DATAGRAM_MAX], out[BATCH][DATAGRAM_MAX];
    static struct mmsghdr got[BATCH], put[BATCH];
    static struct iovec in_v[BATCH], out_v[BATCH];
    static struct sockaddr_in from[BATCH];
    struct sockaddr_in at = load_address(argc > 1 ? argv[1] : "");
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) < 0)
        load_die("bind");
    for (;;) {
        unsigned answers = 0;
        int n;

        for (int i = 0; i < BATCH; i++) {
            in_v[i] = (struct iovec){in[i], DATAGRAM_MAX};
            got[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
                                             .msg_namelen = sizeof from[i],
                                             .msg_iov = &in_v[i],
                                             .msg_iovlen = 1};
        }
        n = recvmmsg(fd, got, BATCH, MSG_WAITFORONE, NULL);
        if (n < 0)
            load_die("recvmmsg");
        for (int i = 0; i < n; i++) {
            size_t len = answer(in[i], got[i].msg_len, out[answers]);

            if (len == 0)
                continue;
            out_v[answers] = (struct iovec){out[answers], len};
            put[answers].msg_hdr = (struct msghdr){.msg_name = &from[i],
                                                   .msg_namelen = sizeof from[i],
                                                   .msg_iov = &out_v[answers],
                                                   .msg_iovlen = 1};
            answers++;
        }
        for (unsigned sent = 0; sent < answers;) {
            int m = sendmmsg(fd, put + sent, answers - sent, 0);

            if (m <= 0)
                break;
            sent += (unsigned)m;
        }
    }
}
