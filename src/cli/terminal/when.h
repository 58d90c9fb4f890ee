/* SPDX-License-Identifier: ISC */
/*
 * Times as people type them. Pure but for the time zone.
 *
 *     2026-11-29            0:00 of that day     today, yesterday      0:00 of that day
 *     2026-11-29 10:30      with or without      10:30                 of today
 *     2026-11-29T10:30:15   seconds              2h, 30min, 3d, 1w     so long ago; "2h ago" too
 *     now
 *
 * Times are those of this host's time zone.
 */
#pragma once

#include "base/error.h"
#include "base/time.h"

/* 0 with a wall time, or -E_SYNTAX. */
int when_parse(struct slice text, usec_t now, usec_t *ret);

/* --since and --until of a command; 0 where they are not given. Says what is wrong. */
struct cli;
struct when_range {
    usec_t since, until;
};
int when_range(const struct cli *c, struct when_range *ret, struct problem *problem);
