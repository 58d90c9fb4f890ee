/* SPDX-License-Identifier: ISC */
#include "fake_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/siphash.h"
#include "folder.h"
#include "queue/schedule.h"

const char SERVER_MESSAGE[] = "From: tama@here.test\r\n"
                              "To: somebody\r\n"
                              "Message-ID: <one@here.test>\r\n"
                              "Subject: test\r\n"
                              "\r\n"
                              "Hello.\r\n";

/* ------------------------------------------------------------------ directory */

static void add_mailbox(struct arena *a, struct route *route, const char *address, uint64_t id) {
    if (!route->mailboxes)
        route->mailboxes = arena_array(a, 8, sizeof *route->mailboxes);
    route->mailboxes[route->mailbox_count++] =
        (struct route_mailbox){.account_id = id, .address = slice_of_str(address)};
}

static void add_forward(struct arena *a, struct route *route, const char *address) {
    if (!route->forwards)
        route->forwards = arena_array(a, 8, sizeof *route->forwards);
    route->forwards[route->forward_count++] = slice_of_str(address);
}

static struct slice in_lower_case(struct slice text, struct arena *a) {
    char *copy = arena_alloc(a, text.len);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = ascii_lower(text.ptr[i]);
    return slice_of(copy, text.len);
}

static void find_local(struct slice local, struct arena *a, struct route *route) {
    struct slice detail = {0};
    local = in_lower_case(local, a);
    ssize_t plus = slice_find_byte(local, '+');
    if (plus > 0) {
        detail = slice_from(local, (size_t)plus + 1);
        local = slice_first(local, (size_t)plus);
    }
    bool team = slice_eq(local, S("team")), both = slice_eq(local, S("both"));
    bool keep = slice_eq(local, S("keep"));
    if (team || both || slice_eq(local, S("tama")))
        add_mailbox(a, route, "tama@here.test", 1);
    if (team || both || slice_eq(local, S("mike")))
        add_mailbox(a, route, "mike@here.test", 2);
    if (slice_eq(local, S("kuro")) || slice_eq(local, S("black")))
        add_mailbox(a, route, "kuro@here.test", 3);
    if (slice_starts(local, S("many")))
        add_mailbox(a, route, arena_printf(a, "%.*s@here.test", SLICE_ARG(local)).ptr,
                    siphash(local));
    if (keep)
        add_mailbox(a, route, "keep@here.test", 4);
    if (team || keep || slice_eq(local, S("away")))
        add_forward(a, route, "out@away.test");
    if (route->mailbox_count == 1)
        route->mailboxes[0].detail = detail;
    route->kind = slice_eq(local, S("off"))                         ? ROUTE_DISABLED
                  : slice_eq(local, S("round"))                     ? ROUTE_LOOP
                  : slice_eq(local, S("sleepy"))                    ? ROUTE_TEMPORARY
                  : route->mailbox_count + route->forward_count > 0 ? ROUTE_LOCAL
                                                                    : ROUTE_UNKNOWN_USER;
}

static int fake_resolve(void *arg, struct slice address, struct arena *a, struct route *ret) {
    struct server *o = arg;
    o->resolved++;
    if (o->look_up)
        o->look_up(o, address);
    *ret = (struct route){.kind = ROUTE_NOT_OURS};
    if (o->resolve_error)
        return o->resolve_error;
    if (o->nobody) {
        ret->kind = ROUTE_UNKNOWN_USER;
        return 0;
    }
    if (slice_eq(address, S("postmaster@mx.here.test")))
        find_local(S("mike"), a, ret);
    if (slice_ends_nocase(address, S("@here.test")))
        find_local(slice_first(address, address.len - strlen("@here.test")), a, ret);
    for (size_t i = 0; i < ret->mailbox_count; i++)
        ret->mailboxes[i].quota = o->quota;
    return 0;
}

/* ------------------------------------------------------------------ ledger */

static void copy_text(struct slice from, char to[static 128]) {
    assert_int_equal(slice_to_str(from, to, 128), 0);
}

static struct slice whole_message(struct server *o, struct slice head,
                                  const struct spool_body *body) {
    size_t len = body->bytes.len + (size_t)body->file_len;
    char *all = arena_alloc(&o->memory, head.len + len);
    if (head.len > 0)
        memcpy(all, head.ptr, head.len);
    assert_int_equal(spool_body_read(body, 0, all + head.len, len), len);
    return slice_of(all, head.len + len);
}

static struct arrival *arrive(struct server *o, const struct queue_facts *message,
                              struct slice recipient, struct slice head) {
    struct arrival *a = &o->arrivals[o->arrived++];
    assert_true(o->arrived < ARRAY_SIZE(o->arrivals));
    *a = (struct arrival){.id = message->id, .wall = fiber_wall()};
    copy_text(recipient, a->recipient);
    copy_text(message->envelope->reverse_path, a->sender);
    a->bytes = whole_message(o, head, message->body);
    return a;
}

