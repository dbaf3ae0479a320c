#include "http/http_forwarded.h"

#include <string.h>

static bool is_trusted(struct addr a, const struct prefix *trusted, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (prefix_has(trusted[i], a))
            return true;
    return false;
}

/* Takes the last of a comma separated list off *list, without white space. */
static struct str list_last(struct str *list)
{
    const char *comma = list->n ? memrchr(list->p, ',', list->n) : NULL;
    size_t keep = comma ? (size_t)(comma - list->p) : 0;
    struct str item = {list->p + keep + (comma ? 1 : 0), list->n - keep - (comma ? 1 : 0)};

    list->n = keep;
    while (item.n && (item.p[0] == ' ' || item.p[0] == '\t')) {
        item.p++;
        item.n--;
    }
    while (item.n && (item.p[item.n - 1] == ' ' || item.p[item.n - 1] == '\t'))
        item.n--;
    return item;
}

/* Some proxies add the port. */
static bool entry_parse(struct str s, struct addr *out)
{
    uint16_t port;

    return addr_parse(s.p, s.n, out, NULL) == ERR_OK ||
           addr_port_parse(s.p, s.n, 1, out, &port, NULL) == ERR_OK;
}

struct addr http_forwarded_client(const struct http_request *r, struct addr peer,
                                  const struct prefix *trusted, size_t trusted_count)
{
    struct addr client = peer;

    if (!is_trusted(peer, trusted, trusted_count))
        return peer;
    for (size_t i = r->header_count; i > 0; i--) {
        struct str list = r->headers[i - 1].value;

        if (!str_eq_nocase(r->headers[i - 1].name, STR("x-forwarded-for")))
            continue;
        while (list.n) {
            struct str item = list_last(&list);

            if (!entry_parse(item, &client) || !is_trusted(client, trusted, trusted_count))
                return client;
        }
    }
    return client;
}
