/* SPDX-License-Identifier: ISC */
/*
 * The files are read here as the keys role would get them; what decides whether they are used, and
 * what is judged of them, is the code that it uses (io/tls.h, io/tls_chain.h). Only here the list
 * of authorities of the host is looked at: that process sees no file outside of its folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "cli/host/check.h"
#include "io/tls.h"
#include "io/tls_chain.h"
#include "role/master/certificate_files.h"
#include "role/master/state.h"

#define FILE_MAX 65536U

struct pair {
    const char *certificate, *key; /* what the files are called */
    struct certificate_files files;
    char *chain, *secret; /* their text, or NULL */
};

static void pair_done(struct pair *p) {
    certificate_files_close(&p->files);
    free(p->chain);
    if (p->secret)
        mem_wipe(p->secret, strlen(p->secret));
    free(p->secret);
}

/* ------------------------------------------------------------------ reading */

static int open_own(struct check *k, const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0 && errno == ELOOP)
        check_add(k, CHECK_ERROR,
                  _("%s is a symbolic link; put the file itself there, or name what it leads to in"
                    " the settings (tls.certificate and tls.key)"),
                  path);
    else if (fd < 0)
        check_add(k, CHECK_ERROR, _("%s cannot be read: %s"), path, error_words(errno));
    return fd;
}

static const char *own_file(struct check *k, const char *name) {
    return state_path(arena_alloc(k->c->arena, STATE_PATH), k->c->directory, name);
}

static void open_files(struct check *k, struct pair *p) {
    const struct conf *conf = k->c->conf;
    struct problem problem = {0};
    p->files = (struct certificate_files){.certificate = -1, .key = -1};
    if (conf->tls.certificate.len > 0) {
        p->certificate = conf->tls.certificate.ptr;
        p->key = conf->tls.key.ptr;
        if (certificate_files_open(conf, &p->files, &problem) < 0)
            check_add(k, CHECK_ERROR, "%s", problem_words(k->c->arena, &problem));
        return;
    }
    p->certificate = own_file(k, "keys/default.crt");
    p->key = own_file(k, "keys/default.key");
    p->files.certificate = open_own(k, p->certificate);
    p->files.key = open_own(k, p->key);
}

static char *read_text(struct check *k, const char *path, int fd) {
    char *text = mem_alloc(FILE_MAX + 1);
    ssize_t n = fd >= 0 ? pread(fd, text, FILE_MAX + 1, 0) : 0;
    if (n < 0)
        check_add(k, CHECK_ERROR, _("%s cannot be read: %s"), path, error_words(errno));
    else if ((size_t)n > FILE_MAX)
        check_add(k, CHECK_ERROR, _("%s is larger than %u KiB, expected PEM text"), path,
                  FILE_MAX / 1024);
    if (fd >= 0 && n >= 0 && (size_t)n <= FILE_MAX) {
        text[n] = '\0';
        return text;
    }
    mem_wipe(text, FILE_MAX + 1);
    free(text);
    return NULL;
}

/* ------------------------------------------------------------------ judging */

/* Whether edges could show it; false: that has been said. */
static bool can_be_used(struct check *k, const struct pair *p) {
    struct tls_signer signer = {tls_key_sign, NULL};
    struct tls_context *context = NULL;
    struct problem problem = {0};
    int r = tls_server_new(slice_of_str(p->chain), &signer, &context, &problem);
    tls_context_free(context);
    if (r < 0)
        check_add(k, CHECK_ERROR, "%s: %s", p->certificate, problem_words(k->c->arena, &problem));
    return r == 0;
}

static void judge_chain(struct check *k, const struct pair *p) {
    _cleanup_(free_p) struct tls_judgement *j = NEW(struct tls_judgement); /* large */
    struct tls_chain_question q = {
        .chain_pem = slice_of_str(p->chain),
        .host_name = k->c->conf->hostname,
        .place = p->certificate,
        .anchors = access(TLS_ANCHORS, R_OK) == 0 ? TLS_ANCHORS : NULL,
        .now = fiber_wall(),
    };
    if (!can_be_used(k, p) || tls_chain_judge(&q, j, NULL) < 0)
        return;
    bool bad = false;
    for (size_t i = 0; i < j->count; i++) {
        check_add(k, j->list[i].bad ? CHECK_ERROR : CHECK_WARNING, "%s", j->list[i].text);
        bad = bad || j->list[i].bad;
    }
    if (!bad)
        check_add(k, CHECK_OK, "%s", j->summary);
}

static void judge_key(struct check *k, const struct pair *p) {
    struct problem problem = {0};
    struct tls_key *key = NULL;
    struct tls_certificate_facts facts;
    if (tls_key_new(slice_of_str(p->secret), &key, &problem) < 0) {
        check_add(k, CHECK_ERROR, "%s: %s", p->key, problem_words(k->c->arena, &problem));
        return;
    }
    struct slice chain = slice_of_str(p->chain);
    bool is_chain = p->chain && tls_certificate_facts(chain, &facts) == 0;
    unsigned number = is_chain ? tls_key_fits(key, chain) : 1; /* a bad chain was told */
    tls_key_free(key);
    if (number > 1)
        check_add(k, CHECK_ERROR,
                  _("%s: certificate number %u is this host's and has to come first"),
                  p->certificate, number);
    else if (number == 0)
        check_add(k, CHECK_ERROR, _("%s is not the key of the first certificate in %s"), p->key,
                  p->certificate);
}

/* The mode of the file that init made is told with those of the state directory. */
static void judge_rights(struct check *k, const struct pair *p) {
    struct problem problem = {0};
    bool loose;
    struct stat st;
    if (k->c->conf->tls.key.len == 0) {
        if (fstat(p->files.key, &st) == 0 && !(st.st_mode & (S_IRWXG | S_IRWXO)))
            check_add(k, CHECK_OK, _("the private key %s is nobody else's to read"), p->key);
        return;
    }
    if (certificate_files_judge(k->c->conf, &p->files, &loose, &problem) < 0)
        check_add(k, CHECK_ERROR, "%s", problem.text);
    else if (loose)
        check_add(
            k, CHECK_WARNING,
            _("the private key %s has mode %03o; only its folder keeps others from reading it"),
            p->key, (unsigned)p->files.states[1].st_mode & 0777);
    else
        check_add(k, CHECK_OK, _("the private key %s is nobody else's to read"), p->key);
}

void check_certificate(struct check *k) {
    _cleanup_(pair_done) struct pair p = {0};
    open_files(k, &p);
    p.chain = read_text(k, p.certificate, p.files.certificate);
    p.secret = read_text(k, p.key, p.files.key);
    if (p.chain)
        judge_chain(k, &p);
    if (p.secret) {
        judge_key(k, &p);
        judge_rights(k, &p);
    }
}
