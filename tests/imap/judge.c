/* SPDX-License-Identifier: ISC */
#include "judge.h"

#include "response_check.h"

int judge_responses(struct slice said, struct problem *problem) {
    struct response_fault fault;
    while (said.len > 0) {
        struct slice line = said;
        if (response_check(&said, false, &fault))
            continue;
        line.len = MIN(line.len, fault.at + 40);
        return problem_set(
            problem, -E_SYNTAX,
            "a response is not in the grammar: expected %s behind %zu octets of \"%.*s\"",
            fault.expected, fault.at, SLICE_ARG(line));
    }
    return 0;
}
