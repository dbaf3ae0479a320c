#include "http/http_pool.h"

#include <stdlib.h>
#include <string.h>

struct http_out *http_pool_out_take(struct http_server *s)
{
    struct http_out *o = s->spare_outs;

    if (!o)
        return calloc(1, sizeof *o);
    s->spare_outs = o->next;
    s->spare_out_count--;
    return o;
}

void http_pool_out_give(struct http_server *s, struct http_out *o)
{
    http_out_clear(o);
    if (s->spare_out_count == HTTP_POOL_MAX) {
        http_out_fini(o);
        free(o);
        return;
    }
    o->next = s->spare_outs;
    s->spare_outs = o;
    s->spare_out_count++;
}

char *http_pool_in_take(struct http_server *s)
{
    struct http_spare *p = s->spare_ins;

    if (!p)
        return malloc(HTTP_IN_SMALL);
    s->spare_ins = p->next;
    s->spare_in_count--;
    return (char *)p;
}

void http_pool_in_give(struct http_conn *c)
{
    struct http_server *s = c->server;

    if (!c->in)
        return;
    if (c->in_cap == HTTP_IN_SMALL && s->spare_in_count < HTTP_POOL_MAX) {
        struct http_spare *p = (void *)c->in;

        p->next = s->spare_ins;
        s->spare_ins = p;
        s->spare_in_count++;
    } else {
        free(c->in);
    }
    c->in = NULL;
    c->in_len = c->in_cap = 0;
}

void http_pools_free(struct http_server *s)
{
    while (s->spare_outs) {
        struct http_out *o = http_pool_out_take(s);

        http_out_fini(o);
        free(o);
    }
    while (s->spare_ins)
        free(http_pool_in_take(s));
    while (s->spare_conns) {
        struct http_conn *c = s->spare_conns;

        s->spare_conns = c->next;
        free(c);
    }
}

struct http_conn *http_pool_conn_take(struct http_server *s)
{
    struct http_conn *c = s->spare_conns;

    if (!c)
        return calloc(1, sizeof *c);
    s->spare_conns = c->next;
    s->spare_conn_count--;
    memset(c, 0, sizeof *c);
    return c;
}

void http_pool_conn_give(struct http_server *s, struct http_conn *c)
{
    if (s->spare_conn_count == HTTP_POOL_MAX) {
        free(c);
        return;
    }
    c->next = s->spare_conns;
    s->spare_conns = c;
    s->spare_conn_count++;
}
