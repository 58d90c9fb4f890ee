/* SPDX-License-Identifier: ISC */
/*
 * The table of commands. Help, man page and completion print these sentences as they stand here, in
 * this order. An argument's name is what help shows; an option's is what is typed.
 */
#include "cli/commands.h"

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

#define NOT_RUNNING CLI_EXIT_BIT(CLI_NOT_RUNNING)
#define NOT_FOUND   CLI_EXIT_BIT(CLI_NOT_FOUND)
#define REFUSED     CLI_EXIT_BIT(CLI_REFUSED)
#define SETTINGS    CLI_EXIT_BIT(CLI_SETTINGS)
#define BUSY        CLI_EXIT_BIT(CLI_BUSY)

WORDS roles[] = {"master", "edge",     "directory", "keys",   "queue",
                 "relay",  "resolver", "mail",      "events", NULL};
WORDS yes_no[] = {"no", "yes", NULL};
WORDS hash_costs[] = {"normal", "min", NULL};
WORDS manuals[] = {"hayauma", "hayauma.conf", NULL};
WORDS shells[] = {"bash", "zsh", NULL};

static const struct cli_parameter globals[] = {
    OPTION("directory", "DIR", .short_name = 'C', .kind = CLI_PATH,
           .about = N_("the state directory of the mail server; without it, the data-directory of"
                       " /etc/hayauma/hayauma.conf")),
    FLAG("json", .about = N_("print JSON for programs instead of tables for people")),
    FLAG("wide", .about = N_("on a terminal too, leave nothing out and wrap nothing to fit its"
                             " width")),
    FLAG("help", .short_name = 'h', .about = N_("say what the command does and takes")),
    FLAG("version", .short_name = 'V', .about = N_("print the version")),
    END,
};

/* ------------------------------------------------------------------ the whole server */

PARAMETERS check_parameters[] = {
    FLAG("no-dns", .about = N_("leave out what DNS has to be asked for")),
    {0},
};

PARAMETERS init_parameters[] = {
    ARGUMENT("DIR", .kind = CLI_PATH, .about = N_("the state directory to make; new or empty")),
    OPTION("hostname", "NAME", .required = true,
           .about = N_("the full name of this host, as its MX record has it")),
    OPTION("domain", "NAME", .required = true, .many = true,
           .about = N_("a domain whose mail this host receives; may be several")),
    OPTION("listen", "ADDR", .many = true,
           .about = N_("an address to listen on; without it, all addresses")),
    OPTION("port-offset", "N", .kind = CLI_NUMBER, .max = 64000,
           .about = N_("added to every port: 2500 makes port 25 to 2525")),
    OPTION("dns", "ADDR:PORT", .many = true,
           .about = N_("a name server to ask, believed without DNSSEC (dns.dnssec no); without "
                       "it, those of /etc/resolv.conf")),
    END,
};
EXAMPLES init_examples[] = {
    "hayauma init /var/lib/hayauma --hostname mail.example.jp --domain example.jp",
    "hayauma init ~/post --hostname mail.example.test --domain example.test --listen 127.0.0.1"
    " --port-offset 20000",
    NULL,
};

/* ------------------------------------------------------------------ the directory */

PARAMETERS domain_add_parameters[] = {
    ARGUMENT("DOMAIN", .about = N_("the domain")),
    OPTION("alias-of", "DOMAIN", .about = N_("make it another name for this domain of the host")),
    END,
};
EXAMPLES domain_add_examples[] = {
    "hayauma domain add example.jp",
    "hayauma domain add example.com --alias-of example.jp",
    NULL,
};
PARAMETERS domain_parameters[] = {
    ARGUMENT("DOMAIN", .offers = CLI_OFFER_DOMAINS, .about = N_("the domain")), END};
PARAMETERS domain_catch_all_parameters[] = {
    ARGUMENT("DOMAIN", .offers = CLI_OFFER_DOMAINS, .about = N_("the domain")),
    ARGUMENT("ADDRESS|none", .about = N_("who gets what nobody else gets")),
    END,
};

