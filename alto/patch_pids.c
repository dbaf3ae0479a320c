#include "alto/patch_pids.h"

#include <stdlib.h>
#include <string.h>

static void pair_names(struct patch_pids *p)
{
    uint32_t i = 0, j = 0, n = 0;

    p->same = p->from_map->pid_count == p->to_map->pid_count;
    for (; i < p->from_map->pid_count || j < p->to_map->pid_count; n++) {
        int c = i == p->from_map->pid_count ? 1
                : j == p->to_map->pid_count
                    ? -1
                    : str_cmp(p->from_map->pids[i].name, p->to_map->pids[j].name);

        p->same = p->same && c == 0;
        p->from[n] = p->to[n] = PIDX_NONE;
        if (c <= 0) {
            p->of_from[i] = n;
            p->from[n] = (pidx)i++;
        }
        if (c >= 0) {
            p->of_to[j] = n;
            p->to[n] = (pidx)j++;
        }
    }
    p->count = n;
}

bool patch_pids_init(struct patch_pids *p, const struct netmap *from, const struct netmap *to)
{
    const size_t most = (size_t)from->pid_count + to->pid_count + 1;

    *p = (struct patch_pids){.from_map = from, .to_map = to};
    p->from = malloc(most * sizeof *p->from);
    p->to = malloc(most * sizeof *p->to);
    p->of_from = malloc((from->pid_count + 1u) * sizeof *p->of_from);
    p->of_to = malloc((to->pid_count + 1u) * sizeof *p->of_to);
    if (p->from && p->to && p->of_from && p->of_to) {
        pair_names(p);
        return true;
    }
    patch_pids_fini(p);
    return false;
}

void patch_pids_fini(struct patch_pids *p)
{
    free(p->from);
    free(p->to);
    free(p->of_from);
    free(p->of_to);
    *p = (struct patch_pids){0};
}

struct str patch_pids_name(const struct patch_pids *p, uint32_t i)
{
    return p->from[i] != PIDX_NONE ? p->from_map->pids[p->from[i]].name
                                   : p->to_map->pids[p->to[i]].name;
}

uint32_t patch_pids_find(const struct patch_pids *p, struct str name)
{
    pidx at = netmap_find_pid(p->to_map, name);

    if (at != PIDX_NONE)
        return p->of_to[at];
    at = p->same ? PIDX_NONE : netmap_find_pid(p->from_map, name);
    return at != PIDX_NONE ? p->of_from[at] : PATCH_PID_NONE;
}
