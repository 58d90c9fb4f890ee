/* SPDX-License-Identifier: ISC */
/*
 * The side of a visit (others.h) on which the client is: a session of a user whose commands are
 * about mailboxes of other accounts.
 *
 * The mailbox that the client has selected may be one of them. Then the visit that has it stays,
 * and gets all commands that are about the selected mailbox; other visits last for one command.
 */
#pragma once

#include "imap/session_inside.h"

struct imap_visit;

/*
 * Has a command done where the mailbox is that it is about. False: that is the user's own account,
 * or none that he may know of, and nothing was done but that a mailbox of somebody else which was
 * selected is so no more, if the command selects another one.
 */
bool imap_visit_command(struct imap_session *s, const struct imap_command *command) WAITS;

/* The paths of the mailboxes of an owner that the user may see. 0, or it cannot be told. */
int imap_visit_list(struct imap_session *s, struct slice owner,
                    void (*each)(void *arg, struct slice path), void *arg) WAITS;

/*
 * What LIST tells of one of them beside its name, as far as it can be had: STATUS of these items
 * (0: none), MYRIGHTS. `at` is the visit of the call before, or points to NULL; in the end the
 * caller's.
 */
void imap_visit_tell(struct imap_session *s, struct imap_visit **at, struct slice path,
                     unsigned items, bool rights) WAITS;

/* NULL is fine. */
void imap_visit_end(struct imap_visit *v);
