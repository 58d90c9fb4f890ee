/* SPDX-License-Identifier: ISC */
/*
 * Calls as the roles see them.
 */
#include "rpc/pair.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/alloc.h"

static int resolve(void *arg, const struct rpc_caller *caller,
                   const struct rpc_directory_resolve_in *in, struct arena *a,
                   struct rpc_directory_resolve_out *out, struct problem *problem) {
    (void)arg;
    assert_int_equal(caller->role, ROLE_EDGE);
    assert_int_equal(caller->worker, 3);
    if (slice_eq(in->address, S("slow@example.test")) && fiber_sleep(10 * USEC_SEC) < 0)
        return -ECANCELED;
    if (slice_eq(in->address, S("bad@example.test")))
        return problem_set(problem, -E_UNKNOWN, "nobody is called %.*s", SLICE_ARG(in->address));
    struct route *route = &out->route;
    route->kind =
        slice_eq(in->address, S("odd@example.test")) ? (enum route_kind)99 : ROUTE_UNKNOWN_USER;
    route->mailbox_count = 2;
    route->mailboxes = arena_array(a, 2, sizeof *route->mailboxes);
    route->mailboxes[1] =
        (struct route_mailbox){.account_id = UINT64_MAX, .shard = 7, .address = in->address};
    route->forward_count = 2;
    route->forwards = arena_array(a, 2, sizeof *route->forwards);
    route->forwards[0] = S("one@example.org");
    route->forwards[1] = S("");
    return 0;
}

static const struct rpc_directory_handlers directory_handlers = {.resolve = resolve};

static struct pair pair;

static int ask(const char *address, struct arena *a, struct rpc_directory_resolve_out *out,
               struct problem *problem) {
    struct rpc_directory_resolve_in in = {slice_of_str(address)};
    return call_directory_resolve(pair.edge, &in, a, out, problem);
}

REAL_FIBER_TEST(a_call_brings_structs_and_lists_back) {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_resolve_out out;
    struct problem problem = {0};
    pair_open(&pair, ROLE_DIRECTORY, &directory_handlers, NULL);
    assert_int_equal(ask("tama@example.test", &a, &out, &problem), 0);
    assert_int_equal(out.route.kind, ROUTE_UNKNOWN_USER);
    assert_int_equal(out.route.mailbox_count, 2);
    assert_int_equal(out.route.mailboxes[1].account_id, UINT64_MAX);
    assert_int_equal(out.route.mailboxes[1].shard, 7);
    assert_slice(out.route.mailboxes[1].address, "tama@example.test");
    assert_int_equal(out.route.forward_count, 2);
    assert_slice(out.route.forwards[0], "one@example.org");
    assert_int_equal(out.route.forwards[1].len, 0);
    assert_int_equal(out.route.reason_count, 0);
    pair_close(&pair);
}

/* What an enum may be is checked where it arrives: nobody else has to. */
REAL_FIBER_TEST(an_enum_that_does_not_exist_does_not_arrive) {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_resolve_out out;
    pair_open(&pair, ROLE_DIRECTORY, &directory_handlers, NULL);
    assert_true(ask("odd@example.test", &a, &out, NULL) < 0);
    pair_close(&pair);
}

REAL_FIBER_TEST(an_error_comes_with_its_sentence) {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_resolve_out out;
    struct problem problem = {0};
    pair_open(&pair, ROLE_DIRECTORY, &directory_handlers, NULL);
    assert_int_equal(ask("bad@example.test", &a, &out, &problem), -E_UNKNOWN);
    assert_string_equal(problem.text, "nobody is called bad@example.test");
    pair_close(&pair);
}

REAL_FIBER_TEST(a_call_without_handler_is_answered_as_not_there) {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_facts_in in = {0};
    struct rpc_directory_facts_out out;
    pair_open(&pair, ROLE_DIRECTORY, &directory_handlers, NULL);
    assert_int_equal(call_directory_facts(pair.edge, &in, &a, &out, NULL), -ENOSYS);
    pair_close(&pair);
}

REAL_FIBER_TEST(a_text_over_its_bound_does_not_leave) {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_resolve_out out;
    char address[600];
    memset(address, 'x', sizeof address - 1);
    address[sizeof address - 1] = '\0';
    pair_open(&pair, ROLE_DIRECTORY, &directory_handlers, NULL);
    assert_int_equal(ask(address, &a, &out, NULL), -E_LIMIT);
    assert_int_equal(ask("tama@example.test", &a, &out, NULL), 0);
    pair_close(&pair);
}

static unsigned answered;

