/* SPDX-License-Identifier: ISC */
/*
 * The event log role behind real links: an edge that reports events, a command line that asks.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "events/kinds.h"
#include "fiber/wait.h"
#include "journey/sample.h"
#include "role/roles.h"

struct post {
    char folder[64], back[256];
    struct process process;
    struct rpc_link *edge, *cli; /* their ends */
    struct rpc_link *to_edge, *to_cli;
    char misbehaved[256];
    struct arena arena;
};

static const struct process_role row = {.role = ROLE_EVENTS, .work = &role_events};

static void misbehaved(struct rpc_link *link, const char *why, void *arg) {
    struct post *p =
        ((struct process *)arg)->state ? CONTAINER_OF(arg, struct post, process) : NULL;
    (void)link;
    if (p)
        (void)snprintf(p->misbehaved, sizeof p->misbehaved, "%s", why);
}

static void connect_role(struct post *p, enum role other, struct rpc_link **ret_theirs,
                         struct rpc_link **ret_ours) {
    int fds[2];
    struct rpc_options ours = {.self = ROLE_EVENTS,
                               .other = other,
                               .service = rpc_services[ROLE_EVENTS],
                               .handlers = role_events.handlers,
                               .arg = &p->process,
                               .misbehaved = misbehaved};
    struct rpc_options theirs = {.self = other, .other = ROLE_EVENTS};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    *ret_ours = rpc_link_new(&ours);
    *ret_theirs = rpc_link_new(&theirs);
    assert_int_equal(rpc_link_attach(*ret_ours, fds[0]), 0);
    assert_int_equal(rpc_link_attach(*ret_theirs, fds[1]), 0);
}

