/* SPDX-License-Identifier: ISC */
/*
 * The order of a login: find out which address the name means; wait for one's turn (throttle.h),
 * which that address has, not the name: one address can be spelled in thousands of ways; ask
 * the source who that is, and with it for the networks that are no newcomers there; wait for
 * tokens, coming from any other (newcomer.h); have the source prove him (source.h); only then look
 * at everything else that could refuse it, so that neither the time nor the answer tells a stranger
 * which names exist, or which are disabled.
 * What is held back is counted from the moment at which the attempt had its turn, so a refusal
 * comes at a time that does not depend on what was done meanwhile.
 *
 * A proof takes a while in which the account may be changed, disabled or removed. So the source is
 * asked again at the end, if anything was changed, and nothing waits behind that: whoever ends an
 * account's sessions after a change finds all that came of what was known before.
 */
#include <errno.h>

#include "directory/internal.h"
#include "fiber/wait.h"

/* ------------------------------------------------------------------ who it is */

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
    int r = directory_lookup(d, name_domain_key(&name), a, &domain, NULL);
    if (r == 0 && domain.type == DOMAIN_ALIAS)
        r = name_move(a, &name, domain.target, &name);
    if (r == 0)
        *ret = name.text;
    return r;
}

/* A person in any case: with account_id 0 when there is nobody of that name. */
static int find_person(struct directory *d, struct person *person, struct arena *a,
                       struct problem *problem) WAITS {
    if (person->address.len == 0)
        return 0;
    int r = d->source->ops->find(d->source, person, a, problem);
    if (r == 0 && person->account_id == 0)
        (void)problem_set(problem, 0, "there is no account %.*s", SLICE_ARG(person->address));
    if (r == 0 && person->account_id > 0 && !person->has_networks)
        r = directory_read_networks(d, person->account_id, &person->networks);
    return r;
}

/* ------------------------------------------------------------------ the login */

/* Who acts for somebody else than himself is refused. */
static int check_act_as(struct directory *d, const struct person *person,
                        const struct login_attempt *attempt, struct problem *problem) WAITS {
    const struct login_request *request = attempt->request;
    struct slice other = {0};
    if (request->act_as.len == 0)
        return 0;
    int r = canonical(d, request->act_as, attempt->arena, &other, NULL);
    if (r == 0 && slice_eq(other, person->address))
        return 0;
    return r < 0 && r != -E_UNKNOWN
               ? r
               : problem_set(problem, -E_REFUSED, "%.*s asked to act as \"%.*s\"",
                             SLICE_ARG(person->address), SLICE_ARG(request->act_as));
}

/* Under what failures are counted: however a name is spelled, they are those of one account. */
static struct slice counted_name(const struct login_request *request, const struct person *person) {
    return person->address.len > 0 ? person->address : request->name;
}

/* 0: the attempt has waited as long as it has to; 1: that is too long; negative: a cut wait. */
static int wait_within(usec_t wait, usec_t patience) WAITS {
    if (wait > patience)
        return 1;
    return wait > 0 ? fiber_sleep(wait) : 0;
}

/* Each source of attempts has its turn, whoever it asks for. */
static int wait_for_turn(struct directory *d, const struct login_request *request,
                         const struct person *person) WAITS {
    if (request->peer.len == 0)
        return 0;
    usec_t wait = throttle_enter(d->throttle, request->peer, counted_name(request, person),
                                 fiber_now(), LOGIN_WAIT_MAX);
    return wait_within(wait, LOGIN_WAIT_MAX);
}

/*
 * Whether all is still as it was at `changes`, when it was looked up; no change is missed. A source
 * that asks people takes its time, and may be changed without this process: it is asked once more.
 */
static int check_unchanged(struct directory *d, const struct person *person, struct arena *a,
                           uint64_t changes, struct problem *problem) WAITS {
    bool again = d->source->ops->asks;
    while (again || d->changes != changes) {
        struct person now = {.address = person->address};
        changes = d->changes;
        again = false;
        int r = find_person(d, &now, a, problem);
        if (r < 0)
            return r;
        if (now.account_id != person->account_id || !now.enabled ||
            !slice_eq(now.password, person->password) || !slice_eq(now.apop, person->apop))
            return problem_set(problem, -E_REFUSED, "%.*s was changed during the login",
                               SLICE_ARG(person->address));
    }
    return 0;
}

