/* SPDX-License-Identifier: ISC */
/*
 * The way from a command to the processes of a running server: one socket for each role that
 * answers commands, in the state directory.
 */
#pragma once

#include "cli/cli.h"
#include "rpc/calls.h"

/*
 * Connects with a role. -ENOTCONN: the server is not running; -EACCES: this user may not ask
 * it; each with a sentence. The link's fibers are children of the calling fiber.
 */
int server_connect(struct cli *c, enum role role, struct rpc_link **ret_link,
                   struct problem *problem) WAITS;

/* The same; 0 also when it is not running, with NULL. */
int server_connect_if_running(struct cli *c, enum role role, struct rpc_link **ret_link,
                              struct problem *problem) WAITS;

/* The same of a role that has several processes; -ENOTCONN, without a sentence, also when it has
 * fewer. */
int server_connect_worker(struct cli *c, enum role role, unsigned worker,
                          struct rpc_link **ret_link, struct problem *problem) WAITS;

/*
 * Connects with a role, or takes the lock of the state directory, which then is the caller's to
 * close (also when it fails behind it), and gives the folders to their users, as a start does:
 * waits a while for a server that starts or ends, or another command at work.
 */
int server_connect_or_lock(struct cli *c, enum role role, struct rpc_link **ret_link, int *ret_lock,
                           struct problem *problem) WAITS;

/*
 * For a command that reads files without the lock: while nothing has it, gives folders their names
 * and users, as a start does.
 */
void server_upgrade_if_idle(const struct cli *c);
