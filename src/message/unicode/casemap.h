/* SPDX-License-Identifier: ISC */
/*
 * The collation i;unicode-casemap (RFC 5051), which I18NLEVEL=1 asks for: what is added to `to`
 * compares with memcmp() as the texts compare, and holds what the text holds. Each character gets
 * its title case by the simple mapping, then is decomposed with all that it is for compatibility;
 * so e is found in é, and か in が. Hangul syllables are decomposed as well.
 *
 * `utf8` ends behind a whole character. What is not UTF-8 becomes U+FFFD, byte by byte. The output
 * is at most eleven times as long. Pure.
 */
#pragma once

#include "base/buf.h"

void casemap_add(struct buf *to, struct slice utf8);
