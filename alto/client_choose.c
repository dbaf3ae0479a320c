/* Which resources of a server's directories serve what is wanted. */
#include <string.h>

#include "alto/client_internal.h"
#include "alto/vtag.h"
#include "base/json_write.h"

#define STREAM_TYPE    "text/event-stream"
#define STREAM_ACCEPTS "application/alto-updatestreamparams+json"
#define TIPS_TYPE      "application/alto-tips+json"
#define TIPS_ACCEPTS   "application/alto-tipsparams+json"

/* The n-th resource of all directories; NULL: behind the last. */
static const struct directory_resource *resource_at(const struct alto_client *c, size_t n,
                                                    const struct directory **in)
{
    for (unsigned i = 0; i < c->walk.read_count; i++) {
        const struct directory *d = c->walk.read[i];

        if (in)
            *in = d;
        if (n < d->resource_count)
            return &d->resources[n];
        n -= d->resource_count;
    }
    return NULL;
}

static bool is_network(const struct directory_resource *r)
{
    return r->accepts.n == 0 && str_eq(r->media_type, STR(NETWORK_TYPE));
}

static const struct directory_resource *find_network(const struct alto_client *c, struct str id)
{
    const struct directory_resource *r;

    for (size_t n = 0; (r = resource_at(c, n, NULL)) != NULL; n++)
        if (is_network(r) && str_eq(r->id, id))
            return r;
    return NULL;
}

/* Of the one that is configured, the default of the first directory that names one, the only one.
 */
static enum err_code choose_network(struct alto_client *c, struct err *e)
{
    const struct directory_resource *r = NULL, *one;
    struct str id = c->conf.network;
    unsigned count = 0;

    for (unsigned i = 0; i < c->walk.read_count && id.n == 0; i++)
        id = c->walk.read[i]->default_network;
    if (id.n)
        r = find_network(c, id);
    for (size_t n = 0; id.n == 0 && (one = resource_at(c, n, NULL)) != NULL; n++)
        if (is_network(one)) {
            r = one;
            count++;
        }
    if (r && count <= 1) {
        c->plan.network = (struct client_pick){.id = r->id, .uri = r->uri};
        return ERR_OK;
    }
    if (id.n)
        return err_set(e, ERR_NOT_FOUND, "the directory has no network map \"%.*s\"", (int)id.n,
                       id.p);
    return err_set(e, ERR_NOT_FOUND,
                   count ? "the directory has several network maps and names none as its default"
                         : "the directory has no network map");
}

static bool has_name(const struct str *list, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(list[i], name))
            return true;
    return false;
}

/* RFC 9439 section 6.3: routingcost of another source than an estimation is not what a decision may
 * be made by. */
static bool is_usable(const struct cost_type *t)
{
    return t->context.n == 0 || t->source == COST_SOURCE_ESTIMATION;
}

static const struct cost_type *has_type(const struct directory_resource *r, struct str metric,
                                        enum cost_mode mode)
{
    for (size_t i = 0; i < r->cost_count; i++)
        if (r->costs[i]->mode == mode && str_eq(r->costs[i]->metric, metric) &&
            is_usable(r->costs[i]))
            return r->costs[i];
    return NULL;
}

static bool has_calendar(const struct directory_resource *r, const struct cost_type *t)
{
    for (size_t i = 0; i < r->calendar_count; i++)
        if (r->calendars[i].type == t)
            return true;
    return false;
}

/* RFC 7285 section 11.3.2.3: empty lists are all PIDs. */
static bool make_body(struct alto_client *c, const struct cost_type *t, bool calendar,
                      struct str *out)
{
    struct bytes b = {0};
    struct json_write w;
    bool fine;

    json_write_init(&w, &b);
    json_write_object(&w);
    json_write_key(&w, STR("cost-type"));
    json_write_object(&w);
    json_write_key(&w, STR("cost-mode"));
    json_write_string(&w, t->mode_text);
    json_write_key(&w, STR("cost-metric"));
    json_write_string(&w, t->metric);
    json_write_object_end(&w);
    if (calendar) { /* RFC 8896 section 5.1.1 */
        json_write_key(&w, STR("calendared"));
        json_write_array(&w);
        json_write_bool(&w, true);
        json_write_array_end(&w);
    }
    json_write_key(&w, STR("pids"));
    json_write_object(&w);
    json_write_key(&w, STR("srcs"));
    json_write_array(&w);
    json_write_array_end(&w);
    json_write_key(&w, STR("dsts"));
    json_write_array(&w);
    json_write_array_end(&w);
    json_write_object_end(&w);
    json_write_object_end(&w);
    fine = json_write_done(&w);
    if (fine)
        *out = (struct str){arena_strndup(c->directories, b.data, b.len), b.len};
    bytes_free(&b);
    return fine && out->p;
}

/* How well it serves: 0 not at all; a whole map that is fetched is better than one that is asked
 * for, unless that has the calendar. */