PARAMETERS account_add_parameters[] = {
    ARGUMENT("USER@DOMAIN", .about = N_("the address of the account")),
    FLAG("password-stdin", .about = N_("read the password from the first line of standard input")),
    FLAG("password-hash-stdin",
         .about = N_("read a password hash of another system from there: of crypt(3) or Argon2id,"
                     " also with the {SCHEME} of Dovecot")),
    FLAG("generate", .about = N_("make a good password and print it")),
    FLAG("no-password", .about = N_("make an account that nobody can log in to yet")),
    OPTION("name", "TEXT", .about = N_("the name of the person")),
    OPTION("quota", "SIZE", .kind = CLI_SIZE, .about = N_("how much the mailbox may hold")),
    FLAG("admin",
         .about = N_("make it an administrator, who gets the mail to postmaster and abuse")),
    FLAG("disabled", .about = N_("make it disabled")),
    FLAG("force-weak", .about = N_("take a password that is easily guessed all the same")),
    OPTION("count", "N", .kind = CLI_NUMBER, .min = 1, .max = 1000000,
           .about = N_("make N accounts; USER holds %d or %03d, which becomes 0, 1, 2 and so on")),
    OPTION("first", "N", .kind = CLI_NUMBER, .max = 1000000000,
           .about = N_("number from N instead")),
    OPTION("hash-cost", "COST", .kind = CLI_CHOICE, .choices = hash_costs,
           .about = N_("normal, or min for tests: any password is taken, none is protected")),
    END,
};
EXAMPLES account_add_examples[] = {
    "hayauma account add tama@example.jp --name 'Tama Suzuki' --admin",
    "echo \"$secret\" | hayauma account add user%03d@example.test --password-stdin --count 500",
    NULL,
};
#define IMPORT_FLAGS                                                                               \
    FLAG("dry-run", .about = N_("only say what would be done")),                                   \
        FLAG("keep-going", .about = N_("take the other lines when some cannot be taken"))
PARAMETERS account_import_parameters[] = {
    ARGUMENT("FILE", .kind = CLI_PATH,
             .about = N_("one account on each line; - for standard input")),
    OPTION("domain", "DOMAIN", .about = N_("the domain of names without one")),
    FLAG("generate",
         .about = N_("make a password for each account whose own cannot come along, and print it")),
    FLAG("force-weak", .about = N_("take passwords that are easily guessed all the same")),
    IMPORT_FLAGS,
    END,
};
EXAMPLES account_import_examples[] = {
    "hayauma account import /root/users.passwd --dry-run",
    "hayauma account import /etc/shadow --domain example.jp",
    "cut -f 1 /root/members.tsv | hayauma account import - --generate",
    NULL,
};
PARAMETERS alias_import_parameters[] = {
    ARGUMENT("FILE", .kind = CLI_PATH, .about = N_("the aliases; - for standard input")),
    OPTION("domain", "DOMAIN", .about = N_("the domain of names without one")),
    IMPORT_FLAGS,
    END,
};
EXAMPLES alias_import_examples[] = {"hayauma alias import /etc/aliases --domain example.jp", NULL};
PARAMETERS account_list_parameters[] = {
    ARGUMENT("DOMAIN", .offers = CLI_OFFER_DOMAINS, .optional = true,
             .about = N_("only accounts of this domain")),
    OPTION("after", "ID", .kind = CLI_NUMBER, .about = N_("only accounts with a greater number")),
    OPTION("limit", "N", .short_name = 'n', .kind = CLI_NUMBER, .min = 1,
           .about = N_("at most so many")),
    FLAG("removed", .about = N_("those that were removed and can still be brought back")),
    END,
};
PARAMETERS account_parameters[] = {
    ARGUMENT("USER@DOMAIN", .offers = CLI_OFFER_ACCOUNTS,
             .about = N_("the address of the account")),
    END,
};
PARAMETERS account_send_as_parameters[] = {
    ARGUMENT("USER@DOMAIN", .offers = CLI_OFFER_ACCOUNTS,
             .about = N_("the address of the account")),
    ARGUMENT("ADDRESS|any|own", .optional = true, .many = true,
             .about = N_("these addresses, any, or no others; @example.jp is all of a domain")),
    END,
};
PARAMETERS account_limits_parameters[] = {
    ARGUMENT("USER@DOMAIN", .offers = CLI_OFFER_ACCOUNTS,
             .about = N_("the address of the account")),
    OPTION("messages-per-hour", "N|default", .about = N_("messages within an hour")),
    OPTION("messages-per-day", "N|default", .about = N_("messages within a day")),
    OPTION("new-recipients-per-hour", "N|default", .about = N_("new recipients within an hour")),
    OPTION("new-recipients-per-day", "N|default", .about = N_("new recipients within a day")),
    END,
};
#define FORCE FLAG("force", .about = N_("also when it is the last administrator"))
PARAMETERS account_leaving_parameters[] = {
    ARGUMENT("USER@DOMAIN", .offers = CLI_OFFER_ACCOUNTS,
             .about = N_("the address of the account")),
    FORCE,
    END,
};
PARAMETERS account_restore_parameters[] = {
    ARGUMENT("USER@DOMAIN|ID", .offers = CLI_OFFER_REMOVED,
             .about = N_("the address that the account had, or its number")),
    OPTION("as", "USER@DOMAIN", .about = N_("bring it back under this address")),
    END,
};
EXAMPLES account_restore_examples[] = {
    "hayauma account restore tama@example.jp",
    "hayauma account restore 12 --as tama.old@example.jp",
    NULL,
};
PARAMETERS account_purge_parameters[] = {
    ARGUMENT("USER@DOMAIN|ID", .offers = CLI_OFFER_REMOVED,
             .about = N_("the address that the account had, or its number")),
    END,
};
PARAMETERS account_password_parameters[] = {
    ARGUMENT("USER@DOMAIN", .offers = CLI_OFFER_ACCOUNTS,
             .about = N_("the address of the account")),
    FLAG("password-stdin", .about = N_("read the password from the first line of standard input")),
    FLAG("generate", .about = N_("make a good password and print it")),
    FLAG("force-weak", .about = N_("take a password that is easily guessed all the same")),
    END,
};
PARAMETERS account_apop_parameters[] = {
    ARGUMENT("USER@DOMAIN", .offers = CLI_OFFER_ACCOUNTS,
             .about = N_("the address of the account")),
    FLAG("password-stdin", .about = N_("read the secret from the first line of standard input")),
    FLAG("generate", .about = N_("make a good secret and print it")),
    FLAG("remove", .about = N_("take the secret away: no APOP any more")),
    END,
};
PARAMETERS account_admin_parameters[] = {
    ARGUMENT("USER@DOMAIN", .offers = CLI_OFFER_ACCOUNTS,
             .about = N_("the address of the account")),
    ARGUMENT("yes|no", .kind = CLI_CHOICE, .choices = yes_no,
             .about = N_("whether it is an administrator")),
    FORCE,
    END,
};
PARAMETERS account_quota_parameters[] = {
    ARGUMENT("USER@DOMAIN", .offers = CLI_OFFER_ACCOUNTS,
             .about = N_("the address of the account")),
    ARGUMENT("SIZE|none", .kind = CLI_SIZE, .about = N_("how much the mailbox may hold")),
    END,
};
PARAMETERS account_name_parameters[] = {
    ARGUMENT("USER@DOMAIN", .offers = CLI_OFFER_ACCOUNTS,
             .about = N_("the address of the account")),
    ARGUMENT("NAME", .about = N_("the name of the person; '' for none")),
    END,
};

