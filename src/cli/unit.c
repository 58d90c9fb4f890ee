/* SPDX-License-Identifier: ISC */
/*
 * systemctl is asked, not the bus: it is there wherever systemd is, and asks for the rights of the
 * user as it does when it is called by hand.
 */
#include "cli/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
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
