/* SPDX-License-Identifier: ISC */
/*
 * The keys role: the only process that reads private keys. It signs for those who may ask and never
 * shows a key. Keys and certificates lie in its directory as NAME.key and NAME.crt (PEM); "default"
 * is shown where there is none for a name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "fiber/wait.h"
#include "io/tls.h"
#include "role/roles.h"

#define FILE_MAX 65536

struct keys {
    struct tls_key *key;
    char *chain;
};

static int read_file(const char *name, char **ret_text, struct problem *problem) {
    _cleanup_(close_p) int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return problem_set(problem, -errno, "keys/%s cannot be read: %s", name, error_text(errno));
    _cleanup_(free_p) char *text = mem_alloc(FILE_MAX + 1);
    ssize_t n = read(fd, text, FILE_MAX + 1);
    if (n < 0 || n > FILE_MAX)
        return problem_set(problem, -EIO, "keys/%s cannot be read whole", name);
    text[n] = '\0';
    *ret_text = TAKE_PTR(text);
    return 0;
}

static int keys_open(struct process *p, struct problem *problem) {
    struct keys *k = NEW(struct keys);
    char *key_pem = NULL;
    p->state = k;
    int r = read_file("default.crt", &k->chain, problem);
    if (r == 0)
        r = read_file("default.key", &key_pem, problem);
    if (r == 0)
        r = tls_key_new(slice_of_str(key_pem), &k->key, problem);
    if (key_pem) {
        mem_wipe(key_pem, strlen(key_pem));
        free(key_pem);
    }
    return r;
}

static int on_certificate(void *arg, const struct rpc_caller *caller,
                          const struct rpc_keys_certificate_in *in, struct arena *a,
                          struct rpc_keys_certificate_out *out, struct problem *problem) {
    struct keys *k = ((struct process *)arg)->state;
    (void)caller;
    (void)in;
    (void)a;
    (void)problem;
    out->chain = slice_of_str(k->chain);
    return 0;
}

struct signing {
    struct tls_key *key;
    const struct rpc_keys_sign_in *in;
    struct arena *arena;
    struct slice *signature;
};

static int sign_in_thread(void *arg) {
    struct signing *s = arg;
    return tls_key_sign(s->key, (enum tls_sign_scheme)s->in->scheme, s->in->input, s->arena,
                        s->signature);
}

static int on_sign(void *arg, const struct rpc_caller *caller, const struct rpc_keys_sign_in *in,
                   struct arena *a, struct rpc_keys_sign_out *out, struct problem *problem) {
    struct keys *k = ((struct process *)arg)->state;
    struct signing signing = {k->key, in, a, &out->signature};
    (void)caller;
    if (in->scheme >= TLS_SIGN_SCHEMES)
        return problem_set(problem, -EINVAL, "unknown signature scheme");
    if (in->scheme == TLS_SIGN_ECDSA) /* 30 µs; RSA takes a millisecond */
        return sign_in_thread(&signing);
    return offload(OFFLOAD_KDF, sign_in_thread, &signing);
}

static const struct rpc_keys_handlers handlers = {
    .certificate = on_certificate,
    .sign = on_sign,
};

const struct process_role role_keys = {
    .role = ROLE_KEYS,
    .directory = "keys",
    .rights = CONFINE_FILES,
    .handlers = &handlers,
    .open = keys_open,
};
