/* Rows of update streams and of TIPS (RFC 8895, RFC 9569). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli_alto_check.h"

#define EVENTS_MS  3000u
#define SILENCE_MS 16000u /* RFC 8895 section 6.8: a comment or an event every 15 s */
#define CONTROL    "application/alto-updatestreamcontrol+json"

static const struct conform_resource *need(struct conform *c, enum conform_kind k)
{
    if (!c->first[k])
        conform_none(c, "the server has no such resource");
    return c->first[k];
}

/* ---- update streams */

static void capabilities(struct conform *c, const struct conform_resource *r)
{
    if (json_array_size(json_object_get(r->entry, "uses")) == 0)
        conform_fail(c, "\"%s\" has no uses", r->id);
    if (!json_is_object(conform_at(r->can, "incremental-change-media-types")))
        conform_fail(c, "\"%s\" has no incremental-change-media-types", r->id);
}

static void u_01(struct conform *c)
{
    const struct conform_resource *r = need(c, CONFORM_STREAM);

    if (r)
        capabilities(c, r);
}

/* A POST resource of the stream's without its input. */
static void u_05(struct conform *c)
{
    const struct conform_resource *r = need(c, CONFORM_STREAM),
                                  *of = c->first[CONFORM_NETWORK_FILTER];
    char text[256];

    if (!r)
        return;
    if (!of || !conform_has(json_object_get(r->entry, "uses"), of->id)) {
        conform_none(c, "the stream has no resource that is asked by POST");
        return;
    }
    snprintf(text, sizeof text, "{\"add\":{\"one\":{\"resource-id\":\"%s\"}}}", of->id);
    conform_refused(c, r, text, "E_MISSING_FIELD", NULL, NULL);
    snprintf(text, sizeof text,
             "{\"add\":{\"one\":{\"resource-id\":\"%s\",\"input\":{\"pids\":5}}}}", of->id);
    conform_refused(c, r, text, "E_INVALID_FIELD_TYPE", NULL, NULL);
}

/* The stream of a good request. */
static bool open_good(struct conform *c, size_t want, unsigned ms, struct conform_stream *s)
{
    const struct conform_resource *r = need(c, CONFORM_STREAM);
    json_t *body = r ? conform_good(c, r) : NULL;
    char *text = body ? conform_text(body) : NULL;
    bool fine = false;

    if (r && !text)
        conform_none(c, "the stream has no resource that is got as a whole");
    if (text) {
        fine = conform_stream(c, text, want, ms, s);
        if (!fine)
            conform_stream_fini(s);
    }
    free(text);
    json_decref(body);
    return fine;
}

static void u_07(struct conform *c)
{
    struct conform_stream s;

    if (!open_good(c, 2, EVENTS_MS, &s))
        return;
    if (s.count < 2 || !strchr(s.events[1].event, ',') ||
        strcmp(strrchr(s.events[1].event, ',') + 1, "one") != 0)
        conform_fail(c, "the event field is \"%s\", not a media type and the substream \"one\"",
                     s.count > 1 ? s.events[1].event : "");
    conform_stream_fini(&s);
}

static void u_08(struct conform *c)
{
    struct conform_stream s;
    json_t *doc;

    if (!open_good(c, 1, EVENTS_MS, &s))
        return;
    doc = s.count ? conform_json(s.events[0].data) : NULL;
    if (!s.count || strcmp(s.events[0].event, CONTROL) != 0)
        conform_fail(c, "the first event is \"%s\"", s.count ? s.events[0].event : "none");
    else if (!json_object_get(doc, "control-uri"))
        conform_fail(c, "the first event has no control-uri");
    json_decref(doc);
    conform_stream_fini(&s);
}

static void u_09(struct conform *c)
{
    const struct conform_resource *r = need(c, CONFORM_STREAM), *of;
    struct conform_stream s;
    json_t *body = r ? conform_good(c, r) : NULL, *doc, *whole;

    of = conform_find(c, json_string_value(conform_at(body, "add/one/resource-id")));
    json_decref(body);
    if (!of || !open_good(c, 2, EVENTS_MS, &s))
        return;
    doc = s.count > 1 ? conform_json(s.events[1].data) : NULL;
    whole = conform_get(c, of);
    if (s.count < 2 || strncmp(s.events[1].event, of->media, strlen(of->media)) != 0)
        conform_fail(c, "without a tag the second event is no full replacement");
    else if (whole && !json_equal(doc, whole))
        conform_fail(c, "the full replacement of \"%s\" is not what GET gives", of->id);
    json_decref(doc);
    json_decref(whole);
    conform_stream_fini(&s);
}

