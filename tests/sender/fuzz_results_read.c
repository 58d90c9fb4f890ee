/* SPDX-License-Identifier: ISC */
/* Any text as what somebody else has found: in quotes, behind something else, it says nothing. */
#include "base/buf.h"
#include "base/error.h"
#include "sender/results_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice input = slice_of(data, size);
    struct buf quoted = {0};
    bool says = results_say_dmarc_passed(input, S("a.test"));
    MUST(!says || slice_find_byte(input, ';') >= 0);
    buf_add_str(&quoted, "mx.test; spf=fail reason=\"");
    for (size_t i = 0; i < input.len; i++) {
        if (input.ptr[i] == '"' || input.ptr[i] == '\\')
            buf_add_byte(&quoted, '\\');
        buf_add_byte(&quoted, input.ptr[i]);
    }
    buf_add_str(&quoted, "\"");
    MUST(!results_say_dmarc_passed(buf_slice(&quoted), S("a.test")));
    buf_done(&quoted);
    return 0;
}
