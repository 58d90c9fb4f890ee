/* SPDX-License-Identifier: ISC */
/*
 * Logins at the directory role. Where the source of accounts may ask a client on, a login has a
 * fiber of its own, so that the source reads top to bottom: a call of the edge brings what the
 * client said last, and takes what he is asked next, or the outcome. Between two calls the login
 * waits for the edge, and only the edge that began it can go on.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/random.h"
#include "role/directory/directory_role.h"
#include "role/ticket.h"

#define CONVERSATIONS_MAX 1000U /* at a time */
#define STEP_LIMIT        (2 * USEC_MIN)

struct conversation {
    struct login_talk talk;
    struct process *process;
    unsigned edge;
    uint64_t number;
    struct arena arena; /* of the request and of all that is said */
    struct slice service;
    struct login_request request;
    struct slice challenge, response;
    bool asking; /* the client is to answer the challenge */
    bool called; /* a call waits for what comes next */
    bool over;
    int result; /* behind that */
    struct login login;
    struct problem reason;
    struct fiber_cond changed;
};

static void conversation_free(struct conversation *c) {
    (void)map_remove(&directory_role(c->process)->conversations, map_u64(&c->number));
    mem_wipe((char *)(uintptr_t)c->request.password.ptr, c->request.password.len);
    mem_wipe((char *)(uintptr_t)c->response.ptr, c->response.len);
    arena_done(&c->arena);
    free(c);
}

static void answer(struct process *p, struct slice service, const struct login *login,
                   const struct problem *reason, struct arena *a, struct login *ret,
                   struct slice *ret_ticket) {
    *ret = *login;
    ret->address = arena_copy(a, login->address);
    ret->reason = arena_copy(a, slice_of_str(reason->text));
    if (login->outcome == LOGIN_WELCOME)
        *ret_ticket =
            ticket_make(p->secret, &(struct ticket_for){service, login->account_id, login->address},
                        fiber_wall(), a);
}

/* ------------------------------------------------------------------ in the login's fiber */

/* A client who does not answer in time is refused. */
static int ask(struct login_talk *talk, struct slice challenge, struct arena *a,
               struct slice *ret_response) WAITS {
    struct conversation *c = CONTAINER_OF(talk, struct conversation, talk);
    usec_t until = fiber_now() + STEP_LIMIT;
    c->challenge = slice_first(challenge, LOGIN_CHALLENGE_MAX);
    c->asking = true;
    fiber_cond_wake_all(&c->changed);
    while (c->asking) {
        int r = fiber_cond_wait_until(&c->changed, until);
        if (r < 0)
            return r == -ETIMEDOUT ? -E_REFUSED : r;
    }
    *ret_response = arena_copy(a, c->response);
    return 0;
}

static void run(void *arg) WAITS {
    struct conversation *c = arg;
    c->result =
        directory_login(directory_of(c->process), &c->request, &c->arena, &c->login, &c->reason);
    c->asking = false;
    c->over = true;
    if (c->called)
        fiber_cond_wake_all(&c->changed);
    else
        conversation_free(c); /* nobody asks for the outcome any more */
}

/* ------------------------------------------------------------------ in calls */

/* What comes next: a challenge, or the outcome, with which the conversation ends. */
static int await(struct conversation *c, struct arena *a, struct login *ret,
                 struct slice *ret_ticket) WAITS {
    int r = 0;
    c->called = true;
    while (r == 0 && !c->asking && !c->over)
        r = fiber_cond_wait(&c->changed);
    c->called = false;
    if (c->over) {
        r = r < 0 ? r : c->result;
        if (r == 0)
            answer(c->process, c->service, &c->login, &c->reason, a, ret, ret_ticket);
        conversation_free(c);
    } else if (r == 0) {
        *ret = (struct login){.outcome = LOGIN_CHALLENGE,
                              .challenge = arena_copy(a, c->challenge),
                              .conversation = c->number};
    }
    return r;
}

static int converse(struct process *p, const struct rpc_caller *caller,
                    const struct rpc_directory_login_in *in, struct arena *a, struct login *ret,
                    struct slice *ret_ticket) WAITS {
    struct map *all = &directory_role(p)->conversations;
    if (all->count >= CONVERSATIONS_MAX) {
        *ret = (struct login){.outcome = LOGIN_TEMPORARY,
                              .reason = S("too many logins wait for people to answer")};
        return 0;
    }
    struct conversation *c = NEW(struct conversation);
    const struct login_request *from = &in->request;
    c->talk.ask = ask;
    c->process = p;
    c->edge = caller->worker;
    c->service = arena_copy(&c->arena, in->service);
    c->request = (struct login_request){.name = arena_copy(&c->arena, from->name),
                                        .act_as = arena_copy(&c->arena, from->act_as),
                                        .password = arena_copy(&c->arena, from->password),
                                        .stamp = arena_copy(&c->arena, from->stamp),
                                        .digest = arena_copy(&c->arena, from->digest),
                                        .peer = arena_copy(&c->arena, from->peer),
                                        .talk = &c->talk};
    fiber_cond_init(&c->changed);
    random_bytes((char *)&c->number, sizeof c->number);
    (void)map_put(all, map_u64(&c->number), c);
    int r = fiber_spawn_under(p->root, "login", run, c);
    if (r < 0) {
        conversation_free(c);
        return r;
    }
    return await(c, a, ret, ret_ticket);
}

int directory_on_login(void *arg, const struct rpc_caller *caller,
                       const struct rpc_directory_login_in *in, struct arena *a,
                       struct rpc_directory_login_out *out, struct problem *problem) {
    struct process *p = arg;
    struct login login = {0};
    struct problem reason = {0};
    if (in->request.peer.len != 4 && in->request.peer.len != 16)
        return problem_set(problem, -E_REFUSED, "a login that comes from nowhere");
    if (directory_login_asks(directory_of(p)))
        return converse(p, caller, in, a, &out->login, &out->ticket);
    int r = directory_login(directory_of(p), &in->request, a, &login, &reason);
    if (r == 0)
        answer(p, in->service, &login, &reason, a, &out->login, &out->ticket);
    return r;
}

int directory_on_login_step(void *arg, const struct rpc_caller *caller,
                            const struct rpc_directory_login_step_in *in, struct arena *a,
                            struct rpc_directory_login_step_out *out, struct problem *problem) {
    struct process *p = arg;
    struct conversation *c = map_get(&directory_role(p)->conversations, map_u64(&in->conversation));
    if (!c || c->edge != caller->worker || !c->asking)
        return problem_set(problem, -E_UNKNOWN, "no login waits for this response");
    c->response = arena_copy(&c->arena, in->response);
    c->asking = false;
    fiber_cond_wake_all(&c->changed);
    return await(c, a, &out->login, &out->ticket);
}
