/* SPDX-License-Identifier: ISC */
#pragma once

#include "store/account.h"

/* Whether a change of the group removes the mailbox. */
bool group_removes(const struct group *g, const struct mailbox *m);
