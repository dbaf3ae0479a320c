#include "http/http_digest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include <openssl/sha.h>

#include "base/md5.h"
#include "tests/http_fixture.h"

#define REALM "http-auth@example.org"

static char users_path[64];
static struct http_digest *digest;
static struct http_digest_page page_of;
static struct arena *arena;

static void hex(const unsigned char *p, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++)
        sprintf(out + 2 * i, "%02x", p[i]);
}

/* Of text, in lower-case hexadecimal. */
static void sum(bool sha, const char *text, char *out)
{
    unsigned char got[32];

    if (sha)
        SHA256((const unsigned char *)text, strlen(text), got);
    else
        md5(text, strlen(text), got);
    hex(got, sha ? 32 : 16, out);
}

static void users_write(const char *text)
{
    FILE *f = fopen(users_path, "w");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void who(void *ctx, const struct http_request *q, struct http_response *r)
{
    char *p;

    (void)ctx;
    if (q->user.n == 0 && str_eq(q->path, STR("/secret"))) {
        http_response_text(r, 401, STR("who are you?\n"));
        return;
    }
    p = arena_printf(q->arena, "user=<%.*s>", (int)q->user.n, q->user.p ? q->user.p : "");
    ck_assert_ptr_nonnull(p);
    http_response_text(r, 200, str_from(p));
}

static void digest_setup(void)
{
    const struct http_digest_conf c = {
        .realm = STR(REALM), .users = str_from(users_path), .nonce_life_s = 60};
    char sha[65], md[33], text[512];
    struct err e = {0};
    int fd;

    setup();
    server = NULL;
    snprintf(users_path, sizeof users_path, "/tmp/waymark-users-XXXXXX");
    fd = mkstemp(users_path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    sum(true, "Mufasa:" REALM ":Circle of Life", sha);
    sum(false, "Mufasa:" REALM ":Circle of Life", md);
    snprintf(text, sizeof text, "# users\n\nMufasa:" REALM ":%s\nMufasa:" REALM ":%s\n", sha, md);
    users_write(text);
    ck_assert_msg(http_digest_new(&c, &digest, &e) == ERR_OK, "%s", e.text);
    turn.now_ms = 5000000;
    page_of = (struct http_digest_page){.digest = digest, .turn = &turn, .fn = who};
    arena = arena_new(1 << 20);
}

static void digest_teardown(void)
{
    http_digest_free(digest);
    arena_free(arena);
    unlink(users_path);
}

/* ---- a client ---- */

struct asked {
    int status;
    char body[128], challenge[2][256];
    unsigned challenges;
    char nonce[64];
    bool stale;
};

static struct asked ask(struct http_digest_page *p, struct arena *a, const char *target,
                        const char *header)
{
    struct http_header headers[2] = {{STR("Authorization"), str_from(header)}};
    struct http_request q = {.method = HTTP_GET,
                             .target = str_from(target),
                             .path = str_from(target),
                             .headers = headers,
                             .header_count = header ? 1 : 0,
                             .arena = a};
    struct http_response r = {0};
    struct asked out = {0};
    const char *at;

    http_digest_handle(p, &q, &r);
    out.status = r.status;
    snprintf(out.body, sizeof out.body, "%.*s", (int)r.body.n, r.body.p);
    for (size_t i = 0; i < r.header_count; i++)
        if (str_eq(r.headers[i].name, STR("WWW-Authenticate")) && out.challenges < 2)
            snprintf(out.challenge[out.challenges++], 256, "%.*s", (int)r.headers[i].value.n,
                     r.headers[i].value.p);
    at = strstr(out.challenge[0], "nonce=\"");
    if (at)
        snprintf(out.nonce, sizeof out.nonce, "%.*s", (int)strcspn(at + 7, "\""), at + 7);
    out.stale = strstr(out.challenge[0], "stale=true") != NULL;
    arena_reset(a);
    return out;
}

struct proof {
    bool md5;
    const char *user, *password, *uri, *nonce;
    unsigned nc;
};

static const char *prove(const struct proof *p, char *out, size_t size)
{
    const bool sha = !p->md5;
    char text[512], ha1[65], ha2[65], response[65];

    snprintf(text, sizeof text, "%s:" REALM ":%s", p->user, p->password);
    sum(sha, text, ha1);
    snprintf(text, sizeof text, "GET:%s", p->uri);
    sum(sha, text, ha2);
    snprintf(text, sizeof text, "%s:%s:%08x:cn:auth:%s", ha1, p->nonce, p->nc, ha2);
    sum(sha, text, response);
    snprintf(out, size,
             "Digest username=\"%s\", realm=\"" REALM "\", nonce=\"%s\", uri=\"%s\", "
             "algorithm=%s, response=\"%s\", qop=auth, nc=%08x, cnonce=\"cn\"",
             p->user, p->nonce, p->uri, sha ? "SHA-256" : "MD5", response, p->nc);
    return out;
}

static struct asked show(const char *user, const char *password, const char *nonce, unsigned nc)
{
    const struct proof p = {
        .user = user, .password = password, .uri = "/secret", .nonce = nonce, .nc = nc};
    char header[1024];

    return ask(&page_of, arena, "/secret", prove(&p, header, sizeof header));
}

/* ---- tests ---- */

START_TEST(nobody_and_the_challenge)
{
    struct asked a = ask(&page_of, arena, "/open", NULL);

    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(a.body, "user=<>");
    ck_assert_uint_eq(a.challenges, 0);
    a = ask(&page_of, arena, "/secret", NULL);
    ck_assert_int_eq(a.status, 401);
    ck_assert_str_eq(a.body, "who are you?\n");
    ck_assert_uint_eq(a.challenges, 2);
    ck_assert_msg(strstr(a.challenge[0], "Digest realm=\"" REALM "\", qop=\"auth\", "
                                         "algorithm=SHA-256, nonce=\"") == a.challenge[0],
                  "%s", a.challenge[0]);
    ck_assert_ptr_nonnull(strstr(a.challenge[1], "algorithm=MD5, "));
    ck_assert(!a.stale);
}
END_TEST

/* Conformance: T-10. */
START_TEST(passwords)
{
    struct asked first = ask(&page_of, arena, "/secret", NULL), a;
    struct proof p = {.user = "Mufasa", .password = "Circle of Life", .uri = "/secret", .nc = 1};
    char header[1024];

    a = show("Mufasa", "Circle of Life", first.nonce, 1);
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(a.body, "user=<Mufasa>");
    a = show("Mufasa", "Circle of Strife", first.nonce, 2);
    ck_assert_int_eq(a.status, 401);
    ck_assert(!a.stale && a.challenges == 2);
    a = show("Scar", "Circle of Life", first.nonce, 2);
    ck_assert(a.status == 401 && !a.stale);
    a = show("", "", first.nonce, 2);
    ck_assert(a.status == 401 && !a.stale);
    p.md5 = true;
    p.nonce = first.nonce;
    p.nc = 2;
    a = ask(&page_of, arena, "/secret", prove(&p, header, sizeof header));
    ck_assert_int_eq(a.status, 200);
    p.nc = 3;
    a = ask(&page_of, arena, "/other", prove(&p, header, sizeof header));
    ck_assert_int_eq(a.status, 400);
    a = ask(&page_of, arena, "/secret", "Basic TXVmYXNhOkNpcmNsZSBvZiBMaWZl");
    ck_assert(a.status == 401 && a.challenges == 2);
    a = ask(&page_of, arena, "/open", "Digest username=");
    ck_assert_int_eq(a.status, 400);
}
END_TEST

/* RFC 7616 section 3.9.1. The nonce is not ours, but the proof is right: that is what stale says.
 */
START_TEST(the_example_of_the_rfc)
{
    static const char form[] =
        "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", "
        "algorithm=%s, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, "
        "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, response=\"%s\", "
        "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
    static const struct {
        const char *algorithm, *response;
        bool right;
    } rows[] = {
        {"MD5", "8ca523f5e9506fed4657c9700eebdbec", true},
        {"SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", true},
        {"SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c2", false},
        {"MD5", "753927fa0e85d155564e2e272a28d180", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char header[1024];
        struct asked a;

        snprintf(header, sizeof header, form, rows[i].algorithm, rows[i].response);
        a = ask(&page_of, arena, "/dir/index.html", header);
        ck_assert_int_eq(a.status, 401);
        ck_assert_msg(a.stale == rows[i].right, "%s", rows[i].response);
    }
}
END_TEST

/* Conformance: T-10. */
START_TEST(replays_and_old_nonces)
{
    struct asked first = ask(&page_of, arena, "/secret", NULL), a;
    char forged[64];

    ck_assert_int_eq(show("Mufasa", "Circle of Life", first.nonce, 1).status, 200);
    a = show("Mufasa", "Circle of Life", first.nonce, 1);
    ck_assert(a.status == 401 && a.stale);
    ck_assert_str_ne(a.nonce, first.nonce);
    ck_assert_int_eq(show("Mufasa", "Circle of Life", a.nonce, 1).status, 200);
    /* A later count may overtake an earlier one, once. */
    ck_assert_int_eq(show("Mufasa", "Circle of Life", first.nonce, 9).status, 200);
    ck_assert_int_eq(show("Mufasa", "Circle of Life", first.nonce, 5).status, 200);
    ck_assert_int_eq(show("Mufasa", "Circle of Life", first.nonce, 5).status, 401);
    ck_assert_int_eq(show("Mufasa", "Circle of Life", first.nonce, 9).status, 401);
    ck_assert_int_eq(show("Mufasa", "Circle of Life", first.nonce, 40).status, 200);
    ck_assert_int_eq(show("Mufasa", "Circle of Life", first.nonce, 24).status, 401);
    ck_assert_int_eq(show("Mufasa", "Circle of Life", first.nonce, 25).status, 200);
    ck_assert_int_eq(show("Mufasa", "Circle of Life", first.nonce, 0).status, 401);
    ck_assert_int_eq(show("Mufasa", "Circle of Life", first.nonce, 65536).status, 401);
    /* A nonce that nobody made. */
    snprintf(forged, sizeof forged, "%s", a.nonce);
    forged[20] = forged[20] == '0' ? '1' : '0';
    ck_assert_int_eq(show("Mufasa", "Circle of Life", forged, 1).status, 401);
    turn.now_ms += 60000;
    ck_assert_int_eq(show("Mufasa", "Circle of Life", first.nonce, 41).status, 200);
    turn.now_ms += 1000;
    a = show("Mufasa", "Circle of Life", first.nonce, 42);
    ck_assert(a.status == 401 && a.stale);
}
END_TEST

/* Property: no nonce is good twice for one count, however many there are; where the table is full
 * they are stale, never forgotten. */
START_TEST(many_nonces)
{
    enum { N = 20000 };
    static char nonces[N][64];
    unsigned good = 0;

    for (unsigned i = 0; i < N; i++) {
        snprintf(nonces[i], 64, "%s", ask(&page_of, arena, "/secret", NULL).nonce);
        good += show("Mufasa", "Circle of Life", nonces[i], 1).status == 200;
    }
    ck_assert_uint_gt(good, HTTP_DIGEST_SLOTS / 2);
    ck_assert_uint_le(good, HTTP_DIGEST_SLOTS);
    for (unsigned i = 0; i < N; i++)
        ck_assert_int_eq(show("Mufasa", "Circle of Life", nonces[i], 1).status, 401);
    turn.now_ms += 61000; /* all are old: the table is free */
    ck_assert_int_eq(
        show("Mufasa", "Circle of Life", ask(&page_of, arena, "/secret", NULL).nonce, 1).status,
        200);
}
END_TEST

/* ---- workers ---- */

static char shared_nonce[64];
static _Atomic unsigned accepted[64];

static void *worker(void *arg)
{
    struct turn mine = {.now_ms = turn.now_ms};
    struct http_digest_page p = {.digest = digest, .turn = &mine, .fn = who};
    struct arena *a = arena_new(1 << 20);

    (void)arg;
    for (unsigned nc = 1; nc < 64; nc++) {
        const struct proof proof = {.user = "Mufasa",
                                    .password = "Circle of Life",
                                    .uri = "/secret",
                                    .nonce = shared_nonce,
                                    .nc = nc};
        char header[1024];

        if (ask(&p, a, "/secret", prove(&proof, header, sizeof header)).status == 200)
            atomic_fetch_add(&accepted[nc], 1);
    }
    arena_free(a);
    return NULL;
}

/* Each count once, whoever asks for it. */
START_TEST(workers_share_the_counts)
{
    pthread_t threads[4];

    snprintf(shared_nonce, sizeof shared_nonce, "%s", ask(&page_of, arena, "/secret", NULL).nonce);
    memset(accepted, 0, sizeof accepted);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, worker, NULL), 0);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (unsigned nc = 1; nc < 64; nc++)
        ck_assert_msg(atomic_load(&accepted[nc]) <= 1, "count %u: %u times", nc,
                      atomic_load(&accepted[nc]));
    ck_assert_uint_eq(atomic_load(&accepted[63]), 1);
}
END_TEST

/* ---- files ---- */

#define D64 "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"
#define D32 "0123456789abcdef0123456789abcdef"

START_TEST(files)
{
    // clang-format off
    static const struct { const char *text; enum err_code rc; const char *error; unsigned offers; } rows[] = {
        {"a:" REALM ":" D64 "\n", ERR_OK, "", 1},
        {"a:" REALM ":" D32, ERR_OK, "", 1},
        {"a:" REALM ":" D32 "\r\n# c\n\na:" REALM ":" D64 "\n", ERR_OK, "", 2},
        {"", ERR_PARSE, ": no users", 0},
        {"a:" REALM ":" D64 "\nb\n", ERR_PARSE, "line 2: not \"user:realm:digest\"", 0},
        {"a:" REALM "\n", ERR_PARSE, "line 1: not \"user:realm:digest\"", 0},
        {":" REALM ":" D64 "\n", ERR_PARSE, "line 1: the user's name", 0},
        {"a\"b:" REALM ":" D64 "\n", ERR_PARSE, "line 1: the user's name", 0},
        {"a:other:" D64 "\n", ERR_CONFLICT, "line 1: the realm is not \"" REALM "\"", 0},
        {"a:" REALM ":" D64 "0\n", ERR_PARSE, "line 1: 65 digits", 0},
        {"a:" REALM ":g123456789abcdef0123456789abcdef\n", ERR_PARSE, "line 1: what stands behind", 0},
        {"a:" REALM ":" D64 "\na:" REALM ":" D64 "\n", ERR_CONFLICT, "user \"a\" stands twice", 0},
    };
    // clang-format on
    const struct http_digest_conf c = {.realm = STR(REALM), .users = str_from(users_path)};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_digest *d = digest;
        struct err e = {0};

        users_write(rows[i].text);
        ck_assert_int_eq((int)http_digest_new(&c, &d, &e), (int)rows[i].rc);
        ck_assert_msg(strstr(e.text, rows[i].error) != NULL, "row %zu: %s", i, e.text);
        ck_assert(!d == (rows[i].rc != ERR_OK));
        if (d) {
            struct http_digest_page p = {.digest = d, .turn = &turn, .fn = who};

            ck_assert_uint_eq(ask(&p, arena, "/secret", NULL).challenges, rows[i].offers);
        }
        http_digest_free(d);
    }
    unlink(users_path);
    {
        struct http_digest *d;
        struct err e = {0};

        ck_assert_int_eq((int)http_digest_new(&c, &d, &e), (int)ERR_IO);
    }
}
END_TEST

