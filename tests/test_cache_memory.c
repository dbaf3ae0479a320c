#include "router/cache_memory.h"

#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "view_fixture.h"

static uint64_t seed_of_now(void)
{
    uint64_t seed;

    hash_random(&seed, sizeof seed);
    return seed | 1;
}

/* Content n of a set: no two are equal. */
static uint64_t content(uint64_t set, uint64_t n)
{
    return hash_mix(set << 32 ^ n, 0);
}

static struct cache_memory *memory(size_t bytes, unsigned columns, const char *path)
{
    struct cache_memory *m = NULL;
    struct err e = {0};

    ck_assert_msg(cache_memory_new(bytes, columns, path, &m, &e) == ERR_OK, "%s", e.text);
    return m;
}

/* A directory that goes with all in it. */
static void dir_make(char dir[64])
{
    snprintf(dir, 64, "/tmp/waymark-memory-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void dir_remove(const char *dir, const char *file)
{
    ck_assert_int_eq(unlink(file), 0);
    ck_assert_msg(rmdir(dir) == 0, "%s: something was left behind", dir);
}

START_TEST(sizes)
{
    struct cache_memory *m = NULL;
    struct err e = {0};

    ck_assert_int_eq(cache_memory_new(1 << 20, 0, NULL, &m, &e), ERR_LIMIT);
    ck_assert_ptr_null(m);
    e = (struct err){0};
    ck_assert_int_eq(cache_memory_new(1 << 20, LIVE_SLOTS + 1, NULL, &m, &e), ERR_LIMIT);

    m = memory(1 << 20, 50, NULL); /* a row is 16 bytes */
    ck_assert_uint_eq(cache_memory_columns(m), 64);
    ck_assert_uint_eq(cache_memory_rows(m), 65536);
    ck_assert_uint_ge(cache_memory_bytes(m), 1 << 20);
    ck_assert_uint_le(cache_memory_bytes(m), (1 << 20) + (16 << 10));
    cache_memory_drop(m);
    m = memory((1 << 20) - 1, 64, NULL);
    ck_assert_uint_eq(cache_memory_rows(m), 32768);
    cache_memory_drop(m);
    m = memory(0, 65, NULL);
    ck_assert_uint_eq(cache_memory_columns(m), 128);
    ck_assert_uint_eq(cache_memory_rows(m), CACHE_MEMORY_ROWS_MIN);
    cache_memory_take(m);
    cache_memory_drop(m);
    ck_assert(cache_memory_add(m, 1, 0)); /* still there */
    cache_memory_drop(m);
    cache_memory_drop(NULL);
}
END_TEST

START_TEST(words_are_columns)
{
    struct cache_memory *m = memory(1 << 20, 200, NULL); /* 256 columns */
    static const lidx to[] = {0, 1, 63, 64, 199, 255};

    for (unsigned k = 0; k < sizeof to / sizeof *to; k++) {
        cache_memory_prefetch(m, 42);
        ck_assert(!cache_memory_has(m, 42, to[k]));
        ck_assert(cache_memory_add(m, 42, to[k]));
        ck_assert(!cache_memory_add(m, 42, to[k]));
        ck_assert(cache_memory_has(m, 42, to[k]));
        ck_assert_uint_eq(cache_memory_fresh(m, to[k]), 1);
    }
    ck_assert_uint_eq(cache_memory_word(m, 42, 0), UINT64_C(0x8000000000000003));
    ck_assert_uint_eq(cache_memory_word(m, 42, 1), 1);
    ck_assert_uint_eq(cache_memory_word(m, 42, 2), 0);
    ck_assert_uint_eq(cache_memory_word(m, 42, 3), UINT64_C(0x8000000000000080));
    ck_assert_uint_eq(cache_memory_word(m, 42, 4), 0); /* beyond the columns */
    ck_assert_uint_eq(cache_memory_word(m, 43, 0), 0);
    ck_assert(!cache_memory_add(m, 42, 256));
    ck_assert(!cache_memory_has(m, 42, 256) && !cache_memory_has(m, 42, LIVE_NONE));
    ck_assert_uint_eq(cache_memory_fresh(m, 256), 0);
    ck_assert(!cache_memory_turn(m, 256, 1, 1, 1));
    cache_memory_rotate(m, 256);
    cache_memory_clear(m, 256);
    cache_memory_drop(m);
}
END_TEST

/* (1 - exp(-k n / rows))^k of contents that were never added are taken for known. */
START_TEST(false_positives_are_as_many_as_theory_says)
{
    struct cache_memory *m = memory(1 << 20, 64, NULL);
    const double rows = (double)cache_memory_rows(m);
    struct dice d = {seed_of_now()};
    const uint64_t seed = d.state;
    unsigned added = 0;

    for (unsigned step = 1; step <= 4; step++) {
        const double n = rows * step / 16; /* up to a quarter */
        unsigned wrong = 0, asked = 400000;
        double theory, found;

        for (; added < n; added++)
            cache_memory_add(m, dice_next(&d), 5);
        ck_assert_uint_le(cache_memory_fresh(m, 5), added); /* without those that looked old */
        ck_assert_uint_ge(cache_memory_fresh(m, 5), added * 9 / 10);
        theory = pow(1 - exp(-CACHE_MEMORY_HASHES * n / rows), CACHE_MEMORY_HASHES);
        for (unsigned i = 0; i < asked; i++)
            wrong += cache_memory_has(m, dice_next(&d), 5);
        found = (double)wrong / asked;
        ck_assert_msg(fabs(found - theory) < 0.1 * theory + 0.0005,
                      "seed %lx: %.0f of %.0f: %.5f, theory %.5f", seed, n, rows, found, theory);
        ck_assert(!cache_memory_has(m, dice_next(&d), 4));
        ck_assert(!cache_memory_has(m, dice_next(&d), 6));
    }
    cache_memory_drop(m);
}
END_TEST

enum { MODEL_CONTENTS = 100, MODEL_COLUMNS = 130 };

struct model {
    bool in[MODEL_COLUMNS][2][MODEL_CONTENTS];
    unsigned current[MODEL_COLUMNS];
};

static void model_check(const struct cache_memory *m, const struct model *model, uint64_t seed)
{
    for (unsigned i = 0; i < MODEL_COLUMNS; i++) {
        unsigned fresh = 0;

        for (unsigned c = 0; c < MODEL_CONTENTS; c++) {
            fresh += model->in[i][model->current[i]][c];
            ck_assert_msg(cache_memory_has(m, content(seed >> 32, c), (lidx)i) ==
                              (model->in[i][0][c] || model->in[i][1][c]),
                          "seed %lx: content %u of column %u", seed, c, i);
        }
        ck_assert_uint_eq(cache_memory_fresh(m, (lidx)i), fresh);
    }
}

/* A filter so large that a false positive is next to impossible: it is then two sets. */
START_TEST(two_generations)
{
    struct cache_memory *m = memory((size_t)48 << 18, MODEL_COLUMNS, NULL); /* 2^18 rows */
    struct model *model = calloc(1, sizeof *model);
    const uint64_t seed = seed_of_now();
    struct dice d = {seed};

    for (unsigned step = 0; step < 20000; step++) {
        const unsigned i = dice_below(&d, MODEL_COLUMNS), c = dice_below(&d, MODEL_CONTENTS);
        const unsigned what = dice_below(&d, 1000), g = model->current[i];

        if (what < 2) {
            cache_memory_rotate(m, (lidx)i);
            model->current[i] = !g;
            memset(model->in[i][!g], 0, sizeof model->in[i][!g]);
        } else if (what < 3) {
            cache_memory_clear(m, (lidx)i);
            memset(model->in[i], 0, sizeof model->in[i]);
        } else {
            ck_assert(cache_memory_add(m, content(seed >> 32, c), (lidx)i) == !model->in[i][g][c]);
            model->in[i][g][c] = true;
        }
        if (step % 4000 == 0)
            model_check(m, model, seed);
    }
    model_check(m, model, seed);
    free(model);
    cache_memory_drop(m);
}
END_TEST

START_TEST(asked_again_outlives_the_generation)
{
    struct cache_memory *m = memory(1 << 16, 64, NULL);

    ck_assert(cache_memory_add(m, 1, 0) && cache_memory_add(m, 2, 0));
    cache_memory_rotate(m, 0);
    ck_assert(cache_memory_has(m, 1, 0) && cache_memory_has(m, 2, 0));
    ck_assert(cache_memory_add(m, 1, 0)); /* new in this generation */
    cache_memory_rotate(m, 0);
    ck_assert(cache_memory_has(m, 1, 0));
    ck_assert(!cache_memory_has(m, 2, 0));
    cache_memory_rotate(m, 0);
    ck_assert(!cache_memory_has(m, 1, 0));
    cache_memory_drop(m);
}
END_TEST

static void add_some(struct cache_memory *m, lidx i, uint64_t from, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        cache_memory_add(m, content(from, k), i);
}

START_TEST(a_generation_ends)
{
    struct cache_memory *m = memory(1 << 18, 64, NULL); /* 16384 rows: half full with 2839 */

    /* By what the cache holds. */
    add_some(m, 0, 1, 49);
    ck_assert(!cache_memory_turn(m, 0, 100, 0, 1000));
    ck_assert_uint_eq(cache_memory_fresh(m, 0), 49);
    add_some(m, 0, 2, 1);
    ck_assert(cache_memory_turn(m, 0, 100, 0, 1001));
    ck_assert_uint_eq(cache_memory_fresh(m, 0), 0);
    ck_assert(!cache_memory_turn(m, 0, 100, 0, 1002));

    /* By time, from when it was first looked at. */
    add_some(m, 1, 1, 3);
    ck_assert(!cache_memory_turn(m, 1, 0, 60, 500000));
    ck_assert(!cache_memory_turn(m, 1, 0, 60, 529999));
    ck_assert(cache_memory_turn(m, 1, 0, 60, 530000));
    ck_assert(cache_memory_has(m, content(1, 0), 1));
    ck_assert(!cache_memory_turn(m, 1, 0, 60, 559999));
    ck_assert(cache_memory_turn(m, 1, 0, 60, 560000));
    ck_assert(!cache_memory_has(m, content(1, 0), 1)); /* asked for a minute ago */

    /* By the filter, also where the cache holds more. */
    add_some(m, 2, 1, 2700);
    ck_assert(!cache_memory_turn(m, 2, 0, 0, 1));
    ck_assert(!cache_memory_turn(m, 2, 1e9, 0, 1));
    add_some(m, 2, 2, 400);
    ck_assert(cache_memory_turn(m, 2, _i ? 0 : 1e9, 0, 2));
    cache_memory_drop(m);
}
END_TEST

static struct live *live_of(const char *const *names, unsigned n)
{
    struct live *live = live_new();

    for (unsigned i = 0; i < n; i++)
        ck_assert_uint_eq(live_slot(live, str_from(names[i])), i);
    return live;
}

START_TEST(columns_follow_their_streamers)
{
    static const char *const first[] = {"a", "b", "c", "d"};
    static const char *const then[] = {"new", "c", "b", "e", "f", "a"}; /* d is gone */
    struct live *live = live_of(first, 4), *later = live_of(then, 6);
    char dir[64], path[96];
    struct cache_memory *m;

    dir_make(dir);
    snprintf(path, sizeof path, "%s/memory", dir);
    m = memory(1 << 18, 64, path);
    cache_memory_bind(m, live);
    for (lidx i = 0; i < 4; i++)
        add_some(m, i, i, 100);
    cache_memory_rotate(m, 1);
    add_some(m, 1, 10, 7);
    cache_memory_bind(m, live); /* nothing changed */
    ck_assert(cache_memory_has(m, content(3, 99), 3));
    cache_memory_drop(m);

    m = memory(1 << 18, 64, path);
    cache_memory_bind(m, later);
    for (unsigned k = 0; k < 100; k++) {
        ck_assert_uint_eq(cache_memory_word(m, content(0, k), 0), 1 << 5); /* a */
        ck_assert_uint_eq(cache_memory_word(m, content(1, k), 0), 1 << 2); /* b */
        ck_assert_uint_eq(cache_memory_word(m, content(2, k), 0), 1 << 1); /* c */
        ck_assert_uint_eq(cache_memory_word(m, content(3, k), 0), 0);      /* d */
    }
    ck_assert_uint_eq(cache_memory_fresh(m, 2), 7); /* generations came along */
    ck_assert_uint_eq(cache_memory_fresh(m, 5), 100);
    ck_assert_uint_eq(cache_memory_fresh(m, 0), 0);
    cache_memory_rotate(m, 2);
    ck_assert(!cache_memory_has(m, content(1, 0), 2) && cache_memory_has(m, content(10, 0), 2));

    live_mark_begin(later); /* a reload: b goes, g gets its slot */
    for (unsigned i = 0; i < 6; i++)
        if (i != 2)
            (void)live_slot(later, str_from(then[i]));
    live_mark_end(later);
    ck_assert_uint_eq(live_slot(later, STR("g")), 2);
    cache_memory_bind(m, later);
    ck_assert_uint_eq(cache_memory_word(m, content(10, 0), 0), 0);
    ck_assert_uint_eq(cache_memory_fresh(m, 2), 0);
    ck_assert_uint_eq(cache_memory_word(m, content(0, 0), 0), 1 << 5);
    cache_memory_drop(m);
    dir_remove(dir, path);
    live_free(live);
    live_free(later);
}
END_TEST

enum { KILL_CONTENTS = 3000 };

/* What the child said to have added is there, though it was killed in the middle of something. */
START_TEST(killed_process_loses_nothing)
{
    static const char *const names[] = {"a", "b"};
    struct live *live = live_of(names, 2);
    uint32_t said = 0, n;
    char dir[64], path[96];
    struct cache_memory *m;
    int fds[2], status;
    pid_t child;

    dir_make(dir);
    snprintf(path, sizeof path, "%s/memory", dir);
    ck_assert_int_eq(pipe(fds), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct err e = {0};

        close(fds[0]);
        if (cache_memory_new(1 << 20, 64, path, &m, &e) != ERR_OK)
            _exit(1);
        cache_memory_bind(m, live);
        for (n = 0;; n++) {
            cache_memory_add(m, content(7, n), 1);
            if (n < KILL_CONTENTS && write(fds[1], &n, sizeof n) != (ssize_t)sizeof n)
                _exit(1);
        }
    }
    close(fds[1]);
    while (said < KILL_CONTENTS && read(fds[0], &n, sizeof n) == (ssize_t)sizeof n)
        said++;
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    close(fds[0]);
    ck_assert_uint_eq(said, KILL_CONTENTS);

    m = memory(1 << 20, 64, path);
    cache_memory_bind(m, live);
    for (n = 0; n < KILL_CONTENTS; n++) {
        ck_assert(cache_memory_has(m, content(7, n), 1));
        ck_assert(!cache_memory_has(m, content(7, n), 0));
    }
    ck_assert_uint_ge(cache_memory_fresh(m, 1), KILL_CONTENTS * 9 / 10);
    cache_memory_drop(m);
    dir_remove(dir, path);
    live_free(live);
}
END_TEST

enum damage { DAMAGE_NONE, SHORT, LONG, EMPTY, GARBAGE, HEAD, SHAPE, COLUMNS, NAME, DAMAGES };

static void damage(enum damage what, const char *path, off_t size)
{
    int fd = open(path, O_RDWR);
    char junk[4096];

    ck_assert_int_ge(fd, 0);
    memset(junk, 0x5a, sizeof junk);
    if (what == SHORT)
        ck_assert_int_eq(ftruncate(fd, size - 1), 0);
    else if (what == LONG)
        ck_assert_int_eq(ftruncate(fd, size + 1), 0);
    else if (what == EMPTY)
        ck_assert_int_eq(ftruncate(fd, 0), 0);
    else if (what == GARBAGE)
        for (off_t at = 0; at < size; at += (off_t)sizeof junk)
            ck_assert_int_gt(pwrite(fd, junk, sizeof junk, at), 0);
    else if (what == HEAD)
        ck_assert_int_eq(pwrite(fd, junk, 1, 8), 1); /* the version */
    else if (what == NAME)
        ck_assert_int_eq(pwrite(fd, junk, 1, 4096 + 64), 1); /* "a" becomes "Z" */
    close(fd);
}

/* A file that is not as it should be is made anew; nothing but its own temporary name is touched.
 */
START_TEST(damaged_files_are_made_anew)
{
    static const char *const names[] = {"a", "b"};
    struct live *live = live_of(names, 2);
    const enum damage what = (enum damage)_i;
    char dir[64], path[96];
    struct cache_memory *m;
    struct stat st;

    dir_make(dir);
    snprintf(path, sizeof path, "%s/memory", dir);
    m = memory(1 << 18, 64, path);
    cache_memory_bind(m, live);
    add_some(m, 0, 0, 10);
    add_some(m, 1, 1, 10);
    cache_memory_drop(m);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    damage(what, path, st.st_size);

    m = memory(what == SHAPE ? 1 << 17 : 1 << 18, what == COLUMNS ? 65 : 64, path);
    cache_memory_bind(m, live);
    ck_assert(cache_memory_has(m, content(0, 3), 0) == (what == DAMAGE_NONE));
    ck_assert(cache_memory_has(m, content(1, 3), 1) == (what == DAMAGE_NONE || what == NAME));
    add_some(m, 0, 5, 10);
    ck_assert(cache_memory_has(m, content(5, 3), 0));
    cache_memory_drop(m);
    dir_remove(dir, path);
    live_free(live);
}
END_TEST

START_TEST(files_that_cannot_be)
{
    struct cache_memory *m = NULL;
    struct err e = {0};

    ck_assert_int_eq(cache_memory_new(1 << 16, 64, "/tmp/waymark-no-such-dir/x", &m, &e), ERR_IO);
    ck_assert_ptr_null(m);
    ck_assert_ptr_nonnull(strstr(e.text, "No such file"));
    e = (struct err){0};
    ck_assert_int_eq(cache_memory_new(1 << 16, 64, "/proc/self/x", &m, &e), ERR_IO);
    ck_assert_ptr_null(m);
}
END_TEST

struct worker {
    struct cache_memory *m;
    uint64_t from;
    atomic_bool *stop;
    unsigned rounds;
};

static void *work(void *arg)
{
    struct worker *w = arg;

    while (!atomic_load_explicit(w->stop, memory_order_relaxed)) {
        for (unsigned k = 0; k < 256; k++) {
            cache_memory_prefetch(w->m, content(w->from, k));
            cache_memory_add(w->m, content(w->from, k), (lidx)(k % 70));
            /* Column 69 never turns: what was added stays. */
            cache_memory_add(w->m, content(w->from, k), 69);
            ck_assert(cache_memory_has(w->m, content(w->from, k), 69));
        }
        w->rounds++;
    }
    return NULL;
}

START_TEST(workers_add_while_it_turns)
{
    struct cache_memory *m = memory(1 << 16, 70, NULL);
    struct worker w[4];
    atomic_bool stop = false;
    pthread_t t[4];

    for (unsigned i = 0; i < 4; i++) {
        w[i] = (struct worker){.m = m, .from = i, .stop = &stop};
        ck_assert_int_eq(pthread_create(&t[i], NULL, work, &w[i]), 0);
    }
    for (unsigned k = 0; k < 3000; k++) {
        cache_memory_rotate(m, (lidx)(k % 69));
        if (k % 7 == 0)
            cache_memory_clear(m, (lidx)((k + 3) % 69));
    }
    atomic_store(&stop, true);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    for (unsigned i = 0; i < 4; i++)
        for (unsigned k = 0; w[i].rounds && k < 256; k++)
            ck_assert(cache_memory_has(m, content(i, k), 69));
    for (lidx i = 0; i < 69; i++) { /* no bit is left behind */
        cache_memory_rotate(m, i);
        cache_memory_rotate(m, i);
        ck_assert(!cache_memory_has(m, content(0, i), i));
    }
    cache_memory_drop(m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cache_memory");
    TCase *t = tcase_create("cache_memory");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, sizes);
    tcase_add_test(t, words_are_columns);
    tcase_add_test(t, false_positives_are_as_many_as_theory_says);
    tcase_add_test(t, two_generations);
    tcase_add_test(t, asked_again_outlives_the_generation);
    tcase_add_loop_test(t, a_generation_ends, 0, 2);
    tcase_add_test(t, columns_follow_their_streamers);
    tcase_add_test(t, killed_process_loses_nothing);
    tcase_add_loop_test(t, damaged_files_are_made_anew, 0, DAMAGES);
    tcase_add_test(t, files_that_cannot_be);
    tcase_add_test(t, workers_add_while_it_turns);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
