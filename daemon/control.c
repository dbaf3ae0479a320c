#include "daemon/control.h"

#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "daemon/admin.h"
#include "daemon/map_change.h"
#include "daemon/publish.h"
#include "daemon/control_turn.h"
#include "http/http_tls.h"

#define DEBOUNCE_MS 200 /* a map and its partner are often written one behind the other */
#define DRAIN_MAX_S 30  /* then whoever is not done is cut off */
#define QUOTED_MAX  (ERR_TEXT_MAX * 2)

static const struct timeval one_second = {1, 0};

void control_log_problem(const char *event, const struct err *e)
{
    char quoted[QUOTED_MAX];

    log_error("event=%s code=%s reason=%s", event, err_code_name(e->code),
              log_quote(e->text, quoted, sizeof quoted));
}

/* Gives back the live slots that a refused view has taken, and what it said of others. */
static void live_restore(struct control *c)
{
    const struct view *v = c->view;

    live_mark_begin(c->live);
    for (sidx i = 0; v && i < v->streamer_count; i++) {
        lidx at = live_slot(c->live, v->streamers[i].conf->name); /* it has one: this marks it */

        live_hit_set(c->live, at, v->streamers[i].conf->hit_pm);
    }
    prober_hits(c->prober);
    live_mark_end(c->live);
}

/* Builds a view of what is newest and publishes it. On failure everything stays as it was. */
enum err_code control_publish(struct control *c, struct config_hold *hold, struct err *e)
{
    uint64_t began = clock_ms();
    struct view *v = NULL;
    enum err_code rc;

    live_mark_begin(c->live);
    rc = memory_reserve(&c->memory, c->live, hold->config->streamers, hold->config->streamer_count,
                        e);
    if (rc == ERR_OK)
        rc = publish_build(hold->config, hold, &c->sources, c->live, c->memory.caches,
                           c->serial + 1, &v, e);
    if (rc == ERR_OK && c->view && c->view->netmap && v->netmap)
        map_change_log(c->view->netmap, v->netmap);
    if (rc == ERR_OK)
        rc = publish_view(c, v, e);
    if (rc != ERR_OK) {
        live_restore(c);
        metric_add(&c->metrics, METRIC_VIEW_BUILD_ERRORS, 1);
        snprintf(c->last_error, sizeof c->last_error, "%s", e->text);
        return rc;
    }
    live_mark_end(c->live);
    memory_view(&c->memory, v, c->live);
    c->serial = v->serial;
    c->last_error[0] = '\0';
    log_info("event=view.published serial=%llu pids=%u prefixes=%u streamers=%u services=%u "
             "build_ms=%llu",
             (unsigned long long)v->serial, v->netmap ? v->netmap->pid_count : 0,
             v->netmap ? v->netmap->prefix_count : 0, v->streamer_count, v->service_count,
             (unsigned long long)(clock_ms() - began));
    return ERR_OK;
}

/* The same with the sources of these kinds read first: they change with the view or not at all.
 * partly: what is good is taken when other kinds are not; the error is returned all the same. */
static enum err_code load_and_publish(struct control *c, struct config_hold *hold, unsigned kinds,
                                      bool partly, struct err *e)
{
    const bool alto = kinds & (SOURCE_MAPS | SOURCE_ALTO);
    struct alto_files *files = NULL;
    struct sources_kept before;
    struct err why = {0}, files_why = {0};
    unsigned taken = 0;
    enum err_code rc, built;

    if (!sources_keep(&c->sources, &before))
        return err_set(e, ERR_LIMIT, "no memory");
    sources_watch(&c->sources, hold->config);
    rc = built = sources_load(&c->sources, hold->config, kinds, &taken, e);
    if (taken & SOURCE_GEO && c->sources.geo.geo)
        metric_add(&c->metrics, METRIC_GEO_LOADS, 1);
    if (alto && control_alto_load(c, hold->config, &files, &files_why) != ERR_OK) {
        if (partly)
            control_log_problem("alto.refused", &files_why);
        else if (rc == ERR_OK)
            rc = built = err_set(e, files_why.code, "%s", files_why.text);
    }
    if (rc == ERR_OK || (partly && taken))
        built = control_publish(c, hold, &why);
    if (alto && built == ERR_OK)
        control_alto_files(c, files, files_why.text);
    else
        alto_files_drop(files);
    if (built == ERR_OK) {
        sources_forget(&before);
        sources_watch_only(&c->sources, hold->config);
    } else {
        if (partly)
            sources_refused(&c->sources, &before, why.text);
        sources_restore(&c->sources, &before);
    }
    return rc == ERR_OK && built != ERR_OK ? err_set(e, built, "%s", why.text) : rc;
}

