/* SPDX-License-Identifier: ISC */
/*
 * The words of which rows of the command line are made, see command.h. A row stands at the end of
 * the file of its command: what it takes, shows and answers, beside the function that does so. For
 * cmd_*.c and commands.c only.
 */
#pragma once

#include "cli/commands.h"

/* An argument's name is what help shows; an option's is what is typed. */
#define ARGUMENT(shown, ...)                                                                       \
    { .name = (shown), .form = CLI_ARGUMENT, __VA_ARGS__ }
#define OPTION(typed, shown, ...)                                                                  \
    { .name = (typed), .form = CLI_OPTION, .value = (shown), __VA_ARGS__ }
#define FLAG(typed, ...)                                                                           \
    { .name = (typed), .form = CLI_FLAG, __VA_ARGS__ }
#define END                                                                                        \
    { .name = NULL }

#define PARAMETERS static const struct cli_parameter
#define EXAMPLES   static const char *const
#define WORDS      static const char *const

/* Exit codes that a command may end with, for its row. */
#define NOT_RUNNING CLI_EXIT_BIT(CLI_NOT_RUNNING)
#define NOT_FOUND   CLI_EXIT_BIT(CLI_NOT_FOUND)
#define REFUSED     CLI_EXIT_BIT(CLI_REFUSED)
#define SETTINGS    CLI_EXIT_BIT(CLI_SETTINGS)
#define BUSY        CLI_EXIT_BIT(CLI_BUSY)

/* ------------------------------------------------------------------ what several commands take */

#define ACCOUNT                                                                                    \
    ARGUMENT("USER@DOMAIN", .offers = CLI_OFFER_ACCOUNTS, .about = N_("the address of the account"))
#define IMPORT_FLAGS                                                                               \
    FLAG("dry-run", .about = N_("only say what would be done")),                                   \
        FLAG("keep-going", .about = N_("take the other lines when some cannot be taken"))
#define FORCE FLAG("force", .about = N_("also when it is the last administrator"))
#define TIMES                                                                                      \
    OPTION("since", "TIME",                                                                        \
           .about = N_("from this time on: 2026-11-29, \"2026-11-29 10:30\", 10:30, today,"        \
                       " yesterday (from 0:00), or 2h, 3d for so long ago")),                      \
        OPTION("until", "TIME", .about = N_("before this time, said in the same ways"))

/* ------------------------------------------------------------------ what several print */

#define JSON_USAGE "\"messages\": number|null, \"bytes\": number|null"
#define JSON_ACCOUNT                                                                               \
    "{\"id\": number, \"address\": text, \"name\": text, \"enabled\": bool, \"admin\": bool, "     \
    "\"password\": text, \"apop\": bool, \"quota\": number|null, " JSON_USAGE                      \
    ", \"shard\": number, \"created\": time, \"last_login\": time|null, \"removed\": time|null, "  \
    "\"kept_until\": time|null}"
#define JSON_IMPORT                                                                                \
    "\"existing\": number, \"dry_run\": bool, \"errors\": [{\"line\": number, \"address\": text, " \
    "\"reason\": text}]"
#define JSON_EVENT                                                                                 \
    "{\"sequence\": number, \"time\": time, \"level\": text, \"role\": text, \"message\": "        \
    "text|null, \"kind\": text, \"text\": text, \"facts\": {}}"
