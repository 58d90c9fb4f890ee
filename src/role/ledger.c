/* SPDX-License-Identifier: ISC */
/*
 * The ledger role: takes the events of all other roles, keeps them, writes them as lines of the
 * log, and answers what the postmaster asks. Nobody waits for it, and an error of its database or
 * the log never reaches the messages.
 *
 * The process can write in its own directory only. The file of `log { file }` comes from the master
 * as a descriptor, at the start and at every reload, and so does the socket of the syslog daemon
 * with `destination syslog`. Where stderr leads to the journal of systemd, lines go there in either
 * case, marked with their level instead of the time, which the journal has itself.
 */
#include "journey/ledger.h"
#include "base/alloc.h"
#include "base/notice.h"
#include "journey/kinds.h"
#include "journey/lines.h"
#include "message/queue_id.h"
#include "role/roles.h"

struct role_state {
    struct ledger *ledger;
    struct lines *lines;
};

/* ------------------------------------------------------------------ life */

static void on_added(void *arg, const struct rpc_event *event) {
    struct role_state *s = arg;
    lines_add(s->lines, event);
}

static int ledger_role_open(struct process *p, struct problem *problem) {
    struct role_state *s = NEW(struct role_state);
    enum conf_log_destination destination = p->conf->log.destination;
    struct lines_options lines = {
        .level = p->conf->log.level,
        .standard = destination == CONF_LOG_TO_NOWHERE ? -1 : STDERR_FILENO,
        .file = TAKE_FD(p->log_file),
        .syslog = TAKE_FD(p->log_socket),
        .marked = notice_marked(),
    };
    struct ledger_options options = {
        .path = "ledger.db",
        .keep = p->conf->ledger.keep,
        .size_max = p->conf->ledger.size_max,
        .added = on_added,
        .arg = s,
    };
    p->state = s;
    s->lines = lines_new(&lines);
    s->ledger = ledger_new(&options);
    int r = fiber_spawn_under(p->root, "ledger", ledger_work, s->ledger);
    if (r == 0)
        r = fiber_spawn_under(p->root, "log", lines_work, s->lines);
    return r < 0 ? problem_set(problem, r, "no memory for the ledger") : 0;
}

/* The log file is another one each time, since somebody may have put the old one away. */
static int ledger_role_reload(struct process *p, const struct conf *before,
                              struct problem *problem) {
    struct role_state *s = p->state;
    (void)before;
    (void)problem;
    ledger_set_limits(s->ledger, p->conf->ledger.keep, p->conf->ledger.size_max);
    lines_set_level(s->lines, p->conf->log.level);
    int old = lines_set_file(s->lines, TAKE_FD(p->log_file));
    if (old >= 0)
        (void)close(old);
    old = lines_set_syslog(s->lines, TAKE_FD(p->log_socket));
    if (old >= 0)
        (void)close(old);
    return 0;
}

static void ledger_role_stop(struct process *p) {
    struct role_state *s = p->state;
    ledger_stop(s->ledger);
    lines_stop(s->lines);
}

/* ------------------------------------------------------------------ calls */

/*
 * What a process may not tell of. Changes of settings are the master's to report, all others the
 * directory's, by ledger.keep. An edge knows of messages to which it gave the id itself: one in the
 * hands of a stranger shall not say of others that they have arrived.
 */
static const char *not_its_own(const struct rpc_caller *caller,
                               const struct rpc_ledger_event_in *in) {
    if (slice_eq(in->kind, S(KIND_CHANGED)) && caller->role != ROLE_MASTER)
        return "a change that only the directory and the master may report";
    if (caller->role == ROLE_EDGE && in->message != 0 &&
        queue_id_worker(in->message) != caller->worker)
        return "something about a message that another process has taken in";
    return NULL;
}

static int on_event(void *arg, const struct rpc_caller *caller,
                    const struct rpc_ledger_event_in *in) {
    struct role_state *s = ((struct process *)arg)->state;
    const char *what = not_its_own(caller, in);
    if (what)
        ledger_report(s->ledger, KIND_WARNING, "%s reported %s; the event was left out",
                      role_name(caller->role), what);
    else
        ledger_add(s->ledger, caller->role, in);
    return 0;
}

static int on_keep(void *arg, const struct rpc_caller *caller, const struct rpc_ledger_keep_in *in,
                   struct arena *a, struct rpc_ledger_keep_out *out, struct problem *problem) {
    struct role_state *s = ((struct process *)arg)->state;
    struct rpc_ledger_event_in event = {.wall = in->wall,
                                        .kind = in->kind,
                                        .text = in->text,
                                        .fields = in->fields,
                                        .fields_count = in->fields_count};
    (void)a;
    (void)out;
    return ledger_keep(s->ledger, caller->role, &event, problem);
}

static struct slice *texts_of(const struct rpc_word *words, size_t count, struct arena *a) {
    struct slice *texts = arena_array(a, count, sizeof *texts);
    for (size_t i = 0; i < count; i++)
        texts[i] = words[i].text;
    return texts;
}

static int on_find(void *arg, const struct rpc_caller *caller, const struct rpc_ledger_find_in *in,
                   struct arena *a, struct rpc_ledger_find_out *out, struct problem *problem) {
    struct role_state *s = ((struct process *)arg)->state;
    queue_id *list = NULL;
    size_t count = 0;
    (void)caller;
    struct ledger_search search = {.words = texts_of(in->words, in->words_count, a),
                                   .count = in->words_count,
                                   .first = in->first,
                                   .last = in->last};
    int r = ledger_find(s->ledger, &search, in->limit, a, &list, &count, problem);
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
                      const struct rpc_ledger_journey_in *in, struct arena *a,
                      struct rpc_ledger_journey_out *out, struct problem *problem) {
    struct role_state *s = ((struct process *)arg)->state;
    struct ledger_events events;
    (void)caller;
    int r = ledger_journey(s->ledger, in->message, in->after, in->wait, a, &events, problem);
    if (r < 0)
        return r;
    out->events = events.list;
    out->events_count = events.count;
    return 0;
}

static int on_log(void *arg, const struct rpc_caller *caller, const struct rpc_ledger_log_in *in,
                  struct arena *a, struct rpc_ledger_log_out *out, struct problem *problem) {
    struct role_state *s = ((struct process *)arg)->state;
    struct ledger_question question = {.after = in->after,
                                       .last = in->last,
                                       .role = in->role,
                                       .wait = in->wait,
                                       .since = in->since,
                                       .until = in->until,
                                       .words = texts_of(in->words, in->words_count, a),
                                       .word_count = in->words_count};
    struct ledger_events events;
    (void)caller;
    int r = ledger_log(s->ledger, &question, a, &events, problem);
    if (r < 0)
        return r;
    out->events = events.list;
    out->events_count = events.count;
    return 0;
}

static const struct rpc_ledger_handlers handlers = {
    .event = on_event,
    .keep = on_keep,
    .find = on_find,
    .journey = on_journey,
    .log = on_log,
};

const struct process_role role_ledger = {
    .role = ROLE_LEDGER,
    .directory = "ledger",
    .rights = CONFINE_FILES,
    .handlers = &handlers,
    .open = ledger_role_open,
    .reload = ledger_role_reload,
    .stop = ledger_role_stop,
};
