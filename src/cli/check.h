/* SPDX-License-Identifier: ISC */
/*
 * What the kinds of checks share. Each kind is one function, a row of the table in cmd_check.c; it
 * adds a finding for everything that it has looked at.
 */
#pragma once

#include "cli/cli.h"

/* An error: the server would not start or would lose something, or nobody could use it. */
enum check_level { CHECK_OK, CHECK_WARNING, CHECK_ERROR };

struct check {
    struct cli *c;
    struct json json;
    unsigned counts[3];
};

/* A sentence without a full stop at its end. */
void check_add(struct check *k, enum check_level level, const char *format, ...) PRINTF_LIKE(3, 4);

/* Key and certificate, as the keys role would take them, and what clients will say of them. */
void check_certificate(struct check *k) WAITS;