static unsigned rate(const struct alto_client *c, const struct directory_resource *r,
                     const struct cost_type *t)
{
    const bool filter = str_eq(r->accepts, STR(COST_FILTER));

    if (!t || !str_eq(r->media_type, STR(COST_TYPE)) || (r->accepts.n && !filter))
        return 0;
    if (!has_name(r->uses, r->use_count, c->plan.network.id) && !(c->conf.lenient && !r->use_count))
        return 0;
    if (filter && c->conf.calendars && has_calendar(r, t))
        return 3;
    return filter ? 1 : 2;
}

static bool choose_cost_mode(struct alto_client *c, struct str metric, enum cost_mode mode,
                             struct client_pick *out)
{
    const struct directory_resource *r, *best = NULL;
    const struct cost_type *type = NULL;
    unsigned most = 0;

    for (size_t n = 0; (r = resource_at(c, n, NULL)) != NULL; n++) {
        const struct cost_type *t = has_type(r, metric, mode);
        const unsigned fits = rate(c, r, t);

        if (fits > most) {
            most = fits;
            best = r;
            type = t;
        }
    }
    if (!best)
        return false;
    *out = (struct client_pick){
        .id = best->id, .uri = best->uri, .accepts = best->accepts, .type = type};
    return best->accepts.n == 0 || make_body(c, type, most == 3, &out->body);
}

static enum err_code choose_costs(struct alto_client *c, struct err *e)
{
    static const struct alto_client_cost otherwise = {.metric = {"routingcost", 11},
                                                      .any_mode = true};
    const struct alto_client_cost *wants = c->conf.cost_count ? c->conf.costs : &otherwise;
    const size_t count = c->conf.cost_count ? c->conf.cost_count : 1;

    for (size_t i = 0; i < count; i++) {
        const struct alto_client_cost *w = &wants[i];
        struct client_pick *to = &c->plan.costs[i];

        if (!choose_cost_mode(c, w->metric, w->any_mode ? COST_NUMERICAL : w->mode, to) &&
            !(w->any_mode && choose_cost_mode(c, w->metric, COST_ORDINAL, to)))
            return err_set(e, ERR_NOT_FOUND,
                           "the directory has no cost map of \"%.*s\"%s for the network map "
                           "\"%.*s\"",
                           (int)w->metric.n, w->metric.p,
                           w->any_mode               ? ""
                           : w->mode == COST_ORDINAL ? " in ordinal mode"
                                                     : " in numerical mode",
                           (int)c->plan.network.id.n, c->plan.network.id.p);
    }
    c->plan.cost_count = count;
    return ERR_OK;
}

bool client_cannot_apply(const struct alto_client *c, const struct directory_resource *r,
                         struct str id)
{
    for (size_t i = 0; i < r->change_count; i++) {
        const struct directory_change *ch = &r->changes[i];

        if (str_eq(ch->id, id) && (ch->other || (ch->merge && c->conf.no_merge_patch) ||
                                   (ch->json && c->conf.no_json_patch)))
            return true;
    }
    return false;
}

/* Has it all that is wanted? Of TIPS, which cannot be told to leave patches out, in forms that this
 * client has (RFC 9569 section 6.1). */
static bool covers(const struct alto_client *c, const struct directory_resource *r, bool tips)
{
    const struct client_plan *p = &c->plan;

    for (size_t i = 0; i <= p->cost_count; i++) {
        const struct str id = i ? p->costs[i - 1].id : p->network.id;

        if (!has_name(r->uses, r->use_count, id) || (tips && client_cannot_apply(c, r, id)))
            return false;
    }
    return true;
}

static void choose_updates(struct alto_client *c)
{
    const enum alto_client_mode want = c->conf.updates;
    const struct directory_resource *r;

    for (size_t n = 0; (r = resource_at(c, n, NULL)) != NULL; n++) {
        const bool stream =
            str_eq(r->media_type, STR(STREAM_TYPE)) && str_eq(r->accepts, STR(STREAM_ACCEPTS));
        const bool tips =
            str_eq(r->media_type, STR(TIPS_TYPE)) && str_eq(r->accepts, STR(TIPS_ACCEPTS));

        if (stream && (want == ALTO_CLIENT_AUTO || want == ALTO_CLIENT_SSE) && covers(c, r, false))
            c->plan.stream = r;
        if (tips && (want == ALTO_CLIENT_AUTO || want == ALTO_CLIENT_TIPS) && covers(c, r, true))
            c->plan.tips = r;
    }
}

enum err_code client_choose(struct alto_client *c, struct err *e)
{
    enum err_code rc;

    c->plan = (struct client_plan){0};
    rc = choose_network(c, e);
    if (rc == ERR_OK)
        rc = choose_costs(c, e);
    if (rc == ERR_OK)
        choose_updates(c);
    return rc;
}
