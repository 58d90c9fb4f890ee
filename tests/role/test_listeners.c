/* SPDX-License-Identifier: ISC */
/*
 * The ports and control sockets of the master: what the settings name, what systemd passes, and
 * what an operator hears when one of them cannot be had.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "role/doors.h"
#include "role/master/listeners.h"

#define PASSED 3 /* sd_listen_fds(3): the first one */

static char directory[] = "/tmp/hayauma-listeners-XXXXXX";

static int make_directory(void **state) {
    char path[96];
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    (void)snprintf(path, sizeof path, "%s/run", directory);
    return mkdir(path, 0700);
}

static int remove_directory(void **state) {
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command); /* NOLINT(cert-env33-c,concurrency-mt-unsafe) */
}

static struct conf *settings(const char *listen) {
    struct problem problem = {0};
    struct conf *conf = conf_new();
    if (conf_set(conf, "listen", slice_of_str(listen), &problem) < 0)
        fail_msg("%s", problem.text);
    return conf;
}

/* An offset at which all ports are free. */
static unsigned bind_somewhere(struct conf *conf, struct listeners *l, struct problem *problem) {
    int r = -1;
    for (unsigned offset = 42000; offset < 60000; offset += 777) {
        conf->port_offset = offset;
        r = listeners_open_ports(l, conf, problem);
        if (r != -EADDRINUSE)
            break;
        listeners_close(l);
    }
    if (r < 0)
        fail_msg("%s", problem->text);
    return conf->port_offset;
}

static unsigned port_of(int fd) {
    struct net_addr at;
    assert_int_equal(net_local(fd, &at), 0);
    return net_port(&at);
}

static size_t ports_of_all_doors(void) {
    const struct door *door;
    size_t n = 0;
    while (doors_port(&all_doors, n, &door))
        n++;
    return n;
}

/* ------------------------------------------------------------------ ports */

static void test_each_service_has_its_port_plus_the_offset(void **state) {
    struct listeners listeners = {0}, again = {0};
    struct problem problem = {0};
    _cleanup_(conf_free_p) struct conf *conf = settings("127.0.0.1");
    (void)state;
    unsigned offset = bind_somewhere(conf, &listeners, &problem);
    assert_int_equal(listeners.count, ports_of_all_doors());
    for (size_t i = 0; i < listeners.count; i++) {
        const struct listener *l = &listeners.list[i];
        if (strcmp(l->service, "submission") == 0)
            assert_int_equal(port_of(l->fd), offset + 587);
        if (strcmp(l->service, "pop3s") == 0)
            assert_int_equal(port_of(l->fd), offset + 995);
    }
    assert_int_equal(listeners_open_ports(&again, conf, &problem), -EADDRINUSE);
    assert_non_null(strstr(problem.text, "another program uses this port"));
    listeners_close(&again);
    listeners_close(&listeners);
}

/* 192.0.2.0/24 (RFC 5737) is nobody's: whoever has mistyped an address must not wait for mail. */
static void test_an_address_that_this_host_does_not_have_is_named(void **state) {
    struct listeners listeners = {0};
    struct problem problem = {0};
    _cleanup_(conf_free_p) struct conf *conf = settings("127.0.0.1 192.0.2.99");
    (void)state;
    conf->port_offset = 41000;
    assert_int_equal(listeners_open_ports(&listeners, conf, &problem), -EADDRNOTAVAIL);
    assert_non_null(strstr(problem.text, "192.0.2.99"));
    assert_non_null(strstr(problem.text, "listen"));
    listeners_close(&listeners);
}

static void test_more_addresses_than_can_be_served_are_said_to_be_so(void **state) {
    char text[1024] = "";
    struct listeners listeners = {0};
    struct problem problem = {0};
    for (unsigned i = 1; i <= 60; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "127.0.1.%u ", i);
    _cleanup_(conf_free_p) struct conf *conf = settings(text);
    (void)state;
    conf->port_offset = 41000;
    assert_int_equal(listeners_open_ports(&listeners, conf, &problem), -E_LIMIT);
    assert_non_null(strstr(problem.text, "listen"));
    listeners_close(&listeners);
}

