/* SPDX-License-Identifier: ISC */
/*
 * The TXT record at _smtp._tls.DOMAIN: where a domain wants reports of TLS (RFC 8460 §3). Pure;
 * linear in time.
 */
#pragma once

#include "dns/message.h"

/* Whether the text of a TXT record is of TLSRPT: others do not count, right or wrong. */
bool tlsrpt_record_is(struct slice text);

/*
 * The destinations as they stand in the one record of an answer for the name: -E_UNKNOWN: no
 * reports are wanted; -E_SYNTAX: there are several records, or one that is wrong, which means the
 * same; -E_TEMPORARY: DNS did not say.
 */
int tlsrpt_record_find(const struct dns_answer *answer, struct slice *ret_rua);

enum tlsrpt_way { TLSRPT_MAIL, TLSRPT_HTTPS };

/*
 * The next destination in `rua`: an address, or a URI with its "https://". False: there is none any
 * more; what is neither is passed over. Memory from the arena.
 */
bool tlsrpt_next_destination(struct slice *rua, struct arena *a, enum tlsrpt_way *ret_way,
                             struct slice *ret);
