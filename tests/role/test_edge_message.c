/* SPDX-License-Identifier: ISC */
/*
 * Messages at the edge, by whole dialogues: what is handed to the queue of one that is taken, who
 * hears what of one that is not, and what the journey is told; between a directory and a queue that
 * refuse, fail, die in the middle or are slow.
 */
#include "role/lone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "directory/directory.h"
#include "events/kinds.h"
#include "queue/queue.h"
#include "role/edge/edge_smtp.h"
#include "sender/decide.h"

#define USER 7U /* the number of tama@example.test */

/* ------------------------------------------------------------------ the directory */

static struct directory_peer {
    uint64_t quota, used; /* of every mailbox */
    bool leads_on;        /* addresses lead to another host, too */
    bool holds;           /* users have sent too much */
    int counting;         /* what counting a message fails with */
    unsigned asked, counted;
} directory;

static int on_resolve(void *arg, const struct rpc_caller *caller,
                      const struct rpc_directory_resolve_in *in, struct arena *a,
                      struct rpc_directory_resolve_out *out, struct problem *problem) WAITS {
    struct route *route = &out->route;
    (void)arg;
    (void)caller;
    (void)problem;
    directory.asked++;
    route->kind = slice_find(in->address, S("@elsewhere.test")) >= 0 ? ROUTE_NOT_OURS : ROUTE_LOCAL;
    if (slice_starts(in->address, S("nobody")))
        route->kind = ROUTE_UNKNOWN_USER;
    if (route->kind != ROUTE_LOCAL)
        return 0;
    route->mailboxes = arena_array(a, 1, sizeof *route->mailboxes);
    route->mailboxes[0] = (struct route_mailbox){.account_id = USER,
                                                 .quota = directory.quota,
                                                 .used = directory.used,
                                                 .address = in->address};
    route->mailbox_count = 1;
    if (directory.leads_on) {
        struct slice *forwards = arena_array(a, 1, sizeof *forwards);
        forwards[0] = S("tama@elsewhere.test");
        route->forwards = forwards;
        route->forward_count = 1;
    }
    return 0;
}

static int on_login(void *arg, const struct rpc_caller *caller,
                    const struct rpc_directory_login_in *in, struct arena *a,
                    struct rpc_directory_login_out *out, struct problem *problem) WAITS {
    (void)arg;
    (void)caller;
    (void)a;
    (void)problem;
    out->login.outcome = slice_eq(in->request.password, S("kagi")) ? LOGIN_WELCOME : LOGIN_WRONG;
    out->login.account_id = USER;
    out->login.address = S("tama@example.test");
    return 0;
}

static int on_may_send_as(void *arg, const struct rpc_caller *caller,
                          const struct rpc_directory_may_send_as_in *in, struct arena *a,
                          struct rpc_directory_may_send_as_out *out,
                          struct problem *problem) WAITS {
    (void)arg;
    (void)caller;
    (void)a;
    (void)problem;
    out->may = in->account == USER && slice_eq_nocase(in->address, S("tama@example.test"));
    return 0;
}

static int on_count_message(void *arg, const struct rpc_caller *caller,
                            const struct rpc_directory_count_message_in *in, struct arena *a,
                            struct rpc_directory_count_message_out *out,
                            struct problem *problem) WAITS {
    (void)arg;
    (void)caller;
    (void)in;
    (void)a;
    (void)problem;
    directory.counted++;
    out->hold = directory.holds;
    out->reason = directory.holds ? S("more than 5 messages in an hour") : S("");
    return directory.counting;
}

static const struct rpc_directory_handlers directory_handlers = {
    .resolve = on_resolve,
    .login = on_login,
    .may_send_as = on_may_send_as,
    .count_message = on_count_message,
};

/* ------------------------------------------------------------------ the queue */

static struct queue_peer {
    int answer;      /* to submit: 0 or an error */
    int open_answer; /* to open_file */
    bool dies;       /* when a message is submitted, before it answers */
    struct lone *lone;
    bool full; /* others have taken the room of the second recipient a moment ago */
    unsigned submitted, opened, dropped, took_room;
    struct buf message; /* the last one, whole, with its head */
    struct envelope envelope;
    char login[64], reason[64];
    bool in_file, hold;
    int file;
} queue;

static int on_submit(void *arg, const struct rpc_caller *caller,
                     const struct rpc_queue_submit_in *in, struct arena *a,
                     struct rpc_queue_submit_out *out, struct problem *problem) WAITS {
    (void)arg;
    (void)caller;
    (void)a;
    (void)problem;
    queue.submitted++;
    buf_clear(&queue.message);
    buf_add(&queue.message, in->head);
    buf_add(&queue.message, in->bytes);
    queue.envelope = in->envelope;
    queue.in_file = in->in_file;
    queue.hold = in->hold;
    (void)slice_to_str(in->envelope.login, queue.login, sizeof queue.login);
    (void)slice_to_str(in->reason, queue.reason, sizeof queue.reason);
    if (in->in_file) {
        off_t size = lseek(queue.file, 0, SEEK_END);
        buf_reserve(&queue.message, (size_t)size);
        assert_int_equal(pread(queue.file, queue.message.ptr + queue.message.len, (size_t)size, 0),
                         size);
        queue.message.len += (size_t)size;
    }
    while (queue.dies && fiber_sleep(20 * USEC_MS) == 0)
        ;
    out->id = in->id;
    return queue.answer;
}

