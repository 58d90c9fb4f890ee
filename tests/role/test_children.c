/* SPDX-License-Identifier: ISC */
/*
 * Quarrels between processes: which of two is ended when one says that the other broke the rules.
 */
#include "unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "role/children.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_caller_that_breaks_the_rules_is_ended),
        cmocka_unit_test(test_who_faces_outside_ends_itself_by_accusing_others),
        cmocka_unit_test(test_accusing_somebody_who_is_no_peer_does_nothing),
    };
    return cmocka_run_group_tests_name("children", tests, NULL, NULL);
}
