/* SPDX-License-Identifier: ISC */
/*
 * What is made is durable before it counts: a file is written under another name, synced, named,
 * and its folder synced. A power cut leaves a half-written file of the other name, which the next
 * one of that name replaces, or a key without a line in `state`, which waits as one that was just
 * made. Whoever was killed between a name and its sync has written no such line: it is written, and
 * what stands above it synced, by the next keyring_keep().
 */
#include "sender/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "base/encode.h"
#include "base/words.h"
#include "base/write.h"
#include "message/address/domain.h"

#define FOLDER   (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define FILE_MAX 16384U /* bytes of one of these files */
#define RSA_BITS 2048U
#define HALF     "new"
#define STATE    "state"
#define ENDING   ".key"
#define SAME_DAY 100U /* keys of a kind that may be made on a day */

static const enum dkim_algorithm kinds[] = {DKIM_RSA_SHA256, DKIM_ED25519_SHA256};

/* ------------------------------------------------------------------ files */

static int failed(struct problem *problem, int error, struct slice domain, const char *name) {
    return problem_set(problem, error, N_("the DKIM keys of %.*s (%s): %s"), SLICE_ARG(domain),
                       name, error_text(error));
}

/* -ENOENT: there is no such folder, and none is made. */
static int open_folder(int folder, struct slice domain, bool make, struct problem *problem) {
    char name[DOMAIN_MAX + 1];
    if (domain_check(domain, 0, NULL) < 0 || slice_to_str(domain, name, sizeof name) < 0)
        return problem_set(problem, -E_SYNTAX, N_("\"%.*s\" is no domain"), SLICE_ARG(domain));
    if (make && mkdirat(folder, name, 0700) < 0 && errno != EEXIST)
        return failed(problem, -errno, domain, name);
    int fd = openat(folder, name, FOLDER);
    return fd < 0 && errno != ENOENT ? failed(problem, -errno, domain, name)
           : fd < 0                  ? -ENOENT
                                     : fd;
}

static int read_file(int folder, const char *name, struct buf *to) {
    struct stat st;
    _cleanup_(close_p) int fd =
        openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
        return -E_CORRUPT;
    buf_reserve(to, FILE_MAX);
    ssize_t n = read(fd, to->ptr, FILE_MAX);
    if (n < 0)
        return -errno;
    to->len = (size_t)n;
    return 0;
}

static int write_file(int folder, const char *name, struct slice bytes) {
    (void)unlinkat(folder, HALF, 0);
    _cleanup_(close_p) int fd =
        openat(folder, HALF, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int r = fd < 0 ? -errno : write_whole(fd, bytes);
    if (r == 0 && (fsync(fd) < 0 || renameat(folder, HALF, folder, name) < 0 || fsync(folder) < 0))
        r = -errno;
    return r;
}

/* ------------------------------------------------------------------ keys */

static void key_done(struct keyring_key *k) {
    EVP_PKEY_free(k->key);
    free(k->record);
}

void keyring_domain_free(struct keyring_domain *d) {
    if (!d)
        return;
    for (size_t i = 0; i < d->count; i++)
        key_done(&d->list[i]);
    free(d);
}
DEFINE_CLEANUP(struct keyring_domain, keyring_domain_free)

/* Its kind, and what DNS has to say of it. False: it is none of ours. */
static bool describe(struct keyring_key *k) {
    _cleanup_(buf_done) struct buf text = {0};
    unsigned char raw[32], *der = NULL;
    size_t len = sizeof raw;
    if (EVP_PKEY_is_a(k->key, "RSA") && EVP_PKEY_get_bits(k->key) >= (int)RSA_BITS) {
        int size = i2d_PUBKEY(k->key, &der);
        if (size <= 0)
            return false;
        k->algorithm = DKIM_RSA_SHA256;
        buf_add_str(&text, "v=DKIM1; k=rsa; p=");
        base64_encode(&text, slice_of(der, (size_t)size));
        OPENSSL_free(der);
    } else if (EVP_PKEY_is_a(k->key, "ED25519") &&
               EVP_PKEY_get_raw_public_key(k->key, raw, &len) == 1) {
        k->algorithm = DKIM_ED25519_SHA256;
        buf_add_str(&text, "v=DKIM1; k=ed25519; p=");
        base64_encode(&text, slice_of(raw, len));
    } else {
        return false;
    }
    k->record = mem_str(buf_slice(&text));
    return true;
}

static int read_key(int folder, const char *name, struct keyring_key *ret) {
    _cleanup_(buf_done) struct buf text = {0};
    int r = read_file(folder, name, &text);
    if (r < 0)
        return r;
    BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);
    ret->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    mem_wipe(text.ptr, text.len);
    if (ret->key && describe(ret))
        return 0;
    EVP_PKEY_free(TAKE_PTR(ret->key));
    return -E_CORRUPT;
}

