#include <stdlib.h>

#include "alto/hub.h"

/* A node on its way into the next generation. */
struct step {
    struct hub_node *node;
    enum { STEP_SAME, STEP_CHANGED, STEP_GONE, STEP_BEHIND } to;
    struct hub_content content; /* STEP_CHANGED */
    unsigned rank;
    uint64_t groups;
};

struct steps {
    struct step *p;
    size_t n, cap;
};

static bool steps_add(struct steps *s, struct hub_node *node)
{
    if (s->n == s->cap) {
        const size_t cap = s->cap ? 2 * s->cap : 64;
        struct step *p = realloc(s->p, cap * sizeof *p);

        if (!p)
            return false;
        s->p = p;
        s->cap = cap;
    }
    s->p[s->n++] = (struct step){.node = node};
    return true;
}

/* With the lock held: the nodes that no step is for yet. All of them first; later those that
 * workers have followed meanwhile. */
static bool collect(struct alto_hub *h, uint64_t generation, struct steps *s)
{
    for (size_t i = 0; i < HUB_BUCKETS; i++)
        for (struct hub_node *n = h->nodes[i]; n; n = n->next) {
            if (n->generation == generation)
                continue;
            if (!steps_add(s, n))
                return false;
            n->generation = generation;
        }
    return true;
}

/* Maps are compared as they are in memory, all else as trees: of those not more in one generation
 * than others can wait for. */
static bool may_compare(const struct step *s, size_t *trees)
{
    if (s->node->kind == ALTO_NETWORK_MAP || s->node->kind == ALTO_COST_MAP)
        return true;
    *trees += s->content.whole->len;
    return *trees <= HUB_TREES_MAX;
}

/* Without the lock. */
static void prepare(struct step *s, struct alto_catalog *before, struct alto_catalog *c,
                    uint64_t wall_ms, size_t *trees)
{
    const struct alto_resource *to = alto_find_id(c, str_from(s->node->id));
    const struct alto_resource *from = before ? alto_find_id(before, str_from(s->node->id)) : NULL;

    if (!hub_content_make(s->node, c, wall_ms, &s->content)) {
        /* What is only short of memory now may be there again in the next generation. */
        s->to = s->content.error.status == 503 ? STEP_BEHIND : STEP_GONE;
        return;
    }
    s->rank = hub_rank(to);
    s->groups = to->groups;
    if (hub_content_same(&s->content, hub_version_newest(s->node))) {
        hub_content_drop(&s->content);
        s->to = STEP_SAME;
        return;
    }
    s->to = STEP_CHANGED;
    if (from && from->kind == to->kind && !s->node->behind && may_compare(s, trees))
        hub_content_patch(&s->content, s->node, from, to);
    /* Multipart texts differ in their boundary, too. */
    if (s->content.patched && !s->content.part_count) {
        hub_content_drop(&s->content);
        s->to = STEP_SAME;
    }
}

/* With the lock held. */
static void commit(struct alto_hub *h, struct steps *steps)
{
    h->generation++;
    for (size_t i = 0; i < steps->n; i++) {
        struct step *s = &steps->p[i];

        s->node->behind = s->to == STEP_BEHIND;
        if (s->to == STEP_SAME || s->to == STEP_CHANGED) {
            s->node->rank = s->rank;
            s->node->groups = s->groups;
        }
        if (s->to == STEP_CHANGED)
            hub_version_add(h, s->node, &s->content);
        if (s->to == STEP_GONE)
            hub_node_remove(h, s->node);
    }
    if (h->conf.memory_max && hub_memory(h) > h->conf.memory_max)
        for (size_t i = 0; i < HUB_BUCKETS; i++)
            for (struct hub_node *n = h->nodes[i]; n; n = n->next)
                hub_node_compact(n, hub_version_newest(n)->seq);
}

static void wake_all(struct alto_hub *h)
{
    for (unsigned i = 0; h->conf.wake && i < h->conf.workers; i++)
        h->conf.wake(h->conf.wake_arg, i);
}

enum err_code alto_hub_publish(struct alto_hub *h, struct alto_catalog *c, uint64_t wall_ms,
                               struct err *e)
{
    struct alto_catalog *before;
    struct steps steps = {0};
    uint64_t generation;
    size_t done = 0, trees = 0;
    bool good;

    hub_lock(h);
    h->publishing = true;
    before = h->catalog; /* nobody else replaces it */
    generation = h->generation + 1;
    good = collect(h, generation, &steps);
    while (good && done < steps.n) {
        hub_unlock(h);
        for (; done < steps.n; done++)
            prepare(&steps.p[done], before, c, wall_ms, &trees);
        hub_lock(h);
        good = collect(h, generation, &steps);
    }
    if (good) {
        commit(h, &steps);
        alto_catalog_take(c);
        h->catalog = c;
    } else {
        for (size_t i = 0; i < steps.n; i++)
            steps.p[i].node->generation = h->generation;
    }
    h->publishing = false;
    hub_unlock(h);
    for (size_t i = 0; i < steps.n; i++)
        hub_content_drop(&steps.p[i].content);
    free(steps.p);
    if (!good)
        return err_set(e, ERR_LIMIT, "no memory left for updates");
    alto_catalog_drop(before);
    wake_all(h);
    return ERR_OK;
}
