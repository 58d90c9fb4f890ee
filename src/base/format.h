/* SPDX-License-Identifier: ISC */
/*
 * vsnprintf() for the conversions that sentences are made of, which a message needs dozens of: %s,
 * %.*s, %c, %d, %u, %x, %X, %o with a length, a width of zeros or spaces, and %%. A format with
 * anything else is given to vsnprintf() as a whole. Same result, a fraction of the time: the C
 * library makes a stream for each call.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/macro.h"

/*
 * Writes at most `size` bytes with the NUL behind the text; how long the text is, were there room.
 * Negative: the library's own error.
 */
int format_text(char *to, size_t size, const char *format, va_list args) PRINTF_LIKE(3, 0);
