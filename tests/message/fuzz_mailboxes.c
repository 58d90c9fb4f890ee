/* SPDX-License-Identifier: ISC */
#include "base/error.h"
#include "message/address/mailboxes.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice value = slice_of(bytes, len);
    struct mailboxes list;
    mailboxes_parse(&a, value, 50, &list);
    MUST(list.count <= 50);
    for (size_t i = 0; i < list.count; i++) {
        const struct mailbox *box = &list.items[i];
        struct address again;
        if (box->display.len > 0)
            MUST(box->display.ptr >= value.ptr &&
                 box->display.ptr + box->display.len <= value.ptr + value.len);
        MUST(box->address.domain.len > 0);
        int r = address_parse(&a, address_text(&a, &box->address), ADDRESS_UTF8 | ADDRESS_LOOSE,
                              &again, NULL);
        MUST(r == -E_LIMIT || (r == 0 && address_eq(&again, &box->address)));
    }
    return 0;
}
