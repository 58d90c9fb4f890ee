/* SPDX-License-Identifier: ISC */
/*
 * The keys role: the only process that reads private keys. It signs for those who may ask and never
 * shows a key. Key and certificate lie in its directory as default.key and default.crt (PEM). They
 * are read again when they have changed: the edges ask every few seconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "fiber/wait.h"
#include "io/tls.h"
#include "journey/kinds.h"
#include "role/roles.h"

#define FILE_MAX 65536

/* A certificate with its key. */
struct pair {
    uint64_t number;
    struct stat files[2]; /* as they were when it was read */
    struct tls_key *key;
    char *chain;
    unsigned users; /* the role, signatures under way */
};

struct keys {
    struct pair *now, *before; /* who was shown the one before still asks for its signature */
    struct stat refused[2];    /* files that were tried and are no pair */
};

static const char *const names[2] = {"default.crt", "default.key"};

static void pair_leave(struct pair *p) {
    if (!p || --p->users > 0)
        return;
    tls_key_free(p->key);
    free(p->chain);
    free(p);
}

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

static int read_key(struct tls_key **ret, struct problem *problem) {
    char *pem = NULL;
    int r = read_file(names[1], &pem, problem);
    if (r < 0 || !pem)
        return r;
    r = tls_key_new(slice_of_str(pem), ret, problem);
    mem_wipe(pem, strlen(pem));
    free(pem);
    return r;
}

static void stat_files(struct stat ret[static 2]) {
    memset(ret, 0, 2 * sizeof *ret);
    for (size_t i = 0; i < 2; i++)
        (void)lstat(names[i], &ret[i]);
}

static bool same_files(const struct stat a[static 2], const struct stat b[static 2]) {
    for (size_t i = 0; i < 2; i++) {
        if (a[i].st_ino != b[i].st_ino || a[i].st_size != b[i].st_size ||
            a[i].st_mtim.tv_sec != b[i].st_mtim.tv_sec ||
            a[i].st_mtim.tv_nsec != b[i].st_mtim.tv_nsec)
            return false;
    }
    return true;
}

static int read_pair(struct pair **ret, struct problem *problem) {
    struct pair *p = NEW(struct pair);
    p->users = 1;
    p->number = (uint64_t)fiber_wall();
    stat_files(p->files);
    int r = read_file(names[0], &p->chain, problem);
    if (r == 0)
        r = read_key(&p->key, problem);
    if (r == 0 && !tls_key_fits(p->key, slice_of_str(p->chain)))
        r = problem_set(problem, -E_SYNTAX, "keys/%s is not the key of keys/%s", names[1],
                        names[0]);
    if (r < 0)
        pair_leave(p);
    else
        *ret = p;
    return r;
}

static int keys_open(struct process *p, struct problem *problem) {
    struct keys *k = NEW(struct keys);
    p->state = k;
    return read_pair(&k->now, problem);
}

/* Files that were replaced are taken as soon as they are a pair again. */
static void look_for_newer(struct process *p) {
    struct keys *k = p->state;
    struct problem problem = {0};
    struct pair *fresh = NULL;
    struct stat files[2];
    stat_files(files);
    if (same_files(files, k->now->files) || same_files(files, k->refused))
        return;
    if (read_pair(&fresh, &problem) < 0) {
        memcpy(k->refused, files, sizeof files);
        process_event(p, 0, KIND_WARNING, NULL, 0,
                      "The certificate has changed and cannot be used yet: %s", problem.text);
        return;
    }
    pair_leave(k->before);
    k->before = k->now;
    k->now = fresh;
    process_event(p, 0, KIND_RELOAD, NULL, 0, "A new certificate is in use.");
}

static int on_certificate(void *arg, const struct rpc_caller *caller,
                          const struct rpc_keys_certificate_in *in, struct arena *a,
                          struct rpc_keys_certificate_out *out, struct problem *problem) {
    struct keys *k = ((struct process *)arg)->state;
    (void)caller;
    (void)problem;
    look_for_newer(arg);
    out->number = k->now->number;
    if (in->have != k->now->number)
        out->chain = arena_copy(a, slice_of_str(k->now->chain));
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
    struct pair *p = k->before && in->number == k->before->number ? k->before : k->now;
    struct signing signing = {p->key, in, a, &out->signature};
    (void)caller;
    if (in->scheme >= TLS_SIGN_SCHEMES)
        return problem_set(problem, -EINVAL, "unknown signature scheme");
    if (in->scheme == TLS_SIGN_ECDSA) /* 30 µs; RSA takes a millisecond */
        return sign_in_thread(&signing);
    p->users++;
    int r = offload(OFFLOAD_KDF, sign_in_thread, &signing);
    pair_leave(p);
    return r;
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
