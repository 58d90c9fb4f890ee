/* SPDX-License-Identifier: ISC */
/*
 * One table: each command with the form of its arguments and the sentence for those who get it
 * wrong. A command more is a line in the enum, a line here, and a function in login.c or session.c.
 */
#include "pop3/command.h"

enum form { NOTHING, REST, MAYBE_REST, NAME_DIGEST, MECHANISM, NUMBER, MAYBE_NUMBER, NUMBER_LINES };

static const struct verb {
    const char *name;
    enum form form;
    const char *usage;
} verbs[POP3_VERBS] = {
    [POP3_APOP] = {"APOP", NAME_DIGEST, "APOP takes a name and a digest"},
    [POP3_AUTH] = {"AUTH", MECHANISM, "AUTH takes a mechanism and perhaps a first response"},
    [POP3_CAPA] = {"CAPA", NOTHING, "CAPA takes no argument"},
    [POP3_DELE] = {"DELE", NUMBER, "DELE takes the number of a message"},
    [POP3_LANG] = {"LANG", MAYBE_REST, "LANG takes a language, or nothing"},
    [POP3_LIST] = {"LIST", MAYBE_NUMBER, "LIST takes the number of a message, or nothing"},
    [POP3_NOOP] = {"NOOP", NOTHING, "NOOP takes no argument"},
    [POP3_PASS] = {"PASS", REST, "PASS takes a password"},
    [POP3_QUIT] = {"QUIT", NOTHING, "QUIT takes no argument"},
    [POP3_RETR] = {"RETR", NUMBER, "RETR takes the number of a message"},
    [POP3_RSET] = {"RSET", NOTHING, "RSET takes no argument"},
    [POP3_STAT] = {"STAT", NOTHING, "STAT takes no argument"},
    [POP3_STLS] = {"STLS", NOTHING, "STLS takes no argument"},
    [POP3_TOP] = {"TOP", NUMBER_LINES, "TOP takes the number of a message and a count of lines"},
    [POP3_UIDL] = {"UIDL", MAYBE_NUMBER, "UIDL takes the number of a message, or nothing"},
    [POP3_USER] = {"USER", REST, "USER takes a name"},
    [POP3_UTF8] = {"UTF8", NOTHING, "UTF8 takes no argument"},
};

struct slice pop3_verb_name(enum pop3_verb verb) {
    return slice_of_str(verbs[verb].name);
}

/* Digits only; what does not fit is the largest number, and so no message and all lines. */
static bool read_number(struct slice text, uint32_t *ret) {
    uint64_t number;
    int r = slice_to_u64(text, UINT32_MAX, &number);
    if (r == -E_LIMIT)
        number = UINT32_MAX;
    else if (r < 0)
        return false;
    *ret = (uint32_t)number;
    return true;
}

/* Cuts the word before the first space; true when it is not empty. */
static bool cut_word(struct slice *rest, struct slice *ret) {
    ssize_t space = slice_find_byte(*rest, ' ');
    size_t len = space < 0 ? rest->len : (size_t)space;
    *ret = slice_first(*rest, len);
    *rest = slice_from(*rest, len + 1);
    return len > 0;
}

static bool read_numbers(struct slice rest, enum form form, struct pop3_command *c) {
    struct slice word;
    if (form == MAYBE_NUMBER && rest.len == 0)
        return true;
    if (!cut_word(&rest, &word) || !read_number(word, &c->number))
        return false;
    c->has_number = true;
    if (form == NUMBER_LINES && (!cut_word(&rest, &word) || !read_number(word, &c->lines)))
        return false;
    return rest.len == 0;
}

static bool read_arguments(struct slice rest, enum form form, struct pop3_command *c) {
    ssize_t space;
    switch (form) {
    case NOTHING:
        return rest.len == 0;
    case MAYBE_REST:
        c->text = rest;
        return true;
    case REST:
        c->text = rest;
        return rest.len > 0;
    case NAME_DIGEST: /* the name of APOP may have spaces; the digest is the last word */
        space = slice_rfind_byte(rest, ' ');
        if (space <= 0 || (size_t)space + 1 == rest.len)
            return false;
        c->text = slice_first(rest, (size_t)space);
        c->more = slice_from(rest, (size_t)space + 1);
        return true;
    case MECHANISM: /* AUTH alone is the question for mechanisms that some programs still ask */
        if (rest.len == 0)
            return true;
        if (!cut_word(&rest, &c->text))
            return false;
        if (rest.len > 0)
            c->more = rest;
        return slice_find_byte(rest, ' ') < 0;
    default:
        return read_numbers(rest, form, c);
    }
}

int pop3_parse(struct slice line, struct pop3_command *ret, struct problem *problem) {
    if (slice_ends(line, S("\n")))
        line.len--;
    if (slice_ends(line, S("\r")))
        line.len--;
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.ptr[i];
        if (c < ' ' || c == 127)
            return problem_set(problem, -E_SYNTAX,
                               "control characters are not allowed in a command");
    }
    struct slice rest = line, word;
    (void)cut_word(&rest, &word);
    for (enum pop3_verb verb = 0; verb < POP3_VERBS; verb++) {
        if (!slice_eq_nocase(word, pop3_verb_name(verb)))
            continue;
        struct pop3_command c = {.verb = verb};
        if (verb != POP3_PASS)
            while (slice_ends(rest, S(" ")))
                rest.len--;
        if (!read_arguments(rest, verbs[verb].form, &c))
            return problem_set(problem, -E_SYNTAX, "%s", verbs[verb].usage);
        *ret = c;
        return 0;
    }
    return problem_set(problem, -E_UNKNOWN, "unknown command");
}