static void ask_in_fiber(void *arg) {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_resolve_out out;
    char *address = arg;
    assert_int_equal(ask(address, &a, &out, NULL), 0);
    assert_slice(out.route.mailboxes[1].address, address);
    answered++;
    free(address);
}

REAL_FIBER_TEST(a_thousand_calls_at_once_get_their_own_answers) {
    answered = 0;
    pair_open(&pair, ROLE_DIRECTORY, &directory_handlers, NULL);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(fiber_spawn("caller", ask_in_fiber, mem_printf("u%d@example.test", i)), 0);
    while (answered < 1000)
        assert_int_equal(fiber_sleep(USEC_MS), 0);
    pair_close(&pair);
}

static uint64_t made, begun;
static char large[500000];

static int begin(void *arg UNUSED, const struct rpc_caller *caller UNUSED,
                 const struct rpc_queue_submit_in *in, struct arena *a UNUSED,
                 struct rpc_queue_submit_out *out UNUSED, struct problem *problem UNUSED) {
    assert_int_equal(in->id, ++begun);
    return 0;
}

static const struct rpc_queue_handlers in_order = {.submit = begin};

static void submit_in_fiber(void *arg) {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_queue_submit_out out;
    struct rpc_queue_submit_in in = {.id = ++made};
    if (arg)
        in.bytes = (struct slice){large, sizeof large};
    assert_int_equal(call_queue_submit(pair.edge, &in, &a, &out, NULL), 0);
    answered++;
}

/* The first ones fill the link; others keep coming while those wait for room. */
REAL_FIBER_TEST(calls_begin_in_the_order_in_which_they_were_made) {
    made = begun = answered = 0;
    pair_open(&pair, ROLE_QUEUE, &in_order, NULL);
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(fiber_spawn("caller", submit_in_fiber, large), 0);
    for (unsigned i = 0; i < 400; i++) {
        assert_int_equal(fiber_spawn("caller", submit_in_fiber, NULL), 0);
        assert_int_equal(fiber_yield(), 0);
    }
    while (answered < 600)
        assert_int_equal(fiber_sleep(USEC_MS), 0);
    pair_close(&pair);
}

static unsigned at_once, most_at_once;
static bool doors_open;
static struct fiber_cond doors;

static int linger(void *arg UNUSED, const struct rpc_caller *caller UNUSED,
                  const struct rpc_queue_submit_in *in UNUSED, struct arena *a UNUSED,
                  struct rpc_queue_submit_out *out UNUSED, struct problem *problem UNUSED) {
    at_once++;
    most_at_once = MAX(most_at_once, at_once);
    while (!doors_open)
        assert_int_equal(fiber_cond_wait(&doors), 0);
    at_once--;
    return 0;
}

static const struct rpc_queue_handlers lingering = {.submit = linger};

/* The answer to a call that was given up is still to come. */
static void call_and_give_up(void) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(fiber_deadline_end) struct fiber_deadline d UNUSED = fiber_deadline_begin(0);
    struct rpc_queue_submit_out out;
    struct rpc_queue_submit_in in = {.id = 1};
    assert_int_equal(call_queue_submit(pair.edge, &in, &a, &out, NULL), -ETIMEDOUT);
}

/* A process that stands still for a while: what it is asked meanwhile waits and is not refused. */
REAL_FIBER_TEST(calls_beyond_the_most_at_a_time_wait) {
    made = answered = at_once = most_at_once = 0;
    doors_open = false;
    fiber_cond_init(&doors);
    pair_open(&pair, ROLE_QUEUE, &lingering, NULL);
    for (unsigned i = 0; i < RPC_CALLS_MAX; i++)
        call_and_give_up();
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(fiber_spawn("caller", submit_in_fiber, NULL), 0);
    while (at_once < RPC_CALLS_MAX)
        assert_int_equal(fiber_sleep(USEC_MS), 0);
    assert_int_equal(fiber_sleep(20 * USEC_MS), 0);
    assert_int_equal(at_once, RPC_CALLS_MAX);
    doors_open = true;
    fiber_cond_wake_all(&doors);
    while (answered < 100)
        assert_int_equal(fiber_sleep(USEC_MS), 0);
    assert_int_equal(most_at_once, RPC_CALLS_MAX);
    assert_string_equal(pair.misbehaved, "");
    pair_close(&pair);
}

FIBER_TEST(a_caller_that_gives_up_does_not_disturb_the_next) {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_resolve_out out;
    pair_open(&pair, ROLE_DIRECTORY, &directory_handlers, NULL);
    struct fiber_deadline d = fiber_deadline_begin(fiber_now() + USEC_SEC);
    assert_int_equal(ask("slow@example.test", &a, &out, NULL), -ETIMEDOUT);
    fiber_deadline_end(&d);
    assert_int_equal(ask("tama@example.test", &a, &out, NULL), 0);
    assert_int_equal(fiber_sleep(20 * USEC_SEC), 0);
    assert_int_equal(ask("tama@example.test", &a, &out, NULL), 0);
    assert_string_equal(pair.misbehaved, "");
    pair_close(&pair);
}

