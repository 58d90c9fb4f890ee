/* SPDX-License-Identifier: ISC */
/*
 * A mailbox in memory for dialogues with POP3 sessions, open for one of them at a time, and its
 * names for scripts:
 *
 *     set message "bytes"        one more message (also while a session runs)
 *     set messages N             N small letters
 *     set big N                 one of N octets; `set big-dots N`: with dots at line starts
 *     set broken N ERROR        reading message N gives unknown, corrupt or temporary
 *     set broken-later N        only the first part of message N can be read
 *     set gone N                somebody else removes message N
 *     set in-use, set no-open, set no-expunge
 *     set reads N               a read gives at most N messages
 *     set files on              messages lie in a file (place)
 *
 *     expect messages N          that are left
 *     expect left 1 3           their numbers
 *     expect reads N            calls of read()
 *     expect open yes / no
 */
#pragma once

#include "pop3/maildrop.h"

struct fake_maildrop;

struct fake_maildrop *fake_maildrop_new(void);
void fake_maildrop_free(struct fake_maildrop *m);
int fake_maildrop_set(struct fake_maildrop *m, struct slice name, struct slice value,
                      struct problem *problem);
int fake_maildrop_get(struct fake_maildrop *m, struct slice name, struct buf *to);

extern const struct pop3_maildrop_ops fake_maildrop_ops; /* `host` is the fake_maildrop */
