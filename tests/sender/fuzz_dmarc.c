/* SPDX-License-Identifier: ISC */
/* Any bytes as a DMARC record: what is read of it is one of a few things, and each address is one.
 */
#include "base/error.h"
#include "sender/dmarc/dmarc_record.h"

static size_t count_addresses(struct slice list, struct arena *a) {
    struct slice address;
    size_t count = 0;
    while (dmarc_next_address(&list, a, &address)) {
        ssize_t at = slice_rfind_byte(address, '@');
        MUST(at > 0 && (size_t)at + 1 < address.len);
        count++;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice text = slice_of(data, size);
    struct arena a = {0};
    struct dmarc_record r;
    dmarc_record_read(text, &a, &r);
    MUST(r.p <= DMARC_POLICY_REJECT && r.sp <= DMARC_POLICY_REJECT && r.np <= DMARC_POLICY_REJECT);
    MUST(r.has_policy || (r.p == DMARC_POLICY_NONE && r.sp == r.p && r.np == r.p));
    MUST(r.rua.len + r.ruf.len <= size && r.fo.len <= MAX(size, (size_t)1));
    MUST(count_addresses(r.rua, &a) <= size && count_addresses(r.ruf, &a) <= size);
    if (dmarc_record_is(text))
        MUST(size >= 8 && text.ptr[0] != ';');
    arena_done(&a);
    return 0;
}
