/* SPDX-License-Identifier: ISC */
/*
 * Encoded words of a header field (RFC 2047) as readable text, for subjects in the journey. Pure.
 */
#pragma once

#include "base/buf.h"

/*
 * Appends the text as UTF-8. Words in UTF-8, US-ASCII and ISO-8859-1 are decoded; others, and what
 * only looks like an encoded word, stay as they are.
 */
void words_decode(struct buf *to, struct slice text);
