#include "daemon/map_change.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* Prefixes that a PID has in one map and the PID of that name has not in the other. */
struct lone {
    struct prefix *items;
    size_t count;
};

static int by_prefix(const void *a, const void *b)
{
    return prefix_cmp(a, b);
}

static void add_all(struct lone *to, const struct netmap_pid *pid)
{
    for (uint32_t i = 0; i < pid->prefix_count; i++)
        to->items[to->count++] = pid->prefixes[i];
}

static void add_differing(struct lone *gone, struct lone *come, const struct netmap_pid *was,
                          const struct netmap_pid *now)
{
    uint32_t i = 0, k = 0;

    while (i < was->prefix_count || k < now->prefix_count) {
        int by = i == was->prefix_count   ? 1
                 : k == now->prefix_count ? -1
                                          : prefix_cmp(&was->prefixes[i], &now->prefixes[k]);

        if (by < 0)
            gone->items[gone->count++] = was->prefixes[i];
        if (by > 0)
            come->items[come->count++] = now->prefixes[k];
        i += by <= 0;
        k += by >= 0;
    }
}

static void compare_pids(const struct netmap *was, const struct netmap *now, struct lone *gone,
                         struct lone *come, struct map_change *out)
{
    uint32_t i = 0, k = 0;

    while (i < was->pid_count || k < now->pid_count) {
        int by = i == was->pid_count   ? 1
                 : k == now->pid_count ? -1
                                       : str_cmp(was->pids[i].name, now->pids[k].name);

        if (by < 0) {
            out->pids_removed++;
            add_all(gone, &was->pids[i]);
        } else if (by > 0) {
            out->pids_added++;
            add_all(come, &now->pids[k]);
        } else {
            add_differing(gone, come, &was->pids[i], &now->pids[k]);
        }
        i += by <= 0;
        k += by >= 0;
    }
}

/* A prefix is in one PID of a map only, so what left one and came to another has moved. */
static void count_moved(struct lone *gone, struct lone *come, struct map_change *out)
{
    size_t i = 0, k = 0;

    qsort(gone->items, gone->count, sizeof *gone->items, by_prefix);
    qsort(come->items, come->count, sizeof *come->items, by_prefix);
    while (i < gone->count && k < come->count) {
        int by = prefix_cmp(&gone->items[i], &come->items[k]);

        out->prefixes_moved += by == 0;
        i += by <= 0;
        k += by >= 0;
    }
    out->prefixes_removed = (uint32_t)gone->count - out->prefixes_moved;
    out->prefixes_added = (uint32_t)come->count - out->prefixes_moved;
}

bool map_change_find(const struct netmap *was, const struct netmap *now, struct map_change *out)
{
    struct lone gone = {calloc((size_t)was->prefix_count + 1, sizeof *gone.items), 0};
    struct lone come = {calloc((size_t)now->prefix_count + 1, sizeof *come.items), 0};
    const bool good = gone.items && come.items;

    *out = (struct map_change){0};
    if (good) {
        compare_pids(was, now, &gone, &come, out);
        count_moved(&gone, &come, out);
    }
    free(gone.items);
    free(come.items);
    return good;
}

void map_change_log(const struct netmap *was, const struct netmap *now)
{
    char old_tag[2 * sizeof was->vtag.tag + 3], new_tag[2 * sizeof now->vtag.tag + 3];
    struct map_change m;

    if (was == now || memcmp(&was->vtag, &now->vtag, sizeof was->vtag) == 0 ||
        !map_change_find(was, now, &m))
        return;
    log_info("event=map.changed resource=%s old_tag=%s new_tag=%s pids_added=%u pids_removed=%u "
             "prefixes_added=%u prefixes_removed=%u prefixes_moved=%u",
             now->vtag.resource_id[0] ? now->vtag.resource_id : "-",
             log_quote(was->vtag.tag, old_tag, sizeof old_tag),
             log_quote(now->vtag.tag, new_tag, sizeof new_tag), m.pids_added, m.pids_removed,
             m.prefixes_added, m.prefixes_removed, m.prefixes_moved);
}
