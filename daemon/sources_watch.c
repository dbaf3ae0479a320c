/* Which names in which folders stand for a change of a file: its own, and those of the links that
 * lead to it. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/sources.h"

#define LINKS_MAX 40 /* as the kernel has it */

struct source_watch {
    int wd;
    char name[NAME_MAX + 1];
    unsigned kinds;
    bool link;  /* it may also be made anew */
    bool stale; /* of an earlier configuration, or an earlier way to the file */
};

static void watch_add(struct sources *s, const char *folder, const char *name, bool link,
                      unsigned kind)
{
    int wd = inotify_add_watch(s->inotify_fd, folder[0] ? folder : "/",
                               IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE);
    struct source_watch *more;
    char quoted[PATH_MAX * 2];

    if (wd < 0) {
        log_warn("event=watch.failed path=%s reason=\"%s\"",
                 log_quote(folder, quoted, sizeof quoted), strerror(errno));
        return;
    }
    for (size_t i = 0; i < s->watch_count; i++) {
        struct source_watch *w = &s->watches[i];

        if (w->wd == wd && strcmp(w->name, name) == 0) {
            w->kinds |= kind;
            w->link = w->link || link;
            w->stale = false;
            return;
        }
    }
    more = realloc(s->watches, (s->watch_count + 1) * sizeof *more);
    if (!more)
        return;
    s->watches = more;
    more[s->watch_count] = (struct source_watch){.wd = wd, .kinds = kind, .link = link};
    snprintf(more[s->watch_count++].name, sizeof more->name, "%s", name);
}

/* The link at `at` put in place of itself: its target and the rest of the way become the rest; an
 * absolute target begins at the root. false: not a way that can be gone. */
static bool link_follow(const char *at, char *here, char *rest)
{
    char target[PATH_MAX], whole[2 * PATH_MAX];
    ssize_t n = readlink(at, target, sizeof target - 1);

    if (n <= 0)
        return false;
    target[n] = '\0';
    snprintf(whole, sizeof whole, "%s/%s", target, rest);
    if (strlen(whole) >= PATH_MAX)
        return false;
    memcpy(rest, whole, strlen(whole) + 1);
    if (target[0] == '/')
        here[0] = '\0';
    return true;
}

/* Goes along path name by name and watches each link on it, and the file at its end. */
static void watch_path(struct sources *s, struct str path, unsigned kind)
{
    char here[PATH_MAX] = "", rest[PATH_MAX];
    unsigned links = 0;

    if (path.n == 0 || path.n >= sizeof rest)
        return;
    memcpy(rest, path.p, path.n);
    rest[path.n] = '\0';
    if (path.p[0] != '/' && !getcwd(here, sizeof here))
        return;
    while (rest[0]) {
        const size_t skip = strspn(rest, "/"), n = strcspn(rest + skip, "/");
        char name[NAME_MAX + 1], full[PATH_MAX + NAME_MAX + 2];
        struct stat st;
        bool last, link;

        if (n == 0 || n > NAME_MAX)
            return;
        snprintf(name, sizeof name, "%.*s", (int)n, rest + skip);
        memmove(rest, rest + skip + n, strlen(rest + skip + n) + 1);
        last = rest[strspn(rest, "/")] == '\0';
        if (strcmp(name, ".") == 0)
            continue;
        if (strcmp(name, "..") == 0) {
            char *slash = strrchr(here, '/');

            if (slash)
                *slash = '\0';
            continue;
        }
        snprintf(full, sizeof full, "%s/%s", here, name);
        link = lstat(full, &st) == 0 && S_ISLNK(st.st_mode);
        if (link || last)
            watch_add(s, here, name, link, kind);
        if (link && (++links > LINKS_MAX || !link_follow(full, here, rest)))
            return;
        if (!link) {
            if (last || strlen(full) >= sizeof here)
                return;
            memcpy(here, full, strlen(full) + 1);
        }
    }
}

static void watch_alto(struct sources *s, const struct alto_conf *a)
{
    for (size_t i = 0; i < a->network_count; i++) {
        watch_path(s, a->networks[i].map, SOURCE_ALTO);
        for (size_t k = 0; k < a->networks[i].cost_count; k++)
            watch_path(s, a->networks[i].costs[k], SOURCE_ALTO);
    }
    for (size_t i = 0; i < a->prop_count; i++)
        watch_path(s, a->props[i].map, SOURCE_ALTO);
    for (size_t i = 0; i < a->cdni_count; i++)
        watch_path(s, a->cdni[i].advertisement, SOURCE_ALTO);
    for (size_t i = 0; i < a->path_count; i++) {
        watch_path(s, a->paths[i].cost_map, SOURCE_ALTO);
        watch_path(s, a->paths[i].properties, SOURCE_ALTO);
    }
}

void sources_watch(struct sources *s, const struct config *c)
{
    if (s->inotify_fd < 0)
        s->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (s->inotify_fd < 0) {
        log_warn("event=watch.failed reason=\"%s\"", strerror(errno));
        return;
    }
    watch_path(s, c->network_map, SOURCE_MAPS);
    watch_path(s, c->cost_map, SOURCE_MAPS);
    for (size_t i = 0; i < c->cost_map_count; i++)
        watch_path(s, c->cost_maps[i], SOURCE_MAPS);
    for (size_t i = 0; i < c->geo.database_count; i++)
        watch_path(s, c->geo.databases[i], SOURCE_GEO);
    for (size_t i = 0; i < c->downstream_count; i++)
        watch_path(s, c->downstreams[i].advertisement, SOURCE_FCI);
    watch_alto(s, &c->alto);
}

static bool is_watched(const struct sources *s, int wd)
{
    for (size_t i = 0; i < s->watch_count; i++)
        if (s->watches[i].wd == wd)
            return true;
    return false;
}

void sources_watch_only(struct sources *s, const struct config *c)
{
    size_t kept = 0, all = s->watch_count;

    for (size_t i = 0; i < all; i++)
        s->watches[i].stale = true;
    sources_watch(s, c);
    all = s->watch_count;
    for (size_t i = 0; i < all; i++) {
        struct source_watch w = s->watches[i];

        if (w.stale)
            continue;
        s->watches[i] = s->watches[kept];
        s->watches[kept++] = w;
    }
    s->watch_count = kept;
    for (size_t i = kept; i < all; i++) /* a folder that is gone has none: no matter */
        if (!is_watched(s, s->watches[i].wd))
            (void)inotify_rm_watch(s->inotify_fd, s->watches[i].wd);
}

static unsigned event_kinds(const struct sources *s, const struct inotify_event *ev)
{
    unsigned kinds = 0;

    if (ev->mask & IN_Q_OVERFLOW)
        return SOURCE_ALL;
    for (size_t i = 0; ev->len && i < s->watch_count; i++) {
        const struct source_watch *w = &s->watches[i];

        if (w->wd == ev->wd && strcmp(w->name, ev->name) == 0 &&
            (w->link || !(ev->mask & IN_CREATE)))
            kinds |= w->kinds;
    }
    return kinds;
}

unsigned sources_changed(struct sources *s)
{
    _Alignas(struct inotify_event) char buf[4096];
    unsigned kinds = 0;
    ssize_t n;

    while (s->inotify_fd >= 0 && (n = read(s->inotify_fd, buf, sizeof buf)) > 0) {
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *ev = (const struct inotify_event *)(void *)(buf + at);

            kinds |= event_kinds(s, ev);
            at += (ssize_t)(sizeof *ev + ev->len);
        }
    }
    return kinds;
}