static int by_time(const void *a, const void *b) {
    const struct keyring_key *x = a, *y = b;
    if (x->made != y->made)
        return x->made < y->made ? -1 : 1;
    return strcmp(x->selector, y->selector);
}

static struct keyring_key *find(struct keyring_domain *d, struct slice selector) {
    for (size_t i = 0; i < d->count; i++)
        if (slice_eq(slice_of_str(d->list[i].selector), selector))
            return &d->list[i];
    return NULL;
}

/* ------------------------------------------------------------------ what is known of them */

static int64_t next_time(struct slice *line) {
    struct slice word;
    uint64_t value = 0;
    if (!slice_next_word(line, &word) || slice_to_u64(word, INT64_MAX, &value) < 0)
        return 0;
    return (int64_t)value;
}

/* A line that makes no sense says nothing. */
static void read_state(int folder, struct keyring_domain *d) {
    _cleanup_(buf_done) struct buf text = {0};
    struct slice rest, line, word;
    if (read_file(folder, STATE, &text) < 0)
        return;
    rest = buf_slice(&text);
    while (slice_next(&rest, '\n', &line)) {
        struct keyring_key *k = slice_next_word(&line, &word) ? find(d, word) : NULL;
        if (!k)
            continue;
        int64_t made = next_time(&line);
        k->made = made > 0 ? made : k->made;
        k->seen = next_time(&line);
        k->left = next_time(&line);
        k->listed = true;
    }
}

static int write_state(int folder, const struct keyring_domain *d) {
    _cleanup_(buf_done) struct buf text = {0};
    for (size_t i = 0; i < d->count; i++) {
        const struct keyring_key *k = &d->list[i];
        buf_printf(&text, "%s %lld %lld %lld\n", k->selector, (long long)k->made,
                   (long long)k->seen, (long long)k->left);
    }
    return write_file(folder, STATE, buf_slice(&text));
}

/* ------------------------------------------------------------------ a domain */

static void close_listing(DIR **listing) {
    if (*listing)
        (void)closedir(*listing);
}

/* The name without its ending. False: it is no file of a key. */
static bool selector_of(const char *name, char selector[static KEYRING_SELECTOR]) {
    struct slice s = slice_of_str(name);
    if (!slice_ends(s, S(ENDING)))
        return false;
    s.len -= sizeof ENDING - 1;
    return domain_check(s, 0, NULL) == 0 && slice_to_str(s, selector, KEYRING_SELECTOR) == 0;
}

