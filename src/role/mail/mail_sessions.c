/* SPDX-License-Identifier: ISC */
#include "role/mail/mail_sessions.h"

#include <errno.h>

#include "base/alloc.h"
#include "role/ticket.h"

void mail_sessions_init(struct mail *m) {
    m->doors = &all_doors;
    list_init(&m->sessions);
    fiber_cond_init(&m->session_ended);
    ended_logins_init(&m->ended, TICKET_LIFE);
}

struct session_count {
    uint64_t account;
    unsigned sessions;
};

/* Visits do not count: each is of a session that does, of who visits. */
static void count_session(struct mail *m, uint64_t account) {
    struct session_count *count = map_get(&m->session_counts, map_u64(&account));
    if (!count) {
        count = NEW(struct session_count);
        count->account = account;
        (void)map_put(&m->session_counts, map_u64(&count->account), count);
    }
    count->sessions++;
}

static void uncount_session(struct mail *m, uint64_t account) {
    struct session_count *count = map_get(&m->session_counts, map_u64(&account));
    if (--count->sessions == 0) {
        (void)map_remove(&m->session_counts, map_u64(&account));
        free(count);
    }
}

static void session_enter(struct mail_session *s) {
    struct mail *m = s->process->state;
    if (!s->owner)
        count_session(m, s->account);
    m->session_count++;
    list_append(&m->sessions, &s->link);
}

static void session_done(struct mail_session *s) {
    stream_free(s->stream);
    buf_done(&s->passed_on);
    free(s->address);
    free(s->owner);
}

static void session_leave(struct mail_session *s) {
    struct mail *m = s->process->state;
    if (!s->owner)
        uncount_session(m, s->account);
    link_remove(&s->link);
    m->session_count--;
    fiber_cond_wake_all(&m->session_ended);
    session_done(s);
}

/* It moves to the stack of its fiber, and its stream, too: a silent session keeps one page of that,
 * where there is room. */
static void run_session(void *arg) WAITS {
    struct mail_session *begun = arg, s = *begun;
    struct mail *m = s.process->state;
    struct stream_room room;
    s.stream = stream_settle(s.stream, &room);
    link_remove(&begun->link);
    list_append(&m->sessions, &s.link);
    free(begun);
    s.fiber = fiber_self();
    if (!s.ended) {
        s.door->session(&s);
        (void)stream_shutdown(s.stream);
    }
    session_leave(&s);
}

/* The client is told why, in his protocol; the event log hears of it when there is a reason. */
static void end_session(struct mail_session *s, const char *why, const char *reason) {
    if (s->ended)
        return;
    s->ended = why;
    if (s->fiber) /* it has begun */
        fiber_cancel(s->fiber);
    if (!reason)
        return;
    struct event_fact facts[] = {
        {S(FACT_LOGIN), slice_of_str(s->address)},
        {S(FACT_CLIENT), slice_of_str(s->peer)},
        {S(FACT_SERVICE), s->door->service},
        {S(FACT_REASON), slice_of_str(reason)},
    };
    process_event(s->process, 0, KIND_SESSION, facts, ARRAY_SIZE(facts),
                  "A session of %s from %s for %.*s was ended, since %s.", s->address, s->peer,
                  SLICE_ARG(s->door->service), reason);
}

/* True: one that was silent makes room for another. */
static bool end_silent(struct mail *m, uint64_t account) {
    struct mail_session *silent = NULL;
    LIST_EACH (s, &m->sessions, struct mail_session, link)
        if (s->account == account && !s->owner && !s->ended &&
            (!silent || stream_heard(s->stream) < stream_heard(silent->stream)))
            silent = s;
    if (!silent || fiber_now() - stream_heard(silent->stream) < MAIL_SILENT)
        return false;
    end_session(silent, MAIL_ENDED_CROWD, SESSION_CROWDED);
    return true;
}

static void allow(struct mail_session *s, uint64_t quota) {
    const struct mail *m = s->process->state;
    s->quota = quota;
    s->allowed = quota > 0 ? quota : m->usual_quota;
}

static struct mail_session *session_new(struct process *p, const struct door *door,
                                        uint64_t account, uint64_t quota, struct slice peer) {
    struct mail_session *s = NEW(struct mail_session);
    s->process = p;
    s->door = door;
    s->account = account;
    (void)slice_to_str(slice_first(peer, sizeof s->peer - 1), s->peer, sizeof s->peer);
    allow(s, quota);
    return s;
}

static int begin_session(struct mail_session *s, int connection, struct slice unread) {
    int r = stream_from_fd(connection, &s->stream);
    if (r < 0) {
        session_done(s);
        free(s);
        return r;
    }
    r = stream_unread(s->stream, unread);
    session_enter(s);
    if (r == 0)
        r = fiber_spawn_under(s->process->root, "session", run_session, s);
    if (r < 0) {
        session_leave(s);
        free(s);
    }
    return r;
}