static int on_open_file(void *arg, const struct rpc_caller *caller,
                        const struct rpc_queue_open_file_in *in, struct arena *a,
                        struct rpc_queue_open_file_out *out, struct problem *problem) WAITS {
    (void)arg;
    (void)caller;
    (void)in;
    (void)a;
    (void)problem;
    queue.opened++;
    if (queue.open_answer)
        return queue.open_answer;
    if (queue.file >= 0)
        (void)close(queue.file);
    queue.file = memfd_create("message", MFD_CLOEXEC);
    assert_true(queue.file >= 0);
    out->file = fcntl(queue.file, F_DUPFD_CLOEXEC, 3);
    return 0;
}

static int on_drop_file(void *arg, const struct rpc_caller *caller,
                        const struct rpc_queue_drop_file_in *in, struct arena *a,
                        struct rpc_queue_drop_file_out *out, struct problem *problem) WAITS {
    (void)arg;
    (void)caller;
    (void)in;
    (void)a;
    (void)out;
    (void)problem;
    queue.dropped++;
    return 0;
}

static int on_room(void *arg, const struct rpc_caller *caller, const struct rpc_queue_room_in *in,
                   struct arena *a, struct rpc_queue_room_out *out, struct problem *problem) WAITS {
    (void)arg;
    (void)caller;
    (void)a;
    (void)problem;
    out->room = in->size < 20U << 20;
    return 0;
}

static int on_take_room(void *arg, const struct rpc_caller *caller,
                        const struct rpc_queue_take_room_in *in, struct arena *a,
                        struct rpc_queue_take_room_out *out, struct problem *problem) WAITS {
    (void)arg;
    (void)caller;
    (void)a;
    (void)problem;
    queue.took_room++;
    for (size_t i = 0; i < in->mailboxes_count; i++) {
        assert_int_equal(in->mailboxes[i].quota, directory.quota);
        assert_int_equal(in->mailboxes[i].used, directory.used);
        assert_int_equal(in->mailboxes[i].place, i);
    }
    out->full = queue.full;
    out->place = 1;
    return 0;
}

static int on_read_file(void *arg, const struct rpc_caller *caller,
                        const struct rpc_queue_read_file_in *in, struct arena *a,
                        struct rpc_queue_read_file_out *out, struct problem *problem) WAITS {
    (void)arg;
    (void)caller;
    (void)in;
    (void)a;
    (void)problem;
    out->file = fcntl(queue.file, F_DUPFD_CLOEXEC, 3);
    return 0;
}

static const struct rpc_keys_handlers no_certificate;

static const struct rpc_queue_handlers queue_handlers = {.submit = on_submit,
                                                         .open_file = on_open_file,
                                                         .read_file = on_read_file,
                                                         .drop_file = on_drop_file,
                                                         .room = on_room,
                                                         .take_room = on_take_room};

/* ------------------------------------------------------------------ who judges */

static struct scan_peer {
    enum sender_action action;
    int error;
    unsigned asked;
    struct buf message; /* the last one, whole */
    char client[64], helo[64], reverse_path[64];
} scan;

static int on_judge(void *arg, const struct rpc_caller *caller, const struct rpc_scan_judge_in *in,
                    struct arena *a, struct rpc_scan_judge_out *out,
                    struct problem *problem) WAITS {
    (void)arg;
    (void)caller;
    (void)problem;
    scan.asked++;
    buf_clear(&scan.message);
    buf_add(&scan.message, in->header);
    buf_add(&scan.message, in->bytes);
    (void)slice_to_str(in->client, scan.client, sizeof scan.client);
    (void)slice_to_str(in->helo, scan.helo, sizeof scan.helo);
    (void)slice_to_str(in->reverse_path, scan.reverse_path, sizeof scan.reverse_path);
    if (in->file >= 0) {
        buf_reserve(&scan.message, in->file_len);
        assert_int_equal(pread(in->file, scan.message.ptr, in->file_len, 0), in->file_len);
        scan.message.len = in->file_len;
        (void)close(in->file);
    }
    out->action = (uint8_t)scan.action;
    out->status = scan.action == SENDER_REFUSE ? S("5.7.23") : S("4.4.3");
    out->sentence = S("Because of this and that");
    out->results = S("mail.example.test; dmarc=pass");
    out->facts = arena_array(a, 2, sizeof *out->facts);
    out->facts[0] = (struct event_fact){S(FACT_VERDICT), S("taken")};
    out->facts[1] = (struct event_fact){S(FACT_SPF), S("pass\ndomain: elsewhere.test")};
    out->facts_count = 2;
    return scan.error;
}

