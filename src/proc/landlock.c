/* SPDX-License-Identifier: ISC */
/*
 * The structs are written out here since the headers of Debian 12 know only the first versions of
 * the interface; the kernel takes the size that its version has.
 */
#include "proc/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#define FILE_RIGHTS_ABI1 ((UINT64_C(1) << 13) - 1)
#define FILE_REFER       (UINT64_C(1) << 13) /* ABI 2 */
#define FILE_TRUNCATE    (UINT64_C(1) << 14) /* ABI 3 */
#define FILE_IOCTL_DEV   (UINT64_C(1) << 15) /* ABI 5 */
#define NET_BIND_TCP     (UINT64_C(1) << 0)  /* ABI 4 */
#define NET_CONNECT_TCP  (UINT64_C(1) << 1)
#define SCOPE_ABSTRACT   (UINT64_C(1) << 0) /* ABI 6: abstract Unix sockets */
#define SCOPE_SIGNAL     (UINT64_C(1) << 1)

#define CREATE_VERSION    1U
#define RULE_PATH_BENEATH 1

struct ruleset {
    uint64_t files, net, scoped;
};

struct path_rule {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

static struct ruleset wanted(int abi, unsigned rights, size_t *ret_size) {
    struct ruleset r = {.files = FILE_RIGHTS_ABI1};
    *ret_size = abi >= 6   ? sizeof r
                : abi >= 4 ? offsetof(struct ruleset, scoped)
                           : offsetof(struct ruleset, net);
    if (abi >= 2)
        r.files |= FILE_REFER;
    if (abi >= 3)
        r.files |= FILE_TRUNCATE;
    if (abi >= 5)
        r.files |= FILE_IOCTL_DEV;
    if (abi >= 4 && !(rights & CONFINE_CONNECT))
        r.net = NET_BIND_TCP | NET_CONNECT_TCP;
    if (abi >= 6)
        r.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
    return r;
}

static int allow_working_directory(int ruleset, uint64_t files) {
    _cleanup_(close_p) int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (here < 0)
        return -errno;
    struct path_rule rule = {files, here};
    return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0 ? -errno : 0;
}

int landlock_install(unsigned rights, int *ret_abi, struct problem *problem) {
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
    *ret_abi = abi > 0 ? (int)abi : 0;
    if (abi <= 0)
        return 0;
    size_t size = 0;
    struct ruleset set = wanted((int)abi, rights, &size);
    _cleanup_(close_p) int fd = (int)syscall(SYS_landlock_create_ruleset, &set, size, 0);
    int r = fd < 0 ? -errno : 0;
    if (r == 0 && (rights & CONFINE_FILES))
        r = allow_working_directory(fd, set.files);
    if (r == 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
        r = -errno;
    return r < 0 ? problem_set(problem, r, "Landlock rules cannot be set: %s", error_text(r)) : 0;
}
