/* SPDX-License-Identifier: ISC */
/*
 * A literal is part of the text, and held, as long as the command cannot be read on without it; so
 * a part is tried at each literal, and tried again behind it. Few literals can stand in one part.
 */
#include "imap/syntax/append.h"

#include "fiber/wait.h"

#define PARSED_AT_ONCE 16384U

#define HEAD_LITERALS 1U /* before the message: the name of the mailbox may be one */

/* ------------------------------------------------------------------ parts */

/* The text ends with the announcement of a literal, and the cursor is there. */
static bool take_announced(struct imap_cursor *c, const struct imap_literal *literal,
                           struct imap_append_part *ret) {
    struct slice rest = c->rest;
    bool eight = slice_starts(rest, S("~{"));
    ssize_t end = slice_find(rest, S("\r\n"));
    if (!literal || end < 0 || (size_t)end + 2 != rest.len ||
        (!eight && !slice_starts(rest, S("{"))))
        return token_fail(c, "a literal");
    ret->kind = IMAP_APPEND_OCTETS;
    ret->literal = *literal;
    return true;
}

/* append-opts, and what says how the data come. */
static bool take_message(struct imap_append_place *place, struct imap_cursor *c,
                         struct imap_append_part *ret) {
    if (!token_space(c))
        return false;
    if (token_next_is(c, '(') && (!imap_take_flags(c, &ret->flags) || !token_space(c)))
        return false;
    if (token_next_is(c, '"')) {
        ret->has_date = true;
        if (!token_date_time(c, &ret->date) || !token_space(c))
            return false;
    }
    place->in = IMAP_APPEND_IN_PLAIN;
    place->member = false;
    if (token_maybe_word(c, "CATENATE"))
        place->in = IMAP_APPEND_IN_CATENATE;
    else if (token_maybe_word(c, "UTF8"))
        place->in = IMAP_APPEND_IN_UTF8;
    else if (!token_next_is(c, '{') && !token_next_is(c, '~'))
        return token_fail(c, "a literal with the message");
    if (place->in != IMAP_APPEND_IN_PLAIN && (!token_space(c) || !token_byte(c, '(')))
        return false;
    ret->kind = IMAP_APPEND_MESSAGE;
    return true;
}

/* A part of CATENATE; `ret_end`: there is no more. */
static bool take_catenated(struct imap_append_place *place, struct imap_cursor *c,
                           const struct imap_literal *literal, struct imap_append_part *ret,
                           bool *ret_end) {
    bool first = !place->member;
    *ret_end = false;
    if (first && token_next_is(c, ')'))
        return token_fail(c, "URL or TEXT");
    if (!token_member(c, &first)) {
        *ret_end = !c->expected;
        return *ret_end;
    }
    place->member = true;
    if (token_maybe_word(c, "TEXT"))
        return token_space(c) && take_announced(c, literal, ret);
    if (!token_maybe_word(c, "URL"))
        return token_fail(c, "URL or TEXT");
    ret->kind = IMAP_APPEND_URL;
    return token_space(c) && token_astring(c, "a URL", &ret->url);
}

static bool take_part(struct imap_append_place *place, struct imap_cursor *c,
                      const struct imap_literal *literal, struct imap_append_part *ret) {
    bool end;
    switch (place->in) {
    case IMAP_APPEND_BEFORE:
        return take_message(place, c, ret);
    case IMAP_APPEND_IN_PLAIN:
        place->in = IMAP_APPEND_BEHIND;
        return take_announced(c, literal, ret);
    case IMAP_APPEND_IN_UTF8:
        place->in = IMAP_APPEND_BEHIND_UTF8;
        if (!token_next_is(c, '~'))
            return token_fail(c, "a literal of the form ~{n}");
        return take_announced(c, literal, ret);
    case IMAP_APPEND_IN_CATENATE:
        if (!take_catenated(place, c, literal, ret, &end))
            return false;
        if (!end)
            return true;
        break;
    case IMAP_APPEND_BEHIND_UTF8:
        if (!token_byte(c, ')'))
            return false;
        break;
    case IMAP_APPEND_BEHIND:
        break;
    }
    if (!place->one && !token_at_end(c))
        return take_message(place, c, ret);
    ret->kind = IMAP_APPEND_END;
    return token_end(c);
}

bool imap_append_take(struct imap_append_place *place, struct imap_cursor *c,
                      const struct imap_literal *literal, struct imap_append_part *ret) {
    struct imap_append_place to = *place;
    *ret = (struct imap_append_part){0};
    c->rest = slice_from(c->rest, place->at);
    if (!take_part(&to, c, literal, ret))
        return false;
    to.handed_on = ret->kind == IMAP_APPEND_OCTETS;
    to.at = to.handed_on ? 0 : (size_t)(c->rest.ptr - c->begin);
    *place = to;
    return true;
}

