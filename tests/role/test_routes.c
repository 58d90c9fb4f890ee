/* SPDX-License-Identifier: ISC */
/* What a role remembers of where addresses lead, between a directory that changes and one that
 * dies. */
#include "role/lone.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "role/change_page.h"
#include "role/routes.h"

static struct directory_peer {
    struct change_page page;
    bool has_page, slow;
    uint64_t account, quota, used; /* where every address leads */
    unsigned asked, asked_for_page;
} directory;

static int on_resolve(void *arg, const struct rpc_caller *caller,
                      const struct rpc_directory_resolve_in *in, struct arena *a,
                      struct rpc_directory_resolve_out *out, struct problem *problem) WAITS {
    (void)arg;
    (void)caller;
    (void)problem;
    directory.asked++;
    out->route.kind = ROUTE_LOCAL;
    out->route.mailboxes = arena_array(a, 1, sizeof *out->route.mailboxes);
    out->route.mailboxes[0] = (struct route_mailbox){.account_id = directory.account,
                                                     .quota = directory.quota,
                                                     .used = directory.used,
                                                     .address = in->address};
    out->route.mailbox_count = 1;
    if (directory.slow) /* it changes while this answer is on its way */
        directory.account++, change_page_count(&directory.page);
    return 0;
}

static int on_changes(void *arg, const struct rpc_caller *caller,
                      const struct rpc_directory_changes_in *in, struct arena *a,
                      struct rpc_directory_changes_out *out, struct problem *problem) {
    (void)arg;
    (void)caller;
    (void)in;
    (void)a;
    directory.asked_for_page++;
    if (!directory.has_page)
        return problem_set(problem, -ENOTSUP, "none");
    out->page = fcntl(directory.page.fd, F_DUPFD_CLOEXEC, 3);
    return 0;
}

static const struct rpc_directory_handlers handlers = {.resolve = on_resolve,
                                                       .changes = on_changes};

static struct lone *begin(struct routes **ret) {
    static const struct process_work none;
    static struct process_role queue;
    struct lone *l = lone_new(ROLE_QUEUE);
    queue = *l->process.role; /* its calls, without its work */
    queue.work = &none;
    l->process.role = &queue;
    l->process.conf = l->conf;
    directory = (struct directory_peer){.has_page = true, .account = 1};
    assert_int_equal(change_page_make("/tmp/test-routes-page", &directory.page), 0);
    lone_peer(l, ROLE_DIRECTORY, &handlers, NULL);
    *ret = routes_new(&l->process);
    return l;
}

static void end(struct lone *l, struct routes *r) {
    routes_free(r);
    change_page_done(&directory.page);
    lone_end(l);
}

/* The account that an address leads to; 0: the directory did not answer. */
static uint64_t resolve(struct routes *r, const char *address) {
    _cleanup_(arena_done) struct arena a = {0};
    struct route route = {0};
    usec_t asked = 0;
    int error = routes_resolve(r, slice_of_str(address), &a, &route, &asked, NULL);
    if (error)
        return 0;
    assert_true(asked <= fiber_now() && asked > fiber_now() - 2 * USEC_SEC);
    assert_int_equal(route.mailbox_count, 1);
    assert_slice(route.mailboxes[0].address, address);
    return route.mailboxes[0].account_id;
}

REAL_FIBER_TEST(an_answer_is_remembered_until_something_changes) {
    struct routes *r;
    struct lone *l = begin(&r);
    for (int i = 0; i < 10; i++)
        assert_int_equal(resolve(r, "tama@example.test"), 1);
    assert_int_equal(directory.asked, 1);
    assert_int_equal(directory.asked_for_page, 1);
    directory.account = 2;
    change_page_count(&directory.page);
    assert_int_equal(resolve(r, "tama@example.test"), 2);
    assert_int_equal(resolve(r, "tama@example.test"), 2);
    assert_int_equal(directory.asked, 2);
    end(l, r);
}

