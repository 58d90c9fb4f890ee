/* SPDX-License-Identifier: ISC */
/*
 * The hash of a body in one of the two canonical forms of DKIM (RFC 6376 §3.4.3, §3.4.4), while the
 * body comes in chunks that are cut anywhere.
 */
#pragma once

#include "sender/digest.h"

struct dkim_body;

/* `length`: so many bytes of the canonical body count (l=); UINT64_MAX: all. */
struct dkim_body *dkim_body_new(bool relaxed, uint64_t length);
void dkim_body_free(struct dkim_body *b); /* NULL is fine */

void dkim_body_add(struct dkim_body *b, struct slice chunk);

/*
 * After the last chunk, once. `ret_beyond`: bytes that did not count, because of `length`. False:
 * there are fewer bytes than `length`.
 */
bool dkim_body_end(struct dkim_body *b, unsigned char hash[static DIGEST_LEN],
                   uint64_t *ret_beyond);
