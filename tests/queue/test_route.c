/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "queue/route.h"

static struct route_mailbox mailbox(const char *address) {
    return (struct route_mailbox){.address = slice_of_str(address)};
}

static void expect_status(struct verdict v, enum way way, unsigned code, unsigned subject,
                          unsigned detail) {
    assert_int_equal(v.way, way);
    assert_int_equal(v.reply.code, code);
    assert_int_equal(v.reply.status.class, code / 100);
    assert_int_equal(v.reply.status.subject, subject);
    assert_int_equal(v.reply.status.detail, detail);
}

/* RFC 3463 §3.2, §3.5: the codes of addresses that lead nowhere. */
static void test_dead_ends_have_their_codes(void **state) {
    (void)state;
    expect_status(route_judge(&(struct route){.kind = ROUTE_UNKNOWN_USER}), WAY_NEVER, 550, 1, 1);
    expect_status(route_judge(&(struct route){.kind = ROUTE_DISABLED}), WAY_NEVER, 550, 2, 1);
    expect_status(route_judge(&(struct route){.kind = ROUTE_LOOP}), WAY_NEVER, 550, 4, 6);
    expect_status(route_judge(&(struct route){.kind = ROUTE_BAD_ADDRESS}), WAY_NEVER, 501, 1, 3);
    expect_status(route_judge(&(struct route){.kind = ROUTE_TEMPORARY}), WAY_LATER, 451, 3, 0);
}

static void test_one_mailbox_is_delivered_all_else_expands(void **state) {
    (void)state;
    struct route_mailbox boxes[] = {mailbox("tama@here.test"), mailbox("mike@here.test")};
    struct slice forward = S("out@away.test");
    struct route r = {.kind = ROUTE_LOCAL, .mailboxes = boxes, .mailbox_count = 1};
    assert_int_equal(route_judge(&r).way, WAY_MAILBOX);
    r.mailbox_count = 2;
    assert_int_equal(route_judge(&r).way, WAY_EXPAND);
    r = (struct route){.kind = ROUTE_LOCAL, .forwards = &forward, .forward_count = 1};
    assert_int_equal(route_judge(&r).way, WAY_EXPAND);
    r = (struct route){.kind = ROUTE_NOT_OURS};
    assert_int_equal(route_judge(&r).way, WAY_REMOTE);
}

/* Who keeps a copy and has it forwarded too has an alias on the name of his own mailbox. */
static void test_mailbox_of_an_expansion_is_not_expanded_again(void **state) {
    (void)state;
    struct route_mailbox boxes[] = {mailbox("other@here.test"), mailbox("keep@here.test")};
    struct slice forward = S("out@away.test");
    struct route r = {.kind = ROUTE_LOCAL,
                      .mailboxes = boxes,
                      .mailbox_count = 2,
                      .forwards = &forward,
                      .forward_count = 1};
    const struct route_mailbox *found = NULL;
    assert_int_equal(route_judge_mailbox(&r, S("Keep@here.test"), &found).way, WAY_MAILBOX);
    assert_ptr_equal(found, &boxes[1]);
    expect_status(route_judge_mailbox(&r, S("gone@here.test"), &found), WAY_NEVER, 550, 1, 1);
}

/* RFC 5321 §4.5.4.1: recipients at one host in one transaction; §4.5.3.1.8: not too many. */
static void test_groups_by_domain_in_order_and_bounded(void **state) {
    (void)state;
    _cleanup_(arena_done) struct arena a = {0};
    struct slice to[] = {S("a@One.test"), S("not this one"), S("b@two.test"),
                         S("c@one.TEST"), S("d@one.test"),   S("\"x@y\"@two.test")};
    size_t places[] = {0, 2, 3, 4, 5}, count;
    struct route_group *groups;
    for (size_t i = 0; i < ARRAY_SIZE(to); i++)
        to[i] = route_destination(&a, to[i]);
    route_group(&a, to, places, 5, 2, &groups, &count);
    assert_int_equal(count, 3);
    assert_slice(groups[0].destination, "one.test");
    assert_int_equal(groups[0].count, 2);
    assert_int_equal(groups[0].members[1], 3);
    assert_slice(groups[1].destination, "two.test");
    assert_int_equal(groups[1].count, 2);
    assert_int_equal(groups[1].members[1], 5);
    assert_slice(groups[2].destination, "one.test");
    assert_int_equal(groups[2].members[0], 4);
}

