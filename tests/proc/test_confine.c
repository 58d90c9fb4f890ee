/* SPDX-License-Identifier: ISC */
/*
 * What a confined process cannot do, for the rights that the roles have. For each attempt a child
 * confines itself as a role would and then tries; it must get an error or be ended by the system
 * call filter. That a role can do what it has to is tried in the same way, so that an attempt that
 * fails for another reason is noticed. As root the roles have users and roots of their own; without
 * root the rest must hold all the same.
 */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/confine.h"

#define DONE     0
#define FILTERED (128 + SIGSYS) /* ended by the filter's handler */
#define NO_START 250            /* the child could not confine itself */

#define UID_EDGE  61840U
#define UID_VAULT 61841U
#define UID_MAIL  61842U

struct role {
    const char *name;
    const char *directory; /* below the state directory */
    unsigned rights;
    uid_t uid;
};

static const struct role edge = {"edge", "run/empty", 0, UID_EDGE};
static const struct role relay = {"relay", "run/empty", CONFINE_CONNECT, UID_EDGE};
static const struct role mail = {"mail", "accounts", CONFINE_FILES, UID_MAIL};
static const struct role keys = {"keys", "keys", CONFINE_FILES, UID_VAULT};
static const struct role *const roles[] = {&edge, &relay, &mail, &keys};

/* A server, as far as its files, a listening port and another process of the role's user. */
static struct world {
    char state[64];
    char key[128], message[128];
    int listener;
    struct sockaddr_in port;
    char socket_path[96];
    pid_t victim; /* of the role whose turn it is */
    int given;    /* a listening socket for the one whose turn it is, shared with the parent */
} world;

static bool is_root(void) {
    return geteuid() == 0;
}

/* ------------------------------------------------------------------ the surroundings */

static void make_folder(const char *name, mode_t mode, uid_t owner) {
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", world.state, name);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(chmod(path, mode), 0);
    if (is_root())
        assert_int_equal(chown(path, owner, owner), 0);
}

static void make_file(const char *path, uid_t owner) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "secret\n", 7), 7);
    if (is_root())
        assert_int_equal(fchown(fd, owner, owner), 0);
    (void)close(fd);
}

static int listen_on_any_port(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 64), 0);
    return fd;
}

