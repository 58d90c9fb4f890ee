/* SPDX-License-Identifier: ISC */
/* What the user of a mail program does: a row for each, with how often. */
#pragma once

#include "client.h"

/* One of them by lot; the client is connected before, and may be dropped then. */
void act(struct client *c) WAITS;

/* Has what was begun answered, and asks for what is new in the mailbox. */
void act_learn(struct client *c) WAITS;

/* For whoever looks at the end: EXAMINE and all messages of it, as they are. False: it was lost. */
bool act_select(struct client *c, const char *name, bool examine) WAITS;
void act_fetch_all(struct client *c) WAITS;
void act_list(struct client *c) WAITS;
void act_noop(struct client *c) WAITS;

/* Some messages that the client knows, one behind the other or not: as a set, and in `uids` of a
 * command that has not begun; then handed on to one that has. False: there are none. */
bool act_choose(struct client *c, struct command *k, bool by_number, struct buf *set);
void act_hand_over(struct command *to, struct command *chosen, bool by_number);

/* The command is about the mailbox of that name. */
void act_aim(struct command *k, const char *name);

/* Lets the mailbox go that is selected. */
void act_leave(struct client *c) WAITS;

/* Each flag once in `of` times. */
uint32_t act_flags(struct client *c, uint32_t of);