PARAMETERS alias_change_parameters[] = {
    ARGUMENT("ADDRESS", .offers = CLI_OFFER_ALIASES,
             .about = N_("the address that leads elsewhere")),
    ARGUMENT("TARGET", .many = true, .about = N_("where to, here or at another host")),
    FLAG("keep-copy", .about = N_("the account of that address keeps a copy in its mailbox")),
    FLAG("instead-of-mailbox",
         .about = N_("although the account of that address gets nothing any more")),
    END,
};
PARAMETERS alias_remove_parameters[] = {
    ARGUMENT("ADDRESS", .offers = CLI_OFFER_ALIASES,
             .about = N_("the address that leads elsewhere")),
    ARGUMENT("TARGET", .many = true, .optional = true,
             .about = N_("the targets to take out; without any, the whole alias")),
    END,
};
EXAMPLES alias_add_examples[] = {
    "hayauma alias add info@example.jp tama@example.jp mike@example.com",
    NULL,
};

/* ------------------------------------------------------------------ messages */

PARAMETERS queue_list_parameters[] = {
    OPTION("match", "TEXT", .about = N_("only messages whose sender or a recipient contains this")),
    OPTION("login", "USER@DOMAIN",
           .about = N_("only messages that this account has sent, whatever their sender")),
    OPTION("limit", "N", .short_name = 'n', .kind = CLI_NUMBER, .min = 1,
           .about = N_("at most so many")),
    FLAG("long", .short_name = 'l', .about = N_("with each recipient and the last reply")),
    END,
};
PARAMETERS queue_show_parameters[] = {
    ARGUMENT("ID", .kind = CLI_MESSAGE, .offers = CLI_OFFER_MESSAGES, .about = N_("the message")),
    FLAG("content", .about = N_("print the message itself, as it is, and nothing else")),
    END,
};
#define QUEUE_SELECT                                                                               \
    ARGUMENT("ID", .kind = CLI_MESSAGE, .offers = CLI_OFFER_MESSAGES, .optional = true,            \
             .many = true, .about = N_("the messages")),                                           \
        OPTION("match", "TEXT",                                                                    \
               .about = N_("all messages whose sender or a recipient contains this")),             \
        OPTION("login", "USER@DOMAIN",                                                             \
               .about = N_("all messages that this account has sent, whatever their sender")),     \
        FLAG("all", .about = N_("all messages"))
PARAMETERS queue_parameters[] = {QUEUE_SELECT, END};
PARAMETERS queue_remove_parameters[] = {
    QUEUE_SELECT,
    FLAG("bounce", .about = N_("tell the senders that their messages were not delivered")),
    END,
};
EXAMPLES queue_retry_examples[] = {"hayauma queue retry --match example.com", NULL};

#define TIMES                                                                                      \
    OPTION("since", "TIME",                                                                        \
           .about = N_("from this time on: 2026-11-29, \"2026-11-29 10:30\", 10:30, today,"        \
                       " yesterday (from 0:00), or 2h, 3d for so long ago")),                      \
        OPTION("until", "TIME", .about = N_("before this time, said in the same ways"))
