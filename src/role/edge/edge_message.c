/* SPDX-License-Identifier: ISC */
/*
 * A message that comes in over SMTP. It is collected in memory; one that grows above EDGE_SMALL_MAX
 * goes on into a file (edge_file.c). The header stays in memory until it is whole (edge_header.c).
 *
 * The queue's answer means that the message is on the disk. Only then the session says 250.
 */
#include <errno.h>

#include "base/alloc.h"
#include "fiber/wait.h"
#include "message/trace.h"
#include "queue/queue.h"
#include "role/edge/edge_lines.h"

#define KIB         ((size_t)1024)
#define HOPS_USUAL  10U /* Received fields of a message that came straight, at most */
#define WRITE_PIECE (512 * KIB)

#define TIGHT_PIECE (32 * KIB) /* when memory is short messages go to files early */

/* A frame of the call that hands over, without the recipients' texts and the message. */
#define SUBMIT_REST (128 * KIB)

/* Of the call's room for a head, what a header written anew may take beside Received. */
#define HEADER_MAX (48 * KIB)

#define BYTES_MAX (512 * KIB) /* the call's room for a body */

static struct edge_message *message_of(struct smtp_transaction *t) {
    return t->message;
}

/* ------------------------------------------------------------------ the trace */

static void add_received(struct edge_message *l, const struct smtp_client *client,
                         const struct smtp_transaction *t, struct buf *to) {
    const struct edge_connection *c = l->smtp->connection;
    struct trace_received received = {
        .helo = client->hello,
        .ip = slice_of_str(c->peer_text),
        .host = c->settings->conf->hostname,
        .protocol = trace_protocol(client->extended, client->tls, client->account.len > 0, false),
        .tls_version = client->tls ? client->tls_facts.version : NULL,
        .tls_cipher = client->tls ? client->tls_facts.cipher : NULL,
        .id = l->id,
        .recipient = t->envelope.count == 1 ? t->envelope.recipients[0].address : S(""),
        .arrival = fiber_wall(),
    };
    trace_received(to, &received);
}

/* ------------------------------------------------------------------ taking the message */

int edge_message_begin(void *arg, const struct smtp_client *client, struct smtp_transaction *t,
                       struct arena *a, struct smtp_reply *ret_reply) {
    struct edge_message *l = NEW(struct edge_message);
    (void)client;
    (void)a;
    l->smtp = arg;
    l->envelope = &t->envelope;
    l->id = t->id;
    l->file = -1;
    t->message = l;
    *ret_reply = SMTP_REPLY_PLAIN(354, "Send the message, then a line with nothing but a dot");
    return 0;
}

/*
 * Looks at each byte once: chunks may be as short as a line, and a header is long enough to keep
 * everybody waiting if it were searched again with each of them.
 */
static bool has_empty_line(struct edge_message *l) {
    static const struct slice empty_line = {"\r\n\r\n", 4};
    struct slice rest = slice_from(buf_slice(&l->bytes), l->searched);
    ssize_t at = slice_find(rest, empty_line);
    if (at < 0 && rest.len >= empty_line.len)
        l->searched += rest.len - (empty_line.len - 1);
    return at >= 0;
}

int edge_message_write(void *arg, struct smtp_transaction *t, struct slice chunk) {
    struct edge_message *l = message_of(t);
    (void)arg;
    size_t limit = l->file >= 0 ? WRITE_PIECE : EDGE_SMALL_MAX;
    buf_add(&l->bytes, chunk);
    edge_message_count(l, 0);
    if (edge_memory_is_tight(l->smtp->connection->edge))
        limit = TIGHT_PIECE;
    /* while the header is not whole, everything stays in memory */
    if (l->bytes.len > limit && (l->header_ended || has_empty_line(l) ||
                                 l->bytes.len > l->smtp->listener.limits.header_max))
        return edge_message_spill(l);
    return edge_has_memory(l->smtp->connection, 0) ? 0 : -ENOSPC;
}