static int refuse(struct directory *d, const struct login_request *request,
                  const struct person *person, usec_t began, struct login *ret) {
    *ret = (struct login){.outcome = LOGIN_WRONG};
    if (request->peer.len > 0) {
        usec_t delay = throttle_failed(d->throttle, request->peer, counted_name(request, person),
                                       request->password, began);
        ret->hold = MAX(began + delay - fiber_now(), (usec_t)0);
    }
    return 0;
}

static int welcome(struct directory *d, const struct login_request *request,
                   const struct person *person, struct login *ret) {
    if (request->peer.len > 0)
        throttle_succeeded(d->throttle, request->peer, person->address);
    *ret = (struct login){.outcome = LOGIN_WELCOME,
                          .account_id = person->account_id,
                          .shard = directory_shard(d, person->account_id),
                          .address = person->address,
                          .quota = person->quota};
    return 0;
}

/* A network that has not logged in as this one before needs a token as well. */
static int wait_for_token(struct directory *d, const struct person *person,
                          struct login_attempt *attempt) WAITS {
    struct slice peer = attempt->request->peer;
    const struct known_networks *newer = directory_newer_networks(d, person->account_id);
    attempt->newcomer =
        peer.len > 0 && !known_networks_have(newer ? newer : &person->networks, peer);
    if (!attempt->newcomer)
        return 0;
    usec_t now = fiber_now(), patience = MAX(attempt->patience - now, (usec_t)0);
    usec_t wait = newcomers_enter(d->newcomers, peer, counted_name(attempt->request, person), now,
                                  patience, &attempt->sprays);
    return wait_within(wait, patience);
}

static int turn_away(const struct login_attempt *attempt, struct login *ret,
                     struct problem *problem) {
    *ret = (struct login){.outcome = LOGIN_THROTTLED};
    if (attempt->sprays)
        return problem_set(problem, 0, "too many failed logins from there, for \"%.*s\" and others",
                           SLICE_ARG(attempt->request->name));
    return problem_set(problem, 0, "too many failed logins for \"%.*s\" from %s",
                       SLICE_ARG(attempt->request->name),
                       attempt->newcomer ? "networks that have not logged in as it before"
                                         : "there");
}

/* Everything behind the waits. 0: welcome. */
static int judge(struct directory *d, struct person *person, const struct login_attempt *attempt,
                 uint64_t changes, struct problem *problem) WAITS {
    int r = d->source->ops->prove(d->source, person, attempt, problem);
    if (r == 0)
        r = check_act_as(d, person, attempt, problem);
    if (r == 0 && !person->enabled)
        r = problem_set(problem, -E_REFUSED, "%.*s is disabled", SLICE_ARG(person->address));
    if (r == 0)
        r = directory_vouch(d, person->account_id, problem);
    if (r == 0)
        (void)directory_note_login(d, person->account_id, attempt->request->peer,
                                   &person->networks);
    return r < 0 ? r : check_unchanged(d, person, attempt->arena, changes, problem);
}

int directory_login(struct directory *d, const struct login_request *request, struct arena *a,
                    struct login *ret, struct problem *problem) {
    struct person person = {0};
    struct login_attempt attempt = {
        .request = request, .arena = a, .patience = fiber_now() + LOGIN_WAIT_MAX};
    int r = canonical(d, request->name, a, &person.address, problem);
    if (r == -E_UNKNOWN) /* it cannot be anybody's, and the address stays empty */
        r = 0;
    if (r == 0)
        r = wait_for_turn(d, request, &person);
    uint64_t changes = d->changes;
    if (r == 0)
        r = find_person(d, &person, a, problem);
    if (r == 0)
        r = wait_for_token(d, &person, &attempt);
    if (r == 1)
        return turn_away(&attempt, ret, problem);
    usec_t began = fiber_now();
    if (r == 0)
        r = judge(d, &person, &attempt, changes, problem);
    if (r == 0 && attempt.newcomer)
        newcomers_give_back(d->newcomers, request->peer, counted_name(request, &person));
    if (r == 0)
        return welcome(d, request, &person, ret);
    if (r == -E_REFUSED)
        return refuse(d, request, &person, began, ret);
    if (r == -ECANCELED || r == -ETIMEDOUT)
        return r;
    *ret = (struct login){.outcome = LOGIN_TEMPORARY};
    return 0;
}

bool directory_login_asks(const struct directory *d) {
    return d->source->ops->asks;
}

void directory_set_login_delays(struct directory *d, usec_t first, usec_t most) {
    throttle_set_delays(d->throttle, first, most);
}