static struct recipient *expand(struct arena *a, struct route_targets *to, uint8_t notify,
                                const struct route *r, size_t *ret_count) {
    size_t mailboxes;
    route_expand(a, &(struct recipient){.address = S("te+am@here.test"), .notify = notify}, r, to);
    return route_targets_list(a, to, &mailboxes, ret_count);
}

/* RFC 3461 §5.2.7: NOTIFY and ORCPT of a message that goes on to the targets of an alias. */
static void test_single_target_inherits_notify_and_gets_orcpt(void **state) {
    (void)state;
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(route_targets_done) struct route_targets to = {0};
    struct slice forward = S("out@away.test");
    struct route r = {.kind = ROUTE_LOCAL, .forwards = &forward, .forward_count = 1};
    size_t count;
    const struct recipient *list = expand(&a, &to, NOTIFY_SUCCESS | NOTIFY_FAILURE, &r, &count);
    assert_int_equal(count, 1);
    assert_slice(list[0].address, "out@away.test");
    assert_slice(list[0].original, "rfc822;te+2Bam@here.test");
    assert_int_equal(list[0].notify, NOTIFY_SUCCESS | NOTIFY_FAILURE);
}

static void test_several_targets_are_told_of_no_success(void **state) {
    (void)state;
    static const struct {
        uint8_t given, passed;
    } rows[] = {
        {0, 0},
        {NOTIFY_NEVER, NOTIFY_NEVER},
        {NOTIFY_SUCCESS, NOTIFY_NEVER},
        {NOTIFY_SUCCESS | NOTIFY_DELAY, NOTIFY_DELAY},
        {NOTIFY_SUCCESS | NOTIFY_FAILURE, NOTIFY_FAILURE},
    };
    struct route_mailbox boxes[] = {mailbox("tama@here.test"), mailbox("mike@here.test")};
    struct route r = {.kind = ROUTE_LOCAL, .mailboxes = boxes, .mailbox_count = 2};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        _cleanup_(route_targets_done) struct route_targets to = {0};
        size_t count;
        const struct recipient *list = expand(&a, &to, rows[i].given, &r, &count);
        assert_int_equal(count, 2);
        assert_int_equal(list[0].notify, rows[i].passed);
    }
}

static void test_targets_are_listed_once_mailboxes_first(void **state) {
    (void)state;
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(route_targets_done) struct route_targets to = {0};
    struct route_mailbox boxes[] = {mailbox("tama@here.test"), mailbox("mike@here.test")};
    struct slice forward = S("out@away.test");
    struct route r = {.kind = ROUTE_LOCAL,
                      .mailboxes = boxes,
                      .mailbox_count = 1,
                      .forwards = &forward,
                      .forward_count = 1};
    struct recipient alias = {.address = S("x@here.test"), .original = S("rfc822;y@z")};
    route_expand(&a, &alias, &r, &to);
    r.mailbox_count = 2;
    route_expand(&a, &alias, &r, &to);
    size_t mailboxes, count;
    const struct recipient *list = route_targets_list(&a, &to, &mailboxes, &count);
    assert_int_equal(count, 3);
    assert_int_equal(mailboxes, 2);
    assert_slice(list[0].address, "tama@here.test");
    assert_slice(list[1].address, "mike@here.test");
    assert_slice(list[2].address, "out@away.test");
    assert_slice(list[2].original, "rfc822;y@z");
}

/* Row A7, RFC 5321 §6.3: a loop ends at the address met before; hops are counted at the edge. */
static void test_loops_are_recognised_by_the_header(void **state) {
    (void)state;
    struct slice message = S("Received: a\r\nDelivered-To: Team@here.test\r\nReceived: b\r\n"
                             "\r\nDelivered-To: other@here.test\r\n");
    assert_true(route_is_loop(message, S("team@here.test")));
    assert_false(route_is_loop(message, S("other@here.test")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dead_ends_have_their_codes),
        cmocka_unit_test(test_one_mailbox_is_delivered_all_else_expands),
        cmocka_unit_test(test_mailbox_of_an_expansion_is_not_expanded_again),
        cmocka_unit_test(test_groups_by_domain_in_order_and_bounded),
        cmocka_unit_test(test_single_target_inherits_notify_and_gets_orcpt),
        cmocka_unit_test(test_several_targets_are_told_of_no_success),
        cmocka_unit_test(test_targets_are_listed_once_mailboxes_first),
        cmocka_unit_test(test_loops_are_recognised_by_the_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