static void listen_somewhere(void) {
    socklen_t len = sizeof world.port;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    world.listener = listen_on_any_port();
    assert_int_equal(getsockname(world.listener, (struct sockaddr *)&world.port, &len), 0);
    (void)snprintf(world.socket_path, sizeof world.socket_path, "%s/run/control.sock", world.state);
    (void)snprintf(un.sun_path, sizeof un.sun_path, "%s", world.socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(chmod(world.socket_path, 0777), 0);
}

static int make_world(void **state) {
    (void)state;
    (void)snprintf(world.state, sizeof world.state, "/tmp/hyconfine.XXXXXX");
    assert_non_null(mkdtemp(world.state));
    assert_int_equal(chmod(world.state, 0755), 0);
    make_folder("run", 0755, 0);
    make_folder("run/empty", 0555, 0);
    make_folder("keys", 0700, UID_VAULT);
    make_folder("accounts", 0700, UID_MAIL);
    (void)snprintf(world.key, sizeof world.key, "%s/keys/default.key", world.state);
    (void)snprintf(world.message, sizeof world.message, "%s/accounts/message", world.state);
    make_file(world.key, UID_VAULT);
    make_file(world.message, UID_MAIL);
    listen_somewhere();
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int remove_world(void **state) {
    (void)state;
    (void)close(world.listener);
    return nftw(world.state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A process of the same user that lets itself be traced, for attempts on its life. */
static pid_t start_victim(const struct role *role) {
    pid_t pid = fork();
    if (pid == 0) {
        if (is_root() && (setresgid(role->uid, role->uid, role->uid) < 0 ||
                          setresuid(role->uid, role->uid, role->uid) < 0))
            _exit(1);
        (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
        for (;;)
            (void)pause();
    }
    return pid;
}

static void confine_as(const struct role *role) {
    char directory[160], summary[CONFINE_SUMMARY];
    struct problem problem = {0};
    struct confine c = {directory, is_root(), role->uid, role->uid, role->rights};
    (void)snprintf(directory, sizeof directory, "%s/%s", world.state, role->directory);
    int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC), loud = dup(STDERR_FILENO);
    (void)dup2(quiet, STDERR_FILENO); /* the filter's handler says what it ends */
    if (confine_process(&c, summary, &problem) < 0) {
        (void)dprintf(loud, "%s: %s\n", role->name, problem.text);
        _exit(NO_START);
    }
}

/* ------------------------------------------------------------------ attempts: 0 or an errno */

typedef int attempt_fn(void);

static int try_to_read(const char *path) {
    char byte;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    return read(fd, &byte, 1) == 1 ? DONE : errno;
}

static int read_key(void) {
    return try_to_read(world.key);
}

static int read_message(void) {
    return try_to_read(world.message);
}

static int climb_to_key(void) {
    int r = try_to_read("../keys/default.key");
    return r == DONE ? r : try_to_read("../../keys/default.key");
}

static int climb_to_message(void) {
    int r = try_to_read("../accounts/message");
    return r == DONE ? r : try_to_read("../../accounts/message");
}

static int read_passwd(void) {
    return try_to_read("/etc/passwd");
}

static int read_own_memory(void) {
    return try_to_read("/proc/self/mem");
}

static int read_own_key(void) {
    return try_to_read("default.key");
}

static int read_own_message(void) {
    return try_to_read("message");
}

static int try_to_create(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return fd < 0 ? errno : DONE;
}

static int create_here(void) {
    return try_to_create("new");
}

static int create_in_tmp(void) {
    return try_to_create("/tmp/hyconfine-made");
}

static int change_mode(void) {
    return fchmodat(AT_FDCWD, "message", 0666, 0) == 0 ? DONE : errno;
}

static int cut_by_name(void) {
    return truncate("message", 1) == 0 ? DONE : errno;
}

static int list_here(void) {
    char names[1024];
    int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && syscall(SYS_getdents64, fd, names, sizeof names) > 0 ? DONE : errno;
}

static int make_device(void) {
    return mknod("device", S_IFCHR | 0600, 0) == 0 ? DONE : errno;
}

static int connect_tcp(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    return connect(fd, (struct sockaddr *)&world.port, sizeof world.port) == 0 ? DONE : errno;
}

static int send_udp(void) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    return sendto(fd, "x", 1, 0, (struct sockaddr *)&world.port, sizeof world.port) == 1 ? DONE
                                                                                         : errno;
}

/* A listening socket that is shut down may become one that connects. */
static int connect_given_socket(void) {
    if (shutdown(world.given, SHUT_RD) < 0)
        return errno;
    ssize_t n = sendto(world.given, "x", 1, MSG_FASTOPEN | MSG_DONTWAIT,
                       (struct sockaddr *)&world.port, sizeof world.port);
    return n == 1 || errno == EINPROGRESS ? DONE : errno;
}

static int accept_and_send(void) {
    int fd = accept4(world.given, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0 || errno != EAGAIN)
        return fd >= 0 ? DONE : errno;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return errno;
    if (fcntl(ends[0], F_SETFL, fcntl(ends[0], F_GETFL) | O_NONBLOCK) < 0)
        return errno;
    return send(ends[0], "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ? DONE : errno;
}

static int make_given_socket_block(void) {
    return fcntl(world.given, F_SETFL, 0) == 0 ? DONE : errno;
}

static int filter_given_socket(void) {
    int on = 1;
    return setsockopt(world.given, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on) == 0 ? DONE : errno;
}

static int datagram_pair(void) {
    int ends[2];
    return socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0 ? DONE : errno;
}

static int multipath_socket(void) {
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 262 /* IPPROTO_MPTCP */) >= 0 ? DONE : errno;
}

static int connect_control_socket(void) {
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    (void)snprintf(un.sun_path, sizeof un.sun_path, "%s", world.socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    return connect(fd, (struct sockaddr *)&un, sizeof un) == 0 ? DONE : errno;
}

static int raw_socket(void) {
    return socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0) >= 0 ? DONE : errno;
}

static int trace_victim(void) {
    return ptrace(PTRACE_ATTACH, world.victim, NULL, NULL) == 0 ? DONE : errno;
}

static int read_victim(void) {
    char byte;
    struct iovec to = {&byte, 1}, from = {(void *)&world, 1};
    return process_vm_readv(world.victim, &to, 1, &from, 1, 0) == 1 ? DONE : errno;
}

static int kill_victim(void) {
    return kill(world.victim, SIGKILL) == 0 ? DONE : errno;
}

/* The kernel sends the signal when there is input. */
static int have_victim_signalled(void) {
    return fcntl(world.given, F_SETOWN, world.victim) == 0 ? DONE : errno;
}

static int choose_signal(void) {
    return fcntl(world.given, F_SETSIG, SIGKILL) == 0 ? DONE : errno;
}

static int limit_victim(void) {
    const struct rlimit none = {0, 0};
    return prlimit(world.victim, RLIMIT_NOFILE, &none, NULL) == 0 ? DONE : errno;
}

static int slow_itself(void) {
    errno = 0;
    return nice(1) >= 0 || errno == 0 ? DONE : errno;
}

static int slow_victim(void) {
    return setpriority(PRIO_PROCESS, (id_t)world.victim, 19) == 0 ? DONE : errno;
}

static int slow_all_of_the_user(void) {
    return setpriority(PRIO_USER, 0, 19) == 0 ? DONE : errno;
}

static int kill_parent(void) {
    return kill(getppid(), 0) == 0 ? DONE : errno;
}

static int start_shell(void) {
    char *argv[] = {"sh", "-c", "exit 0", NULL};
    (void)execv("/bin/sh", argv);
    return errno;
}

static int fork_process(void) {
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid > 0 ? DONE : errno;
}

static int become_root(void) {
    return setuid(0) == 0 && geteuid() == 0 ? DONE : EPERM;
}

static int leave_root(void) {
    return chroot("..") == 0 ? DONE : errno;
}

static int mount_something(void) {
    return mount("none", "/", "tmpfs", 0, NULL) == 0 ? DONE : errno;
}

static int new_namespace(void) {
    return syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */) == 0 ? DONE : errno;
}

static int make_code(void) {
    void *code =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return code != MAP_FAILED ? DONE : errno;
}

static int turn_data_to_code(void) {
    void *data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED)
        _exit(NO_START);
    return mprotect(data, 4096, PROT_READ | PROT_EXEC) == 0 ? DONE : errno;
}

static int dump_core(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) < 0 || limit.rlim_max != 0)
        return DONE;
    return EPERM;
}

