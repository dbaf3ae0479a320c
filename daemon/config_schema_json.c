/* The table as JSON Schema (draft 2020-12), for editors and pipelines, and as a list of keys. */
#include <string.h>

#include "daemon/config_schema.h"

/* text as a JSON string. */
static bool json_text(struct bytes *out, const char *text)
{
    if (!bytes_add(out, "\"", 1))
        return false;
    for (const char *p = text; *p; p++) {
        bool ok = *p == '"' || *p == '\\' ? bytes_printf(out, "\\%c", *p)
                                          : bytes_add(out, p, 1); /* help is printable */

        if (!ok)
            return false;
    }
    return bytes_add(out, "\"", 1);
}

#define NUMBER_RE "[0-9]+(\\\\.[0-9]+)?"

/* What a value of this type is in JSON; words and ranges come with their row. */
static const char *type_json(enum schema_type type)
{
    switch (type) {
    case SCHEMA_BOOL:
        return "\"type\":\"boolean\"";
    case SCHEMA_COUNT:
        return "\"type\":\"integer\"";
    case SCHEMA_NUMBER:
        return "\"type\":\"number\"";
    case SCHEMA_SECONDS:
    case SCHEMA_MILLIS:
        return "\"type\":[\"string\",\"integer\"],\"maximum\":0,\"pattern\":\"^(0|" NUMBER_RE
               " ?(ms|s|m|h|d))$\"";
    case SCHEMA_SIZE:
        return "\"type\":[\"string\",\"integer\"],\"pattern\":\"^" NUMBER_RE
               "( ?(B|kB|MB|GB|KiB|MiB|GiB|TiB))?$\"";
    case SCHEMA_PERMILLE:
    case SCHEMA_SHARE:
        return "\"type\":\"string\",\"pattern\":\"^" NUMBER_RE " ?%$\"";
    case SCHEMA_RATE:
        return "\"type\":\"string\",\"pattern\":\"^" NUMBER_RE " ?[kMGT]?bit/s$\"";
    case SCHEMA_CAPACITY:
        return "\"type\":[\"string\",\"integer\"],\"pattern\":\"^([0-9]+|" NUMBER_RE
               " ?[kMGT]?bit/s)$\"";
    case SCHEMA_NAME:
        return "\"type\":\"string\",\"pattern\":\"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$\"";
    case SCHEMA_ACCOUNT:
        return "\"type\":\"string\",\"pattern\":\"^[a-z_][a-z0-9_-]{0,31}$\"";
    case SCHEMA_HOST:
        return "\"type\":\"string\",\"maxLength\":254,\"pattern\":\"^[A-Za-z0-9.-]+$\"";
    case SCHEMA_HOST_PATTERN:
        return "\"type\":\"string\",\"maxLength\":256,\"pattern\":\"^([*]\\\\.)?[A-Za-z0-9.-]+$\"";
    case SCHEMA_PID:
        return "\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9:@_-]{1,64}$\"";
    case SCHEMA_URL_PATH:
        return "\"type\":\"string\",\"pattern\":\"^/\"";
    case SCHEMA_LOG_TARGET: /* YAML 1.1 readers take off for false */
        return "\"type\":[\"string\",\"boolean\"]";
    case SCHEMA_STATUS:
        return "\"type\":[\"string\",\"integer\"],\"pattern\":\"^[1-5][0-9]{2}(-[1-5][0-9]{2})?$\"";
    case SCHEMA_INFO_HASH:
        return "\"type\":\"string\",\"pattern\":\"^[0-9A-Fa-f]{40}$\"";
    case SCHEMA_IPV4:
        return "\"type\":\"string\",\"format\":\"ipv4\"";
    case SCHEMA_IPV6:
        return "\"type\":\"string\",\"format\":\"ipv6\"";
    default:
        return "\"type\":\"string\"";
    }
}

static bool is_number(const char *text)
{
    return *text && strspn(text, "0123456789.") == strlen(text);
}

static bool words_json(struct bytes *out, const struct schema_word *words)
{
    if (!bytes_printf(out, "\"enum\":["))
        return false;
    for (const struct schema_word *w = words; w->name; w++) {
        const char *quote = is_number(w->name) ? "" : "\"";

        if (!bytes_printf(out, "%s%s%s%s", w == words ? "" : ",", quote, w->name, quote))
            return false;
    }
    return bytes_add(out, "]", 1);
}

