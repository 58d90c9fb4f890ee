/* SPDX-License-Identifier: ISC */
/*
 * What has changed beside the settings is handed out by itself: to whom, how soon, and once. The
 * test is the processes and the event log; whether a syslog daemon is another one it says itself
 * (the linker's --wrap).
 */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fiber/scheduler.h"
#include "role/master/children.h"

static char folder[64], chain_path[96], key_path[96];
static struct children children;
static struct fiber *looking;
static bool syslog_is_another;
static struct rpc_link *events;
static struct buf told; /* "kind: sentence\n" */

/* The part of a process that is handed something. */
static struct taker {
    struct rpc_link *link;
    unsigned reloaded;
    bool refuses;
    char chain[32];
} takers[ROLES];

bool __wrap_children_syslog_changed(const struct children *c);
bool __wrap_children_syslog_changed(const struct children *c UNUSED) {
    return syslog_is_another;
}

static void leave(int fd) {
    if (fd >= 0)
        (void)close(fd);
}

static int on_reload(void *arg, const struct rpc_caller *caller UNUSED,
                     const struct rpc_process_reload_in *in, struct arena *a UNUSED,
                     struct rpc_process_reload_out *out, struct problem *problem) {
    struct taker *t = arg;
    t->reloaded++;
    memset(t->chain, 0, sizeof t->chain);
    if (in->handed.certificate >= 0)
        assert_true(pread(in->handed.certificate, t->chain, sizeof t->chain - 1, 0) > 0);
    leave(in->handed.certificate);
    leave(in->handed.key);
    leave(in->handed.log_file);
    leave(in->handed.log_socket);
    out->said = S("");
    return t->refuses ? problem_set(problem, -E_REFUSED, "not these") : 0;
}

static int on_add(void *arg UNUSED, const struct rpc_caller *caller UNUSED,
                  const struct rpc_events_add_in *in) {
    buf_printf(&told, "%.*s: %.*s\n", SLICE_ARG(in->event.kind), SLICE_ARG(in->event.text));
    return 0;
}

static const struct rpc_process_handlers process_calls = {.reload = on_reload};
static const struct rpc_events_handlers events_calls = {.add = on_add};

static struct rpc_link *connect_with(struct rpc_link *link, const struct rpc_options *other) {
    struct rpc_link *end = rpc_link_new(other);
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(rpc_link_attach(link, ends[0]), 0);
    assert_int_equal(rpc_link_attach(end, ends[1]), 0);
    return end;
}

/* As certbot does: new files under the old names. */
static void put(const char *path, const char *text) {
    char other[128];
    (void)snprintf(other, sizeof other, "%s.new", path);
    int fd = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
    assert_int_equal(rename(other, path), 0);
}

static void renew(const char *number) {
    char text[32];
    (void)snprintf(text, sizeof text, "chain %s", number);
    put(chain_path, text);
    (void)snprintf(text, sizeof text, "key %s", number);
    put(key_path, text);
}

