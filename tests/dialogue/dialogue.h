/* SPDX-License-Identifier: ISC */
/*
 * Protocol tests as scripts: what client and server say, with timing and cuts, on a fake clock,
 * against the real session code. README.md in this folder has the language.
 *
 * One side of the conversation is the code under test, the other one is played by the script. Both
 * run as fibers of one scheduler with simulated time: an idle timeout of ten minutes costs nothing,
 * and every run is the same (random numbers come from a fixed seed).
 *
 *     static const struct dialogue pop3 = {.session = run_session, .world_new = fake_new, ...};
 *     int main(int argc, char **argv) {
 *         return dialogue_main(argc, argv, "pop3", &pop3);
 *     }
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "io/stream.h"

/* Wall time at the beginning of each script: Sunday, 2026-11-22 11:00:00 UTC. */
#define DIALOGUE_START ((usec_t)1795345200 * USEC_SEC)

/* Bytes that the code under test can say before it must wait for the script to read them. */
#define DIALOGUE_ROOM 65536U

struct dialogue {
    /*
     * The code under test: speaks on `s` until the conversation is over. Runs in its own fiber. The
     * stream stays the library's, which flushes and closes it when the function returns.
     */
    void (*session)(struct stream *s, void *world) WAITS;

    /* False: the session is the server and the script plays the client. True: the other way. */
    bool tests_client;

    /*
     * The fake surroundings of the session, new for each script, given to all other functions. Any
     * of these may be NULL; without world_new the world is NULL.
     */
    void *(*world_new)(void);
    void (*world_free)(void *world);

    /* `set NAME VALUE`: 0, or negative with a sentence that says what is wrong with it. */
    int (*set)(void *world, struct slice name, struct slice value, struct problem *problem);

    /*
     * Holds all that a session has said to the grammar, whatever the script looks at, once it has
     * ended without having been cut off. Negative with a sentence: the script has failed.
     */
    int (*judge)(struct slice said, struct problem *problem);

    /* `expect NAME VALUE`: appends the present value; negative when there is no such name. */
    int (*get)(void *world, struct slice name, struct buf *to);
};

/* Runs one script. 0, or negative with a report for a person (file, line, expected, came). */
int dialogue_run(const char *path, const struct dialogue *d, struct buf *report);

/*
 * The main function of a test program: argv[1] is a folder; every *.txt in it becomes one cmocka
 * test named after the file, in alphabetical order; argv[2], if given, runs only that file.
 * Returns the exit status.
 */
int dialogue_main(int argc, char **argv, const char *group, const struct dialogue *d);