/* As many as the documents allow have room, and the control sockets beside them. */
static void test_sockets_of_the_command_line_have_room_beside_all_ports(void **state) {
    char text[1024] = "";
    struct listeners listeners = {0};
    struct problem problem = {0};
    for (unsigned i = 1; i <= LISTEN_ADDRESSES_MAX; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "127.0.1.%u ", i);
    _cleanup_(conf_free_p) struct conf *conf = settings(text);
    (void)state;
    (void)bind_somewhere(conf, &listeners, &problem);
    conf->workers.mail = 64;
    assert_int_equal(listeners_open_control(&listeners, conf, directory, &problem), 0);
    listeners_close(&listeners);
}

/* ------------------------------------------------------------------ sockets from systemd */

/* A socket at PASSED + n, as systemd passes it. */
static void pass_socket(int n, const char *address, uint16_t port) {
    struct net_addr at;
    int fd = -1;
    assert_int_equal(net_parse(slice_of_str(address), port, &at), 0);
    assert_int_equal(net_listen(&at, &fd), 0);
    assert_int_equal(dup2(fd, PASSED + n), PASSED + n);
    if (fd != PASSED + n)
        (void)close(fd);
}

static void announce(pid_t pid, const char *count) {
    char text[16];
    (void)snprintf(text, sizeof text, "%d", (int)pid);
    assert_int_equal(setenv("LISTEN_PID", text, 1), 0);
    assert_int_equal(setenv("LISTEN_FDS", count, 1), 0);
}

static void forget(void) {
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)close(PASSED);
    (void)close(PASSED + 1);
}

/* What the test itself has there stays. */
static int keep_descriptors(void **state) {
    (void)state;
    for (int fd = PASSED; fd <= PASSED + 1; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            continue;
        assert_true(fcntl(fd, F_DUPFD_CLOEXEC, 20) >= 20);
        (void)close(fd);
    }
    return 0;
}

static void test_a_socket_that_systemd_passes_is_taken_for_its_port(void **state) {
    struct listeners listeners = {0};
    struct problem problem = {0};
    _cleanup_(conf_free_p) struct conf *conf = settings("127.0.0.1");
    (void)state;
    unsigned offset = bind_somewhere(conf, &listeners, &problem);
    listeners_close(&listeners);
    (void)keep_descriptors(NULL);
    pass_socket(0, "127.0.0.1", (uint16_t)(offset + 110));
    announce(getpid(), "1");
    assert_int_equal(listeners_open_ports(&listeners, conf, &problem), 0);
    assert_int_equal(listeners.count, ports_of_all_doors());
    for (size_t i = 0; i < listeners.count; i++)
        assert_int_equal(listeners.list[i].fd == PASSED,
                         strcmp(listeners.list[i].service, "pop3") == 0);
    listeners_close(&listeners);
    forget();
}

/* It would take connections that nobody answers. */
static void test_a_passed_socket_that_the_settings_do_not_name_is_refused(void **state) {
    struct listeners listeners = {0};
    struct problem problem = {0};
    _cleanup_(conf_free_p) struct conf *conf = settings("127.0.0.1");
    (void)state;
    (void)bind_somewhere(conf, &listeners, &problem);
    listeners_close(&listeners);
    (void)keep_descriptors(NULL);
    pass_socket(0, "127.0.0.2", 0);
    announce(getpid(), "1");
    assert_int_equal(listeners_open_ports(&listeners, conf, &problem), -E_REFUSED);
    assert_non_null(strstr(problem.text, "127.0.0.2"));
    assert_int_equal(listeners.count, 0);
    announce(getpid(), "2"); /* the second is no socket at all */
    assert_int_equal(listeners_open_ports(&listeners, conf, &problem), -E_REFUSED);
    forget();
}

static void test_sockets_meant_for_another_process_are_left_alone(void **state) {
    static const char *const counts[] = {"1", "-1", "x", "", "99999999999999999999"};
    struct problem problem = {0};
    _cleanup_(conf_free_p) struct conf *conf = settings("127.0.0.1");
    struct listeners listeners = {0};
    (void)state;
    (void)bind_somewhere(conf, &listeners, &problem);
    listeners_close(&listeners);
    (void)keep_descriptors(NULL);
    pass_socket(0, "127.0.0.2", 0);
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        announce(i == 0 ? getppid() : getpid(), counts[i]);
        if (listeners_open_ports(&listeners, conf, &problem) < 0)
            fail_msg("\"%s\": %s", counts[i], problem.text);
        for (size_t k = 0; k < listeners.count; k++)
            assert_int_not_equal(listeners.list[k].fd, PASSED);
        listeners_close(&listeners);
    }
    forget();
}

