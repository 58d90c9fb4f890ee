/* SPDX-License-Identifier: ISC */
/* The beginning of answers that can be long. */
#include "imap/search/found.h"

void imap_begin_found(struct imap_session *s, const struct imap_command *command,
                      const struct told *told) {
    struct imap_writer *w = &s->c.writer;
    struct store_view_info info;
    imap_write_begin(w, S("*"));
    imap_write_word(w, "ESEARCH");
    imap_write_open(w);
    imap_write_word(w, "TAG");
    imap_write_string(w, command->tag);
    if (command->verb == IMAP_ESEARCH) {
        _cleanup_(buf_done) struct buf path = {0};
        imap_path_of(s, told->mailbox, &path);
        store_view_info(told->view, &info);
        imap_write_word(w, "MAILBOX");
        imap_write_mailbox(w, path.len > 0 ? buf_slice(&path) : S("?"));
        imap_write_word(w, "UIDVALIDITY");
        imap_write_number(w, info.uidvalidity);
    }
    imap_write_close(w);
    if (imap_tells_uids(command))
        imap_write_word(w, "UID");
}
