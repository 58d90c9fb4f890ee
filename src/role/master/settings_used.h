/* SPDX-License-Identifier: ISC */
/*
 * The settings as they were when the master last read them, in run/settings: what was changed in
 * the file since, while nothing ran or nobody reloaded it, becomes an event at the next start.
 */
#pragma once

#include "conf/conf.h"

/* NULL when there are none that can be read, as before the first start. */
struct conf *settings_used_read(const char *directory);

/* The whole file or none of it; 0 or a negative errno. */
int settings_used_write(const char *directory, const struct conf *conf);
