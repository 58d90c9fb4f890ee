/* SPDX-License-Identifier: ISC */
#include "role/change_page.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

#define PAGE 4096U

int change_page_make(const char *name, struct change_page *ret) {
    static const char zeros[PAGE];
    *ret = (struct change_page){.fd = -1};
    _cleanup_(close_p) int file =
        open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return -errno;
    /* Written, not only lengthened: a page for which the disk has no room would be a trap. */
    ssize_t n = pwrite(file, zeros, sizeof zeros, 0);
    int r = n == (ssize_t)sizeof zeros ? 0 : n < 0 ? -errno : -ENOSPC;
    _cleanup_(close_p) int reading = r < 0 ? -1 : open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (r == 0 && reading < 0)
        r = -errno;
    (void)unlink(name);
    if (r < 0)
        return r;
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (page == MAP_FAILED)
        return -errno;
    *ret = (struct change_page){page, TAKE_FD(reading)};
    return 0;
}

void change_page_count(struct change_page *p) {
    if (p->counter)
        atomic_fetch_add(p->counter, 1);
}

void change_page_done(struct change_page *p) {
    if (p->counter)
        (void)munmap(p->counter, PAGE);
    close_p(&p->fd);
    p->counter = NULL;
}

int change_page_join(int fd, const _Atomic uint64_t **ret_counter) {
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size != PAGE)
        return -EINVAL;
    const void *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        return -errno;
    *ret_counter = page;
    return 0;
}

void change_page_leave(const _Atomic uint64_t *counter) {
    if (counter)
        (void)munmap((void *)(uintptr_t)counter, PAGE);
}