/* Every process is there, keys has the first certificate, and the master looks. */
static void begin(void) WAITS {
    struct problem problem = {0};
    struct conf *conf = conf_new();
    struct rpc_options master = {.self = ROLE_MASTER, .other = ROLE_EVENTS};
    struct rpc_options log = {.self = ROLE_EVENTS,
                              .other = ROLE_MASTER,
                              .service = &rpc_events_service,
                              .handlers = &events_calls};
    (void)snprintf(folder, sizeof folder, "/tmp/children-look-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(chain_path, sizeof chain_path, "%s/fullchain.pem", folder);
    (void)snprintf(key_path, sizeof key_path, "%s/privkey.pem", folder);
    renew("1");
    conf->hostname = S("mail.example.test");
    assert_int_equal(conf_set(conf, "tls.certificate", slice_of_str(chain_path), &problem), 0);
    assert_int_equal(conf_set(conf, "tls.key", slice_of_str(key_path), &problem), 0);
    memset(takers, 0, sizeof takers);
    syslog_is_another = false;
    children_init(&children, folder, conf);
    children.events = rpc_link_new(&master);
    events = connect_with(children.events, &log);
    for (size_t i = 0; i < children.count; i++) {
        struct child *child = &children.list[i];
        struct taker *t = &takers[child->role->role];
        struct rpc_options to = {.self = ROLE_MASTER, .other = ROLE_PROCESS};
        struct rpc_options from = {.self = ROLE_PROCESS,
                                   .other = ROLE_MASTER,
                                   .service = &rpc_process_service,
                                   .handlers = &process_calls,
                                   .arg = t};
        child->link = rpc_link_new(&to);
        if (t->link) /* one worker of each role is enough */
            continue;
        t->link = connect_with(child->link, &from);
        child->state = CHILD_WORKING;
    }
    assert_int_equal(children_renew(children_find(&children, ROLE_KEYS, 0), NULL, &problem), 0);
    takers[ROLE_KEYS].reloaded = 0;
    assert_int_equal(fiber_start("look", children_look, &children, &looking), 0);
    assert_int_equal(fiber_sleep(USEC_MIN + USEC_SEC), 0); /* between two looks */
}

static void end(void) WAITS {
    fiber_cancel(looking);
    fiber_join(looking);
    certificate_files_close(&children.certificate_taken);
    for (size_t i = 0; i < children.count; i++)
        rpc_link_free(children.list[i].link);
    for (size_t i = 0; i < ARRAY_SIZE(takers); i++)
        rpc_link_free(takers[i].link);
    rpc_link_free(children.events);
    rpc_link_free(events);
    conf_free(children.conf);
    buf_done(&told);
    (void)unlink(chain_path);
    (void)unlink(key_path);
    assert_int_equal(rmdir(folder), 0);
}

static unsigned reloads(void) {
    unsigned sum = 0;
    for (size_t i = 0; i < ARRAY_SIZE(takers); i++)
        sum += takers[i].reloaded;
    return sum;
}

FIBER_TEST(a_renewed_certificate_reaches_keys_alone_and_once) {
    begin();
    assert_int_equal(reloads(), 0);
    renew("2");
    assert_int_equal(fiber_sleep(15 * USEC_SEC), 0);
    assert_int_equal(takers[ROLE_KEYS].reloaded, 1);
    assert_string_equal(takers[ROLE_KEYS].chain, "chain 2");
    assert_int_equal(fiber_sleep(10 * USEC_MIN), 0);
    assert_int_equal(reloads(), 1);
    assert_int_equal(told.len, 0);
    end();
}

/* It says so, and is asked again when the files are others. */
FIBER_TEST(a_certificate_that_is_refused_is_told_once) {
    begin();
    takers[ROLE_KEYS].refuses = true;
    renew("2");
    assert_int_equal(fiber_sleep(10 * USEC_MIN), 0);
    assert_int_equal(reloads(), 1);
    assert_slice(buf_slice(&told),
                 "warning: The certificate has changed and cannot be used yet, the one before"
                 " stays in use: not these\n");
    takers[ROLE_KEYS].refuses = false;
    renew("3");
    assert_int_equal(fiber_sleep(15 * USEC_SEC), 0);
    assert_int_equal(reloads(), 2);
    assert_string_equal(takers[ROLE_KEYS].chain, "chain 3");
    end();
}

/* It gets the newest ones with its settings. */
FIBER_TEST(a_process_that_opens_what_it_owns_is_not_disturbed) {
    begin();
    children_find(&children, ROLE_KEYS, 0)->state = CHILD_STARTING;
    children_find(&children, ROLE_EVENTS, 0)->state = CHILD_DOWN;
    renew("2");
    syslog_is_another = true;
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(reloads(), 0);
    children_find(&children, ROLE_KEYS, 0)->state = CHILD_CONFIGURED;
    assert_int_equal(fiber_sleep(15 * USEC_SEC), 0);
    assert_int_equal(takers[ROLE_KEYS].reloaded, 1);
    end();
}

FIBER_TEST(another_syslog_daemon_reaches_the_event_log_alone) {
    begin();
    syslog_is_another = true;
    assert_int_equal(fiber_sleep(6 * USEC_SEC), 0);
    syslog_is_another = false;
    assert_int_equal(takers[ROLE_EVENTS].reloaded, 1);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(reloads(), 1);
    assert_int_equal(told.len, 0);
    takers[ROLE_EVENTS].refuses = syslog_is_another = true;
    assert_int_equal(fiber_sleep(5 * USEC_SEC), 0);
    assert_slice(buf_slice(&told),
                 "warning: The log cannot go to the new syslog daemon: not these\n");
    end();
}

FIBER_TEST(a_clock_that_jumps_by_more_than_an_hour_is_told_once) {
    begin();
    fiber_scheduler->wall_offset += USEC_HOUR;
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    fiber_scheduler->wall_offset -= USEC_HOUR;
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(told.len, 0);
    fiber_scheduler->wall_offset += 3 * USEC_HOUR;
    assert_int_equal(fiber_sleep(USEC_DAY), 0);
    assert_slice(
        buf_slice(&told),
        "warning: The clock went ahead by 3 h 0 min at once: it was set, or the machine slept. For"
        " an hour nothing is removed for good since it is old. If the time is wrong, set it"
        " right (timedatectl)\n");
    buf_clear(&told);
    fiber_scheduler->wall_offset -= 2 * USEC_HOUR;
    assert_int_equal(fiber_sleep(USEC_DAY), 0);
    assert_slice(
        buf_slice(&told),
        "warning: The clock went back by 2 h 0 min at once: messages and events of before may"
        " have times that are still to come. If the time is wrong, set it right"
        " (timedatectl)\n");
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_renewed_certificate_reaches_keys_alone_and_once),
        cmocka_unit_test(test_a_certificate_that_is_refused_is_told_once),
        cmocka_unit_test(test_a_process_that_opens_what_it_owns_is_not_disturbed),
        cmocka_unit_test(test_another_syslog_daemon_reaches_the_event_log_alone),
        cmocka_unit_test(test_a_clock_that_jumps_by_more_than_an_hour_is_told_once),
    };
    return cmocka_run_group_tests_name("what changes by itself", tests, NULL, NULL);
}
