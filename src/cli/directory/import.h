/* SPDX-License-Identifier: ISC */
/*
 * What `account import` and `alias import` have in common: the file, its lines that cannot be taken
 * and how those are said, and the order of things: all is tried, then, unless a line is wrong, all
 * is done.
 */
#pragma once

#include "base/map.h"
#include "cli/cli.h"
#include "cli/directory/directory_access.h"
#include "cli/directory/import_text.h"

#define IMPORT_FILE_MAX ((size_t)16 << 20)

/* An account or alias of the file. */
struct import_entry {
    size_t line;
    struct slice address;
    bool bad;    /* it is among the errors */
    bool exists; /* it was there before */
    bool done;   /* it is there now */
};

struct import_error {
    size_t line;
    struct slice address; /* as far as known */
    const char *reason;
};

struct import {
    struct cli *c;
    const char *name; /* of the file, as it is shown */
    struct buf file;
    struct import_text text;
    struct import_entry *entries; /* room for one on each line of the file */
    size_t count;
    struct buf errors; /* struct import_error */
    struct map lines;  /* canonical address -> struct import_entry */
};

/* Reads the FILE of the call, "-": standard input. Blocks. */
int import_begin(struct cli *c, struct import *ret, struct problem *problem);
void import_done(struct import *in); /* wipes what was read */

/*
 * The entry for what was read last, at the end of the list. NULL when its address is none, is too
 * long or was there before in the file: that is among the errors then.
 */
struct import_entry *import_add(struct import *in, struct slice address);
void import_add_error(struct import *in, size_t line, struct slice address,
                      const struct problem *problem);

/* Asks for some of the entries, by their places in the list: access_account_import() and so on. */
typedef int import_send(void *arg, struct directory_access *x, const size_t *places, size_t count,
                        bool trial, struct import_result *ret, struct problem *problem) WAITS;

/*
 * Tries all entries, `most` at a time, and does them: without --dry-run, and when there is no error
 * or with --keep-going. Negative: it could not be done, or only for the entries that are `done`.
 */
int import_carry_out(struct import *in, struct directory_access *x, import_send *send, void *arg,
                     size_t most, struct problem *problem) WAITS;

/* How many entries are done, or with --dry-run would be; and how many were there. */
void import_count(const struct import *in, size_t *ret_done, size_t *ret_exist);

/* Says the errors on standard error, in the order of their lines; the exit code. */
int import_print_errors(struct import *in);

/* What came of it, onto `out`: `would` with --dry-run, else `did`, each with the number of those.
 */
void import_print_done(struct import *in, const char *would, const char *did);

/* The members "existing", "dry_run" and "errors". */
void import_json(struct import *in, struct json *j);
