/* SPDX-License-Identifier: ISC */
/*
 * The queue role: what happens to messages is decided in src/queue/; here it gets its settings, the
 * other roles it asks, and the calls of those who bring messages or look after them.
 */
#include "queue/queue.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/siphash.h"
#include "events/kinds.h"
#include "proc/memory.h"
#include "queue/route.h"
#include "relay/via.h"
#include "role/author.h"
#include "role/mail/taken_room.h"
#include "role/queue/queue_answer.h"
#include "role/queue/queue_policies.h"
#include "role/queue/queue_reports.h"
#include "role/queue/queue_tls_reports.h"
#include "role/roles.h"
#include "role/routes.h"
#include "smtp/reply.h"

#define QUEUE_WORKER  255U /* ids of messages made here; edges count from 0 */
#define STOP_PATIENCE USEC_SEC

struct queue_role {
    struct queue *queue;
    struct routes *routes;
    struct taken_room *taken;
    struct queue_policies *policies;
    struct queue_tls_reports *tls_reports;
    unsigned scans; /* which scan process signs next */
    struct queue_reports reports;
};

static struct queue *queue_of(const struct process *p) {
    return ((struct queue_role *)p->state)->queue;
}

/* ------------------------------------------------------------------ what it asks of others */

static int ask_directory(void *arg, struct slice address, struct arena *a,
                         struct route *ret) WAITS {
    struct process *p = arg;
    const struct queue_role *role = p->state;
    uint64_t usual = p->conf->delivery.quota;
    usec_t asked;
    int r = routes_resolve(role->routes, address, a, ret, &asked, NULL);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ret->mailbox_count; i++)
        if (ret->mailboxes[i].quota == 0)
            ret->mailboxes[i].quota = usual;
    return 0;
}

static int deliver(void *arg, const struct queue_delivery *d, struct arena *a,
                   struct queue_delivered *ret, struct problem *problem) WAITS {
    struct process *p = arg;
    const struct spool_body *body = d->message.body;
    struct rpc_mail_deliver_in in = {
        .id = d->root,
        .account = d->mailbox.account_id,
        .quota = d->mailbox.quota,
        .head = d->head,
        .return_path = d->message.envelope->reverse_path,
        .arrival = d->message.envelope->arrival,
        .verdict = d->message.envelope->verdict,
        .bytes = body->bytes,
        .file = body->fd,
        .file_len = body->file_len,
    };
    struct rpc_mail_deliver_out out;
    int r = call_mail_deliver(process_link(p, ROLE_MAIL, d->mailbox.shard), &in, a, &out, problem);
    if (r < 0)
        return r;
    struct queue_wanted *wanted = arena_array(a, out.wanted_count, sizeof *wanted);
    for (size_t i = 0; i < out.wanted_count; i++)
        wanted[i] = (struct queue_wanted){.envelope = out.wanted[i].envelope,
                                          .bytes = out.wanted[i].bytes,
                                          .same = out.wanted[i].same};
    *ret = (struct queue_delivered){
        .wanted = wanted, .count = out.wanted_count, .mailbox = out.mailbox};
    return 0;
}

static struct relay_result result_of(const struct rpc_result *f) {
    struct relay_result r = {
        .disposition =
            f->disposition <= RELAY_NEVER ? (enum relay_disposition)f->disposition : RELAY_LATER,
        .reply = {.code = f->code, .text = f->text},
        .peer = f->peer,
        .from_peer = f->from_peer,
        .dsn_passed = f->dsn_passed,
        .unsure = f->unsure,
    };
    struct slice status = f->status;
    (void)smtp_status_parse(&status, &r.reply.status);
    return r;
}

/* All messages to one domain go through one relay process, which keeps the pace for it. */
static struct rpc_link *relay_for(struct process *p, struct slice domain) {
    static const uint8_t key[16] = "domain to relay";
    return process_link(p, ROLE_RELAY, (unsigned)(siphash_keyed(domain, key) & 0xffff));
}

