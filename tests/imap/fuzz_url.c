/* SPDX-License-Identifier: ISC */
/* URLs of messages: what is taken has a UID, names are UTF-8 without controls, parts are counted
 * from 1. */
#include <stdint.h>

#include "base/encode.h"
#include "imap/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    struct arena a = {0};
    struct imap_url url;
    if (imap_url_parse(slice_of(bytes, len), &a, &url) == 0) {
        MUST(url.uid > 0);
        MUST(utf8_valid(url.mailbox));
        for (size_t i = 0; i < url.mailbox.len; i++)
            MUST((unsigned char)url.mailbox.ptr[i] >= ' ');
        for (size_t i = 0; i < url.section.part_count; i++)
            MUST(url.section.parts[i] > 0);
        MUST(!url.section.partial || url.section.length > 0);
        MUST(url.section.form == IMAP_BODY);
    }
    arena_done(&a);
    return 0;
}
