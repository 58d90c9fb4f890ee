/* SPDX-License-Identifier: ISC */
#include "directory/password.h"

#include <errno.h>

#include "auth/import.h"
#include "auth/strength.h"
#include "base/words.h"
#include "fiber/wait.h"

struct making {
    struct slice password;
    struct password_cost cost;
    struct slice words[STRENGTH_WORDS_MAX];
    size_t word_count;
    bool accept_weak;
    char *hash;
    struct problem *problem;
};

static void add_words(struct making *m, struct slice text) {
    for (size_t start = 0, i = 0; i <= text.len; i++) {
        char c = i < text.len ? text.ptr[i] : ' ';
        if ((unsigned char)c >= 0x80 || ascii_is_alpha(c) || ascii_is_digit(c))
            continue;
        if (i > start && m->word_count < ARRAY_SIZE(m->words))
            m->words[m->word_count++] = slice_of(text.ptr + start, i - start);
        start = i + 1;
    }
}

/* Tens of milliseconds for a long password: never on the directory's own thread. */
static int judge_job(void *arg) {
    const struct making *m = arg;
    struct strength strength;
    if (m->accept_weak)
        return 0;
    strength_check(m->password, m->words, m->word_count, &strength);
    return strength.weak
               ? problem_set(m->problem, -E_REFUSED,
                             N_("this password is easy to guess: %s; take four or more unrelated "
                                "words, or 12 or more random characters"),
                             strength.weakness)
               : 0;
}

static int make_job(void *arg) {
    struct making *m = arg;
    int r = judge_job(m);
    if (r < 0)
        return r;
    r = password_hash(m->password, m->cost, m->hash);
    return r < 0 ? problem_set(m->problem, r, N_("there is not enough memory to hash the password"))
                 : 0;
}

/* 1: there is a password, to be judged for its strength; 0: nothing is left to do. */
static int begin(struct making *m, const struct account_new *like, const struct name *address) {
    m->password = like->password;
    m->accept_weak = like->accept_weak;
    if (like->password.len > 0 && like->imported.len > 0)
        return problem_set(m->problem, -EINVAL,
                           N_("either a password or a hash is taken, not both"));
    if (like->imported.len > 0)
        return password_import(like->imported, m->hash, m->problem);
    if (!like->password.ptr)
        return 0;
    int r = password_check_form(like->password, m->problem);
    if (r < 0)
        return r;
    add_words(m, like->name);
    add_words(m, address->local);
    add_words(m, address->domain);
    return 1;
}

int password_prepare(struct directory *d, const struct account_new *like,
                     const struct name *address, char hash[static PASSWORD_HASH_MAX],
                     struct problem *problem) {
    struct making m = {
        .cost = like->minimal_cost ? PASSWORD_COST_MIN : d->cost, .hash = hash, .problem = problem};
    hash[0] = '\0';
    int r = begin(&m, like, address);
    return r <= 0 ? r : offload(OFFLOAD_KDF, make_job, &m);
}

int password_judge(const struct account_new *like, const struct name *address,
                   struct problem *problem) {
    char hash[PASSWORD_HASH_MAX];
    struct making m = {.hash = hash, .problem = problem};
    int r = begin(&m, like, address);
    return r <= 0 ? r : offload(OFFLOAD_KDF, judge_job, &m);
}
