/* SPDX-License-Identifier: ISC */
/*
 * Holds responses to the grammar: RFC 9051 §9 and RFC 3501 §9, and of the extensions 2342, 2971,
 * 4314, 4466, 4467, 4731, 5161, 5182, 5255, 5256, 5258, 5267, 5464, 5465, 5530, 6154, 6203, 6855,
 * 7162, 7377, 7889, 8474, 8514, 8970, 9208, 9394, 9585, 9586, 9590, 9698, 9738 and 10022.
 *
 * It shares no code with the server, accepts nothing that no RFC names, and is stricter than they
 * are where clients are: each status response has a text, and no string is longer than it says.
 */
#pragma once

#include "base/slice.h"

struct response_fault {
    size_t at;            /* place in the response */
    const char *expected; /* what would have been right */
};

/*
 * The first response of `sent`, literals and CRLF with it, is taken off the front. `utf8`: 8-bit
 * octets may stand in quoted strings and texts. False with a fault; nothing is taken then.
 */
bool response_check(struct slice *sent, bool utf8, struct response_fault *ret_fault);
