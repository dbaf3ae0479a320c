#include "daemon/admin_status.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "router/cache_memory.h"

static json_t *text(struct str s)
{
    return json_stringn(s.p ? s.p : "", s.n);
}

static void map_json(json_t *o, const struct view_source *good)
{
    const struct netmap *n = good->netmap;

    if (n) {
        json_object_set_new(o, "tag", json_string(n->vtag.tag));
        json_object_set_new(o, "pids", json_integer(n->pid_count));
        json_object_set_new(o, "prefixes", json_integer(n->prefix_count));
    } else {
        const struct costmap_info *i = costmap_info_get(good->costmap);

        json_object_set_new(o, "tag", json_string(i->tag));
        json_object_set_new(o, "pairs", json_integer(i->pair_count));
        json_object_set_new(o, "mode",
                            json_string(i->mode == COST_ORDINAL ? "ordinal" : "numerical"));
        json_object_set_new(o, "metric", json_string(i->metric));
    }
}

static json_t *source_json(const struct source_file *f)
{
    json_t *o = json_object();
    uint64_t now = clock_wall_ms();

    json_object_set_new(o, "path", json_string(f->path));
    if (f->good)
        map_json(o, f->good);
    if (f->geo) {
        json_object_set_new(o, "places", json_integer(f->geo->place_count));
        json_object_set_new(o, "build_age_s",
                            json_integer((json_int_t)(now / 1000 - f->geo->build_epoch)));
    }
    if (f->fci)
        json_object_set_new(o, "footprints", json_integer((json_int_t)f->fci->fci.count));
    if (f->good || f->geo || f->fci) {
        json_object_set_new(o, "age_s",
                            json_integer((json_int_t)((now - f->loaded_wall_ms) / 1000)));
        json_object_set_new(o, "read_ms", json_integer(f->took_ms));
    }
    json_object_set_new(o, "error", f->error[0] ? json_string(f->error) : json_null());
    return o;
}

static json_t *list_json(const struct source_list *l)
{
    json_t *a = json_array();

    for (size_t i = 0; i < l->count; i++)
        json_array_append_new(a, source_json(&l->items[i]));
    return a;
}

static json_t *sources_json(const struct sources *s)
{
    json_t *o = json_object();

    if (s->network.path[0])
        json_object_set_new(o, "network_map", source_json(&s->network));
    if (s->cost.path[0])
        json_object_set_new(o, "cost_map", source_json(&s->cost));
    if (s->more_costs.count)
        json_object_set_new(o, "cost_maps", list_json(&s->more_costs));
    if (s->geo.path[0])
        json_object_set_new(o, "geo", source_json(&s->geo));
    if (s->fci.count)
        json_object_set_new(o, "advertisements", list_json(&s->fci));
    return o;
}

/* One map as an answer's explanation names it. */
static void map_add(json_t *list, const struct source_file *f, const char *kind)
{
    json_t *o;

    if (!f->good)
        return;
    o = json_object();
    json_object_set_new(o, "kind", json_string(kind));
    json_object_set_new(o, "source", json_string(f->path));
    map_json(o, f->good);
    json_object_set_new(o, "age_s",
                        json_integer((json_int_t)((clock_wall_ms() - f->loaded_wall_ms) / 1000)));
    json_array_append_new(list, o);
}

json_t *admin_maps_json(const struct control *c)
{
    json_t *list = json_array();

    map_add(list, &c->sources.network, "network map");
    map_add(list, &c->sources.cost, "cost map");
    for (size_t i = 0; i < c->sources.more_costs.count; i++)
        map_add(list, &c->sources.more_costs.items[i], "cost map");
    return list;
}

static json_t *memory_json(const struct control *c)
{
    const struct memory *m = &c->memory;
    json_t *o = json_object();

    json_object_set_new(o, "cache_bytes",
                        json_integer(m->caches ? (json_int_t)cache_memory_bytes(m->caches) : 0));
    json_object_set_new(o, "cache_columns",
                        json_integer(m->caches ? cache_memory_columns(m->caches) : 0));
    json_object_set_new(o, "sessions", json_integer(c->started->config->memory.sessions));
    json_object_set_new(o, "clients", json_integer(c->started->config->memory.buckets));
    json_object_set_new(o, "popular", json_integer((json_int_t)popularity_counters(m->popularity)));
    json_object_set_new(o, "tallies_dropped", json_integer((json_int_t)memory_tallies_dropped(m)));
    return o;
}

/* null: there is nothing that ends. */
static json_t *calendar_json(const struct control *c)
{
    const uint64_t end = c->view->valid_until_ms, now = clock_wall_ms();

    return end ? json_integer(end > now ? (json_int_t)((end - now) / 1000) : 0) : json_null();
}

