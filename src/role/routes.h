/* SPDX-License-Identifier: ISC */
/*
 * Where addresses lead, for the roles that ask the directory for each message.
 *
 * An answer is remembered for a second, and only as long as nothing in the directory has changed
 * (change_page.h): a change that the directory has acknowledged counts from that moment. The second
 * is for what changes without the directory's doing: a source elsewhere, what mailboxes hold. Where
 * a mailbox is half full it is asked each time, so that many messages do not go into the same room.
 */
#pragma once

#include "people/route.h"
#include "proc/process.h"

struct routes;

struct routes *routes_new(struct process *p);
void routes_free(struct routes *r); /* NULL is fine */

/*
 * Where mail to an address goes: directory_resolve(). What is remembered has no reasons.
 * `ret_asked` is when the directory was asked (fiber_now()); NULL: it is asked now, whatever is
 * remembered.
 */
int routes_resolve(struct routes *r, struct slice address, struct arena *a, struct route *ret,
                   usec_t *ret_asked, struct problem *problem) WAITS;

/* The directory process has ended: what it has said counts no more. */
void routes_forget(struct routes *r);