static bool feed_changed(const struct alto_feed_conf *was, const struct alto_feed_conf *now)
{
    bool same = was->server_count == now->server_count && str_eq(was->network, now->network);

    for (size_t i = 0; same && i < was->server_count; i++)
        same = str_eq(was->servers[i], now->servers[i]);
    return !same;
}

/* What a reload cannot change while running is said, not silently ignored. */
static void warn_restart(const struct config *was, const struct config *now)
{
    const struct {
        const char *key;
        const struct listen_list *a, *b;
    } lists[] = {
        {"listen.http", &was->http, &now->http},
        {"listen.https", &was->https, &now->https},
        {"listen.dns", &was->dns, &now->dns},
        {"listen.tracker_udp", &was->tracker_udp, &now->tracker_udp},
        {"listen.admin", &was->admin, &now->admin},
    };

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        bool same = lists[i].a->count == lists[i].b->count;

        for (size_t k = 0; same && k < lists[i].a->count; k++)
            same = str_eq(lists[i].a->items[k].name, lists[i].b->items[k].name);
        if (!same)
            log_warn("event=reload.restart_needed key=%s", lists[i].key);
    }
    if (!str_eq(was->alto.path, now->alto.path) || !str_eq(was->alto.host, now->alto.host))
        log_warn("event=reload.restart_needed key=alto.path");
    if (was->alto.users_file.n && !now->alto.users_file.n)
        log_warn("event=reload.restart_needed key=alto.users_file");
    if (feed_changed(&was->feed, &now->feed))
        log_warn("event=reload.restart_needed key=maps.alto");
    if (was->workers != now->workers)
        log_warn("event=reload.restart_needed key=workers");
    if (!str_eq(was->user, now->user))
        log_warn("event=reload.restart_needed key=user");
}

/* A certificate is renewed while the listeners stay. */
static void replace_tls(struct control *c, struct ssl_ctx_st *fresh)
{
    if (!fresh)
        return;
    for (unsigned i = 0; i < c->worker_count; i++)
        worker_post_tls(&c->workers[i], http_tls_take(fresh));
    http_tls_free(c->shared.tls);
    c->shared.tls = fresh;
}

static void replace_digest(struct control *c, struct http_digest *fresh)
{
    if (!fresh)
        return;
    for (unsigned i = 0; i < c->worker_count; i++)
        worker_post_digest(&c->workers[i], http_digest_take(fresh));
    http_digest_free(c->shared.digest);
    c->shared.digest = fresh;
}

enum err_code control_reload(struct control *c, struct err *e)
{
    struct config_problems problems = {0};
    const struct config *fresh = NULL;
    struct arena *arena = NULL;
    struct config_hold *hold = NULL;
    struct ssl_ctx_st *tls = NULL;
    struct http_digest *digest = NULL;
    enum err_code rc = config_load(c->config_path, &fresh, &problems, &arena, e);

