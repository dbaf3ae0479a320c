/* Requests of `waymark alto check`: good ones made from what the directory offers, and how each is
 * made wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/sse_read.h"
#include "base/clock.h"
#include "daemon/cli_alto_check.h"

/* Two PIDs of the network map that a resource is for. */
static bool two_pids(struct conform *c, const struct conform_resource *r, const char **a,
                     const char **b, json_t **map)
{
    const struct conform_resource *net =
        conform_find(c, json_string_value(json_array_get(json_object_get(r->entry, "uses"), 0)));
    const char *pid;
    json_t *unused;

    if (!net || net->accepts)
        net = c->first[CONFORM_NETWORK];
    *a = *b = NULL;
    *map = net ? conform_get(c, net) : NULL;
    json_object_foreach(json_object_get(*map, "network-map"), pid, unused)
    {
        (void)unused;
        *b = *a ? *b ? *b : pid : NULL;
        *a = *a ? *a : pid;
    }
    if (*a && !*b)
        *b = *a;
    return *a != NULL;
}

static json_t *good_costs(struct conform *c, const struct conform_resource *r, bool ends)
{
    json_t *type = conform_cost_type(c, r, 0), *map = NULL, *out = NULL;
    const char *a, *b;

    if (type && ends)
        out = json_pack("{s:O, s:{s:[s], s:[s]}}", "cost-type", type, "endpoints", "srcs",
                        "ipv4:192.0.2.1", "dsts", "ipv4:198.51.100.1");
    else if (type && two_pids(c, r, &a, &b, &map))
        out = json_pack("{s:O, s:{s:[s], s:[s]}}", "cost-type", type, "pids", "srcs", a, "dsts", b);
    if (out && strncmp(r->media, "multipart", 9) == 0)
        json_object_set_new(out, "ane-property-names", json_array());
    json_decref(type);
    json_decref(map);
    return out;
}

static json_t *good_props(struct conform *c, const struct conform_resource *r)
{
    const json_t *mappings = conform_at(r->can, "mappings"), *props;
    const char *domain = json_object_get(mappings, "ipv4") ? "ipv4" : NULL;

    (void)c;
    if (!domain)
        return NULL;
    props = json_object_get(mappings, domain);
    return json_pack("{s:[s], s:[O]}", "entities", "ipv4:192.0.2.1", "properties",
                     json_array_get(props, 0));
}

/* The first resource of its uses that is got as a whole. */
static const char *first_used(struct conform *c, const struct conform_resource *r)
{
    size_t i;
    const json_t *v;

    json_array_foreach(json_object_get(r->entry, "uses"), i, v)
    {
        const struct conform_resource *used = conform_find(c, json_string_value(v));

        if (used && !used->accepts)
            return used->id;
    }
    return NULL;
}

json_t *conform_good(struct conform *c, const struct conform_resource *r)
{
    const json_t *props = conform_at(r->can, "prop-types");
    const char *a, *b;
    json_t *map = NULL, *out = NULL;

    switch (r->kind) {
    case CONFORM_NETWORK_FILTER:
        if (two_pids(c, r, &a, &b, &map))
            out = json_pack("{s:[s]}", "pids", a);
        break;
    case CONFORM_COST_FILTER:
    case CONFORM_PATH:
        return good_costs(c, r, false);
    case CONFORM_ECS:
    case CONFORM_PATH_ENDS:
        return good_costs(c, r, true);
    case CONFORM_EPS:
        if (json_array_size(props))
            out = json_pack("{s:[O], s:[s]}", "properties", json_array_get(props, 0), "endpoints",
                            "ipv4:192.0.2.1");
        break;
    case CONFORM_PROPS_FILTER:
        return good_props(c, r);
    case CONFORM_CDNI_FILTER:
        return json_pack("{s:[]}", "cdni-capabilities");
    case CONFORM_STREAM:
        a = first_used(c, r);
        return a ? json_pack("{s:{s:{s:s}}}", "add", "one", "resource-id", a) : NULL;
    case CONFORM_TIPS:
        a = first_used(c, r);
        return a ? json_pack("{s:s}", "resource-id", a) : NULL;
    default:
        break;
    }
    json_decref(map);
    return out;
}