PARAMETERS journey_parameters[] = {
    ARGUMENT("ID|ADDRESS|WORD", .optional = true, .many = true,
             .about = N_("a message by its id, its Message-ID or a part of its subject, or"
                         " messages from or to an address; of several words each has to be there")),
    TIMES,
    FLAG("list", .short_name = 'l',
         .about = N_("one message a line: time, from, to, subject, state")),
    FLAG("follow", .short_name = 'f',
         .about = N_("go on printing what happens, until interrupted")),
    OPTION("limit", "N", .short_name = 'n', .kind = CLI_NUMBER, .min = 1, .max = 1000,
           .about = N_("of several messages, the newest so many; without it 10, in a list 100")),
    END,
};
EXAMPLES journey_examples[] = {
    "hayauma journey 0c8q2zv5k7g00",
    "hayauma journey tama@example.jp -n 1 --follow",
    "hayauma journey --list --since yesterday --until today",
    "hayauma journey --list tama@example.jp invoice --since 7d",
    NULL,
};
PARAMETERS log_parameters[] = {
    ARGUMENT("WORD", .optional = true, .many = true,
             .about = N_("only events in which each of these words is")),
    TIMES,
    FLAG("list", .short_name = 'l',
         .about = N_("messages instead of events, one a line: time, from, to, subject, state")),
    FLAG("follow", .short_name = 'f',
         .about = N_("go on printing what happens, until interrupted")),
    OPTION("lines", "N", .short_name = 'n', .kind = CLI_NUMBER, .max = 1000000,
           .about = N_("begin with the last N events; without it, 20")),
    OPTION("role", "ROLE", .short_name = 'r', .kind = CLI_CHOICE, .choices = roles,
           .about = N_("only what this process says")),
    END,
};
PARAMETERS route_parameters[] = {ARGUMENT("ADDRESS", .about = N_("the address")), END};
EXAMPLES route_examples[] = {"hayauma route info@example.jp", "hayauma route someone@example.com",
                             NULL};

/* ------------------------------------------------------------------ looking inside */

PARAMETERS config_parameters[] = {
    ARGUMENT("NAME", .optional = true, .offers = CLI_OFFER_SETTINGS,
             .about = N_("one setting, such as smtp.message-size-max")),
    FLAG("changed", .about = N_("only settings that differ from their defaults")),
    END,
};
PARAMETERS fibers_parameters[] = {
    ARGUMENT("ROLE", .kind = CLI_CHOICE, .choices = roles, .about = N_("the process")),
    ARGUMENT("WORKER", .kind = CLI_NUMBER, .max = 255, .optional = true,
             .about = N_("its number, where a role has several; without it, 0")),
    END,
};
PARAMETERS repair_parameters[] = {
    ARGUMENT("USER@DOMAIN", .offers = CLI_OFFER_ACCOUNTS,
             .about = N_("the account whose mailboxes are to be repaired")),
    END,
};
PARAMETERS help_parameters[] = {
    ARGUMENT("COMMAND", .optional = true, .many = true, .about = N_("the command")),
    END,
};
PARAMETERS manual_parameters[] = {
    ARGUMENT("PAGE", .kind = CLI_CHOICE, .choices = manuals, .optional = true,
             .about = N_("which one: hayauma, or hayauma.conf for the settings")),
    END,
};
PARAMETERS completion_parameters[] = {
    ARGUMENT("SHELL", .kind = CLI_CHOICE, .choices = shells,
             .about = N_("which shell: bash or zsh")),
    END,
};
EXAMPLES manual_examples[] = {"hayauma manual | man -l -", NULL};
EXAMPLES completion_examples[] = {
    "hayauma completion bash > /etc/bash_completion.d/hayauma",
    NULL,
};

/* What --json prints where several commands print the same: see `json` in command.h. */
#define JSON_USAGE "\"messages\": number|null, \"bytes\": number|null"
#define JSON_ACCOUNT                                                                               \
    "{\"id\": number, \"address\": text, \"name\": text, \"enabled\": bool, \"admin\": bool, "     \
    "\"password\": text, \"apop\": bool, \"quota\": number|null, " JSON_USAGE                      \
    ", \"shard\": number, \"created\": time, \"last_login\": time|null, \"removed\": time|null, "  \
    "\"kept_until\": time|null}"
#define JSON_IMPORT                                                                                \
    "\"existing\": number, \"dry_run\": bool, \"errors\": [{\"line\": number, \"address\": text, " \
    "\"reason\": text}]"
#define JSON_QUEUED                                                                                \
    "{\"id\": text, \"arrival\": time, \"size\": number, \"sender\": text, \"login\": text, "      \
    "\"state\": text, \"hold\": bool, \"next\": time|null, \"recipients\": number, \"left\": "     \
    "number, \"first\": text, \"waiting\"?: [{\"address\": text, \"status\": text, \"attempts\": " \
    "number, "                                                                                     \
    "\"next\": time|null, \"reply\": text}]}"
#define JSON_EVENT                                                                                 \
    "{\"sequence\": number, \"time\": time, \"level\": text, \"role\": text, \"message\": "        \
    "text|null, \"kind\": text, \"text\": text, \"facts\": {}}"

