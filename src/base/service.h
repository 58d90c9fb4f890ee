/* SPDX-License-Identifier: ISC */
/*
 * What systemd hears of a process that it has started as a service (sd_notify(3)); elsewhere
 * nothing is sent.
 */
#pragma once

#include "base/slice.h"

/* "READY=1" and the like. */
void service_notify(const char *state);

/*
 * One line that `systemctl status` shows until the next start, or the next call; empty takes it
 * back. The journal has the reason of a failed start as well, but `systemctl status` does not show
 * it of a unit that waits for its next try.
 */
void service_status(struct slice line);
