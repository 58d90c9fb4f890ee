/* SPDX-License-Identifier: ISC */
/*
 * The ledger role: takes the events of all other roles, keeps them, writes them as lines of the
 * log, and answers what the postmaster asks. Nobody waits for it, and trouble with its database or
 * the log never reaches the letters.
 *
 * The process can write in its own directory only. So `log { file }` has to name a file there,
 * STATE/ledger/NAME; with `destination syslog` lines go to stderr marked with their level, from
 * where systemd takes them to the system's log.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "journey/kinds.h"
#include "journey/ledger.h"
#include "journey/lines.h"
#include "role/roles.h"

#define DIRECTORY S("/ledger/")

struct role_state {
    struct ledger *ledger;
    struct lines *lines;
};

/* ------------------------------------------------------------------ the log */

/* The file's name within our directory; the process may not see by which path it lies there. */
static struct slice own_name(struct slice path) {
    ssize_t at = slice_rfind_byte(path, '/');
    struct slice name = slice_from(path, (size_t)(at + 1));
    return slice_ends(slice_first(path, (size_t)(at + 1)), DIRECTORY) ? name : S("");
}

static int open_log_file(struct process *p) {
    struct role_state *s = p->state;
    char name[256];
    struct slice path = p->conf->log.file;
    if (path.len == 0)
        return -1;
    if (own_name(path).len == 0 || slice_to_str(own_name(path), name, sizeof name) < 0) {
        ledger_say(s->ledger, KIND_WARNING,
                   "The log file %.*s is out of reach: its process can write in its own directory"
                   " only. Set log.file to a name in the folder \"ledger\" of the state directory.",
                   SLICE_ARG(path));
        return -1;
    }
    int fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        ledger_say(s->ledger, KIND_WARNING, "The log file %.*s cannot be opened: %s.",
                   SLICE_ARG(path), error_text(errno));
    return fd;
}

static void on_added(void *arg, const struct rpc_event *event) {
    struct role_state *s = arg;
    lines_add(s->lines, event);
}

/* ------------------------------------------------------------------ life */

static int ledger_role_open(struct process *p, struct problem *problem) {
    struct role_state *s = NEW(struct role_state);
    enum conf_log_destination destination = p->conf->log.destination;
    struct lines_options lines = {
        .level = p->conf->log.level,
        .standard = destination == CONF_LOG_TO_NOWHERE ? -1 : STDERR_FILENO,
        .file = -1,
        .marked = destination == CONF_LOG_TO_SYSLOG,
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
    (void)lines_set_file(s->lines, open_log_file(p));
    int r = fiber_spawn_under(p->root, "ledger", ledger_work, s->ledger);
    if (r == 0)
        r = fiber_spawn_under(p->root, "log", lines_work, s->lines);
    return r < 0 ? problem_set(problem, r, "no memory for the ledger") : 0;
}

/* The log file is opened anew, since somebody may have put the old one away. */
static int ledger_role_reload(struct process *p, const struct conf *before,
                              struct problem *problem) {
    struct role_state *s = p->state;
    (void)before;
    (void)problem;
    ledger_set_limits(s->ledger, p->conf->ledger.keep, p->conf->ledger.size_max);
    lines_set_level(s->lines, p->conf->log.level);
    int old = lines_set_file(s->lines, open_log_file(p));
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

static int on_event(void *arg, const struct rpc_caller *caller,
                    const struct rpc_ledger_event_in *in) {
    struct role_state *s = ((struct process *)arg)->state;
    ledger_add(s->ledger, caller->role, in);
    return 0;
}

static int on_find(void *arg, const struct rpc_caller *caller, const struct rpc_ledger_find_in *in,
                   struct arena *a, struct rpc_ledger_find_out *out, struct problem *problem) {
    struct role_state *s = ((struct process *)arg)->state;
    letter_id *list = NULL;
    size_t count = 0;
    (void)caller;
    int r = ledger_find(s->ledger, in->what, in->limit, a, &list, &count, problem);
    if (r < 0)
        return r;
    out->letters = arena_array(a, count, sizeof *out->letters);
    out->letters_count = count;
    for (size_t i = 0; i < count; i++) {
        char *text = arena_alloc(a, LETTER_ID_SIZE);
        out->letters[i].text = letter_id_format(list[i], text);
    }
    return 0;
}

static int on_journey(void *arg, const struct rpc_caller *caller,
                      const struct rpc_ledger_journey_in *in, struct arena *a,
                      struct rpc_ledger_journey_out *out, struct problem *problem) {
    struct role_state *s = ((struct process *)arg)->state;
    struct ledger_events events;
    (void)caller;
    int r = ledger_journey(s->ledger, in->letter, in->after, in->wait, a, &events, problem);
    if (r < 0)
        return r;
    out->events = events.list;
    out->events_count = events.count;
    return 0;
}

static int on_log(void *arg, const struct rpc_caller *caller, const struct rpc_ledger_log_in *in,
                  struct arena *a, struct rpc_ledger_log_out *out, struct problem *problem) {
    struct role_state *s = ((struct process *)arg)->state;
    struct ledger_question question = {
        .after = in->after, .last = in->last, .role = in->role, .wait = in->wait};
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