/* ------------------------------------------------------------------ control sockets */

static void test_roles_that_answer_the_command_line_have_a_socket(void **state) {
    char path[96];
    struct stat st;
    struct listeners listeners = {0};
    struct problem problem = {0};
    static const char *const names[] = {"queue", "mail-0", "mail-1", "mail-2"};
    _cleanup_(conf_free_p) struct conf *conf = settings("127.0.0.1");
    (void)state;
    conf->workers.mail = 3;
    for (int i = 0; i < 2; i++) { /* the second finds those of a server that was killed */
        assert_int_equal(listeners_open_control(&listeners, conf, directory, &problem), 0);
        for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
            (void)snprintf(path, sizeof path, "%s/run/%s.sock", directory, names[n]);
            assert_int_equal(stat(path, &st), 0);
            assert_int_equal(st.st_mode & 07777, 0600);
        }
        for (size_t n = 0; n < listeners.count; n++)
            if (listeners.list[n].role == ROLE_MAIL)
                assert_true(listeners.list[n].worker >= 0 && listeners.list[n].worker < 3);
        listeners_close(&listeners);
    }
}

static void test_a_control_socket_that_cannot_be_made_is_named(void **state) {
    char path[200];
    struct listeners listeners = {0};
    struct problem problem = {0};
    _cleanup_(conf_free_p) struct conf *conf = settings("127.0.0.1");
    (void)state;
    (void)snprintf(path, sizeof path, "%s/nowhere", directory);
    assert_int_equal(listeners_open_control(&listeners, conf, path, &problem), -ENOENT);
    assert_non_null(strstr(problem.text, "/nowhere/run/"));
    memset(path, 'a', 120);
    path[0] = '/';
    path[120] = '\0';
    assert_int_equal(listeners_open_control(&listeners, conf, path, &problem), -ENAMETOOLONG);
    assert_non_null(strstr(problem.text, "107 bytes"));
    listeners_close(&listeners);
}

/* Whether somebody answers there. */
static int call(const struct net_addr *at) {
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int r = connect(client, &at->any, sizeof at->in);
    (void)close(client);
    return r;
}

/* An edge can shut down a socket that it shares with all others. */
static void test_a_socket_that_was_shut_down_listens_again(void **state) {
    struct net_addr at;
    struct listener l = {.service = "smtp", .fd = -1};
    (void)state;
    assert_int_equal(net_parse(S("127.0.0.1"), 0, &at), 0);
    assert_int_equal(net_listen(&at, &l.fd), 0);
    assert_int_equal(net_local(l.fd, &at), 0);
    (void)close(l.fd); /* a port of the kernel's choice would be another one after shutdown() */
    assert_int_equal(net_listen(&at, &l.fd), 0);
    assert_int_equal(shutdown(l.fd, SHUT_RD), 0);
    assert_true(call(&at) < 0);
    assert_int_equal(listeners_revive(&l), 0);
    assert_int_equal(call(&at), 0);
    (void)close(l.fd);
    l.fd = STDIN_FILENO;
    assert_true(listeners_revive(&l) < 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_service_has_its_port_plus_the_offset),
        cmocka_unit_test(test_an_address_that_this_host_does_not_have_is_named),
        cmocka_unit_test(test_more_addresses_than_can_be_served_are_said_to_be_so),
        cmocka_unit_test(test_sockets_of_the_command_line_have_room_beside_all_ports),
        cmocka_unit_test(test_a_socket_that_systemd_passes_is_taken_for_its_port),
        cmocka_unit_test(test_a_passed_socket_that_the_settings_do_not_name_is_refused),
        cmocka_unit_test(test_sockets_meant_for_another_process_are_left_alone),
        cmocka_unit_test(test_roles_that_answer_the_command_line_have_a_socket),
        cmocka_unit_test(test_a_control_socket_that_cannot_be_made_is_named),
        cmocka_unit_test(test_a_socket_that_was_shut_down_listens_again),
    };
    return cmocka_run_group_tests_name("listeners", tests, make_directory, remove_directory);
}
