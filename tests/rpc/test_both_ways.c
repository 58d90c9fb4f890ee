/* SPDX-License-Identifier: ISC */
/*
 * Two roles that call each other, also while they answer each other. Each has a call of level 1,
 * whose handler calls the other side's call of level 0; the real schema has such calls in one
 * direction only. Nobody waits for ever: not with more calls than there may be at a time, not with
 * more bytes, not when the other side dies amid all of it.
 */
#include "rpc/pair.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

struct payload {
    uint64_t number;
    struct slice bytes;
};

static bool encode(struct buf *to, const void *value, struct rpc_fds *fds UNUSED) {
    const struct payload *p = value;
    buf_add_u64(to, p->number);
    buf_add(to, p->bytes);
    return true;
}

static bool decode(struct reader *from, struct arena *a UNUSED, void *value,
                   struct rpc_fds *fds UNUSED) {
    struct payload *p = value;
    p->number = read_u64(from);
    p->bytes = read_bytes(from, from->rest.len);
    return !from->bad;
}

static struct rpc_link *queue_side, *mail_side; /* the queue's link to mail, and the other end */
static unsigned leaves, most_at_once, at_once;

static int answer_leaf(const void *handlers UNUSED, void *arg UNUSED,
                       const struct rpc_caller *caller UNUSED, const void *in,
                       struct arena *a UNUSED, void *out, struct problem *problem UNUSED) {
    const struct payload *asked = in;
    ((struct payload *)out)->number = asked->number + 1;
    leaves++;
    return 0;
}

static int answer_deep(const void *handlers, void *arg, const struct rpc_caller *caller,
                       const void *in, struct arena *a, void *out, struct problem *problem);

#define CALL(role, place, name_, level_, from_, handler)                                           \
    {                                                                                              \
        .name = name_, .number = (role) << 8 | (place), .level = level_, .from = ROLE_BIT(from_),  \
        .in_size = sizeof(struct payload), .out_size = sizeof(struct payload),                     \
        .encode_in = encode, .encode_out = encode, .decode_in = decode, .decode_out = decode,      \
        .invoke = handler                                                                          \
    }

enum { LEAF, DEEP };
static const struct rpc_call queue_calls[] = {
    CALL(ROLE_QUEUE, LEAF, "queue.leaf", 0, ROLE_MAIL, answer_leaf),
    CALL(ROLE_QUEUE, DEEP, "queue.deep", 1, ROLE_MAIL, answer_deep),
};
static const struct rpc_call mail_calls[] = {
    CALL(ROLE_MAIL, LEAF, "mail.leaf", 0, ROLE_QUEUE, answer_leaf),
    CALL(ROLE_MAIL, DEEP, "mail.deep", 1, ROLE_QUEUE, answer_deep),
};
static const struct rpc_service queue_service = {ROLE_QUEUE, queue_calls, 2};
static const struct rpc_service mail_service = {ROLE_MAIL, mail_calls, 2};

/* Calls back with the bytes that it got. */
static int answer_deep(const void *handlers UNUSED, void *arg UNUSED,
                       const struct rpc_caller *caller, const void *in, struct arena *a, void *out,
                       struct problem *problem) {
    const struct rpc_call *leaf =
        caller->role == ROLE_QUEUE ? &queue_calls[LEAF] : &mail_calls[LEAF];
    at_once++;
    most_at_once = MAX(most_at_once, at_once);
    int r = rpc_do_call(caller->link, leaf, in, a, out, problem);
    at_once--;
    return r;
}

static void connect_sides(void) {
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(rpc_link_attach(queue_side, fds[0]), 0);
    assert_int_equal(rpc_link_attach(mail_side, fds[1]), 0);
}

static void misbehaved(struct rpc_link *link UNUSED, const char *why, void *arg UNUSED) {
    fail_msg("%s", why);
}

static void open_sides(void) {
    queue_side = rpc_link_new(&(struct rpc_options){.self = ROLE_QUEUE,
                                                    .other = ROLE_MAIL,
                                                    .service = &queue_service,
                                                    .misbehaved = misbehaved});
    mail_side = rpc_link_new(&(struct rpc_options){.self = ROLE_MAIL,
                                                   .other = ROLE_QUEUE,
                                                   .service = &mail_service,
                                                   .misbehaved = misbehaved});
    leaves = most_at_once = at_once = 0;
    connect_sides();
}

static void close_sides(void) {
    rpc_link_free(queue_side);
    rpc_link_free(mail_side);
}

