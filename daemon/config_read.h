/* YAML text into a record, by a schema's table: what is unknown, doubled, missing or
 * out of range becomes a problem with its place. What keys mean together is
 * for the caller to check (config_check.h). */
#pragma once

#include <yaml.h>

#include "daemon/config_problems.h"
#include "daemon/config_value.h"

#define CONFIG_DEPTH_MAX 16u
#define CONFIG_NODES_MAX 1000000u

/* Position in the configuration, for messages; lives on the caller's stack. */
struct config_at {
    const struct config_at *up;
    struct str key; /* n 0: item `index` of the list above */
    size_t index;
};

/* "services[1].dns.ttl"; returns out. */
char *config_at_format(const struct config_at *at, char *out, size_t size);
#define CONFIG_AT_MAX 256

/* A configuration that has been read, with the nodes that its values came from. */
struct config_tree {
    yaml_document_t document;
    bool loaded;
    const struct schema *schema;
    struct problem_sink *problems;
    struct value_context values;
};

/* Parses text (UTF-8 without byte order mark) and fills root (schema->root_size bytes), whose
 * defaults it sets first. Problems go to problems; ERR_OK when there is a tree that can be checked
 * further, whatever is wrong in it. The caller calls config_tree_free in any case. */
enum err_code config_tree_read(struct config_tree *t, struct str text, void *root,
                               struct err *e) MUST_CHECK;
void config_tree_free(struct config_tree *t);

/* Below node (NULL stays NULL): the value of a key; item i of a list. NULL when it is not there. */
yaml_node_t *config_tree_root(struct config_tree *t);
yaml_node_t *config_tree_key(struct config_tree *t, yaml_node_t *node, const char *key);
yaml_node_t *config_tree_item(struct config_tree *t, yaml_node_t *node, size_t i);
struct place config_tree_place(const yaml_node_t *node); /* NULL: the file as a whole */
