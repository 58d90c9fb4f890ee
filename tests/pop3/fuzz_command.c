/* SPDX-License-Identifier: ISC */
/*
 * Any line is a command or is refused with words; slices stay inside the line.
 */
#include <stdint.h>

#include "pop3/command.h"

static void inside(struct slice part, struct slice line) {
    MUST(part.len == 0 || (part.ptr >= line.ptr && part.ptr + part.len <= line.ptr + line.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    struct slice line = slice_of(bytes, len);
    struct pop3_command command;
    struct problem problem = {0};
    if (pop3_parse(line, &command, &problem) < 0) {
        MUST(problem.text[0] != '\0');
        return 0;
    }
    MUST(command.verb < POP3_VERBS);
    inside(command.text, line);
    inside(command.more, line);
    return 0;
}
