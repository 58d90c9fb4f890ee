/* SPDX-License-Identifier: ISC */
/*
 * A peer that breaks the rules of calls: the link goes down and says why, and nothing else happens.
 */
#include "rpc/pair.h"

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
    assert_string_equal(said_of((struct head){.number = NUMBER(ROLE_DIRECTORY, 4)}, S("")),
                        "made a call that its role may not make");
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_unknown_call_ends_the_caller),
        cmocka_unit_test(test_a_call_of_the_command_line_is_not_for_an_edge),
        cmocka_unit_test(test_a_malformed_call_ends_the_caller),
        cmocka_unit_test(test_a_frame_over_the_bound_ends_the_caller),
        cmocka_unit_test(test_an_answer_to_no_call_ends_the_peer),
        cmocka_unit_test(test_descriptors_that_do_not_come_end_the_peer),
    };
    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
