/* SPDX-License-Identifier: ISC */
/*
 * A verdict as text: the Authentication-Results field (RFC 8601) and JSON. Words that others have
 * chosen (domains, selectors, addresses) stand in values only, quoted where they are no tokens, and
 * never in comments; what is too long or not printable is left out.
 */
#pragma once

#include "base/buf.h"
#include "base/json.h"
#include "sender/judge.h"

/* Appends "HOST; spf=pass ...", folded, without a name of a field and the last line end. */
void sender_results_add(struct buf *to, const struct sender_question *question,
                        const struct sender_verdict *v);

/* Adds the members "spf", "helo", "iprev", "dkim", "arc", "author" and "dmarc" to an object. */
void sender_results_json(struct json *to, const struct sender_verdict *v);
