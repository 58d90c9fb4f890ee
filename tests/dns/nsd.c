/* SPDX-License-Identifier: ISC */
#include "dns/nsd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const places[] = {"/usr/sbin/nsd", "/usr/local/sbin/nsd"};
static const char *const files[] = {"zone", "nsd.conf", "nsd.log", "xfrd.state"};

static void file_path(const struct nsd *n, const char *name, char path[static 96]) {
    (void)snprintf(path, 96, "%s/%s", n->folder, name);
}

static int write_file(const struct nsd *n, const char *name, const char *text) {
    char path[96];
    file_path(n, name, path);
    FILE *file = fopen(path, "w");
    if (!file)
        return -errno;
    (void)fputs(text, file);
    return fclose(file) == 0 ? 0 : -errno;
}

static int free_port(struct net_addr *ret) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || net_parse(S("127.0.0.1"), 0, ret) < 0)
        return -EIO;
    int r = bind(fd, &ret->any, sizeof ret->in) < 0 ? -errno : net_local(fd, ret);
    (void)close(fd);
    return r;
}

static int write_settings(const struct nsd *n, const char *zone_name) {
    char text[1200];
    (void)snprintf(text, sizeof text,
                   "server:\n"
                   "  ip-address: 127.0.0.1\n"
                   "  port: %u\n"
                   "  username: \"\"\n"
                   "  server-count: 1\n"
                   "  zonesdir: \"%s\"\n"
                   "  pidfile: \"\"\n"
                   "  logfile: \"%s/nsd.log\"\n"
                   "  zonelistfile: \"%s/zone.list\"\n"
                   "  xfrdfile: \"%s/xfrd.state\"\n"
                   "  xfrdir: \"%s\"\n"
                   "  database: \"\"\n"
                   "  rrl-ratelimit: 0\n"
                   "remote-control:\n"
                   "  control-enable: no\n"
                   "zone:\n"
                   "  name: %s\n"
                   "  zonefile: zone\n",
                   net_port(&n->addr), n->folder, n->folder, n->folder, n->folder, n->folder,
                   zone_name);
    return write_file(n, "nsd.conf", text);
}

/* Asks for the root's SOA until anything at all comes back, or the server has given up. */
static int wait_for_answer(struct nsd *n) {
    static const char question[] = "\x12\x34\0\0\0\1\0\0\0\0\0\0\0\0\6\0\1";
    struct fiber_fd fd;
    int r = fiber_fd_init(&fd, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (r == 0 && connect(fd.fd, &n->addr.any, sizeof n->addr.in) < 0)
        r = -errno;
    for (int tries = 0; r == 0 && tries < 100; tries++) {
        char answer[512];
        (void)send(fd.fd, question, sizeof question - 1, 0);
        r = fiber_sleep(50 * USEC_MS);
        if (recv(fd.fd, answer, sizeof answer, MSG_DONTWAIT) > 0)
            break;
        if (waitpid(n->pid, NULL, WNOHANG) == n->pid) {
            n->pid = -1;
            r = -EADDRINUSE;
        } else if (tries == 99) {
            r = -ETIMEDOUT;
        }
    }
    fiber_fd_done(&fd);
    (void)close(fd.fd);
    return r;
}

/* It ends with the test, however the test ends, and keeps none of its descriptors. */
static int start_child(struct nsd *n, const char *program, const char *settings) {
    n->pid = fork();
    if (n->pid != 0)
        return n->pid < 0 ? -errno : 0;
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
        _exit(127);
    (void)execl(program, program, "-d", "-c", settings, (char *)NULL);
    _exit(127);
}

static void stop_child(struct nsd *n) {
    if (n->pid <= 0)
        return;
    (void)kill(n->pid, SIGTERM);
    (void)waitpid(n->pid, NULL, 0);
    n->pid = -1;
}

static int start_somewhere(struct nsd *n, const char *program, const char *zone_name,
                           const char *zone_text) {
    char settings[96];
    int r = free_port(&n->addr);
    if (r == 0)
        r = write_file(n, "zone", zone_text);
    if (r == 0)
        r = write_settings(n, zone_name);
    file_path(n, "nsd.conf", settings);
    if (r == 0)
        r = start_child(n, program, settings);
    return r < 0 ? r : wait_for_answer(n);
}

int nsd_start(struct nsd *n, const char *zone_name, const char *zone_text) {
    *n = (struct nsd){.pid = -1};
    const char *program = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(places) && !program; i++)
        program = access(places[i], X_OK) == 0 ? places[i] : NULL;
    if (!program)
        return -ENOENT;
    (void)snprintf(n->folder, sizeof n->folder, "/tmp/hayauma-nsd-XXXXXX");
    if (!mkdtemp(n->folder))
        return -errno;
    /* A port may be free for UDP and taken for TCP, or by the time the server binds it. */
    int r = -EADDRINUSE;
    for (int tries = 0; r < 0 && tries < 5; tries++) {
        stop_child(n);
        r = start_somewhere(n, program, zone_name, zone_text);
    }
    return r;
}

void nsd_stop(struct nsd *n) {
    stop_child(n);
    for (size_t i = 0; i < ARRAY_SIZE(files) && n->folder[0]; i++) {
        char path[96];
        file_path(n, files[i], path);
        (void)unlink(path);
    }
    if (n->folder[0])
        (void)rmdir(n->folder);
    n->folder[0] = 0;
}