#define TYPE    "E_INVALID_FIELD_TYPE"
#define VALUE   "E_INVALID_FIELD_VALUE"
#define MISSING "E_MISSING_FIELD"
#define SYNTAX  "E_SYNTAX"
#define NF      CONFORM_NETWORK_FILTER
#define CF      CONFORM_COST_FILTER

const struct conform_bad conform_bad[] = {
    {"T-19", NF, "", "{\"pids\":[1e999]}", SYNTAX " " VALUE, NULL, NULL},
    {"E-04", NF, "", "{ \"pids\": }", SYNTAX, NULL, NULL},
    {"E-04", NF, "", "", SYNTAX, NULL, NULL},
    {"E-04", NF, "", "{\"pids\":[]} x", SYNTAX, NULL, NULL},
    {"E-04", CONFORM_EPS, "", "{ \"properties\": }", SYNTAX, NULL, NULL},
    {"E-04", CONFORM_ECS, "", "{\"endpoints\":", SYNTAX, NULL, NULL},
    {"E-05", NF, "", "[]", TYPE " " SYNTAX, NULL, NULL},
    {"E-05", CF, "", "1", TYPE " " SYNTAX, NULL, NULL},
    {"E-05", CONFORM_ECS, "", "null", TYPE " " SYNTAX, NULL, NULL},
    {"E-06", NF, "pids", NULL, MISSING, "pids", NULL},
    {"E-06", CF, "cost-type", NULL, MISSING, NULL, NULL},
    {"E-06", CF, "cost-type/cost-mode", NULL, MISSING, "cost-type/cost-mode", NULL},
    {"E-06", CF, "cost-type/cost-metric", NULL, MISSING, "cost-type/cost-metric", NULL},
    {"E-06", CONFORM_EPS, "properties", NULL, MISSING, "properties", NULL},
    {"E-06", CONFORM_EPS, "endpoints", NULL, MISSING, "endpoints", NULL},
    {"E-06", CONFORM_ECS, "endpoints", NULL, MISSING, "endpoints", NULL},
    {"E-06", CONFORM_ECS, "cost-type/cost-metric", NULL, MISSING, "cost-type/cost-metric", NULL},
    {"E-07", NF, "pids", "\"PID1\"", TYPE, "pids", NULL},
    {"E-07", CF, "cost-type", "5", TYPE, "cost-type", NULL},
    {"E-07", CF, "cost-type/cost-mode", "{}", TYPE, "cost-type/cost-mode", NULL},
    {"E-07", CF, "pids", "[]", TYPE, "pids", NULL},
    {"E-07", CF, "pids/srcs", "{}", TYPE, "pids/srcs", NULL},
    {"E-07", CONFORM_EPS, "properties", "\"pid\"", TYPE, "properties", NULL},
    {"E-07", CONFORM_EPS, "endpoints", "{}", TYPE, "endpoints", NULL},
    {"E-07", CONFORM_ECS, "endpoints", "[]", TYPE, "endpoints", NULL},
    {"E-07", CONFORM_ECS, "endpoints/dsts", "\"ipv4:192.0.2.1\"", TYPE, "endpoints/dsts", NULL},
    {"E-08", CF, "cost-type/cost-mode", "\"foo\"", VALUE, "cost-type/cost-mode", "foo"},
    {"E-08", CF, "cost-type/cost-metric", "\"foo\"", VALUE, "cost-type/cost-metric", "foo"},
    {"E-08", CONFORM_EPS, "properties", "[\"priv:no-such\"]", VALUE, "properties", "priv:no-such"},
    {"E-09", NF, "pids", "[5]", VALUE, "pids", "5"},
    {"E-09", CONFORM_EPS, "endpoints", "[7]", VALUE, "endpoints", "7"},
    {"E-10", NF, "pids", "[\"PID1\", 5]", VALUE, "pids", "5"},
    {"E-10", CONFORM_EPS, "properties", "[true]", VALUE, "properties", "true"},
    {"E-10", CONFORM_ECS, "endpoints/dsts", "[\"ipv4:192.0.2.1\", 3]", VALUE, "endpoints/dsts",
     "3"},
    {"E-11", CF, "cost-type/cost-mode", "\"foo\"", VALUE, "cost-type/cost-mode", NULL},
    {"E-11", CONFORM_ECS, "cost-type/cost-mode", "\"foo\"", VALUE, "cost-type/cost-mode", NULL},
    {"F-01", NF, "pids", NULL, MISSING, "pids", NULL},
    {"F-06", CF, "cost-type", NULL, MISSING, NULL, NULL},
    {"F-06", CF, "cost-type/cost-mode", "\"foo\"", VALUE, "cost-type/cost-mode", NULL},
    {"F-06", CF, "cost-type/cost-metric", "\"no-such\"", VALUE, "cost-type/cost-metric", NULL},
    {"F-09", CF, "constraints", "[\"ne 10\"]", VALUE, "constraints", NULL},
    {"F-09", CF, "constraints", "[\"le\"]", VALUE, "constraints", NULL},
    {"F-09", CF, "constraints", "[\"le x\"]", VALUE, "constraints", NULL},
    {"F-09", CF, "constraints", "[\"le 5 6\"]", VALUE, "constraints", NULL},
    {"P-01", CONFORM_EPS, "properties", NULL, MISSING, "properties", NULL},
    {"P-01", CONFORM_EPS, "endpoints", NULL, MISSING, "endpoints", NULL},
    {"P-01", CONFORM_EPS, "properties", "[]", VALUE, "properties", NULL},
    {"P-01", CONFORM_EPS, "endpoints", "[]", VALUE, "endpoints", NULL},
    {"P-02", CONFORM_EPS, "properties", "[\"priv:no-such\"]", VALUE, "properties", "priv:no-such"},
    {"P-07", CONFORM_EPS, "endpoints", "[\"ipv4:1.2.3.256\"]", VALUE, "endpoints",
     "ipv4:1.2.3.256"},
    {"P-07", CONFORM_EPS, "endpoints", "[\"ipv4:01.2.3.4\"]", VALUE, "endpoints", "ipv4:01.2.3.4"},
    {"P-07", CONFORM_EPS, "endpoints", "[\"ipv6:1.2.3.4\"]", VALUE, "endpoints", "ipv6:1.2.3.4"},
    {"P-07", CONFORM_EPS, "endpoints", "[\"ipv6:::::1\"]", VALUE, "endpoints", "ipv6:::::1"},
    {"P-07", CONFORM_EPS, "endpoints", "[\"192.0.2.1\"]", VALUE, "endpoints", "192.0.2.1"},
    {"S-01", CONFORM_ECS, "endpoints", NULL, MISSING, "endpoints", NULL},
    {"S-01", CONFORM_ECS, "cost-type", NULL, MISSING, NULL, NULL},
    {"S-01", CONFORM_ECS, "cost-type/cost-metric", "\"no-such\"", VALUE, "cost-type/cost-metric",
     NULL},
    {"S-02", CONFORM_ECS, "endpoints", "{\"srcs\":[],\"dsts\":[]}", VALUE, NULL, NULL},
    {"Y-10", CONFORM_PROPS_FILTER, "entities", NULL, MISSING, "entities", NULL},
    {"Y-11", CONFORM_PROPS_FILTER, "entities", "[\"no-such:1\"]", VALUE, "entities", "no-such:1"},
    {"Y-11", CONFORM_PROPS_FILTER, "entities", "[\"ipv4:1.2.3.256\"]", VALUE, "entities", NULL},
    {"Y-12", CONFORM_PROPS_FILTER, "properties", "[\"priv:no-such\"]", VALUE, "properties",
     "priv:no-such"},
    {"K-09", CONFORM_CDNI_FILTER, "cdni-capabilities",
     "[{\"capability-type\":null,\"capability-value\":{}}]", VALUE, NULL, NULL},
    {"K-09", CONFORM_CDNI_FILTER, "cdni-capabilities",
     "[{\"capability-type\":\"FCI.DeliveryProtocol\",\"capability-value\":null}]", VALUE, NULL,
     NULL},
    {"V-04", CONFORM_PATH, "ane-property-names", "[\"priv:no-such\"]", VALUE, "ane-property-names",
     "priv:no-such"},
    {"U-03", CONFORM_STREAM, "", "{}", MISSING, "add", NULL},
    {"U-03", CONFORM_STREAM, "", "{\"add\":{}}", MISSING, "add", NULL},
    {"U-04", CONFORM_STREAM, "add/one/resource-id", "\"no-such\"", VALUE, "add/one/resource-id",
     "no-such"},
    {"Q-02", CONFORM_TIPS, "resource-id", NULL, MISSING, "resource-id", NULL},
    {"Q-02", CONFORM_TIPS, "resource-id", "\"no-such\"", VALUE, "resource-id", "no-such"},
    {NULL, NF, NULL, NULL, NULL, NULL, NULL},
};