static int call(bool from_queue, unsigned place, struct slice bytes, uint64_t *ret,
                struct problem *problem) {
    _cleanup_(arena_done) struct arena a = {0};
    struct payload in = {.number = 41, .bytes = bytes}, out = {0};
    int r =
        rpc_do_call(from_queue ? queue_side : mail_side,
                    from_queue ? &mail_calls[place] : &queue_calls[place], &in, &a, &out, problem);
    *ret = out.number;
    return r;
}

REAL_FIBER_TEST(each_side_calls_the_other_from_within_a_call) {
    uint64_t number;
    open_sides();
    assert_int_equal(call(true, DEEP, S(""), &number, NULL), 0);
    assert_int_equal(number, 42);
    assert_int_equal(call(false, DEEP, S(""), &number, NULL), 0);
    assert_int_equal(number, 42);
    assert_int_equal(leaves, 2);
    close_sides();
}

/* ------------------------------------------------------------------ under load */

static struct slice load;
static unsigned begun, done, failed;

static void caller(void *arg) {
    bool from_queue = begun++ % 2 == 0;
    uint64_t number;
    (void)arg;
    int r = call(from_queue, DEEP, load, &number, NULL);
    assert_true((r == 0 && number == 42) || r == -EPIPE);
    failed += r != 0;
    done++;
}

static void begin_callers(unsigned count, size_t size) {
    static char bytes[300000];
    load = slice_of(bytes, size);
    begun = done = failed = 0;
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(fiber_spawn("caller", caller, NULL), 0);
}

static void wait_for_callers(unsigned count) {
    for (int i = 0; i < 12000 && done < count; i++)
        assert_int_equal(fiber_sleep(5 * USEC_MS), 0);
    assert_int_equal(done, count);
}

/* Both directions at once have more callers than one direction has slots. */
REAL_FIBER_TEST(more_calls_than_there_may_be_at_a_time_all_come_to_an_end) {
    open_sides();
    begin_callers(3 * RPC_CALLS_MAX, 10);
    wait_for_callers(3 * RPC_CALLS_MAX);
    assert_int_equal(failed, 0);
    assert_int_equal(leaves, 3 * RPC_CALLS_MAX);
    assert_in_range(most_at_once, RPC_CALLS_MAX, 2 * RPC_CALLS_MAX - 1);
    close_sides();
}

/* 90 MB of calls in each direction; 64 MiB may be under way, in each direction and twice. */
REAL_FIBER_TEST(more_bytes_than_there_may_be_at_a_time_all_come_to_an_end) {
    open_sides();
    begin_callers(600, 300000);
    wait_for_callers(600);
    assert_int_equal(failed, 0);
    assert_int_equal(leaves, 600);
    close_sides();
}

/* ------------------------------------------------------------------ a peer that dies */

REAL_FIBER_TEST(the_death_of_a_side_ends_all_that_wait_and_a_new_life_goes_on) {
    open_sides();
    for (unsigned life = 0; life < 20; life++) {
        begin_callers(500, life % 2 ? 100000 : 100);
        for (unsigned i = 0; i < life; i++)
            assert_int_equal(fiber_yield(), 0);
        rpc_link_close(life % 4 < 2 ? mail_side : queue_side);
        wait_for_callers(500);
        rpc_link_close(mail_side);
        rpc_link_close(queue_side);
        assert_int_equal(at_once, 0);
        connect_sides();
    }
    begin_callers(500, 100);
    wait_for_callers(500);
    assert_int_equal(failed, 0);
    close_sides();
}

/* ------------------------------------------------------------------ levels */

/* Below what the schema gives it a handler could wait for itself. */
static int answer_too_deep(const void *handlers UNUSED, void *arg UNUSED,
                           const struct rpc_caller *caller, const void *in, struct arena *a,
                           void *out, struct problem *problem) {
    return rpc_do_call(caller->link, &queue_calls[DEEP], in, a, out, problem);
}

static const struct rpc_call too_deep[] = {
    CALL(ROLE_MAIL, LEAF, "mail.too_deep", 1, ROLE_QUEUE, answer_too_deep),
};
static const struct rpc_service too_deep_service = {ROLE_MAIL, too_deep, 1};

REAL_FIBER_TEST(a_handler_makes_no_call_that_is_not_below_its_own) {
    _cleanup_(arena_done) struct arena a = {0};
    struct payload in = {.number = 1}, out;
    struct problem problem = {0};
    open_sides();
    rpc_link_free(mail_side);
    mail_side = rpc_link_new(&(struct rpc_options){
        .self = ROLE_MAIL, .other = ROLE_QUEUE, .service = &too_deep_service});
    connect_sides();
    assert_int_equal(rpc_do_call(queue_side, &too_deep[0], &in, &a, &out, &problem), -EDEADLK);
    assert_string_equal(problem.text, "queue.deep is not made while mail.too_deep is answered");
    close_sides();
}