static int read_keys(int folder, struct slice domain, struct keyring_domain *d,
                     struct problem *problem) {
    int copy = openat(folder, ".", FOLDER);
    _cleanup_(close_listing) DIR *listing = copy < 0 ? NULL : fdopendir(copy);
    struct stat st;
    if (!listing)
        return failed(problem, -errno, domain, ".");
    for (struct dirent *e; d->count < KEYRING_KEYS_MAX && (e = readdir(listing));) {
        struct keyring_key *k = &d->list[d->count];
        if (!selector_of(e->d_name, k->selector))
            continue;
        int r = read_key(folder, e->d_name, k);
        if (r == -E_CORRUPT) {
            memcpy(d->damaged, k->selector, sizeof d->damaged);
            continue;
        }
        if (r < 0)
            return failed(problem, r, domain, e->d_name);
        k->made = fstatat(folder, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_mtime : 1;
        d->count++;
    }
    read_state(folder, d);
    qsort(d->list, d->count, sizeof d->list[0], by_time);
    return 0;
}

/* With its folder, which is the caller's to close; -1: it has none. */
static int open_domain(int folder, struct slice domain, bool make, int *ret_folder,
                       struct keyring_domain **ret, struct problem *problem) {
    _cleanup_(keyring_domain_free_p) struct keyring_domain *d = NEW(struct keyring_domain);
    _cleanup_(close_p) int own = open_folder(folder, domain, make, problem);
    if (own < 0 && own != -ENOENT)
        return own;
    int r = own < 0 ? 0 : read_keys(own, domain, d, problem);
    if (r < 0)
        return r;
    *ret_folder = own < 0 ? -1 : TAKE_FD(own);
    *ret = TAKE_PTR(d);
    return 0;
}

int keyring_read(int folder, struct slice domain, struct keyring_domain **ret,
                 struct problem *problem) {
    _cleanup_(close_p) int own = -1;
    return open_domain(folder, domain, false, &own, ret, problem);
}

const struct keyring_key *keyring_signs(const struct keyring_domain *d,
                                        enum dkim_algorithm algorithm, int64_t now) {
    const struct keyring_key *signs = NULL;
    for (size_t i = 0; i < d->count; i++) {
        const struct keyring_key *k = &d->list[i];
        /* Seen further ahead than it would wait: the clock was wrong then. */
        bool waited = k->seen + KEYRING_WAIT <= now || k->seen > now + KEYRING_WAIT;
        if (k->algorithm == algorithm && k->seen > 0 && (!signs || waited))
            signs = k;
    }
    return signs;
}

/* ------------------------------------------------------------------ changing */

static int write_key(int folder, const char *selector, EVP_PKEY *key) {
    char name[KEYRING_SELECTOR + sizeof ENDING];
    char *text = NULL;
    BIO *bio = BIO_new(BIO_s_secmem());
    int r = bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1
                ? 0
                : -ENOMEM;
    (void)snprintf(name, sizeof name, "%s" ENDING, selector);
    if (r == 0) {
        long len = BIO_get_mem_data(bio, &text);
        r = write_file(folder, name, slice_of(text, (size_t)len));
    }
    BIO_free(bio);
    ERR_clear_error();
    return r;
}

/*
 * By date, so that nobody has to ask which is the newer one; one that is damaged keeps its name,
 * under which DNS has it. False: too many on this day.
 */
static bool new_selector(int folder, enum dkim_algorithm algorithm, int64_t now,
                         char selector[static KEYRING_SELECTOR]) {
    char name[KEYRING_SELECTOR + sizeof ENDING];
    time_t at = (time_t)now;
    struct tm day;
    (void)gmtime_r(&at, &day);
    for (unsigned n = 1; n <= SAME_DAY; n++) {
        int len = snprintf(selector, KEYRING_SELECTOR, "%c%04d%02d%02d",
                           algorithm == DKIM_RSA_SHA256 ? 'r' : 'e', (day.tm_year + 1900) % 10000,
                           day.tm_mon + 1, day.tm_mday);
        if (n > 1)
            (void)snprintf(selector + len, KEYRING_SELECTOR - (size_t)len, "-%u", n);
        (void)snprintf(name, sizeof name, "%s" ENDING, selector);
        if (faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
            return true;
    }
    return false;
}

static int make_key(int folder, struct keyring_domain *d, enum dkim_algorithm algorithm,
                    int64_t now) {
    struct keyring_key *k = &d->list[d->count];
    *k = (struct keyring_key){.made = now};
    if (d->count == KEYRING_KEYS_MAX || !new_selector(folder, algorithm, now, k->selector))
        return -E_LIMIT;
    k->key = algorithm == DKIM_RSA_SHA256 ? EVP_RSA_gen(RSA_BITS)
                                          : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    ERR_clear_error();
    int r = k->key && describe(k) ? write_key(folder, k->selector, k->key) : -ENOMEM;
    if (r < 0)
        key_done(k);
    else
        d->count++;
    return r;
}

static const struct keyring_key *newest(const struct keyring_domain *d,
                                        enum dkim_algorithm algorithm) {
    for (size_t i = d->count; i-- > 0;)
        if (d->list[i].algorithm == algorithm)
            return &d->list[i];
    return NULL;
}

int keyring_keep(int folder, struct slice domain, int64_t now, struct problem *problem) {
    _cleanup_(keyring_domain_free_p) struct keyring_domain *d = NULL;
    _cleanup_(close_p) int own = -1;
    bool changed = false, removed = true;
    int r = open_domain(folder, domain, true, &own, &d, problem);
    if (r < 0)
        return r;
    for (size_t i = 0; i < d->count; i++) {
        removed = removed && d->list[i].left > 0;
        changed = changed || !d->list[i].listed;
    }
    for (size_t i = 0; removed && i < d->count; i++) {
        d->list[i].left = 0;
        changed = true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (newest(d, kinds[i]))
            continue;
        changed = true;
        r = make_key(own, d, kinds[i], now);
        if (r < 0)
            return failed(problem, r, domain, "new");
    }
    if (!changed)
        return 0;
    r = fsync(folder) < 0 ? -errno : write_state(own, d);
    return r < 0 ? failed(problem, r, domain, STATE) : 1;
}

int keyring_rotate(int folder, struct slice domain, int64_t now, struct problem *problem) {
    _cleanup_(keyring_domain_free_p) struct keyring_domain *d = NULL;
    _cleanup_(close_p) int own = -1;
    int r = open_domain(folder, domain, false, &own, &d, problem);
    if (r == 0 && d->count == 0)
        r = problem_set(problem, -E_UNKNOWN, N_("%.*s has no DKIM keys"), SLICE_ARG(domain));
    if (r < 0)
        return r;
    bool waits[ARRAY_SIZE(kinds)];
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const struct keyring_key *last = newest(d, kinds[i]);
        waits[i] = last && keyring_signs(d, kinds[i], now) != last;
        if (waits[i] && kinds[i] == DKIM_RSA_SHA256)
            return problem_set(problem, -E_REFUSED,
                               last->seen == 0
                                   ? N_("DNS does not show the newest DKIM key of %.*s yet (%s)")
                                   : N_("the newest DKIM key of %.*s is not in use yet (%s)"),
                               SLICE_ARG(domain), last->selector);
    }
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(kinds); i++)
        r = waits[i] ? 0 : make_key(own, d, kinds[i], now);
    if (r < 0)
        return failed(problem, r, domain, "new");
    r = write_state(own, d);
    return r < 0 ? failed(problem, r, domain, STATE) : 0;
}

