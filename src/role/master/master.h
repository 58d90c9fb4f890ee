/* SPDX-License-Identifier: ISC */
/*
 * The master: starts the other processes, connects them with each other, restarts what dies, binds
 * the ports, reads the settings. It parses nothing that comes from outside.
 */
#pragma once

#include "conf/conf.h"

struct master_options {
    const char *directory; /* the state directory, absolute */
    const char *conf_path; /* read again at a reload */
    const char *version;
};

/*
 * Runs the server in the foreground until SIGTERM, SIGINT or `hayauma stop`; SIGHUP reloads.
 * Takes over `conf`. Prints "ready" on stdout when every port answers, and tells systemd. The exit
 * code of the program: 0 after an orderly stop, 1 with a sentence on stderr.
 */
int master_run(const struct master_options *options, struct conf *conf);