static const struct rpc_scan_handlers scan_handlers = {.judge = on_judge};

/* ------------------------------------------------------------------ a client */

static struct client {
    struct lone *lone;
    struct stream *stream;
    struct edge_connection *connection;
    char reply[2048]; /* the last one, with all its lines */
} client;

static void serve(void *arg) {
    struct edge_connection *c = arg;
    c->fiber = fiber_self();
    c->door->serve(c);
    process_settings_release(c->settings);
    stream_free(c->stream);
    free(c);
    client.connection = NULL;
}

static int read_reply(void) {
    struct slice line;
    size_t len = 0;
    for (;;) {
        int r = stream_read_line(client.stream, 2000, &line);
        if (r < 0)
            return r;
        assert_true(line.len >= 4 && len + line.len < sizeof client.reply);
        memcpy(client.reply + len, line.ptr, line.len);
        len += line.len;
        client.reply[len] = 0;
        if (line.ptr[3] != '-')
            return 0;
    }
}

static void expect(const char *reply) {
    assert_int_equal(read_reply(), 0);
    if (strncmp(client.reply, reply, strlen(reply)) != 0)
        fail_msg("expected %s, got %s", reply, client.reply);
}

static void expect_text(const char *part) {
    if (!strstr(client.reply, part))
        fail_msg("expected \"%s\" in %s", part, client.reply);
}

static void say(const char *line, const char *reply) {
    stream_str(client.stream, line);
    stream_str(client.stream, "\r\n");
    assert_int_equal(stream_flush(client.stream), 0);
    expect(reply);
}

static void connect_from(struct lone *l, const char *port, const char *address) {
    struct edge_connection *c = calloc(1, sizeof *c);
    int ends[2];
    assert_non_null(c);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    c->edge = l->process.state;
    c->door = doors_find_port(&all_doors, slice_of_str(port), &c->port);
    c->settings = process_settings_hold(&l->process);
    assert_int_equal(net_parse(slice_of_str(address), 4000, &c->peer), 0);
    (void)snprintf(c->peer_text, sizeof c->peer_text, "%s", address);
    assert_int_equal(stream_from_fd(ends[0], &c->stream), 0);
    client = (struct client){.lone = l, .connection = c};
    assert_int_equal(stream_from_fd(ends[1], &client.stream), 0);
    assert_int_equal(fiber_spawn("session", serve, c), 0);
    expect("220");
    say("EHLO client.test", "250");
}

static void connect_at(struct lone *l, const char *port) {
    connect_from(l, port, "192.0.2.1");
}

static struct lone *begin(void) {
    struct lone *l = lone_new(ROLE_EDGE);
    directory = (struct directory_peer){.quota = 10U << 20};
    queue = (struct queue_peer){.lone = l, .file = -1};
    scan = (struct scan_peer){0};
    lone_set(l, "login.allow-plaintext", "yes");
    lone_set(l, "smtp.greeting-wait", "0s");
    lone_peer(l, ROLE_KEYS, &no_certificate, NULL);
    lone_peer(l, ROLE_DIRECTORY, &directory_handlers, NULL);
    lone_peer(l, ROLE_QUEUE, &queue_handlers, NULL);
    lone_peer(l, ROLE_SCAN, &scan_handlers, NULL);
    lone_open(l);
    return l;
}

static struct lone *as_stranger(void) {
    struct lone *l = begin();
    connect_at(l, "smtp");
    return l;
}

/* tama@example.test with the password "kagi". */
static struct lone *as_user(void) {
    struct lone *l = begin();
    connect_at(l, "submission");
    say("AUTH PLAIN AHRhbWFAZXhhbXBsZS50ZXN0AGthZ2k=", "235");
    return l;
}

static void hang_up(void) {
    if (client.stream)
        stream_free(TAKE_PTR(client.stream));
    for (int i = 0; i < 200 && client.connection; i++)
        assert_int_equal(fiber_sleep(10 * USEC_MS), 0);
    assert_null(client.connection);
}

/* The session ends, and all that was counted of it is given back. */
static void end(struct lone *l) {
    hang_up();
    assert_int_equal(((struct edge *)l->process.state)->held, 0);
    if (queue.file >= 0)
        (void)close(queue.file);
    buf_done(&queue.message);
    buf_done(&scan.message);
    lone_end(l);
}

static void envelope(const char *from, const char *to) {
    char line[1200];
    (void)snprintf(line, sizeof line, "MAIL FROM:<%s>", from);
    say(line, "250");
    (void)snprintf(line, sizeof line, "RCPT TO:<%s>", to);
    say(line, "250");
    say("DATA", "354");
}