START_TEST(headers)
{
    // clang-format off
    static const struct { const char *text; bool good; } rows[] = {
        {"Digest a=b", true}, {"digest a=\"b\" , ,c=d,", true}, {"Digest nc=1", true}, {"Digest ", true},
        {"Digest username = \"x\"", true}, {"Digest username=\"\"", true},
        {"Digest", false}, {"Digestx a=b", false}, {"Basic a=b", false}, {"Digest a", false}, {"Digest a=", false},
        {"Digest a=\"b", false}, {"Digest a=\"b\\\"\"", false}, {"Digest a=b c=d", false}, {"Digest =b", false},
        {"Digest nc=1,nc=1", false}, {"Digest username=\"\",USERNAME=x", false}, {"Digest a=b;c=d", false},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_digest_fields f;

        ck_assert_msg(http_digest_parse(str_from(rows[i].text), &f) == rows[i].good, "%s",
                      rows[i].text);
    }
}
END_TEST

/* ---- curl ---- */

/* What curl prints, run beside the server's loop; -1 as the status when there is no curl. */
static int curl(const char *user, const char *path, char *out, size_t size)
{
    char url[96];
    int pipe_fd[2], status;
    size_t n = 0;
    pid_t pid;

    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, path);
    ck_assert_int_eq(pipe(pipe_fd), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        dup2(pipe_fd[1], 1);
        execlp("curl", "curl", "-sS", "--noproxy", "*", "-m", "20", "--digest", "-u", user, "-w",
               "|%{http_code}|%{num_connects}", url, "--next", "-sS", "--noproxy", "*", "--digest",
               "-u", user, "-w", "|%{http_code}", url, (char *)NULL);
        _exit(127);
    }
    close(pipe_fd[1]);
    fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK);
    for (;;) {
        ssize_t k = read(pipe_fd[0], out + n, size - 1 - n);

        if (k == 0)
            break;
        n += k > 0 ? (size_t)k : 0;
        turn_loop();
    }
    out[n] = '\0';
    close(pipe_fd[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 127 ? -1 : 0;
}

/* Conformance: T-10. */
START_TEST(a_client_of_others)
{
    char out[1024];

    begin();
    page_of.turn = &turn;
    ck_assert(
        http_server_mount(server, (struct str){0}, STR("/secret"), http_digest_handle, &page_of));
    if (curl("Mufasa:Circle of Life", "/secret", out, sizeof out) < 0) {
        puts("SKIPPED: there is no curl");
    } else {
        ck_assert_msg(times(out, "user=<Mufasa>|200") == 2, "%s", out);
        curl("Mufasa:Circle of Strife", "/secret", out, sizeof out);
        ck_assert_msg(times(out, "|401") == 2 && times(out, "user=") == 0, "%s", out);
    }
    teardown();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_digest");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, digest_setup, digest_teardown);
    tcase_add_test(t, nobody_and_the_challenge);
    tcase_add_test(t, passwords);
    tcase_add_test(t, the_example_of_the_rfc);
    tcase_add_test(t, replays_and_old_nonces);
    tcase_add_test(t, many_nonces);
    tcase_add_test(t, workers_share_the_counts);
    tcase_add_test(t, files);
    tcase_add_test(t, headers);
    tcase_add_test(t, a_client_of_others);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
