/* SPDX-License-Identifier: ISC */
/*
 * Failure reports of DMARC (RFC 9991, in the form of RFC 6591 and RFC 5965): one message that has
 * failed. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "message/report/told.h"

#define FAILURE_TEXT_MAX 512U /* bytes of a value; a longer one is cut */

/*
 * The fields of message/feedback-report. Slices are the arena's. 0; -E_SYNTAX with a sentence: it
 * is none about authentication (of abuse, say), or not readable.
 */
int failure_read(struct slice fields, struct arena *a, struct failure_report *ret,
                 struct problem *problem);

/* Adds what the header of the original says. */
void failure_add_original(struct failure_report *report, struct slice header, struct arena *a);