    if (rc != ERR_OK) {
        if (problems.count)
            snprintf(e->text, sizeof e->text,
                     "%.300s:%u:%u: %.500s (%zu in all; see waymarkd --check)", c->config_path,
                     problems.items[0].line, problems.items[0].col, problems.items[0].text,
                     problems.count);
        arena_free(arena);
        goto done;
    }
    hold = config_hold_new(fresh, arena);
    if (!hold) {
        rc = err_set(e, ERR_LIMIT, "no memory");
        goto done;
    }
    if (c->shared.tls)
        rc = publish_tls(fresh, &tls, e);
    if (rc == ERR_OK)
        rc = publish_digest(fresh, &digest, e);
    if (rc == ERR_OK)
        rc = load_and_publish(c, hold, SOURCE_ALL, false, e);
    if (rc != ERR_OK)
        goto done;
    replace_tls(c, tls);
    tls = NULL;
    replace_digest(c, digest);
    digest = NULL;
    warn_restart(c->started->config, fresh);
    config_hold_drop(c->newest);
    c->newest = hold;
    hold = NULL;
    control_alto_post(c, true);
    log_info("event=reload.done config=%s", c->config_path);

done:
    http_tls_free(tls);
    http_digest_free(digest);
    config_hold_drop(hold);
    metric_add(&c->metrics, rc == ERR_OK ? METRIC_RELOADS : METRIC_RELOAD_ERRORS, 1);
    if (rc != ERR_OK) {
        snprintf(c->last_error, sizeof c->last_error, "%s", e->text);
        control_log_problem("reload.failed", e);
    }
    return rc;
}

static void on_hup(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct err e = {0};

    (void)!control_reload(arg, &e); /* said in the log and on the status page */
}

static void on_usr1(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct control *c = arg;

    if (c->access_log)
        access_log_reopen(c->access_log);
    log_info("event=access_log.reopened");
}

static void on_inotify(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    static const struct timeval wait = {0, DEBOUNCE_MS * 1000};
    struct control *c = arg;

    c->changed |= sources_changed(&c->sources);
    /* From the first change on: a map that never rests is taken all the same. */
    if (c->changed && !event_pending(c->on_debounce, EV_TIMEOUT, NULL))
        event_add(c->on_debounce, &wait);
}

/* A map has changed and nothing more has for a moment. */
static void on_debounce(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct control *c = arg;
    struct err e = {0};
    const unsigned changed = c->changed;
    enum err_code rc;

    c->changed = 0;
    rc = load_and_publish(c, c->newest, changed, true, &e);
    control_alto_post(c, false);
    if (rc != ERR_OK) {
        snprintf(c->last_error, sizeof c->last_error, "%s", e.text);
        control_log_problem("maps.refused", &e);
    }
}

/* ---- stopping
 * ----------------------------------------------------------------------------------------------------
 */

static void on_worker_drained(void *arg)
{
    struct control *c = arg;
    const uint64_t one = 1;

    (void)!write(c->drained_fd, &one, sizeof one);
}

static void on_drained(evutil_socket_t fd, short what UNUSED, void *arg)
{
    struct control *c = arg;
    uint64_t n = 0;

    if (read(fd, &n, sizeof n) == sizeof n)
        c->drained += (unsigned)n;
    if (c->drained >= c->worker_count)
        event_base_loopbreak(c->base);
}

static void on_drain_deadline(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct control *c = arg;

    log_warn("event=drain.cut_off workers_left=%u", c->worker_count - c->drained);
    event_base_loopbreak(c->base);
}

static void on_term(evutil_socket_t fd, short what UNUSED, void *arg)
{
    static const struct timeval limit = {DRAIN_MAX_S, 0};
    struct control *c = arg;

    if (c->draining) { /* asked twice: now */
        event_base_loopbreak(c->base);
        return;
    }
    c->draining = true;
    log_info("event=drain.began signal=%s", fd == SIGTERM ? "TERM" : "INT");
    event_add(c->on_drain_deadline, &limit);
    for (unsigned i = 0; i < c->worker_count; i++)
        worker_post_drain(&c->workers[i]);
}

/* ---- starting
 * ----------------------------------------------------------------------------------------------------
 */