/* ------------------------------------------------------------------ running them */

static int outcome_of(const struct role *role, attempt_fn *attempt) {
    int status = 0;
    world.victim = start_victim(role);
    world.given = listen_on_any_port();
    pid_t pid = fork();
    if (pid == 0) {
        confine_as(role);
        _exit(attempt());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(world.given);
    int victim = waitpid(world.victim, NULL, WNOHANG);
    (void)kill(world.victim, SIGKILL);
    if (victim == 0)
        (void)waitpid(world.victim, NULL, 0);
    if (victim != 0)
        return DONE; /* it was ended, whatever the child says */
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void assert_cannot(const struct role *role, const char *what, attempt_fn *attempt) {
    int r = outcome_of(role, attempt);
    if (r == DONE || r == NO_START)
        fail_msg("%s can %s", r == DONE ? role->name : "not confined: nobody", what);
}

static void assert_can(const struct role *role, const char *what, attempt_fn *attempt) {
    int r = outcome_of(role, attempt);
    if (r != DONE)
        fail_msg("%s cannot %s: %s", role->name, what,
                 r == FILTERED ? "ended by the filter" : strerror(r));
}

#define CANNOT(role, attempt) assert_cannot(&(role), #attempt, attempt)
#define CAN(role, attempt)    assert_can(&(role), #attempt, attempt)

static void test_edge_opens_no_file(void **state) {
    (void)state;
    CANNOT(edge, read_key);
    CANNOT(edge, read_message);
    CANNOT(edge, climb_to_key);
    CANNOT(edge, climb_to_message);
    CANNOT(edge, read_passwd);
    CANNOT(edge, create_here);
    CANNOT(edge, create_in_tmp);
    CANNOT(edge, list_here);
}

static void test_edge_connects_to_nobody(void **state) {
    (void)state;
    CANNOT(edge, connect_tcp);
    CANNOT(edge, send_udp);
    CANNOT(edge, connect_control_socket);
    CANNOT(edge, connect_given_socket);
    CAN(relay, connect_given_socket); /* so that is how it is done */
}

/* Ports are served by several processes: none of them can close them for the others. */
static void test_edge_leaves_given_sockets_as_they_are(void **state) {
    (void)state;
    CAN(edge, accept_and_send);
    CANNOT(edge, make_given_socket_block);
    CANNOT(edge, filter_given_socket);
}

static void test_mail_reads_messages_and_no_keys(void **state) {
    (void)state;
    CAN(mail, read_own_message);
    CAN(mail, create_here);
    CANNOT(mail, change_mode); /* Landlock does not know of these, */
    CANNOT(mail, cut_by_name); /* or not on every kernel */
    CANNOT(mail, read_key);
    CANNOT(mail, climb_to_key);
    CANNOT(mail, read_passwd);
    CANNOT(mail, create_in_tmp);
    CANNOT(mail, connect_tcp);
    CANNOT(mail, connect_control_socket);
}

static void test_relay_connects_and_reads_no_mailbox(void **state) {
    (void)state;
    CAN(relay, connect_tcp);
    CANNOT(relay, read_message);
    CANNOT(relay, climb_to_message);
    CANNOT(relay, read_key);
    CANNOT(relay, read_passwd);
    CANNOT(relay, create_in_tmp);
    CANNOT(relay, list_here);
    CANNOT(relay, connect_control_socket);
}

static void test_keys_reads_keys_and_no_messages(void **state) {
    (void)state;
    CAN(keys, read_own_key);
    CANNOT(keys, read_message);
    CANNOT(keys, climb_to_message);
    CANNOT(keys, connect_tcp);
    CANNOT(keys, connect_control_socket);
}

static void test_nobody_touches_other_processes(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
        CANNOT(*roles[i], trace_victim);
        CANNOT(*roles[i], read_victim);
        CANNOT(*roles[i], kill_victim);
        CANNOT(*roles[i], have_victim_signalled);
        CANNOT(*roles[i], choose_signal);
        CANNOT(*roles[i], limit_victim);
        CANNOT(*roles[i], slow_victim);
        CANNOT(*roles[i], slow_all_of_the_user);
        CAN(*roles[i], slow_itself);
        CANNOT(*roles[i], kill_parent);
        CANNOT(*roles[i], read_own_memory);
    }
}

static void test_nobody_starts_programs_or_gains_rights(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
        CANNOT(*roles[i], start_shell);
        CANNOT(*roles[i], fork_process);
        CANNOT(*roles[i], become_root);
        CANNOT(*roles[i], leave_root);
        CANNOT(*roles[i], mount_something);
        CANNOT(*roles[i], new_namespace);
        CANNOT(*roles[i], raw_socket);
        CANNOT(*roles[i], datagram_pair);
        CANNOT(*roles[i], multipath_socket);
        CANNOT(*roles[i], make_device);
        CANNOT(*roles[i], make_code);
        CANNOT(*roles[i], turn_data_to_code);
        CANNOT(*roles[i], dump_core);
    }
}

