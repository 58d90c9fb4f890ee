/* SPDX-License-Identifier: ISC */
/* What lists of messages show of each, for the answers to commands. Pure, linear in what comes from
 * strangers. */
#pragma once

#include "base/arena.h"

#define MAIL_HEADER_MAX 16384U /* bytes of a message that are looked at for fields */

/* A field of a header, unfolded, decoded and cut between two characters; "": there is none. */
struct slice mail_shown_field(struct slice header, struct slice name, struct arena *a);

/* The first keywords of a list, whole ones, as many as are shown; how many are left out. */
struct slice mail_shown_keywords(struct slice all, uint32_t *ret_left);
