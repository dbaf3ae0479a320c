/* Scenarios of `waymark simulate`: YAML read by the engine that reads the configuration. */
#pragma once

#include "daemon/config_schema.h"
#include "router/sim/scenario.h"

#define SCENARIO_BYTES_MAX ((size_t)1 << 20)

const struct schema *scenario_keys(void);

/* *out lives in *arena, which the caller frees in any case, as after config_load. */
enum err_code scenario_load(const char *path, const struct sim_conf **out,
                            struct config_problems *problems, struct arena **arena,
                            struct err *e) MUST_CHECK;
enum err_code scenario_parse(const char *text, size_t n, const char *path,
                             const struct sim_conf **out, struct config_problems *problems,
                             struct arena **arena, struct err *e) MUST_CHECK;
