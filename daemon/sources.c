#include "daemon/sources.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"

void sources_init(struct sources *s)
{
    memset(s, 0, sizeof *s);
    s->inotify_fd = -1;
}

void sources_fini(struct sources *s)
{
    view_source_drop(s->network.good);
    view_source_drop(s->cost.good);
    if (s->inotify_fd >= 0)
        close(s->inotify_fd);
    sources_init(s);
}

static void source_path(struct source_file *f, struct str path)
{
    snprintf(f->path, sizeof f->path, "%.*s", (int)path.n, path.n ? path.p : "");
}

/* Parses one map into an arena of its own; *out holds one reference. */
static enum err_code map_load(const char *path, const struct netmap *network,
                              struct view_source **out, struct err *e)
{
    struct arena *arena = arena_new(SOURCES_ARENA_MAX);
    const struct netmap *n = NULL;
    const struct costmap *c = NULL;
    enum err_code rc;

    *out = NULL;
    if (!arena)
        return err_set(e, ERR_LIMIT, "%s: no memory", path);
    rc = network ? costmap_load(path, network, arena, &c, e) : netmap_load(path, arena, &n, e);
    if (rc == ERR_OK) {
        *out = view_source_new(arena, n, c);
        if (*out)
            return ERR_OK;
        rc = err_set(e, ERR_LIMIT, "%s: no memory", path);
    }
    arena_free(arena);
    return rc;
}

/* RFC 7285 section 11.2.2 wants a PID for every address; clients of the gap get the default PID. */
static void warn_incomplete(const struct netmap *m)
{
    char quoted[2 * ERR_TEXT_MAX];
    struct err gap = {0};

    if (netmap_check_complete(m, &gap) != ERR_OK)
        log_warn("event=map.incomplete reason=%s", log_quote(gap.text, quoted, sizeof quoted));
}

static void source_take_in(struct source_file *f, struct view_source *fresh, uint64_t took_ms)
{
    view_source_drop(f->good);
    f->good = fresh;
    f->loaded_wall_ms = clock_wall_ms();
    f->took_ms = (uint32_t)took_ms;
    f->error[0] = '\0';
}

enum err_code sources_load(struct sources *s, const struct config *c, struct err *e)
{
    uint64_t began = clock_ms(), middle;
    struct view_source *network = NULL, *cost = NULL;
    struct source_file *at = &s->network;
    enum err_code rc = ERR_OK;

    source_path(&s->network, c->network_map);
    source_path(&s->cost, c->cost_map);
    if (s->network.path[0])
        rc = map_load(s->network.path, NULL, &network, e);
    middle = clock_ms();
    if (rc == ERR_OK && s->cost.path[0]) {
        at = &s->cost;
        rc = network ? map_load(s->cost.path, network->netmap, &cost, e)
                     : err_set(e, ERR_CONFLICT,
                               "cost map %s: needs a network map; set maps.network", s->cost.path);
    }
    if (rc != ERR_OK) {
        snprintf(at->error, sizeof at->error, "%s", e ? e->text : err_code_name(rc));
        view_source_drop(network);
        view_source_drop(cost);
        return rc;
    }
    if (network)
        warn_incomplete(network->netmap);
    source_take_in(&s->network, network, middle - began);
    source_take_in(&s->cost, cost, clock_ms() - middle);
    return ERR_OK;
}

void sources_keep(const struct sources *s, struct sources_kept *k)
{
    *k = (struct sources_kept){s->network, s->cost};
    if (k->network.good)
        view_source_take(k->network.good);
    if (k->cost.good)
        view_source_take(k->cost.good);
}

static void file_restore(struct source_file *f, const struct source_file *kept)
{
    bool same = strcmp(f->path, kept->path) == 0;
    char error[ERR_TEXT_MAX];

    memcpy(error, f->error, sizeof error);
    view_source_drop(f->good);
    *f = *kept;
    if (same)
        memcpy(f->error, error, sizeof error);
}

void sources_restore(struct sources *s, struct sources_kept *k)
{
    file_restore(&s->network, &k->network);
    file_restore(&s->cost, &k->cost);
}

void sources_forget(struct sources_kept *k)
{
    view_source_drop(k->network.good);
    view_source_drop(k->cost.good);
}

static void watch_folder(int fd, struct str path)
{
    char folder[4096];
    char quoted[4096 * 2];

    if (!path.n || path.n >= sizeof folder)
        return;
    memcpy(folder, path.p, path.n);
    folder[path.n] = '\0';
    if (inotify_add_watch(fd, dirname(folder), IN_CLOSE_WRITE | IN_MOVED_TO) < 0)
        log_warn("event=watch.failed path=%s reason=\"%s\"",
                 log_quote(folder, quoted, sizeof quoted), strerror(errno));
}

void sources_watch(struct sources *s, const struct config *c)
{
    if (s->inotify_fd < 0)
        s->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (s->inotify_fd < 0) {
        log_warn("event=watch.failed reason=\"%s\"", strerror(errno));
        return;
    }
    watch_folder(s->inotify_fd, c->network_map);
    watch_folder(s->inotify_fd, c->cost_map);
}

/* Does the file that changed have the last component of this path? */
static bool same_file(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');

    return path[0] && strcmp(slash ? slash + 1 : path, name) == 0;
}

bool sources_changed(struct sources *s)
{
    _Alignas(struct inotify_event) char buf[4096];
    bool changed = false;
    ssize_t n;

    while (s->inotify_fd >= 0 && (n = read(s->inotify_fd, buf, sizeof buf)) > 0) {
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *ev = (const struct inotify_event *)(void *)(buf + at);

            if ((ev->mask & IN_Q_OVERFLOW) || (ev->len && (same_file(s->network.path, ev->name) ||
                                                           same_file(s->cost.path, ev->name))))
                changed = true;
            at += (ssize_t)(sizeof *ev + ev->len);
        }
    }
    return changed;
}
