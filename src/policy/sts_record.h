/* SPDX-License-Identifier: ISC */
/*
 * The TXT record at _mta-sts.DOMAIN: that a domain has a policy of MTA-STS, and which one it is
 * now (RFC 8461 §3.1). Pure; linear in time.
 */
#pragma once

#include "dns/message.h"

#define STS_ID_MAX 32U /* bytes of an id */

/* Whether the text of a TXT record is of MTA-STS: others do not count, right or wrong. */
bool sts_record_is(struct slice text);

/*
 * The id in one of which that is true; it points into the text. Fields that are unknown are passed
 * over, of one that stands there twice the first counts (§3.1). -E_SYNTAX: there is no right one.
 */
int sts_record_read(struct slice text, struct slice *ret_id);

/*
 * The id of a domain by the answer for the TXT records of its name: -E_UNKNOWN: it has no policy;
 * -E_SYNTAX: what it has is not one right record, which means the same; -E_TEMPORARY: DNS did not
 * say.
 */
int sts_record_find(const struct dns_answer *answer, struct slice *ret_id);
