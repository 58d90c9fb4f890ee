/* SPDX-License-Identifier: ISC */
/*
 * What a command's function gets, and how it answers: results onto `out`, sentences onto standard
 * error, an exit code.
 */
#pragma once

#include "base/json.h"
#include "cli/command.h"
#include "cli/terminal/table.h"
#include "fiber/fiber.h"
#include "role/master/state.h"

extern const char cli_version[];

struct cli {
    const struct cli_call *call;
    struct arena *arena; /* lives as long as the command */
    bool json;
    size_t width;   /* columns of the terminal on standard output; 0: it is none, or --wide */
    struct buf out; /* for standard output; written at the end and by cli_flush() */

    /* For commands beyond CLI_ALONE. */
    char directory[STATE_PATH]; /* the state directory, absolute */
    char conf_path[STATE_PATH];
    struct conf *conf;             /* NULL: the settings have errors, which are in `problems` */
    struct conf *most;             /* then what could be read all the same, or NULL */
    struct conf_problems problems; /* see cli_need_settings() */
    struct state_users users;
    bool warned; /* of the errors */
};

/* Writes what is in `out`. A reader who went away ("| head") ends the program quietly. */
void cli_flush(struct cli *c);

/* "hayauma: ..." with a line end, on standard error; text of strangers is made harmless. */
void cli_print(const char *format, ...) PRINTF_LIKE(1, 2);

/* Says what went wrong, and gives the exit code that stands for the error. */
int cli_fail(int error, const struct problem *problem);

/* `code`, with a sentence about what is done onto `out` when it is CLI_OK, but for programs. */
int cli_confirm(struct cli *c, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* CLI_OK when the settings are there; else says what is wrong with them. */
int cli_need_settings(struct cli *c);

/*
 * For a command that changes files by some of the settings: the settings, or what could be read of
 * them when none of those names is in doubt, for nothing is to be changed by guesses. NULL, with a
 * sentence: they are.
 */
const struct conf *cli_settings_for(const struct cli *c, const char *const *names, size_t count,
                                    struct problem *problem);

/* Whether the settings name another data-directory than the one that this command works on (-C). */
bool cli_is_elsewhere(const struct cli *c);

/* For commands that can do without: names the first error of the settings, once, as a warning. */
void cli_warn_settings(struct cli *c);

/* A deadline around a block within which an answer has to come. */
#define CLI_WITHIN(span)                                                                           \
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline within_ =                           \
        fiber_deadline_begin(fiber_now() + (span))
#define CLI_PATIENCE (60 * USEC_SEC)

/* Finds the state directory and the settings of the call. CLI_OK, or another code with a sentence
 * said. */
int cli_find_state(struct cli *c);

/* ------------------------------------------------------------------ how things are shown */

/* A wall time in tables: "2026-11-22 11:12:42", or `never` for 0. In JSON: RFC 3339, or null. */
struct slice cli_time(struct arena *a, usec_t wall, const char *never);
void cli_json_time(struct json *j, const char *key, usec_t wall);

/* Text of others for a terminal: made harmless, names of domains as people read them. */
struct slice cli_shown(struct arena *a, struct slice text);

/* The same for text of several lines, which stay lines with the ends of this machine; tabs stay. */
void cli_add_lines(struct buf *to, struct slice text);

struct slice cli_span(struct arena *a, usec_t span);
struct slice cli_message(struct arena *a, uint64_t id);

/* A member of an object. */
void cli_json_text(struct json *j, const char *key, struct slice text);
void cli_json_int(struct json *j, const char *key, int64_t number);
void cli_json_bool(struct json *j, const char *key, bool value);
