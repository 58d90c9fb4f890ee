/* SPDX-License-Identifier: ISC */
/* A look at the whole account while nobody does anything. */
#pragma once

#include "client.h"

/*
 * Asks for everything with a new connection, and compares it: with what everybody was told, with
 * what STATUS, GETQUOTA and LIST say, and with what each client that is connected believes.
 */
void inspect(struct run *run, struct client *clients, size_t count) WAITS;
