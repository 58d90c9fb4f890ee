/* SPDX-License-Identifier: ISC */
#include "imap/visit/visit_inside.h"

#include "imap/syntax/token.h"

struct listing {
    struct imap_session *s;
    void (*each)(void *arg, struct slice path);
    void *arg;
};

/* * LIST (\HasNoChildren) "/" "Other Users/..." */
static void take_listed(void *arg, struct slice line) {
    struct listing *l = arg;
    struct imap_cursor c;
    struct slice path;
    ssize_t at = slice_find(line, S(") \"/\" "));
    if (!slice_starts(line, S("* LIST (")) || at < 0)
        return;
    struct imap_text name = {.bytes = slice_trim_lines(slice_from(line, (size_t)at + 6))};
    token_begin(&c, &name, &l->s->c.arena);
    c.utf8_names = l->s->c.mode.utf8_names;
    if (token_mailbox(&c, &path))
        l->each(l->arg, arena_copy(&l->s->c.arena, path));
}

int imap_visit_list(struct imap_session *s, struct slice owner,
                    void (*each)(void *arg, struct slice path), void *arg) {
    struct listing l = {s, each, arg};
    struct imap_visit *v;
    int r = visit_begin(s, owner, &v);
    if (r < 0)
        return r;
    struct visit_hearing h = {.s = s, .v = v, .line = take_listed, .arg = &l};
    stream_str(v->stream, "l LIST \"\" *\r\n");
    r = visit_hear(&h);
    imap_visit_end(v);
    return r;
}

/* Of the answer to a command of our own the client gets what it says of the mailbox. Its tag is the
 * beginning of the mark: begin_line() drops the rest. */
static int ask(struct imap_session *s, struct imap_visit *v, struct slice command) WAITS {
    struct visit_hearing h = {.s = s, .v = v};
    stream_printf(v->stream, "%.*s ", (int)IMAP_MARK_HEX, v->terms.mark);
    stream_write(v->stream, command);
    return visit_hear(&h);
}

void imap_visit_tell(struct imap_session *s, struct imap_visit **at, struct slice path,
                     unsigned items, bool rights) {
    _cleanup_(buf_done) struct buf text = {0};
    struct slice owner, rest;
    struct imap_writer w = {
        .to = &text, .utf8 = s->c.writer.utf8, .utf8_names = s->c.writer.utf8_names};
    if ((items == 0 && !rights) || !imap_owner_of_path(path, &owner, &rest))
        return;
    if (!visit_is_at(*at, owner)) {
        imap_visit_end(TAKE_PTR(*at));
        if (visit_begin(s, owner, at) < 0)
            return;
    }
    imap_send(&s->c); /* what was said before comes first */
    int r = 0;
    if (items) {
        imap_write_begin(&w, S("STATUS"));
        imap_write_mailbox(&w, path);
        imap_write_open(&w);
        for (unsigned item = 1; item <= items; item <<= 1)
            if (items & item)
                imap_write_word(&w, imap_status_name((enum imap_status_item)item));
        imap_write_close(&w);
        imap_write_end(&w);
        r = ask(s, *at, buf_slice(&text));
        buf_clear(&text);
    }
    if (rights && r == 0) {
        imap_write_begin(&w, S("MYRIGHTS"));
        imap_write_mailbox(&w, path);
        imap_write_end(&w);
        r = ask(s, *at, buf_slice(&text));
    }
    if (r < 0)
        visit_lose(s);
}