static int send_on(void *arg, struct slice reverse_path, struct arena *a, struct slice *ret) WAITS {
    struct process *p = arg;
    struct rpc_directory_send_on_in in = {reverse_path};
    struct rpc_directory_send_on_out out;
    int r = call_directory_send_on(process_link(p, ROLE_DIRECTORY, 0), &in, a, &out, NULL);
    if (r == 0)
        *ret = out.address;
    return r;
}

static int sign(void *arg, const struct queue_signing *q, struct arena *a,
                struct slice *ret) WAITS {
    struct process *p = arg;
    struct queue_role *role = p->state;
    struct rpc_scan_sign_in in = {.forward = q->forward,
                                  .login = q->login,
                                  .bytes = q->body->bytes,
                                  .file = q->body->fd,
                                  .file_len = q->body->file_len};
    struct rpc_scan_sign_out out;
    int r = call_scan_sign(process_link(p, ROLE_SCAN, role->scans++), &in, a, &out, NULL);
    if (r == 0)
        *ret = out.fields;
    return r;
}

/* The fields in front of a message, and its bytes that are in memory. */
static struct slice with_head(struct slice head, struct slice bytes, struct arena *a) {
    if (head.len == 0)
        return bytes;
    char *both = arena_alloc(a, head.len + bytes.len);
    memcpy(both, head.ptr, head.len);
    if (bytes.len > 0)
        memcpy(both + head.len, bytes.ptr, bytes.len);
    return slice_of(both, head.len + bytes.len);
}

/* The MTA-STS policy of the domain, and a word in the journey where it could not be had. */
static int find_policy(struct process *p, const struct queue_transmission *t, struct slice domain,
                       struct arena *a, struct sts_found *ret) WAITS {
    const struct queue_role *role = p->state;
    int r = queue_policies_find(role->policies, domain, a, ret);
    if (r == 0 && ret->error < 0)
        process_event(
            p, t->message.id, KIND_LOOKUP, NULL, 0,
            ret->has_policy
                ? "MTA-STS of %.*s: the newest policy cannot be had: %.*s. The one that is"
                  " known holds."
                : "MTA-STS of %.*s: its policy cannot be had: %.*s. It holds for nothing.",
            SLICE_ARG(domain), SLICE_ARG(ret->why));
    return r;
}

static int hand_over(struct process *p, const struct queue_transmission *t,
                     const struct sts_found *found, struct arena *a,
                     struct relay_outcome *ret) WAITS {
    const struct queue_role *role = p->state;
    const struct spool_body *body = t->message.body;
    struct rpc_relay_transmit_in in = {
        .id = t->message.id,
        .envelope = *t->message.envelope,
        .domain = t->domain,
        .bytes = with_head(t->head, body->bytes, a),
        .file = body->fd,
        .file_len = body->file_len,
        .now = t->now,
        .sts = found->text,
    };
    struct rpc_relay_transmit_out out;
    int r = call_relay_transmit(relay_for(p, t->domain), &in, a, &out, NULL);
    if (r < 0)
        return r;
    if (out.results_count != t->message.envelope->count)
        return -EPROTO;
    *ret = (struct relay_outcome){.count = out.results_count,
                                  .dialogue = out.dialogue,
                                  .tls = out.tls,
                                  .sts_failed = out.sts_failed,
                                  .rest = out.rest,
                                  .rest_why = out.rest_why};
    ret->results = arena_array(a, out.results_count, sizeof *ret->results);
    for (size_t i = 0; i < out.results_count; i++)
        ret->results[i] = result_of(&out.results[i]);
    queue_tls_reports_add(role->tls_reports,
                          route_domain(t->message.envelope->recipients[0].address), found,
                          out.sessions, out.sessions_count);
    if (out.results_count > 0 && ret->results[0].disposition == RELAY_NEVER)
        queue_tls_reports_failed(role->tls_reports, t->message.id);
    return 0;
}

static bool all_put_off(const struct relay_outcome *outcome) {
    for (size_t i = 0; i < outcome->count; i++)
        if (outcome->results[i].disposition != RELAY_LATER || outcome->results[i].unsure)
            return false;
    return true;
}