/* The message, which ends with a line end, and its final dot. */
static void message(const char *text, const char *reply) {
    stream_str(client.stream, text);
    stream_str(client.stream, ".\r\n");
    assert_int_equal(stream_flush(client.stream), 0);
    expect(reply);
}

static void assert_sent(const char *part) {
    if (slice_find(buf_slice(&queue.message), slice_of_str(part)) < 0)
        fail_msg("expected \"%s\" in %.*s", part, (int)queue.message.len, queue.message.ptr);
}

static void assert_not_sent(const char *part) {
    if (slice_find(buf_slice(&queue.message), slice_of_str(part)) >= 0)
        fail_msg("not expected: \"%s\" in %.*s", part, (int)queue.message.len, queue.message.ptr);
}

/* ------------------------------------------------------------------ what is handed over */

REAL_FIBER_TEST(a_strangers_message_goes_on_as_it_is) {
    struct lone *l = as_stranger();
    envelope("a@elsewhere.test", "tama@example.test");
    message("Subject: a\r\n\r\n..b\r\n", "250 2.0.0 Accepted as ");
    assert_sent("Received: from client.test ([192.0.2.1])");
    assert_sent("\r\nSubject: a\r\n\r\n.b\r\n");
    assert_int_equal(queue.envelope.origin, QUEUE_FROM_OUTSIDE);
    assert_int_equal(queue.envelope.shape, SHAPE_DOT_LINES);
    assert_string_equal(queue.login, "");
    assert_int_equal(directory.counted, 0);
    assert_true(lone_has_told(l, "accepted: A message from 192.0.2.1, sender a@elsewhere.test, was"
                                 " taken."));
    end(l);
}

REAL_FIBER_TEST(rfc8689_3_a_message_may_say_that_policies_do_not_count) {
    static const struct {
        const char *header;
        bool waived;
    } headers[] = {
        {"TLS-Required: No\r\n", true},    {"Subject: a\r\ntls-required:  no \r\n", true},
        {"TLS-Required: Yes\r\n", false},  {"TLS-Required: No, please\r\n", false},
        {"X-TLS-Required: No\r\n", false},
    };
    struct lone *l = as_stranger();
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        char text[100];
        (void)snprintf(text, sizeof text, "%s\r\nTLS-Required: No\r\n", headers[i].header);
        envelope("a@elsewhere.test", "tama@example.test");
        message(text, "250");
        assert_int_equal(queue.envelope.shape, headers[i].waived ? SHAPE_TLS_WAIVED : 0);
    }
    end(l);
}

REAL_FIBER_TEST(a_users_header_is_made_whole) {
    struct lone *l = as_user();
    envelope("tama@example.test", "b@elsewhere.test");
    message("From: tama@example.test\r\nBcc: c@elsewhere.test\r\nSubject: a\r\n\r\nb\r\n", "250");
    assert_sent("\r\nDate: ");
    assert_sent("\r\nMessage-ID: <");
    assert_not_sent("Bcc:");
    assert_int_equal(queue.envelope.origin, QUEUE_FROM_USER);
    assert_string_equal(queue.login, "tama@example.test");
    assert_int_equal(directory.counted, 1);
    end(l);
}

REAL_FIBER_TEST(a_verdict_in_our_name_is_taken_out) {
    struct lone *l = as_stranger();
    envelope("a@elsewhere.test", "tama@example.test");
    message("Authentication-Results: mail.example.test; spf=pass\r\n"
            "Authentication-Results: other.test; spf=fail\r\nSubject: a\r\n\r\nb\r\n",
            "250");
    assert_not_sent("mail.example.test; spf");
    assert_sent("Authentication-Results: other.test; spf=fail\r\nSubject: a\r\n\r\nb\r\n");
    end(l);
}

/* ------------------------------------------------------------------ who has sent it */

#define SHORT_MESSAGE "From: a@elsewhere.test\r\nSubject: a\r\n\r\nb\r\n"

REAL_FIBER_TEST(what_was_found_of_a_stranger_stands_on_top_of_the_trace) {
    struct lone *l = as_stranger();
    envelope("a@elsewhere.test", "tama@example.test");
    message("Authentication-Results: mail.example.test; spf=fail\r\n" SHORT_MESSAGE, "250");
    assert_true(slice_starts(buf_slice(&queue.message),
                             S("Authentication-Results: mail.example.test; dmarc=pass\r\n"
                               "Received: ")));
    assert_not_sent("spf=fail");
    assert_true(slice_eq(buf_slice(&scan.message), S(SHORT_MESSAGE)));
    assert_string_equal(scan.client, "192.0.2.1");
    assert_string_equal(scan.helo, "client.test");
    assert_string_equal(scan.reverse_path, "a@elsewhere.test");
    assert_true(lone_has_told(l, "judged: Who has sent it (spf=pass): taken"));
    end(l);
}