/* What the kernel says of a confined process. */
static void read_status(const struct role *role, char *text, size_t size) {
    char path[64], byte;
    int ready[2], done[2];
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(done), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(done[1]);
        confine_as(role);
        ssize_t n = write(ready[1], "", 1);
        _exit(n == 1 && read(done[0], &byte, 1) == 0 ? 0 : 1);
    }
    (void)close(ready[1]);
    (void)close(done[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t n = read(fd, text, size - 1);
    text[n > 0 ? n : 0] = '\0';
    (void)close(fd);
    (void)close(done[1]);
    (void)close(ready[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_the_kernel_says_so(void **state) {
    static char text[8192];
    char uid[64];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
        read_status(roles[i], text, sizeof text);
        assert_non_null(strstr(text, "\nNoNewPrivs:\t1\n"));
        assert_non_null(strstr(text, "\nSeccomp:\t2\n"));
        if (!is_root())
            continue;
        (void)snprintf(uid, sizeof uid, "\nUid:\t%u\t%u\t%u\t%u\n", roles[i]->uid, roles[i]->uid,
                       roles[i]->uid, roles[i]->uid);
        assert_non_null(strstr(text, uid));
        assert_non_null(strstr(text, "\nGroups:\t \n"));
        assert_non_null(strstr(text, "\nCapEff:\t0000000000000000\n"));
        assert_non_null(strstr(text, "\nCapPrm:\t0000000000000000\n"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edge_opens_no_file),
        cmocka_unit_test(test_edge_connects_to_nobody),
        cmocka_unit_test(test_edge_leaves_given_sockets_as_they_are),
        cmocka_unit_test(test_mail_reads_messages_and_no_keys),
        cmocka_unit_test(test_relay_connects_and_reads_no_mailbox),
        cmocka_unit_test(test_keys_reads_keys_and_no_messages),
        cmocka_unit_test(test_nobody_touches_other_processes),
        cmocka_unit_test(test_nobody_starts_programs_or_gains_rights),
        cmocka_unit_test(test_the_kernel_says_so),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
