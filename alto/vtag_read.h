/* Reading and writing {"resource-id": ..., "tag": ...} (RFC 7285 section 10.3) from the events of
 * json_push: network and cost maps share it. */
#pragma once

#include "alto/vtag.h"
#include "base/json_push.h"
#include "base/json_write.h"

/* Start from {0} at the object's beginning. */
struct vtag_read {
    struct vtag vtag;
    const char *member; /* the last key, "resource-id" or "tag", for the path of an error */
    bool has_id, has_tag;
};

/* One event inside the object, up to and with its end. */
enum err_code vtag_read_event(struct vtag_read *r, struct json_push *j, const struct json_event *ev,
                              struct err *e) MUST_CHECK;

/* "an object", "a string", ...: what ev is, for errors. */
const char *vtag_read_kind_name(enum json_push_kind kind);
/* ERR_PARSE unless ev is of the kind. */
enum err_code vtag_read_expect(const struct json_event *ev, enum json_push_kind kind,
                               struct err *e) MUST_CHECK;
/* ERR_PARSE when *seen is set already; sets it. */
enum err_code vtag_read_once(bool *seen, struct str key, struct err *e) MUST_CHECK;

/* {"resource-id": ..., "tag": ...} */
void vtag_write(struct json_write *w, const struct vtag *vtag);
