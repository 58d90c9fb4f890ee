/* SPDX-License-Identifier: ISC */
/* What somebody else has found of a message, as he wrote it down (RFC 8601 §2.2). Pure. */
#pragma once

#include "base/slice.h"

/*
 * Whether the text of an Authentication-Results, or of an ARC-Authentication-Results behind its
 * "i=1;", says that DMARC has passed for that author's domain. What cannot be read says nothing.
 * Linear in time.
 */
bool results_say_dmarc_passed(struct slice text, struct slice domain);
