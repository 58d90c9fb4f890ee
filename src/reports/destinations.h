/* SPDX-License-Identifier: ISC */
/*
 * Where reports about a domain may be sent (RFC 9990 §4): its record names addresses, and those of
 * other organizations have to want them.
 */
#pragma once

#include "dns/client.h"
#include "message/address/address.h"

#define REPORT_DESTINATIONS_MAX 5U /* of one domain; RFC 9990 §3.5 leaves the number to us */

/*
 * `domain` is the one whose record it is, `rua` what stands there. Each address is given once, as
 * text. Those for which DNS does not answer are left out, like those that do not want reports.
 * 0 or -ECANCELED.
 */
int report_destinations(const struct dns_client *dns, struct slice domain, struct slice rua,
                        struct arena *a, struct slice ret[static REPORT_DESTINATIONS_MAX],
                        size_t *ret_count) WAITS;

/*
 * Whether the domain of our own reports asks for reports: then others would report to us of them,
 * and we to these of theirs, for ever. 1, 0, or negative (-E_TEMPORARY: DNS did not answer).
 */
int report_would_come_back(const struct dns_client *dns, struct slice domain,
                           struct arena *a) WAITS;
