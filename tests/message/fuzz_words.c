/* SPDX-License-Identifier: ISC */
#include "base/encode.h"
#include "base/error.h"
#include "message/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Well-formed, bounded, and nothing that a terminal would obey. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    _cleanup_(buf_done) struct buf b = {0};
    words_decode(&b, slice_of(bytes, len));
    MUST(b.len <= 3 * len);
    MUST(utf8_valid(buf_slice(&b)));
    for (size_t i = 0; i < b.len; i++) {
        uint8_t c = (uint8_t)b.ptr[i];
        MUST(c >= ' ' && c != 0x7f);
        MUST(c != 0xc2 || (uint8_t)b.ptr[i + 1] >= 0xa0); /* C1 */
    }
    return 0;
}
