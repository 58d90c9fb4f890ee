/* SPDX-License-Identifier: ISC */
/*
 * The answers to questions about removed messages (store/undelete.h), for the mail role and for a
 * command that works on the files itself.
 */
#pragma once

#include "rpc/calls.h"
#include "store/undelete.h"

/* A page of them, without `keep` and `size_max`, which the caller knows. Bounded in time and
 * memory.
 */
int mail_answer_deleted(struct store *s, const struct rpc_mail_deleted_in *in, struct arena *a,
                        struct rpc_mail_deleted_out *out, struct problem *problem) WAITS;

/*
 * Brings back as many as one call does. An error of the store is part of the answer, beside what
 * was done. `ret_messages` names the messages that are back, for the event; empty: none is.
 */
int mail_answer_restore(struct store *s, const struct rpc_mail_restore_in *in, struct arena *a,
                        struct rpc_mail_restore_out *out, struct slice *ret_messages,
                        struct problem *problem) WAITS;

/* The event of it: who has brought back what, into `facts` and as a sentence. */
#define MAIL_RESTORED_FACTS 3U
struct event_fact;
struct slice mail_restored_event(struct slice by, struct slice address, struct slice messages,
                                 struct event_fact facts[static MAIL_RESTORED_FACTS],
                                 struct arena *a);
