/* SPDX-License-Identifier: ISC */
/* What is concluded from answers to commands that change something (ends_change.c), and what that
 * shares with all others (ends.c). */
#pragma once

#include "client.h"

enum answer { OK, NO, NONE /* the connection was lost */ };

void end_store(struct client *c, struct command *k, enum answer answer, struct slice code);
void end_expunge(struct client *c, struct command *k, enum answer answer);
void end_copy(struct client *c, struct command *k, enum answer answer, struct slice code);
void end_append(struct client *c, struct command *k, enum answer answer, struct slice code);
void end_replace(struct client *c, struct command *k, enum answer answer, struct slice code);
void end_names(struct client *c, struct command *k, enum answer answer);
void end_note(struct client *c, const struct command *k, enum answer answer);
void end_rights(struct client *c, const struct command *k, enum answer answer);

/* Whether the answer says which mailbox has the name; to a visitor it may be that it has none. */
bool ends_tells_name(const struct client *c, const struct command *k, enum answer answer);

bool ends_has(const uint32_t *list, size_t count, uint32_t uid);
