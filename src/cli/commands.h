/* SPDX-License-Identifier: ISC */
/*
 * The functions behind the rows of commands.c, in files named after the command or its group. What
 * a command takes and answers is said in its row; what it may do when it is called follows from the
 * row's stage: those that WAIT run in a fiber, the others on the thread's own stack. Each returns
 * an enum cli_exit and has said on standard error why, unless it is CLI_OK.
 */
#pragma once

#include "cli/command.h"

/* All of them, for main() to hand on. */
extern const struct cli_table cli_table;

int cmd_init(struct cli *c);
int cmd_run(struct cli *c);
int cmd_stop(struct cli *c) WAITS;
int cmd_reload(struct cli *c) WAITS;
int cmd_check(struct cli *c) WAITS;
int cmd_status(struct cli *c) WAITS;

int cmd_domain_add(struct cli *c) WAITS;
int cmd_domain_list(struct cli *c) WAITS;
int cmd_domain_remove(struct cli *c) WAITS;
int cmd_domain_catch_all(struct cli *c) WAITS;

int cmd_account_add(struct cli *c) WAITS;
int cmd_account_list(struct cli *c) WAITS;
int cmd_account_show(struct cli *c) WAITS;
int cmd_account_remove(struct cli *c) WAITS;
int cmd_account_restore(struct cli *c) WAITS;
int cmd_account_purge(struct cli *c) WAITS;
int cmd_account_import(struct cli *c) WAITS;
int cmd_account_password(struct cli *c) WAITS;
int cmd_account_apop(struct cli *c) WAITS;
int cmd_account_enable(struct cli *c) WAITS;
int cmd_account_disable(struct cli *c) WAITS;
int cmd_account_admin(struct cli *c) WAITS;
int cmd_account_quota(struct cli *c) WAITS;
int cmd_account_limits(struct cli *c) WAITS;
int cmd_account_send_as(struct cli *c) WAITS;
int cmd_account_name(struct cli *c) WAITS;

int cmd_alias_add(struct cli *c) WAITS;
int cmd_alias_import(struct cli *c) WAITS;
int cmd_alias_list(struct cli *c) WAITS;
int cmd_alias_set(struct cli *c) WAITS;
int cmd_alias_remove(struct cli *c) WAITS;

int cmd_queue_list(struct cli *c) WAITS;
int cmd_queue_show(struct cli *c) WAITS;
int cmd_queue_hold(struct cli *c) WAITS;
int cmd_queue_release(struct cli *c) WAITS;
int cmd_queue_retry(struct cli *c) WAITS;
int cmd_queue_remove(struct cli *c) WAITS;

int cmd_journey(struct cli *c) WAITS;
int cmd_log(struct cli *c) WAITS;
int cmd_route(struct cli *c) WAITS;
int cmd_config(struct cli *c);
int cmd_fibers(struct cli *c) WAITS;
int cmd_repair(struct cli *c) WAITS;

int cmd_help(struct cli *c);
int cmd_manual(struct cli *c);
int cmd_completion(struct cli *c);
