/* SPDX-License-Identifier: ISC */
/* Messages that come and go; among the files of acts. Those that are called act_send_ are answered
 * with what is sent behind them. */
#pragma once

#include "client.h"

void act_send_copy(struct client *c, bool by_number) WAITS;
void act_send_expunge(struct client *c) WAITS;
void act_send_append(struct client *c) WAITS;

void do_copy(struct client *c) WAITS;
void do_expunge(struct client *c) WAITS;
void do_append(struct client *c) WAITS;
void do_replace(struct client *c) WAITS;
void do_deliver(struct client *c) WAITS;
