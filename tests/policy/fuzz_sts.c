/* SPDX-License-Identifier: ISC */
/* A policy of MTA-STS, its record, and that of TLSRPT: what is read can be written and read again.
 */
#include <stdint.h>

#include "policy/sts_policy.h"
#include "policy/sts_record.h"
#include "policy/tlsrpt_record.h"

static void records(struct slice text, struct arena *a) {
    struct dns_record record = {.bytes = text};
    struct dns_answer answer = {.code = DNS_OK, .records = &record, .count = 1};
    struct slice found, one;
    enum tlsrpt_way way;
    if (sts_record_find(&answer, &found) == 0)
        MUST(found.len > 0 && found.len <= STS_ID_MAX);
    if (tlsrpt_record_find(&answer, &found) < 0)
        found = text;
    while (tlsrpt_next_destination(&found, a, &way, &one))
        MUST(one.len > 0 && one.len <= 512);
}

static void policy(struct slice text, struct arena *a) {
    _cleanup_(buf_done) struct buf written = {0}, again = {0};
    struct sts_policy p;
    if (sts_policy_read(text, a, &p, NULL) < 0)
        return;
    sts_policy_write(&written, &p);
    MUST(sts_policy_read(buf_slice(&written), a, &p, NULL) == 0);
    sts_policy_write(&again, &p);
    MUST(slice_eq(buf_slice(&written), buf_slice(&again)));
    for (size_t i = 0; i < p.mx_count; i++)
        MUST(sts_policy_has(&p, p.mx[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    _cleanup_(arena_done) struct arena a = {0};
    records(slice_of(data, size), &a);
    policy(slice_of(data, size), &a);
    return 0;
}
