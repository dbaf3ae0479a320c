/* Datagrams to the UDP tracker. Input: up to 32 times [control][length][bytes]; control bit 0: the
 * connection id is made right; 1: from IPv6; 2-4: which host; 5: it is an announce of full length.
 * Whatever comes: an answer has the request's transaction, whole peers, and never the asker. */
#include "tests/fuzz/tracker_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_be(uint8_t *p, uint64_t x, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        p[i] = (uint8_t)(x >> 8 * (n - 1 - i));
}

static void need(bool ok)
{
    if (!ok)
        abort();
}

static void check_peers(struct addr from, const uint8_t *in, const uint8_t *out, size_t len)
{
    unsigned stride = peer_wire_len(peer_family_of(from));
    uint8_t self[PEER_WIRE_MAX];

    need(len >= 20 && (len - 20) % stride == 0);
    peer_wire_put(from, (uint16_t)(in[96] << 8 | in[97]), self);
    for (size_t i = 20; i < len; i += stride) {
        need(memcmp(out + i, self, stride) != 0);
        need(out[i + stride - 2] != 0 || out[i + stride - 1] != 0);
        for (size_t k = 20; k < i; k += stride)
            need(memcmp(out + i, out + k, stride) != 0);
    }
}

/* Returns how many bytes of the input it took. */
static size_t one(struct tracker_world *w, const uint8_t *data, size_t size)
{
    unsigned control = data[0];
    size_t n = data[1] < size - 2 ? data[1] : size - 2, len = control & 32 ? 98 : n;
    unsigned host = control >> 2 & 7;
    struct addr from = control & 2 ? (struct addr){UINT64_C(0x20010db8) << 32, host}
                                   : addr_from_v4(0x0a000000 + host);
    uint8_t *in = calloc(1, len ? len : 1), out[UDP_OUT_MAX];
    size_t got;

    memcpy(in, data + 2, n < len ? n : len);
    if (control & 1 && len >= 8)
        put_be(in, connection_id_make(w->tracker, from), 8);
    if (control & 32)
        put_be(in + 8, 1, 4);
    got = announce_udp_answer(w->tracker, from, 1, in, len, out, sizeof out);
    need(got <= sizeof out && (got == 0 || got >= 8));
    if (got > 0) {
        need(memcmp(out + 4, in + 12, 4) == 0 && out[0] == 0 && out[3] <= 3);
        if (out[3] == 1)
            check_peers(from, in, out, got);
    }
    free(in);
    return 2 + n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tracker_world *w = tracker_world_get();
    struct swarms_stats stats;
    unsigned rounds = 0;

    for (; size >= 2 && rounds < 32; rounds++) {
        size_t took = one(w, data, size);

        data += took;
        size -= took;
    }
    swarms_stats_get(w->swarms, &stats);
    need(stats.peers <= rounds && stats.seeds <= stats.peers && stats.swarms <= rounds);
    return 0;
}