/* ------------------------------------------------------------------ the table */

static const struct cli_command commands[] = {
    {
        .name = "init",
        .about = N_("Makes a mail server: a state directory with everything it needs."),
        .more =
            N_("Makes the folders, an annotated settings file hayauma.conf, a self-signed"
               " certificate, and the directory with the domains given. Refuses a directory that"
               " holds anything. As root the folders are given to the users of the processes."),
        .parameters = init_parameters,
        .examples = init_examples,
        .json = "{\"directory\": text, \"settings\": text, \"hostname\": text, \"port_offset\": "
                "number, \"records\": [{\"name\": text, \"type\": text, \"value\": text}]}",
        .exits = REFUSED,
        .stage = CLI_ALONE,
        .run = cmd_init,
    },
    {
        .name = "run",
        .about = N_("Runs the server in the foreground."),
        .more =
            N_("Prints \"ready\" on standard output when every port answers. SIGTERM, SIGINT and"
               " hayauma stop end it in order; SIGHUP reads the settings again."),
        .exits = SETTINGS,
        .stage = CLI_SERVES,
        .run = cmd_run,
    },
    {
        .name = "stop",
        .about = N_("Stops the server in order and waits until it has ended."),
        .more = N_("Where systemd runs it, its socket unit is stopped with it, since the next"
                   " connection would start it again."),
        .exits = NOT_RUNNING | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_stop,
    },
    {
        .name = "reload",
        .about = N_("Has the settings read again and says what has changed."),
        .more =
            N_("When they have errors, all of them are printed and the old settings stay in"
               " force. A process that cannot use its new ones goes on with those it had, which is"
               " said, too. Certificate, trust anchors and resolv.conf are read anew, and the log"
               " file is opened anew, so that it can be moved away before."),
        .json = "{\"report\": text}",
        .exits = NOT_RUNNING | REFUSED | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_reload,
    },
    {
        .name = "check",
        .about = N_("Looks for mistakes: in settings, folders, users, certificate, ports and DNS."),
        .more =
            N_("All errors of the settings file are listed at once, each as FILE:LINE:COLUMN."
               " DNS is asked whether the name of this host and its addresses agree (A, AAAA,"
               " PTR), and for each domain whether its mail comes here (MX) and may be sent from"
               " here (SPF). What cannot be known from here is a note. Changes nothing."),
        .parameters = check_parameters,
        .json = "[{\"level\": text, \"text\": text, \"file\"?: text, \"line\"?: number, "
                "\"column\"?: number}]",
        .exits = SETTINGS,
        .stage = CLI_READS,
        .run_in_fiber = cmd_check,
    },
    {
        .name = "status",
        .about = N_("Shows the processes, how they are confined, and how they fare."),
        .more = N_("While it does not run, says so, with what its files tell, and ends with 3."),
        .json = "{\"running\": bool, \"directory\": text, \"hostname\"?: text, \"version\"?: text, "
                "\"started\"?: time, \"messages\"?: number|null, \"domains\"?: number|null, "
                "\"accounts\"?: number|null, \"disk_free\"?: number|null, "
                "\"last_event\"?: time|null, \"processes\"?: "
                "[{\"role\": text, \"worker\": number, "
                "\"pid\": number, \"state\": text, \"user\": text, \"root\": text, "
                "\"confinement\": text, \"memory\": number, \"sessions\": number, \"fibers\": "
                "number, \"started\": time|null, \"restarts\": number, \"error\": text}]}",
        .exits = NOT_RUNNING | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_status,
    },
    {.name = "domain", .about = N_("The domains whose mail this host receives.")},
    {
        .name = "domain add",
        .about = N_("Adds a domain, or another name for one."),
        .offline = true,
        .parameters = domain_add_parameters,
        .examples = domain_add_examples,
        .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_domain_add,
    },
    {
        .name = "domain list",
        .about = N_("Lists the domains."),
        .offline = true,
        .json = "[{\"name\": text, \"alias_of\": text|null, \"catch_all\": text|null, "
                "\"accounts\": number, \"aliases\": number}]",
        .exits = SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_domain_list,
    },
    {
        .name = "domain remove",
        .about = N_("Removes a domain that has no accounts and no aliases any more."),
        .offline = true,
        .parameters = domain_parameters,
        .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_domain_remove,
    },
    {
        .name = "domain catch-all",
        .about = N_("Says who gets the mail of a domain that nobody else gets."),
        .offline = true,
        .parameters = domain_catch_all_parameters,
        .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_domain_catch_all,
    },
    {.name = "account", .about = N_("The people who have a mailbox here.")},
    {
        .name = "account add",
        .about = N_("Adds an account, or many at once."),
        .more =
            N_("Asks for the password on the terminal, unless an option says where it comes from."
               " Passwords that are easily guessed are refused."),
        .offline = true,
        .parameters = account_add_parameters,
        .examples = account_add_examples,
        .json = "{\"address\": text, \"id\"?: number, \"added\"?: number, \"password\"?: text}",
        .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_account_add,
    },
    {
        .name = "account import",
        .about = N_("Adds the accounts of another mail system."),
        .more =
            N_("A line is USER:HASH:UID:GID:NAME and so on, as in Dovecot's passwd-file,"
               " vpopmail's vpasswd and /etc/shadow; or columns with tabs between them, as a"
               " database prints them: address, hash, name, quota; or an address alone. Hashes may"
               " be of crypt(3), of Argon2id, or in one of Dovecot's {SCHEME}s for those; {PLAIN}"
               " is a password. Every line is checked first, and nothing is added when one cannot"
               " be taken. Accounts that exist are left as they are, so the same file may come"
               " again."),
        .offline = true,
        .parameters = account_import_parameters,
        .examples = account_import_examples,
        .json = "{\"added\": number, \"left_out\": [text], \"without_password\": [text], "
                "\"passwords\": [{\"address\": text, \"password\": text}], " JSON_IMPORT "}",
        .exits = REFUSED | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_account_import,
    },
    {
        .name = "account list",
        .about = N_("Lists accounts in the order in which they were made."),
        .offline = true,
        .parameters = account_list_parameters,
        .json = "[" JSON_ACCOUNT "]",
        .exits = NOT_FOUND | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_account_list,
    },
    {
        .name = "account show",
        .about = N_("Shows one account."),
        .offline = true,
        .parameters = account_parameters,
        .json = JSON_ACCOUNT,
        .exits = NOT_FOUND | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_account_show,
    },
    {
        .name = "account remove",
        .about = N_("Takes an account out of use; its messages are kept for a while."),
        .more = N_("At once nobody can log in to it, and mail to its address is refused. The"
                   " account and its messages are kept for accounts.removed-keep (30 days):"
                   " account restore brings all of it back, account purge deletes it at once. Its"
                   " address is taken out of aliases, and may go to a new account. Refused while it"
                   " is the only target of an alias or a domain's catch-all."),
        .offline = true,
        .parameters = account_leaving_parameters,
        .json = "{\"id\": number, \"address\": text, " JSON_USAGE ", \"kept_until\": time|null}",
        .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_account_remove,
    },
    {
        .name = "account restore",
        .about = N_("Brings a removed account back as it was, with its messages."),
        .more = N_("Its password, its place in aliases that are still there and an alias on its own"
                   " address come back too. When the address belongs to somebody else by now, say"
                   " another one with --as."),
        .offline = true,
        .parameters = account_restore_parameters,
        .examples = account_restore_examples,
        .json = JSON_ACCOUNT,
        .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_account_restore,
    },
    {
        .name = "account purge",
        .about = N_("Deletes a removed account and its messages for ever."),
        .more = N_("The disk is free again when it returns. An account in use has to be removed"
                   " first."),
        .offline = true,
        .parameters = account_purge_parameters,
        .json = "{\"id\": number, \"address\": text, " JSON_USAGE ", \"done\": bool}",
        .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_account_purge,
    },
    {
        .name = "account password",
        .about = N_("Sets the password of an account."),
        .offline = true,
        .parameters = account_password_parameters,
        .json = "{\"password\"?: text}",
        .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_account_password,
    },
    {
        .name = "account apop",
        .about = N_("Gives an account a secret for APOP, or takes it away."),
        .more =
            N_("APOP is an old way to log in over POP3. It needs a secret that this host can read"
               " again, where a password is kept as a hash that nobody can. So only accounts that"
               " were given such a secret can use it, and the secret should be no password. It is"
               " kept sealed with a key in the same folder."),
        .offline = true,
        .parameters = account_apop_parameters,
        .json = "{\"password\"?: text}",
        .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_account_apop,
    },
    {
        .name = "account enable",
        .about = N_("Lets an account log in and receive messages again."),
        .offline = true,
        .parameters = account_parameters,
        .exits = NOT_FOUND | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_account_enable,
    },
    {
        .name = "account disable",
        .about = N_("Keeps an account, but lets it neither log in nor receive messages."),
        .offline = true,
        .parameters = account_leaving_parameters,
        .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_account_disable,
    },
    {
        .name = "account admin",
        .about = N_("Says whether an account is an administrator."),
        .more = N_("An administrator gets the mail to postmaster and abuse where nothing else is"
                   " said."),
        .offline = true,
        .parameters = account_admin_parameters,
        .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_account_admin,
    },
    {
        .name = "account quota",
        .about = N_("Says how much a mailbox may hold."),
        .more = N_("With none the delivery.quota of the settings counts."),
        .offline = true,
        .parameters = account_quota_parameters,
        .exits = NOT_FOUND | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_account_quota,
    },
    {
        .name = "account send-as",
        .about = N_("Shows, or sets, under which addresses an account may send beside its own."),
        .more = N_("Without this the From and Sender of what an account submits are its own"
                   " addresses: that of the account, and aliases that lead to it. What is given"
                   " takes the place of what was allowed before."),
        .offline = true,
        .parameters = account_send_as_parameters,
        .json = "[text]",
        .exits = NOT_FOUND | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_account_send_as,
    },
    {
        .name = "account limits",
        .about = N_("Shows, or sets, how much an account may send."),
        .more = N_("What goes beyond is held in the queue until `hayauma queue release` sends it."
                   " A limit is a number, 0 for none, or default for that of the block sending in"
                   " the settings. Recipients are new when the account has not written to them"
                   " lately."),
        .offline = true,
        .parameters = account_limits_parameters,
        .json = "[{\"limit\": text, \"used\": number, \"most\": number, \"own\": bool}]",
        .exits = NOT_FOUND | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_account_limits,
    },
    {
        .name = "account name",
        .about = N_("Sets the name of the person."),
        .offline = true,
        .parameters = account_name_parameters,
        .exits = NOT_FOUND | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_account_name,
    },
    {.name = "alias", .about = N_("Addresses that lead to other addresses.")},
    {
        .name = "alias add",
        .about = N_("Adds targets to an alias, which is made when it is missing."),
        .more =
            N_("An alias may stand on the address of an account. Then --keep-copy (or that address"
               " among the targets) keeps a copy in the mailbox; without it, the mailbox gets"
               " nothing any more, which has to be said: --instead-of-mailbox."),
        .offline = true,
        .parameters = alias_change_parameters,
        .examples = alias_add_examples,
        .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_alias_add,
    },
    {
        .name = "alias import",
        .about = N_("Makes aliases lead where a file says: /etc/aliases, or virtual aliases."),
        .more = N_("An entry is NAME: TARGET, TARGET or ADDRESS TARGET TARGET; a line that begins"
                   " with a blank goes on with the one before. Every entry is checked first, and"
                   " nothing is changed when one cannot be taken, such as a program as a target."
                   " Aliases that the file does not name stay as they are."),
        .offline = true,
        .parameters = alias_import_parameters,
        .examples = alias_import_examples,
        .json = "{\"set\": number, " JSON_IMPORT "}",
        .exits = REFUSED | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_alias_import,
    },
    {
        .name = "alias list",
        .about = N_("Lists the aliases and their targets."),
        .offline = true,
        .json = "[{\"address\": text, \"targets\": [text]}]",
        .exits = SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_alias_list,
    },
    {
        .name = "alias set",
        .about = N_("Makes an alias lead to these targets and no others."),
        .offline = true,
        .parameters = alias_change_parameters,
        .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_alias_set,
    },
    {
        .name = "alias remove",
        .about = N_("Removes an alias, or takes targets out of it."),
        .offline = true,
        .parameters = alias_remove_parameters,
        .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_alias_remove,
    },
    {.name = "queue", .about = N_("The messages that are on their way.")},
    {
        .name = "queue list",
        .about = N_("Lists the messages that are not settled yet, oldest first."),
        .offline = true,
        .parameters = queue_list_parameters,
        .json = "[" JSON_QUEUED "]",
        .exits = BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_queue_list,
    },
    {
        .name = "queue show",
        .about = N_("Shows a message's envelope and what is left to do for each recipient."),
        .offline = true,
        .parameters = queue_show_parameters,
        .json = JSON_QUEUED,
        .exits = NOT_FOUND | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_queue_show,
    },
    {
        .name = "queue hold",
        .about = N_("Keeps messages from being tried, until they are released."),
        .offline = true,
        .parameters = queue_parameters,
        .json = "{\"count\": number, \"held\"?: number}",
        .exits = NOT_FOUND | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_queue_hold,
    },
    {
        .name = "queue release",
        .about = N_("Lets messages that are on hold go on."),
        .offline = true,
        .parameters = queue_parameters,
        .json = "{\"count\": number, \"held\"?: number}",
        .exits = NOT_FOUND | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_queue_release,
    },
    {
        .name = "queue retry",
        .about = N_("Tries messages now, also where the other host was given a rest."),
        .more = N_("One on hold is not tried before it is released, which is said. While the"
                   " server does not run they are tried when it starts."),
        .offline = true,
        .parameters = queue_parameters,
        .examples = queue_retry_examples,
        .json = "{\"count\": number, \"held\"?: number}",
        .exits = NOT_FOUND | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_queue_retry,
    },
    {
        .name = "queue remove",
        .about = N_("Removes messages for ever."),
        .more = N_("A message that is just being handed over may still arrive."),
        .offline = true,
        .parameters = queue_remove_parameters,
        .json = "{\"count\": number, \"held\"?: number}",
        .exits = NOT_FOUND | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_queue_remove,
    },
    {
        .name = "journey",
        .about = N_("Tells the journey of a message: every hop, look-up, decision and reply."),
        .more = N_(
            "Messages that belong to it are told with it: what it came of, what an alias made of"
            " it, the reports to its sender. Passwords and the content of messages are never part"
            " of it."),
        .parameters = journey_parameters,
        .examples = journey_examples,
        .offline = true,
        .json = "[{\"message\": text, \"family\"?: text, \"events\"?: [" JSON_EVENT "], "
                "\"time\"?: time, \"from\"?: text, \"to\"?: [text], \"subject\"?: text, "
                "\"state\"?: text}]",
        .exits = NOT_FOUND | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_journey,
    },
    {
        .name = "route",
        .about = N_("Says where an address leads and why, without sending anything."),
        .more =
            N_("For an address elsewhere it says what the settings say of it (relay.route,"
               " relay.smart-host) and asks DNS for the hosts, in the order in which they would be"
               " tried. Ends with 0 when a message could go there, 4 when there is nobody,"
               " 5 when it would be refused, 7 when that cannot be told now."),
        .offline = true,
        .parameters = route_parameters,
        .examples = route_examples,
        .json = "{\"address\": text, \"kind\": text, \"reasons\": [text], \"mailboxes\": "
                "[{\"account\": number, \"address\": text, \"detail\": text}], \"elsewhere\": "
                "[{\"address\": text, \"next_hop\": text, \"rule\": text, \"login\": text, "
                "\"tls\": text, \"steps\": [text], \"way\": text, "
                "\"problem\"?: text, \"hosts\": [{\"name\": text, \"preference\": number, "
                "\"secure\": bool, \"addresses\": [text]}]}]}",
        .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_route,
    },
    {
        .name = "config",
        .about = N_("Shows the settings as they are read, or explains one."),
        .more = N_("In JSON one setting is the object alone, without an array around it."),
        .parameters = config_parameters,
        .json = "[{\"name\": text, \"type\": text, \"value\": text, \"default\": text|null, "
                "\"changed\": bool, \"line\": number|null, \"restart\": bool, \"roles\": [text], "
                "\"about\": {\"en\": text, \"ja\": text}, \"example\": text}]",
        .exits = NOT_FOUND | SETTINGS,
        .stage = CLI_READS,
        .run = cmd_config,
    },
    {
        .name = "log",
        .about = N_("Prints what has happened lately on this server."),
        .more = N_("With --since all that has happened since then. With --list it prints what"
                   " journey --list does."),
        .offline = true,
        .parameters = log_parameters,
        .json = JSON_EVENT,
        .exits = NOT_FOUND | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_log,
    },
    {
        .name = "fibers",
        .about = N_("Lists what a process is doing, fiber by fiber: for debugging."),
        .parameters = fibers_parameters,
        .json = "[text]",
        .exits = NOT_RUNNING | NOT_FOUND | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_fibers,
    },
    {
        .name = "repair",
        .about =
            N_("Makes the index of an account's mailboxes anew from the messages on the disk."),
        .more =
            N_("For an account whose index is damaged, or whose mailboxes stay closed since the"
               " disk does not give all of them: what cannot be read is given up. The old index is"
               " kept aside. The server must not be running."),
        .parameters = repair_parameters,
        .json =
            "{\"packs\": number, \"messages\": number, \"expunged\": number, \"damaged_bytes\": "
            "number}",
        .exits = NOT_FOUND | SETTINGS | BUSY,
        .stage = CLI_READS,
        .run_in_fiber = cmd_repair,
    },
    {
        .name = "help",
        .about = N_("Says what a command does and takes."),
        .parameters = help_parameters,
        .exits = NOT_FOUND,
        .stage = CLI_ALONE,
        .run = cmd_help,
    },
    {
        .name = "manual",
        .about = N_("Prints the manual page of the program, or of its settings file."),
        .parameters = manual_parameters,
        .examples = manual_examples,
        .stage = CLI_ALONE,
        .run = cmd_manual,
    },
    {
        .name = "completion",
        .about = N_("Prints what a shell needs to complete command lines."),
        .parameters = completion_parameters,
        .examples = completion_examples,
        .stage = CLI_ALONE,
        .run = cmd_completion,
    },
};

static const char *const exits[CLI_EXITS] = {
    [CLI_OK] = N_("Done."),
    [CLI_FAILED] = N_("It failed; the reason is on standard error."),
    [CLI_USAGE] = N_("The command line is wrong, or a name or address in it is not well formed."),
    [CLI_NOT_RUNNING] = N_("The server is not running, and the command needs it to."),
    [CLI_NOT_FOUND] = N_("There is no such domain, account, alias, message or setting."),
    [CLI_REFUSED] = N_("A rule says no: the name is taken, the password is weak, something still"
                       " depends on what was to be removed, a message could not go this way."),
    [CLI_SETTINGS] = N_("The settings file has errors."),
    [CLI_BUSY] =
        N_("It could not be done now: no answer in time, or somebody else works on it. Trying"
           " again may help."),
};

const struct cli_table cli_table = {
    .commands = commands,
    .count = ARRAY_SIZE(commands),
    .globals = globals,
    .exits = exits,
};
