#include "daemon/access_log.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static char dir[] = "/tmp/waymark-access-XXXXXX";
static char path[64], rotated[64];

static void setup(void)
{
    memset(dir + strlen(dir) - 6, 'X', 6);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/a.log", dir);
    snprintf(rotated, sizeof rotated, "%s/a.log.1", dir);
}

static void teardown(void)
{
    unlink(path);
    unlink(rotated);
    rmdir(dir);
}

static bool add_note(struct note_ring *r, uint64_t serial, uint32_t worker)
{
    struct note *n = note_begin(r);

    if (!n)
        return false;
    *n = (struct note){.serial = serial, .took_us = worker, .kind = NOTE_DNS};
    note_commit(r);
    return true;
}

/* Lines of a file; each worker's serials must grow. */
static unsigned count_lines(const char *file, uint64_t *last, unsigned workers)
{
    struct bytes text = {0};
    struct err e = {0};
    unsigned lines = 0;

    ck_assert_msg(file_read(file, 64 << 20, &text, &e) == ERR_OK, "%s", e.text);
    for (char *line = text.data, *end; (end = strchr(line, '\n')); line = end + 1) {
        const char *serial = memmem(line, (size_t)(end - line), " serial=", 8);
        unsigned long n, worker;

        ck_assert_ptr_nonnull(serial);
        ck_assert_int_eq(sscanf(serial, " serial=%lu us=%lu\n", &n, &worker), 2);
        ck_assert_uint_lt(worker, workers);
        ck_assert_uint_gt(n, last[worker]);
        last[worker] = n;
        lines++;
    }
    ck_assert(text.len == 0 || text.data[text.len - 1] == '\n');
    bytes_free(&text);
    return lines;
}

enum { WORKERS = 3, NOTES = 20000 };

struct writer {
    struct note_ring *ring;
    uint32_t number;
    unsigned written;
};

static void *write_notes(void *arg)
{
    struct writer *w = arg;

    for (uint64_t i = 1; i <= NOTES; i++)
        w->written += add_note(w->ring, i, w->number);
    return NULL;
}

START_TEST(every_note_is_written_or_counted)
{
    struct note_ring *rings[WORKERS];
    struct writer w[WORKERS];
    pthread_t t[WORKERS];
    struct access_log *l;
    struct err e = {0};
    uint64_t last[WORKERS] = {0};
    unsigned written = 0;

    for (uint32_t i = 0; i < WORKERS; i++) {
        rings[i] = note_ring_new(1024);
        w[i] = (struct writer){rings[i], i, 0};
    }
    ck_assert_msg(access_log_start(path, NOTE_LOGFMT, rings, WORKERS, &l, &e) == ERR_OK, "%s",
                  e.text);
    for (unsigned i = 0; i < WORKERS; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, write_notes, &w[i]), 0);
    for (unsigned i = 0; i < 20; i++) { /* reopening under way loses nothing */
        access_log_reopen(l);
        usleep(1000);
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_join(t[i], NULL);
        ck_assert_uint_eq(w[i].written + note_dropped(rings[i]), NOTES);
        written += w[i].written;
    }
    ck_assert_uint_eq(access_log_dropped(l), WORKERS * NOTES - written);
    access_log_stop(l);
    ck_assert_uint_eq(count_lines(path, last, WORKERS), written);
    for (unsigned i = 0; i < WORKERS; i++)
        note_ring_free(rings[i]);
}
END_TEST

static void wait_for_size(const char *file, long size)
{
    uint64_t until = clock_ms() + 10000;

    for (;;) {
        FILE *f = fopen(file, "r");
        long have = -1;

        if (f) {
            fseek(f, 0, SEEK_END);
            have = ftell(f);
            fclose(f);
        }
        if (have >= size)
            return;
        ck_assert_msg(clock_ms() < until, "%s has %ld bytes, not %ld", file, have, size);
        usleep(1000);
    }
}

START_TEST(rotation)
{
    struct note_ring *ring = note_ring_new(16);
    struct access_log *l;
    struct err e = {0};
    uint64_t last[1] = {0};

    ck_assert_msg(access_log_start(path, NOTE_LOGFMT, &ring, 1, &l, &e) == ERR_OK, "%s", e.text);
    ck_assert(add_note(ring, 1, 0));
    wait_for_size(path, 1);
    ck_assert_int_eq(rename(path, rotated), 0);
    ck_assert(add_note(ring, 2, 0)); /* noted before the request: in the old file */
    access_log_reopen(l);
    wait_for_size(path, 0);
    ck_assert(add_note(ring, 3, 0));
    access_log_stop(l);
    ck_assert_uint_eq(count_lines(rotated, last, 1), 2);
    ck_assert_uint_eq(count_lines(path, last, 1), 1);
    /* A daemon that starts again writes on. */
    ck_assert_msg(access_log_start(path, NOTE_LOGFMT, &ring, 1, &l, &e) == ERR_OK, "%s", e.text);
    ck_assert(add_note(ring, 4, 0));
    access_log_stop(l);
    last[0] = 0;
    ck_assert_uint_eq(count_lines(path, last, 1), 2);
    note_ring_free(ring);
}
END_TEST