/* If nobody gets the message because of a policy that is another one by now, that one counts. */
static int transmit(void *arg, const struct queue_transmission *t, struct arena *a,
                    struct relay_outcome *ret) WAITS {
    struct process *p = arg;
    const struct queue_role *role = p->state;
    struct slice domain = route_domain(t->message.envelope->recipients[0].address);
    struct sts_found found;
    int r = find_policy(p, t, domain, a, &found);
    if (r == 0)
        r = hand_over(p, t, &found, a, ret);
    if (r < 0 || !ret->sts_failed || !queue_policies_doubt(role->policies, domain) ||
        !all_put_off(ret))
        return r;
    r = find_policy(p, t, domain, a, &found);
    return r < 0 ? r : hand_over(p, t, &found, a, ret);
}

static struct slice destination(void *arg, struct slice domain, struct arena *a) {
    const struct process *p = arg;
    struct relay_via via;
    if (p->conf->relay.route.count == 0 && p->conf->relay.smart_host.host.len == 0)
        return S("");
    relay_via_find(p->conf, domain, a, &via);
    return via.fixed ? arena_copy(a, via.destination) : S(""); /* new settings may come */
}

static void log_event(void *arg, queue_id id, const char *kind, struct slice sentence,
                      const struct event_fact *facts, size_t count) {
    process_event(arg, id, kind, facts, count, "%.*s", SLICE_ARG(sentence));
}

/* ------------------------------------------------------------------ life */

static void note_spool(void *arg, enum spool_notice kind, const char *text) {
    bool bad = kind != SPOOL_NOTICE_TORN && kind != SPOOL_NOTICE_STRAY && kind != SPOOL_NOTICE_ROOM;
    process_event(arg, 0, bad ? KIND_ERROR : KIND_WARNING, NULL, 0, "Spool: %s", text);
}

static struct queue_options options_of(struct process *p) {
    const struct conf *c = p->conf;
    struct queue_options o = queue_options_default;
    o.hostname = c->hostname;
    o.worker = QUEUE_WORKER;
    o.schedule.first = c->queue.retry_schedule.list;
    o.schedule.first_count = c->queue.retry_schedule.count;
    o.schedule.day_one = c->queue.retry_first_day;
    o.schedule.after = c->queue.retry_after;
    o.schedule.jitter = c->queue.retry_jitter;
    o.schedule.lifetime = c->queue.lifetime;
    o.schedule.report_lifetime = c->queue.bounce_lifetime;
    o.schedule.notices = c->queue.delay_notices.list;
    o.schedule.notice_count = MIN(c->queue.delay_notices.count, (size_t)QUEUE_NOTICES);
    o.recipients_per_transaction = c->queue.recipients_per_transaction;
    o.active_max = c->queue.active_max;
    o.memory_max = c->queue.memory_max;
    o.returned_max = c->queue.bounce_full_size_max;
    o.held_max = c->sending.held_max;
    o.held_size_max = c->sending.held_size_max;
    o.loops_held_max = c->queue.loops_held_max;
    o.loops_held_size_max = c->queue.loops_held_size_max;
    o.spool.reserve = c->queue.disk_reserve;
    o.spool.notice = note_spool;
    o.spool.arg = p;
    return o;
}

static int open_queue(struct process *p, struct problem *problem) WAITS {
    struct queue_role *role = NEW(struct queue_role);
    struct queue_options options = options_of(p);
    role->routes = routes_new(p);
    role->taken = taken_room_new();
    role->policies = queue_policies_new(p);
    role->tls_reports = queue_tls_reports_new(p, &role->queue);
    p->state = role;
    memory_one_arena(); /* a thread makes what the spool keeps of each message */
    struct queue_ops ops = {.arg = p,
                            .resolve = ask_directory,
                            .deliver = deliver,
                            .transmit = transmit,
                            .send_on = send_on,
                            .sign = sign,
                            .event = log_event,
                            .destination = destination};
    _cleanup_(close_p) int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return problem_set(problem, -errno, "spool cannot be opened: %s", error_text(errno));
    int r = queue_open(dir, &options, &ops, &role->queue, problem);
    if (r == 0)
        (void)TAKE_FD(dir); /* stays the queue's for the life of the process */
    return r;
}