/* The bound of what is told of those who are refused is none for a busy host (edge_quiet.c). */
REAL_FIBER_TEST(what_was_found_is_told_of_each_message_that_is_taken) {
    struct lone *l = as_stranger();
    for (unsigned i = 0; i < 5000 && edge_may_log(client.connection); i++)
        ;
    envelope("a@elsewhere.test", "tama@example.test");
    message(SHORT_MESSAGE, "250");
    assert_true(lone_has_told(l, "judged: Who has sent it"));
    end(l);
}

REAL_FIBER_TEST(a_large_message_of_a_stranger_is_judged_from_its_file) {
    struct lone *l = as_stranger();
    envelope("a@elsewhere.test", "tama@example.test");
    stream_str(client.stream, SHORT_MESSAGE);
    for (size_t i = 0; i < 6000; i++)
        stream_str(client.stream,
                   "0123456789012345678901234567890123456789012345678901234567890\r\n");
    message("end\r\n", "250");
    assert_true(queue.in_file);
    assert_int_equal(scan.message.len, sizeof SHORT_MESSAGE - 1 + 6000UL * 63 + 5);
    assert_true(slice_starts(buf_slice(&scan.message), S(SHORT_MESSAGE)));
    assert_true(slice_ends(buf_slice(&scan.message), S("\r\nend\r\n")));
    end(l);
}

REAL_FIBER_TEST(a_refusal_for_who_has_sent_it_is_the_scan_roles) {
    struct lone *l = as_stranger();
    scan.action = SENDER_REFUSE;
    envelope("a@elsewhere.test", "tama@example.test");
    message(SHORT_MESSAGE, "550 5.7.23 Because of this and that\r\n");
    scan.action = SENDER_LATER;
    envelope("a@elsewhere.test", "tama@example.test");
    message(SHORT_MESSAGE, "451 4.4.3 Because of this and that\r\n");
    assert_int_equal(queue.submitted, 0);
    scan.action = SENDER_JUNK;
    envelope("a@elsewhere.test", "tama@example.test");
    message(SHORT_MESSAGE, "250");
    assert_int_equal(queue.submitted, 1);
    assert_int_equal(queue.envelope.verdict, VERDICT_JUNK);
    end(l);
}

/* A scan process that is gone, or has too much to do: the client comes again. */
REAL_FIBER_TEST(what_cannot_be_judged_is_put_off) {
    struct lone *l = as_stranger();
    static const int errors[] = {-E_LIMIT, -E_REFUSED, -ENOSPC, -E_SYNTAX};
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        scan.error = errors[i];
        envelope("a@elsewhere.test", "tama@example.test");
        message(SHORT_MESSAGE, "451 4.3.0 ");
    }
    lone_kill_peer(l, ROLE_SCAN);
    envelope("a@elsewhere.test", "tama@example.test");
    message(SHORT_MESSAGE, "451 4.3.0 ");
    assert_int_equal(queue.submitted, 0);
    end(l);
}

/* Users, trusted networks and this machine itself are not strangers. */
REAL_FIBER_TEST(only_strangers_are_judged) {
    struct lone *l = as_user();
    envelope("tama@example.test", "b@elsewhere.test");
    message("From: tama@example.test\r\n\r\nb\r\n", "250");
    hang_up();
    connect_from(l, "smtp", "127.0.0.1");
    envelope("a@elsewhere.test", "tama@example.test");
    message(SHORT_MESSAGE, "250");
    hang_up();
    lone_set(l, "smtp.trusted-networks", "192.0.2.0/24");
    assert_int_equal(lone_reload(l, &(struct problem){{0}}), 0);
    connect_at(l, "smtp");
    envelope("a@elsewhere.test", "b@elsewhere.test");
    message(SHORT_MESSAGE, "250");
    assert_int_equal(queue.submitted, 3);
    assert_int_equal(scan.asked, 0);
    assert_not_sent("Authentication-Results");
    end(l);
}

/* What begins with a blank would go on with the field above it, which is our trace. */
REAL_FIBER_TEST(a_message_without_a_header_does_not_go_on_with_our_trace) {
    static const struct {
        const char *text, *sent;
    } cases[] = {
        {" by elsewhere.test\r\n\r\nb\r\n", "\r\n\r\n by elsewhere.test\r\n\r\nb\r\n"},
        {"\tfor nobody\r\n", "\r\n\r\n\tfor nobody\r\n"},
        {"no field\r\n", "\r\n\r\nno field\r\n"},
        {"Authentication-Results: mail.example.test; spf=pass\r\nno field\r\n",
         "\r\n\r\nno field\r\n"},
        {"Subject: a\r\nno field\r\n", "\r\nSubject: a\r\nno field\r\n"},
        {"\r\nb\r\n", "\r\n\r\nb\r\n"},
    };
    struct lone *l = as_stranger();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        envelope("a@elsewhere.test", "tama@example.test");
        message(cases[i].text, "250");
        assert_sent(cases[i].sent);
        assert_not_sent("spf=pass");
        assert_not_sent("\r\n\r\n\r\n");
    }
    end(l);
}

