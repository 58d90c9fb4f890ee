/* SPDX-License-Identifier: ISC */
/*
 * Whether a secret is left in the memory of the process: on heap and stacks, freed or not. What a
 * client says is a string constant, which nobody can write to and which is not looked at, and goes
 * from there into the buffer of the stream: there are no other copies than those under test.
 */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "io/stream.h"
#include "unit.h"

#define SECRET      "himitsu-7041"
#define SECRET_TAIL "su-7041" /* what is left of it may be less than all */

/* "\0tama\0himitsu-7041" in Base64 */
#define SECRET_PLAIN      "AHRhbWEAaGltaXRzdS03MDQx"
#define SECRET_PLAIN_TAIL "dS03MDQx"

#define SECRET_CHUNK  65536U
#define SECRET_REGION (256UL << 20) /* larger ones are a sanitizer's notes */

static size_t secret_count_in(char *chunk, uintptr_t from, uintptr_t to, const char *secret) {
    size_t count = 0, len = strlen(secret);
    for (uintptr_t at = from; at + len <= to; at += SECRET_CHUNK - len) {
        struct iovec here = {chunk, SECRET_CHUNK},
                     there = {(void *)at, MIN((size_t)(to - at), (size_t)SECRET_CHUNK)};
        ssize_t got = process_vm_readv(getpid(), &here, 1, &there, 1, 0);
        const char *rest = chunk, *found;
        while (got > 0 && (found = memmem(rest, (size_t)(chunk + got - rest), secret, len))) {
            count++;
            rest = found + 1;
        }
    }
    return count;
}

/* How often it stands in memory that can be written; some may be counted twice. */
static inline size_t secret_count(const char *secret) {
    char line[512];
    size_t count = 0;
    /* shared, so that it is told from the rest */
    char *chunk =
        mmap(NULL, SECRET_CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_true(chunk != MAP_FAILED && maps);
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        char rights[8];
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3)
            continue;
        if (strcmp(rights, "rw-p") == 0 && to - from <= SECRET_REGION)
            count += secret_count_in(chunk, from, to, secret);
    }
    (void)fclose(maps);
    (void)munmap(chunk, SECRET_CHUNK);
    return count;
}

/* Nothing of it is left, as it is or in Base64. */
static inline void secret_is_gone(void) {
    assert_int_equal(secret_count(SECRET_TAIL), 0);
    assert_int_equal(secret_count(SECRET_PLAIN_TAIL), 0);
}

/*
 * For main(). The loader that binds a function at its first call leaves registers on the stack,
 * and a secret that was just moved in one of them: so everything is bound beforehand.
 */
static inline void secret_begin(char **argv) {
    if (getenv("LD_BIND_NOW"))
        return;
    (void)setenv("LD_BIND_NOW", "1", 1);
    (void)execv("/proc/self/exe", argv);
}

/* What lies below the stream of such a client. */
struct secret_client {
    const char *says;
    size_t at, piece;       /* so many bytes at a time */
    bool waits;             /* between them */
    void (*all_said)(void); /* called when more is waited for; may be NULL */
};

static ssize_t secret_read(void *below, void *to, size_t size) {
    struct secret_client *c = below;
    size_t len = MIN(MIN(size, c->piece), strlen(c->says) - c->at);
    c->waits = !c->waits;
    if (c->waits)
        return -EAGAIN;
    memcpy(to, c->says + c->at, len);
    c->at += len;
    return (ssize_t)len;
}

static ssize_t secret_write(void *below UNUSED, const void *bytes UNUSED, size_t len) {
    return (ssize_t)len;
}

static int secret_wait(void *below, usec_t deadline UNUSED) {
    const struct secret_client *c = below;
    if (c->all_said && c->at == strlen(c->says))
        c->all_said();
    return fiber_sleep(1);
}

static int secret_shutdown(void *below UNUSED) {
    return 0;
}

static void secret_close(void *below UNUSED) {
}

static int secret_fd(void *below UNUSED) {
    return -1;
}

static const struct stream_ops secret_ops = {
    .read = secret_read,
    .write = secret_write,
    .wait_read = secret_wait,
    .wait_write = secret_wait,
    .shutdown = secret_shutdown,
    .close = secret_close,
    .fd = secret_fd,
};