static void go(struct process *p) WAITS {
    struct queue_role *role = p->state;
    queue_policies_start(role->policies);
    queue_tls_reports_start(role->tls_reports);
    role->reports = (struct queue_reports){p, role->queue};
    if (queue_start(role->queue) < 0 ||
        fiber_spawn_under(p->root, "reports", queue_reports_work, &role->reports) < 0)
        process_fail(p, "the queue cannot start: no memory");
}

static int reload(struct process *p, const struct conf *before, struct problem *problem) {
    struct queue_options options = options_of(p);
    (void)before;
    (void)problem;
    queue_configure(queue_of(p), &options);
    return 0;
}

static void stop(struct process *p) WAITS {
    const struct queue_role *role = p->state;
    queue_stop(queue_of(p), fiber_now() + STOP_PATIENCE);
    queue_policies_save(role->policies);
}

static uint64_t sessions(struct process *p) {
    struct queue_stats stats;
    queue_stats(queue_of(p), &stats);
    return stats.messages;
}

/* ------------------------------------------------------------------ messages come in */

/*
 * An edge gives the ids of its own worker number (message/queue_id.h). Otherwise one in the hands
 * of a stranger could drop the files of the others' messages, or have messages delivered under the
 * ids that they are going to use, which the mailboxes would then believe to have already. What
 * comes from a mailbox gets its id here.
 */
static int check_owner(const struct rpc_caller *caller, queue_id id, struct problem *problem) {
    if (caller->role == ROLE_EDGE ? queue_id_worker(id) == caller->worker : id == 0)
        return 0;
    return problem_set(problem, -EINVAL, "the message's id belongs to another process");
}

static int on_open_file(void *arg, const struct rpc_caller *caller,
                        const struct rpc_queue_open_file_in *in, struct arena *a,
                        struct rpc_queue_open_file_out *out, struct problem *problem) WAITS {
    (void)a;
    int r = check_owner(caller, in->id, problem);
    if (r < 0)
        return r;
    struct queue *q = queue_of(arg);
    r = queue_open_file(q, in->id, &out->file);
    if (r == 0 && fiber_cancelled()) { /* the edge went after its files were dropped */
        (void)close(out->file);
        queue_drop_file(q, in->id);
        return -ECANCELED;
    }
    return r;
}

static int on_read_file(void *arg, const struct rpc_caller *caller,
                        const struct rpc_queue_read_file_in *in, struct arena *a,
                        struct rpc_queue_read_file_out *out, struct problem *problem) WAITS {
    (void)a;
    int r = check_owner(caller, in->id, problem);
    return r < 0 ? r : queue_read_file(queue_of(arg), in->id, &out->file);
}

static int on_drop_file(void *arg, const struct rpc_caller *caller,
                        const struct rpc_queue_drop_file_in *in, struct arena *a,
                        struct rpc_queue_drop_file_out *out, struct problem *problem) WAITS {
    (void)a;
    (void)out;
    int r = check_owner(caller, in->id, problem);
    if (r == 0)
        queue_drop_file(queue_of(arg), in->id);
    return r;
}

struct leaving {
    struct process *process;
    unsigned worker;
};

static void drop_files(void *arg) WAITS {
    _cleanup_(free_p) struct leaving *l = arg;
    queue_drop_files_of(queue_of(l->process), l->worker);
}

/* The files that an edge was writing; its successor begins after this fiber and with new ones. */
static void peer_gone(struct process *p, enum role role, unsigned worker) {
    if (role == ROLE_DIRECTORY)
        routes_forget(((struct queue_role *)p->state)->routes);
    if (role != ROLE_EDGE)
        return;
    struct leaving *l = NEW(struct leaving);
    *l = (struct leaving){p, worker};
    if (fiber_spawn_under(p->root, "files of an edge", drop_files, l) < 0)
        free(l);
}

