/* SPDX-License-Identifier: ISC */
/*
 * The commands: each has its row, with its function behind it, in the file named after it or its
 * group. commands.c has them in the order of help and manual page. What a command may do when it is
 * called follows from the row's stage: those that WAIT run in a fiber, the others on the thread's
 * own stack. Each returns an enum cli_exit and has said on standard error why, unless it is CLI_OK.
 */
#pragma once

#include "cli/command.h"

/* All of them, for main() to hand on. */
extern const struct cli_table cli_table;

/* The whole server: made, started, stopped, looked at. */
extern const struct cli_command command_init, command_run, command_stop, command_reload,
    command_check, command_status;

/* The directory, by its process or, while nothing runs, by its files. */
extern const struct cli_command command_domain_add, command_domain_list, command_domain_remove,
    command_domain_catch_all, command_domain_rotate, command_dns;

extern const struct cli_command command_account_add, command_account_list, command_account_show,
    command_account_remove, command_account_restore, command_account_purge, command_account_import,
    command_account_password, command_account_apop, command_account_enable, command_account_disable,
    command_account_admin, command_account_quota, command_account_limits, command_account_send_as,
    command_account_name;

extern const struct cli_command command_alias_add, command_alias_import, command_alias_list,
    command_alias_set, command_alias_remove;

/* Mailboxes, by their process or by their files. */
extern const struct cli_command command_search_rebuild, command_search_status;
extern const struct cli_command command_mailbox_list, command_mailbox_create,
    command_mailbox_rename, command_mailbox_delete, command_mailbox_acl, command_mailbox_quota,
    command_mailbox_deleted, command_mailbox_restore;
extern const struct cli_command command_message_list, command_message_show, command_message_copy,
    command_message_move, command_message_delete;

/* The queue, in the same way. */
extern const struct cli_command command_queue_list, command_queue_show, command_queue_hold,
    command_queue_release, command_queue_retry, command_queue_remove;

/* What happened, what would happen, and what is wrong. */
extern const struct cli_command command_journey, command_log, command_route, command_config,
    command_fibers, command_repair;

/* Messages and reports judged by themselves: nothing of the server is needed. */
extern const struct cli_command command_verify, command_seal, command_report_dmarc,
    command_report_tls;

/* The program about itself: nothing of the server is needed. */
extern const struct cli_command command_help, command_manual, command_completion;
