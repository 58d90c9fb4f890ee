/* SPDX-License-Identifier: ISC */
/*
 * Modified UTF-7 (RFC 3501 §5.1.3): how the name of a mailbox is written for a client that has not
 * enabled IMAP4rev2 or UTF8=ACCEPT. Pure and linear.
 *
 * Writing is strict: one text has one form. Reading is lenient, so that a name which a client has
 * made up leads somewhere: bytes above 127 pass as they are, printable ASCII may be encoded, and
 * what looks like a shift and is none ("R&D", a lone surrogate, NUL, a missing "-", stray bits)
 * stands for itself. So what was read has to be judged afterwards: "/" and controls may come out
 * of a shift. Normal form is the caller's matter too.
 */
#pragma once

#include "base/buf.h"

/* Appends the form of a text, which is well-formed UTF-8. */
void utf7_encode(struct buf *to, struct slice utf8);

/* Appends what a name means: at most 9/8 of its bytes. UTF-8 if its bytes above 127 are. */
void utf7_decode(struct buf *to, struct slice name);
