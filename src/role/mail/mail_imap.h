/* SPDX-License-Identifier: ISC */
/*
 * IMAP in the mail role (doors.h): a session over the mailboxes of an account.
 */
#pragma once

#include "role/mail/mail_sessions.h"

void mail_serve_imap(struct mail_session *s) WAITS;
