#include "base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_PATH_MAX 4096

struct str str_from(const char *text)
{
    return (struct str){text, text ? strlen(text) : 0};
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;

    return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool bytes_reserve(struct bytes *b, size_t more)
{
    size_t limit = b->limit ? b->limit : BYTES_LIMIT_DEFAULT;
    size_t cap = b->cap ? b->cap : 256;
    char *p;

    if (more > limit || b->len > limit - more)
        return false;
    if (b->len + more <= b->cap)
        return true;
    while (cap < b->len + more)
        cap *= 2;
    p = realloc(b->data, cap);
    if (!p)
        return false;
    b->data = p;
    b->cap = cap;
    return true;
}

bool bytes_add(struct bytes *b, const void *p, size_t n)
{
    if (!bytes_reserve(b, n))
        return false;
    if (n)
        memcpy(b->data + b->len, p, n);
    b->len += n;
    return true;
}

bool bytes_printf(struct bytes *b, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || !bytes_reserve(b, (size_t)n + 1))
        return false;
    va_start(ap, fmt);
    vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
    return true;
}

void bytes_free(struct bytes *b)
{
    free(b->data);
    *b = (struct bytes){.limit = b->limit};
}

static enum err_code read_all(int fd, size_t max, struct bytes *out, struct err *e)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_set_errno(e, "cannot be looked at");
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_IO, "is not a regular file");
    if ((uint64_t)st.st_size > max)
        return err_set(e, ERR_LIMIT, "%lld bytes, at most %zu", (long long)st.st_size, max);
    for (;;) {
        ssize_t n;

        if (!bytes_reserve(out,
                           out->len < (size_t)st.st_size ? (size_t)st.st_size - out->len + 1 : 1))
            return err_set(e, ERR_LIMIT, "no memory for %lld bytes", (long long)st.st_size);
        n = read(fd, out->data + out->len, out->cap - out->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set_errno(e, "cannot be read");
        if (n == 0)
            break;
        out->len += (size_t)n;
        if (out->len > max) /* it grew while being read */
            return err_set(e, ERR_LIMIT, "more than %zu bytes", max);
    }
    if (!bytes_reserve(out, 1))
        return err_set(e, ERR_LIMIT, "no memory for %zu bytes", out->len);
    out->data[out->len] = '\0';
    return ERR_OK;
}

enum err_code file_read(const char *path, size_t max, struct bytes *out, struct err *e)
{
    enum err_code rc;
    int fd;

    /* One byte to see that there is no more, and one for the NUL. */
    *out = (struct bytes){.limit = max < SIZE_MAX - 2 ? max + 2 : SIZE_MAX};
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set_errno(e, "cannot be opened");
    rc = read_all(fd, max, out, e);
    close(fd);
    if (rc != ERR_OK)
        bytes_free(out);
    return rc;
}

static bool write_all(int fd, struct str data)
{
    while (data.n > 0) {
        ssize_t n = write(fd, data.p, data.n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data.p += n;
        data.n -= (size_t)n;
    }
    return true;
}

/* The rename is in the directory, which has to reach the disk by itself. */
static void directory_sync(const char *path)
{
    char dir[FILE_PATH_MAX];
    const char *slash = strrchr(path, '/');
    int fd;

    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

enum err_code file_replace(const char *path, struct str data, struct err *e)
{
    char fresh[FILE_PATH_MAX];
    int n = snprintf(fresh, sizeof fresh, "%s.new", path), fd;
    bool ok;

    if (n < 0 || (size_t)n >= sizeof fresh)
        return err_set(e, ERR_LIMIT, "a path of %zu bytes is too long", strlen(path));
    (void)unlink(fresh); /* of a process that ended half way */
    fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set_errno(e, "%s cannot be made", fresh);
    ok = write_all(fd, data) && fsync(fd) == 0;
    if (!ok)
        err_set_errno(e, "%s cannot be written", fresh);
    if (close(fd) < 0 && ok) {
        ok = false;
        err_set_errno(e, "%s cannot be written", fresh);
    }
    if (ok && rename(fresh, path) < 0) {
        ok = false;
        err_set_errno(e, "%s cannot take its name", fresh);
    }
    if (!ok) {
        (void)unlink(fresh);
        return ERR_IO;
    }
    directory_sync(path);
    return ERR_OK;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Whether all of it fits into room bytes; looks at no more of it than that. */
static bool escape_fits(const unsigned char *in, size_t n, size_t room)
{
    size_t need = 0;

    for (size_t i = 0; i < n && need <= room; i++)
        need += is_plain(in[i]) ? 1 : 4;
    return need <= room;
}

char *bytes_escape(const void *p, size_t n, char *out, size_t size)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *in = p;
    size_t o = 0, room;
    bool all;

    if (size == 0)
        return out;
    all = escape_fits(in, n, size - 1);
    room = all ? size - 1 : size - 1 < 3 ? 0 : size - 4; /* the dots' three */
    for (size_t i = 0; i < n; i++) {
        bool plain = is_plain(in[i]);

        if (o + (plain ? 1 : 4) > room)
            break;
        if (plain) {
            out[o++] = (char)in[i];
            continue;
        }
        out[o++] = '\\';
        out[o++] = 'x';
        out[o++] = hex[in[i] >> 4];
        out[o++] = hex[in[i] & 15];
    }
    for (unsigned dots = 0; !all && dots < 3 && o < size - 1; dots++)
        out[o++] = '.';
    out[o] = '\0';
    return out;
}
