/* SPDX-License-Identifier: ISC */
#include "trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "truth.h"

static char lines[TRACE_LINES][TRACE_WIDTH], beginning[TRACE_WIDTH];
static unsigned long line_count;

void trace_begin(const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(beginning, sizeof beginning, format, args);
    va_end(args);
    line_count = 0;
}

void trace_line(bool aloud, const char *format, ...) {
    char *line = lines[line_count++ % TRACE_LINES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, TRACE_WIDTH, format, args);
    va_end(args);
    for (char *c = line; *c; c++) /* a literal's lines */
        if ((unsigned char)*c < ' ')
            *c = '|';
    if (aloud)
        fprintf(stderr, "%s\n", line);
}

void model_fail(const char *format, ...) {
    va_list args;
    for (unsigned long i = line_count > TRACE_LINES ? line_count - TRACE_LINES : 0; i < line_count;
         i++)
        fprintf(stderr, "%s\n", lines[i % TRACE_LINES]);
    fprintf(stderr, "%s\n", beginning);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    abort();
}
