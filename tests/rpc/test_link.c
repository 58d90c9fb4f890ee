/* SPDX-License-Identifier: ISC */
/*
 * A peer that breaks the rules of calls: the link goes down and says why, and nothing else happens.
 */
#include "rpc/pair.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "fiber/wait.h"

static int never(void *arg UNUSED, const struct rpc_caller *caller UNUSED,
                 const struct rpc_directory_resolve_in *in UNUSED, struct arena *a UNUSED,
                 struct rpc_directory_resolve_out *out UNUSED, struct problem *problem UNUSED) {
    fail_msg("a forbidden call reached its handler");
    return 0;
}

static const struct rpc_directory_handlers handlers = {.resolve = never};

static struct pair pair;

struct head {
    uint32_t len;
    uint16_t number;
    uint8_t kind, fds;
    uint32_t tag;
};

/* Sends one frame to a directory and returns what it said of the sender. */
static const char *said_of(struct head h, struct slice payload) {
    struct buf frame = {0};
    int fd = pair_open_raw(&pair, ROLE_DIRECTORY, &handlers);
    buf_add_u32(&frame, h.len);
    buf_add_u16(&frame, h.number);
    buf_add_u8(&frame, h.kind);
    buf_add_u8(&frame, h.fds);
    buf_add_u32(&frame, h.tag);
    buf_add_u32(&frame, 0);
    buf_add(&frame, payload);
    assert_int_equal(write(fd, frame.ptr, frame.len), frame.len);
    buf_done(&frame);
    for (int i = 0; i < 100 && rpc_link_up(pair.other); i++)
        assert_int_equal(fiber_sleep(USEC_MS), 0);
    assert_false(rpc_link_up(pair.other));
    (void)close(fd);
    pair_close(&pair);
    return pair.misbehaved;
}

#define NUMBER(role, place) ((uint16_t)((role) << 8 | (place)))

REAL_FIBER_TEST(an_unknown_call_ends_the_caller) {
    assert_string_equal(said_of((struct head){.number = NUMBER(ROLE_DIRECTORY, 200)}, S("")),
                        "made a call that does not exist here");
    assert_string_equal(said_of((struct head){.number = NUMBER(ROLE_QUEUE, 0)}, S("")),
                        "made a call that does not exist here");
}

REAL_FIBER_TEST(a_call_of_the_command_line_is_not_for_an_edge) {
    const struct rpc_service *directory = rpc_services[ROLE_DIRECTORY];
    unsigned tried = 0;
    for (size_t i = 0; i < directory->count; i++) {
        if (directory->calls[i].from != ROLE_BIT(ROLE_CLI) || ++tried > 5)
            continue;
        assert_string_equal(said_of((struct head){.number = directory->calls[i].number}, S("")),
                            "made a call that its role may not make");
    }
    assert_true(tried > 0);
}

REAL_FIBER_TEST(a_malformed_call_ends_the_caller) {
    assert_string_equal(
        said_of((struct head){.len = 3, .number = NUMBER(ROLE_DIRECTORY, 0)}, S("abc")),
        "sent a malformed call");
    assert_string_equal(said_of((struct head){.len = 4, .number = NUMBER(ROLE_DIRECTORY, 0)},
                                S("\xff\xff\xff\xff")),
                        "sent a malformed call");
    assert_string_equal(
        said_of((struct head){.len = 6, .number = NUMBER(ROLE_DIRECTORY, 0)}, S("\1\0\0\0ab")),
        "sent a malformed call");
}

REAL_FIBER_TEST(a_frame_over_the_bound_ends_the_caller) {
    assert_string_equal(said_of((struct head){.len = RPC_FRAME_MAX + 1}, S("")),
                        "sent a malformed frame");
    assert_string_equal(said_of((struct head){.kind = 9}, S("")), "sent a malformed frame");
}

REAL_FIBER_TEST(an_answer_to_no_call_ends_the_peer) {
    assert_string_equal(said_of((struct head){.kind = 1, .tag = 77}, S("")),
                        "answered a call that was not made");
}

