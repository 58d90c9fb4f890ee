/* SPDX-License-Identifier: ISC */
/*
 * POP3 at the edge (doors.h): greeting, TLS and login.
 */
#pragma once

#include "role/edge/edge.h"

void edge_serve_pop3(struct edge_connection *c) WAITS;
