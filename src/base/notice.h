/* SPDX-License-Identifier: ISC */
/*
 * What a process says on stderr beside the log: why it does not start, and what the log cannot
 * take.
 *
 * Where systemd has connected stderr with its journal, a line begins with its priority ("<3>",
 * sd-daemon(3)) and has no name, since the journal writes that itself. Elsewhere it begins with
 * "hayauma: ".
 */
#pragma once

#include <syslog.h>

#include "base/slice.h"

/* Writes the lines of the text, which are clean. `priority`: LOG_ERR ... LOG_DEBUG. */
void notice_lines(int priority, struct slice text);

/* One sentence; too long a one is cut. */
void notice(int priority, const char *format, ...) PRINTF_LIKE(2, 3);