/* Every listener of one kind: the first worker's socket decides a free port, the others join it. */
static enum err_code listen_all(struct control *c, const struct listen_list *list,
                                enum listen_kind kind, bool udp, const char *name, struct err *e)
{
    for (size_t i = 0; i < list->count; i++) {
        struct listen_addr at = list->items[i].at;
        char text[ADDR_TEXT_MAX];

        for (unsigned w = 0; w < c->worker_count; w++) {
            enum err_code rc;
            int fd;

            rc = udp ? net_bind_udp(at, 4 << 20, &fd, e) : net_listen_tcp(at, 4096, &fd, e);
            if (rc != ERR_OK)
                return rc;
            at.port = net_local_port(fd);
            rc = worker_listen(&c->workers[w], kind, fd, e);
            if (rc != ERR_OK)
                return rc;
        }
        log_info("event=listen kind=%s address=%s port=%u", name, addr_format(at.addr, text),
                 at.port);
    }
    return ERR_OK;
}

#define FREE_PORT_TRIES 16

/* A port that is free for UDP and TCP: UDP's free one may be the near end of somebody's TCP
 * connection. */
static enum err_code free_port_find(struct listen_addr *at, struct err *e)
{
    for (unsigned tries = 1;; tries++) {
        struct listen_addr both = *at;
        struct err why = {0};
        enum err_code rc;
        int udp, tcp;

        rc = net_bind_udp(both, 0, &udp, &why);
        if (rc == ERR_OK) {
            both.port = net_local_port(udp);
            rc = net_listen_tcp(both, 1, &tcp, &why);
            close(udp);
        }
        if (rc == ERR_OK) {
            close(tcp);
            *at = both;
            return ERR_OK;
        }
        if (tries == FREE_PORT_TRIES)
            return err_set(e, rc, "%s", why.text);
    }
}

/* DNS wants one port for UDP and TCP. */
static enum err_code listen_dns(struct control *c, const struct listen_list *list, struct err *e)
{
    for (size_t i = 0; i < list->count; i++) {
        struct listen_conf one = list->items[i];
        const struct listen_list just_it = {&one, 1};
        enum err_code rc;

        if (one.at.port == 0) {
            rc = free_port_find(&one.at, e);
            if (rc != ERR_OK)
                return rc;
        }
        rc = listen_all(c, &just_it, LISTEN_DNS_UDP, true, "dns-udp", e);
        if (rc == ERR_OK)
            rc = listen_all(c, &just_it, LISTEN_DNS_TCP, false, "dns-tcp", e);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

/* SO_REUSEPORT would let a second daemon silently take half of the traffic: each fixed port is
 * tried alone first. */
static enum err_code refuse_second(const struct listen_list *list, int type, struct err *e)
{
    for (size_t i = 0; i < list->count; i++) {
        struct sockaddr_storage ss;
        socklen_t len = addr_to_sockaddr(list->items[i].at.addr, list->items[i].at.port, &ss);
        const int on = 1;
        int fd, failed, why;

        if (list->items[i].at.port == 0)
            continue;
        fd = socket(ss.ss_family, type | SOCK_CLOEXEC, 0);
        if (fd < 0)
            continue;            /* the real attempt will say why */
        if (type == SOCK_STREAM) /* of UDP it would let everybody in */
            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (ss.ss_family == AF_INET6)
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        failed = bind(fd, (struct sockaddr *)&ss, len);
        why = errno;
        close(fd);
        if (failed < 0 && why == EADDRINUSE)
            return err_set(e, ERR_IO, "listen on %.*s: another process listens there already",
                           (int)list->items[i].name.n, list->items[i].name.p);
    }
    return ERR_OK;
}

static enum err_code open_sockets(struct control *c, struct err *e)
{
    const struct config *conf = c->started->config;
    enum err_code rc = refuse_second(&conf->http, SOCK_STREAM, e);

    if (rc == ERR_OK)
        rc = refuse_second(&conf->https, SOCK_STREAM, e);
    if (rc == ERR_OK)
        rc = refuse_second(&conf->dns, SOCK_STREAM, e);
    if (rc == ERR_OK)
        rc = refuse_second(&conf->dns, SOCK_DGRAM, e);
    if (rc == ERR_OK)
        rc = refuse_second(&conf->tracker_udp, SOCK_DGRAM, e);
    if (rc == ERR_OK)
        rc = refuse_second(&conf->admin, SOCK_STREAM, e);
    if (rc == ERR_OK)
        rc = listen_all(c, &conf->http, LISTEN_HTTP, false, "http", e);
    if (rc == ERR_OK)
        rc = listen_all(c, &conf->https, LISTEN_HTTPS, false, "https", e);
    if (rc == ERR_OK)
        rc = listen_dns(c, &conf->dns, e);
    if (rc == ERR_OK)
        rc = listen_all(c, &conf->tracker_udp, LISTEN_TRACKER_UDP, true, "tracker-udp", e);
    return rc;
}

static enum err_code drop_privileges(const struct config *conf, struct err *e)
{
    const struct passwd *pw;
    gid_t gid;

    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!conf->user.n)
        return ERR_OK;
    pw = getpwnam(conf->user.p);
    if (!pw)
        return err_set(e, ERR_NOT_FOUND, "user \"%s\": no such user on this system", conf->user.p);
    gid = pw->pw_gid;
    if (conf->group.n) {
        const struct group *gr = getgrnam(conf->group.p);

        if (!gr)
            return err_set(e, ERR_NOT_FOUND, "group \"%s\": no such group on this system",
                           conf->group.p);
        gid = gr->gr_gid;
    }
    if (geteuid() == pw->pw_uid && getegid() == gid)
        return ERR_OK;
    if (setgroups(1, &gid) < 0 || setgid(gid) < 0 || setuid(pw->pw_uid) < 0)
        return err_set_errno(e, "cannot become user \"%s\"", conf->user.p);
    if (pw->pw_uid != 0 && setuid(0) == 0)
        return err_set(e, ERR_IO, "user \"%s\": root could be had back", conf->user.p);
    log_info("event=privileges.dropped user=%s", conf->user.p);
    return ERR_OK;
}

static void raise_file_limit(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
        r.rlim_cur = r.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &r);
    }
}

