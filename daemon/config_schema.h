/* What a YAML file of ours may hold: a table of its keys, each with type, place in memory, default,
 * range and help. The reader, the JSON Schema and the manual page go by it. config_keys.h has the
 * daemon's. */
#pragma once

#include "daemon/config.h"

enum schema_type {
    SCHEMA_GROUP,        /* a mapping of keys; rows below it */
    SCHEMA_RECORDS,      /* a list of such mappings */
    SCHEMA_BOOL,         /* bool */
    SCHEMA_COUNT,        /* uint16_t, uint32_t or uint64_t; min and max as they are */
    SCHEMA_NUMBER,       /* double */
    SCHEMA_SECONDS,      /* uint32_t; min and max in seconds */
    SCHEMA_MILLIS,       /* uint32_t; min and max in milliseconds */
    SCHEMA_SIZE,         /* uint16_t, uint32_t or size_t, bytes */
    SCHEMA_PERMILLE,     /* uint16_t; min and max in per mille */
    SCHEMA_SHARE,        /* double, 1 is 100 %; min and max as they are */
    SCHEMA_RATE,         /* double, bits a second */
    SCHEMA_CAPACITY,     /* struct schema_capacity: a number of sessions, or a rate */
    SCHEMA_WORD,         /* one of words: an enum, or uint16_t by size */
    SCHEMA_TEXT,         /* struct str: printable; min and max are its length in bytes */
    SCHEMA_REGEX,        /* struct str: a PCRE2 expression that compiles */
    SCHEMA_LOCATION,     /* struct str: a template of http/redirect_template.h */
    SCHEMA_URL,          /* struct str: http:// or https://, with {path} and {query} and no other */
    SCHEMA_NAME,         /* struct str: [a-z0-9-], a DNS label */
    SCHEMA_ACCOUNT,      /* struct str: a system user or group */
    SCHEMA_HOST,         /* struct str: a DNS name, lower-cased, without trailing dot */
    SCHEMA_HOST_PATTERN, /* the same, or "*." in front of one */
    SCHEMA_AUTHORITY,    /* struct str: a DNS name likewise or an address, with a port if need be */
    SCHEMA_COUNTRY,      /* struct str: ISO 3166-1 alpha-2, lower-cased */
    SCHEMA_PID,          /* struct str: RFC 7285 section 10.1 */
    SCHEMA_FILE,         /* struct str: made absolute against the configuration's folder */
    SCHEMA_LOG_TARGET,   /* struct str: "off", "stdout" or a file likewise */
    SCHEMA_URL_PATH,     /* struct str: begins with "/" */
    SCHEMA_IPV4,         /* struct addr, of that family */
    SCHEMA_IPV6,
    SCHEMA_LISTEN,    /* struct listen_conf */
    SCHEMA_PREFIX,    /* struct prefix */
    SCHEMA_STATUS,    /* uint16_t[2]: least and most, of "200-399" or "200" */
    SCHEMA_INFO_HASH, /* uint8_t[INFO_HASH_LEN] */
    SCHEMA_TYPES
};

struct schema_word {
    const char *name; /* NULL ends a list of words */
    int value;
};

struct schema_capacity {
    double sessions, bps; /* one of them; both 0: not given */
};

struct schema_row {
    const char *path; /* "services[].dns.ttl"; "[]" stands for an item of the list before it */
    enum schema_type type;
    bool list;     /* of this type: offset has the array's pointer, count_offset its length */
    bool in_place; /* of a list: offset has the array itself, of items_max, those behind the last 0
                    */
    bool required; /* the mapping that it is in must have it */
    uint32_t offset, count_offset; /* in the record of the mapping that it is in */
    uint32_t size;                 /* of the field, or of one item */
    uint32_t inherit;              /* a group: where in the root its defaults are; 0: nowhere */
    uint32_t items_max;            /* of a list */
    double min, max;
    const struct schema_word *words;
    /* Text that is read like the operator's own; NULL: none, "(...)": words for the manual. */
    const char *default_text;
    const char *example; /* for the reference, where there is no default */
    const char *help;    /* one or two sentences */
};

/* A file is read into one record, the root: rows at the top have their offsets in it. */
struct schema {
    const struct schema_row *rows; /* [count]; rows below a mapping stand right behind it */
    size_t count;
    size_t root_size;  /* bytes of the root; starts zeroed, and at an offset above 0 of it is what
                          groups inherit */
    const char *title; /* of the JSON Schema */
    /* Sentences for a file without a document, and for one that is no mapping; and what else to do
     * in place of YAML's anchors: "put what streamers share under defaults". */
    const char *when_empty, *when_no_mapping, *share;
};

/* The row of key in the mapping that row parent describes (NULL: the top); NULL: no such key. */
const struct schema_row *schema_find(const struct schema *s, const struct schema_row *parent,
                                     struct str key);
/* Rows of that mapping one by one: the first for prev NULL; NULL behind the last. */
const struct schema_row *schema_next(const struct schema *s, const struct schema_row *parent,
                                     const struct schema_row *prev);
/* "ttl" of "services[].dns.ttl", "streamers" of "streamers[]". */
struct str schema_key(const struct schema_row *row);
/* "a duration", "a list of host names": for messages and the manual. */
const char *schema_type_name(const struct schema_row *row);

/* JSON Schema (draft 2020-12) made from the table. */
bool schema_format(const struct schema *s, struct bytes *out) MUST_CHECK;
