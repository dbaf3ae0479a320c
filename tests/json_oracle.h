/* jansson as the judge of json_push: both read the same bytes and must agree on good and bad, and
 * on the tree. Where they cannot agree is named here. Shared by test_json_push and fuzz_json_push.
 */
#pragma once

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_push.h"

struct oracle_tree {
    json_t *stack[JSON_PUSH_DEPTH_MAX + 2];
    char *key[JSON_PUSH_DEPTH_MAX + 2];
    unsigned depth;
    json_t *root;
    uint64_t events; /* a hash of all events with their positions */
};

static inline void oracle_put(struct oracle_tree *t, json_t *v)
{
    if (t->depth == 0) {
        t->root = v;
    } else if (json_is_object(t->stack[t->depth])) {
        json_object_set_new(t->stack[t->depth], t->key[t->depth], v);
        free(t->key[t->depth]);
        t->key[t->depth] = NULL;
    } else {
        json_array_append_new(t->stack[t->depth], v);
    }
}

static inline enum err_code oracle_event(void *ctx, struct json_push *j,
                                         const struct json_event *ev, struct err *e)
{
    struct oracle_tree *t = ctx;
    json_t *v = NULL;
    uint32_t line;
    uint64_t col;

    (void)e;
    json_push_where(j, &line, &col);
    t->events = (t->events * 31 + line) * 31 + col * 31 + (unsigned)ev->kind;
    for (size_t i = 0; i < ev->text.n; i++)
        t->events = t->events * 31 + (unsigned char)ev->text.p[i];
    switch (ev->kind) {
    case JSON_PUSH_OBJECT:
    case JSON_PUSH_ARRAY:
        v = ev->kind == JSON_PUSH_OBJECT ? json_object() : json_array();
        oracle_put(t, v);
        t->stack[++t->depth] = v;
        return ERR_OK;
    case JSON_PUSH_OBJECT_END:
    case JSON_PUSH_ARRAY_END:
        t->depth--;
        return ERR_OK;
    case JSON_PUSH_KEY:
        t->key[t->depth] = calloc(1, ev->text.n + 1); /* strndup would look for a NUL behind it */
        if (ev->text.n)
            memcpy(t->key[t->depth], ev->text.p, ev->text.n);
        return ERR_OK;
    case JSON_PUSH_STRING:
        v = json_stringn(ev->text.p, ev->text.n);
        break;
    case JSON_PUSH_NUMBER:
        v = json_real(ev->number);
        break;
    case JSON_PUSH_TRUE:
    case JSON_PUSH_FALSE:
        v = json_boolean(ev->kind == JSON_PUSH_TRUE);
        break;
    case JSON_PUSH_NULL:
        v = json_null();
        break;
    }
    oracle_put(t, v);
    return ERR_OK;
}

static inline void oracle_free(struct oracle_tree *t)
{
    for (unsigned i = 0; i < JSON_PUSH_DEPTH_MAX + 2; i++)
        free(t->key[i]);
    json_decref(t->root);
}

/* Reads in pieces of `piece` bytes, each in memory of its own so that ASan sees a read past it. */
static inline enum err_code oracle_read(const char *text, size_t n, size_t piece,
                                        struct oracle_tree *t, struct err *e)
{
    struct json_push_limits limits = {.depth_max = JSON_PUSH_DEPTH_MAX};
    struct json_push *j = json_push_new("x.json", &limits, oracle_event, t);
    enum err_code rc = ERR_OK;

    for (size_t at = 0; at < n && rc == ERR_OK; at += piece) {
        size_t k = n - at < piece ? n - at : piece;
        char *copy = malloc(k);

        memcpy(copy, text + at, k);
        rc = json_push_feed(j, copy, k, e);
        free(copy);
    }
    if (rc == ERR_OK)
        rc = json_push_end(j, e);
    json_push_free(j);
    return rc;
}

/* jansson 2.14 loses a NUL byte that stands right behind a number or a word and takes "[1\0]" for
 * "[1]". */
static inline bool oracle_blind(const char *text, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (text[i] == '\0' && isalnum((unsigned char)text[i - 1]))
            return true;
    return false;
}

/* NULL when json_push read the text as jansson does, whole as in pieces; else what differs.
 *
 * Not compared: what json_push refuses as over a limit (jansson has one for depth alone), and
 * oracle_blind texts. Repeated
 * keys: both keep the last here. Integers are read as doubles by both; 1e999 and \u0000 are refused
 * by both. */
static inline const char *oracle_differs(const char *text, size_t n, size_t piece)
{
    static char why[2 * ERR_TEXT_MAX + 100];
    struct oracle_tree whole = {0}, cut = {0};
    struct err e = {0}, e_cut = {0};
    json_error_t je;
    enum err_code rc = oracle_read(text, n, n ? n : 1, &whole, &e);
    enum err_code rc_cut = oracle_read(text, n, piece, &cut, &e_cut);
    json_t *judge = json_loadb(text, n, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &je);
    const char *verdict = NULL;

    why[0] = '\0';
    if (rc != rc_cut || strcmp(e.text, e_cut.text) != 0)
        snprintf(why, sizeof why, "whole: \"%s\", in pieces of %zu: \"%s\"", e.text, piece,
                 e_cut.text);
    else if (whole.events != cut.events)
        snprintf(why, sizeof why, "other events in pieces of %zu", piece);
    else if (rc != ERR_OK && !e.text[0])
        snprintf(why, sizeof why, "an error without a text");
    else if (rc != ERR_LIMIT && !oracle_blind(text, n) && (rc == ERR_OK) != (judge != NULL))
        snprintf(why, sizeof why, "json_push: \"%s\", jansson: \"%s\"",
                 rc == ERR_OK ? "good" : e.text, judge ? "good" : je.text);
    else if (rc == ERR_OK && !json_equal(whole.root, judge))
        snprintf(why, sizeof why, "the trees differ");
    if (why[0])
        verdict = why;
    json_decref(judge);
    oracle_free(&whole);
    oracle_free(&cut);
    return verdict;
}
