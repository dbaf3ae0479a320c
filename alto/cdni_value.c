#include "alto/cdni_value.h"

/* RFC 8008 sections 5.3 to 5.7: the property that must be specified. */
static const struct mandatory {
    const char *type, *member;
    bool list; /* of strings; else a string */
} mandatory[] = {
    {"FCI.DeliveryProtocol", "delivery-protocols", true},
    {"FCI.AcquisitionProtocol", "acquisition-protocols", true},
    {"FCI.RedirectionMode", "redirection-modes", true},
    {"FCI.Logging", "record-type", false},
    {"FCI.Metadata", "metadata", true},
};

static const struct mandatory *mandatory_of(struct str type)
{
    for (size_t i = 0; i < sizeof mandatory / sizeof *mandatory; i++)
        if (str_eq(type, str_from(mandatory[i].type)))
            return &mandatory[i];
    return NULL;
}

static bool all_strings(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!json_is_string(json_array_get(list, i)))
            return false;
    return true;
}

enum err_code cdni_value_check(struct str type, const json_t *value, struct err *e)
{
    const struct mandatory *m = mandatory_of(type);
    const json_t *member;

    if (json_is_null(value))
        return err_set(e, ERR_PARSE, "null, where the value of a capability should be");
    if (!m)
        return ERR_OK;
    member = json_object_get(value, m->member); /* NULL also of what is no object */
    if (m->list ? json_is_array(member) && all_strings(member) : json_is_string(member))
        return ERR_OK;
    return err_set(e, ERR_PARSE, "the value of %s is an object with \"%s\", a %s (RFC 8008)",
                   m->type, m->member, m->list ? "list of strings" : "string");
}

static bool covers(const json_t *have, const json_t *want, struct cdni_work *work)
{
    const char *name;
    json_t *object, *member;
    bool all = true;

    if (work->left == 0)
        return false;
    work->left--;
    if (json_is_array(want)) {
        for (size_t i = 0; i < json_array_size(want) && all; i++) {
            bool any = false;

            for (size_t k = 0; k < json_array_size(have) && !any; k++)
                any = covers(json_array_get(have, k), json_array_get(want, i), work);
            all = any;
        }
        return all && json_is_array(have);
    }
    if (json_is_number(want)) /* 1 is 1.0 */
        return json_is_number(have) && json_number_value(have) == json_number_value(want);
    if (!json_is_object(want))
        return json_equal(have, want);
    object = json_incref((json_t *)(uintptr_t)want); /* jansson iterates no const */
    json_object_foreach(object, name, member)
    {
        const json_t *own = json_object_get(have, name);

        all = all && own && covers(own, member, work);
    }
    json_decref(object);
    return all && json_is_object(have);
}

bool cdni_value_covers(struct str type, const json_t *have, const json_t *want,
                       struct cdni_work *work)
{
    const struct mandatory *m = mandatory_of(type);

    if (!m)
        return covers(have, want, work);
    return covers(json_object_get(have, m->member), json_object_get(want, m->member), work);
}