/* ---- event streams */

struct listener {
    struct conform_stream *out;
};

static enum err_code on_event(void *ctx, const struct sse_event *ev, struct err *e)
{
    struct conform_stream *s = ((struct listener *)ctx)->out;
    struct conform_event *to = &s->events[s->count];

    (void)e;
    if (s->count == sizeof s->events / sizeof *s->events)
        return ERR_OK;
    to->event = strndup(ev->event.n ? ev->event.p : "", ev->event.n);
    to->data = strndup(ev->data.n ? ev->data.p : "", ev->data.n);
    s->count++;
    return ERR_OK;
}

/* Comments are lines that begin with a colon. */
static void count_comments(struct conform_stream *s, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        s->comments += p[i] == ':' && (i == 0 || p[i - 1] == '\n');
}

/* Bytes of the connection until it is enough. */
static void listen_to(struct alto_conn *conn, struct sse_read *sse, uint64_t until_ms,
                      struct conform_stream *out)
{
    struct http_answer *a = calloc(1, sizeof *a);
    struct bytes body = {0};
    struct http_body reader = {0};
    bool in_body = false;
    char buf[4096];
    size_t n;

    while (a && (out->want ? out->count < out->want : !out->comments)) {
        size_t used = 0;

        if (alto_conn_read(conn, until_ms, NULL, buf, sizeof buf, &n, &(struct err){0}) != ERR_OK ||
            n == 0)
            break;
        if (!in_body) {
            used = a->seen;
            in_body = http_answer_feed(a, buf, n) == HTTP_ANSWER_DONE;
            used = a->seen - used;
            if (!in_body)
                continue;
            out->status = a->status;
            http_body_begin(&reader, a, &body, CONFORM_BODY_MAX);
        }
        http_body_feed(&reader, buf + used, n - used);
        count_comments(out, body.data, body.len);
        if (reader.state == HTTP_BODY_BAD || out->status != 200 ||
            sse_read_feed(sse, body.data, body.len, &(struct err){0}) != ERR_OK)
            break;
        body.len = 0;
    }
    bytes_free(&body);
    free(a);
}

