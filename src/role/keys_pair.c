/* SPDX-License-Identifier: ISC */
/*
 * A pair with which the edges could do nothing is refused here, where the files are known by name.
 * A certificate that clients will not accept is none of these: other hosts take any.
 */
#include "role/keys_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/siphash.h"
#include "base/words.h"
#include "io/tls.h"

#define FILE_MAX 65536 /* of keys.certificate */

enum { CHAIN, KEY };
static const char *const names[2] = {[CHAIN] = "default.crt", [KEY] = "default.key"};
static const char *const expected[2] = {N_("the certificate of this host and those above it"),
                                        N_("the private key of the certificate")};

const char *keys_pair_certificate(const struct conf *conf) {
    return conf->tls.certificate.len > 0 ? conf->tls.certificate.ptr : "keys/default.crt";
}

const char *keys_pair_key(const struct conf *conf) {
    return conf->tls.key.len > 0 ? conf->tls.key.ptr : "keys/default.key";
}

static const char *called(const struct process *p, unsigned file) {
    return file == CHAIN ? keys_pair_certificate(p->conf) : keys_pair_key(p->conf);
}

void keys_pair_leave(struct keys_pair *pair) {
    if (!pair || --pair->users > 0)
        return;
    tls_key_free(pair->key);
    free(pair->chain);
    free(pair);
}

void keys_pair_look(struct stat ret[static 2]) {
    memset(ret, 0, 2 * sizeof *ret);
    for (size_t i = 0; i < 2; i++)
        (void)lstat(names[i], &ret[i]);
}

/* ------------------------------------------------------------------ reading */

/* Of a file in the role's folder. */
static int cannot_open(unsigned file, int error, struct problem *problem) {
    const char *name = names[file];
    if (error == ENOENT)
        return problem_set(problem, -error, N_("keys/%s is not there; put %s there as PEM text"),
                           name, expected[file]);
    if (error == ELOOP)
        return problem_set(
            problem, -error,
            N_("keys/%s is a symbolic link; put the file itself there, or name what it"
               " leads to in the settings (tls.certificate and tls.key)"),
            name);
    if (error == EACCES)
        return problem_set(
            problem, -error,
            N_("keys/%s may not be read; make it belong to the user to whom the folder"
               " belongs, with mode 600"),
            name);
    return problem_set(problem, -error, N_("keys/%s cannot be read: %s; expected %s as PEM text"),
                       name, error_text(error), expected[file]);
}

static int read_file(const struct process *p, unsigned file, char **ret_text,
                     struct problem *problem) {
    int given = file == CHAIN ? p->handed.certificate
                              : p->handed.key; /* by the master, if the settings name it */
    _cleanup_(close_p) int fd =
        given >= 0 ? fcntl(given, F_DUPFD_CLOEXEC, 0)
                   : open(names[file], O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return cannot_open(file, errno, problem);
    _cleanup_(free_p) char *text = mem_alloc(FILE_MAX + 1);
    ssize_t n = pread(fd, text, FILE_MAX + 1, 0);
    if (n < 0 || n > FILE_MAX) {
        int error = n < 0 ? errno : EFBIG;
        mem_wipe(text, n < 0 ? 0 : (size_t)n);
        return problem_set(problem, -error, N_("%s cannot be read: %s; expected %s as PEM text"),
                           called(p, file), error_text(error), expected[file]);
    }
    text[n] = '\0';
    *ret_text = TAKE_PTR(text);
    return 0;
}

static int read_key(const struct process *p, struct tls_key **ret, struct problem *problem) {
    struct problem why = {0};
    char *pem = NULL;
    int r = read_file(p, KEY, &pem, problem);
    if (r < 0 || !pem)
        return r;
    r = tls_key_new(slice_of_str(pem), ret, &why);
    mem_wipe(pem, strlen(pem));
    free(pem);
    return r < 0 ? problem_set(problem, r, "%s: %s", called(p, KEY), why.text) : 0;
}

/* As the edges will do with it; nothing is signed on the way. */
static int read_chain(const struct process *p, char **ret, struct problem *problem) {
    struct tls_signer signer = {tls_key_sign, NULL};
    struct tls_context *context = NULL;
    struct problem why = {0};
    int r = read_file(p, CHAIN, ret, problem);
    if (r < 0)
        return r;
    r = tls_server_new(slice_of_str(*ret), &signer, &context, &why);
    tls_context_free(context);
    return r < 0 ? problem_set(problem, r, "%s: %s", called(p, CHAIN), why.text) : 0;
}

static int compare(const struct process *p, const struct keys_pair *pair, struct problem *problem) {
    unsigned number = tls_key_fits(pair->key, slice_of_str(pair->chain));
    if (number == 1)
        return 0;
    if (number > 1)
        return problem_set(problem, -E_SYNTAX,
                           N_("%s: certificate number %u is this host's and has to come first"),
                           called(p, CHAIN), number);
    return problem_set(
        problem, -E_SYNTAX,
        N_("%s is not the key of the first certificate in %s; put two files there that"
           " belong together, this host's certificate first"),
        called(p, KEY), called(p, CHAIN));
}

/* Nobody but this host's postmaster chooses what is told apart: the hash needs no secret. */
static uint64_t number_of(const char *chain) {
    static const uint8_t key[16];
    uint64_t hash = siphash_keyed(slice_of_str(chain), key);
    return hash ? hash : 1;
}

int keys_pair_read(const struct process *p, struct keys_pair **ret, struct problem *problem) {
    struct keys_pair *pair = NEW(struct keys_pair);
    pair->users = 1;
    keys_pair_look(pair->states);
    int r = read_chain(p, &pair->chain, problem);
    if (r == 0)
        r = read_key(p, &pair->key, problem);
    if (r == 0)
        r = compare(p, pair, problem);
    if (r < 0) {
        keys_pair_leave(pair);
        return r;
    }
    pair->number = number_of(pair->chain);
    *ret = pair;
    return 0;
}
