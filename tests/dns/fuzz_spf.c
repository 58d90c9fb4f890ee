/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as SPF records: the input is cut at line ends, and each TXT question gets the next line
 * as its record, so that includes and redirects meet strange ones, too. What may not happen is more
 * questions than the RFC allows (§4.6.4), whatever the records say.
 */
#include "dns/spf.h"

#define QUESTIONS_MAX (1 + 10 + 10 * 10 + 10) /* one record, ten terms, ten hosts of each mx */

struct zone {
    struct slice rest;
    unsigned questions;
};

static int query(void *arg, struct slice name, uint16_t type, struct arena *a,
                 struct dns_answer *ret) {
    struct zone *z = arg;
    struct slice line = {NULL, 0};
    (void)name;
    *ret = (struct dns_answer){.type = type};
    MUST(++z->questions <= QUESTIONS_MAX);
    ret->records = arena_array(a, 1, sizeof *ret->records);
    ret->count = 1;
    if (type == DNS_TXT && slice_next(&z->rest, '\n', &line))
        ret->records[0].bytes = arena_printf(a, "v=spf1 %.*s", SLICE_ARG(line));
    else if (type == DNS_MX)
        ret->records[0].name = S("mx.example.net");
    else if (type == DNS_A && name.len % 2 == 0)
        ret->records[0].bytes = slice_of("\xc0\x00\x02\x01", 4);
    else
        *ret = (struct dns_answer){.type = type, .code = DNS_NODATA};
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const senders[] = {"192.0.2.1", "198.51.100.7", "2001:db8::1"};
    for (size_t i = 0; i < ARRAY_SIZE(senders); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct zone z = {.rest = slice_of(data, size)};
        struct dns_client client = {query, &z};
        struct net_addr addr;
        struct slice record;
        MUST(net_parse(slice_of_str(senders[i]), 0, &addr) == 0);
        enum spf_result r = spf_check(&client, S("example.net"), &addr, &a, &record);
        MUST(r <= SPF_UNKNOWN);
    }
    return 0;
}
