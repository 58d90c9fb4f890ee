/* SPDX-License-Identifier: ISC */
/* Steps of the script's own side. */
#include "dialogue/talk.h"

static void send_piece(struct talk *t, struct slice bytes) {
    while (bytes.len > 0) {
        size_t len = t->c->each_byte ? 1 : bytes.len;
        if (t->c->sending.bytes > 0) {
            if (t->c->sending.left == 0) {
                (void)fiber_sleep(t->c->sending.span);
                t->c->sending.left = t->c->sending.bytes;
            }
            len = MIN(len, t->c->sending.left);
            t->c->sending.left -= len;
        }
        wire_send(&t->c->wire, slice_first(bytes, len));
        bytes = slice_from(bytes, len);
    }
}

int step_send_lines(struct talk *t, const struct step *step) {
    _cleanup_(buf_done) struct buf bytes = {0};
    struct slice rest = step->text, line;
    if (rest.len == 0)
        buf_add_str(&bytes, "\r\n");
    while (rest.len > 0 && slice_next(&rest, '\n', &line)) {
        match_expand(&t->names, line, &bytes);
        buf_add_str(&bytes, "\r\n");
    }
    talk_log_sent(t, buf_slice(&bytes));
    send_piece(t, buf_slice(&bytes));
    return 0;
}

int step_send_bytes(struct talk *t, const struct step *step) {
    _cleanup_(buf_done) struct buf bytes = {0};
    for (uint64_t i = 0; i < step->count; i++)
        buf_add(&bytes, step->text);
    talk_log_sent(t, buf_slice(&bytes));
    send_piece(t, buf_slice(&bytes));
    return 0;
}

int step_send_end(struct talk *t, const struct step *step) {
    talk_log_sent(t, S("(sends no more)"));
    wire_send_end(&t->c->wire);
    return 0;
}

int step_hang_up(struct talk *t, const struct step *step) {
    talk_log_sent(t, S("(hangs up)"));
    wire_drop(&t->c->wire, t->c->wire.said.len);
    wire_hang_up(&t->c->wire);
    return 0;
}

int step_cut(struct talk *t, const struct step *step) {
    talk_log_sent(t, S("(cuts the connection)"));
    wire_drop(&t->c->wire, t->c->wire.said.len);
    wire_cut(&t->c->wire);
    return 0;
}

int step_each_byte(struct talk *t, const struct step *step) {
    t->c->each_byte = step->count > 0;
    return 0;
}

int step_send_pace(struct talk *t, const struct step *step) {
    t->c->sending = (struct pace){step->count, step->count, step->span};
    return 0;
}