/* A worker without a ring of its own does not count what is popular: no more than that. */
static void worker_memory(struct control *c, struct turn *t)
{
    t->sessions = c->memory.sessions;
    t->buckets = c->memory.buckets;
    t->tallies = memory_tallies(&c->memory);
}

static enum err_code start_workers(struct control *c, struct err *e)
{
    const struct config *conf = c->started->config;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = conf->workers ? conf->workers : (unsigned)(cores > 0 ? cores : 1);
    enum err_code rc;

    c->shared.config = conf;
    c->shared.live = c->live;
    c->shared.swarms = c->swarms;
    c->shared.on_drained = on_worker_drained;
    c->shared.on_drained_arg = c;
    c->workers = calloc(n, sizeof *c->workers);
    if (!c->workers)
        return err_set(e, ERR_LIMIT, "no memory for %u workers", n);
    rc = control_alto_start(c, n, e);
    if (rc != ERR_OK)
        return rc;
    for (; c->worker_count < n; c->worker_count++) {
        rc = worker_init(&c->workers[c->worker_count], c->worker_count, &c->shared, c->view, e);
        if (rc != ERR_OK)
            return rc;
        worker_memory(c, &c->workers[c->worker_count].turn);
    }
    return ERR_OK;
}

static enum err_code start_access_log(struct control *c, struct err *e)
{
    const struct config *conf = c->started->config;
    struct note_ring *rings[UINT8_MAX];
    unsigned n = 0;

    if (conf->access_log.to == ACCESS_LOG_OFF)
        return ERR_OK;
    for (unsigned i = 0; i < c->worker_count && n < UINT8_MAX; i++) {
        struct note_ring *r = note_ring_new(WORKER_NOTES);

        if (!r)
            return err_set(e, ERR_LIMIT, "no memory for the access log");
        c->workers[i].turn.notes = r;
        rings[n++] = r;
    }
    return access_log_start(conf->access_log.to == ACCESS_LOG_STDOUT ? NULL
                                                                     : conf->access_log.path.p,
                            conf->access_log.format, rings, n, &c->access_log, e);
}

