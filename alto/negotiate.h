/* What a client takes: lists of Accept and Accept-Encoding with their weights, and of entity tags
 * (RFC 9110 sections 12.5 and 13.1). */
#pragma once

#include "base/handler.h"

/* The weight of a media type in thousandths: that of the most specific range of the header which
 * has it; 0: not acceptable. An absent header (p NULL) or an empty one takes everything. Parameters
 * other than q are not looked at, also those of type. */
unsigned accept_weight(struct str accept, struct str type);
/* The same of a coding ("gzip", "identity"): identity is taken unless it is ruled out. */
unsigned accept_coding_weight(struct str accept_encoding, struct str coding);

/* Whether Content-Type is this type: parameters are ignored, a charset other than UTF-8 is not. */
bool content_type_is(struct str content_type, struct str type);

/* The next member of a list of entity tags ("x", W/"y", "z"), with quotes and without W/; *list
 * moves on. "*" is a member. false: there is none. */
bool etag_next(struct str *list, struct str *tag);