int keyring_seen(int folder, struct slice domain, struct slice selector, int64_t now,
                 struct problem *problem) {
    _cleanup_(keyring_domain_free_p) struct keyring_domain *d = NULL;
    _cleanup_(close_p) int own = -1;
    int r = open_domain(folder, domain, false, &own, &d, problem);
    if (r < 0)
        return r;
    struct keyring_key *k = find(d, selector);
    if (!k)
        return problem_set(problem, -E_UNKNOWN, N_("%.*s has no DKIM key %.*s"), SLICE_ARG(domain),
                           SLICE_ARG(selector));
    if (k->seen > 0)
        return 0;
    k->seen = now;
    r = write_state(own, d);
    return r < 0 ? failed(problem, r, domain, STATE) : 1;
}

int keyring_drop(int folder, struct slice domain, int64_t now, struct problem *problem) {
    _cleanup_(keyring_domain_free_p) struct keyring_domain *d = NULL;
    _cleanup_(close_p) int own = -1;
    int r = open_domain(folder, domain, false, &own, &d, problem);
    bool changed = false;
    for (size_t i = 0; r == 0 && i < d->count; i++) {
        changed |= d->list[i].left == 0;
        d->list[i].left = d->list[i].left > 0 ? d->list[i].left : now;
    }
    if (r < 0 || !changed)
        return r;
    r = write_state(own, d);
    return r < 0 ? failed(problem, r, domain, STATE) : 0;
}

