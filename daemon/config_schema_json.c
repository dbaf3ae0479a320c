/* The table as JSON Schema (draft 2020-12), for editors and pipelines, and as a list of keys. */
#include <stdlib.h>
#include <string.h>

#include "base/json_write.h"
#include "daemon/config_keys.h"
#include "daemon/config_value.h"

_Static_assert(sizeof(((struct config_key *)0)->range) == VALUE_RANGE_MAX, "filled in place");

#define NUMBER_RE "[0-9]+(\\.[0-9]+)?"

/* What a value of a type is in JSON; words and ranges come with their row. */
struct type_schema {
    const char *type, *also; /* also: a second type, NULL for none */
    const char *pattern, *format;
};

static struct type_schema type_schema_get(enum schema_type type)
{
    static const struct type_schema all[SCHEMA_TYPES] = {
        [SCHEMA_BOOL] = {.type = "boolean"},
        [SCHEMA_COUNT] = {.type = "integer"},
        [SCHEMA_NUMBER] = {.type = "number"},
        [SCHEMA_SECONDS] = {"string", "integer", "^(0|" NUMBER_RE " ?(ms|s|m|h|d))$", NULL},
        [SCHEMA_MILLIS] = {"string", "integer", "^(0|" NUMBER_RE " ?(ms|s|m|h|d))$", NULL},
        [SCHEMA_SIZE] = {"string", "integer", "^" NUMBER_RE "( ?(B|kB|MB|GB|KiB|MiB|GiB|TiB))?$",
                         NULL},
        [SCHEMA_PERMILLE] = {.type = "string", .pattern = "^" NUMBER_RE " ?%$"},
        [SCHEMA_SHARE] = {.type = "string", .pattern = "^" NUMBER_RE " ?%$"},
        [SCHEMA_RATE] = {.type = "string", .pattern = "^" NUMBER_RE " ?[kMGT]?bit/s$"},
        [SCHEMA_CAPACITY] = {"string", "integer", "^([0-9]+|" NUMBER_RE " ?[kMGT]?bit/s)$", NULL},
        [SCHEMA_NAME] = {.type = "string", .pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"},
        [SCHEMA_ACCOUNT] = {.type = "string", .pattern = "^[a-z_][a-z0-9_-]{0,31}$"},
        [SCHEMA_HOST] = {.type = "string", .pattern = "^[A-Za-z0-9.-]{1,254}$"},
        [SCHEMA_HOST_PATTERN] = {.type = "string", .pattern = "^([*]\\.)?[A-Za-z0-9.-]{1,254}$"},
        [SCHEMA_AUTHORITY] = {.type = "string",
                              .pattern =
                                  "^([A-Za-z0-9.-]{1,254}|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?$"},
        [SCHEMA_COUNTRY] = {.type = "string", .pattern = "^[A-Za-z]{2}$"},
        [SCHEMA_URL] = {.type = "string", .pattern = "^https?://"},
        [SCHEMA_PID] = {.type = "string", .pattern = "^[A-Za-z0-9:@_-]{1,64}$"},
        [SCHEMA_URL_PATH] = {.type = "string", .pattern = "^/"},
        [SCHEMA_LOG_TARGET] = {.type = "string", .also = "boolean"}, /* off is false in YAML 1.1 */
        [SCHEMA_STATUS] = {"string", "integer", "^[1-5][0-9]{2}(-[1-5][0-9]{2})?$", NULL},
        [SCHEMA_INFO_HASH] = {.type = "string", .pattern = "^[0-9A-Fa-f]{40}$"},
        [SCHEMA_IPV4] = {.type = "string", .format = "ipv4"},
        [SCHEMA_IPV6] = {.type = "string", .format = "ipv6"},
    };

    return all[type].type ? all[type] : (struct type_schema){.type = "string"};
}

static void put_text(struct json_write *w, const char *key, const char *text)
{
    json_write_key(w, str_from(key));
    json_write_string(w, str_from(text));
}

static void put_number(struct json_write *w, const char *key, double v)
{
    json_write_key(w, str_from(key));
    json_write_number(w, v);
}

static bool is_number(const char *text)
{
    return *text && strspn(text, "0123456789.") == strlen(text);
}

/* text as YAML readers take it: a number, true or false, or a string. */
static void put_plain(struct json_write *w, const char *text)
{
    if (is_number(text))
        json_write_number(w, strtod(text, NULL));
    else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        json_write_bool(w, text[0] == 't');
    else
        json_write_string(w, str_from(text));
}

static void put_type(struct json_write *w, struct type_schema t)
{
    json_write_key(w, STR("type"));
    if (t.also) {
        json_write_array(w);
        json_write_string(w, str_from(t.type));
        json_write_string(w, str_from(t.also));
        json_write_array_end(w);
    } else {
        json_write_string(w, str_from(t.type));
    }
    if (t.pattern)
        put_text(w, "pattern", t.pattern);
    if (t.format)
        put_text(w, "format", t.format);
}

/* What one value of row may be, within an object that is open. */
static void put_value(struct json_write *w, const struct schema_row *row)
{
    if (row->type == SCHEMA_WORD) {
        json_write_key(w, STR("enum"));
        json_write_array(w);
        for (const struct schema_word *word = row->words; word->name; word++)
            put_plain(w, word->name);
        json_write_array_end(w);
        return;
    }
    put_type(w, type_schema_get(row->type));
    switch (row->type) {
    case SCHEMA_COUNT:
    case SCHEMA_NUMBER:
    case SCHEMA_CAPACITY:
        put_number(w, "minimum", row->min);
        put_number(w, "maximum", row->max);
        break;
    case SCHEMA_SECONDS: /* as a number, nothing but 0 */
    case SCHEMA_MILLIS:
        put_number(w, "maximum", 0);
        break;
    case SCHEMA_TEXT:
    case SCHEMA_REGEX:
    case SCHEMA_LOCATION:
    case SCHEMA_URL:
    case SCHEMA_URL_PATH:
        put_number(w, "minLength", 1);
        put_number(w, "maxLength", row->max);
        break;
    default:
        break;
    }
}

static void put_default(struct json_write *w, const struct schema_row *row)
{
    const char *text = row->default_text;
    size_t n = text ? strlen(text) : 0;

    if (n == 0 || text[0] == '(')
        return;
    json_write_key(w, STR("default"));
    if (!row->list) {
        put_plain(w, text);
        return;
    }
    json_write_array(w); /* [] or ["one item"] */
    if (n > 4)
        json_write_string(w, (struct str){text + 2, n - 4});
    json_write_array_end(w);
}

static void put_keys(struct json_write *w, const struct schema *s, const struct schema_row *group);

static void put_row(struct json_write *w, const struct schema *s, const struct schema_row *row)
{
    const bool list = row->list || row->type == SCHEMA_RECORDS;

    json_write_object(w);
    put_text(w, "description", row->help);
    if (list) {
        put_text(w, "type", "array");
        put_number(w, "maxItems", row->items_max);
        json_write_key(w, STR("items"));
        json_write_object(w);
    }
    if (row->type == SCHEMA_GROUP) /* a key with nothing behind it is a group of defaults */
        put_type(w, (struct type_schema){.type = "object", .also = "null"});
    else if (row->type == SCHEMA_RECORDS)
        put_type(w, (struct type_schema){.type = "object"});
    else
        put_value(w, row);
    if (row->type == SCHEMA_GROUP || row->type == SCHEMA_RECORDS)
        put_keys(w, s, row);
    if (list)
        json_write_object_end(w);
    put_default(w, row);
    json_write_object_end(w);
}

/* Keys of a mapping, within an object that is open. */
static void put_keys(struct json_write *w, const struct schema *s, const struct schema_row *group)
{
    const struct schema_row *row = NULL;

    json_write_key(w, STR("additionalProperties"));
    json_write_bool(w, false);
    json_write_key(w, STR("properties"));
    json_write_object(w);
    while ((row = schema_next(s, group, row))) {
        json_write_key(w, schema_key(row));
        put_row(w, s, row);
    }
    json_write_object_end(w);
    json_write_key(w, STR("required"));
    json_write_array(w);
    while ((row = schema_next(s, group, row)))
        if (row->required)
            json_write_string(w, schema_key(row));
    json_write_array_end(w);
}

bool schema_format(const struct schema *s, struct bytes *out)
{
    struct json_write w;

    json_write_init(&w, out);
    json_write_object(&w);
    put_text(&w, "$schema", "https://json-schema.org/draft/2020-12/schema");
    put_text(&w, "title", s->title);
    put_text(&w, "type", "object");
    put_keys(&w, s, NULL);
    json_write_object_end(&w);
    return json_write_done(&w) && bytes_add(out, "\n", 1);
}

bool config_schema_format(struct bytes *out)
{
    return schema_format(config_keys(), out);
}

size_t config_key_count(void)
{
    return config_keys()->count;
}

struct config_key config_key_get(size_t i)
{
    const struct schema_row *row = &config_keys()->rows[i];
    struct config_key key = {
        .path = row->path,
        .type = schema_type_name(row),
        .default_text = row->default_text,
        .example = row->example,
        .help = row->help,
        .required = row->required,
        .list = row->type == SCHEMA_RECORDS,
    };

    value_range_format(row, key.range);
    return key;
}
