/* SPDX-License-Identifier: ISC */
/* A session of POP3 beside those of IMAP, where the run has such a door; among the files of acts.
 */
#pragma once

#include "client.h"

void do_pop3(struct client *c) WAITS;