static json_t *state_json(const struct control *c)
{
    struct state_writer_counts counts;

    if (!c->state)
        return json_null();
    counts = state_writer_counts_get(c->state);
    return json_pack("{s:s, s:I, s:I}", "directory", c->started->config->state_directory.p,
                     "written", (json_int_t)counts.written, "errors", (json_int_t)counts.errors);
}

/* null: maps are files. */
static json_t *feed_json(const struct control *c)
{
    struct alto_source_status st;
    json_t *o;

    if (!c->feed)
        return json_null();
    alto_source_status(c->feed, &st);
    o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:b, s:b}", "uri", st.uri, "network",
                  st.resource_id, "tag", st.tag, "mode", alto_source_mode_name(st.client.mode),
                  "doing", st.client.doing, "age_s", (json_int_t)(st.age_ms / 1000), "from_state",
                  st.from_state, "expired", st.expired);
    json_object_set_new(o, "error",
                        st.client.error[0] ? json_string(st.client.error) : json_null());
    json_object_set_new(o, "held", st.client.held[0] ? json_string(st.client.held) : json_null());
    json_object_set_new(o, "generations", json_integer((json_int_t)st.client.generations));
    json_object_set_new(o, "failures", json_integer((json_int_t)st.client.failures));
    return o;
}

/* null: there is no ALTO server. */
static json_t *alto_json(const struct control *c)
{
    struct alto_publisher_counts made;
    struct alto_hub_counts hub;
    char error[ERR_TEXT_MAX];
    json_t *o;

    if (!c->alto.publisher)
        return json_null();
    alto_publisher_count(c->alto.publisher, &made);
    alto_publisher_error(c->alto.publisher, error);
    alto_hub_count(c->alto.hub, &hub);
    o = json_pack("{s:s, s:I, s:I, s:i, s:i}", "path", c->started->config->alto.path.p, "serial",
                  (json_int_t)made.serial, "age_s",
                  (json_int_t)(made.serial ? (clock_wall_ms() - made.published_wall_ms) / 1000 : 0),
                  "text_ms", (int)made.text_ms, "compress_ms", (int)made.compress_ms);
    json_object_set_new(o, "streams", json_integer((json_int_t)hub.streams));
    json_object_set_new(o, "views", json_integer((json_int_t)hub.views));
    json_object_set_new(o, "polls", json_integer((json_int_t)hub.polls));
    json_object_set_new(o, "updates_bytes", json_integer((json_int_t)hub.memory));
    json_object_set_new(o, "error",
                        c->alto.error[0] ? json_string(c->alto.error)
                        : error[0]       ? json_string(error)
                                         : json_null());
    return o;
}

/* Health as the prober tells it, and the load that the router has put on each streamer. */
static json_t *streamers_json(const struct control *c)
{
    struct bytes text_of = {0};
    json_t *health = NULL, *list, *o;
    size_t i;

    if (prober_format(c->prober, c->live, &text_of))
        health = json_loadb(text_of.data, text_of.len, 0, NULL);
    bytes_free(&text_of);
    list = json_incref(json_object_get(health, "streamers"));
    json_decref(health);
    json_array_foreach(list, i, o)
    {
        sidx at =
            view_find_streamer(c->view, str_from(json_string_value(json_object_get(o, "name"))));
        const struct view_streamer *s = at == SIDX_NONE ? NULL : &c->view->streamers[at];

        if (!s)
            continue;
        json_object_set_new(
            o, "pid", s->pid == PIDX_NONE ? json_null() : text(c->view->netmap->pids[s->pid].name));
        json_object_set_new(o, "sessions", json_real(live_sessions(c->live, s->live)));
        json_object_set_new(o, "capacity", json_real(s->conf->capacity));
        json_object_set_new(o, "dispatched",
                            json_integer(atomic_load_explicit(
                                &c->live->streamer[s->live].dispatched, memory_order_relaxed)));
    }
    return list;
}

