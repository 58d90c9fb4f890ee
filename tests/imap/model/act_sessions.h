/* SPDX-License-Identifier: ISC */
/* Selecting and leaving; among the files of acts. */
#pragma once

#include "client.h"

void do_select(struct client *c) WAITS;
void do_close(struct client *c) WAITS;
void do_idle(struct client *c) WAITS;
void do_drop(struct client *c) WAITS;
