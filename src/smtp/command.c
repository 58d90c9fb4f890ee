/* SPDX-License-Identifier: ISC */
/*
 * One table of commands: name, whether an argument may or must follow, usage for HELP. A command
 * whose argument has a grammar of its own has a parser below, which walks a cursor over the line
 * and, where it stops, knows the place and what would have been right.
 *
 * The parsers are as strict as the RFC with four kindnesses that nobody can be deceived by: verbs
 * and keywords in any case, blanks at the end of a line, blanks behind "FROM:" and "TO:", and an IP
 * address without its brackets in HELO and EHLO, which is what printers and cameras say.
 * Which odd addresses are taken is the message floor's decision (ADDRESS_LOOSE).
 */
#include "smtp/command.h"

#include <errno.h>

#include "smtp/parameter.h"

enum argument_rule { ARGUMENT_NONE, ARGUMENT_MAY, ARGUMENT_MUST };

static const struct verb {
    struct slice name;
    enum argument_rule rule;
    bool eight_bit; /* bytes above 127 are for the command's own parser to answer */
    const char *usage;
} verbs[SMTP_VERB_COUNT] = {
    [SMTP_VERB_UNKNOWN] = {S(""), ARGUMENT_MAY, false, NULL},
    [SMTP_VERB_HELO] = {S("HELO"), ARGUMENT_MUST, true, "HELO hostname"},
    [SMTP_VERB_EHLO] = {S("EHLO"), ARGUMENT_MUST, true, "EHLO hostname"},
    [SMTP_VERB_MAIL] = {S("MAIL"), ARGUMENT_MUST, true, "MAIL FROM:<sender> [parameters]"},
    [SMTP_VERB_RCPT] = {S("RCPT"), ARGUMENT_MUST, true, "RCPT TO:<recipient> [parameters]"},
    [SMTP_VERB_DATA] = {S("DATA"), ARGUMENT_NONE, false, "DATA"},
    [SMTP_VERB_RSET] = {S("RSET"), ARGUMENT_NONE, false, "RSET"},
    [SMTP_VERB_NOOP] = {S("NOOP"), ARGUMENT_MAY, false, "NOOP"},
    [SMTP_VERB_QUIT] = {S("QUIT"), ARGUMENT_NONE, false, "QUIT"},
    [SMTP_VERB_HELP] = {S("HELP"), ARGUMENT_MAY, false, "HELP [command]"},
    [SMTP_VERB_VRFY] = {S("VRFY"), ARGUMENT_MUST, false, "VRFY address"},
    [SMTP_VERB_EXPN] = {S("EXPN"), ARGUMENT_MUST, false, NULL},
    [SMTP_VERB_ETRN] = {S("ETRN"), ARGUMENT_MUST, false, NULL},
    [SMTP_VERB_STARTTLS] = {S("STARTTLS"), ARGUMENT_NONE, false, "STARTTLS"},
    [SMTP_VERB_AUTH] = {S("AUTH"), ARGUMENT_MUST, false, "AUTH mechanism [initial response]"},
};

const char *smtp_verb_name(enum smtp_verb verb) {
    return verbs[verb].name.ptr;
}

const char *smtp_verb_usage(enum smtp_verb verb) {
    return verbs[verb].usage;
}

enum smtp_verb smtp_verb_find(struct slice word) {
    for (unsigned i = SMTP_VERB_UNKNOWN + 1; i < SMTP_VERB_COUNT; i++)
        if (slice_eq_nocase(word, verbs[i].name))
            return (enum smtp_verb)i;
    return SMTP_VERB_UNKNOWN;
}

struct smtp_reply smtp_fault_reply(const struct smtp_fault *fault, struct arena *a) {
    return (struct smtp_reply){
        .code = fault->code,
        .status = fault->status,
        .text = arena_printf(a, "Column %zu: %s", fault->at + 1, fault->expected),
    };
}

/* ------------------------------------------------------------------ the line */

static int line_fault(struct smtp_fault *fault, size_t at, const char *expected) {
    *fault = (struct smtp_fault){500, {5, 5, 2}, at, expected};
    return -E_SYNTAX;
}

static int check_bytes(struct slice line, struct smtp_fault *fault) {
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.ptr[i];
        if (c == '\r' || c == '\n')
            return line_fault(fault, i, "CR and LF stand at the end of the line only");
        if (c == 0)
            return line_fault(fault, i, "a line has no NUL byte");
    }
    return 0;
}

int smtp_command_parse(struct slice line, struct smtp_command *ret, struct smtp_fault *fault) {
    if (!slice_ends(line, S("\r\n")))
        return line_fault(fault, line.len ? line.len - 1 : 0, "a line ends with CR and LF");
    line.len -= 2;
    int r = check_bytes(line, fault);
    if (r < 0)
        return r;

    struct smtp_command c = {.line = line};
    size_t end = 0;
    while (end < line.len && line.ptr[end] != ' ' && line.ptr[end] != '\t')
        end++;
    c.word = slice_first(line, end);
    c.argument = slice_trim(slice_from(line, end));
    c.verb = smtp_verb_find(c.word);
    const struct verb *verb = &verbs[c.verb];
    for (size_t i = 0; i < line.len && !verb->eight_bit; i++)
        if ((unsigned char)line.ptr[i] > 127)
            return line_fault(fault, i, "only ASCII characters are allowed here");

    *fault = (struct smtp_fault){501, {5, 5, 4}, c.word.len, NULL};
    if (verb->rule == ARGUMENT_NONE && c.argument.len)
        fault->expected = "this command has no argument";
    if (verb->rule == ARGUMENT_MUST && !c.argument.len)
        fault->expected = "this command has an argument";
    if (fault->expected)
        return -E_SYNTAX;
    *ret = c;
    return 0;
}