static void u_17(struct conform *c)
{
    struct conform_stream s;

    if (!open_good(c, 0, SILENCE_MS, &s))
        return;
    if (s.comments == 0 && s.count < 3) /* the first two come at once */
        conform_fail(c, "neither a comment nor an event in %u s", SILENCE_MS / 1000);
    conform_stream_fini(&s);
}

/* ---- TIPS */

/* A view of a good request, with a tag or without. */
static json_t *open_view(struct conform *c, const char *resource)
{
    const struct conform_resource *r = need(c, CONFORM_TIPS);
    json_t *body = r ? conform_good(c, r) : NULL, *doc = NULL;

    if (r && !body)
        conform_none(c, "TIPS has no resource that is got as a whole");
    if (body && resource)
        json_object_set_new(body, "resource-id", json_string(resource));
    if (body)
        doc = conform_post(c, r, body);
    json_decref(body);
    return doc;
}

static const json_t *summary(const json_t *doc)
{
    return conform_at(doc, "tips-view-summary/updates-graph-summary");
}

static json_int_t at(const json_t *doc, const char *path)
{
    const json_t *v = conform_at(summary(doc), path);

    return json_is_integer(v) ? json_integer_value(v) : -1;
}

/* The text of <view>/ug/<i>/<j>; false: no URI. */
static bool edge_uri(struct conform *c, const json_t *doc, json_int_t i, json_int_t j, char *out,
                     size_t size)
{
    const char *view = json_string_value(json_object_get(doc, "tips-view-uri"));
    struct bytes b = {0};
    const bool fine = view && uri_resolve(str_from(c->first[CONFORM_TIPS]->uri), str_from(view), &b,
                                          NULL) == ERR_OK;

    snprintf(out, size, "%.*s/ug/%lld/%lld", fine ? (int)b.len : 0, fine ? b.data : "",
             (long long)i, (long long)j);
    if (!fine)
        conform_fail(c, "tips-view-uri is \"%s\"", view ? view : "");
    bytes_free(&b);
    return fine;
}

static void q_01(struct conform *c)
{
    const struct conform_resource *r = need(c, CONFORM_TIPS);

    if (r)
        capabilities(c, r);
}

static void q_02(struct conform *c)
{
    const struct conform_resource *r = need(c, CONFORM_TIPS),
                                  *of = c->first[CONFORM_NETWORK_FILTER];
    char text[256];

    if (!r || !of || !conform_has(json_object_get(r->entry, "uses"), of->id))
        return;
    snprintf(text, sizeof text, "{\"resource-id\":\"%s\"}", of->id);
    conform_refused(c, r, text, "E_MISSING_FIELD", NULL, NULL);
}

static void q_03(struct conform *c)
{
    json_t *doc = open_view(c, NULL);

    if (doc &&
        (!json_is_string(json_object_get(doc, "tips-view-uri")) || at(doc, "start-seq") < 0 ||
         at(doc, "end-seq") < at(doc, "start-seq") || at(doc, "start-edge-rec/seq-i") < 0 ||
         at(doc, "start-edge-rec/seq-j") <= at(doc, "start-edge-rec/seq-i")))
        conform_fail(c, "the answer lacks tips-view-uri, start-seq, end-seq or start-edge-rec");
    json_decref(doc);
}

static void q_04(struct conform *c)
{
    json_t *one = NULL, *two = NULL;
    const struct conform_resource *r = need(c, CONFORM_TIPS);
    const char *ids[2] = {NULL, NULL};
    size_t n = 0, i;
    const json_t *v;

    json_array_foreach(r ? json_object_get(r->entry, "uses") : NULL, i, v)
    {
        const struct conform_resource *of = conform_find(c, json_string_value(v));

        if (of && !of->accepts && n < 2)
            ids[n++] = of->id;
    }
    if (r && n < 2)
        conform_none(c, "TIPS has no two resources that are got as a whole");
    if (n == 2) {
        one = open_view(c, ids[0]);
        two = open_view(c, ids[1]);
    }
    if (one && two &&
        json_equal(json_object_get(one, "tips-view-uri"), json_object_get(two, "tips-view-uri")))
        conform_fail(c, "\"%s\" and \"%s\" have one view", ids[0], ids[1]);
    json_decref(one);
    json_decref(two);
}