static int helped;

static void help(void *arg) {
    uint64_t number;
    helped = call(false, DEEP, S(""), &number, arg);
}

static int answer_with_help(const void *handlers UNUSED, void *arg UNUSED,
                            const struct rpc_caller *caller UNUSED, const void *in UNUSED,
                            struct arena *a UNUSED, void *out UNUSED, struct problem *problem) {
    struct fiber *helper;
    int r = fiber_start("helper", help, problem, &helper);
    if (r == 0)
        fiber_join(helper);
    return helped;
}

static const struct rpc_call with_help[] = {
    CALL(ROLE_MAIL, LEAF, "mail.with_help", 1, ROLE_QUEUE, answer_with_help),
};
static const struct rpc_service with_help_service = {ROLE_MAIL, with_help, 1};

REAL_FIBER_TEST(nor_do_the_fibers_that_help_it) {
    _cleanup_(arena_done) struct arena a = {0};
    struct payload in = {.number = 1}, out;
    open_sides();
    rpc_link_free(mail_side);
    mail_side = rpc_link_new(&(struct rpc_options){
        .self = ROLE_MAIL, .other = ROLE_QUEUE, .service = &with_help_service});
    connect_sides();
    assert_int_equal(rpc_do_call(queue_side, &with_help[0], &in, &a, &out, NULL), -EDEADLK);
    close_sides();
}

/* ------------------------------------------------------------------ bounds */

static void misbehaviour_of(struct rpc_link *link UNUSED, const char *why, void *arg) {
    (void)snprintf(arg, 80, "%s", why);
}

static struct fiber_cond never;

static int answer_never(const void *handlers UNUSED, void *arg UNUSED,
                        const struct rpc_caller *caller UNUSED, const void *in UNUSED,
                        struct arena *a UNUSED, void *out UNUSED, struct problem *problem UNUSED) {
    return fiber_cond_wait(&never);
}

static const struct rpc_call silent[] = {
    CALL(ROLE_MAIL, LEAF, "mail.silent", 0, ROLE_QUEUE, answer_never),
};
static const struct rpc_service silent_service = {ROLE_MAIL, silent, 1};

/* Sends the frame again and again, until the other side has had enough. */
static void flood(int fd, struct slice frame) {
    size_t sent = 0;
    for (;;) {
        struct slice rest = slice_from(frame, sent % frame.len);
        ssize_t n = send(fd, rest.ptr, rest.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0)
            sent += (size_t)n;
        else if (errno != EAGAIN || fiber_sleep(USEC_MS) < 0)
            return;
    }
}

/* A peer that does not keep to them is not given more memory. */
REAL_FIBER_TEST(who_calls_beyond_the_bounds_is_at_fault) {
    char why[80] = "";
    int fds[2];
    fiber_cond_init(&never);
    struct rpc_link *link = rpc_link_new(&(struct rpc_options){.self = ROLE_MAIL,
                                                               .other = ROLE_QUEUE,
                                                               .service = &silent_service,
                                                               .misbehaved = misbehaviour_of,
                                                               .arg = why});
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(rpc_link_attach(link, fds[0]), 0);
    pair_exchange_hello(fds[1]);
    struct buf frame = {0};
    buf_add_u32(&frame, 2 * 1024);
    buf_add_u16(&frame, ROLE_MAIL << 8);
    buf_add_u16(&frame, 0);
    buf_add_u64(&frame, 0);
    for (int i = 0; i < 2 * 1024; i++)
        buf_add_byte(&frame, 0);
    flood(fds[1], buf_slice(&frame));
    while (rpc_link_up(link))
        assert_int_equal(fiber_sleep(USEC_MS), 0);
    assert_string_equal(why, "made too many calls at a time");
    rpc_link_free(link);
    while (fiber_children() > 0)
        assert_int_equal(fiber_sleep(USEC_MS), 0);
    (void)close(fds[1]);
    buf_done(&frame);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_side_calls_the_other_from_within_a_call),
        cmocka_unit_test(test_more_calls_than_there_may_be_at_a_time_all_come_to_an_end),
        cmocka_unit_test(test_more_bytes_than_there_may_be_at_a_time_all_come_to_an_end),
        cmocka_unit_test(test_the_death_of_a_side_ends_all_that_wait_and_a_new_life_goes_on),
        cmocka_unit_test(test_a_handler_makes_no_call_that_is_not_below_its_own),
        cmocka_unit_test(test_nor_do_the_fibers_that_help_it),
        cmocka_unit_test(test_who_calls_beyond_the_bounds_is_at_fault),
    };
    return cmocka_run_group_tests_name("both ways", tests, NULL, NULL);
}
