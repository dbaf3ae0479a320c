/* What the router knows, as ALTO resources: its streamers as entities with properties (RFC 9240),
 * and what they deliver to whom as a CDNi advertisement (RFC 9241). Made anew whenever something
 * may have changed; equal facts have equal tags. Everything of the results is in arena or outlives
 * it (v). */
#pragma once

#include "alto/cdni.h"
#include "alto/propmap.h"
#include "router/view.h"

/* "priv:streamer:<name>", and "ipv4:<address>", "ipv6:<address>" of each (of two with one address
 * the first by name), with
 *   <network>.pid   the PID that it is in; not when it is in none. network_id: what the map is
 *                   served as; n 0: alto_facts_network_id
 *   priv:state      "up", "unknown", "suspect", "down", "drain", "forced": an address's own; of the
 *                   streamer the best of its addresses
 *   priv:streamer   of addresses: whose it is
 *   priv:capacity   of the streamer: concurrent sessions; not when unlimited
 *   priv:load       of the streamer: share of it that is used, "0.42"; not when unlimited
 *   priv:available  of the streamer: sessions that are left, by the same load; "0" when it gets
 * none. All values are strings (section 7.6). Load has steps of a hundredth, so that not every
 * session makes another version. */
enum err_code alto_facts_props(const struct view *v, const struct live *live, struct str network_id,
                               struct arena *arena, const struct propmap **out,
                               struct err *e) MUST_CHECK;

/* FCI.DeliveryProtocol of the streamers that get clients now, by the protocols that each has: one
 * capability for each type of footprints, one for each streamer whose footprints narrow each other,
 * and one without where a streamer has none (everywhere). Nobody up: no capabilities. */
enum err_code alto_facts_advert(const struct view *v, const struct live *live, struct arena *arena,
                                const struct cdni_advert **out, struct err *e) MUST_CHECK;

/* What the network map of a view is served as, unless the configuration says: its own resource id,
 * or "networkmap". */
struct str alto_facts_network_id(const struct view *v);
