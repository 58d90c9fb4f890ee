/* SPDX-License-Identifier: ISC */
/*
 * What the master does about its processes: which of two is ended when one says that the other
 * broke the rules, which ones get a connection with each other, and what becomes of one that does
 * not answer.
 */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "role/master/children.h"

static struct children children;

/* Processes that do nothing stand in for those of the roles. */
static void begin(void) {
    struct conf *conf = conf_new();
    children_init(&children, "/nowhere", conf);
    for (size_t i = 0; i < children.count; i++) {
        struct rpc_options options = {.self = ROLE_MASTER, .other = ROLE_PROCESS};
        children.list[i].link = rpc_link_new(&options);
        children.list[i].pid = fork();
        if (children.list[i].pid == 0) {
            (void)pause();
            _exit(0);
        }
    }
}

static bool is_dead(const struct child *child) {
    int status;
    for (int i = 0; i < 50; i++) {
        if (waitpid(child->pid, &status, WNOHANG) == child->pid)
            return true;
        (void)usleep(1000);
    }
    return false;
}

static void end(void) {
    for (size_t i = 0; i < children.count; i++) {
        rpc_link_free(children.list[i].link);
        (void)kill(children.list[i].pid, SIGKILL);
        (void)waitpid(children.list[i].pid, NULL, 0);
    }
    conf_free(children.conf);
}

static void quarrel(enum role one, enum role other, enum role dies) {
    begin();
    struct child *accuser = children_find(&children, one, 0);
    struct child *accused = children_find(&children, other, 0);
    children_settle(&children, accuser->link, other, 0, S("sent a malformed frame"));
    assert_int_equal(is_dead(accuser), dies == one);
    assert_int_equal(is_dead(accused), dies == other);
    end();
}

REAL_FIBER_TEST(a_caller_that_breaks_the_rules_is_ended) {
    quarrel(ROLE_DIRECTORY, ROLE_EDGE, ROLE_EDGE);
    quarrel(ROLE_MAIL, ROLE_QUEUE, ROLE_QUEUE);
}

/* An edge in the hands of a stranger must not be able to have others ended. */
REAL_FIBER_TEST(who_faces_outside_ends_itself_by_accusing_others) {
    quarrel(ROLE_EDGE, ROLE_DIRECTORY, ROLE_EDGE);
    quarrel(ROLE_EDGE, ROLE_QUEUE, ROLE_EDGE);
    quarrel(ROLE_RELAY, ROLE_QUEUE, ROLE_RELAY);
    quarrel(ROLE_RESOLVER, ROLE_RELAY, ROLE_RELAY);
}

REAL_FIBER_TEST(accusing_somebody_who_is_no_peer_does_nothing) {
    quarrel(ROLE_EDGE, ROLE_RELAY, ROLES);
    quarrel(ROLE_RELAY, ROLE_KEYS, ROLES);
}

/* ------------------------------------------------------------------ links, silence */

/* The part of a process that the master talks with. */
struct stand_in {
    struct rpc_link *link;
    int refusals;             /* how often it has no descriptor left for a connection */
    int connections;          /* that it took */
    bool is_forgetful;        /* takes connections and answers nothing */
    struct child *ends_first; /* before the connection is taken */
};

static int take_connection(void *arg, const struct rpc_caller *caller UNUSED,
                           const struct rpc_process_peer_in *in, struct arena *a UNUSED,
                           struct rpc_process_peer_out *out UNUSED,
                           struct problem *problem UNUSED) {
    struct stand_in *s = arg;
    (void)close(in->connection);
    if (s->ends_first) { /* as its keeper does */
        s->ends_first->state = CHILD_DOWN;
        rpc_link_free(s->ends_first->link);
        s->ends_first->link = NULL;
        s->ends_first = NULL;
    }
    if (s->refusals > 0) {
        s->refusals--;
        return -EMFILE;
    }
    s->connections++;
    return s->is_forgetful ? fiber_sleep(USEC_HOUR) : 0;
}

static int say_status(void *arg UNUSED, const struct rpc_caller *caller UNUSED,
                      const struct rpc_process_status_in *in UNUSED, struct arena *a UNUSED,
                      struct rpc_process_status_out *out UNUSED, struct problem *problem UNUSED) {
    return 0;
}

static const struct rpc_process_handlers answers = {.peer = take_connection, .status = say_status};

/* A process of the role that works; with `handlers` NULL it never answers. */
static struct child *stand_in(enum role role, const struct rpc_process_handlers *handlers,
                              struct stand_in *s) {
    struct child *child = children_find(&children, role, 0);
    struct rpc_options options = {.self = ROLE_PROCESS,
                                  .other = ROLE_MASTER,
                                  .service = &rpc_process_service,
                                  .handlers = handlers,
                                  .arg = s};
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(rpc_link_attach(child->link, ends[0]), 0);
    children.root = fiber_self();
    child->state = CHILD_CONFIGURED;
    if (!handlers)
        return child; /* the other end stays open, and nobody reads it */
    s->link = rpc_link_new(&options);
    assert_int_equal(rpc_link_attach(s->link, ends[1]), 0);
    return child;
}

