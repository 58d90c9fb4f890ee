/* SPDX-License-Identifier: ISC */
/*
 * Whatever a message or a client brought is written inside the grammar: strings in every place
 * where one may stand, texts, names of mailboxes.
 *
 * Byte 0: bit 0 UTF-8, bit 1 NULs may be told.
 */
#include <stdint.h>

#include "base/encode.h"
#include "base/error.h"
#include "imap/syntax/fetch.h"
#include "imap/syntax/write.h"
#include "response_check.h"

static void write_all(struct imap_writer *w, struct slice text, bool eight) {
    imap_write_begin(w, S("*"));
    imap_write_number(w, 1);
    imap_write_word(w, "FETCH");
    imap_write_open(w);
    imap_write_word(w, "ENVELOPE");
    imap_write_open(w);
    imap_write_string(w, text);
    imap_write_nstring(w, text);
    imap_write_open(w);
    imap_write_open(w);
    for (int i = 0; i < 4; i++)
        imap_write_nstring(w, text);
    imap_write_close(w);
    imap_write_close(w);
    for (int i = 0; i < 7; i++)
        imap_write_nil(w);
    imap_write_close(w);
    if (eight) {
        imap_write_section(w, &(struct imap_section){.form = IMAP_BINARY});
        imap_write_nstring8(w, text);
    } else {
        imap_write_word(w, "PREVIEW");
        imap_write_nstring(w, text);
    }
    imap_write_close(w);
    imap_write_end(w);
    imap_write_begin(w, S("*"));
    imap_write_word(w, "QUOTAROOT");
    imap_write_astring(w, S("x"));
    imap_write_astring(w, text);
    imap_write_end(w);
    if (text.len > 0) {
        imap_write_begin(w, S("a"));
        imap_write_word(w, "NO");
        imap_write_text(w, text);
        imap_write_end(w);
    }
    if (text.len > 0 && utf8_valid(text) && !slice_eq_nocase(text, S("INBOX"))) {
        imap_write_begin(w, S("*"));
        imap_write_word(w, "MYRIGHTS");
        imap_write_mailbox(w, text);
        imap_write_astring(w, S("lr"));
        imap_write_end(w);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    if (len < 1)
        return 0;
    struct buf sent = {0};
    bool utf8 = bytes[0] & 1;
    struct imap_writer w = {.to = &sent, .utf8 = utf8, .utf8_names = utf8};
    write_all(&w, slice_of(bytes + 1, len - 1), bytes[0] & 2);
    struct slice rest = buf_slice(&sent);
    struct response_fault fault;
    while (rest.len > 0)
        if (!response_check(&rest, utf8, &fault))
            panic("expected %s at %zu of \"%.*s\"", fault.expected, fault.at, SLICE_ARG(rest));
    buf_done(&sent);
    return 0;
}
