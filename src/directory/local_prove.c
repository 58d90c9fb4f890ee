/* SPDX-License-Identifier: ISC */
/*
 * Proving who one is with what directory.db has: a hash of the password, or the sealed secret of
 * APOP. Who does not exist costs as much time as a wrong password; passwords of accounts that are
 * disabled are never remembered.
 *
 * A hash that is older or weaker than what is made now is replaced while the password is at hand;
 * a wrong password against such a hash also pays for a full one, so that it does not answer faster
 * than a name that does not exist.
 */
#include <errno.h>

#include "auth/apop.h"
#include "base/alloc.h"
#include "directory/local.h"
#include "fiber/wait.h"

struct verifying {
    struct slice password;
    struct password_cost cost;
    char hash[PASSWORD_HASH_MAX]; /* "": nobody's */
    bool outdated;
    char new_hash[PASSWORD_HASH_MAX]; /* "": none made */
};

static int verify_job(void *arg) {
    struct verifying *v = arg;
    if (!v->hash[0])
        return password_verify_nobody(v->password, v->cost);
    int r = password_verify(v->password, v->hash);
    v->outdated = password_is_outdated(v->hash, v->cost);
    if (!v->outdated)
        return r;
    if (r < 0)
        (void)password_verify_nobody(v->password, v->cost);
    else if (password_hash(v->password, v->cost, v->new_hash) < 0)
        v->new_hash[0] = '\0';
    return r;
}

struct renewal {
    uint64_t account_id;
    struct slice old_hash, new_hash;
};

static int renew_job(struct db *db, void *arg) {
    const struct renewal *r = arg;
    int error =
        db_run(db, "UPDATE account SET password = ?1 WHERE account_id = ?2 AND password = ?3",
               V_TEXT(r->new_hash), V(r->account_id), V_TEXT(r->old_hash));
    return error ? error : db_changes(db);
}

/*
 * Newcomers hash at most as many at a time as there are threads for it, so that a crowd of them,
 * each with another name, stands in nobody's way who comes from where he was before.
 */
static int verify(struct directory *d, const struct login_attempt *attempt, struct verifying *v,
                  struct problem *problem) WAITS {
    if (!attempt->newcomer)
        return offload(OFFLOAD_KDF, verify_job, v);
    struct fiber_deadline deadline = fiber_deadline_begin(attempt->patience);
    int r = fiber_gate_enter(&d->hashing);
    fiber_deadline_end(&deadline);
    if (r == -ETIMEDOUT)
        return problem_set(problem, -E_TEMPORARY, "too many others are logging in");
    if (r < 0)
        return r;
    r = offload(OFFLOAD_KDF, verify_job, v);
    fiber_gate_leave(&d->hashing);
    return r;
}

/* 0: the password is right; -E_REFUSED with the reason; others: not decided. */
static int check_password(struct directory *d, struct person *person,
                          const struct login_attempt *attempt, struct problem *problem) WAITS {
    struct slice password = attempt->request->password;
    struct verifying v = {.password = password, .cost = d->cost};
    if (person->enabled &&
        remembered_has(d->remembered, person->account_id, person->password, password, fiber_now()))
        return 0;
    if (person->account_id > 0)
        (void)slice_to_str(person->password, v.hash, sizeof v.hash);
    int r = verify(d, attempt, &v, problem);
    if (r == -ENOMEM)
        return problem_set(problem, r, "there is not enough memory to verify a password");
    if (r == -E_TEMPORARY || r == -ECANCELED)
        return r;
    if (person->account_id == 0)
        return -E_REFUSED;
    if (r < 0)
        return problem_set(problem, -E_REFUSED,
                           !v.hash[0]        ? "%.*s has no password"
                           : r == -E_REFUSED ? "wrong password for %.*s"
                                             : "the stored hash of %.*s cannot be read",
                           SLICE_ARG(person->address));
    if (v.new_hash[0] && !d->read_only) {
        struct renewal renewal = {person->account_id, person->password, slice_of_str(v.new_hash)};
        if (directory_run(d, JOB_RECORD, renew_job, &renewal, NULL) == 1)
            person->password = arena_copy(attempt->arena, renewal.new_hash);
    }
    if (person->enabled)
        remembered_add(d->remembered, person->account_id, person->password, password, fiber_now());
    return 0;
}

static int check_apop(struct directory *d, const struct person *person,
                      const struct login_attempt *attempt, struct problem *problem) {
    const struct login_request *request = attempt->request;
    struct slice secret = {0};
    if (!d->key.present) /* whoever asks: the answer must not give away who has a secret */
        return problem_set(problem, -E_TEMPORARY, "the key that opens APOP secrets is missing");
    if (person->account_id > 0 && person->apop.len > 0) {
        if (seal_open(&d->key, person->account_id, person->apop, attempt->arena, &secret) < 0)
            return problem_set(problem, -E_TEMPORARY,
                               "the APOP secret of %.*s was sealed with another key",
                               SLICE_ARG(person->address));
    }
    int r = apop_verify(request->stamp, secret, request->digest);
    mem_wipe((char *)(uintptr_t)secret.ptr, secret.len);
    if (person->account_id == 0)
        return -E_REFUSED;
    if (secret.len == 0)
        return problem_set(problem, -E_REFUSED, "%.*s has no APOP secret",
                           SLICE_ARG(person->address));
    if (r == -E_REFUSED)
        return problem_set(problem, r, "wrong APOP digest for %.*s", SLICE_ARG(person->address));
    return r;
}

int local_prove(struct directory_source *s, struct person *person,
                const struct login_attempt *attempt, struct problem *problem) {
    struct directory *d = directory_of_local(s);
    return attempt->request->digest.len > 0 ? check_apop(d, person, attempt, problem)
                                            : check_password(d, person, attempt, problem);
}
