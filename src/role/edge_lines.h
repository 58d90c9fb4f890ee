/* SPDX-License-Identifier: ISC */
/*
 * Inside the edge role: lines that are too long, in a letter that a user has handed in.
 */
#pragma once

#include "letter/scan.h"
#include "role/edge_letter.h"

/*
 * When the letter is whole and its header fixed: rewrites it by letter/shorten.h if `scan` says
 * that a line is too long, and scans it anew. 0; -E_REFUSED with `refusal`; another error: try
 * again later.
 */
int edge_lines_shorten(struct edge_letter *l, struct letter_scan *scan) WAITS;