REAL_FIBER_TEST(a_large_message_goes_into_a_file_with_its_header_put_right) {
    struct lone *l = as_user();
    envelope("tama@example.test", "b@elsewhere.test");
    stream_str(client.stream, "From: tama@example.test\r\nBcc: c@elsewhere.test\r\n\r\n");
    for (int i = 0; i < 20000; i++)
        stream_printf(client.stream, "line %05d of a long message\r\n", i);
    message("the last\r\n", "250");
    assert_true(queue.in_file);
    assert_int_equal(queue.opened, 1);
    assert_int_equal(queue.dropped, 0);
    assert_not_sent("Bcc:");
    assert_sent("\r\n\r\nline 00000 of a long message\r\n");
    assert_sent("line 19999 of a long message\r\nthe last\r\n");
    end(l);
}

/* Their lines may be of any length; what other hosts get has to keep to 998 bytes. */
REAL_FIBER_TEST(a_users_long_lines_are_encoded) {
    struct lone *l = as_user();
    envelope("tama@example.test", "b@elsewhere.test");
    stream_str(client.stream, "From: tama@example.test\r\n\r\n");
    for (int i = 0; i < 300; i++)
        stream_str(client.stream, "word ");
    message("\r\n", "250");
    assert_sent("Content-Transfer-Encoding: quoted-printable\r\n");
    struct slice rest = buf_slice(&queue.message), line;
    while (rest.len > 0 && slice_next(&rest, '\n', &line))
        assert_in_range(line.len, 0, 999);
    end(l);
}

/* ------------------------------------------------------------------ what is refused */

static const struct {
    const char *header, *reply, *part;
} bad_headers[] = {
    {"From: boss@example.test\r\n", "550 5.7.1", "boss@example.test"},
    {"From: tama@example.test, boss@example.test\r\n", "550", "From"},
    {"From: tama@example.test\r\nSender: boss@example.test\r\n", "550 5.7.1", "Sender"},
    {"From: boss@example.test\r\nSender: tama@example.test\r\n", "550 5.7.1", "boss@example.test"},
    {"From: nobody in it\r\n", "550 5.6.0", "From"},
    {"From: tama@example.test\r\nFrom: tama@example.test\r\n", "550 5.6.0", "From"},
};

REAL_FIBER_TEST(a_user_writes_in_his_own_name_only) {
    struct lone *l = as_user();
    for (size_t i = 0; i < ARRAY_SIZE(bad_headers); i++) {
        envelope("tama@example.test", "b@elsewhere.test");
        stream_str(client.stream, bad_headers[i].header);
        message("\r\nbody\r\n", bad_headers[i].reply);
        expect_text(bad_headers[i].part);
        say("RSET", "250");
    }
    assert_int_equal(queue.submitted, 0);
    assert_int_equal(directory.counted, 0); /* what was refused is nothing that he has sent */
    assert_true(lone_has_told(l, "rejected: A message from 192.0.2.1, sender tama@example.test, was"
                                 " not taken."));
    end(l);
}

/* The answer comes at the end, however long it is; and no file is asked for. */
REAL_FIBER_TEST(a_refused_header_costs_no_file) {
    struct lone *l = as_user();
    envelope("tama@example.test", "b@elsewhere.test");
    stream_str(client.stream, "From: boss@example.test\r\n\r\n");
    for (int i = 0; i < 30000; i++)
        stream_str(client.stream, "a line of a message that nobody will get\r\n");
    message("", "550 5.7.1");
    assert_int_equal(queue.opened, 0);
    say("NOOP", "250");
    end(l);
}

REAL_FIBER_TEST(who_has_no_room_is_named) {
    struct lone *l = as_stranger();
    directory.quota = 1U << 20;
    directory.used = (1U << 20) - 70000;
    envelope("a@elsewhere.test", "tama@example.test");
    for (int i = 0; i < 3000; i++)
        stream_str(client.stream, "thirty-two bytes in each line.\r\n");
    message("", "452 4.2.2");
    expect_text("tama@example.test");
    assert_int_equal(queue.submitted, 0);
    end(l);
}

/* By what is left when it is there, not when it was begun. */
REAL_FIBER_TEST(room_that_went_meanwhile_counts) {
    struct lone *l = as_stranger();
    directory.quota = 1U << 20;
    envelope("a@elsewhere.test", "tama@example.test");
    directory.used = 1U << 20;
    for (int i = 0; i < 3000; i++)
        stream_str(client.stream, "thirty-two bytes in each line.\r\n");
    message("", "452 4.2.2");
    assert_int_equal(queue.submitted, 0);
    end(l);
}

