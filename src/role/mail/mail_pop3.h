/* SPDX-License-Identifier: ISC */
/*
 * POP3 in the mail role (doors.h): a maildrop (pop3/maildrop.h) over the INBOX of an account.
 */
#pragma once

#include "role/mail/mail_sessions.h"

void mail_serve_pop3(struct mail_session *s) WAITS;
