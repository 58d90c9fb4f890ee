/* SPDX-License-Identifier: ISC */
/*
 * The order of a login: find out which address the name means; wait for one's turn (throttle.h),
 * which that address has, not the name: one address can be spelled in thousands of ways; find the
 * row of the account, and with it the networks that are no newcomers there; wait for a token,
 * coming from any other (newcomer.h); verify the password, in full or from memory (remembered.h);
 * only then look at everything else that could refuse it, so that neither the time nor the answer
 * tells a stranger which names exist, or which are disabled: their passwords are never remembered.
 * What is held back is counted from the moment at which the attempt had its turn, so a refusal
 * comes at a time that does not depend on what was done meanwhile.
 *
 * Checking a password takes a while in which the account may be changed, disabled or removed. So
 * the row is looked up again at the end, if anything was changed, and nothing waits behind that:
 * whoever ends an account's sessions after a change finds all that came of an older row.
 *
 * A hash that is older or weaker than what is made now is replaced while the password is at hand;
 * a wrong password against such a hash also pays for a full one, so that it does not answer faster
 * than a name that does not exist.
 */
#include <errno.h>

#include "auth/apop.h"
#include "base/alloc.h"
#include "directory/internal.h"
#include "fiber/wait.h"

/* ------------------------------------------------------------------ the row */

struct row {
    struct arena *arena;
    struct slice address; /* asked for */
    uint64_t account_id;  /* 0: there is no such account */
    uint32_t shard;
    bool enabled;
    struct slice hash, apop;
    struct known_networks networks; /* from which it was logged in to */
    bool newcomer;                  /* the attempt comes from none of them */
    usec_t patience;                /* until when it may wait */
};

static int row_job(struct db *db, void *arg) {
    struct row *row = arg;
    sqlite3_stmt *s = NULL;
    int r = db_row(db, &s,
                   "SELECT a.account_id, shard, enabled, password, apop, networks FROM account a"
                   " LEFT JOIN login_network n ON n.account_id = a.account_id"
                   " WHERE address = ?1",
                   V_TEXT(row->address));
    if (r == 1) {
        row->account_id = db_u64(s, 0);
        row->shard = (uint32_t)db_u64(s, 1);
        row->enabled = db_u64(s, 2) != 0;
        row->hash = db_copy(s, 3, row->arena);
        row->apop = db_copy(s, 4, row->arena);
        known_networks_read(&row->networks, db_copy(s, 5, row->arena));
    }
    return MIN(r, 0);
}

/* The canonical address meant by a login name; -E_UNKNOWN when it cannot be anybody's. */
static int canonical(struct directory *d, struct slice login_name, struct arena *a,
                     struct slice *ret, struct problem *problem) WAITS {
    struct name name;
    struct facts domain;
    if (slice_find_byte(login_name, '@') < 0) {
        struct slice host = {0};
        int r = directory_host_domain(d, false, a, &host);
        if (r < 0)
            return r;
        if (host.len == 0)
            return problem_set(problem, -E_UNKNOWN,
                               "the login name \"%.*s\" has no domain, and there is no default "
                               "domain",
                               SLICE_ARG(login_name));
        login_name = arena_printf(a, "%.*s@%.*s", SLICE_ARG(login_name), SLICE_ARG(host));
    }
    if (name_parse(a, login_name, &name, problem) < 0)
        return -E_UNKNOWN;
    int r = directory_lookup(d, name_domain_key(&name), a, &domain);
    if (r == 0 && domain.type == DOMAIN_ALIAS)
        r = name_move(a, &name, domain.target, &name);
    if (r == 0)
        *ret = name.text;
    return r;
}

/* The address of the row; it stays empty when the name cannot be anybody's. */
static int find_address(struct directory *d, const struct login_request *request, struct row *row,
                        struct problem *problem) WAITS {
    int r = canonical(d, request->name, row->arena, &row->address, problem);
    return r == -E_UNKNOWN ? 0 : r;
}

/* A row in any case: with account_id 0 when there is nobody of that name. */
static int find_row(struct directory *d, struct row *row, struct problem *problem) WAITS {
    if (row->address.len == 0)
        return 0;
    int r = directory_run(d, JOB_READ, row_job, row, problem);
    if (r == 0 && row->account_id == 0)
        (void)problem_set(problem, 0, "there is no account %.*s", SLICE_ARG(row->address));
    return r;
}

