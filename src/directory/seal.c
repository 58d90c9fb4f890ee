/* SPDX-License-Identifier: ISC */
/*
 * Sealed form: one byte of version, 24 bytes of nonce (random: at this length they never meet
 * again), the ciphertext with its tag. The key file holds the 32 bytes of the key and nothing else;
 * it is made whole under another name and then linked, so a crash leaves no half key.
 */
#include "directory/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sodium.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/random.h"
#include "base/words.h"

#define VERSION   1
#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN   crypto_aead_xchacha20poly1305_ietf_ABYTES
#define HEAD_LEN  (1U + NONCE_LEN)

static int sync_folder(const char *path) {
    char *copy = mem_str(slice_of_str(path));
    _cleanup_(close_p) int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    return fd >= 0 && fsync(fd) == 0 ? 0 : -errno;
}

static int write_key(const char *path, const char *half, const struct seal_key *key) {
    _cleanup_(close_p) int fd = open(half, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    ssize_t n = write(fd, key->bytes, sizeof key->bytes);
    if (n != (ssize_t)sizeof key->bytes)
        return n < 0 ? -errno : -EIO;
    if (fsync(fd) < 0 || rename(half, path) < 0)
        return -errno;
    return sync_folder(path);
}

static int make_key(const char *path, struct seal_key *ret, struct problem *problem) {
    struct seal_key key = {.present = true};
    _cleanup_(free_p) char *half = mem_printf("%s.new", path);
    random_bytes(key.bytes, sizeof key.bytes);
    int r = write_key(path, half, &key);
    if (r == 0)
        *ret = key;
    else
        (void)unlink(half);
    seal_key_wipe(&key);
    return r == 0 ? 0
                  : problem_set(problem, r, N_("the key file %s cannot be made: %s"), path,
                                error_text(r));
}

int seal_key_load(const char *path, bool make, struct seal_key *ret, struct problem *problem) {
    _cleanup_(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        if (make)
            return make_key(path, ret, problem);
        *ret = (struct seal_key){0};
        return 0;
    }
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return problem_set(problem, -errno, N_("the key file %s cannot be read: %s"), path,
                           error_text(errno));
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return problem_set(problem, -EPERM,
                           N_("the key file %s may be read by others (mode %03o); it must be 600"),
                           path, (unsigned)st.st_mode & 0777);
    struct seal_key key = {.present = true};
    if (st.st_size != (off_t)sizeof key.bytes ||
        read(fd, key.bytes, sizeof key.bytes) != (ssize_t)sizeof key.bytes)
        return problem_set(
            problem, -E_CORRUPT,
            N_("the key file %s has %lld bytes, %zu were expected; restore it from a "
               "backup"),
            path, (long long)st.st_size, sizeof key.bytes);
    *ret = key;
    seal_key_wipe(&key);
    return 0;
}

void seal_key_wipe(struct seal_key *key) {
    mem_wipe(key, sizeof *key);
}

struct slice seal_close(const struct seal_key *key, uint64_t account_id, struct slice secret,
                        struct arena *a) {
    unsigned char account[8];
    unsigned char *sealed = arena_alloc(a, HEAD_LEN + secret.len + TAG_LEN);
    put_u64(account, account_id);
    sealed[0] = VERSION;
    random_bytes(sealed + 1, NONCE_LEN);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
        sealed + HEAD_LEN, NULL, (const unsigned char *)secret.ptr, secret.len, account,
        sizeof account, NULL, sealed + 1, key->bytes);
    return slice_of(sealed, HEAD_LEN + secret.len + TAG_LEN);
}

int seal_open(const struct seal_key *key, uint64_t account_id, struct slice sealed, struct arena *a,
              struct slice *ret) {
    unsigned char account[8];
    if (sealed.len < HEAD_LEN + TAG_LEN || sealed.ptr[0] != VERSION)
        return -E_CORRUPT;
    const unsigned char *bytes = (const unsigned char *)sealed.ptr;
    size_t len = sealed.len - HEAD_LEN - TAG_LEN;
    unsigned char *secret = arena_alloc(a, len + 1);
    put_u64(account, account_id);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(secret, NULL, NULL, bytes + HEAD_LEN,
                                                   sealed.len - HEAD_LEN, account, sizeof account,
                                                   bytes + 1, key->bytes) != 0)
        return -E_CORRUPT;
    *ret = slice_of(secret, len);
    return 0;
}
