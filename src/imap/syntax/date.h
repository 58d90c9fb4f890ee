/* SPDX-License-Identifier: ISC */
/*
 * Dates of IMAP (RFC 9051 §9: date, date-time), between years 1 and 9999. Pure.
 */
#pragma once

#include "base/buf.h"
#include "base/time.h"

/* A point in time with the zone in which it was told. */
struct imap_date_time {
    usec_t at;    /* wall time, whole seconds */
    int16_t zone; /* minutes east of UTC */
};

/* RFC 3339, of a URL: "2026-12-01T09:00:00.5Z", or "+09:00" in place of "Z"; fractions of a second
 * are passed over. -E_SYNTAX. */
int imap_rfc3339_parse(struct slice text, usec_t *ret);

/* "1-Feb-2026", without quotes: days since 1970-01-01. -E_SYNTAX. */
int imap_date_parse(struct slice text, int32_t *ret_day);

/* " 1-Feb-2026 09:00:00 +0900", without quotes; a blank or a zero, or nothing, before one digit. */
int imap_date_time_parse(struct slice text, struct imap_date_time *ret);

/* Appends the same, without quotes, two places for the day. A zone is within a day. */
void imap_date_time_write(struct buf *to, struct imap_date_time t);

/* The day, since 1970-01-01, which it is in its zone then. */
int32_t imap_date_time_day(struct imap_date_time t);