bool admin_status_format(const struct control *c, struct bytes *out)
{
    json_t *o = json_object(), *services = json_array();
    char *dump;
    bool ok;

    for (svidx i = 0; i < c->view->service_count; i++)
        json_array_append_new(services, text(c->view->services[i].conf->name));
    json_object_set_new(o, "version", json_string(WAYMARK_VERSION));
    json_object_set_new(o, "state", json_string(c->draining ? "draining" : "serving"));
    json_object_set_new(o, "serial", json_integer((json_int_t)c->serial));
    json_object_set_new(o, "uptime_s",
                        json_integer((json_int_t)((clock_wall_ms() - c->began_wall_ms) / 1000)));
    json_object_set_new(o, "workers", json_integer(c->worker_count));
    json_object_set_new(o, "config", json_string(c->config_path));
    json_object_set_new(o, "error", c->last_error[0] ? json_string(c->last_error) : json_null());
    json_object_set_new(o, "sources", sources_json(&c->sources));
    json_object_set_new(o, "calendar_ends_s", calendar_json(c));
    json_object_set_new(o, "memory", memory_json(c));
    json_object_set_new(o, "state_file", state_json(c));
    json_object_set_new(o, "feed", feed_json(c));
    json_object_set_new(o, "alto", alto_json(c));
    json_object_set_new(o, "services", services);
    json_object_set_new(o, "streamers", streamers_json(c));
    dump = json_dumps(o, JSON_INDENT(2));
    json_decref(o);
    ok = dump && bytes_printf(out, "%s\n", dump);
    free(dump);
    return ok;
}

static json_t *row_json(const struct view *v, const struct popularity_row *row)
{
    char key[4 * POPULARITY_KEY_MAX + 4], content[17];

    snprintf(content, sizeof content, "%016" PRIx64, row->content);
    return json_pack("{s:s, s:s, s:s, s:f, s:i, s:f}", "key",
                     bytes_escape(row->key, strlen(row->key), key, sizeof key), "service",
                     row->service < v->service_count ? v->services[row->service].conf->name.p : "",
                     "content", content, "rate", row->rate, "owners",
                     (int)(row->owners ? row->owners : 1), "error", row->error);
}

bool admin_top_format(struct control *c, svidx service, size_t max, struct bytes *out)
{
    struct popularity_row *rows = calloc(max, sizeof *rows);
    size_t n = rows ? memory_top(&c->memory, service, c->turn.now_ms, rows, max) : 0;
    json_t *o = json_object(), *list = json_array();
    char *dump;
    bool ok;

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, row_json(c->view, &rows[i]));
    json_object_set_new(o, "top", list);
    dump = rows ? json_dumps(o, JSON_INDENT(2)) : NULL;
    ok = dump && bytes_printf(out, "%s\n", dump);
    free(dump);
    json_decref(o);
    free(rows);
    return ok;
}

static bool streamer_metrics(const struct control *c, struct bytes *out)
{
    const struct view *v = c->view;
    bool ok = bytes_printf(
        out, "# HELP waymark_streamer_up Whether a streamer's address is healthy (1), by family\n"
             "# TYPE waymark_streamer_up gauge\n");

    for (sidx i = 0; ok && i < v->streamer_count; i++) {
        const struct view_streamer *s = &v->streamers[i];
        health_word w = live_health_get(c->live, s->live);

        if (s->conf->can & STREAMER_V4)
            ok = bytes_printf(out, "waymark_streamer_up{streamer=\"%s\",family=\"ipv4\"} %d\n",
                              s->conf->name.p, (w & 3) != HEALTH_DOWN);
        if (ok && s->conf->can & STREAMER_V6)
            ok = bytes_printf(out, "waymark_streamer_up{streamer=\"%s\",family=\"ipv6\"} %d\n",
                              s->conf->name.p, (w >> 2 & 3) != HEALTH_DOWN);
    }
    ok = ok &&
         bytes_printf(out, "# HELP waymark_streamer_sessions Sessions believed open on a streamer\n"
                           "# TYPE waymark_streamer_sessions gauge\n");
    for (sidx i = 0; ok && i < v->streamer_count; i++)
        ok = bytes_printf(out, "waymark_streamer_sessions{streamer=\"%s\"} %.3f\n",
                          v->streamers[i].conf->name.p,
                          live_sessions(c->live, v->streamers[i].live));
    ok = ok &&
         bytes_printf(out, "# HELP waymark_streamer_dispatched_total Sessions sent to a streamer\n"
                           "# TYPE waymark_streamer_dispatched_total counter\n");
    for (sidx i = 0; ok && i < v->streamer_count; i++)
        ok = bytes_printf(out, "waymark_streamer_dispatched_total{streamer=\"%s\"} %u\n",
                          v->streamers[i].conf->name.p,
                          atomic_load_explicit(&c->live->streamer[v->streamers[i].live].dispatched,
                                               memory_order_relaxed));
    return ok;
}

static bool memory_metrics(const struct control *c, struct bytes *out)
{
    return bytes_printf(
        out,
        "# HELP waymark_cache_memory_bytes Memory of what was sent to which streamer\n"
        "# TYPE waymark_cache_memory_bytes gauge\nwaymark_cache_memory_bytes %zu\n"
        "# HELP waymark_popular_contents Contents whose popularity is known\n"
        "# TYPE waymark_popular_contents gauge\nwaymark_popular_contents %zu\n"
        "# HELP waymark_geo_loaded_timestamp_seconds When the geo databases were read\n"
        "# TYPE waymark_geo_loaded_timestamp_seconds gauge\n"
        "waymark_geo_loaded_timestamp_seconds %llu\n",
        c->memory.caches ? cache_memory_bytes(c->memory.caches) : 0,
        popularity_counters(c->memory.popularity),
        (unsigned long long)(c->sources.geo.geo ? c->sources.geo.loaded_wall_ms / 1000 : 0));
}

