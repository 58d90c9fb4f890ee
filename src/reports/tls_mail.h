/* SPDX-License-Identifier: ISC */
/* A report of TLS on its way by mail (RFC 8460 §5.3), or to a server (§5.4). Pure. */
#pragma once

#include "reports/tlsrpt.h"

/* The report as it travels: JSON, gzip. -ENOMEM. */
int tls_mail_pack(const struct tlsrpt_report *report, struct buf *to);

struct tls_mail {
    const struct tlsrpt_report *report;
    struct slice packed;
    struct slice domain; /* that it is about */
    struct slice host;   /* our name: who reports */
    struct slice to;     /* an address */
    usec_t date;         /* wall time */
    struct slice message_id;
};

/*
 * The message, 7-bit, with CRLF. It says that it is to go also where a policy of TLS is broken
 * (TLS-Required: No, RFC 8689 §5), since just that may be what it reports.
 */
void tls_mail_write(struct buf *to, const struct tls_mail *mail);
