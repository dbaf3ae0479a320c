/* multipart/related bodies (RFC 2387, RFC 2046 section 5.1), in which path vectors travel (RFC 9275
 * sections 7.2.6 and 7.3.6): writing them, and reading them strictly. */
#pragma once

#include "base/bytes.h"
#include "base/err.h"

#define MULTIPART_BOUNDARY_MAX 70u /* RFC 2046 section 5.1.1 */
#define MULTIPART_PARTS_MAX    8u
#define MULTIPART_HEADERS_MAX  16u  /* of one part */
#define MULTIPART_VALUE_MAX    256u /* bytes of a parameter of the Content-Type */

struct multipart_part {
    struct str id;   /* Content-ID without its brackets: "costmap@alto.example.com"; n 0: none */
    struct str type; /* Content-Type without its parameters; n 0: none */
    struct str body;
};

struct multipart {
    char boundary[MULTIPART_BOUNDARY_MAX + 1];
    char type[MULTIPART_VALUE_MAX];  /* the parameter: the media type of the root */
    char start[MULTIPART_VALUE_MAX]; /* without brackets; empty: the first part is the root */
    struct multipart_part parts[MULTIPART_PARTS_MAX];
    size_t part_count;
    size_t root; /* index of the part that is to be processed first */
};

/* content_type: the value of the header, whose parameters may be quoted or not, also where RFC 2045
 * wants quotes. Strings of parts are borrowed from body. Text in front of the first delimiter and
 * behind the last is ignored.
 *
 * ERR_UNSUPPORTED: not multipart/related. ERR_PARSE: no boundary or no type, a parameter twice, no
 * part, a header that is none, one Content-ID twice, `start` names no part, the root is of another
 * type than `type`, or the end is missing. ERR_LIMIT: too many parts or headers.
 *
 * lenient: lines may end in LF alone, and the last delimiter may lack its "--", as in the examples
 * of RFC 9275; the body must then end with a delimiter all the same, so that one that was cut is
 * noticed. */
enum err_code multipart_read(struct str content_type, struct str body, bool lenient,
                             struct multipart *out, struct err *e) MUST_CHECK;
/* NULL: no part has it. */
const struct multipart_part *multipart_find(const struct multipart *m, struct str type);

/* Writing: init, for each part its head and its body straight into `out`, end. Bodies must not have
 * a line that begins with the delimiter: JSON without line feeds has none. */
struct multipart_write {
    struct bytes *out;
    char boundary[MULTIPART_BOUNDARY_MAX + 1];
    bool full; /* out was full: stays set */
};

/* random: makes the boundary, which differs from answer to answer. */
void multipart_write_init(struct multipart_write *w, struct bytes *out, uint64_t random);
/* Content-ID <part@domain>; part and domain are dot-atoms (RFC 5322 section 3.2.3). */
void multipart_write_part(struct multipart_write *w, struct str part, struct str domain,
                          struct str type);
/* false: out was full. */
bool multipart_write_end(struct multipart_write *w) MUST_CHECK;
/* The Content-Type, without quotes, which not every client takes. type: that of the first part. A
 * string of the arena; n 0: it is full. */
struct arena;
struct str multipart_content_type(const struct multipart_write *w, struct str type,
                                  struct arena *arena);