REAL_FIBER_TEST(descriptors_that_do_not_come_end_the_peer) {
    assert_string_equal(
        said_of((struct head){.number = NUMBER(ROLE_DIRECTORY, 0), .fds = 1}, S("")),
        "announced descriptors that did not come");
}

/* ------------------------------------------------------------------ descriptors */

static unsigned taken_over;

static int take_over(void *arg UNUSED, const struct rpc_caller *caller UNUSED,
                     const struct rpc_mail_session_in *in, struct arena *a UNUSED,
                     struct rpc_mail_session_out *out UNUSED, struct problem *problem UNUSED) {
    taken_over++;
    (void)close(in->connection);
    return 0;
}

static const struct rpc_mail_handlers mail_handlers = {.session = take_over};

/* A call mail.session with a descriptor; `payload_len` less than the whole makes it malformed. */
static void send_with_fd(int to, int fd, size_t missing) {
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    _cleanup_(buf_done) struct buf frame = {0};
    uint32_t len = 3 * 8 + 6 * 4 + 1 + 1;
    buf_add_u32(&frame, len - (uint32_t)missing);
    buf_add_u16(&frame, NUMBER(ROLE_MAIL, 1));
    buf_add_u8(&frame, 0);
    buf_add_u8(&frame, 1);
    buf_add_u64(&frame, 0); /* tag, status */
    buf_add_u32(&frame, 0); /* service */
    buf_add_u64(&frame, 1); /* account */
    buf_add_u32(&frame, 0); /* ticket */
    buf_add_u32(&frame, 0); /* address */
    buf_add_u64(&frame, 0); /* quota */
    buf_add_u32(&frame, 0); /* peer */
    buf_add_u8(&frame, 0);  /* tls */
    buf_add_u8(&frame, 1);  /* there is a descriptor */
    buf_add_u32(&frame, 0); /* unread */
    buf_add_u32(&frame, 0); /* passed_on */
    buf_add_u64(&frame, 0); /* carried */
    struct iovec part = {frame.ptr, frame.len - missing};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    assert_int_equal(sendmsg(to, &message, MSG_NOSIGNAL), part.iov_len);
}

/* Status of the answer that comes back. */
static int32_t answer_from(int fd) {
    char frame[512];
    for (int i = 0; i < 100; i++) {
        if (recv(fd, frame, sizeof frame, MSG_DONTWAIT) >= 16)
            return (int32_t)get_u32(frame + 12);
        assert_int_equal(fiber_sleep(USEC_MS), 0);
    }
    fail_msg("no answer came");
    return 0;
}

REAL_FIBER_TEST(the_descriptors_of_a_malformed_call_are_closed) {
    int pipe_ends[2];
    char byte;
    taken_over = 0;
    assert_int_equal(pipe(pipe_ends), 0);
    int fd = pair_open_raw(&pair, ROLE_MAIL, &mail_handlers);
    send_with_fd(fd, pipe_ends[1], 4);
    (void)close(pipe_ends[1]);
    for (int i = 0; i < 100 && rpc_link_up(pair.other); i++)
        assert_int_equal(fiber_sleep(USEC_MS), 0);
    assert_string_equal(pair.misbehaved, "sent a malformed call");
    assert_int_equal(taken_over, 0);
    assert_int_equal(read(pipe_ends[0], &byte, 1), 0);
    (void)close(pipe_ends[0]);
    (void)close(fd);
    pair_close(&pair);
}

/* The receiver is short of descriptors, and not at war with whoever sends it some. */
REAL_FIBER_TEST(a_call_whose_descriptor_finds_no_room_fails_alone) {
    struct rlimit before, full;
    taken_over = 0;
    int fd = pair_open_raw(&pair, ROLE_MAIL, &mail_handlers);
    int lowest = dup(fd);
    (void)close(lowest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    full = before;
    full.rlim_cur = (rlim_t)lowest;
    assert_int_equal(fiber_sleep(USEC_MS), 0); /* the link's fibers have begun */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &full), 0);
    send_with_fd(fd, fd, 0);
    assert_int_equal(answer_from(fd), -EMFILE);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(taken_over, 0);
    assert_true(rpc_link_up(pair.other));
    send_with_fd(fd, fd, 0);
    assert_int_equal(answer_from(fd), 0);
    assert_int_equal(taken_over, 1);
    (void)close(fd);
    pair_close(&pair);
}

