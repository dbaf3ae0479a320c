/* What the access log costs: a worker for a note, and the writer thread for a line of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "router/note.h"

enum { NOTES = 4096, ROUNDS = 50, RUNS = 9 };

static int cmp(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void print(const char *name, double *ns)
{
    qsort(ns, RUNS, sizeof *ns, cmp);
    printf("%s %.1f ns spread %.1f..%.1f notes=%d compiler=%s\n", name, ns[RUNS / 2], ns[0],
           ns[RUNS - 1], NOTES, __VERSION__);
}

static void fill(struct note *n, uint64_t i)
{
    n->wall_ms = 1795348800000 + i;
    n->serial = 42;
    n->client = addr_from_v4((uint32_t)hash_mix(1, i));
    n->took_us = (uint32_t)(i % 50);
    n->status = 302;
    n->kind = NOTE_HTTP;
    n->why = WHY_COST;
    n->cost = (float)(i % 2000);
    memcpy(n->service, "vod", sizeof "vod");
    memcpy(n->pid, "DE-Frankfurt", sizeof "DE-Frankfurt");
    memcpy(n->streamer, "frankfurt-1", sizeof "frankfurt-1");
    memcpy(n->name, "/vod/film-1234/video_1080p/segment-00017.m4s", 44);
    n->name_len = 44;
}

static double ring_run(struct note_ring *r)
{
    uint64_t spent = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        const uint64_t start = clock_cpu_ns();

        for (uint64_t i = 0; i < NOTES; i++) {
            struct note *n = note_begin(r);

            if (n) {
                fill(n, i);
                note_commit(r);
            }
        }
        spent += clock_cpu_ns() - start;
        while (note_peek(r))
            note_release(r);
    }
    return (double)spent / ((double)ROUNDS * NOTES);
}

static double format_run(const struct note *notes, enum note_format format, struct bytes *out)
{
    const uint64_t start = clock_cpu_ns();

    for (unsigned round = 0; round < ROUNDS; round++) {
        out->len = 0;
        for (unsigned i = 0; i < NOTES; i++)
            if (!note_format(&notes[i], format, out))
                exit(1);
    }
    return (double)(clock_cpu_ns() - start) / ((double)ROUNDS * NOTES);
}

int main(void)
{
    struct note_ring *r = note_ring_new(NOTES);
    struct note *notes = calloc(NOTES, sizeof *notes);
    struct bytes out = {0};
    double ring[RUNS], logfmt[RUNS], json[RUNS];

    if (!r || !notes)
        exit(1);
    for (unsigned i = 0; i < NOTES; i++)
        fill(&notes[i], i);
    for (unsigned i = 0; i < RUNS; i++) {
        ring[i] = ring_run(r);
        logfmt[i] = format_run(notes, NOTE_LOGFMT, &out);
        json[i] = format_run(notes, NOTE_JSON, &out);
    }
    print("note-ring (worker, fill and commit)", ring);
    print("note-logfmt (writer thread)", logfmt);
    print("note-json (writer thread)", json);
    bytes_free(&out);
    note_ring_free(r);
    free(notes);
    return 0;
}