static void die_soon(void *arg UNUSED) {
    if (fiber_sleep(USEC_SEC) == 0)
        rpc_link_close(pair.other);
}

FIBER_TEST(calls_under_way_fail_when_the_other_process_dies) {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_resolve_out out;
    struct problem problem = {0};
    pair_open(&pair, ROLE_DIRECTORY, &directory_handlers, NULL);
    assert_int_equal(fiber_spawn("death", die_soon, NULL), 0);
    assert_int_equal(ask("slow@example.test", &a, &out, &problem), -EPIPE);
    assert_string_equal(problem.text, "the directory process ended during the call");
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    assert_false(rpc_link_up(pair.edge));
    assert_int_equal(ask("tama@example.test", &a, &out, &problem), -EPIPE);
    pair_connect(&pair);
    assert_int_equal(ask("tama@example.test", &a, &out, &problem), 0);
    pair_close(&pair);
}

static int open_file(void *arg, const struct rpc_caller *caller,
                     const struct rpc_queue_open_file_in *in, struct arena *a,
                     struct rpc_queue_open_file_out *out, struct problem *problem) {
    (void)arg;
    (void)caller;
    (void)in;
    (void)a;
    (void)problem;
    out->file = fcntl(*(int *)arg, F_DUPFD_CLOEXEC, 3); /* the link's from now on */
    return 0;
}

static const struct rpc_queue_handlers queue_handlers = {.open_file = open_file};

REAL_FIBER_TEST(a_descriptor_travels_and_is_the_receivers_own) {
    _cleanup_(arena_done) struct arena a = {0};
    int ends[2];
    char bytes[8];
    assert_int_equal(pipe(ends), 0);
    pair_open(&pair, ROLE_QUEUE, &queue_handlers, &ends[1]);
    for (uint64_t i = 0; i < 100; i++) {
        struct rpc_queue_open_file_in in = {i};
        struct rpc_queue_open_file_out out;
        assert_int_equal(call_queue_open_file(pair.edge, &in, &a, &out, NULL), 0);
        assert_true(out.file > 2 && out.file != ends[1]);
        assert_int_equal(fcntl(out.file, F_GETFD), FD_CLOEXEC);
        assert_int_equal(write(out.file, "message", 6), 6);
        assert_int_equal(read(ends[0], bytes, sizeof bytes), 6);
        (void)close(out.file);
    }
    pair_close(&pair);
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], bytes, sizeof bytes), 0); /* no copy was left open */
    (void)close(ends[0]);
}

static unsigned events;

static unsigned most_fibers;

static int event(void *arg, const struct rpc_caller *caller, const struct rpc_events_add_in *in) {
    struct fiber_stats stats;
    (void)arg;
    (void)caller;
    assert_int_equal(in->event.message, 42);
    fiber_stats(&stats);
    most_fibers = MAX(most_fibers, stats.fibers);
    events++;
    return 0;
}

static const struct rpc_events_handlers events_handlers = {.add = event};

static void send_events(unsigned count) {
    struct event_fact field = {S("from"), S("tama@example.test")};
    events = 0;
    for (unsigned i = 0; i < count; i++) {
        struct rpc_events_add_in in = {
            .event = {.message = 42, .kind = S("accepted"), .facts = &field, .fact_count = 1}};
        assert_int_equal(send_events_add(pair.edge, &in), 0);
    }
    while (events < count)
        assert_int_equal(fiber_sleep(USEC_MS), 0);
}

REAL_FIBER_TEST(a_one_way_call_does_not_wait) {
    pair_open(&pair, ROLE_EVENTS, &events_handlers, NULL);
    send_events(500);
    pair_close(&pair);
}

/* More than RPC_CALLS_MAX: whoever reports much has done nothing wrong. */
REAL_FIBER_TEST(a_storm_of_events_costs_no_fibers_and_ends_nobody) {
    struct fiber_stats before;
    pair_open(&pair, ROLE_EVENTS, &events_handlers, NULL);
    fiber_stats(&before);
    most_fibers = 0;
    send_events(20000);
    assert_int_equal(most_fibers, before.fibers);
    assert_true(rpc_link_up(pair.edge));
    assert_string_equal(pair.misbehaved, "");
    pair_close(&pair);
}

static unsigned most_in_a_turn;

