/* SPDX-License-Identifier: ISC */
/*
 * Any name is read as a text that is an eighth longer at most; what is UTF-8 then has a form in
 * printable ASCII, which is read as the same text.
 */
#include <stdint.h>

#include "base/encode.h"
#include "base/error.h"
#include "imap/syntax/utf7.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    struct buf text = {0}, name = {0}, again = {0};
    utf7_decode(&text, slice_of(bytes, len));
    MUST(text.len <= len + len / 8);
    if (utf8_valid(buf_slice(&text)) && slice_find_byte(buf_slice(&text), '\0') < 0) {
        utf7_encode(&name, buf_slice(&text));
        for (size_t i = 0; i < name.len; i++)
            MUST(name.ptr[i] >= ' ' && name.ptr[i] < 127);
        utf7_decode(&again, buf_slice(&name));
        MUST(slice_eq(buf_slice(&text), buf_slice(&again)));
    }
    buf_done(&text);
    buf_done(&name);
    buf_done(&again);
    return 0;
}