/* A mailbox takes each message once (D6). */
static bool was_delivered(const struct server *o, const struct queue_delivery *d) {
    for (unsigned i = 0; i < o->arrived; i++)
        if (o->arrivals[i].local && o->arrivals[i].root == d->root &&
            slice_eq(slice_of_str(o->arrivals[i].mailbox), d->mailbox.address))
            return true;
    return false;
}

static int fake_deliver(void *arg, const struct queue_delivery *d, struct arena *a,
                        struct queue_delivered *ret, struct problem *problem) {
    struct server *o = arg;
    o->delivering++;
    int error = o->deliver ? o->deliver(o, d, problem) : 0;
    o->delivering--;
    if (error)
        return error;
    if (o->rules)
        o->rules(o, d, a, ret);
    if (was_delivered(o, d)) {
        o->again++;
        return 0;
    }
    struct arrival *arrival = arrive(o, &d->message, d->recipient, d->head);
    arrival->local = true;
    arrival->root = d->root;
    copy_text(d->mailbox.address, arrival->mailbox);
    return 0;
}

struct relay_result reply_of(enum relay_disposition disposition, unsigned code, unsigned class,
                             unsigned subject, unsigned detail, const char *text) {
    return (struct relay_result){
        .disposition = disposition,
        .reply = {code, {(uint8_t) class, (uint16_t)subject, (uint16_t)detail}, slice_of_str(text)},
        .peer = S("mx.away.test [192.0.2.7]"),
        .from_peer = true,
    };
}

static int hand_over(struct server *o, const struct queue_transmission *t, struct arena *a,
                     struct relay_outcome *ret) {
    const struct envelope *e = t->message.envelope;
    ret->results = arena_array(a, e->count, sizeof *ret->results);
    ret->count = e->count;
    for (size_t i = 0; i < e->count; i++) {
        ret->results[i] = reply_of(RELAY_DELIVERED, 250, 2, 0, 0, "taken");
        int error = o->transmit ? o->transmit(o, t, &e->recipients[i], a, &ret->results[i]) : 0;
        if (error)
            return error;
        if (ret->results[i].disposition != RELAY_DELIVERED)
            continue;
        struct arrival *arrival = arrive(o, &t->message, e->recipients[i].address, S(""));
        copy_text(t->domain, arrival->domain);
        (void)slice_to_str(t->head, arrival->head, sizeof arrival->head);
        arrival->notify = e->recipients[i].notify;
        arrival->together = (unsigned)e->count;
    }
    return 0;
}

static int fake_transmit(void *arg, const struct queue_transmission *t, struct arena *a,
                         struct relay_outcome *ret) {
    struct server *o = arg;
    *ret = (struct relay_outcome){.dialogue = S("C: EHLO\n")};
    o->transmissions++;
    o->transmitting++;
    o->most_transmitting = MAX(o->most_transmitting, o->transmitting);
    int error = o->begin ? o->begin(o, t, ret) : 0;
    if (!error)
        error = hand_over(o, t, a, ret);
    o->transmitting--;
    return error;
}

static int fake_send_on(void *arg, struct slice reverse_path, struct arena *a, struct slice *ret) {
    struct server *o = arg;
    struct slice sender = reverse_path;
    int error = o->send_on ? o->send_on(o, reverse_path, &sender) : 0;
    *ret = arena_copy(a, sender);
    return error;
}

static int fake_sign(void *arg, const struct queue_signing *signing, struct arena *a,
                     struct slice *ret) {
    struct server *o = arg;
    struct slice fields = S("");
    int error = o->sign ? o->sign(o, signing, &fields) : 0;
    *ret = arena_copy(a, fields);
    return error;
}

static struct slice fake_destination(void *arg, struct slice domain, struct arena *a) {
    const struct server *o = arg;
    return o->way ? arena_copy(a, o->way(domain)) : S("");
}

static void fake_event(void *arg, queue_id id, const char *kind, struct slice sentence,
                       const struct event_fact *facts, size_t count) {
    struct server *o = arg;
    char text[QUEUE_ID_SIZE];
    buf_printf(&o->journey, "%.*s kind=%s %.*s\n", SLICE_ARG(queue_id_format(id, text)), kind,
               SLICE_ARG(sentence));
    for (size_t i = 0; i < count; i++)
        buf_printf(&o->journey, "  %.*s=%.*s\n", SLICE_ARG(facts[i].name),
                   SLICE_ARG(facts[i].value));
}

/* ------------------------------------------------------------------ life */

void server_open(struct server *o) {
    const struct queue_ops ops = {
        .arg = o,
        .resolve = fake_resolve,
        .deliver = fake_deliver,
        .transmit = fake_transmit,
        .sign = fake_sign,
        .send_on = fake_send_on,
        .event = fake_event,
        .destination = fake_destination,
    };
    struct problem problem = {0};
    int error = queue_open(o->dir, &o->options, &ops, &o->queue, &problem);
    if (error)
        fail_msg("%s: %s", error_text(error), problem.text);
    assert_int_equal(queue_start(o->queue), 0);
}

