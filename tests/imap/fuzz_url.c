/* SPDX-License-Identifier: ISC */
/* URLs of messages: what is taken has a UID, names are UTF-8 without controls, parts are counted
 * from 1; a token stands at the end. */
#include <stdint.h>

#include "base/encode.h"
#include "imap/syntax/urlauth.h"

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
    struct imap_urlauth allowed;
    if (imap_urlauth_parse(slice_of(bytes, len), &a, &allowed) == 0) {
        MUST(allowed.url.uid > 0 && allowed.url.mailbox.len > 0);
        MUST(allowed.user.len > 0 && utf8_valid(allowed.user) && utf8_valid(allowed.to));
        MUST(allowed.token.len <= len);
        MUST(!allowed.token.ptr || allowed.before_token.len + 1 + allowed.token.len == len);
    }
    arena_done(&a);
    return 0;
}
