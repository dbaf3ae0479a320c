#include "router/view_profile.h"

#include "base/suggest.h"
#include "router/profile.h"

static bool copy_str(struct str *s, struct arena *arena)
{
    s->p = arena_strndup(arena, s->p, s->n);
    return s->p != NULL;
}

static struct profile_conf *profile_copy(const struct profile_conf *from, struct arena *arena)
{
    struct profile_conf *p = arena_alloc(arena, sizeof *p);

    if (!p)
        return NULL;
    *p = *from;
    if (!copy_str(&p->name, arena) || !copy_str(&p->path, arena) || !copy_str(&p->select, arena))
        return NULL;
    for (unsigned f = 0; f < PROFILE_FIELDS; f++)
        for (unsigned i = 0; i < p->field[f].name_count; i++)
            if (!copy_str(&p->field[f].names[i], arena))
                return NULL;
    return p;
}

static enum err_code unknown(const struct view_inputs *in, struct str name, struct err *e)
{
    char shown[128], hint[SUGGEST_TEXT_MAX];
    const struct profile_conf *p;
    struct suggest s;

    suggest_init(&s, name);
    for (size_t i = 0; i < in->profile_count; i++)
        suggest_offer(&s, in->profiles[i].name);
    for (size_t i = 0; (p = profile_builtin_at(i)) != NULL; i++)
        suggest_offer(&s, p->name);
    return err_set(e, ERR_NOT_FOUND, "there is no profile \"%s\" of statistics%s",
                   bytes_escape(name.p, name.n, shown, sizeof shown), suggest_format(&s, hint));
}

enum err_code view_profile_find(const struct view_inputs *in, struct arena *arena,
                                struct view_streamer *s, struct err *e)
{
    const struct str name = s->conf->poll.profile;

    s->profile = NULL;
    if (name.n == 0)
        return ERR_OK;
    for (size_t i = 0; i < in->profile_count; i++)
        if (str_eq(in->profiles[i].name, name)) {
            s->profile = profile_copy(&in->profiles[i], arena);
            return s->profile ? ERR_OK : err_set(e, ERR_LIMIT, "no memory for its profile");
        }
    s->profile = profile_builtin(name);
    return s->profile ? ERR_OK : unknown(in, name, e);
}