REAL_FIBER_TEST(an_answer_from_before_a_change_is_not_remembered) {
    struct routes *r;
    struct lone *l = begin(&r);
    directory.slow = true;
    assert_int_equal(resolve(r, "tama@example.test"), 1);
    directory.slow = false;
    assert_int_equal(resolve(r, "tama@example.test"), 2);
    end(l, r);
}

REAL_FIBER_TEST(whoever_wants_to_know_it_now_asks) {
    struct routes *r;
    struct lone *l = begin(&r);
    _cleanup_(arena_done) struct arena a = {0};
    struct route route;
    assert_int_equal(resolve(r, "tama@example.test"), 1);
    assert_int_equal(routes_resolve(r, S("tama@example.test"), &a, &route, NULL, NULL), 0);
    assert_int_equal(directory.asked, 2);
    end(l, r);
}

REAL_FIBER_TEST(after_a_second_it_is_asked_again) {
    struct routes *r;
    struct lone *l = begin(&r);
    assert_int_equal(resolve(r, "tama@example.test"), 1);
    directory.account = 2; /* by somebody who counts no changes */
    assert_int_equal(fiber_sleep(1100 * USEC_MS), 0);
    assert_int_equal(resolve(r, "tama@example.test"), 2);
    end(l, r);
}

/* Many messages would go into the same room. With the quota of the settings too. */
REAL_FIBER_TEST(a_mailbox_half_full_is_looked_at_each_time) {
    struct routes *r;
    struct lone *l = begin(&r);
    directory.quota = 1000;
    directory.used = 501;
    (void)resolve(r, "tama@example.test");
    (void)resolve(r, "tama@example.test");
    assert_int_equal(directory.asked, 2);
    directory.used = 500;
    (void)resolve(r, "tama@example.test");
    (void)resolve(r, "tama@example.test");
    assert_int_equal(directory.asked, 3);
    directory.quota = 0;
    l->conf->delivery.quota = 900;
    (void)resolve(r, "pochi@example.test");
    (void)resolve(r, "pochi@example.test");
    assert_int_equal(directory.asked, 5);
    end(l, r);
}

REAL_FIBER_TEST(what_a_dead_directory_has_said_counts_no_more) {
    struct routes *r;
    struct lone *l = begin(&r);
    assert_int_equal(resolve(r, "tama@example.test"), 1);
    lone_kill_peer(l, ROLE_DIRECTORY);
    routes_forget(r); /* as the role does */
    assert_int_equal(resolve(r, "tama@example.test"), 0);
    directory.account = 2;
    lone_peer(l, ROLE_DIRECTORY, &handlers, NULL);
    assert_int_equal(resolve(r, "tama@example.test"), 2);
    assert_int_equal(resolve(r, "tama@example.test"), 2);
    assert_int_equal(directory.asked, 2);
    assert_int_equal(directory.asked_for_page, 2);
    end(l, r);
}

/* The directory had no room on its disk. */
REAL_FIBER_TEST(without_the_page_each_address_is_asked_for) {
    struct routes *r;
    struct lone *l = begin(&r);
    directory.has_page = false;
    for (int i = 0; i < 10; i++)
        assert_int_equal(resolve(r, "tama@example.test"), 1);
    assert_int_equal(directory.asked, 10);
    assert_int_equal(directory.asked_for_page, 1);
    end(l, r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_is_remembered_until_something_changes),
        cmocka_unit_test(test_an_answer_from_before_a_change_is_not_remembered),
        cmocka_unit_test(test_whoever_wants_to_know_it_now_asks),
        cmocka_unit_test(test_after_a_second_it_is_asked_again),
        cmocka_unit_test(test_a_mailbox_half_full_is_looked_at_each_time),
        cmocka_unit_test(test_what_a_dead_directory_has_said_counts_no_more),
        cmocka_unit_test(test_without_the_page_each_address_is_asked_for),
    };
    return cmocka_run_group_tests_name("routes", tests, NULL, NULL);
}
