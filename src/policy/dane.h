/* SPDX-License-Identifier: ISC */
/*
 * DANE for SMTP (RFC 7672): what a domain says of the certificates of its mail hosts, in TLSA
 * records (RFC 6698) that DNSSEC vouches for.
 *
 * They are asked for only where the list of hosts and the addresses of the host are secure: name
 * servers of unsigned zones often answer such a question with an error (§2.1.3, §2.2.2). There an
 * error means that the host is not to be used, since an attacker could bring it about (§2.1.2);
 * a name without records, or with records that nobody signed, means that there is no DANE.
 */
#pragma once

#include "dns/mx.h"
#include "policy/tls_policy.h"

#define DANE_RECORDS_MAX 32U /* looked at of one host; more are passed over */

enum dane_outcome {
    DANE_NONE,  /* it does not hold for this host; `why` says so */
    DANE_HOLDS, /* the policy is filled in */
    DANE_ERROR, /* the host is not to be used now; `why` says so */
};

struct dane_question {
    const struct dns_client *dns;
    struct dns_next_hop to; /* the domain of the recipients, or a host of the settings */
    const struct dns_way *way;
    const struct dns_host *host; /* one of the way's */
};

/*
 * Judges one host. 0 with an outcome; -ECANCELED. `ret_policy` is written where DANE holds, with
 * TLS_DEMAND_RECORDS, or TLS_DEMAND_ANY where no record can be used (§2.2); `ret_why` in any case.
 * Texts in the arena, or of the question.
 */
int dane_judge(const struct dane_question *q, struct arena *a, enum dane_outcome *ret_outcome,
               struct tls_policy *ret_policy, struct slice *ret_why) WAITS;

/*
 * Reads a record (RFC 6698 §2.1) into one that points into the data. -E_SYNTAX: too short;
 * -ENOTSUP: SMTP does not use it (RFC 7672 §3.1.3: usage 0 and 1), or its selector, matching type,
 * length, certificate or key is not as it should be.
 */
int dane_record_read(struct slice data, struct tls_record *ret);
