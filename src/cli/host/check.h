/* SPDX-License-Identifier: ISC */
/*
 * What the kinds of checks share. Each kind is one function, a row of the table in cmd_check.c; it
 * adds a finding for everything that it has looked at.
 */
#pragma once

#include "cli/cli.h"

/*
 * A note: what cannot be known from here. An error: the server would not start or would lose
 * something, or nobody could use it.
 */
enum check_level { CHECK_OK, CHECK_NOTE, CHECK_WARNING, CHECK_ERROR, CHECK_LEVELS };

struct check {
    struct cli *c;
    struct json json;
    unsigned counts[CHECK_LEVELS];
};

/* A sentence without a full stop at its end. */
void check_add(struct check *k, enum check_level level, const char *format, ...) PRINTF_LIKE(3, 4);

/* Key and certificate, as the keys role would take them, and what clients will say of them. */
void check_certificate(struct check *k);

/* Whether the accounts that have messages have their folders. */
void check_mailboxes(struct check *k) WAITS;

/*
 * Files of other users than the processes that open them. Comes after what opens the directory,
 * which gives whole folders to their users while the server is stopped.
 */
void check_owners(struct check *k);

/* What systemd will start, and from where; whether it has the ports. */
void check_unit(struct check *k);

/*
 * Whether systemd holds the ports of this server while it does not run; then there is a finding
 * about it.
 */
bool check_ports_held(struct check *k);

/* What DNS says of this host and of its domains. */
void check_dns(struct check *k) WAITS;

/* What cannot be tested from here, and how it can. */
void check_reachability(struct check *k);
