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
