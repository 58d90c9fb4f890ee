/* SPDX-License-Identifier: ISC */
#include "parse.h"

#include "unit.h"

static struct arena arena;
static struct problem problem;

static int try(struct slice text, struct imap_command *ret) {
    struct imap_text whole = {.bytes = arena_printf(&arena, "a %.*s", SLICE_ARG(text))};
    int r = -E_UNKNOWN;
    /* In the first state in which there is such a command. */
    for (unsigned state = IMAP_STATE_LOGIN; state <= IMAP_STATE_SELECTED; state <<= 1)
        if (r == -E_UNKNOWN)
            r = imap_parse(&whole, (struct imap_mode){.state = state}, &arena, ret, &problem);
    return r;
}

struct imap_command parse_bytes(struct slice text) {
    struct imap_command c;
    if (try(text, &c) < 0)
        fail_msg("\"%.*s\": %s", SLICE_ARG(text), problem.text);
    assert_slice(c.tag, "a");
    return c;
}

struct imap_command parse(const char *text) {
    return parse_bytes(slice_of_str(text));
}

const char *refusal(const char *text) {
    struct imap_command c;
    if (try(slice_of_str(text), &c) == 0)
        fail_msg("\"%s\" should be refused", text);
    assert_slice(c.tag, "a");
    return problem.text;
}

int parse_done(void **state) {
    arena_done(&arena);
    return 0;
}