int mail_on_session(void *arg, const struct rpc_caller *caller,
                    const struct rpc_mail_session_in *in, struct arena *a,
                    struct rpc_mail_session_out *out, struct problem *problem) {
    struct process *p = arg;
    struct mail *m = p->state;
    const struct door *door = doors_find_session(m->doors, in->service);
    const struct ticket_for who = {in->service, in->account, in->address};
    (void)a;
    (void)out;
    if (in->connection < 0)
        return problem_set(problem, -EINVAL, "no connection was passed");
    if (m->stopping || !mail_owns(p, in->account)) {
        (void)close(in->connection);
        return problem_set(problem, -E_TEMPORARY,
                           m->stopping ? "the server is being stopped"
                                       : "the account belongs to another mail process");
    }
    if (!door || ticket_check(p->secret, in->ticket, &who, fiber_wall(), TICKET_LIFE) < 0 ||
        ended_logins_have(&m->ended, in->account, ticket_made(in->ticket))) {
        (void)close(in->connection);
        return problem_set(problem, -E_REFUSED, "the edge showed no valid login for this mailbox");
    }
    const struct session_count *count = map_get(&m->session_counts, map_u64(&in->account));
    if (count && count->sessions >= MAIL_SESSIONS_MAX && !end_silent(m, in->account)) {
        (void)close(in->connection);
        return problem_set(problem, -E_BUSY,
                           "the account has %u conversations at its mailbox already",
                           count->sessions);
    }
    struct mail_session *s = session_new(p, door, in->account, in->quota, in->peer);
    s->home = in->account;
    s->home_quota = in->quota;
    s->tls = in->tls;
    s->edge = caller->worker;
    s->carried = in->carried;
    s->address = mem_str(in->address);
    buf_add(&s->passed_on, in->passed_on);
    return begin_session(s, in->connection, in->unread);
}

/* What is about the owner's login is not asked: it is the user's that counts, where he came in. */
int mail_on_visit(void *arg, const struct rpc_caller *caller, const struct rpc_mail_visit_in *in,
                  struct arena *a, struct rpc_mail_visit_out *out, struct problem *problem) {
    struct process *p = arg;
    struct mail *m = p->state;
    (void)caller;
    (void)a;
    (void)out;
    const struct door *door = doors_find_session(m->doors, in->service);
    if (in->connection < 0)
        return problem_set(problem, -EINVAL, "no connection was passed");
    if (!door || m->stopping || !mail_owns(p, in->account)) {
        (void)close(in->connection);
        return problem_set(problem, -E_TEMPORARY,
                           m->stopping ? "the server is being stopped"
                                       : "the account belongs to another mail process");
    }
    struct mail_session *s = session_new(p, door, in->account, in->quota, in->peer);
    s->address = mem_str(in->user);
    s->owner = mem_str(in->owner);
    s->home = in->home;
    s->home_quota = in->home_quota;
    buf_add(&s->passed_on, in->passed_on);
    return begin_session(s, in->connection, S(""));
}

int mail_on_end_sessions(void *arg, const struct rpc_caller *caller,
                         const struct rpc_mail_end_sessions_in *in, struct arena *a,
                         struct rpc_mail_end_sessions_out *out, struct problem *problem) {
    struct mail *m = ((struct process *)arg)->state;
    (void)caller;
    (void)a;
    (void)out;
    (void)problem;
    ended_logins_add(&m->ended, in->account, in->before);
    LIST_EACH (s, &m->sessions, struct mail_session, link)
        if (s->account == in->account)
            end_session(s, s->owner ? MAIL_ENDED_OWNER : MAIL_ENDED_LOGIN, SESSION_LOGIN_ENDED);
    return 0;
}

int mail_on_set_quota(void *arg, const struct rpc_caller *caller,
                      const struct rpc_mail_set_quota_in *in, struct arena *a,
                      struct rpc_mail_set_quota_out *out, struct problem *problem) {
    struct mail *m = ((struct process *)arg)->state;
    (void)caller;
    (void)a;
    (void)out;
    (void)problem;
    LIST_EACH (s, &m->sessions, struct mail_session, link)
        if (s->account == in->account)
            allow(s, in->quota);
    LIST_EACH (s, &m->sessions, struct mail_session, link)
        if (s->home == in->account)
            s->home_quota = in->quota;
    return 0;
}

void mail_sessions_usual_quota(struct mail *m, uint64_t quota) {
    m->usual_quota = quota;
    LIST_EACH (s, &m->sessions, struct mail_session, link)
        allow(s, s->quota);
}

int mail_on_farewell(void *arg, const struct rpc_caller *caller,
                     const struct rpc_mail_farewell_in *in) {
    struct mail *m = ((struct process *)arg)->state;
    (void)in;
    LIST_EACH (s, &m->sessions, struct mail_session, link)
        if (s->tls && s->edge == caller->worker)
            end_session(s, MAIL_ENDED_STOP, NULL);
    return 0;
}

void mail_end_sessions(struct mail *m) {
    LIST_EACH (s, &m->sessions, struct mail_session, link)
        end_session(s, MAIL_ENDED_STOP, NULL);
    while (m->session_count > 0 && fiber_cond_wait(&m->session_ended) == 0)
        ;
    if (m->session_count > 0)
        return;
    map_done(&m->session_counts);
    fiber_turns_done(&m->sorting);
}