static bool swarm_metrics(const struct control *c, struct bytes *out)
{
    struct swarms_stats st;

    if (!c->swarms)
        return true;
    swarms_stats_get(c->swarms, &st);
    return bytes_printf(
        out,
        "# HELP waymark_tracker_swarms Torrents with a peer\n# TYPE waymark_tracker_swarms gauge\n"
        "waymark_tracker_swarms %llu\n"
        "# HELP waymark_tracker_peers Peers of all swarms\n# TYPE waymark_tracker_peers gauge\n"
        "waymark_tracker_peers %llu\n"
        "# HELP waymark_tracker_seeds Peers that have everything\n# TYPE waymark_tracker_seeds "
        "gauge\n"
        "waymark_tracker_seeds %llu\n"
        "# HELP waymark_tracker_bytes Memory of all swarms\n# TYPE waymark_tracker_bytes gauge\n"
        "waymark_tracker_bytes %llu\n",
        (unsigned long long)st.swarms, (unsigned long long)st.peers, (unsigned long long)st.seeds,
        (unsigned long long)st.bytes);
}

static bool alto_metrics(const struct control *c, struct bytes *out)
{
    struct alto_publisher_counts made;
    struct alto_hub_counts hub;

    if (!c->alto.publisher)
        return true;
    alto_publisher_count(c->alto.publisher, &made);
    alto_hub_count(c->alto.hub, &hub);
    return bytes_printf(
        out,
        "# HELP waymark_alto_catalogs_total Generations of the ALTO resources, by result\n"
        "# TYPE waymark_alto_catalogs_total counter\n"
        "waymark_alto_catalogs_total{result=\"ok\"} %llu\n"
        "waymark_alto_catalogs_total{result=\"error\"} %llu\n"
        "# HELP waymark_alto_published_timestamp_seconds When the newest of them was shown\n"
        "# TYPE waymark_alto_published_timestamp_seconds gauge\n"
        "waymark_alto_published_timestamp_seconds %llu\n"
        "# HELP waymark_alto_streams Update streams open\n# TYPE waymark_alto_streams gauge\n"
        "waymark_alto_streams %llu\n"
        "# HELP waymark_alto_tips_views TIPS views open\n# TYPE waymark_alto_tips_views gauge\n"
        "waymark_alto_tips_views %llu\n"
        "# HELP waymark_alto_tips_polls Long polls that wait\n# TYPE waymark_alto_tips_polls "
        "gauge\n"
        "waymark_alto_tips_polls %llu\n"
        "# HELP waymark_alto_events_total Update events sent\n# TYPE waymark_alto_events_total "
        "counter\n"
        "waymark_alto_events_total %llu\n"
        "# HELP waymark_alto_event_bytes_total Bytes of them\n# TYPE "
        "waymark_alto_event_bytes_total "
        "counter\n"
        "waymark_alto_event_bytes_total %llu\n"
        "# HELP waymark_alto_streams_replaced_total Slow readers that got the whole resource\n"
        "# TYPE waymark_alto_streams_replaced_total counter\n"
        "waymark_alto_streams_replaced_total %llu\n"
        "# HELP waymark_alto_updates_bytes Memory of the versions kept for updates\n"
        "# TYPE waymark_alto_updates_bytes gauge\n"
        "waymark_alto_updates_bytes %zu\n",
        (unsigned long long)made.catalogs, (unsigned long long)made.errors,
        (unsigned long long)(made.published_wall_ms / 1000), (unsigned long long)hub.streams,
        (unsigned long long)hub.views, (unsigned long long)hub.polls,
        (unsigned long long)hub.events, (unsigned long long)hub.bytes,
        (unsigned long long)hub.replaced, hub.memory);
}

bool admin_metrics_format(const struct control *c, struct bytes *out)
{
    struct metrics *sets[UINT8_MAX + 1];
    size_t n = 0;

    sets[n++] = (struct metrics *)(uintptr_t)&c->metrics;
    for (unsigned i = 0; i < c->worker_count && n < sizeof sets / sizeof *sets; i++)
        sets[n++] = &c->workers[i].metrics;
    return metrics_format(sets, n, out) && streamer_metrics(c, out) && memory_metrics(c, out) &&
           swarm_metrics(c, out) && alto_metrics(c, out);
}
