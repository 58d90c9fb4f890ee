/* SPDX-License-Identifier: ISC */
/*
 * Who has sent a message is judged before its 250, so that what is refused is refused to whoever
 * brings it, and nobody else gets a bounce. The scan processes take turns; one that is not there is
 * passed by.
 */
#include <errno.h>

#include "role/edge/edge_message.h"
#include "sender/decide.h"

static struct rpc_link *next_scan(struct edge *e) {
    unsigned workers = process_workers(e->process, ROLE_SCAN);
    struct rpc_link *link = process_link(e->process, ROLE_SCAN, e->judged++);
    for (unsigned i = 1; i < workers && !rpc_link_up(link); i++)
        link = process_link(e->process, ROLE_SCAN, e->judged++);
    return link;
}

static int open_reader(struct edge_message *l, struct rpc_scan_judge_in *in) WAITS {
    struct rpc_queue_read_file_in which = {l->id};
    struct rpc_queue_read_file_out out = {.file = -1};
    int r = call_queue_read_file(edge_link(l->smtp->connection, ROLE_QUEUE), &which, &l->facts,
                                 &out, NULL);
    in->file = out.file;
    in->file_len = l->written;
    return r;
}

static int refuse(struct edge_message *l, const struct rpc_scan_judge_out *out) {
    struct slice status = out->status;
    l->refusal =
        out->action == SENDER_REFUSE ? SMTP_REPLY(550, 5, 7, 1, "") : SMTP_REPLY(451, 4, 4, 3, "");
    (void)smtp_status_parse(&status, &l->refusal.status);
    l->refusal.text = out->sentence;
    return -E_REFUSED;
}

/* Whether one of the recipients, who are all of this host, is an address of reports. */
static bool is_for_reports(const struct edge_message *l) {
    struct slice name = l->smtp->connection->settings->conf->authentication.reports_to;
    for (size_t i = 0; name.len > 0 && i < l->envelope->count; i++) {
        struct slice address = l->envelope->recipients[i].address;
        ssize_t at = slice_rfind_byte(address, '@');
        if (at > 0 && slice_eq_nocase(slice_first(address, (size_t)at), name))
            return true;
    }
    return false;
}

int edge_sender_judge(struct edge_message *l, const struct smtp_client *client) {
    const struct edge_connection *c = l->smtp->connection;
    struct rpc_scan_judge_in in = {
        .id = l->id,
        .reports = is_for_reports(l),
        .client = slice_of_str(c->peer_text),
        .helo = client->hello,
        .reverse_path = l->envelope->reverse_path,
        .file = -1,
    };
    struct rpc_scan_judge_out out;
    if (edge_may_relay(l->smtp) || net_is_loopback(&c->peer))
        return 0; /* SPF has nothing to say of a program of this machine */
    int r = 0;
    if (l->written > 0)
        r = open_reader(l, &in);
    else if (l->headless)
        in.header = S("\r\n");
    else if (l->fixed)
        in.header = buf_slice(&l->head);
    if (l->written == 0)
        in.bytes = buf_slice(&l->bytes);
    if (r == 0)
        r = call_scan_judge(next_scan(c->edge), &in, &l->facts, &out, NULL);
    close_p(&in.file);
    if (r != 0)
        return -E_TEMPORARY;
    bool taken = out.action < SENDER_LATER;
    edge_log_judgement(l->smtp, l->id, taken, out.facts, out.facts_count);
    if (!taken)
        return refuse(l, &out);
    l->results = out.results;
    l->verdict = out.action == SENDER_JUNK ? VERDICT_JUNK : VERDICT_NONE;
    return 0;
}
