/* SPDX-License-Identifier: ISC */
/* A command line, and the parser of its argument. */
#include "smtp/command.h"

static void check_fault(const struct smtp_fault *fault, struct slice line, struct arena *a) {
    MUST(fault->code >= 500 && fault->code < 600 && fault->expected && fault->at <= line.len);
    (void)smtp_fault_reply(fault, a);
}

static int parse_argument(const struct smtp_command *c, struct arena *a, struct smtp_fault *fault) {
    struct slice name;
    struct smtp_mail mail;
    struct smtp_rcpt rcpt;
    struct smtp_auth auth;
    switch (c->verb) {
    case SMTP_VERB_HELO:
    case SMTP_VERB_EHLO:
        return smtp_hello_parse(c, a, &name, fault);
    case SMTP_VERB_MAIL:
        return smtp_mail_parse(c, a, &mail, fault);
    case SMTP_VERB_RCPT:
        return smtp_rcpt_parse(c, a, &rcpt, fault);
    case SMTP_VERB_AUTH:
        return smtp_auth_parse(c, &auth, fault);
    default:
        return 0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    struct slice line = slice_of(bytes, len);
    struct arena a = {0};
    struct smtp_command c;
    struct smtp_fault fault = {0};
    if (smtp_command_parse(line, &c, &fault) < 0 || parse_argument(&c, &a, &fault) < 0)
        check_fault(&fault, line, &a);
    arena_done(&a);
    return 0;
}
