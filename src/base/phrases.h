/* SPDX-License-Identifier: ISC */
/*
 * Sentences that a server says to clients which ask for their language (RFC 5255 §3, RFC 6856 §3).
 * They stand in the program, since its processes see no files; what the command line says is in
 * words.h.
 */
#pragma once

#include "base/slice.h"

struct phrase {
    const char *english, *japanese; /* with the same conversions of printf, in the same order */
};

/* The Japanese of a sentence; NULL: it is not in the list. */
const char *phrase_in_japanese(const struct phrase *list, size_t count, struct slice english);

/* Both have the same conversions: what the list of each protocol is tested with. */
bool phrase_is_good(const struct phrase *p);
