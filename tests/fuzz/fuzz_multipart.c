/* The first line is a Content-Type, the rest the body. What is read lies within the body, in order
 * and apart, and what our own writer makes of the same parts reads back as them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/multipart.h"
#include "base/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_of_all, const char *what)
{
    if (true_of_all)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void check_places(const struct multipart *m, struct str body)
{
    const char *at = body.p;

    must(m->part_count > 0 && m->root < m->part_count, "no root");
    for (size_t i = 0; i < m->part_count; i++) {
        must(m->parts[i].body.p >= at && m->parts[i].body.p + m->parts[i].body.n <= body.p + body.n,
             "a part outside");
        at = m->parts[i].body.p + m->parts[i].body.n;
    }
}

static void check_again(const struct multipart *m, uint64_t random)
{
    struct arena *arena = arena_new(1 << 16);
    struct multipart_write w;
    struct bytes out = {0};
    struct multipart back;
    struct err e = {0};
    struct str type;
    char name[16];

    must(arena != NULL, "no memory");
    multipart_write_init(&w, &out, random);
    for (size_t i = 0; i < m->part_count; i++) {
        snprintf(name, sizeof name, "part%zu", i);
        multipart_write_part(&w, str_from(name), STR("x"), STR("text/plain"));
        if (memmem(m->parts[i].body.p, m->parts[i].body.n, w.boundary, strlen(w.boundary)) ||
            !bytes_add(&out, m->parts[i].body.p, m->parts[i].body.n))
            goto done;
    }
    must(multipart_write_end(&w), "does not write");
    type = multipart_content_type(&w, STR("text/plain"), arena);
    must(multipart_read(type, (struct str){out.data, out.len}, false, &back, &e) == ERR_OK, e.text);
    must(back.part_count == m->part_count, "another number of parts");
    for (size_t i = 0; i < m->part_count; i++)
        must(str_eq(back.parts[i].body, m->parts[i].body), "another body");
done:
    bytes_free(&out);
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *lf = size ? memchr(text, '\n', size) : NULL;

    if (!lf)
        return 0;
    for (int lenient = 0; lenient < 2; lenient++) {
        struct str type = {text, (size_t)(lf - text)};
        struct str body = {lf + 1, size - type.n - 1};
        struct multipart m;
        struct err e = {0};
        enum err_code rc = multipart_read(type, body, lenient, &m, &e);

        must((rc == ERR_OK) == (e.text[0] == '\0'), "an error without a text, or one without");
        if (rc == ERR_OK) {
            check_places(&m, body);
            check_again(&m, UINT64_C(0x0123456789abcdef));
        }
    }
    return 0;
}
