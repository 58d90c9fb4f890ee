/* SPDX-License-Identifier: ISC */
/*
 * IMAP at the edge (doors.h): greeting, TLS and login.
 */
#pragma once

#include "role/edge/edge.h"

void edge_serve_imap(struct edge_connection *c) WAITS;
