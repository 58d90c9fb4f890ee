/* SPDX-License-Identifier: ISC */
/* What clients do to mailboxes; among the files of acts. */
#pragma once

#include "client.h"

/* A name of a mailbox that is there, most of the time. */
void names_choose(struct client *c, char name[static NAME_SIZE]);

void do_names(struct client *c) WAITS;
void do_status(struct client *c) WAITS;
void do_note(struct client *c) WAITS;
void act_read_note(struct client *c, const char *name) WAITS;
void do_rights(struct client *c) WAITS;