static void watch_turns(void *arg UNUSED) {
    unsigned before = events;
    while (fiber_yield() == 0) {
        most_in_a_turn = MAX(most_in_a_turn, events - MIN(before, events));
        before = events;
    }
}

/* A thousand small frames come in one read; whoever else is ready has his turn in between. */
REAL_FIBER_TEST(a_storm_of_events_leaves_turns_to_others) {
    struct fiber *watcher;
    pair_open(&pair, ROLE_EVENTS, &events_handlers, NULL);
    events = most_in_a_turn = 0;
    assert_int_equal(fiber_start("watcher", watch_turns, NULL, &watcher), 0);
    send_events(5000);
    assert_in_range(most_in_a_turn, 1, 64);
    fiber_cancel(watcher);
    fiber_join(watcher);
    pair_close(&pair);
}

static struct rpc_link *freed;

static void free_soon(void *arg UNUSED) {
    if (fiber_sleep(USEC_SEC) == 0)
        rpc_link_free(TAKE_PTR(freed));
}

FIBER_TEST(a_link_may_be_freed_amid_a_call) {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_resolve_out out;
    struct problem problem = {0};
    pair_open(&pair, ROLE_DIRECTORY, &directory_handlers, NULL);
    freed = pair.edge;
    assert_int_equal(fiber_spawn("owner", free_soon, NULL), 0);
    assert_int_equal(ask("slow@example.test", &a, &out, &problem), -EPIPE);
    assert_string_equal(problem.text, "the directory process ended during the call");
    pair.edge = NULL;
    pair_close(&pair);
}

static void free_when_down(struct rpc_link *link, void *arg UNUSED) {
    rpc_link_free(link);
}

REAL_FIBER_TEST(a_link_may_be_freed_when_it_goes_down) {
    struct rpc_options options = {
        .self = ROLE_DIRECTORY, .other = ROLE_CLI, .down = free_when_down};
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(rpc_link_attach(rpc_link_new(&options), fds[1]), 0);
    (void)close(fds[0]);
    while (fiber_children() > 0)
        assert_int_equal(fiber_sleep(USEC_MS), 0);
}

/* ------------------------------------------------------------------ the schema */

static const struct rpc_call *find_call(enum role role, const char *name) {
    const struct rpc_service *s = rpc_services[role];
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->calls[i].name, name) == 0)
            return &s->calls[i];
    fail_msg("no call %s", name);
    return NULL;
}

/* So a delivery may submit a message before it answers, and a relay ask for an address. */
static void test_a_call_stands_above_those_that_its_handler_makes(void **state) {
    (void)state;
    assert_true(find_call(ROLE_QUEUE, "queue.submit")->from & ROLE_BIT(ROLE_MAIL));
    assert_true(find_call(ROLE_MAIL, "mail.deliver")->level >
                find_call(ROLE_QUEUE, "queue.submit")->level);
    assert_true(find_call(ROLE_RELAY, "relay.transmit")->level >
                find_call(ROLE_RESOLVER, "resolver.query")->level);
    for (enum role r = 0; r < ROLES; r++)
        for (size_t i = 0; rpc_services[r] && i < rpc_services[r]->count; i++)
            assert_true(rpc_services[r]->calls[i].level < RPC_LEVELS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call_brings_structs_and_lists_back),
        cmocka_unit_test(test_an_error_comes_with_its_sentence),
        cmocka_unit_test(test_an_enum_that_does_not_exist_does_not_arrive),
        cmocka_unit_test(test_a_call_without_handler_is_answered_as_not_there),
        cmocka_unit_test(test_a_text_over_its_bound_does_not_leave),
        cmocka_unit_test(test_a_thousand_calls_at_once_get_their_own_answers),
        cmocka_unit_test(test_calls_begin_in_the_order_in_which_they_were_made),
        cmocka_unit_test(test_calls_beyond_the_most_at_a_time_wait),
        cmocka_unit_test(test_a_caller_that_gives_up_does_not_disturb_the_next),
        cmocka_unit_test(test_calls_under_way_fail_when_the_other_process_dies),
        cmocka_unit_test(test_a_descriptor_travels_and_is_the_receivers_own),
        cmocka_unit_test(test_a_one_way_call_does_not_wait),
        cmocka_unit_test(test_a_storm_of_events_costs_no_fibers_and_ends_nobody),
        cmocka_unit_test(test_a_storm_of_events_leaves_turns_to_others),
        cmocka_unit_test(test_a_link_may_be_freed_amid_a_call),
        cmocka_unit_test(test_a_link_may_be_freed_when_it_goes_down),
        cmocka_unit_test(test_a_call_stands_above_those_that_its_handler_makes),
    };
    return cmocka_run_group_tests_name("rpc", tests, NULL, NULL);
}