/* ------------------------------------------------------------------ who does not listen */

/* Nobody waits for the event log: what it does not take is dropped before it costs much memory. */
REAL_FIBER_TEST(events_are_dropped_when_nobody_takes_them) {
    static char text[16000];
    struct rpc_events_add_in in = {.event = {.kind = S("accepted"), .text = {text, sizeof text}}};
    int sent = 0;
    int fd = pair_open_raw(&pair, ROLE_EDGE, NULL);
    memset(text, 'x', sizeof text);
    while (sent < 2000 && send_events_add(pair.other, &in) == 0)
        sent++;
    assert_in_range(sent, 8 * 1024 / 16, 8 * 1024 / 15);
    assert_int_equal(rpc_link_counts(pair.other).dropped, 1);
    (void)close(fd);
    pair_close(&pair);
}

#define CALLS      300
#define CALL_BYTES ((size_t)512 * 1024)

static struct fiber_cond settled;
static unsigned under_way, answered;
static bool may_settle;

static int wait_to_settle(void *arg UNUSED, const struct rpc_caller *caller UNUSED,
                          const struct rpc_queue_submit_in *in UNUSED, struct arena *a UNUSED,
                          struct rpc_queue_submit_out *out UNUSED, struct problem *problem UNUSED) {
    under_way++;
    while (!may_settle)
        assert_int_equal(fiber_cond_wait(&settled), 0);
    return 0;
}

static const struct rpc_queue_handlers slow_queue = {.submit = wait_to_settle};

static void submit(void *bytes) {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_queue_submit_in in = {.id = 1, .bytes = {bytes, CALL_BYTES}};
    struct rpc_queue_submit_out out;
    assert_int_equal(call_queue_submit(pair.edge, &in, &a, &out, NULL), 0);
    answered++;
}

/* Whoever calls without end has to wait, before the callee has no memory left. */
REAL_FIBER_TEST(calls_under_way_take_64_mib_at_most) {
    static char bytes[CALL_BYTES];
    fiber_cond_init(&settled);
    pair_open(&pair, ROLE_QUEUE, &slow_queue, NULL);
    for (int i = 0; i < CALLS; i++)
        assert_int_equal(fiber_spawn("submit", submit, bytes), 0);
    for (int i = 0; i < 2000 && under_way < RPC_IN_MAX / CALL_BYTES - 1; i++)
        assert_int_equal(fiber_sleep(5 * USEC_MS), 0);
    for (int i = 0; i < 50; i++) /* time for more than that */
        assert_int_equal(fiber_sleep(5 * USEC_MS), 0);
    assert_in_range(under_way, RPC_IN_MAX / CALL_BYTES - 1, RPC_IN_MAX / CALL_BYTES + 3);
    may_settle = true;
    fiber_cond_wake_all(&settled);
    for (int i = 0; i < 1000 && answered < CALLS; i++)
        assert_int_equal(fiber_sleep(5 * USEC_MS), 0);
    assert_int_equal(answered, CALLS);
    pair_close(&pair);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_unknown_call_ends_the_caller),
        cmocka_unit_test(test_a_call_of_the_command_line_is_not_for_an_edge),
        cmocka_unit_test(test_a_malformed_call_ends_the_caller),
        cmocka_unit_test(test_a_frame_over_the_bound_ends_the_caller),
        cmocka_unit_test(test_an_answer_to_no_call_ends_the_peer),
        cmocka_unit_test(test_descriptors_that_do_not_come_end_the_peer),
        cmocka_unit_test(test_the_descriptors_of_a_malformed_call_are_closed),
        cmocka_unit_test(test_a_call_whose_descriptor_finds_no_room_fails_alone),
        cmocka_unit_test(test_events_are_dropped_when_nobody_takes_them),
        cmocka_unit_test(test_calls_under_way_take_64_mib_at_most),
    };
    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
