/* SPDX-License-Identifier: ISC */
/*
 * First byte 0: the rest is a flat answer; else: a record type, then record data. What can be
 * decoded has to come out the same after another round.
 */
#include "dns/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void try_name(struct slice name, struct arena *a) {
    char wire[DNS_NAME_WIRE];
    size_t wire_len;
    struct slice again;
    MUST(dns_name_write(name, wire, &wire_len) == 0);
    struct slice rest = slice_of(wire, wire_len);
    MUST(dns_name_read(&rest, a, &again) == 0 && rest.len == 0);
    MUST(slice_eq(name, again));
}

static void try_answer(struct slice flat, struct arena *a) {
    struct dns_answer answer, again;
    if (dns_answer_decode(flat, a, &answer) < 0)
        return;
    _cleanup_(buf_done) struct buf back = {0};
    dns_answer_encode(&back, &answer);
    MUST(slice_eq(buf_slice(&back), flat));
    MUST(dns_answer_decode(buf_slice(&back), a, &again) == 0);
    dns_answer_decode_records(&again, a);
}

static void try_record(uint16_t type, struct slice data, struct arena *a) {
    struct dns_record record;
    char wire[DNS_NAME_WIRE];
    size_t wire_len;
    (void)dns_name_write(data, wire, &wire_len);
    if (dns_record_read(type, data, a, &record) == 0 && record.name.len)
        try_name(record.name, a);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice rest = slice_of(bytes, len);
    if (len == 0)
        return 0;
    if (bytes[0] == 0)
        try_answer(slice_from(rest, 1), &a);
    else
        try_record(bytes[0], slice_from(rest, 1), &a);
    return 0;
}