/* Whoever finds no room beside messages that came together with his is named, too. */
REAL_FIBER_TEST(room_that_others_take_at_the_same_time_counts) {
    struct lone *l = as_stranger();
    queue.full = true;
    say("MAIL FROM:<a@elsewhere.test>", "250");
    say("RCPT TO:<tama@example.test>", "250");
    say("RCPT TO:<kobo@example.test>", "250");
    say("DATA", "354");
    message("", "452 4.2.2");
    expect_text("kobo@example.test");
    assert_int_equal(queue.submitted, 0);
    queue.full = false;
    envelope("a@elsewhere.test", "tama@example.test");
    message("", "250");
    assert_int_equal(queue.took_room, 2);
    end(l);
}

/* Which is the usual case, so it costs nothing: no call, and no second look at the recipient. */
REAL_FIBER_TEST(a_small_message_into_a_large_room_is_not_counted) {
    struct lone *l = as_stranger();
    directory.quota = (uint64_t)10 << 30;
    envelope("a@elsewhere.test", "tama@example.test");
    unsigned asked = directory.asked;
    message("", "250");
    assert_int_equal(queue.took_room, 0);
    assert_int_equal(directory.asked, asked);
    envelope("a@elsewhere.test", "tama@example.test");
    for (int i = 0; i < 6000; i++) /* a part of the room that can be filled with such */
        stream_str(client.stream, "thirty-two bytes in each line.\r\n");
    message("", "250");
    assert_int_equal(queue.took_room, 1);
    end(l);
}

REAL_FIBER_TEST(an_address_that_has_sent_it_on_before_does_not_again) {
    struct lone *l = as_stranger();
    directory.leads_on = true;
    envelope("a@elsewhere.test", "tama@example.test");
    message("Delivered-To: TAMA@example.test\r\n\r\nb\r\n", "554 5.4.6");
    envelope("a@elsewhere.test", "tama@example.test");
    message("Delivered-To: other@example.test\r\n\r\nb\r\n", "250");
    assert_true(queue.envelope.shape & SHAPE_TRAVELLED);
    assert_int_equal(queue.submitted, 1);
    end(l);
}

/* ------------------------------------------------------------------ peers that fail */

static const struct {
    int answer;
    const char *reply;
} failures[] = {
    {-ENOSPC, "452 4.3.1"}, {-EIO, "451 4.3.0"},       {-E_LIMIT, "552 5.3.4"},
    {-EBADF, "451 4.3.0"},  {-E_REFUSED, "451 4.4.6"}, {-E_TEMPORARY, "451 4.3.0"},
};

REAL_FIBER_TEST(what_the_queue_does_not_take_is_not_acknowledged) {
    struct lone *l = as_stranger();
    for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
        queue.answer = failures[i].answer;
        envelope("a@elsewhere.test", "tama@example.test");
        message("Subject: a\r\n\r\nb\r\n", failures[i].reply);
        say("RSET", "250");
    }
    queue.answer = 0;
    envelope("a@elsewhere.test", "tama@example.test");
    message("Subject: a\r\n\r\nb\r\n", "250");
    end(l);
}

static void kill_queue(void *arg) {
    while (queue.submitted == 0 && fiber_sleep(5 * USEC_MS) == 0)
        ;
    lone_kill_peer(arg, ROLE_QUEUE);
}

/* It may be in the queue or not: the client hears that it is to try again. */
REAL_FIBER_TEST(a_queue_that_dies_under_a_message_is_no_yes) {
    struct lone *l = as_stranger();
    queue.dies = true;
    envelope("a@elsewhere.test", "tama@example.test");
    assert_int_equal(fiber_spawn("killer", kill_queue, l), 0);
    message("Subject: a\r\n\r\nb\r\n", "451 4.3.0");
    queue.dies = false;
    lone_peer(l, ROLE_QUEUE, &queue_handlers, NULL);
    envelope("a@elsewhere.test", "tama@example.test");
    message("Subject: a\r\n\r\nb\r\n", "250");
    end(l);
}

REAL_FIBER_TEST(without_a_directory_nobody_is_refused_for_good) {
    struct lone *l = as_user();
    envelope("tama@example.test", "b@elsewhere.test");
    lone_kill_peer(l, ROLE_DIRECTORY);
    message("From: tama@example.test\r\n\r\nb\r\n", "451 4.3.0");
    assert_int_equal(queue.submitted, 0);
    say("MAIL FROM:<tama@example.test>", "451");
    end(l);
}

REAL_FIBER_TEST(a_message_that_cannot_be_counted_waits) {
    struct lone *l = as_user();
    directory.counting = -EIO;
    envelope("tama@example.test", "b@elsewhere.test");
    message("From: tama@example.test\r\n\r\nb\r\n", "451 4.3.0");
    assert_int_equal(queue.submitted, 0);
    directory.counting = 0;
    directory.holds = true;
    envelope("tama@example.test", "b@elsewhere.test");
    message("From: tama@example.test\r\n\r\nb\r\n", "250");
    assert_true(queue.hold);
    assert_string_equal(queue.reason, "more than 5 messages in an hour");
    end(l);
}

