/* Host and path to service: a hash table of hosts, each with its services by path. */
#pragma once

#include "router/view.h"

struct host_index;

/* Of v->services; hosts and paths stay where they are, in v's arena. ERR_CONFLICT names two
 * services with one host and path. ERR_PARSE: not a host or path as service.h says. */
enum err_code host_index_build(const struct view *v, struct arena *arena,
                               const struct host_index **out, struct err *e) MUST_CHECK;

svidx host_index_find(const struct host_index *x, struct str host, struct str path);
