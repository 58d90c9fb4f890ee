/* SPDX-License-Identifier: ISC */
/*
 * Inside the edge role: lines that are too long, in a message that a user has handed in.
 */
#pragma once

#include "message/scan.h"
#include "role/edge/edge_message.h"

/*
 * When the message is whole and its header fixed: rewrites it by message/write/shorten.h if `scan`
 * says that a line is too long, and scans it anew. 0; -E_REFUSED with `refusal`; another error: try
 * again later.
 */
int edge_lines_shorten(struct edge_message *l, struct message_scan *scan) WAITS;
