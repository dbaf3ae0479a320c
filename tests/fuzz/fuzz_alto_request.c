/* A request's body to any POST resource: one error in the protocol's form, or an answer; the same
 * twice. The first byte chooses the resource. */
#include <jansson.h>
#include <stdint.h>

#include "tests/fuzz/alto_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(const struct alto_error *e)
{
    struct bytes out = {0};
    const json_t *code;
    json_t *v;

    must(e->status == 400 || e->status == 501 || e->status == 503, "another status");
    must((e->status == 400) == (e->code != ALTO_E_NONE), "a code without 400, or the other way");
    must(!e->has_value || e->field[0], "a value without a field");
    must(alto_error_format(e, &out), "does not format");
    v = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    code = json_object_get(json_object_get(v, "meta"), "code");
    must(json_string_length(code) > 0, "an error without a code");
    json_decref(v);
    bytes_free(&out);
}

static void check_answer(const struct alto_reply *reply)
{
    json_t *v;

    if (reply->whole || memmem(reply->media_type.p, reply->media_type.n, "multipart", 9))
        return;
    v = json_loadb(reply->out->data, reply->out->len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                   NULL);
    must(v && json_object_get(v, "meta"), "an answer that is no ALTO message");
    json_decref(v);
}

static bool ask(const struct alto_catalog *c, const struct alto_resource *r, struct str body,
                struct arena *arena, struct bytes *out)
{
    struct alto_question q = {.catalog = c,
                              .resource = r,
                              .body = body,
                              .wall_ms = UINT64_C(1767312000000),
                              .random = 1,
                              .arena = arena};
    struct alto_reply reply = {.out = out};
    bool good;

    must(addr_parse("10.1.2.3", 8, &q.client, NULL) == ERR_OK, "an address");
    out->limit = 1 << 20;
    out->len = 0;
    good = alto_reply_make(&q, &reply);
    must(good == (reply.error.status == 0), "an error and an answer, or neither");
    if (good)
        check_answer(&reply);
    else
        check_error(&reply.error);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct alto_catalog *c;
    static struct arena *arena;
    struct bytes once = {0}, twice = {0};
    const struct alto_resource *r;
    struct str body;

    if (!c) {
        c = alto_world();
        arena = arena_new((size_t)4 << 20);
    }
    if (!size)
        return 0;
    r = &c->resources[data[0] % c->resource_count];
    if (!r->accepts.n || r->kind == ALTO_UPDATES || r->kind == ALTO_TIPS)
        return 0;
    body = (struct str){(const char *)data + 1, size - 1};
    if (ask(c, r, body, arena, &once)) {
        arena_reset(arena);
        must(ask(c, r, body, arena, &twice), "an error the second time");
        must(once.len == twice.len && (!once.len || memcmp(once.data, twice.data, once.len) == 0),
             "another answer the second time");
    }
    arena_reset(arena);
    bytes_free(&once);
    bytes_free(&twice);
    return 0;
}
