/* SPDX-License-Identifier: ISC */
#include "imap/progress.h"

struct imap_progress imap_progress_begin(struct imap_session *s, struct slice tag) {
    return (struct imap_progress){s, tag, s ? fiber_now() + s->config->search_beat : 0};
}

/* RFC 9585 §3. */
static void tell(const struct imap_progress *p, size_t done, size_t all) WAITS {
    struct imap_writer *w = &p->s->c.writer;
    imap_write_begin(w, S("*"));
    imap_write_word(w, "OK");
    imap_write_code(w, "INPROGRESS");
    imap_write_open(w);
    imap_write_string(w, p->tag);
    imap_write_number(w, done);
    imap_write_number(w, all);
    imap_write_close(w);
    imap_write_code_end(w);
    imap_write_text(w, S("still searching"));
    imap_write_end(w);
    imap_send(&p->s->c);
    (void)stream_flush(p->s->c.stream);
}

int imap_progress(struct imap_progress *p, size_t done, size_t all) {
    if (!p->s)
        return 0;
    (void)stream_try_fill(p->s->c.stream);
    int error = stream_error(p->s->c.stream);
    if (error && error != -E_EOF) /* one that is half closed still waits for the answer */
        return -E_EOF;
    if (p->tag.len > 0 && fiber_now() >= p->due && done < all) {
        tell(p, done, all);
        p->due = fiber_now() + p->s->config->search_beat;
    }
    return 0;
}
