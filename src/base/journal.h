/* SPDX-License-Identifier: ISC */
/*
 * Whether what we write to stderr goes to systemd's journal: then a line begins with its priority.
 */
#pragma once

#include <stdbool.h>

/* Whether stderr is the stream to the journal that $JOURNAL_STREAM names (systemd.exec(5)). */
bool journal_has_stderr(void);
