#include "daemon/config_schema.h"

#include <string.h>

/* row is a key of the mapping that prefix (path of its row, n 0: the top) describes. */
static bool is_child(const struct schema_row *row, struct str prefix)
{
    const char *rest = row->path;

    if (prefix.n) {
        if (strncmp(rest, prefix.p, prefix.n) != 0 || rest[prefix.n] != '.')
            return false;
        rest += prefix.n + 1;
    }
    return strchr(rest, '.') == NULL;
}

const struct schema_row *schema_next(const struct schema *s, const struct schema_row *parent,
                                     const struct schema_row *prev)
{
    struct str prefix = str_from(parent ? parent->path : NULL);
    const struct schema_row *row = prev ? prev + 1 : parent ? parent + 1 : s->rows;

    for (; row < s->rows + s->count; row++) {
        /* Rows below one mapping stand together, right behind it. */
        if (prefix.n && (strncmp(row->path, prefix.p, prefix.n) != 0 || row->path[prefix.n] != '.'))
            return NULL;
        if (is_child(row, prefix))
            return row;
    }
    return NULL;
}

struct str schema_key(const struct schema_row *row)
{
    const char *dot = strrchr(row->path, '.');
    struct str key = str_from(dot ? dot + 1 : row->path);

    if (key.n > 2 && key.p[key.n - 1] == ']')
        key.n -= 2;
    return key;
}

const struct schema_row *schema_find(const struct schema *s, const struct schema_row *parent,
                                     struct str key)
{
    const struct schema_row *row = NULL;

    while ((row = schema_next(s, parent, row)))
        if (str_eq(schema_key(row), key))
            return row;
    return NULL;
}

const char *schema_type_name(const struct schema_row *row)
{
    static const char *const names[SCHEMA_TYPES][2] = {
        [SCHEMA_GROUP] = {"a mapping", NULL},
        [SCHEMA_RECORDS] = {"a list of mappings", NULL},
        [SCHEMA_BOOL] = {"true or false", "a list of true and false"},
        [SCHEMA_COUNT] = {"a whole number", "a list of whole numbers"},
        [SCHEMA_NUMBER] = {"a number", "a list of numbers"},
        [SCHEMA_SECONDS] = {"a duration", "a list of durations"},
        [SCHEMA_MILLIS] = {"a duration", "a list of durations"},
        [SCHEMA_SIZE] = {"a size", "a list of sizes"},
        [SCHEMA_PERMILLE] = {"a share", "a list of shares"},
        [SCHEMA_SHARE] = {"a share", "a list of shares"},
        [SCHEMA_RATE] = {"a rate", "a list of rates"},
        [SCHEMA_CAPACITY] = {"a number of sessions or a rate", "a list of capacities"},
        [SCHEMA_WORD] = {"a word", "a list of words"},
        [SCHEMA_TEXT] = {"a text", "a list of texts"},
        [SCHEMA_REGEX] = {"a regular expression", "a list of regular expressions"},
        [SCHEMA_LOCATION] = {"a template", "a list of templates"},
        [SCHEMA_URL] = {"a URL", "a list of URLs"},
        [SCHEMA_NAME] = {"a name", "a list of names"},
        [SCHEMA_ACCOUNT] = {"an account", "a list of accounts"},
        [SCHEMA_HOST] = {"a host name", "a list of host names"},
        [SCHEMA_HOST_PATTERN] = {"a host name", "a list of host names"},
        [SCHEMA_AUTHORITY] = {"a host with or without a port", "a list of hosts"},
        [SCHEMA_COUNTRY] = {"a country code", "a list of country codes"},
        [SCHEMA_PID] = {"a PID name", "a list of PID names"},
        [SCHEMA_FILE] = {"a file", "a list of files"},
        [SCHEMA_LOG_TARGET] = {"off, stdout or a file", "a list of files"},
        [SCHEMA_URL_PATH] = {"a path", "a list of paths"},
        [SCHEMA_IPV4] = {"an IPv4 address", "a list of IPv4 addresses"},
        [SCHEMA_IPV6] = {"an IPv6 address", "a list of IPv6 addresses"},
        [SCHEMA_LISTEN] = {"an address with a port", "a list of addresses with ports"},
        [SCHEMA_PREFIX] = {"a prefix", "a list of prefixes"},
        [SCHEMA_STATUS] = {"a status or a range of them", "a list of statuses"},
        [SCHEMA_INFO_HASH] = {"an info-hash", "a list of info-hashes"},
    };

    return names[row->type][row->list];
}
