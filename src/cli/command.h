/* SPDX-License-Identifier: ISC */
/*
 * The command line as a table: what commands there are, what each one takes, does and answers. The
 * parser, --help, the man page, completion in the shell and the tests read the same rows. A row
 * stands beside its function (row.h), and commands.c lists them. Sentences are marked with N_() and
 * shown in the language of the user.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/words.h"

/* What the program ends with: a promise to scripts, printed in the man page. */
enum cli_exit {
    CLI_OK,
    CLI_FAILED,
    CLI_USAGE,
    CLI_NOT_RUNNING,
    CLI_NOT_FOUND,
    CLI_REFUSED,
    CLI_SETTINGS,
    CLI_BUSY,
    CLI_EXITS,
};
#define CLI_EXIT_BIT(exit) (1U << (exit))

/* What a word may be; also how the shell completes it. */
enum cli_kind {
    CLI_TEXT,    /* anything; what it means is checked by whoever knows */
    CLI_NUMBER,  /* decimal digits within `min` .. `max` */
    CLI_SIZE,    /* 500000, 64K, 2G, none (format_parse_size) */
    CLI_MESSAGE, /* the id of a message, 13 characters */
    CLI_PATH,    /* a file or directory */
    CLI_CHOICE,  /* one of a list; its number is its place there */
};

enum cli_form {
    CLI_FLAG,     /* --admin */
    CLI_OPTION,   /* --name TEXT */
    CLI_ARGUMENT, /* a word by its place */
};

/* What there is that an argument may be; the shell asks for it. */
enum cli_offer {
    CLI_OFFER_NOTHING,
    CLI_OFFER_ACCOUNTS,
    CLI_OFFER_REMOVED, /* accounts that can be brought back */
    CLI_OFFER_DOMAINS,
    CLI_OFFER_ALIASES,
    CLI_OFFER_MESSAGES, /* in the queue */
    CLI_OFFER_SETTINGS,
    CLI_OFFER_MAILBOXES, /* of the account that is the first argument */
    CLI_OFFERS,
};

struct cli_parameter {
    const char *name;  /* "count"; of an argument as help shows it: "USER@DOMAIN" */
    const char *value; /* CLI_OPTION: how help calls what follows, "N" */
    const char *about; /* a phrase without a full stop at its end */
    enum cli_form form;
    enum cli_kind kind;
    enum cli_offer offers;
    uint64_t min, max;          /* CLI_NUMBER; max 0: any */
    const char *const *choices; /* CLI_CHOICE; NULL behind the last */
    char short_name;            /* -f; 0: none */
    bool optional;              /* CLI_ARGUMENT */
    bool required;              /* CLI_OPTION */
    bool many;                  /* the last argument, or an option, may stand for several */
};

/* What the program does before it calls a command's function. */
enum cli_stage {
    CLI_ALONE,  /* nothing */
    CLI_READS,  /* finds the state directory and reads the settings */
    CLI_SERVES, /* the same; what it prints is the log of a process, and stays English */
};

struct cli;

/*
 * What a command prints with --json is said in JSON itself, with the type where a value stands:
 * text, number, bool, time (RFC 3339, UTC); "|null" behind those that may be missing, "?" behind
 * the name of a member that is not always there. Of an array it shows one element. tests/cli holds
 * the commands to it.
 */
struct cli_command {
    const char *name;                       /* "account add" */
    const char *about;                      /* a sentence */
    const char *more;                       /* a further paragraph, or NULL */
    bool offline;                           /* works also while the server does not run */
    const struct cli_parameter *parameters; /* name NULL behind the last; may be NULL */
    const char *const *examples;            /* "account add ..."; NULL behind the last; or NULL */
    const char *json;                       /* what --json prints, see below; NULL: nothing */
    unsigned exits;                         /* CLI_EXIT_BIT()s besides ok, failed, usage */
    enum cli_stage stage;
    /* One of the two, which gives an exit code; a row that only names a group has neither. */
    int (*run)(struct cli *cli);
    int (*run_in_fiber)(struct cli *cli) WAITS;
};

/*
 * All commands. Whoever reads the table gets it from its caller: its rows name the functions of the
 * commands, which may be above the reader.
 */
struct cli_table {
    const struct cli_command *const *commands; /* in the order in which they are shown */
    size_t count;
    const struct cli_parameter *globals; /* that every command takes; NULL behind the last */
    const char *const *exits;            /* CLI_EXITS texts: what each exit code means */
};

/* The row of this name, or NULL. A group has a row of its own ("account"). */
const struct cli_command *cli_command_find(const struct cli_table *table, struct slice name);

/* Whether the row only names a group. */
bool cli_command_is_group(const struct cli_command *c);

/* Whether `c` belongs to this group. */
bool cli_command_is_in(const struct cli_command *c, const struct cli_command *group);

/* ------------------------------------------------------------------ parsing */

struct cli_given {
    const struct cli_parameter *parameter;
    struct slice text; /* with a NUL behind; of a flag: empty */
    uint64_t number;   /* number, size, message, choice */
};

struct cli_call {
    const struct cli_table *table;
    const struct cli_command *command; /* NULL when none was named (help, version) */
    bool help, version, json, wide;
    const char *directory; /* -C; NULL: not given */
    struct cli_given *given;
    size_t count;
};

/*
 * Reads the words behind the program's name; they outlive the call. Pure. 0, or -E_SYNTAX with a
 * sentence; then `ret->command` is the command at fault when it is known. With --help or --version
 * nothing else needs to be complete.
 */
int cli_parse(const struct cli_table *table, int count, char *const *words, struct arena *a,
              struct cli_call *ret, struct problem *problem);

/*
 * What was given for a parameter of the command, by its name; asking for one that the command does
 * not have is a mistake in the program.
 */
bool cli_has(const struct cli_call *call, const char *name);
struct slice cli_text(const struct cli_call *call, const char *name); /* ptr NULL: not given */
uint64_t cli_number(const struct cli_call *call, const char *name, uint64_t otherwise);

/* All of them, in the arena. */
const struct slice *cli_texts(const struct cli_call *call, const char *name, struct arena *a,
                              size_t *ret_count);