bool conform_stream(struct conform *c, const char *body, size_t want, unsigned ms,
                    struct conform_stream *out)
{
    const struct conform_resource *r = c->first[CONFORM_STREAM];
    struct listener l = {out};
    struct sse_read *sse = sse_read_new(NULL, on_event, &l);
    struct bytes b = {0};
    struct uri to;
    struct err e = {0};
    struct alto_conn *conn = conform_open(c, r->uri, &to);

    *out = (struct conform_stream){.want = want};
    c->asked++;
    if (conn && sse &&
        bytes_printf(&b,
                     "POST %.*s HTTP/1.1\r\nHost: %.*s\r\nAccept: text/event-stream\r\n"
                     "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
                     (int)to.target.n, to.target.p, (int)to.authority.n, to.authority.p, r->accepts,
                     strlen(body), body) &&
        alto_conn_send(conn, (struct str){b.data, b.len}, &e) == ERR_OK)
        listen_to(conn, sse, clock_ms() + ms, out);
    if (out->status != 200)
        conform_fail(c, "the stream of %.150s is answered with %u", body, out->status);
    bytes_free(&b);
    sse_read_free(sse);
    alto_conn_close(conn);
    return out->status == 200;
}

void conform_stream_fini(struct conform_stream *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->events[i].event);
        free(s->events[i].data);
    }
    s->count = 0;
}
