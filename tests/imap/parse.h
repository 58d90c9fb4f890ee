/* SPDX-License-Identifier: ISC */
/*
 * Parsing a command in a test: what it gives lives until parse_done().
 */
#pragma once

#include "imap/syntax/command.h"

/* Of the text behind the tag "a". Fails the test if it is no command. */
struct imap_command parse(const char *text);
struct imap_command parse_bytes(struct slice text);

/* The sentence with which it is refused; fails the test if it is none. */
const char *refusal(const char *text);

int parse_done(void **state);