static struct event *signal_event(struct control *c, int signo, event_callback_fn fn)
{
    struct event *ev = evsignal_new(c->base, signo, fn, c);

    if (ev)
        evsignal_add(ev, NULL);
    return ev;
}

static enum err_code start_events(struct control *c, struct err *e)
{
    c->drained_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    c->on_term = signal_event(c, SIGTERM, on_term);
    c->on_int = signal_event(c, SIGINT, on_term);
    c->on_second = event_new(c->base, -1, EV_PERSIST, control_second, c);
    c->on_debounce = event_new(c->base, -1, 0, on_debounce, c);
    c->on_drain_deadline = event_new(c->base, -1, 0, on_drain_deadline, c);
    c->on_drained = event_new(c->base, c->drained_fd, EV_READ | EV_PERSIST, on_drained, c);
    c->on_slot = event_new(c->base, -1, 0, control_slot, c);
    if (c->drained_fd < 0 || !c->on_term || !c->on_int || !c->on_second || !c->on_debounce ||
        !c->on_drain_deadline || !c->on_drained || !c->on_slot)
        return err_set(e, ERR_LIMIT, "no memory or descriptors for the control loop");
    event_add(c->on_second, &one_second);
    event_add(c->on_drained, NULL);
    if (c->sources.inotify_fd < 0) /* said when the maps were read */
        return ERR_OK;
    c->on_inotify = event_new(c->base, c->sources.inotify_fd, EV_READ | EV_PERSIST, on_inotify, c);
    if (!c->on_inotify || event_add(c->on_inotify, NULL) < 0)
        return err_set(e, ERR_LIMIT, "no memory for the control loop");
    return ERR_OK;
}

static void on_health(void *arg UNUSED, struct str streamer, bool v6, enum health now,
                      const char *why)
{
    const bool worse = now == HEALTH_DOWN || now == HEALTH_SUSPECT;
    char quoted[256];

    (worse ? log_warn : log_info)("event=streamer.%s streamer=%.*s family=%s reason=%s",
                                  health_name(now), (int)streamer.n, streamer.p,
                                  v6 ? "ipv6" : "ipv4", log_quote(why, quoted, sizeof quoted));
}

static enum err_code start(struct control *c, struct err *e)
{
    const struct config *conf = c->started->config;
    enum err_code rc;

    raise_file_limit();
    c->base = event_base_new();
    c->live = live_new();
    c->turn = (struct turn){.live = c->live,
                            .metrics = &c->metrics,
                            .arena = arena_new(WORKER_ARENA_MAX),
                            .keys = key_scratch_new(),
                            .wall_offset_ms = clock_wall_ms() - clock_ms(),
                            .random = 1};
    if (c->base) { /* they wait for the loop: unasked for, they would end a daemon that starts */
        c->on_hup = signal_event(c, SIGHUP, on_hup);
        c->on_usr1 = signal_event(c, SIGUSR1, on_usr1);
    }
    if (!c->base || !c->on_hup || !c->on_usr1 || !c->live || !c->turn.arena || !c->turn.keys)
        return err_set(e, ERR_LIMIT, "no memory");
    c->prober = prober_new(c->base, c->live, on_health, c);
    if (!c->prober)
        return err_set(e, ERR_LIMIT, "no memory");
    prober_count_in(c->prober, &c->metrics);
    if (conf->tracker_udp.count || conf->tracker_http) {
        c->swarms = swarms_new(&conf->tracker_conf);
        if (!c->swarms)
            return err_set(e, ERR_LIMIT, "no memory for the tracker");
    }
    turn_begin(&c->turn);
    c->last_fold_ms = c->turn.now_ms;
    rc = memory_start(&c->memory, conf, c->live, e);
    if (rc == ERR_OK)
        rc = load_and_publish(c, c->newest, SOURCE_ALL, false, e);
    if (rc == ERR_OK)
        rc = publish_tls(conf, &c->shared.tls, e);
    if (rc == ERR_OK)
        rc = publish_digest(conf, &c->shared.digest, e);
    if (rc == ERR_OK)
        rc = start_workers(c, e);
    if (rc == ERR_OK)
        rc = control_alto_run(c, e);
    if (rc == ERR_OK)
        rc = open_sockets(c, e);
    if (rc == ERR_OK)
        rc = admin_start(c, e);
    if (rc == ERR_OK)
        rc = start_access_log(c, e);
    if (rc == ERR_OK)
        rc = drop_privileges(conf, e);
    if (rc == ERR_OK)
        rc = control_state_start(c, e);
    if (rc == ERR_OK)
        rc = control_feed_start(c, e);
    if (rc == ERR_OK)
        rc = start_events(c, e);
    for (unsigned i = 0; rc == ERR_OK && i < c->worker_count; i++)
        rc = worker_start(&c->workers[i], e);
    return rc;
}