static int new_file(const char *name) {
    int fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

static void open_post(struct post *p) {
    struct problem problem = {0};
    *p = (struct post){.folder = "/tmp/events-XXXXXX"};
    assert_non_null(getcwd(p->back, sizeof p->back));
    assert_non_null(mkdtemp(p->folder));
    assert_int_equal(chdir(p->folder), 0);
    p->process = (struct process){.role = &row, .conf = conf_new(), .root = fiber_self()};
    assert_int_equal(conf_set(p->process.conf, "log.destination", S("none"), &problem), 0);
    p->process.handed.log_file = new_file("events.log");
    p->process.handed.log_socket = -1;
    assert_int_equal(role_events.open(&p->process, &problem), 0);
    connect_role(p, ROLE_EDGE, &p->edge, &p->to_edge);
    connect_role(p, ROLE_CLI, &p->cli, &p->to_cli);
}

static void close_post(struct post *p) {
    static const char *const names[] = {"events.db", "events.db-wal", "events.db-shm", "events.log",
                                        "newer.log"};
    rpc_link_free(p->edge);
    rpc_link_free(p->cli);
    rpc_link_free(p->to_edge);
    rpc_link_free(p->to_cli);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        (void)unlink(names[i]);
    assert_int_equal(chdir(p->back), 0);
    assert_int_equal(rmdir(p->folder), 0);
    conf_free(p->process.conf);
    arena_done(&p->arena);
}

static void report(struct post *p, uint64_t number) {
    _cleanup_(arena_done) struct arena a = {0};
    for (unsigned step = 0; step < SAMPLE_STEPS; step++) {
        struct event e;
        (void)sample_step(number, step, &a, &e);
        assert_int_equal(send_events_add(p->edge, &(struct rpc_events_add_in){e}), 0);
    }
}

/* Until the role has as many events as were sent. */
static void settle(struct post *p, size_t count) {
    for (unsigned i = 0; i < 100; i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct rpc_events_log_in in = {.last = 1};
        struct rpc_events_log_out out = {0};
        assert_int_equal(call_events_log(p->cli, &in, &a, &out, NULL), 0);
        if (out.events_count > 0 && out.events[0].sequence >= count)
            return;
        assert_int_equal(fiber_sleep(20 * USEC_MS), 0);
    }
    fail_msg("the events did not arrive: %s", p->misbehaved);
}

/* The role frees nothing at its end, since its process ends with it; here the leak is known. */
static void stop_role(struct post *p) {
    role_events.stop(&p->process);
}

REAL_FIBER_TEST(a_journey_travels_from_edge_to_command_line) {
    static struct post p;
    open_post(&p);
    report(&p, 1);
    settle(&p, SAMPLE_STEPS);
    struct rpc_events_find_in find = {
        .words = (struct slice[]){S("READER1@example.jp")}, .words_count = 1, .limit = 10};
    struct rpc_events_find_out found = {0};
    assert_int_equal(call_events_find(p.cli, &find, &p.arena, &found, NULL), 0);
    assert_int_equal(found.messages_count, 1);
    queue_id id = 0;
    assert_int_equal(queue_id_parse(found.messages[0].text, &id), 0);
    assert_int_equal(id, sample_message(1));
    struct rpc_events_journey_in in = {.message = id};
    struct rpc_events_journey_out out = {0};
    assert_int_equal(call_events_journey(p.cli, &in, &p.arena, &out, NULL), 0);
    assert_int_equal(out.events_count, SAMPLE_STEPS);
    assert_slice(out.events[0].role, "edge"); /* who sent it, not who it says it is */
    assert_slice(out.events[1].role, "edge");
    assert_slice(out.events[2].kind, "delivered");
    stop_role(&p);
    close_post(&p);
}

REAL_FIBER_TEST(news_wake_a_waiting_command_line) {
    static struct post p;
    open_post(&p);
    usec_t begin = fiber_now();
    report(&p, 2);
    struct rpc_events_journey_in in = {.message = sample_message(2), .wait = 10 * USEC_SEC};
    struct rpc_events_journey_out out = {0};
    assert_int_equal(call_events_journey(p.cli, &in, &p.arena, &out, NULL), 0);
    assert_in_range(out.events_count, 1, SAMPLE_STEPS);
    assert_true(fiber_now() - begin < 5 * USEC_SEC);
    stop_role(&p);
    close_post(&p);
}

/* What its process cannot open: the descriptors are the master's. */
REAL_FIBER_TEST(the_log_goes_on_in_the_file_of_the_last_reload) {
    static struct post p;
    struct stat first, then, newer;
    open_post(&p);
    report(&p, 3);
    settle(&p, SAMPLE_STEPS);
    assert_int_equal(fiber_sleep(100 * USEC_MS), 0);
    assert_int_equal(stat("events.log", &first), 0);
    assert_true(first.st_size > 100);
    p.process.handed.log_file = new_file("newer.log");
    assert_int_equal(role_events.reload(&p.process, p.process.conf, &(struct problem){0}), 0);
    assert_int_equal(p.process.handed.log_file, -1);
    report(&p, 4);
    settle(&p, (size_t)2 * SAMPLE_STEPS);
    stop_role(&p);
    assert_int_equal(stat("events.log", &then), 0);
    assert_int_equal(then.st_size, first.st_size);
    assert_int_equal(stat("newer.log", &newer), 0);
    assert_true(newer.st_size > 100);
    close_post(&p);
}

/* An edge in the hands of a stranger cannot lay what it did at somebody's door. */
REAL_FIBER_TEST(who_changed_what_is_not_said_by_an_edge) {
    static struct post p;
    open_post(&p);
    struct event_fact by = {S(FACT_BY), S("root")};
    struct event forged = {
        .kind = S(KIND_CHANGED), .text = S("root changed"), .facts = &by, .fact_count = 1};
    assert_int_equal(send_events_add(p.edge, &(struct rpc_events_add_in){forged}), 0);
    settle(&p, 1);
    struct rpc_events_log_in in = {.last = 10};
    struct rpc_events_log_out out = {0};
    assert_int_equal(call_events_log(p.cli, &in, &p.arena, &out, NULL), 0);
    assert_int_equal(out.events_count, 1);
    assert_slice(out.events[0].kind, KIND_WARNING);
    assert_slice(out.events[0].text,
                 "edge reported a change that only the directory, keys and the master"
                 " may report; the event was left out");
    stop_role(&p);
    close_post(&p);
}

REAL_FIBER_TEST(an_edge_may_not_read) {
    static struct post p;
    open_post(&p);
    struct rpc_events_log_in in = {.last = 1};
    struct rpc_events_log_out out = {0};
    assert_int_equal(call_events_log(p.edge, &in, &p.arena, &out, NULL), -EPIPE);
    assert_string_equal(p.misbehaved, "made a call that its role may not make");
    stop_role(&p);
    close_post(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_journey_travels_from_edge_to_command_line),
        cmocka_unit_test(test_news_wake_a_waiting_command_line),
        cmocka_unit_test(test_the_log_goes_on_in_the_file_of_the_last_reload),
        cmocka_unit_test(test_who_changed_what_is_not_said_by_an_edge),
        cmocka_unit_test(test_an_edge_may_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