static void message_free(struct smtp_transaction *t) {
    struct edge_message *l = message_of(t);
    edge_message_close_file(l);
    buf_done(&l->bytes);
    buf_done(&l->head);
    arena_done(&l->facts);
    edge_message_count(l, 0);
    free(l);
    t->message = NULL;
}

/* ------------------------------------------------------------------ handing it over */

/* The envelope with what is known of how the message came in. */
static struct envelope envelope_of(const struct edge_message *l, const struct smtp_client *client,
                                   const struct message_scan *facts) {
    struct envelope e = *l->envelope;
    /* what other hosts may refuse as one that goes in a circle, by a header that anybody can write
     */
    bool travelled = l->smtp->leads_on && (l->sent_on || facts->received > HOPS_USUAL);
    e.origin = l->smtp->account           ? QUEUE_FROM_USER
               : edge_is_trusted(l->smtp) ? QUEUE_FROM_HOST
                                          : QUEUE_FROM_OUTSIDE;
    e.login = slice_of_str(l->smtp->account_address);
    e.helo = slice_first(client->hello, ENVELOPE_TEXT_MAX);
    e.peer = slice_of_str(l->smtp->connection->peer_text);
    e.verdict = l->verdict;
    e.shape |= (facts->has_eight_bit ? SHAPE_EIGHT_BIT : 0U) |
               (l->tls_waived ? SHAPE_TLS_WAIVED : 0U) |
               (facts->has_dot_line ? SHAPE_DOT_LINES : 0U) | (travelled ? SHAPE_TRAVELLED : 0U);
    return e;
}

/*
 * What does not fit into one frame goes into a file: very many recipients, a large header, or a
 * body that has become large when its lines were shortened.
 */
static int make_fit(struct edge_message *l) WAITS {
    size_t frame = l->smtp->envelope_memory + l->bytes.len + l->head.len + SUBMIT_REST;
    bool fits = frame <= RPC_FRAME_MAX && l->bytes.len <= BYTES_MAX &&
                (!l->fixed || l->head.len <= HEADER_MAX);
    if (l->written > 0 || fits)
        return 0;
    int r = edge_message_spill(l);
    bool no_file = r == -E_LIMIT || (r == 0 && l->written == 0);
    return no_file ? -ENOSPC : r;
}

/* In memory, or all of it in the file. */
static int bring_together(struct edge_message *l) WAITS {
    int r = make_fit(l);
    if (r < 0 || l->written == 0 || l->bytes.len == 0)
        return r;
    r = edge_message_put(l, buf_slice(&l->bytes));
    buf_clear(&l->bytes);
    return r;
}

/* What a user sends is counted; above his limits it is taken, and held. */
static int count_message(struct edge_message *l, struct arena *a,
                         struct rpc_queue_submit_in *in) WAITS {
    struct rpc_directory_count_message_in count = {.account = l->smtp->account,
                                                   .recipients_count = in->envelope.count};
    struct rpc_directory_count_message_out out;
    if (!l->smtp->account)
        return 0;
    count.recipients = arena_array(a, in->envelope.count, sizeof *count.recipients);
    for (size_t i = 0; i < in->envelope.count; i++)
        count.recipients[i] = in->envelope.recipients[i].address;
    int r = call_directory_count_message(edge_link(l->smtp->connection, ROLE_DIRECTORY), &count, a,
                                         &out, NULL);
    if (r < 0)
        return r;
    in->hold = out.hold;
    in->notify = out.notify;
    in->reason = out.reason;
    return 0;
}

