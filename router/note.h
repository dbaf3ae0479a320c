/* Dispatch notes: what was answered, for the access log. A worker writes a note of fixed size into
 * its own ring and goes on; a writer thread turns notes into lines. A full ring drops and counts.
 */
#pragma once

#include "router/decide.h"

enum note_kind { NOTE_HTTP, NOTE_DNS, NOTE_TRACKER };

#define NOTE_NAME_MAX 96

struct note {
    uint64_t wall_ms;
    uint64_t serial; /* of the view; streamer and PID names are copied, for the view may be gone */
    struct addr client;
    uint32_t took_us;
    uint16_t status; /* HTTP status, DNS rcode, tracker: 0 ok or 1 failure */
    uint8_t kind;    /* enum note_kind */
    uint8_t why;     /* enum why */
    uint8_t to;      /* enum route_to of router/route.h and 1; 0: nothing was asked for */
    float cost;      /* NAN: none or unknown */
    char service[32];
    char pid[PID_NAME_MAX + 1]; /* NUL terminated, cut if need be */
    char streamer[64];
    char name[NOTE_NAME_MAX]; /* path, qname or info-hash, as sent and cut; escaped by the writer */
    uint8_t name_len;
};

struct note_ring;

/* slots is rounded up to a power of two. */
struct note_ring *note_ring_new(unsigned slots);
void note_ring_free(struct note_ring *r);
/* Worker: the next free note, or NULL when the ring is full (the drop is counted). Fill it, then
 * commit. */
struct note *note_begin(struct note_ring *r);
void note_commit(struct note_ring *r);
/* Fills pid, streamer (or another CDN), service, cost, why, to and serial of a note. note_decision:
 * of a question that nobody was asked, to is 0. */
void note_decision(struct note *n, const struct view *v, svidx service, const struct decision *d);
struct route; /* router/route.h */
void note_route(struct note *n, const struct view *v, svidx service, const struct route *r);
/* Writer: the oldest note, or NULL; release makes room. */
const struct note *note_peek(struct note_ring *r);
void note_release(struct note_ring *r);
uint64_t note_dropped(const struct note_ring *r);

enum note_format { NOTE_LOGFMT, NOTE_JSON };
/* One line with its newline. false: out is full. */
bool note_format(const struct note *n, enum note_format format, struct bytes *out) MUST_CHECK;
