/* SPDX-License-Identifier: ISC */
/*
 * What messages of one conversation have in common of their subjects, and what links them by number
 * (RFC 5256 §2.1 and §3). Pure; linear in time.
 */
#pragma once

#include "base/buf.h"

/*
 * Appends the base subject of an unfolded, raw field value as UTF-8: encoded words decoded, runs of
 * blanks one blank, "Re:", "Fwd:", "[list]" and their like taken off. Not folded: who compares it
 * does so by his collation. True when something said that the message answers or forwards another
 * one.
 */
bool subject_base(struct buf *to, struct slice value);

/*
 * The message ids between < and > in a References, In-Reply-To or Message-ID field, in their order,
 * each as a number that is the same for the same id, whatever quotes and blanks are in it (RFC 5256
 * §3, normalised), in every process and release; never 0. Of more than `max` the last ones. A value
 * of one word without brackets is an id too. How many there are in `ids`.
 */
size_t message_ids_read(struct slice value, uint64_t *ids, size_t max);
