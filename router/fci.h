/* CDNi footprint and capabilities advertisements (RFC 8008 section 5, RFC 9241 sections 3 to 6) of
 * downstream CDNs, and footprint lists in configurations. */
#pragma once

#include "base/arena.h"
#include "router/streamer.h"

#define FCI_BYTES_MAX ((size_t)64 << 20)
#define FCI_LISTS_MAX 256u  /* different lists of footprints, of all capabilities */
#define FCI_PARTS_MAX 4096u /* of a footprintunion that several lists are joined to */

struct fci {
    const struct footprint_conf *footprints; /* [count]; 0: everybody */
    size_t count;
    bool delivers_http, delivers_https; /* of FCI.DeliveryProtocol; both when it does not say */
};

/* Reads {"capabilities":[{"capability-type":..,"capability-value":..,"footprints":[..]},..]}, or
 * "capabilities-with-footprints" in "cdni-advertisement" (RFC 9241). Capability types that are not
 * known are skipped; the footprint is that of FCI.DeliveryProtocol, or of all capabilities when
 * that one is not there, and of several the union: who delivers HTTP here and HTTPS there is to be
 * two downstream CDNs. Without capabilities nobody is in it; a footprint type that is not known has
 * nobody. Lives in arena. Errors carry the path of the member. ERR_LIMIT: more conditions than
 * COVERAGE_LEVELS_MAX. */
enum err_code fci_parse(const char *json, size_t n, struct arena *arena, struct fci *out,
                        struct err *e) MUST_CHECK;
enum err_code fci_load(const char *path, struct arena *arena, struct fci *out,
                       struct err *e) MUST_CHECK;