static int on_submit(void *arg, const struct rpc_caller *caller,
                     const struct rpc_queue_submit_in *in, struct arena *a,
                     struct rpc_queue_submit_out *out, struct problem *problem) WAITS {
    bool from_mail = caller->role == ROLE_MAIL;
    (void)a;
    int r = check_owner(caller, in->id, problem);
    if (r < 0)
        return r;
    if (in->envelope.origin < QUEUE_FROM_OUTSIDE || in->envelope.origin > QUEUE_FROM_HOST)
        return problem_set(problem, -EINVAL, "only the queue makes messages of this origin");
    if (from_mail && (in->envelope.origin != QUEUE_FROM_USER || in->envelope.login.len == 0))
        return problem_set(problem, -EINVAL, "a mailbox sends for its user only");
    struct queue *q = queue_of(arg);
    out->id = from_mail ? queue_new_id(q) : in->id;
    struct queue_message message = {
        .id = out->id,
        .envelope = in->envelope,
        .head = in->head,
        .bytes = in->bytes,
        .in_file = in->in_file,
        .hold = in->hold,
        .notify = in->notify,
        .reason = in->reason,
    };
    return queue_submit(q, &message, problem);
}

static int on_room(void *arg, const struct rpc_caller *caller, const struct rpc_queue_room_in *in,
                   struct arena *a, struct rpc_queue_room_out *out, struct problem *problem) WAITS {
    (void)caller;
    (void)a;
    (void)problem;
    out->room = queue_room(queue_of(arg), in->size);
    return 0;
}

static int on_take_room(void *arg, const struct rpc_caller *caller,
                        const struct rpc_queue_take_room_in *in, struct arena *a,
                        struct rpc_queue_take_room_out *out, struct problem *problem) {
    const struct queue_role *role = ((struct process *)arg)->state;
    (void)a;
    int r = check_owner(caller, in->id, problem);
    if (r < 0)
        return r;
    out->full = !taken_room_take(role->taken, in->id, in->size, in->mailboxes, in->mailboxes_count,
                                 fiber_now(), &out->place);
    return 0;
}

/* ------------------------------------------------------------------ looking after it */

static int on_list(void *arg, const struct rpc_caller *caller, const struct rpc_queue_list_in *in,
                   struct arena *a, struct rpc_queue_list_out *out, struct problem *problem) WAITS {
    (void)caller;
    (void)problem;
    return queue_answer_list(queue_of(arg), in, a, out);
}

static int on_act(void *arg, const struct rpc_caller *caller, const struct rpc_queue_act_in *in,
                  struct arena *a, struct rpc_queue_act_out *out, struct problem *problem) WAITS {
    struct slice by = author_of_caller(caller, in->by, a);
    return queue_answer_act(queue_of(arg), in, by, out, problem);
}

static int on_sts(void *arg, const struct rpc_caller *caller, const struct rpc_queue_sts_in *in,
                  struct arena *a, struct rpc_queue_sts_out *out, struct problem *problem) WAITS {
    const struct queue_role *role = ((struct process *)arg)->state;
    struct sts_found found;
    (void)caller;
    (void)problem;
    int r = queue_policies_find(role->policies, in->domain, a, &found);
    out->policy = found.text;
    out->why = found.why;
    return r;
}

static int on_bytes(void *arg, const struct rpc_caller *caller, const struct rpc_queue_bytes_in *in,
                    struct arena *a, struct rpc_queue_bytes_out *out,
                    struct problem *problem) WAITS {
    (void)caller;
    return queue_answer_bytes(queue_of(arg), in, a, out, problem);
}

static const struct rpc_queue_handlers handlers = {
    .open_file = on_open_file,
    .read_file = on_read_file,
    .drop_file = on_drop_file,
    .submit = on_submit,
    .room = on_room,
    .take_room = on_take_room,
    .list = on_list,
    .act = on_act,
    .sts = on_sts,
    .bytes = on_bytes,
};

const struct process_work role_queue = {
    .handlers = &handlers,
    .open = open_queue,
    .go = go,
    .reload = reload,
    .stop = stop,
    .sessions = sessions,
    .peer_gone = peer_gone,
};