void server_close(struct server *o) {
    queue_stop(o->queue, fiber_now() + USEC_MIN);
    o->queue = NULL;
}

void server_cut(struct server *o) {
    queue_stop(o->queue, fiber_now());
    o->queue = NULL;
}

void server_reopen(struct server *o) {
    server_close(o);
    server_open(o);
}

struct run {
    struct server *server;
    void (*test)(struct server *o);
};

static void run(void *arg) {
    struct run *r = arg;
    server_open(r->server);
    r->test(r->server);
    if (r->server->queue)
        server_close(r->server);
}

static struct server *server_new(void) {
    struct server *o = NEW(struct server);
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* sparing the disk */
    (void)snprintf(o->path, sizeof o->path, "%s/hayauma-queue-XXXXXX", base);
    assert_non_null(mkdtemp(o->path));
    o->dir = open(o->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(o->dir >= 0);
    o->options = queue_options_default;
    o->options.hostname = S("mx.here.test");
    o->options.worker = 200;
    o->options.spool = (struct spool_options){.segment_size = 4U << 20, .reserve = 1};
    queue_ids_init(&o->ids, 1);
    return o;
}

void server_run(void (*test)(struct server *o)) {
    struct server *o = server_new();
    struct fiber_config config = {.simulate_from = TEST_WALL};
    struct run r = {o, test};
    assert_int_equal(fiber_run(&config, run, &r), 0);
    empty_folder(o->dir, ".");
    close(o->dir);
    assert_int_equal(rmdir(o->path), 0);
    arena_done(&o->memory);
    buf_done(&o->journey);
    free(o);
}

/* ------------------------------------------------------------------ messages */

static size_t parse_recipients(struct server *o, const char *text,
                               struct recipient recipients[static 300]) {
    struct slice rest = slice_of_str(text), word;
    size_t count = 0;
    while (slice_next_word(&rest, &word)) {
        ssize_t slash = slice_find_byte(word, '/');
        struct recipient *r = &recipients[count++];
        *r = (struct recipient){.address = word};
        if (slash > 0) {
            r->address = slice_first(word, (size_t)slash);
            r->notify = (uint8_t)(word.ptr[slash + 1] - '0');
        }
    }
    return count;
}

int server_submit(struct server *o, struct queue_message *message, const char *recipients) {
    struct recipient list[300];
    struct problem problem = {0};
    message->envelope.recipients = list;
    message->envelope.count = parse_recipients(o, recipients, list);
    if (message->id == 0)
        message->id = queue_id_next(&o->ids, fiber_wall());
    if (message->envelope.origin == 0)
        message->envelope.origin = QUEUE_FROM_OUTSIDE;
    int r = queue_submit(o->queue, message, &problem);
    message->envelope.recipients = NULL;
    message->envelope.count = 0;
    return r;
}

queue_id server_send(struct server *o, const char *sender, const char *recipients) {
    struct queue_message message = {
        .envelope.reverse_path = slice_of_str(sender),
        .head = S("Received: from test\r\n"),
        .bytes = slice_of_str(SERVER_MESSAGE),
    };
    assert_int_equal(server_submit(o, &message, recipients), 0);
    return message.id;
}

void server_wait(struct server *o, usec_t span) {
    (void)o;
    assert_int_equal(fiber_sleep(span), 0);
}

uint64_t server_messages(struct server *o) {
    struct queue_stats stats;
    queue_stats(o->queue, &stats);
    return stats.messages;
}

unsigned server_count(const struct server *o, const char *recipient) {
    unsigned n = 0;
    for (unsigned i = 0; i < o->arrived; i++)
        n += strcmp(o->arrivals[i].recipient, recipient) == 0;
    return n;
}

const struct arrival *server_last(const struct server *o, const char *recipient) {
    for (unsigned i = o->arrived; i-- > 0;)
        if (strcmp(o->arrivals[i].recipient, recipient) == 0)
            return &o->arrivals[i];
    fail_msg("nothing arrived for %s", recipient);
    return NULL;
}

static bool is_report(const struct arrival *a) {
    return a->local && a->sender[0] == 0 && strcmp(a->recipient, "tama@here.test") == 0;
}

unsigned server_reports(const struct server *o) {
    unsigned n = 0;
    for (unsigned i = 0; i < o->arrived; i++)
        n += is_report(&o->arrivals[i]);
    return n;
}

struct slice server_report(const struct server *o, unsigned number) {
    for (unsigned i = 0; i < o->arrived; i++)
        if (is_report(&o->arrivals[i]) && number-- == 0)
            return o->arrivals[i].bytes;
    fail_msg("there is no such report");
    return S("");
}

unsigned occurs(struct slice text, const char *part) {
    unsigned n = 0;
    ssize_t at;
    while ((at = slice_find(text, slice_of_str(part))) >= 0) {
        n++;
        text = slice_from(text, (size_t)at + strlen(part));
    }
    return n;
}
