/* SPDX-License-Identifier: ISC */
/*
 * What the journey and the log hear from the edge. A postmaster who is asked why a message has not
 * come looks here first, so each message that was offered has an event that says what became of it,
 * be it that its sender was refused or that its client was lost; but for clients of which that
 * would be said without end (edge_quiet.c).
 *
 * The address of the client comes before whatever a stranger chose himself: who reads the log for
 * addresses to lock out must not be given one that was put into a name.
 */
#include "directory/directory.h"
#include "events/kinds.h"
#include "role/edge/edge_smtp.h"

void edge_log_login(const struct edge_connection *c, const struct login *login, struct slice name) {
    bool welcome = login->outcome == LOGIN_WELCOME;
    struct event_fact facts[] = {
        {S(FACT_CLIENT), slice_of_str(c->peer_text)},
        {S(FACT_SERVICE), c->port->name},
        {S(FACT_LOGIN), welcome ? login->address : slice_first(name, 512)},
        {S(FACT_REASON), welcome ? S("") : login->reason},
    };
    if (welcome)
        process_event(c->edge->process, 0, KIND_LOGIN, facts, ARRAY_SIZE(facts),
                      "%.*s logged in from %s for %.*s.", SLICE_ARG(login->address), c->peer_text,
                      SLICE_ARG(c->port->name));
    else if (edge_may_log(c))
        process_event(c->edge->process, 0, KIND_LOGIN_FAILED, facts, ARRAY_SIZE(facts),
                      "A login from %s for %.*s as \"%.*s\" failed.", c->peer_text,
                      SLICE_ARG(c->port->name), SLICE_ARG(facts[2].value));
}

/* Once for each connection: nothing slows these down, and there is no more to say. */
void edge_log_bare_login(struct edge_connection *c, struct slice name) {
    name = slice_first(name, 512);
    struct event_fact facts[] = {
        {S(FACT_CLIENT), slice_of_str(c->peer_text)},
        {S(FACT_SERVICE), c->port->name},
        {S(FACT_LOGIN), name},
        {S(FACT_REASON), S("passwords are taken under TLS only: turn on STARTTLS or SSL/TLS in "
                           "the mail program")},
    };
    if (c->bare_told || !edge_may_log(c))
        return;
    c->bare_told = true;
    process_event(c->edge->process, 0, KIND_LOGIN_FAILED, facts, ARRAY_SIZE(facts),
                  "A login from %s for %.*s%s%.*s%s without TLS was refused.", c->peer_text,
                  SLICE_ARG(c->port->name), name.len > 0 ? " as \"" : "", SLICE_ARG(name),
                  name.len > 0 ? "\"" : "");
}

/* ------------------------------------------------------------------ messages */

void edge_log_sender(const struct edge_smtp *m, const struct smtp_transaction *t,
                     const struct smtp_reply *reply, struct arena *a) {
    struct event_fact facts[] = {
        {S(FACT_FROM), t->envelope.reverse_path},
        {S(FACT_REPLY), smtp_reply_text(a, reply)},
        {S(FACT_CLIENT), slice_of_str(m->connection->peer_text)},
        {S(FACT_LOGIN), slice_of_str(m->account_address)},
    };
    if (!edge_may_log(m->connection))
        return;
    process_event(m->connection->edge->process, t->id, KIND_REJECTED, facts, ARRAY_SIZE(facts),
                  "A message from %s, sender %.*s, was refused.", m->connection->peer_text,
                  SLICE_ARG(facts[0].value.len > 0 ? facts[0].value : S("<>")));
}

void edge_log_recipient(const struct edge_smtp *m, const struct smtp_transaction *t,
                        struct slice address, const struct smtp_reply *reply, struct arena *a) {
    struct event_fact facts[] = {
        {S(FACT_FROM), t->envelope.reverse_path},
        {S(FACT_TO), address},
        {S(FACT_REPLY), smtp_reply_text(a, reply)},
        {S(FACT_CLIENT), slice_of_str(m->connection->peer_text)},
        {S(FACT_LOGIN), slice_of_str(m->account_address)},
    };
    if (!edge_may_log(m->connection))
        return;
    process_event(m->connection->edge->process, t->id, KIND_REJECTED, facts, ARRAY_SIZE(facts),
                  "A message from %s to %.*s was refused: %.*s", m->connection->peer_text,
                  SLICE_ARG(address), SLICE_ARG(facts[2].value));
}

