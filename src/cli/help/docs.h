/* SPDX-License-Identifier: ISC */
/*
 * What is said about the commands, all from the table: help on the terminal, the manual page,
 * completion in the shell. Pure.
 */
#pragma once

#include "base/buf.h"
#include "cli/command.h"

#define DOCS_COLUMNS 80U

void docs_overview(const struct cli_table *table, struct buf *to); /* hayauma --help */

/* Of a group: its commands. */
void docs_command(const struct cli_table *table, const struct cli_command *c, struct buf *to);

/* "hayauma account add USER@DOMAIN [options]" */
void docs_synopsis(const struct cli_command *c, struct buf *to);

/* "Works while the server runs and while it does not.", of a row that says so. */
extern const char docs_offline[];

void docs_manual(const struct cli_table *table, struct buf *to); /* hayauma(8) in mdoc */

/* Scripts for the shells. */
void docs_bash(const struct cli_table *table, struct buf *to);
void docs_zsh(const struct cli_table *table, struct buf *to);
