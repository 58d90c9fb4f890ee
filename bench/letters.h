/* SPDX-License-Identifier: ISC */
/*
 * Messages for a mailbox that is searched, sorted and read: some 6 KiB each, in conversations of
 * ten, from five hundred people. Message i is the same in each run and for each server.
 *
 *     every 1000th   has "zyxneedle", "早馬便り" and "藤沢" in its text, no other one has any of
 * them every 2nd      has "halfway" every 4th      is Japanese, in base64 every 5th of the others
 * is a multipart with HTML beside the text
 */
#pragma once

#include <stddef.h>

#define LETTER_MAX 16384U

/* Writes message `number`; its length. `to` has LETTER_MAX bytes. */
size_t letter_write(char *to, unsigned number);
