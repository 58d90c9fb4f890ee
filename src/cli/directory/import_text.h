/* SPDX-License-Identifier: ISC */
/*
 * The files in which other mail systems keep accounts and aliases, read line by line. Pure, in
 * linear time; what is found borrows from the text, or is in the arena.
 *
 * Accounts, one on a line; empty lines and those that begin with "#" are left out:
 *
 *     USER:HASH:UID:GID:NAME:HOME:SHELL:EXTRA    passwd-file of Dovecot, vpasswd of vpopmail,
 *                                                /etc/shadow; fields at the end may be missing
 *     USER <tab> HASH <tab> NAME <tab> QUOTA     the rows that a database prints
 *     USER                                       a list of addresses
 *
 * Aliases, as in /etc/aliases (aliases(5)) or a table of virtual aliases (virtual(5)); a line that
 * begins with a blank goes on with the one before:
 *
 *     NAME: TARGET, TARGET
 *     ADDRESS TARGET TARGET
 *
 * A name without "@" gets the domain that was said.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

struct import_text {
    struct slice rest;
    struct slice domain; /* empty: none was said */
    struct arena *arena;
    size_t line; /* of what was read last, from 1 */
    size_t next; /* lines read so far */
};

void import_text_begin(struct import_text *t, struct slice text, struct slice domain,
                       struct arena *a);

struct import_account {
    struct slice address;
    struct slice name;  /* of the person */
    struct slice hash;  /* with its {SCHEME}, or */
    struct slice plain; /* a password; neither: there is none */
    uint64_t quota;     /* 0: none */
    bool locked;        /* nobody can log in: "*", "!", "x", or a hash behind a "!" */
};

/*
 * The next one: 1; 0: there is no other; negative with a sentence: this one cannot be read, and the
 * next call goes on behind it. `ret->address` says whose it is, or is empty.
 */
int import_text_account(struct import_text *t, struct import_account *ret, struct problem *problem);

struct import_alias {
    struct slice address;
    struct slice *targets;
    size_t count;
};
int import_text_alias(struct import_text *t, struct import_alias *ret, struct problem *problem);