static int submit(struct edge_message *l, const struct smtp_client *client,
                  struct smtp_transaction *t, const struct message_scan *facts, struct arena *a,
                  struct problem *problem) WAITS {
    _cleanup_(buf_done) struct buf head = {0};
    struct rpc_queue_submit_in in;
    struct rpc_queue_submit_out out;
    in = (struct rpc_queue_submit_in){
        .id = l->id, .envelope = envelope_of(l, client, facts), .in_file = l->written > 0};
    int r = count_message(l, a, &in);
    if (r < 0)
        return r;
    if (l->results.len > 0)
        buf_printf(&head, "Authentication-Results: %.*s\r\n", SLICE_ARG(l->results));
    add_received(l, client, t, &head);
    if (l->headless)
        buf_add_str(&head, "\r\n");
    if (l->fixed && !in.in_file)
        buf_add(&head, buf_slice(&l->head));
    if (in.in_file)
        edge_message_close_file(l); /* the queue takes it only when nobody else can write to it */
    else
        in.bytes = buf_slice(&l->bytes);
    in.head = buf_slice(&head);
    edge_message_count(l, a->total + head.size);
    return call_queue_submit(edge_link(l->smtp->connection, ROLE_QUEUE), &in, a, &out, problem);
}

static struct smtp_reply reply_for(const struct edge_message *l, int r, struct arena *a) {
    char text[QUEUE_ID_SIZE];
    struct smtp_reply ok = SMTP_REPLY(250, 2, 0, 0, "");
    switch (r) {
    case 0:
        ok.text = arena_printf(a, "Accepted as %.*s", SLICE_ARG(queue_id_format(l->id, text)));
        return ok;
    case -ENOSPC:
        return SMTP_REPLY(452, 4, 3, 1, "No room for the message now, try again later");
    case -E_REFUSED:
        if (!l->smtp->account)
            return SMTP_REPLY(451, 4, 4, 6,
                              "Too many messages that went in circles wait for the postmaster, try "
                              "again later");
        return SMTP_REPLY(452, 4, 7, 1,
                          "Too many of your messages are held back, ask your administrator");
    case -E_LIMIT:
        return SMTP_REPLY(552, 5, 3, 4, "The message is larger than this server accepts");
    default:
        return SMTP_REPLY(451, 4, 3, 0, "The message cannot be kept now, try again later");
    }
}

/* The first event of the message's journey, or the only one when it was not taken. */
static void log_result(struct edge_message *l, const struct smtp_client *client,
                       const struct smtp_transaction *t, const struct message_scan *whole,
                       const struct smtp_reply *reply) {
    struct edge_logged told = {.message_id = l->message_id, .subject = l->subject, .whole = whole};
    edge_log_message(l->smtp, client, t, &told, reply, &l->facts);
    edge_dialogue_end(l->smtp);
}

void edge_message_abort(void *arg, const struct smtp_client *client, struct smtp_transaction *t,
                        const struct smtp_reply *reply) {
    struct edge_message *l = message_of(t);
    (void)arg;
    if (!l->header_ended)
        edge_header_read(l);
    log_result(l, client, t, NULL, reply);
    edge_message_drop_file(l);
    message_free(t);
}

int edge_message_end(void *arg, const struct smtp_client *client, struct smtp_transaction *t,
                     const struct message_scan *facts, struct arena *a,
                     struct smtp_reply *ret_reply) {
    struct edge_message *l = message_of(t);
    struct problem problem = {0};
    (void)arg;
    struct message_scan whole = *facts;
    int r = edge_header_finish(l);
    if (r == 0)
        r = edge_lines_shorten(l, &whole);
    if (r == 0)
        r = bring_together(l);
    if (r == 0)
        r = edge_sender_judge(l, client);
    if (r == 0)
        r = edge_message_fits(l);
    if (r == 0)
        r = submit(l, client, t, &whole, a, &problem);
    *ret_reply = l->refusal.code ? l->refusal : reply_for(l, r, a);
    if (l->refusal.code)
        ret_reply->text = arena_copy(a, l->refusal.text);
    log_result(l, client, t, &whole, ret_reply);
    if (r < 0)
        edge_message_drop_file(l);
    message_free(t);
    return 0;
}
