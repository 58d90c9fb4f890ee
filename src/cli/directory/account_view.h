/* SPDX-License-Identifier: ISC */
/*
 * How accounts are shown, for all commands that show one.
 */
#pragma once

#include "cli/cli.h"
#include "directory/admin.h"

/* "enabled", "enabled, admin", "disabled", "no password", in the language of the user. */
const char *account_state(const struct account *a);

/* An object as JSON_ACCOUNT of row.h describes it. */
void account_json(struct json *j, const struct account *a);

/* Its facts one below the other. */
void account_write(struct cli *c, const struct account *a);

/* "12 messages (3.4M)", "no messages"; of unknown numbers "its messages". */
void account_write_usage(struct buf *to, const struct account *a);

/* Members "messages" and "bytes". */
void account_json_usage(struct json *j, const struct account *a);
