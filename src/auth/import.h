/* SPDX-License-Identifier: ISC */
/*
 * Hashes that come along from another system: /etc/shadow, or a passdb of Dovecot with its scheme
 * in braces before the hash. What one login may cost is bounded here, since whoever made the hash
 * has chosen its rounds and its memory.
 */
#pragma once

#include "auth/password.h"

/*
 * The hash without its scheme, when password_verify() can read it. -E_SYNTAX: it is of another
 * kind, cut short, or of an account that was locked; -E_LIMIT: it costs too much. Each with a
 * sentence, in which there is nothing of the hash but its kind.
 */
int password_import(struct slice text, char hash[static PASSWORD_HASH_MAX],
                    struct problem *problem);