/* ------------------------------------------------------------------ keys that are left */

/* Those of the kind of the key that signs which are older than it. */
static bool leave_older(struct keyring_domain *d, int64_t now) {
    bool changed = false;
    for (size_t i = 0; i < d->count; i++) {
        struct keyring_key *k = &d->list[i];
        const struct keyring_key *signs = keyring_signs(d, k->algorithm, now);
        if (k->left > 0 || !signs || k >= signs)
            continue;
        k->left = now;
        changed = true;
    }
    return changed;
}

static int remove_old(int folder, struct keyring_domain *d, int64_t now, int64_t keep,
                      bool *changed) {
    char name[KEYRING_SELECTOR + sizeof ENDING];
    size_t kept = 0;
    int r = 0;
    for (size_t i = 0; i < d->count; i++) {
        struct keyring_key *k = &d->list[i];
        if (r == 0 && k->left > 0 && now - k->left > keep) {
            (void)snprintf(name, sizeof name, "%s" ENDING, k->selector);
            r = unlinkat(folder, name, 0) < 0 && errno != ENOENT ? -errno : 0;
            if (r == 0) {
                *changed = true;
                key_done(k);
                continue;
            }
        }
        d->list[kept++] = *k;
    }
    d->count = kept;
    return r;
}

/* The folder of a domain that was removed and has no keys any more. */
static int remove_folder(int folder, int own, struct slice domain) {
    char name[DOMAIN_MAX + 1];
    (void)unlinkat(own, STATE, 0);
    (void)unlinkat(own, HALF, 0);
    int r = slice_to_str(domain, name, sizeof name);
    if (r < 0)
        return r;
    return unlinkat(folder, name, AT_REMOVEDIR) < 0 || fsync(folder) < 0 ? -errno : 1;
}

int keyring_tend(int folder, struct slice domain, int64_t now, int64_t keep,
                 struct problem *problem) {
    _cleanup_(keyring_domain_free_p) struct keyring_domain *d = NULL;
    _cleanup_(close_p) int own = -1;
    int r = open_domain(folder, domain, false, &own, &d, problem);
    if (r < 0 || own < 0)
        return r;
    bool changed = leave_older(d, now);
    r = remove_old(own, d, now, keep, &changed);
    if (r < 0 || !changed)
        return r < 0 ? failed(problem, r, domain, ".") : 0;
    r = d->count == 0 ? remove_folder(folder, own, domain) : write_state(own, d);
    return r < 0 ? failed(problem, r, domain, STATE) : 1;
}

int keyring_domains(int folder, struct arena *a, struct slice **ret, size_t *ret_count) {
    _cleanup_(buf_done) struct buf list = {0};
    int copy = openat(folder, ".", FOLDER);
    _cleanup_(close_listing) DIR *listing = copy < 0 ? NULL : fdopendir(copy);
    size_t count = 0;
    if (!listing)
        return -errno;
    for (struct dirent *e; (e = readdir(listing));) {
        struct slice name = slice_of_str(e->d_name);
        if (domain_check(name, 0, NULL) < 0)
            continue;
        buf_add(&list, name);
        buf_add_byte(&list, '\n');
        count++;
    }
    struct slice rest = arena_copy(a, buf_slice(&list));
    *ret = arena_array(a, count, sizeof **ret);
    for (size_t i = 0; i < count; i++)
        (void)slice_next(&rest, '\n', &(*ret)[i]);
    *ret_count = count;
    return 0;
}
