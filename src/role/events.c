/* SPDX-License-Identifier: ISC */
/*
 * The events role: takes the events of all other roles, keeps them, writes them as lines of the
 * log, and answers what the postmaster asks. Nobody waits for it, and an error of its database or
 * the log never reaches the messages.
 *
 * The process can write in its own directory only. The file of `log { file }` comes from the master
 * as a descriptor, at the start and at every reload, and so does the socket of the syslog daemon
 * with `destination syslog`. Where stderr leads to the journal of systemd, lines go there in either
 * case, marked with their level instead of the time, which the journal has itself.
 */
#include "base/alloc.h"
#include "base/journal.h"
#include "events/kinds.h"
#include "journey/event_log.h"
#include "journey/lines.h"
#include "message/queue_id.h"
#include "role/events_reports.h"
#include "role/roles.h"

struct role_state {
    struct event_log *events;
    struct lines *lines;
    struct events_reports *reports;
};

/* ------------------------------------------------------------------ life */

static void on_added(void *arg, const struct event *event) {
    struct role_state *s = arg;
    lines_add(s->lines, event);
}

static int events_open(struct process *p, struct problem *problem) {
    struct role_state *s = NEW(struct role_state);
    enum conf_log_destination destination = p->conf->log.destination;
    struct lines_options lines = {
        .level = p->conf->log.level,
        .standard = destination == CONF_LOG_TO_NOWHERE ? -1 : STDERR_FILENO,
        .file = TAKE_FD(p->handed.log_file),
        .syslog = TAKE_FD(p->handed.log_socket),
        .marked = journal_has_stderr(),
    };
    struct event_log_options options = {
        .path = "events.db",
        .keep = p->conf->events.keep,
        .size_max = p->conf->events.size_max,
        .outside = p->outside,
        .added = on_added,
        .arg = s,
    };
    p->state = s;
    s->lines = lines_new(&lines);
    s->events = event_log_new(&options);
    int r = fiber_spawn_under(p->root, "events", event_log_work, s->events);
    s->reports = events_reports_new(p);
    if (r == 0)
        r = fiber_spawn_under(p->root, "log", lines_work, s->lines);
    if (r == 0)
        r = events_reports_start(s->reports);
    return r < 0 ? problem_set(problem, r, "no memory for the event log") : 0;
}

/* The log file is another one each time, since somebody may have put the old one away. */
static int events_reload(struct process *p, const struct conf *before,
                         struct problem *problem) WAITS {
    struct role_state *s = p->state;
    (void)before;
    (void)problem;
    event_log_set_limits(s->events, p->conf->events.keep, p->conf->events.size_max);
    lines_set_level(s->lines, p->conf->log.level);
    int old = lines_set_file(s->lines, TAKE_FD(p->handed.log_file));
    if (old >= 0)
        (void)close(old);
    old = lines_set_syslog(s->lines, TAKE_FD(p->handed.log_socket));
    if (old >= 0)
        (void)close(old);
    return 0;
}

static void events_stop(struct process *p) WAITS {
    struct role_state *s = p->state;
    events_reports_stop(s->reports);
    event_log_stop(s->events);
    lines_stop(s->lines);
}

/* ------------------------------------------------------------------ calls */

/*
 * What a process may not tell of. Changes of settings are the master's to report, those of DKIM
 * keys the keys role's, all others the directory's, by events.keep. An edge knows of messages to
 * which it gave the id itself: one in the hands of a stranger shall not say of others that they
 * have arrived.
 */
static const char *not_its_own(const struct rpc_caller *caller, const struct event *event) {
    if (slice_eq(event->kind, S(KIND_CHANGED)) && caller->role != ROLE_MASTER &&
        caller->role != ROLE_KEYS)
        return "a change that only the directory, keys and the master may report";
    if (slice_eq(event->kind, S(KIND_RESTORED)) && caller->role != ROLE_MAIL)
        return "restored messages that only the mail processes may report";
    if (caller->role == ROLE_EDGE && event->message != 0 &&
        queue_id_worker(event->message) != caller->worker)
        return "something about a message that another process has taken in";
    return NULL;
}

static int on_add(void *arg, const struct rpc_caller *caller, const struct rpc_events_add_in *in) {
    struct role_state *s = ((struct process *)arg)->state;
    const char *what = not_its_own(caller, &in->event);
    if (what)
        event_log_report(s->events, KIND_WARNING, "%s reported %s; the event was left out",
                         role_name(caller->role), what);
    else
        event_log_add(s->events, caller->role, &in->event);
    if (!what && caller->role == ROLE_QUEUE && slice_eq(in->event.kind, S(KIND_BOUNCED)))
        events_reports_failed(s->reports, in->event.message);
    return 0;
}

static int on_keep(void *arg, const struct rpc_caller *caller, const struct rpc_events_keep_in *in,
                   struct arena *a, struct rpc_events_keep_out *out,
                   struct problem *problem) WAITS {
    struct role_state *s = ((struct process *)arg)->state;
    struct event event = in->event;
    event.message = 0; /* a change of the directory belongs to none */
    (void)a;
    (void)out;
    return event_log_keep(s->events, caller->role, &event, problem);
}