/* What one value may be, without braces. */
static bool value_json(struct bytes *out, const struct schema_row *row)
{
    switch (row->type) {
    case SCHEMA_WORD:
        return words_json(out, row->words);
    case SCHEMA_COUNT:
    case SCHEMA_NUMBER:
        return bytes_printf(out, "%s,\"minimum\":%.15g,\"maximum\":%.15g", type_json(row->type),
                            row->min, row->max);
    case SCHEMA_CAPACITY:
        return bytes_printf(out, "%s,\"minimum\":0,\"maximum\":%.15g", type_json(row->type),
                            row->max);
    case SCHEMA_TEXT:
    case SCHEMA_URL_PATH:
        return bytes_printf(out, "%s,\"minLength\":1,\"maxLength\":%.15g", type_json(row->type),
                            row->max);
    default:
        return bytes_printf(out, "%s", type_json(row->type));
    }
}

static bool default_json(struct bytes *out, const struct schema_row *row)
{
    const char *text = row->default_text;
    const bool bare = text && (row->list || row->type == SCHEMA_BOOL || is_number(text));

    if (!text || text[0] == '(')
        return true;
    return bytes_printf(out, ",\"default\":") &&
           (bare ? bytes_printf(out, "%s", text) : json_text(out, text));
}

static bool object_json(struct bytes *out, const struct schema_row *group);

static bool row_json(struct bytes *out, const struct schema_row *row)
{
    bool ok;

    if (!bytes_printf(out, "{\"description\":") || !json_text(out, row->help) ||
        !bytes_add(out, ",", 1))
        return false;
    if (row->type == SCHEMA_GROUP) /* a key with nothing behind it is a group of defaults */
        ok = bytes_printf(out, "\"type\":[\"object\",\"null\"],") && object_json(out, row);
    else if (row->type == SCHEMA_RECORDS)
        ok = bytes_printf(out, "\"type\":\"array\",\"maxItems\":%u,\"items\":{\"type\":\"object\",",
                          row->items_max) &&
             object_json(out, row) && bytes_add(out, "}", 1);
    else if (row->list)
        ok = bytes_printf(out, "\"type\":\"array\",\"maxItems\":%u,\"items\":{", row->items_max) &&
             value_json(out, row) && bytes_add(out, "}", 1) && default_json(out, row);
    else
        ok = value_json(out, row) && default_json(out, row);
    return ok && bytes_add(out, "}", 1);
}

/* Keys of a mapping, without braces. */
static bool object_json(struct bytes *out, const struct schema_row *group)
{
    const struct schema_row *row = NULL;
    const char *comma = "";

    if (!bytes_printf(out, "\"additionalProperties\":false,\"properties\":{"))
        return false;
    while ((row = schema_next(group, row))) {
        struct str key = schema_key(row);

        if (!bytes_printf(out, "%s\n\"%.*s\":", comma, (int)key.n, key.p) || !row_json(out, row))
            return false;
        comma = ",";
    }
    if (!bytes_printf(out, "},\"required\":["))
        return false;
    comma = "";
    while ((row = schema_next(group, row))) {
        struct str key = schema_key(row);

        if (!row->required)
            continue;
        if (!bytes_printf(out, "%s\"%.*s\"", comma, (int)key.n, key.p))
            return false;
        comma = ",";
    }
    return bytes_add(out, "]", 1);
}

bool config_schema_format(struct bytes *out)
{
    return bytes_printf(out,
                        "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
                        "\"title\":\"waymark.yaml of waymark %s\",\"type\":\"object\",",
                        WAYMARK_VERSION) &&
           object_json(out, NULL) && bytes_add(out, "}\n", 2);
}

size_t config_key_count(void)
{
    const struct schema_row *rows;

    return schema_rows(&rows);
}

struct config_key config_key_get(size_t i)
{
    const struct schema_row *rows;

    schema_rows(&rows);
    return (struct config_key){
        .path = rows[i].path,
        .type = schema_type_name(&rows[i]),
        .default_text = rows[i].default_text,
        .example = rows[i].example,
        .help = rows[i].help,
        .required = rows[i].required,
        .list = rows[i].type == SCHEMA_RECORDS,
    };
}
