/* SPDX-License-Identifier: ISC */
/*
 * What client and server said since the last message: it goes into the journey of the next one.
 */
#include "role/edge/edge_smtp.h"

void edge_dialogue_end(struct edge_smtp *m) {
    buf_done(&m->dialogue);
    edge_count_memory(m->connection->edge, &m->dialogue_memory, 0);
}

/* Room for some more of the dialogue. False: it has grown long enough, or there is no memory. */
static bool dialogue_has_room(struct edge_smtp *m, size_t more) {
    struct edge_connection *c = m->connection;
    size_t want = m->dialogue.len + more;
    if (want > EDGE_DIALOGUE_MAX)
        return false;
    if (want <= m->dialogue.size)
        return true;
    if (!edge_has_memory(c, want))
        return false;
    buf_reserve(&m->dialogue, MAX(more, (size_t)EDGE_DIALOGUE_USUAL));
    edge_count_memory(c->edge, &m->dialogue_memory, m->dialogue.size);
    return true;
}

void edge_dialogue_add(struct edge_smtp *m, enum smtp_event_kind kind, struct slice text) {
    if (kind != SMTP_EVENT_COMMAND && kind != SMTP_EVENT_REPLY && kind != SMTP_EVENT_TLS)
        return;
    bool begins = kind == SMTP_EVENT_COMMAND && slice_starts_nocase(text, S("MAIL "));
    if (begins && m->dialogue.len > EDGE_DIALOGUE_MAX / 2)
        edge_dialogue_end(m); /* transactions before that led to nothing */
    if (!dialogue_has_room(m, text.len + 8))
        return;
    buf_add_str(&m->dialogue, kind == SMTP_EVENT_COMMAND ? "C: "
                              : kind == SMTP_EVENT_REPLY ? "S: "
                                                         : "-- ");
    buf_add(&m->dialogue, text);
    buf_add_byte(&m->dialogue, '\n');
}