/* ------------------------------------------------------------------ passwords */

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
static int verify(struct directory *d, const struct row *row, struct verifying *v,
                  struct problem *problem) WAITS {
    if (!row->newcomer)
        return offload(OFFLOAD_KDF, verify_job, v);
    struct fiber_deadline deadline = fiber_deadline_begin(row->patience);
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
static int check_password(struct directory *d, struct row *row, struct slice password,
                          struct problem *problem) WAITS {
    struct verifying v = {.password = password, .cost = d->cost};
    if (row->enabled &&
        remembered_has(d->remembered, row->account_id, row->hash, password, fiber_now()))
        return 0;
    if (row->account_id > 0)
        (void)slice_to_str(row->hash, v.hash, sizeof v.hash);
    int r = verify(d, row, &v, problem);
    if (r == -ENOMEM)
        return problem_set(problem, r, "there is not enough memory to verify a password");
    if (r == -E_TEMPORARY || r == -ECANCELED)
        return r;
    if (row->account_id == 0)
        return -E_REFUSED;
    if (r < 0)
        return problem_set(problem, -E_REFUSED,
                           !v.hash[0]        ? "%.*s has no password"
                           : r == -E_REFUSED ? "wrong password for %.*s"
                                             : "the stored hash of %.*s cannot be read",
                           SLICE_ARG(row->address));
    if (v.new_hash[0] && !d->read_only) {
        struct renewal renewal = {row->account_id, row->hash, slice_of_str(v.new_hash)};
        if (directory_run(d, JOB_RECORD, renew_job, &renewal, NULL) == 1)
            row->hash = arena_copy(row->arena, renewal.new_hash);
    }
    if (row->enabled)
        remembered_add(d->remembered, row->account_id, row->hash, password, fiber_now());
    return 0;
}

static int check_apop(struct directory *d, struct row *row, const struct login_request *request,
                      struct problem *problem) {
    struct slice secret = {0};
    if (!d->key.present) /* whoever asks: the answer must not record_change who has a secret */
        return problem_set(problem, -E_TEMPORARY, "the key that opens APOP secrets is missing");
    if (row->account_id > 0 && row->apop.len > 0) {
        if (seal_open(&d->key, row->account_id, row->apop, row->arena, &secret) < 0)
            return problem_set(problem, -E_TEMPORARY,
                               "the APOP secret of %.*s was sealed with another key",
                               SLICE_ARG(row->address));
    }
    int r = apop_verify(request->stamp, secret, request->digest);
    mem_wipe((char *)(uintptr_t)secret.ptr, secret.len);
    if (row->account_id == 0)
        return -E_REFUSED;
    if (secret.len == 0)
        return problem_set(problem, -E_REFUSED, "%.*s has no APOP secret", SLICE_ARG(row->address));
    if (r == -E_REFUSED)
        return problem_set(problem, r, "wrong APOP digest for %.*s", SLICE_ARG(row->address));
    return r;
}

/* ------------------------------------------------------------------ the login */

typedef int check_fn(struct directory *d, struct row *row, const struct login_request *request,
                     struct problem *problem) WAITS;

static int check_by_password(struct directory *d, struct row *row,
                             const struct login_request *request, struct problem *problem) WAITS {
    return check_password(d, row, request->password, problem);
}

/* Who acts for somebody else than himself is refused. */
static int check_act_as(struct directory *d, const struct row *row,
                        const struct login_request *request, struct problem *problem) WAITS {
    struct slice other = {0};
    if (request->act_as.len == 0)
        return 0;
    int r = canonical(d, request->act_as, row->arena, &other, NULL);
    if (r == 0 && slice_eq(other, row->address))
        return 0;
    return r < 0 && r != -E_UNKNOWN
               ? r
               : problem_set(problem, -E_REFUSED, "%.*s asked to act as \"%.*s\"",
                             SLICE_ARG(row->address), SLICE_ARG(request->act_as));
}

/* Under what failures are counted: however a name is spelled, they are those of one account. */
static struct slice counted_name(const struct login_request *request, const struct row *row) {
    return row->address.len > 0 ? row->address : request->name;
}

/* 0: the attempt has waited as long as it has to; 1: that is too long; negative: a cut wait. */
static int wait_within(usec_t wait, usec_t patience) WAITS {
    if (wait > patience)
        return 1;
    return wait > 0 ? fiber_sleep(wait) : 0;
}

static int wait_for_turn(struct directory *d, const struct login_request *request,
                         const struct row *row) WAITS {
    if (request->peer.len == 0)
        return 0;
    usec_t wait = throttle_enter(d->throttle, request->peer, counted_name(request, row),
                                 fiber_now(), LOGIN_WAIT_MAX);
    return wait_within(wait, LOGIN_WAIT_MAX);
}

static bool is_newcomer(const struct directory *d, const struct login_request *request,
                        const struct row *row) {
    const struct known_networks *newer = directory_newer_networks(d, row->account_id);
    return request->peer.len > 0 &&
           !known_networks_have(newer ? newer : &row->networks, request->peer);
}

static int wait_for_token(struct directory *d, const struct login_request *request,
                          const struct row *row) WAITS {
    usec_t now = fiber_now(), patience = MAX(row->patience - now, (usec_t)0);
    return wait_within(newcomers_enter(d->newcomers, counted_name(request, row), now, patience),
                       patience);
}

static int check_enabled(const struct row *row, struct problem *problem) {
    return row->enabled
               ? 0
               : problem_set(problem, -E_REFUSED, "%.*s is disabled", SLICE_ARG(row->address));
}

/* Whether the row is still as it was at `changes`, when it was read; no change is missed. */
static int check_unchanged(struct directory *d, const struct row *row, uint64_t changes,
                           struct problem *problem) WAITS {
    while (d->changes != changes) {
        struct row now = {.arena = row->arena, .address = row->address};
        changes = d->changes;
        int r = find_row(d, &now, problem);
        if (r < 0)
            return r;
        if (now.account_id != row->account_id || !now.enabled || !slice_eq(now.hash, row->hash) ||
            !slice_eq(now.apop, row->apop))
            return problem_set(problem, -E_REFUSED, "%.*s was changed during the login",
                               SLICE_ARG(row->address));
    }
    return 0;
}

static int refuse(struct directory *d, const struct login_request *request, const struct row *row,
                  usec_t began, struct login *ret) {
    *ret = (struct login){.outcome = LOGIN_WRONG};
    if (request->peer.len > 0) {
        usec_t delay =
            throttle_failed(d->throttle, request->peer, counted_name(request, row), began);
        ret->hold = MAX(began + delay - fiber_now(), (usec_t)0);
    }
    return 0;
}

static int welcome(struct directory *d, const struct login_request *request, const struct row *row,
                   struct login *ret) {
    if (request->peer.len > 0)
        throttle_succeeded(d->throttle, request->peer, row->address);
    *ret = (struct login){.outcome = LOGIN_WELCOME,
                          .account_id = row->account_id,
                          .shard = row->shard,
                          .address = row->address};
    return 0;
}

static int turn_away(const struct login_request *request, const struct row *row, struct login *ret,
                     struct problem *problem) {
    *ret = (struct login){.outcome = LOGIN_THROTTLED};
    return problem_set(problem, 0, "too many failed logins for \"%.*s\" from %s",
                       SLICE_ARG(request->name),
                       row->newcomer ? "networks that have not logged in as it before" : "there");
}

/* Everything behind the waits. 0: welcome. */
static int judge(struct directory *d, const struct login_request *request, check_fn *check,
                 struct row *row, uint64_t changes, struct problem *problem) WAITS {
    int r = check(d, row, request, problem);
    if (r == 0)
        r = check_act_as(d, row, request, problem);
    if (r == 0)
        r = check_enabled(row, problem);
    if (r == 0)
        (void)directory_note_login(d, row->account_id, request->peer, &row->networks);
    if (r == 0)
        r = check_unchanged(d, row, changes, problem);
    return r;
}

static int login(struct directory *d, const struct login_request *request, check_fn *check,
                 struct arena *a, struct login *ret, struct problem *problem) WAITS {
    struct row row = {.arena = a, .patience = fiber_now() + LOGIN_WAIT_MAX};
    int r = find_address(d, request, &row, problem);
    if (r == 0)
        r = wait_for_turn(d, request, &row);
    uint64_t changes = d->changes;
    if (r == 0)
        r = find_row(d, &row, problem);
    if (r == 0) {
        row.newcomer = is_newcomer(d, request, &row);
        r = row.newcomer ? wait_for_token(d, request, &row) : 0;
    }
    if (r == 1)
        return turn_away(request, &row, ret, problem);
    usec_t began = fiber_now();
    if (r == 0)
        r = judge(d, request, check, &row, changes, problem);
    if (r == 0 && row.newcomer)
        newcomers_give_back(d->newcomers, counted_name(request, &row));
    if (r == 0)
        return welcome(d, request, &row, ret);
    if (r == -E_REFUSED)
        return refuse(d, request, &row, began, ret);
    if (r == -ECANCELED || r == -ETIMEDOUT)
        return r;
    *ret = (struct login){.outcome = LOGIN_TEMPORARY};
    return 0;
}

int directory_login(struct directory *d, const struct login_request *request, struct arena *a,
                    struct login *ret, struct problem *problem) {
    return login(d, request, request->digest.len > 0 ? check_apop : check_by_password, a, ret,
                 problem);
}

void directory_set_login_delays(struct directory *d, usec_t first, usec_t most) {
    throttle_set_delays(d->throttle, first, most);
}
