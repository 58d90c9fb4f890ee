/* SPDX-License-Identifier: ISC */
/*
 * What is said about the commands, all from the table: help on the terminal, the manual page,
 * completion in the shell. Pure.
 */
#pragma once

#include "base/buf.h"
#include "cli/command.h"

#define DOCS_COLUMNS 80U

void docs_overview(struct buf *to);                             /* hayauma --help */
void docs_command(const struct cli_command *c, struct buf *to); /* of a group: its commands */

/* "hayauma account add USER@DOMAIN [options]" */
void docs_synopsis(const struct cli_command *c, struct buf *to);

/* "Works while the server runs and while it does not.", of a row that says so. */
extern const char docs_offline[];

void docs_manual(struct buf *to); /* hayauma(8) in mdoc */

/* Scripts for the shells. */
void docs_bash(struct buf *to);
void docs_zsh(struct buf *to);
