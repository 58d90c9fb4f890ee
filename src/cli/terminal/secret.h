/* SPDX-License-Identifier: ISC */
/*
 * Where passwords come from: never from the command line, where every user of the machine could
 * read them.
 */
#pragma once

#include "auth/password.h"
#include "cli/cli.h"

#define SECRET_SIZE (PASSWORD_MAX + 1U)

/* What is asked for. */
enum secret_kind {
    SECRET_PASSWORD,
    SECRET_PASSWORD_OR_HASH, /* of a command that has --password-hash-stdin as well */
    SECRET_APOP,
};

struct secret {
    char text[SECRET_SIZE];
    size_t len;
    bool generated;
};

void secret_wipe(struct secret *s);

/*
 * By the options of the call: --password-stdin reads the first line of standard input (and so does
 * --password-hash-stdin, after which the caller takes it for a hash), --generate makes one; without
 * either asks twice on the terminal, without echo. Blocks. -E_SYNTAX when it is empty, too long, or
 * the two differ; -ENOTTY when there is no terminal to ask on.
 */
int secret_get(const struct cli *c, enum secret_kind kind, struct secret *ret,
               struct problem *problem);

/* Four groups of five letters and digits, 100 bits. */
void secret_generate(struct secret *ret);

static inline struct slice secret_slice(const struct secret *s) {
    return slice_of(s->text, s->len);
}
