/* SPDX-License-Identifier: ISC */
/*
 * Lines for the syslog daemon of this machine, where there is no journal of systemd: datagrams on
 * its local socket in the form of RFC 3164 §4.1, without a host name, which the daemon adds:
 *
 *     <22>Nov 29 09:12:41 hayauma[412]: edge      0c8q2zv5k7g00 accepted: ...
 *
 * The facility is mail. A longer line than RFC 3164 §4.1 allows becomes several datagrams.
 */
#pragma once

#include "base/buf.h"
#include "base/time.h"

#define SYSLOG_PATH         "/dev/log"
#define SYSLOG_DATAGRAM_MAX 1024U /* RFC 3164 §4.1 */

/* A socket that is connected with the daemon, whose sends do not wait; or a negative errno. */
int syslog_open(const char *path);

/* Adds the datagrams of a message, each with a line end. `severity`: LOG_ERR ... LOG_DEBUG. */
void syslog_add(struct buf *to, unsigned severity, usec_t wall, struct slice message);

/*
 * Sends what was added. What the daemon does not take within a second, and all of it when the
 * socket is -1, goes to stderr. Blocks: for a thread.
 */
void syslog_send(int socket, struct slice datagrams);
