/* A server with maps from texts, and requests to it without sockets. Shared by the tests of the
 * ALTO server. */
#pragma once

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/offer.h"
#include "alto/server.h"

#define ALTO_NOW_MS UINT64_C(1767312000000) /* Fri, 02 Jan 2026 00:00:00 GMT */

struct alto_fixture {
    struct arena *maps, *request;
    struct alto_server server;
    struct metrics metrics;
    uint64_t now_ms, groups;
    struct http_header headers[16]; /* of the next request */
    size_t header_count;
    struct http_request asked;
    struct http_response response;
    struct str user;
    struct addr client;
};

static inline uint64_t alto_fixture_clock(void *arg)
{
    return ((struct alto_fixture *)arg)->now_ms;
}

static inline uint64_t alto_fixture_groups(void *arg, struct addr client, struct str user)
{
    (void)client;
    (void)user;
    return ((struct alto_fixture *)arg)->groups;
}

static inline void alto_fixture_init(struct alto_fixture *f)
{
    memset(f, 0, sizeof *f);
    f->maps = arena_new((size_t)1 << 30);
    f->request = arena_new((size_t)4 << 20);
    f->now_ms = ALTO_NOW_MS;
    alto_server_init(&f->server);
    f->server.metrics = &f->metrics;
    f->server.wall_ms = alto_fixture_clock;
    f->server.wall_arg = f;
}

static inline void alto_fixture_forget(struct alto_fixture *f)
{
    shared_body_drop(f->response.shared);
    f->response = (struct http_response){0};
    arena_reset(f->request);
}

static inline void alto_fixture_fini(struct alto_fixture *f)
{
    alto_fixture_forget(f);
    alto_server_fini(&f->server);
    arena_free(f->request);
    arena_free(f->maps);
}

static inline const struct netmap *alto_fixture_network(struct alto_fixture *f, const char *text)
{
    const struct netmap *m = NULL;
    struct err e = {0};

    ck_assert_msg(netmap_parse(text, strlen(text), f->maps, &m, &e) == ERR_OK, "%s", e.text);
    return m;
}

static inline const struct costmap *alto_fixture_cost(struct alto_fixture *f,
                                                      const struct netmap *m, const char *text)
{
    const struct costmap *c = NULL;
    struct err e = {0};

    ck_assert_msg(costmap_parse(text, strlen(text), m, f->maps, &c, &e) == ERR_OK, "%s", e.text);
    return c;
}

static inline struct alto_catalog *alto_fixture_catalog(const struct alto_offer *offer,
                                                        const struct alto_catalog *old)
{
    struct alto_catalog *c = NULL;
    struct err e = {0};

    ck_assert_msg(alto_offer_build(offer, old, &c, &e) == ERR_OK, "%s", e.text);
    ck_assert_msg(alto_catalog_render(c, &e) == ERR_OK, "%s", e.text);
    return c;
}

/* The server takes it. */
static inline void alto_fixture_offer(struct alto_fixture *f, const struct alto_offer *offer)
{
    alto_server_set(&f->server, alto_fixture_catalog(offer, f->server.catalog));
}

/* A header of the next request. */
static inline void alto_fixture_header(struct alto_fixture *f, const char *name, const char *value)
{
    f->headers[f->header_count++] = (struct http_header){str_from(name), str_from(value)};
}

static inline int alto_fixture_ask(struct alto_fixture *f, enum http_method method,
                                   const char *path, struct str body)
{
    alto_fixture_forget(f);
    f->asked = (struct http_request){.method = method,
                                     .host = STR("alto.example.com"),
                                     .target = str_from(path),
                                     .path = str_from(path),
                                     .headers = f->headers,
                                     .header_count = f->header_count,
                                     .body = body,
                                     .user = f->user,
                                     .client = f->client,
                                     .arena = f->request};
    alto_handle(&f->server, &f->asked, &f->response);
    f->header_count = 0;
    return f->response.status;
}

static inline int alto_fixture_get(struct alto_fixture *f, const char *path)
{
    return alto_fixture_ask(f, HTTP_GET, path, (struct str){0});
}

static inline int alto_fixture_post(struct alto_fixture *f, const char *path, const char *type,
                                    const char *body)
{
    alto_fixture_header(f, "Content-Type", type);
    return alto_fixture_ask(f, HTTP_POST, path, str_from(body));
}

static inline struct str alto_fixture_body(const struct alto_fixture *f)
{
    if (f->response.shared)
        return (struct str){f->response.shared->data, f->response.shared->len};
    return f->response.body;
}

/* A header of the response; n 0: absent. */
static inline struct str alto_fixture_got(const struct alto_fixture *f, const char *name)
{
    for (size_t i = 0; i < f->response.header_count; i++)
        if (str_eq_nocase(f->response.headers[i].name, str_from(name)))
            return f->response.headers[i].value;
    return (struct str){NULL, 0};
}

/* text stands in the header. */
static inline bool alto_fixture_got_has(const struct alto_fixture *f, const char *name,
                                        const char *text)
{
    struct str got = alto_fixture_got(f, name);

    return got.p && memmem(got.p, got.n, text, strlen(text)) != NULL;
}

static inline bool alto_str_is(struct str s, const char *text)
{
    return str_eq(s, str_from(text));
}

/* The body as JSON; the caller json_decref()s. */
static inline json_t *alto_fixture_json(const struct alto_fixture *f)
{
    struct str body = alto_fixture_body(f);
    json_error_t e;
    json_t *v = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, &e);

    ck_assert_msg(v != NULL, "%s: %.*s", e.text, (int)body.n, body.p);
    return v;
}

/* json_equal, but 1 is 1.0. */
static inline bool alto_json_same(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *v;

    if (json_is_number(a) && json_is_number(b))
        return json_number_value(a) == json_number_value(b);
    if (json_typeof(a) != json_typeof(b))
        return false;
    if (json_is_array(a)) {
        if (json_array_size(a) != json_array_size(b))
            return false;
        for (size_t i = 0; i < json_array_size(a); i++)
            if (!alto_json_same(json_array_get(a, i), json_array_get(b, i)))
                return false;
        return true;
    }
    if (!json_is_object(a))
        return json_equal(a, b);
    if (json_object_size(a) != json_object_size(b))
        return false;
    json_object_foreach((json_t *)(uintptr_t)a, key, v)
    {
        const json_t *other = json_object_get(b, key);

        if (!other || !alto_json_same(v, other))
            return false;
    }
    return true;
}

static inline void alto_fixture_is_json(const struct alto_fixture *f, const char *want)
{
    struct str body = alto_fixture_body(f);
    json_t *got = alto_fixture_json(f);
    json_error_t e;
    json_t *v = json_loads(want, 0, &e);

    ck_assert_msg(v != NULL, "%s: %s", e.text, want);
    ck_assert_msg(alto_json_same(got, v), "got %.*s\nwant %s", (int)body.n, body.p, want);
    json_decref(got);
    json_decref(v);
}