/* As long as it may stay in memory; a larger one has to come again. */
REAL_FIBER_TEST(too_many_files_put_off_large_messages_only) {
    struct lone *l = as_stranger();
    queue.open_answer = -E_LIMIT;
    envelope("a@elsewhere.test", "tama@example.test");
    stream_str(client.stream, "Subject: a\r\n\r\n");
    for (int i = 0; i < 30000; i++)
        stream_str(client.stream, "a line of a message that needs a file\r\n");
    assert_int_equal(stream_flush(client.stream), 0);
    assert_int_equal(fiber_sleep(50 * USEC_MS), 0);
    assert_in_range(((struct edge *)l->process.state)->held, 0, 2 * 256 * 1024);
    message("", "452 4.3.1");
    envelope("a@elsewhere.test", "tama@example.test");
    message("Subject: a\r\n\r\nb\r\n", "250");
    end(l);
}

/* ------------------------------------------------------------------ clients that break off */

static void break_off(void) {
    assert_int_equal(stream_flush(client.stream), 0);
    assert_int_equal(fiber_sleep(50 * USEC_MS), 0); /* it is on its way to the session */
    hang_up();
}

REAL_FIBER_TEST(a_message_that_was_broken_off_is_told_and_its_file_given_back) {
    struct lone *l = as_stranger();
    envelope("a@elsewhere.test", "tama@example.test");
    stream_str(client.stream, "Subject: a\r\nMessage-ID: <1@elsewhere.test>\r\n\r\n");
    for (int i = 0; i < 30000; i++)
        stream_str(client.stream, "a line of a message that needs a file\r\n");
    break_off();
    assert_int_equal(queue.opened, 1);
    assert_int_equal(queue.dropped, 1);
    assert_int_equal(queue.submitted, 0);
    assert_true(lone_has_told(l, "was broken off."));
    end(l);
}

/* A dot is no end without its line, and neither is half a line end. */
REAL_FIBER_TEST(half_an_end_is_none) {
    static const char *const ends[] = {".", ".\r", "\r\n.", ".\n", "."};
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        struct lone *l = as_stranger();
        envelope("a@elsewhere.test", "tama@example.test");
        stream_str(client.stream, "Subject: a\r\n\r\nb\r\n");
        stream_str(client.stream, ends[i]);
        break_off();
        assert_int_equal(queue.submitted, 0);
        end(l);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_strangers_message_goes_on_as_it_is),
        cmocka_unit_test(test_rfc8689_3_a_message_may_say_that_policies_do_not_count),
        cmocka_unit_test(test_a_users_header_is_made_whole),
        cmocka_unit_test(test_a_verdict_in_our_name_is_taken_out),
        cmocka_unit_test(test_what_was_found_of_a_stranger_stands_on_top_of_the_trace),
        cmocka_unit_test(test_what_was_found_is_told_of_each_message_that_is_taken),
        cmocka_unit_test(test_a_large_message_of_a_stranger_is_judged_from_its_file),
        cmocka_unit_test(test_a_refusal_for_who_has_sent_it_is_the_scan_roles),
        cmocka_unit_test(test_what_cannot_be_judged_is_put_off),
        cmocka_unit_test(test_only_strangers_are_judged),
        cmocka_unit_test(test_a_message_without_a_header_does_not_go_on_with_our_trace),
        cmocka_unit_test(test_a_large_message_goes_into_a_file_with_its_header_put_right),
        cmocka_unit_test(test_a_users_long_lines_are_encoded),
        cmocka_unit_test(test_a_user_writes_in_his_own_name_only),
        cmocka_unit_test(test_a_refused_header_costs_no_file),
        cmocka_unit_test(test_who_has_no_room_is_named),
        cmocka_unit_test(test_room_that_went_meanwhile_counts),
        cmocka_unit_test(test_room_that_others_take_at_the_same_time_counts),
        cmocka_unit_test(test_a_small_message_into_a_large_room_is_not_counted),
        cmocka_unit_test(test_an_address_that_has_sent_it_on_before_does_not_again),
        cmocka_unit_test(test_what_the_queue_does_not_take_is_not_acknowledged),
        cmocka_unit_test(test_a_queue_that_dies_under_a_message_is_no_yes),
        cmocka_unit_test(test_without_a_directory_nobody_is_refused_for_good),
        cmocka_unit_test(test_a_message_that_cannot_be_counted_waits),
        cmocka_unit_test(test_too_many_files_put_off_large_messages_only),
        cmocka_unit_test(test_a_message_that_was_broken_off_is_told_and_its_file_given_back),
        cmocka_unit_test(test_half_an_end_is_none),
    };
    return cmocka_run_group_tests_name("edge message", tests, NULL, NULL);
}
