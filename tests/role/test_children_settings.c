/* SPDX-License-Identifier: ISC */
/*
 * What the master hands to its processes: to each what its row says and no more, and again when it
 * may have changed.
 */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "role/master/children.h"

static struct children children;
static char folder[64];

/* The part of a process that takes what it is handed. */
static struct taker {
    struct rpc_link *link;
    int configured, reloaded;
    bool refuses;
    bool secret, log, certificate, passwords, authorities;
    size_t texts;
} takers[ROLES];

static void leave(int fd) {
    if (fd >= 0)
        (void)close(fd);
}

static int on_configure(void *arg, const struct rpc_caller *caller UNUSED,
                        const struct rpc_process_configure_in *in, struct arena *a UNUSED,
                        struct rpc_process_configure_out *out, struct problem *problem UNUSED) {
    struct taker *t = arg;
    t->configured++;
    t->secret = in->secret.len > 0;
    t->log = in->handed.log_file >= 0;
    t->certificate = in->handed.certificate >= 0 || in->handed.key >= 0;
    t->passwords = in->handed.passwords >= 0;
    t->authorities = in->handed.authorities >= 0;
    t->texts = in->handed.text_files_count;
    leave(in->handed.log_file);
    leave(in->handed.log_socket);
    out->confinement = S("none");
    return 0;
}

static int on_reload(void *arg, const struct rpc_caller *caller UNUSED,
                     const struct rpc_process_reload_in *in, struct arena *a UNUSED,
                     struct rpc_process_reload_out *out, struct problem *problem) {
    struct taker *t = arg;
    t->reloaded++;
    leave(in->handed.log_file);
    leave(in->handed.log_socket);
    out->said = t->refuses ? S("") : S("taken\n");
    return t->refuses ? problem_set(problem, -E_REFUSED, "not these") : 0;
}

static const struct rpc_process_handlers answers = {.configure = on_configure, .reload = on_reload};

static void begin(void) {
    struct conf *conf = conf_new();
    (void)snprintf(folder, sizeof folder, "/tmp/children-XXXXXX");
    assert_non_null(mkdtemp(folder));
    conf->hostname = S("mail.example.test");
    memset(takers, 0, sizeof takers);
    children_init(&children, folder, conf);
    children.log_file = open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (size_t i = 0; i < children.count; i++) {
        struct child *child = &children.list[i];
        struct taker *t = &takers[child->role->role];
        struct rpc_options master = {.self = ROLE_MASTER, .other = ROLE_PROCESS};
        struct rpc_options process = {.self = ROLE_PROCESS,
                                      .other = ROLE_MASTER,
                                      .service = &rpc_process_service,
                                      .handlers = &answers,
                                      .arg = t};
        int ends[2];
        child->link = rpc_link_new(&master);
        if (t->link) /* one worker of each role is enough */
            continue;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        t->link = rpc_link_new(&process);
        assert_int_equal(rpc_link_attach(child->link, ends[0]), 0);
        assert_int_equal(rpc_link_attach(t->link, ends[1]), 0);
        child->state = CHILD_CONFIGURED;
    }
}

static void end(void) {
    for (size_t i = 0; i < children.count; i++)
        rpc_link_free(children.list[i].link);
    for (size_t i = 0; i < ARRAY_SIZE(takers); i++)
        rpc_link_free(takers[i].link);
    (void)close(children.log_file);
    conf_free(children.conf);
    (void)rmdir(folder);
}

REAL_FIBER_TEST(each_process_is_handed_what_its_row_says_and_no_more) {
    begin();
    for (const struct process_role *r = all_roles; r->work; r++) {
        const struct taker *t = &takers[r->role];
        struct problem problem = {0};
        if (children_configure(children_find(&children, r->role, 0), &problem) < 0)
            fail_msg("%s: %s", role_name(r->role), problem.text);
        assert_int_equal(t->configured, 1);
        assert_int_equal(t->secret, (r->given & GIVEN_SECRET) != 0);
        assert_int_equal(t->log, (r->given & GIVEN_LOG) != 0);
        assert_false(t->certificate); /* none is named outside of the state directory */
        assert_false(t->passwords);
        assert_int_equal(t->authorities, (r->given & GIVEN_AUTHORITIES) != 0);
        if (!(r->given & (GIVEN_RESOLVER_FILES | GIVEN_LAST_ACCOUNT)))
            assert_int_equal(t->texts, 0);
        if (r->given & GIVEN_LAST_ACCOUNT)
            assert_int_equal(t->texts, 1);
    }
    end();
}

REAL_FIBER_TEST(a_reload_reaches_whom_it_concerns) {
    _cleanup_(buf_done) struct buf report = {0};
    begin();
    assert_int_equal(children_reload(&children, 0, &report), 0);
    for (const struct process_role *r = all_roles; r->work; r++)
        assert_int_equal(takers[r->role].reloaded, r->reloads);
    assert_int_equal(children_reload(&children, 1U << ROLE_QUEUE, &report), 0);
    assert_int_equal(takers[ROLE_QUEUE].reloaded, 1);
    assert_int_equal(takers[ROLE_MAIL].reloaded, 0);
    end();
}

/* It keeps the old ones, and gets the present ones at each reload until it takes some. */
REAL_FIBER_TEST(who_refuses_settings_is_asked_again) {
    _cleanup_(buf_done) struct buf report = {0};
    begin();
    takers[ROLE_QUEUE].refuses = true;
    assert_int_equal(children_reload(&children, 1U << ROLE_QUEUE, &report), -E_REFUSED);
    assert_true(slice_starts(buf_slice(&report),
                             S("The queue process 0 keeps its old settings: not these\n")));
    assert_int_equal(children_reload(&children, 0, &report), -E_REFUSED);
    takers[ROLE_QUEUE].refuses = false;
    buf_clear(&report);
    assert_int_equal(children_reload(&children, 0, &report), 0);
    assert_non_null(strstr(buf_str(&report), "The queue process 0 has taken the settings now.\n"));
    assert_int_equal(children_reload(&children, 0, &report), 0);
    assert_int_equal(takers[ROLE_QUEUE].reloaded, 3);
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_process_is_handed_what_its_row_says_and_no_more),
        cmocka_unit_test(test_a_reload_reaches_whom_it_concerns),
        cmocka_unit_test(test_who_refuses_settings_is_asked_again),
    };
    return cmocka_run_group_tests_name("children settings", tests, NULL, NULL);
}
