/* SPDX-License-Identifier: ISC */
/*
 * systemctl is asked, not the bus: it is there wherever systemd is, and asks for the rights of the
 * user as it does when it is called by hand.
 */
#include "cli/host/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/words.h"

#define ANSWER_MAX 4096U
#define WORDS_MAX  16U

/* The exit status of a program, or a negative error; its output goes to `output` unless that is -1.
 */
static int run(char *const words[], int output) {
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    int status = 0;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return -ENOMEM;
    int error = 0;
    if (output >= 0) { /* a question: nobody else has to see that it fails */
        error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        if (error == 0)
            error =
                posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    }
    if (error == 0)
        error = posix_spawnp(&pid, words[0], &actions, NULL, words, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        return -error;
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return -EIO;
    return WEXITSTATUS(status);
}

/* What a short answer says: it fits into a pipe, so nobody has to read meanwhile. */
static struct slice ask(char *const words[], struct arena *a) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return S("");
    int r = run(words, ends[1]);
    (void)close(ends[1]);
    char *text = arena_alloc(a, ANSWER_MAX);
    ssize_t n = r == 0 ? read(ends[0], text, ANSWER_MAX) : 0;
    (void)close(ends[0]);
    return slice_of(text, n > 0 ? (size_t)n : 0);
}

bool unit_of(pid_t pid, struct arena *a, struct unit *ret) {
    char name[PROC_UNIT_SIZE];
    uint64_t main_pid = 0;
    struct slice line, key, triggers = S("");
    if (!proc_unit(pid, name))
        return false;
    char *words[] = {(char[]){"systemctl"},
                     (char[]){"show"},
                     (char[]){"--property=MainPID,TriggeredBy"},
                     (char[]){"--"},
                     name,
                     NULL};
    struct slice answer = ask(words, a);
    while (slice_next(&answer, '\n', &line)) {
        if (!slice_next(&line, '=', &key))
            continue;
        if (slice_eq(key, S("MainPID")))
            (void)slice_to_u64(line, INT32_MAX, &main_pid);
        else if (slice_eq(key, S("TriggeredBy")))
            triggers = line;
    }
    if (main_pid != (uint64_t)pid)
        return false;
    ret->triggers = triggers;
    memcpy(ret->name, name, sizeof name);
    return true;
}

/* ------------------------------------------------------------------ the unit of the package */

/* The word behind -C in "{ path=... ; argv[]=/usr/sbin/hayauma -C DIR run ; ignore_errors=..." */
static struct slice directory_in(struct slice commands) {
    struct slice argv, rest, word;
    ssize_t at = slice_find(commands, S("argv[]="));
    if (at < 0)
        return S("");
    rest = slice_from(commands, (size_t)at);
    (void)slice_next(&rest, ';', &argv);
    while (slice_next_word(&argv, &word)) {
        if (slice_eq(word, S("-C")))
            return slice_next_word(&argv, &word) ? word : S("");
    }
    return S("");
}

/* The properties of one of them; they come in an order of systemd's own. */
struct properties {
    struct slice id, loaded, active, file, start, state_directory;
};

static void keep_property(struct properties *to, struct slice key, struct slice value) {
    const struct {
        struct slice key;
        struct slice *to;
    } known[] = {
        {S("Id"), &to->id},
        {S("LoadState"), &to->loaded},
        {S("ActiveState"), &to->active},
        {S("UnitFileState"), &to->file},
        {S("ExecStart"), &to->start},
        {S("StateDirectory"), &to->state_directory},
    };
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (slice_eq(key, known[i].key))
            *known[i].to = value;
    }
}

static bool use_properties(const struct properties *p, struct unit_package *to) {
    if (slice_eq(p->id, S("hayauma.socket"))) {
        to->socket_active = slice_eq(p->active, S("active"));
        to->socket_enabled = slice_eq(p->file, S("enabled"));
        return false;
    }
    if (!slice_eq(p->id, S("hayauma.service")) || !slice_eq(p->loaded, S("loaded")))
        return false;
    to->directory = directory_in(p->start);
    to->active = p->active;
    to->enabled = slice_eq(p->file, S("enabled"));
    to->makes_directory = p->state_directory.len > 0;
    return true;
}

bool unit_package_read(struct slice text, struct unit_package *ret) {
    struct unit_package found = {0};
    struct properties p = {0};
    struct slice line, key;
    bool there = false;
    while (slice_next(&text, '\n', &line)) {
        if (line.len == 0) { /* the next one */
            there |= use_properties(&p, &found);
            p = (struct properties){0};
        } else if (slice_next(&line, '=', &key)) {
            keep_property(&p, key, line);
        }
    }
    there |= use_properties(&p, &found);
    if (there)
        *ret = found;
    return there;
}

bool unit_of_package(struct arena *a, struct unit_package *ret) {
    char *words[] = {(char[]){"systemctl"},
                     (char[]){"show"},
                     (char[]){"--property=Id,LoadState,ActiveState,UnitFileState,ExecStart,"
                              "StateDirectory"},
                     (char[]){"hayauma.service"},
                     (char[]){"hayauma.socket"},
                     NULL};
    return unit_package_read(ask(words, a), ret);
}

bool unit_for(const char *directory, struct arena *a, struct unit_package *ret) {
    struct unit_package found;
    struct stat here, there;
    if (!unit_of_package(a, &found) || stat(directory, &here) < 0 ||
        stat(arena_str(a, found.directory), &there) < 0 || here.st_dev != there.st_dev ||
        here.st_ino != there.st_ino)
        return false;
    *ret = found;
    return true;
}

/* ------------------------------------------------------------------ stopping */

int unit_stop(const struct unit *u, struct arena *a, struct problem *problem) {
    char *words[WORDS_MAX + 4] = {(char[]){"systemctl"}, (char[]){"stop"}};
    struct slice rest = u->triggers, word;
    size_t count = 2;
    while (count < WORDS_MAX && slice_next_word(&rest, &word))
        words[count++] = arena_str(a, word);
    words[count] = arena_str(a, slice_of_str(u->name));
    int r = run(words, -1);
    if (r == 0)
        return 0;
    return problem_set(problem, -EIO,
                       _("systemctl stop %.*s%s%s failed (%d), so systemd has not stopped the"
                         " server; see: systemctl status %s"),
                       SLICE_ARG(u->triggers), u->triggers.len > 0 ? " " : "", u->name, r, u->name);
}
