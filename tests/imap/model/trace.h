/* SPDX-License-Identifier: ISC */
/* The last lines of all conversations, which model_fail() prints. */
#pragma once

#include <stdbool.h>

#include "base/macro.h"

#define TRACE_LINES 60U
#define TRACE_WIDTH 320U

/* `aloud`: it is printed now. */
void trace_line(bool aloud, const char *format, ...) PRINTF_LIKE(2, 3);

/* What stands in front of all that: how to play this again. */
void trace_begin(const char *format, ...) PRINTF_LIKE(1, 2);
