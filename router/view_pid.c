#include "router/view_pid.h"

#include "base/suggest.h"

enum err_code view_pid_find(const struct view *v, const char *key, struct str name, pidx *out,
                            struct err *e)
{
    char shown[2 * PID_NAME_MAX], hint[SUGGEST_TEXT_MAX];
    struct suggest s;

    *out = PIDX_NONE;
    if (name.n == 0 || (!v->netmap && v->maps_pending))
        return ERR_OK;
    bytes_escape(name.p, name.n, shown, sizeof shown);
    if (!v->netmap)
        return err_set(e, ERR_NOT_FOUND, "%s is \"%s\", and there is no network map that has PIDs",
                       key, shown);
    *out = netmap_find_pid(v->netmap, name);
    if (*out != PIDX_NONE)
        return ERR_OK;
    suggest_init(&s, name);
    for (pidx i = 0; i < v->netmap->pid_count; i++)
        suggest_offer(&s, v->netmap->pids[i].name);
    return err_set(e, ERR_NOT_FOUND, "%s is \"%s\", which the network map does not have%s", key,
                   shown, suggest_format(&s, hint));
}
