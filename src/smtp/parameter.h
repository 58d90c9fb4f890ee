/* SPDX-License-Identifier: ISC */
/*
 * The parameters behind the address of MAIL and RCPT: `keyword=value`, separated by spaces (RFC
 * 5321 §4.1.2). Pure; called by smtp/command.c.
 */
#pragma once

#include "smtp/command.h"

/*
 * Reads all parameters in `rest`, which is cut from the command's line. -E_SYNTAX with a fault:
 * 555 5.5.4 for a parameter that we do not know, 501 5.5.4 for a bad or missing value and for one
 * that comes twice.
 */
int smtp_mail_parameters(const struct smtp_command *c, struct slice rest, struct arena *a,
                         struct smtp_mail *mail, struct smtp_fault *fault);
int smtp_rcpt_parameters(const struct smtp_command *c, struct slice rest, struct arena *a,
                         struct smtp_rcpt *rcpt, struct smtp_fault *fault);
