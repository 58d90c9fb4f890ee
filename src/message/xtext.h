/* SPDX-License-Identifier: ISC */
/*
 * xtext (RFC 3461 §4): text inside an ESMTP parameter (ENVID, ORCPT, AUTH), where "+", "=" and all
 * that is not printable ASCII is written "+2B".
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

void xtext_encode(struct buf *to, struct slice text);

/* 0; -E_SYNTAX for a byte that cannot stand in xtext or a "+" without two hexadecimal digits. */
int xtext_decode(struct arena *a, struct slice xtext, struct slice *ret);
