/* SPDX-License-Identifier: ISC */
/*
 * All commands, in the order in which help, manual page and completion have them, and what all of
 * them share.
 */
#include "cli/terminal/row.h"

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

static const struct cli_command domain = {
    .name = "domain", .about = N_("The domains whose mail this host receives.")};
static const struct cli_command account = {.name = "account",
                                           .about = N_("The people who have a mailbox here.")};
static const struct cli_command alias = {.name = "alias",
                                         .about = N_("Addresses that lead to other addresses.")};
static const struct cli_command mailbox = {.name = "mailbox",
                                           .about = N_("The mailboxes of an account.")};
static const struct cli_command message = {
    .name = "message", .about = N_("The messages in the mailboxes of an account.")};
static const struct cli_command search = {
    .name = "search", .about = N_("The index of an account's texts, for those who search.")};
static const struct cli_command report = {.name = "report",
                                          .about = N_("What other hosts report of our mail.")};
static const struct cli_command queue = {.name = "queue",
                                         .about = N_("The messages that are on their way.")};

static const struct cli_command *const commands[] = {
    &command_init,
    &command_run,
    &command_stop,
    &command_reload,
    &command_check,
    &command_status,
    &domain,
    &command_domain_add,
    &command_domain_list,
    &command_domain_remove,
    &command_domain_catch_all,
    &command_domain_rotate,
    &command_dns,
    &account,
    &command_account_add,
    &command_account_import,
    &command_account_list,
    &command_account_show,
    &command_account_remove,
    &command_account_restore,
    &command_account_purge,
    &command_account_password,
    &command_account_apop,
    &command_account_enable,
    &command_account_disable,
    &command_account_admin,
    &command_account_quota,
    &command_account_send_as,
    &command_account_limits,
    &command_account_name,
    &alias,
    &command_alias_add,
    &command_alias_import,
    &command_alias_list,
    &command_alias_set,
    &command_alias_remove,
    &mailbox,
    &command_mailbox_list,
    &command_mailbox_create,
    &command_mailbox_rename,
    &command_mailbox_delete,
    &command_mailbox_acl,
    &command_mailbox_quota,
    &command_mailbox_deleted,
    &command_mailbox_restore,
    &message,
    &command_message_list,
    &command_message_show,
    &command_message_copy,
    &command_message_move,
    &command_message_delete,
    &search,
    &command_search_status,
    &command_search_rebuild,
    &queue,
    &command_queue_list,
    &command_queue_show,
    &command_queue_hold,
    &command_queue_release,
    &command_queue_retry,
    &command_queue_remove,
    &command_journey,
    &command_route,
    &command_verify,
    &command_seal,
    &report,
    &command_report_dmarc,
    &command_report_tls,
    &command_config,
    &command_log,
    &command_fibers,
    &command_repair,
    &command_help,
    &command_manual,
    &command_completion,
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
