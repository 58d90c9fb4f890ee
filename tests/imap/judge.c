/* SPDX-License-Identifier: ISC */
#include "judge.h"

#include "response_check.h"

int judge_responses(struct slice said, struct problem *problem) {
    struct response_fault fault;
    bool utf8 = false; /* once it is enabled, by IMAP4rev2 or UTF8=ACCEPT, or by a language */
    while (said.len > 0) {
        struct slice line = said;
        if (response_check(&said, utf8, &fault)) {
            line.len -= said.len;
            utf8 |= slice_starts(line, S("* ENABLED ")) &&
                    (slice_find(line, S("IMAP4rev2")) >= 0 || slice_find(line, S("UTF8")) >= 0);
            utf8 |= slice_starts(line, S("* LANGUAGE (ja)"));
            continue;
        }
        line.len = MIN(line.len, fault.at + 40);
        return problem_set(
            problem, -E_SYNTAX,
            "a response is not in the grammar: expected %s behind %zu octets of \"%.*s\"",
            fault.expected, fault.at, SLICE_ARG(line));
    }
    return 0;
}