/* ------------------------------------------------------------------ HELO and EHLO */

/*
 * Underscores and a dot at the end occur in the wild and are taken. Whether the name is true is not
 * asked (RFC 5321 §4.1.4).
 */
int smtp_hello_parse(const struct smtp_command *c, struct arena *a, struct slice *ret_name,
                     struct smtp_fault *fault) {
    struct slice name = c->argument;
    struct text_fault at = {0, "an address literal is [192.0.2.1] or [IPv6:2001:db8::1]"};
    int r;
    if (name.ptr[0] == '[')
        r = domain_literal(a, name, ret_name);
    else if ((r = domain_check(name, DOMAIN_UNDERSCORE | DOMAIN_TRAILING_DOT, &at)) == 0)
        *ret_name = name;
    if (r == 0)
        return 0;
    /* An IP address without its brackets is read as the literal that is meant. */
    const char *tag = slice_find_byte(name, ':') >= 0 ? "IPv6:" : "";
    if (domain_literal(a, arena_printf(a, "[%s%.*s]", tag, SLICE_ARG(name)), ret_name) == 0)
        return 0;
    size_t start = (size_t)(name.ptr - c->line.ptr);
    *fault = (struct smtp_fault){501, {5, 5, 4}, start + at.at, at.expected};
    return -E_SYNTAX;
}

/* ------------------------------------------------------------------ MAIL and RCPT */

static int keyword(const struct smtp_command *c, struct slice word, const char *expected,
                   struct slice *ret_rest, struct smtp_fault *fault) {
    if (slice_starts_nocase(c->argument, word)) {
        *ret_rest = slice_trim(slice_from(c->argument, word.len));
        return 0;
    }
    *fault = (struct smtp_fault){501, {5, 5, 4}, (size_t)(c->argument.ptr - c->line.ptr), expected};
    return -E_SYNTAX;
}

/*
 * What an address that cannot be read is answered with: RFC 3463 keeps x.1.3 and x.1.7 for bad
 * addresses, RFC 6531 §3.5 keeps 553 5.6.7 for those that need SMTPUTF8.
 */
static void path_fault(struct smtp_fault *fault, int error, bool is_sender, size_t at,
                       const char *expected) {
    *fault = (struct smtp_fault){501, {5, 1, is_sender ? 7 : 3}, at, expected};
    if (error == -EILSEQ) {
        fault->code = 553;
        fault->status = (struct smtp_status){5, 6, 7};
    }
}

int smtp_mail_parse(const struct smtp_command *c, struct arena *a, struct smtp_mail *ret,
                    struct smtp_fault *fault) {
    struct smtp_mail mail = {0};
    struct slice path, rest;
    struct text_fault at = {0};
    int r = keyword(c, S("FROM:"), "the command is MAIL FROM:<address>", &path, fault);
    if (r < 0)
        return r;
    r = address_parse_reverse_path(a, path, ADDRESS_LOOSE, &mail.sender, &rest, &at);
    if (r < 0) {
        path_fault(fault, r, true, (size_t)(path.ptr - c->line.ptr) + at.at, at.expected);
        return -E_SYNTAX;
    }
    r = smtp_mail_parameters(c, rest, a, &mail, fault);
    if (r < 0)
        return r;
    *ret = mail;
    return 0;
}

int smtp_rcpt_parse(const struct smtp_command *c, struct arena *a, struct smtp_rcpt *ret,
                    struct smtp_fault *fault) {
    struct smtp_rcpt rcpt = {0};
    struct slice path, rest;
    struct text_fault at = {0};
    int r = keyword(c, S("TO:"), "the command is RCPT TO:<address>", &path, fault);
    if (r < 0)
        return r;
    r = address_parse_forward_path(a, path, ADDRESS_LOOSE, &rcpt.recipient, &rest, &at);
    if (r < 0) {
        path_fault(fault, r, false, (size_t)(path.ptr - c->line.ptr) + at.at, at.expected);
        return -E_SYNTAX;
    }
    r = smtp_rcpt_parameters(c, rest, a, &rcpt, fault);
    if (r < 0)
        return r;
    *ret = rcpt;
    return 0;
}

/* ------------------------------------------------------------------ AUTH */

#define MECHANISM_MAX 20U /* RFC 4422 §3.1 */

int smtp_auth_parse(const struct smtp_command *c, struct smtp_auth *ret, struct smtp_fault *fault) {
    struct slice rest = c->argument;
    struct smtp_auth auth = {0};
    size_t start = (size_t)(rest.ptr - c->line.ptr), len = 0;
    while (len < rest.len && (ascii_is_alpha(rest.ptr[len]) || ascii_is_digit(rest.ptr[len]) ||
                              slice_find_byte(S("-_"), rest.ptr[len]) >= 0))
        len++;
    bool ends = len == rest.len || rest.ptr[len] == ' ';
    if (len == 0 || len > MECHANISM_MAX || !ends) {
        *fault = (struct smtp_fault){
            501, {5, 5, 4}, start + MIN(len, MECHANISM_MAX), "the name of a mechanism stands here"};
        return -E_SYNTAX;
    }
    auth.mechanism = slice_first(rest, len);
    rest = slice_trim(slice_from(rest, len));
    if (slice_find_byte(rest, ' ') >= 0 || slice_find_byte(rest, '\t') >= 0) {
        *fault = (struct smtp_fault){
            501, {5, 5, 4}, start + len, "one initial response follows the mechanism"};
        return -E_SYNTAX;
    }
    if (rest.len)
        auth.initial = rest;
    *ret = auth;
    return 0;
}