static void stop(struct control *c)
{
    struct event *events[] = {c->on_hup,     c->on_term,    c->on_int,      c->on_usr1,
                              c->on_second,  c->on_inotify, c->on_debounce, c->on_drain_deadline,
                              c->on_drained, c->on_slot};
    struct note_ring *rings[UINT8_MAX];
    unsigned ring_count = 0;

    for (unsigned i = 0; i < c->worker_count; i++)
        worker_post_stop(&c->workers[i]);
    for (unsigned i = 0; i < c->worker_count; i++)
        worker_join(&c->workers[i]);
    alto_publisher_stop(c->alto.publisher); /* it posts to the workers */
    c->alto.publisher = NULL;
    control_feed_stop(c);
    control_state_stop(c);
    access_log_stop(c->access_log); /* writes out what the workers left */
    for (unsigned i = 0; i < c->worker_count; i++) {
        if (c->workers[i].turn.notes && ring_count < UINT8_MAX)
            rings[ring_count++] = c->workers[i].turn.notes;
        worker_fini(&c->workers[i]);
    }
    while (ring_count)
        note_ring_free(rings[--ring_count]);
    control_alto_stop(c);
    free(c->workers);
    http_server_free(c->admin);
    prober_free(c->prober);
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (events[i])
            event_free(events[i]);
    view_drop(c->view);
    for (unsigned i = 0; i < c->retired_count; i++)
        view_drop(c->retired[i]);
    sources_fini(&c->sources);
    memory_stop(&c->memory);
    swarms_free(c->swarms);
    key_scratch_free(c->turn.keys);
    arena_free(c->turn.arena);
    live_free(c->live);
    http_tls_free(c->shared.tls);
    http_digest_free(c->shared.digest);
    config_hold_drop(c->newest);
    config_hold_drop(c->started);
    if (c->drained_fd >= 0)
        close(c->drained_fd);
    if (c->base)
        event_base_free(c->base);
    libevent_global_shutdown();
}

int control_run(const char *config_path, const struct config *config, struct arena *config_arena)
{
    struct control *c = calloc(1, sizeof *c);
    struct err e = {0};
    enum err_code rc;

    if (!c) {
        arena_free(config_arena);
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    c->drained_fd = -1;
    c->began_wall_ms = clock_wall_ms();
    sources_init(&c->sources);
    snprintf(c->config_path, sizeof c->config_path, "%s", config_path);
    c->started = config_hold_new(config, config_arena);
    if (!c->started) {
        free(c);
        return 1;
    }
    atomic_fetch_add(&c->started->refs, 1);
    c->newest = c->started;
    rc = start(c, &e);
    if (rc == ERR_OK) {
        log_info("event=started version=%s workers=%u config=%s", WAYMARK_VERSION, c->worker_count,
                 config_path);
        event_base_dispatch(c->base);
        log_info("event=stopped");
    } else {
        control_log_problem("start.failed", &e);
    }
    stop(c);
    free(c);
    return rc == ERR_OK ? 0 : 1;
}
