/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as SPF records: the input is cut at line ends, and each TXT question gets the next line
 * as its record, so that includes and redirects meet strange ones, too. What may not happen is more
 * questions than the RFC allows (§4.6.4), whatever the records say.
 */
#include "sender/spf/spf.h"

/* A record, ten terms, ten hosts of each, as many names of the client for %{p} in each of them, and
 * an explanation. */
#define QUESTIONS_MAX (1 + 10 + 10 * 10 + 12 * 11 + 2)

struct zone {
    struct slice rest;
    unsigned questions;
};

static int query(void *arg, struct slice name, uint16_t type, struct arena *a,
                 struct dns_answer *ret) {
    struct zone *z = arg;
    struct slice line = {NULL, 0};
    char wire[DNS_NAME_WIRE];
    size_t len;
    MUST(dns_name_write(name, wire, &len) == 0);
    *ret = (struct dns_answer){.type = type};
    MUST(++z->questions <= QUESTIONS_MAX);
    ret->records = arena_array(a, 1, sizeof *ret->records);
    ret->count = 1;
    if (type == DNS_TXT && slice_next(&z->rest, '\n', &line))
        ret->records[0].bytes = arena_printf(a, "v=spf1 %.*s", SLICE_ARG(line));
    else if (type == DNS_MX || type == DNS_PTR)
        ret->records[0].name = S("mx.example.net");
    else if (type == DNS_A && name.len % 2 == 0)
        ret->records[0].bytes = slice_of("\xc0\x00\x02\x01", 4);
    else
        *ret = (struct dns_answer){.type = type, .code = DNS_NODATA};
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const clients[] = {"192.0.2.1", "198.51.100.7", "2001:db8::1"};
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct zone z = {.rest = slice_of(data, size)};
        struct dns_client dns = {query, &z};
        struct net_addr client;
        struct spf_outcome outcome;
        struct spf_question question = {.dns = &dns,
                                        .client = &client,
                                        .helo = slice_first(z.rest, 100),
                                        .local_part = slice_first(z.rest, 64),
                                        .domain = S("example.net"),
                                        .host = S("mx.test")};
        MUST(net_parse(slice_of_str(clients[i]), 0, &client) == 0);
        MUST(spf_check(&question, &a, &outcome) == 0);
        MUST(outcome.result <= SPF_PERMERROR && outcome.explanation.len <= SPF_EXPLAIN_MAX);
        MUST((outcome.result == SPF_PERMERROR) <= (outcome.problem != NULL));
        for (size_t k = 0; k < outcome.explanation.len; k++)
            MUST(outcome.explanation.ptr[k] >= ' ' && outcome.explanation.ptr[k] < 0x7f);
    }
    return 0;
}
