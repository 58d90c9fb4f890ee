/* SPDX-License-Identifier: ISC */
/*
 * The file of `log.file`, which may lie anywhere. The master opens it, at its start and at every
 * reload, and passes it to the event log, which sees its own folder only. It stays the master's
 * user's: the event log can add to it and no more than that.
 */
#pragma once

#include "conf/conf.h"

/*
 * Opens the file of the settings for appending, made with mode 0640 when it is not there; -1 when
 * there is none in the settings. Anything but a regular file is refused, links too: a folder that
 * others may write in must not lead us to another file. Negative with a sentence that says what was
 * expected.
 */
int log_file_open(const struct conf *conf, int *ret_fd, struct problem *problem);

/* Whether that would do, without making the file. */
int log_file_check(const struct conf *conf, struct problem *problem);