static void wait_for_connections(const struct stand_in *s, int count) {
    for (int i = 0; i < 100 && s->connections < count; i++)
        assert_int_equal(fiber_sleep(100 * USEC_MS), 0);
    assert_int_equal(s->connections, count);
}

/* Otherwise two that work could not reach each other until one of them is started again. */
FIBER_TEST(two_that_could_not_be_linked_are_linked_later) {
    struct stand_in edge = {.refusals = 3}, directory = {0};
    begin();
    (void)stand_in(ROLE_EDGE, &answers, &edge);
    assert_int_equal(children_introduce(stand_in(ROLE_DIRECTORY, &answers, &directory)), 0);
    assert_int_equal(edge.connections, 0);
    wait_for_connections(&edge, 1);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(edge.connections, 1); /* and are left alone then */
    rpc_link_free(edge.link);
    rpc_link_free(directory.link);
    end();
}

FIBER_TEST(a_lost_connection_is_replaced_once_however_often_it_is_told) {
    struct stand_in edge = {0}, directory = {0};
    begin();
    struct child *reporter = stand_in(ROLE_EDGE, &answers, &edge);
    (void)stand_in(ROLE_DIRECTORY, &answers, &directory);
    for (int i = 0; i < 1000; i++)
        children_link_lost(&children, reporter->link, ROLE_DIRECTORY, 0);
    wait_for_connections(&directory, 1);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(edge.connections, 1);
    assert_int_equal(directory.connections, 1);
    rpc_link_free(edge.link);
    rpc_link_free(directory.link);
    end();
}

/* At a start that fails all end, each when it pleases. */
FIBER_TEST(who_ends_while_the_other_is_told_gets_no_connection) {
    struct stand_in edge = {0}, directory = {0};
    begin();
    directory.ends_first = stand_in(ROLE_EDGE, &answers, &edge);
    assert_int_equal(children_introduce(stand_in(ROLE_DIRECTORY, &answers, &directory)), 0);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(directory.connections, 1);
    assert_int_equal(edge.connections, 0);
    rpc_link_free(edge.link);
    rpc_link_free(directory.link);
    end();
}

/* While it is waited for, no other process gets its links. */
FIBER_TEST(who_does_not_take_a_connection_is_ended) {
    struct stand_in edge = {.is_forgetful = true}, directory = {0};
    begin();
    struct child *slow = stand_in(ROLE_EDGE, &answers, &edge);
    assert_int_equal(children_introduce(stand_in(ROLE_DIRECTORY, &answers, &directory)), 0);
    assert_true(is_dead(slow));
    rpc_link_free(edge.link);
    rpc_link_free(directory.link);
    end();
}

FIBER_TEST(a_process_that_does_not_answer_is_ended) {
    begin();
    struct child_watch w = {.child = stand_in(ROLE_DIRECTORY, NULL, NULL)};
    usec_t began = fiber_now();
    assert_int_equal(children_watch(&w), 0);
    children_watch_end(&w);
    assert_true(w.ended && WIFSIGNALED(w.status) && WTERMSIG(w.status) == SIGKILL);
    assert_true(fiber_now() - began >= CHILD_SILENCE);
    w.child->pid = fork(); /* for end() */
    if (w.child->pid == 0)
        _exit(0);
    end();
}

FIBER_TEST(a_process_under_a_debugger_may_be_silent) {
    begin();
    struct child *child = stand_in(ROLE_DIRECTORY, NULL, NULL);
    assert_int_equal(ptrace(PTRACE_SEIZE, child->pid, NULL, NULL), 0);
    children_end_silent(child, USEC_SEC);
    assert_false(is_dead(child));
    end();
}

FIBER_TEST(a_process_that_answers_is_left_alone) {
    struct stand_in directory = {0};
    begin();
    struct child_watch w = {.child = stand_in(ROLE_DIRECTORY, &answers, &directory)};
    assert_int_equal(children_watch(&w), 0);
    assert_int_equal(fiber_sleep(10 * USEC_MIN), 0);
    assert_false(w.ended);
    (void)kill(w.child->pid, SIGTERM);
    children_watch_end(&w);
    assert_int_equal(WTERMSIG(w.status), SIGTERM);
    w.child->pid = fork();
    if (w.child->pid == 0)
        _exit(0);
    rpc_link_free(directory.link);
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_caller_that_breaks_the_rules_is_ended),
        cmocka_unit_test(test_who_faces_outside_ends_itself_by_accusing_others),
        cmocka_unit_test(test_accusing_somebody_who_is_no_peer_does_nothing),
        cmocka_unit_test(test_two_that_could_not_be_linked_are_linked_later),
        cmocka_unit_test(test_a_lost_connection_is_replaced_once_however_often_it_is_told),
        cmocka_unit_test(test_who_ends_while_the_other_is_told_gets_no_connection),
        cmocka_unit_test(test_who_does_not_take_a_connection_is_ended),
        cmocka_unit_test(test_a_process_that_does_not_answer_is_ended),
        cmocka_unit_test(test_a_process_under_a_debugger_may_be_silent),
        cmocka_unit_test(test_a_process_that_answers_is_left_alone),
    };
    return cmocka_run_group_tests_name("children", tests, NULL, NULL);
}
