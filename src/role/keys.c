/* SPDX-License-Identifier: ISC */
/*
 * The keys role: the only process that reads private keys. It signs for those who may ask and never
 * shows a key. Key and certificate lie in its directory as default.key and default.crt (PEM). They
 * are read again when they have changed: the edges ask every few seconds, and a reload does. A pair
 * with which the edges could do nothing is refused here, where the files are known by name. A
 * certificate whose time is over, or soon will be, is used all the same: other hosts take any. But
 * it is told once a day, since mail programs do not.
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

#define FILE_MAX   65536
#define TO_SECONDS 19U /* of "2026-11-22 11:12:42.123" */

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
    usec_t look_at_end;        /* wall time when the end of the certificate is looked at again */
};

enum { CHAIN, KEY };
static const char *const names[2] = {[CHAIN] = "default.crt", [KEY] = "default.key"};

static void pair_leave(struct pair *p) {
    if (!p || --p->users > 0)
        return;
    tls_key_free(p->key);
    free(p->chain);
    free(p);
}

/* ------------------------------------------------------------------ reading */

static int cannot_read(unsigned file, int error, struct problem *problem) {
    static const char *const expected[2] = {"the certificate of this host and those above it",
                                            "the private key of the certificate"};
    const char *name = names[file];
    if (error == ENOENT)
        return problem_set(problem, -error, "keys/%s is not there; put %s there as PEM text", name,
                           expected[file]);
    if (error == ELOOP)
        return problem_set(problem, -error,
                           "keys/%s is a symbolic link; put the file itself there, since its"
                           " process can see nothing outside of the folder",
                           name);
    if (error == EACCES)
        return problem_set(problem, -error,
                           "keys/%s may not be read; make it belong to the user to whom the folder"
                           " belongs, with mode 600",
                           name);
    return problem_set(problem, -error, "keys/%s cannot be read: %s; expected %s as PEM text", name,
                       error_text(error), expected[file]);
}

static int read_file(unsigned file, char **ret_text, struct problem *problem) {
    _cleanup_(close_p) int fd = open(names[file], O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return cannot_read(file, errno, problem);
    _cleanup_(free_p) char *text = mem_alloc(FILE_MAX + 1);
    ssize_t n = read(fd, text, FILE_MAX + 1);
    if (n < 0 || n > FILE_MAX) {
        int error = n < 0 ? errno : EFBIG;
        mem_wipe(text, n < 0 ? 0 : (size_t)n);
        return cannot_read(file, error, problem);
    }
    text[n] = '\0';
    *ret_text = TAKE_PTR(text);
    return 0;
}

static int read_key(struct tls_key **ret, struct problem *problem) {
    struct problem why = {0};
    char *pem = NULL;
    int r = read_file(KEY, &pem, problem);
    if (r < 0 || !pem)
        return r;
    r = tls_key_new(slice_of_str(pem), ret, &why);
    mem_wipe(pem, strlen(pem));
    free(pem);
    return r < 0 ? problem_set(problem, r, "keys/%s: %s", names[KEY], why.text) : 0;
}

/* As the edges will do with it; nothing is signed on the way. */
static int read_chain(char **ret, struct problem *problem) {
    struct tls_signer signer = {tls_key_sign, NULL};
    struct tls_context *context = NULL;
    struct problem why = {0};
    int r = read_file(CHAIN, ret, problem);
    if (r < 0)
        return r;
    r = tls_server_new(slice_of_str(*ret), &signer, &context, &why);
    tls_context_free(context);
    return r < 0 ? problem_set(problem, r, "keys/%s: %s", names[CHAIN], why.text) : 0;
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
    int r = read_chain(&p->chain, problem);
    if (r == 0)
        r = read_key(&p->key, problem);
    if (r == 0 && !tls_key_fits(p->key, slice_of_str(p->chain)))
        r = problem_set(problem, -E_SYNTAX,
                        "keys/%s is not the key of the first certificate in keys/%s; put two files"
                        " there that belong together, this host's certificate first",
                        names[KEY], names[CHAIN]);
    if (r < 0)
        pair_leave(p);
    else
        *ret = p;
    return r;
}

/* ------------------------------------------------------------------ life */

static int open_keys(struct process *p, struct problem *problem) {
    struct keys *k = NEW(struct keys);
    p->state = k;
    return read_pair(&k->now, problem);
}

/* Takes files that were replaced as soon as they are a pair again; negative: they are none now. */
static int take_newer(struct process *p, struct problem *problem) {
    struct keys *k = p->state;
    struct pair *fresh = NULL;
    int r = read_pair(&fresh, problem);
    if (r < 0)
        return r;
    pair_leave(k->before);
    k->before = k->now;
    k->now = fresh;
    k->look_at_end = 0;
    process_event(p, 0, KIND_RELOAD, NULL, 0, "A new certificate is in use.");
    return 0;
}

static void look_for_newer(struct process *p) {
    struct keys *k = p->state;
    struct problem problem = {0};
    struct stat files[2];
    stat_files(files);
    if (same_files(files, k->now->files) || same_files(files, k->refused) ||
        take_newer(p, &problem) == 0)
        return;
    memcpy(k->refused, files, sizeof files);
    process_event(p, 0, KIND_WARNING, NULL, 0,
                  "The certificate has changed and cannot be used yet: %s", problem.text);
}

static void look_at_end(struct process *p) {
    struct keys *k = p->state;
    struct tls_certificate_facts facts;
    char end[TIME_TEXT_SIZE];
    usec_t now = fiber_wall();
    if (now < k->look_at_end || tls_certificate_facts(slice_of_str(k->now->chain), &facts) < 0)
        return;
    k->look_at_end = now + USEC_DAY;
    if (facts.not_after - now >= TLS_CERTIFICATE_SOON)
        return;
    bool over = facts.not_after < now;
    process_event(p, 0, over ? KIND_ERROR : KIND_WARNING, NULL, 0,
                  "The certificate for %s %s %.*s; put a new one in place of keys/%s and keys/%s.",
                  facts.subject, over ? "has ended" : "ends",
                  SLICE_ARG(slice_first(time_format_log(facts.not_after, end), TO_SECONDS)),
                  names[CHAIN], names[KEY]);
}

static int reload_keys(struct process *p, const struct conf *before, struct problem *problem) {
    struct keys *k = p->state;
    struct stat files[2];
    (void)before;
    stat_files(files);
    return same_files(files, k->now->files) ? 0 : take_newer(p, problem);
}

/* ------------------------------------------------------------------ calls */

static int on_certificate(void *arg, const struct rpc_caller *caller,
                          const struct rpc_keys_certificate_in *in, struct arena *a,
                          struct rpc_keys_certificate_out *out, struct problem *problem) {
    struct keys *k = ((struct process *)arg)->state;
    (void)caller;
    (void)problem;
    look_for_newer(arg);
    look_at_end(arg);
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
    .open = open_keys,
    .reload = reload_keys,
};
