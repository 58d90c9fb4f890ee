/* SPDX-License-Identifier: ISC */
/*
 * The data of a TLSA record. One that is taken has the numbers, and the bytes behind them, that it
 * came with.
 */
#include "policy/dane.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    struct tls_record record;
    int r = dane_record_read(slice_of(bytes, len), &record);
    MUST(len >= 3 || r == -E_SYNTAX);
    if (r < 0)
        return 0;
    MUST(record.usage == bytes[0] && record.selector == bytes[1] && record.matching == bytes[2]);
    MUST(slice_eq(record.data, slice_of(bytes + 3, len - 3)));
    MUST(record.usage == 2 || record.usage == 3);
    return 0;
}