START_TEST(reopen_that_fails_keeps_the_old_file)
{
    struct note_ring *ring = note_ring_new(16);
    struct access_log *l;
    struct err e = {0};
    uint64_t last[1] = {0}, until = clock_ms() + 10000;
    char moved[64], moved_log[80];
    bool gone = false;

    ck_assert_msg(access_log_start(path, NOTE_LOGFMT, &ring, 1, &l, &e) == ERR_OK, "%s", e.text);
    snprintf(moved, sizeof moved, "%s-moved", dir);
    snprintf(moved_log, sizeof moved_log, "%s/a.log", moved);
    ck_assert_int_eq(rename(dir, moved), 0);
    access_log_reopen(l);
    ck_assert(add_note(ring, 1, 0));
    while (!gone && clock_ms() < until) { /* both have been looked at */
        usleep(1000);
        gone = access(moved_log, R_OK) == 0;
    }
    wait_for_size(moved_log, 1);
    ck_assert(add_note(ring, 2, 0));
    access_log_stop(l);
    ck_assert_uint_eq(count_lines(moved_log, last, 1), 2);
    ck_assert_int_eq(rename(moved, dir), 0);
    note_ring_free(ring);
}
END_TEST

START_TEST(names_the_file_that_cannot_be)
{
    struct note_ring *ring = note_ring_new(16);
    struct access_log *l;
    struct err e = {0};

    ck_assert_int_eq(access_log_start("/nonexistent/a.log", NOTE_JSON, &ring, 1, &l, &e), ERR_IO);
    ck_assert_ptr_null(l);
    ck_assert_str_eq(e.text, "access log /nonexistent/a.log: cannot be opened for appending: "
                             "No such file or directory");
    access_log_stop(l);
    note_ring_free(ring);
}
END_TEST

/* The reader of standard output stopped reading: workers go on, the stop comes through. */
START_TEST(stuck_reader_blocks_nobody)
{
    struct note_ring *ring = note_ring_new(4096);
    struct access_log *l;
    struct err e = {0};
    int ends[2], saved = dup(STDOUT_FILENO);
    uint64_t start;
    unsigned added = 0, lines;
    FILE *f;
    char buf[65536];
    ssize_t n;

    fflush(stdout);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_ge(dup2(ends[1], STDOUT_FILENO), 0);
    close(ends[1]);
    ck_assert_msg(access_log_start(NULL, NOTE_LOGFMT, &ring, 1, &l, &e) == ERR_OK, "%s", e.text);
    start = clock_ms();
    while (note_dropped(ring) == 0 && clock_ms() < start + 10000)
        added += add_note(ring, added + 1, 0);
    ck_assert_uint_gt(note_dropped(ring), 0);
    start = clock_ms();
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    access_log_stop(l);
    ck_assert_uint_lt(clock_ms() - start, 8000);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    f = fopen(path, "w"); /* what did come through is whole lines up to the last */
    while ((n = read(ends[0], buf, sizeof buf)) > 0)
        fwrite(buf, 1, (size_t)n, f);
    fputc('\n', f);
    close(ends[0]);
    fclose(f);
    lines = 0;
    f = fopen(path, "r");
    while (fgets(buf, sizeof buf, f))
        lines++;
    fclose(f);
    ck_assert_uint_gt(lines, 100);
    ck_assert_uint_lt(lines, added);
    note_ring_free(ring);
}
END_TEST

START_TEST(full_disk_is_counted)
{
    struct note_ring *ring = note_ring_new(16);
    struct access_log *l;
    struct err e = {0};
    uint64_t until = clock_ms() + 10000;

    if (access("/dev/full", W_OK) < 0)
        return;
    ck_assert_msg(access_log_start("/dev/full", NOTE_LOGFMT, &ring, 1, &l, &e) == ERR_OK, "%s",
                  e.text);
    for (unsigned i = 1; i <= 5; i++)
        ck_assert(add_note(ring, i, 0));
    while (access_log_dropped(l) < 5 && clock_ms() < until)
        usleep(1000);
    ck_assert_uint_eq(access_log_dropped(l), 5);
    access_log_stop(l);
    note_ring_free(ring);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("access_log");
    TCase *c = tcase_create("access_log");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(c, 30);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, every_note_is_written_or_counted);
    tcase_add_test(c, rotation);
    tcase_add_test(c, reopen_that_fails_keeps_the_old_file);
    tcase_add_test(c, names_the_file_that_cannot_be);
    tcase_add_test(c, stuck_reader_blocks_nobody);
    tcase_add_test(c, full_disk_is_counted);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
