/* SPDX-License-Identifier: ISC */
/*
 * Times and spans are microseconds in an int64_t. `usec_t` on the monotonic clock is used for waits
 * and deadlines (fiber_now()), wall time since 1970 for what is stored and shown (fiber_wall()).
 */
#pragma once

#include "base/slice.h"

typedef int64_t usec_t;

#define USEC_MS    ((usec_t)1000)
#define USEC_SEC   ((usec_t)1000000)
#define USEC_MIN   (60 * USEC_SEC)
#define USEC_HOUR  (60 * USEC_MIN)
#define USEC_DAY   (24 * USEC_HOUR)
#define USEC_NEVER INT64_MAX

/* A wall time for logs and tables, local zone: 2026-11-22 11:12:42.123 */
#define TIME_TEXT_SIZE 32
struct slice time_format_log(usec_t wall, char text[static TIME_TEXT_SIZE]);

/* RFC 3339 in UTC with milliseconds: 2026-11-22T11:12:42.123Z */
struct slice time_format_rfc3339(usec_t wall, char text[static TIME_TEXT_SIZE]);

/* RFC 5322 §3.3 date-time in the local zone: Sun, 22 Nov 2026 20:12:42 +0900 */
struct slice time_format_rfc5322(usec_t wall, char text[static 40]);

/* A span for people, in the language of the user: "850 ms", "12 s", "3 min 20 s", "2 h 5 min", "7
 * d", "4 d 3 h". */
struct slice time_format_span(usec_t span, char text[static TIME_TEXT_SIZE]);

/* Reads a span with its unit: 300ms, 30s, 5min, 2h, 5d. 0 or -E_SYNTAX / -E_LIMIT. */
int time_parse_span(struct slice text, usec_t *ret);

/* Whether there is such a day (Gregorian, years 1 to 9999, month and day from 1). */
bool time_is_day(int64_t year, int64_t month, int64_t day);

/* Days from 1970-01-01 to a day that there is. */
int64_t time_days(int64_t year, int64_t month, int64_t day);