static void q_05(struct conform *c)
{
    json_t *doc = open_view(c, NULL);

    if (doc && (at(doc, "start-edge-rec/seq-i") != 0 ||
                at(doc, "start-edge-rec/seq-j") > at(doc, "end-seq")))
        conform_fail(c, "without a tag the recommended edge is %lld to %lld",
                     (long long)at(doc, "start-edge-rec/seq-i"),
                     (long long)at(doc, "start-edge-rec/seq-j"));
    json_decref(doc);
}

static void edge(struct conform *c, const json_t *doc, json_int_t i, json_int_t j,
                 struct conform_reply *got)
{
    char uri[URI_MAX + 64];

    memset(got, 0, sizeof *got);
    if (edge_uri(c, doc, i, j, uri, sizeof uri))
        conform_ask(c, "GET", uri, "", (struct str){0}, got);
}

static void q_06(struct conform *c)
{
    json_t *doc = open_view(c, NULL);
    struct conform_reply got;

    for (json_int_t i = at(doc, "start-seq"); doc && i <= at(doc, "end-seq"); i++) {
        /* Edge 0 to start-seq, then each to its next. */
        edge(c, doc, i == at(doc, "start-seq") ? 0 : i - 1, i, &got);
        if (got.status && got.status != 200)
            conform_fail(c, "the edge to %lld is answered with %u", (long long)i, got.status);
        conform_reply_fini(&got);
    }
    json_decref(doc);
}

static void q_07(struct conform *c)
{
    json_t *doc = open_view(c, NULL), *body = NULL, *whole = NULL;
    const struct conform_resource *of;
    struct conform_reply got;

    if (!doc)
        return;
    body = conform_good(c, c->first[CONFORM_TIPS]);
    of = conform_find(c, json_string_value(json_object_get(body, "resource-id")));
    edge(c, doc, at(doc, "start-edge-rec/seq-i"), at(doc, "start-edge-rec/seq-j"), &got);
    whole = of ? conform_get(c, of) : NULL;
    if (got.status != 200)
        conform_fail(c, "the recommended edge is answered with %u", got.status);
    else if (whole && !json_equal(got.doc, whole))
        conform_fail(c, "the snapshot of \"%s\" is not what GET gives", of->id);
    conform_reply_fini(&got);
    json_decref(whole);
    json_decref(body);
    json_decref(doc);
}

static void q_08(struct conform *c)
{
    json_t *doc = open_view(c, NULL);
    struct conform_reply got;
    char uri[URI_MAX + 64];

    if (!doc)
        return;
    edge(c, doc, at(doc, "end-seq") + 100, at(doc, "end-seq") + 101, &got);
    if (got.status != 425 && got.status != 404)
        conform_fail(c, "an edge far ahead is answered with %u, not with 425", got.status);
    else if (!str_eq(conform_header(&got, "Content-Type"), STR("application/alto-error+json")))
        conform_fail(c, "an edge far ahead has no ALTO error");
    conform_reply_fini(&got);
    if (edge_uri(c, doc, 0, at(doc, "start-edge-rec/seq-j"), uri, sizeof uri) &&
        conform_ask(c, "GET", uri, "Accept: text/html\r\n", (struct str){0}, &got) &&
        got.status != 415 && got.status != 406)
        conform_fail(c, "an Accept without the type is answered with %u, not with 415", got.status);
    conform_reply_fini(&got);
    json_decref(doc);
}

const struct conform_row conform_rows_updates[] = {
    {"U-01", "MUST", "an update stream, with its capabilities", u_01},
    {"U-03", "MUST", "\"add\" is required", NULL},
    {"U-04", "MUST", "unknown resources are refused", NULL},
    {"U-05", "MUST", "errors of a missing input are the resource's", u_05},
    {"U-07", "MUST", "events name their type and substream", u_07},
    {"U-08", "MUST", "the first event has the control-uri", u_08},
    {"U-09", "MUST", "then come full replacements", u_09},
    {"U-17", "SHOULD", "something comes every 15 s", u_17},
    {"Q-01", "MUST", "TIPS, with its capabilities", q_01},
    {"Q-02", "MUST", "opening a view: what must be refused", q_02},
    {"Q-03", "MUST", "a view's URI and summary", q_03},
    {"Q-04", "MUST NOT", "one view for two resources", q_04},
    {"Q-05", "MUST", "without a tag from the latest snapshot", q_05},
    {"Q-06", "MUST", "edges without gaps", q_06},
    {"Q-07", "MUST", "edges give what GET gives", q_07},
    {"Q-08", "RECOMMENDED", "errors of edges", q_08},
    {0},
};
