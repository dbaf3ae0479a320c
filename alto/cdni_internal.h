/* For cdni*.c alone. */
#pragma once

#include "alto/cdni.h"
#include "alto/vtag.h"
#include "base/json_write.h"

struct cdni_advert {
    const struct cdni_capability *items;
    size_t count;
    bool altopid;
    char tag[ALTO_TAG_MAX + 1];
};

/* cdni_advert_new; the path of errors begins with where. */
enum err_code cdni_advert_make(const char *where, const struct cdni_capability *items, size_t n,
                               struct arena *arena, const struct cdni_advert **out,
                               struct err *e) MUST_CHECK;
void cdni_capability_write(struct json_write *w, const struct cdni_capability *c);