/* "spf=pass" of each finding; and of the verdict, which may name what strangers chose, all. */
static void add_result(struct buf *to, struct buf *verdict, const struct event_fact *fact) {
    struct slice rest = fact->value, line;
    bool whole = slice_eq(fact->name, S(FACT_VERDICT));
    for (bool first = true; (first || whole) && slice_next(&rest, '\n', &line); first = false)
        if (whole)
            buf_printf(verdict, "%s%.*s", first ? "" : "; ", SLICE_ARG(line));
        else
            buf_printf(to, "%s%.*s=%.*s", to->len > 0 ? " " : "", SLICE_ARG(fact->name),
                       SLICE_ARG(line));
}

void edge_log_judgement(const struct edge_smtp *m, queue_id id, bool taken,
                        const struct event_fact *facts, size_t count) {
    _cleanup_(buf_done) struct buf text = {0}, verdict = {0};
    if (!taken && !edge_may_log(m->connection))
        return;
    for (size_t i = 0; i < count; i++)
        add_result(&text, &verdict, &facts[i]);
    process_event(m->connection->edge->process, id, KIND_JUDGED, facts, count,
                  "Who has sent it (%.*s): %.*s", SLICE_ARG(buf_slice(&text)),
                  SLICE_ARG(buf_slice(&verdict)));
}

static struct slice recipient_lines(const struct envelope *envelope, struct arena *a) {
    _cleanup_(buf_done) struct buf text = {0};
    for (size_t i = 0; i < envelope->count && text.len < 15000; i++) {
        if (text.len > 0)
            buf_add_byte(&text, '\n');
        buf_add(&text, envelope->recipients[i].address);
    }
    return arena_copy(a, buf_slice(&text));
}

/* With the last reply, which the client has yet to get when this is told. */
static struct slice whole_dialogue(const struct edge_smtp *m, const struct message_scan *whole,
                                   struct slice reply, struct arena *a) {
    struct slice said = buf_slice(&m->dialogue);
    if (!whole || reply.len == 0)
        return said;
    return arena_printf(a, "%.*s-- the message, %llu bytes\nS: %.*s\n", SLICE_ARG(said),
                        (unsigned long long)whole->size, SLICE_ARG(reply));
}

void edge_log_message(const struct edge_smtp *m, const struct smtp_client *client,
                      const struct smtp_transaction *t, const struct edge_logged *told,
                      const struct smtp_reply *reply, struct arena *a) {
    const struct edge_connection *c = m->connection;
    bool taken = smtp_reply_ok(reply), lost = reply->code == 0;
    struct slice answer = lost ? S("") : smtp_reply_text(a, reply);
    struct slice size = S("");
    if (told->whole)
        size = arena_printf(a, "%llu", (unsigned long long)told->whole->size);
    struct event_fact facts[] = {
        {S(FACT_FROM), t->envelope.reverse_path},
        {S(FACT_TO), recipient_lines(&t->envelope, a)},
        {S(FACT_MESSAGE_ID), told->message_id},
        {S(FACT_SUBJECT), told->subject},
        {S(FACT_SIZE), size},
        {S(FACT_CLIENT), slice_of_str(c->peer_text)},
        {S(FACT_HELO), client->hello},
        {S(FACT_TLS), client->tls ? slice_of_str(client->tls_facts.version) : S("")},
        {S(FACT_LOGIN), slice_of_str(m->account_address)},
        {S(FACT_SERVICE), c->port->name},
        {S(FACT_REPLY), answer},
        {S(FACT_REASON), lost ? reply->text : S("")},
        {S(FACT_DIALOGUE), whole_dialogue(m, told->whole, answer, a)},
    };
    if (!taken && !edge_may_log(c))
        return;
    process_event(c->edge->process, t->id,
                  taken  ? KIND_ACCEPTED
                  : lost ? KIND_ABANDONED
                         : KIND_REJECTED,
                  facts, ARRAY_SIZE(facts), "A message from %s, sender %.*s, was %s.", c->peer_text,
                  SLICE_ARG(facts[0].value.len > 0 ? facts[0].value : S("<>")),
                  taken  ? "taken"
                  : lost ? "broken off"
                         : "not taken");
}
