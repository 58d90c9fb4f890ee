/* SPDX-License-Identifier: ISC */
/*
 * Authentication-Results (RFC 8601): who says so. Whoever reads the field believes those that bear
 * the name of his own host; such a field on a message that arrives is forged, or left from an
 * earlier pass, and is removed (§5). Pure.
 */
#pragma once

#include "message/header.h"

/*
 * The field is Authentication-Results and its authserv-id is `host`: in any case, quoted, with
 * comments before it, with a version or anything else behind it, as U-label or A-label.
 */
bool results_are_of(const struct header_field *field, struct slice host);
