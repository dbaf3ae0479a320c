#include "daemon/admin_client.h"

#include <errno.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

#define ANSWER_BYTES_MAX   (64 << 20)
#define ANSWER_SECONDS_MAX 10

struct asking {
    struct event_base *base;
    bool answered;
    int status;
    struct bytes body;
};

static void on_answer(struct evhttp_request *req, void *arg)
{
    struct asking *a = arg;

    if (req && evhttp_request_get_response_code(req)) {
        struct evbuffer *in = evhttp_request_get_input_buffer(req);
        size_t n = evbuffer_get_length(in);

        a->status = evhttp_request_get_response_code(req);
        a->answered = bytes_reserve(&a->body, n + 1);
        if (a->answered) {
            evbuffer_copyout(in, a->body.data, n);
            a->body.len = n;
            a->body.data[n] = '\0';
        }
    }
    event_base_loopbreak(a->base);
}

static enum err_code exchange(struct asking *a, const struct admin_at *at, const char *method,
                              const char *target, struct err *e)
{
    char host[ADDR_TEXT_MAX];
    struct evhttp_connection *conn;
    struct evhttp_request *req;

    addr_format(at->addr, host);
    conn = evhttp_connection_base_new(a->base, NULL, host, at->port);
    req = evhttp_request_new(on_answer, a);
    if (!conn || !req)
        return err_set(e, ERR_LIMIT, "no memory");
    evhttp_connection_set_timeout(conn, ANSWER_SECONDS_MAX);
    evhttp_connection_set_max_body_size(conn, ANSWER_BYTES_MAX);
    evhttp_add_header(evhttp_request_get_output_headers(req), "Host", host);
    evhttp_add_header(evhttp_request_get_output_headers(req), "Connection", "close");
    evhttp_add_header(evhttp_request_get_output_headers(req), "Waymark-Admin", "1");
    errno = 0;
    if (evhttp_make_request(
            conn, req, strcmp(method, "POST") == 0 ? EVHTTP_REQ_POST : EVHTTP_REQ_GET, target) == 0)
        event_base_dispatch(a->base);
    evhttp_connection_free(conn);
    if (!a->answered)
        return err_set(e, ERR_IO,
                       "no answer from %s port %u; is waymarkd running, and is this its "
                       "listen.admin? (--admin ADDRESS:PORT)",
                       host, at->port);
    return ERR_OK;
}

/* The daemon's own sentence, from {"error": ...}. */
static enum err_code refused(const struct asking *a, const json_t *doc, struct err *e)
{
    const char *what = json_string_value(json_object_get(doc, "error"));
    enum err_code code = a->status == 404   ? ERR_NOT_FOUND
                         : a->status == 409 ? ERR_CONFLICT
                                            : ERR_IO;

    if (what)
        return err_set(e, code, "%s", what);
    return err_set(e, code, "the daemon answered with status %d", a->status);
}

enum err_code admin_ask(const struct admin_at *at, const char *method, const char *target,
                        json_t **out, struct err *e)
{
    struct asking a = {.base = event_base_new()};
    json_error_t where;
    json_t *doc;
    enum err_code rc;

    *out = NULL;
    if (!a.base)
        return err_set(e, ERR_LIMIT, "no memory");
    rc = exchange(&a, at, method, target, e);
    event_base_free(a.base);
    if (rc != ERR_OK)
        goto done;
    doc = json_loadb(a.body.data, a.body.len, 0, &where);
    if (a.status != 200)
        rc = refused(&a, doc, e);
    else if (!doc)
        rc = err_set(e, ERR_PARSE, "the answer is not JSON; is this really waymarkd's admin port?");
    else
        *out = json_incref(doc);
    json_decref(doc);

done:
    bytes_free(&a.body);
    return rc;
}
