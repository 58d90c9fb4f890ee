/* SPDX-License-Identifier: ISC */
/*
 * Reading the settings again: new ones are checked as a whole, then they are in force, then each
 * process that they concern gets its share. One that refuses its share goes on with the old one.
 */
#include <unistd.h>

#include "base/alloc.h"
#include "base/service.h"
#include "base/words.h"
#include "conf/share.h"
#include "events/kinds.h"
#include "role/master/log_file.h"
#include "role/master/master_inside.h"
#include "role/master/settings_used.h"

#define SETTING_TOLD 4000U /* bytes of a value in an event */

static void describe_changes(const struct conf_diff *diff, struct buf *report) {
    if (diff->count == 0)
        buf_add_str(report,
                    N_("No setting has changed; the files that they name were read again.") "\n");
    for (size_t i = 0; i < diff->count; i++) {
        const struct conf_change *c = &diff->list[i];
        char name[CONF_NAME_SIZE];
        struct slice full = conf_setting_name(c->setting, name);
        buf_printf(report, "%.*s: %.*s -> %.*s%s\n", SLICE_ARG(full), SLICE_ARG(c->before),
                   SLICE_ARG(c->after),
                   c->setting->effect == CONF_RESTART ? " (at the next start)" : "");
    }
}

/*
 * Each setting is a step of the history: who changed it from what to what. Nobody knows who (an
 * empty `by`) when the file was changed and the master found out at its start.
 */
static void log_changes(struct master *m, const struct conf_diff *diff, struct slice by) {
    const size_t anonymous = by.len > 0 ? 0 : 1;
    for (size_t i = 0; i < diff->count; i++) {
        const struct conf_change *c = &diff->list[i];
        char text[CONF_NAME_SIZE];
        _cleanup_(buf_done) struct buf sentence = {0};
        struct slice name = conf_setting_name(c->setting, text);
        struct event_fact facts[] = {
            {S(FACT_BY), by},
            {S(FACT_CHANGE), S("setting")},
            {S(FACT_NAME), name},
            {S(FACT_BEFORE), slice_first(c->before, SETTING_TOLD)},
            {S(FACT_AFTER), slice_first(c->after, SETTING_TOLD)},
        };
        if (anonymous)
            buf_printf(&sentence,
                       "The settings file was changed since it was last read: %.*s was %.*s and is"
                       " %.*s now.",
                       SLICE_ARG(name), SLICE_ARG(facts[3].value), SLICE_ARG(facts[4].value));
        else
            buf_printf(&sentence, "%.*s changed the setting %.*s from %.*s to %.*s%s.",
                       SLICE_ARG(by), SLICE_ARG(name), SLICE_ARG(facts[3].value),
                       SLICE_ARG(facts[4].value),
                       c->setting->effect == CONF_RESTART ? " (at the next start)" : "");
        children_log(&m->children, KIND_CHANGED, facts + anonymous, ARRAY_SIZE(facts) - anonymous,
                     buf_slice(&sentence));
    }
}

/*
 * Tells what is other than when the settings were last read, and keeps them. That is not what a
 * reload changes (`before`, when nothing was kept): what waits for the next start differs from what
 * is in force at each of them.
 */
static void tell_and_keep(struct master *m, const struct conf *before, const struct conf *fresh,
                          struct slice by) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(conf_free_p) struct conf *last = settings_used_read(m->options->directory);
    if (last)
        before = last;
    if (before) {
        struct conf_diff diff = conf_diff(before, fresh, &a);
        log_changes(m, &diff, by);
    }
    int r = settings_used_write(m->options->directory, fresh);
    if (r < 0)
        children_event(&m->children, KIND_WARNING,
                       "run/settings cannot be written, so a change of the settings while the"
                       " server is stopped will not be told: %s",
                       error_text(r));
}

void master_log_changes(struct master *m) {
    tell_and_keep(m, NULL, m->conf, (struct slice){0});
}

static int open_log_file(struct master *m, const struct conf *fresh, int *ret_fd,
                         struct buf *report) {
    struct problem problem = {0};
    if (log_file_open(fresh, ret_fd, &problem) == 0)
        return 0;
    buf_printf(report, "%s\nNothing was reloaded: the old settings stay in force.\n", problem.text);
    children_event(&m->children, KIND_WARNING, "The settings were not reloaded: %s", problem.text);
    return -E_REFUSED;
}

/*
 * What counts at the next start only stays as it is until then, also for a process that is started
 * again before.
 */
static void keep_until_restart(const struct conf_diff *diff, struct conf *fresh) {
    for (size_t i = 0; i < diff->count; i++) {
        const struct conf_change *c = &diff->list[i];
        char text[CONF_NAME_SIZE];
        struct problem problem = {0};
        if (c->setting->effect != CONF_RESTART)
            continue;
        _cleanup_(free_p) char *name = mem_str(conf_setting_name(c->setting, text));
        int r = conf_set(fresh, name, c->before, &problem);
        MUST(r == 0);
    }
}

/* Negative with the report of what is wrong: the settings in force have not changed. */
static int read_settings(struct master *m, struct conf **ret, struct buf *report) {
    _cleanup_(conf_problems_done) struct conf_problems problems = {0};
    int r = conf_load(m->options->conf_path, ret, &problems);
    if (r == 0)
        return 0;
    conf_problems_write(&problems, report);
    buf_add_str(report, "The settings have errors; the old ones stay in force.\n");
    children_event(&m->children, KIND_WARNING,
                   "The settings were not reloaded, since they have errors (%zu): see"
                   " `hayauma check`.",
                   problems.count);
    return r;
}

void master_use_log_file(struct master *m, int fd) {
    if (m->children.log_file >= 0)
        (void)close(m->children.log_file);
    m->children.log_file = fd;
}

/* -E_REFUSED: not all processes have taken them. */
static int use_settings(struct master *m, struct conf *fresh, int log_file, struct slice by,
                        struct buf *report) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(conf_free_p) struct conf *before = m->conf;
    _cleanup_(buf_done) struct buf refusals = {0};
    struct conf_diff diff = conf_diff(before, fresh, &a);
    tell_and_keep(m, before, fresh, by);
    keep_until_restart(&diff, fresh);
    m->conf = m->children.conf = fresh;
    master_use_log_file(m, log_file);
    int r = children_reload(&m->children, diff.roles, &refusals);
    buf_add(report, buf_slice(&refusals)); /* first: errors are cut */
    describe_changes(&diff, report);
    children_event(&m->children, KIND_RELOAD, "The settings were reloaded: %zu changed.",
                   diff.count);
    return r;
}

int master_reload(struct master *m, struct slice by, struct buf *report) {
    _cleanup_(conf_free_p) struct conf *fresh = NULL;
    int log_file = -1;
    int r = fiber_mutex_lock(&m->reloading);
    if (r < 0)
        return r;
    r = read_settings(m, &fresh, report);
    if (r == 0)
        r = open_log_file(m, fresh, &log_file, report);
    if (r == 0)
        r = use_settings(m, TAKE_PTR(fresh), log_file, by, report);
    service_status(r < 0 ? buf_slice(report) : S(""));
    fiber_mutex_unlock(&m->reloading);
    return r;
}
