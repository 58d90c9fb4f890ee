/* SPDX-License-Identifier: ISC */
/*
 * The date of a Date field (RFC 5322 §3.3, with the obsolete forms of §4.3), as strangers write it.
 * Pure.
 */
#pragma once

#include "base/time.h"

#define DATE_READ 256U /* bytes that are looked at */

/*
 * An unfolded value as wall time. Years of two or three digits are read as §4.3 has it. By RFC 5256
 * §2.2 a zone that cannot be read counts as UTC, and a time of the day as 00:00:00. 0, or -E_SYNTAX
 * when there is no day of a calendar (years 1 to 9999).
 */
int date_read(struct slice value, usec_t *ret);

/* The day as it stands there, whatever time and zone are: since 1970-01-01. The same errors. */
int date_read_day(struct slice value, int32_t *ret);
