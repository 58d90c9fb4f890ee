/* SPDX-License-Identifier: ISC */
/*
 * An unstructured header field (a subject) as people are to read it: encoded words (RFC 2047)
 * decoded, and bytes above 127 that stand there by themselves read as what they look like. Pure.
 */
#pragma once

#include "base/buf.h"

/*
 * Appends the text as UTF-8, with the promises of charset.h. Words in a character set that we do
 * not know, and what only looks like an encoded word, stay as they are.
 */
void words_decode(struct buf *to, struct slice text);