/* ------------------------------------------------------------------ as they come */

/* The text moves when more is read: what a part has goes into the arena. */
static void keep_part(struct arena *a, struct imap_append_part *part) {
    struct slice *keywords = arena_array(a, part->flags.keyword_count, sizeof *keywords);
    for (size_t i = 0; i < part->flags.keyword_count; i++)
        keywords[i] = arena_copy(a, part->flags.keywords[i]);
    part->flags.keywords = keywords;
    part->url = arena_copy(a, part->url);
}

/* Holds the literal that is next, and reads on. -E_SYNTAX: it is too large. */
static int hold(struct imap_reader *r, struct problem *problem) WAITS {
    int e = imap_reader_hold(r);
    if (e == -E_LIMIT)
        return problem_set(problem, -E_SYNTAX, "expected %s", r->wrong);
    if (e == 0)
        e = imap_reader_read(r);
    return e;
}

/* A whole command; another thread reads a long one, which takes milliseconds. */
struct parse {
    const struct imap_text *text;
    struct imap_mode mode;
    struct arena *arena;
    struct imap_command *command;
    struct problem *problem;
};

static int run_parse(void *arg) {
    const struct parse *p = arg;
    return imap_parse(p->text, p->mode, p->arena, p->command, p->problem);
}

static int parse(const struct imap_text *text, struct imap_mode mode, struct arena *a,
                 struct imap_command *ret, struct problem *problem) WAITS {
    struct parse p = {text, mode, a, ret, problem};
    return text->bytes.len > PARSED_AT_ONCE ? offload(OFFLOAD_DISK, run_parse, &p) : run_parse(&p);
}

/* Whether the command is one whose literals are not all held. */
static bool may_bring_message(const struct imap_text *text) {
    struct imap_cursor c;
    struct slice tag;
    token_begin(&c, text, NULL);
    if (!token_tag(&c, &tag) || !token_maybe(&c, ' '))
        return false;
    if (token_maybe_word(&c, "UID"))
        (void)token_maybe(&c, ' ');
    return token_maybe_word(&c, "APPEND") || token_maybe_word(&c, "REPLACE");
}

int imap_command_next(struct imap_reader *r, struct imap_mode mode, struct arena *a,
                      struct imap_command *ret, struct problem *problem) {
    struct imap_text text;
    *ret = (struct imap_command){0};
    int e = imap_reader_begin(r);
    if (e == 0)
        e = imap_reader_read(r);
    text = imap_reader_text(r);
    bool brings = e == 1 && !r->wrong && may_bring_message(&text);
    for (unsigned held = 0; e == 1 && !r->wrong; held++) {
        text = imap_reader_text(r);
        if (brings && held <= HEAD_LITERALS && parse(&text, mode, a, ret, problem) == 0)
            break;
        e = hold(r, problem);
    }
    bool refused = r->wrong || e == -E_SYNTAX;
    if (e < 0 && e != -E_SYNTAX && e != -E_REFUSED) {
        *ret = (struct imap_command){0};
        return e;
    }
    text = imap_reader_text(r);
    int parsed = parse(&text, mode, a, ret, problem);
    ret->tag = arena_copy(a, ret->tag);
    if (!refused)
        return parsed;
    (void)problem_set(problem, 0, "expected %s", r->wrong);
    if (e == -E_REFUSED || (r->before_literal && imap_reader_refuse(r) < 0))
        return -E_REFUSED;
    return -E_SYNTAX;
}

int imap_append_next(struct imap_append_place *place, struct imap_reader *r, struct imap_mode mode,
                     struct arena *a, struct imap_append_part *ret, struct problem *problem) {
    int e = place->handed_on ? imap_reader_read(r) : 0;
    size_t failed_at = 0;
    place->handed_on = false;
    for (;;) {
        struct imap_text text = imap_reader_text(r);
        struct imap_cursor c;
        if (e < 0)
            return e;
        if (r->wrong)
            return problem_set(problem, -E_SYNTAX, "expected %s", r->wrong);
        token_begin(&c, &text, a);
        c.utf8_names = mode.utf8_names;
        if (imap_append_take(place, &c, r->before_literal ? &r->literal : NULL, ret)) {
            keep_part(a, ret);
            return 0;
        }
        if (!r->before_literal || c.at <= failed_at) /* the literal before has not helped */
            return imap_problem(&c, problem);
        failed_at = c.at;
        e = hold(r, problem);
    }
}