static int on_find(void *arg, const struct rpc_caller *caller, const struct rpc_events_find_in *in,
                   struct arena *a, struct rpc_events_find_out *out,
                   struct problem *problem) WAITS {
    struct role_state *s = ((struct process *)arg)->state;
    queue_id *list = NULL;
    size_t count = 0;
    (void)caller;
    struct event_log_search search = {
        .words = in->words, .count = in->words_count, .first = in->first, .last = in->last};
    int r = event_log_find(s->events, &search, in->limit, a, &list, &count, problem);
    if (r < 0)
        return r;
    out->messages = arena_array(a, count, sizeof *out->messages);
    out->messages_count = count;
    for (size_t i = 0; i < count; i++) {
        char *text = arena_alloc(a, QUEUE_ID_SIZE);
        out->messages[i].text = queue_id_format(list[i], text);
    }
    return 0;
}

static int on_journey(void *arg, const struct rpc_caller *caller,
                      const struct rpc_events_journey_in *in, struct arena *a,
                      struct rpc_events_journey_out *out, struct problem *problem) WAITS {
    struct role_state *s = ((struct process *)arg)->state;
    struct event_list events;
    (void)caller;
    int r = event_log_journey(s->events, in->message, in->after, in->wait, a, &events, problem);
    if (r < 0)
        return r;
    out->events = events.list;
    out->events_count = events.count;
    return 0;
}

static int on_log(void *arg, const struct rpc_caller *caller, const struct rpc_events_log_in *in,
                  struct arena *a, struct rpc_events_log_out *out, struct problem *problem) WAITS {
    struct role_state *s = ((struct process *)arg)->state;
    struct event_log_question question = {.after = in->after,
                                          .last = in->last,
                                          .role = in->role,
                                          .wait = in->wait,
                                          .since = in->since,
                                          .until = in->until,
                                          .words = in->words,
                                          .word_count = in->words_count};
    struct event_list events;
    (void)caller;
    int r = event_log_read(s->events, &question, a, &events, problem);
    if (r < 0)
        return r;
    out->events = events.list;
    out->events_count = events.count;
    return 0;
}

/* ------------------------------------------------------------------ reports */

static struct events_reports *reports_of(void *arg) {
    return ((struct role_state *)((struct process *)arg)->state)->reports;
}

static int on_seen(void *arg, const struct rpc_caller *caller,
                   const struct rpc_events_seen_in *in) {
    (void)caller;
    events_reports_seen(reports_of(arg), &in->message);
    return 0;
}

static int on_reported(void *arg, const struct rpc_caller *caller,
                       const struct rpc_events_reported_in *in, struct arena *a,
                       struct rpc_events_reported_out *out, struct problem *problem) WAITS {
    (void)caller;
    (void)a;
    (void)out;
    return events_reports_keep(reports_of(arg), in, problem);
}

static int on_reported_failure(void *arg, const struct rpc_caller *caller,
                               const struct rpc_events_reported_failure_in *in, struct arena *a,
                               struct rpc_events_reported_failure_out *out,
                               struct problem *problem) WAITS {
    (void)caller;
    (void)a;
    (void)out;
    return events_reports_keep_failure(reports_of(arg), &in->report, problem);
}

static int on_reported_bad(void *arg, const struct rpc_caller *caller,
                           const struct rpc_events_reported_bad_in *in, struct arena *a,
                           struct rpc_events_reported_bad_out *out, struct problem *problem) WAITS {
    (void)caller;
    (void)a;
    (void)out;
    return events_reports_keep_bad(reports_of(arg), &in->report, problem);
}

static int on_reports(void *arg, const struct rpc_caller *caller,
                      const struct rpc_events_reports_in *in, struct arena *a,
                      struct rpc_events_reports_out *out, struct problem *problem) WAITS {
    (void)caller;
    return events_reports_list(reports_of(arg), in, a, out, problem);
}

static int on_take_report(void *arg, const struct rpc_caller *caller,
                          const struct rpc_events_take_report_in *in, struct arena *a,
                          struct rpc_events_take_report_out *out, struct problem *problem) WAITS {
    (void)caller;
    return events_reports_take(reports_of(arg), in->today, a, out, problem);
}

static int on_send_report(void *arg, const struct rpc_caller *caller,
                          const struct rpc_events_send_report_in *in, struct arena *a,
                          struct rpc_events_send_report_out *out, struct problem *problem) WAITS {
    (void)caller;
    (void)a;
    return events_reports_send(reports_of(arg), in, &out->go, problem);
}

static const struct rpc_events_handlers handlers = {
    .seen = on_seen,
    .reported = on_reported,
    .reported_failure = on_reported_failure,
    .reported_bad = on_reported_bad,
    .reports = on_reports,
    .take_report = on_take_report,
    .send_report = on_send_report,
    .add = on_add,
    .keep = on_keep,
    .find = on_find,
    .journey = on_journey,
    .log = on_log,
};

const struct process_work role_events = {
    .handlers = &handlers,
    .open = events_open,
    .reload = events_reload,
    .stop = events_stop,
};
