/* SPDX-License-Identifier: ISC */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/notice.h"
#include "conf/setting.h"
#include "message/queue_id.h"
#include "message/text.h"

const char cli_version[] = HAYAUMA_VERSION;

void cli_flush(struct cli *c) {
    size_t at = 0;
    while (at < c->out.len) {
        ssize_t n = write(STDOUT_FILENO, c->out.ptr + at, c->out.len - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EPIPE)
            _exit(CLI_OK);
        if (n < 0) {
            cli_print(_("standard output: %s"), error_words(errno));
            _exit(CLI_FAILED);
        }
        at += (size_t)n;
    }
    buf_clear(&c->out);
}

bool cli_is_elsewhere(const struct cli *c) {
    size_t at = conf_setting_index(conf_setting_find(S("data-directory"), NULL));
    struct stat here, there;
    if (c->conf->lines[at] == 0)
        return false;
    return stat(c->directory, &here) < 0 || stat(c->conf->data_directory.ptr, &there) < 0 ||
           here.st_dev != there.st_dev || here.st_ino != there.st_ino;
}

void cli_add_lines(struct buf *to, struct slice text) {
    struct slice line = {0}, piece = {0};
    for (bool first = true; slice_next(&text, '\n', &line); first = false) {
        if (!first)
            buf_add_byte(to, '\n');
        if (slice_ends(line, S("\r")))
            line.len--;
        for (bool begins = true; slice_next(&line, '\t', &piece); begins = false) {
            if (!begins)
                buf_add_byte(to, '\t');
            text_add_names(to, piece);
        }
    }
}

void cli_print(const char *format, ...) {
    _cleanup_(buf_done) struct buf text = {0};
    _cleanup_(buf_done) struct buf line = {0};
    va_list args;
    va_start(args, format);
    buf_printf_v(&text, format, args);
    va_end(args);
    cli_add_lines(&line, slice_trim_lines(buf_slice(&text)));
    notice_lines(LOG_ERR, buf_slice(&line));
}

static enum cli_exit exit_of(int error) {
    switch (-error) {
    case ENOTCONN:
        return CLI_NOT_RUNNING;
    case EBADMSG: /* a setting that is needed: directory_access_open() */
        return CLI_SETTINGS;
    case E_UNKNOWN:
        return CLI_NOT_FOUND;
    case E_SYNTAX:
        return CLI_USAGE;
    case EEXIST:
    case ENOTEMPTY:
    case E_REFUSED:
        return CLI_REFUSED;
    case EPIPE:
    case ETIMEDOUT:
    case E_BUSY:
    case E_TEMPORARY:
        return CLI_BUSY;
    default:
        return CLI_FAILED;
    }
}

int cli_fail(int error, const struct problem *problem) {
    _cleanup_(arena_done) struct arena a = {0};
    if (problem && problem->text[0])
        cli_print("%s", problem_words(&a, problem));
    else if (error == -EPIPE)
        cli_print(
            _("the process that was asked ended before it answered; it is started again, so try"
              " again"));
    else if (error == -ETIMEDOUT)
        cli_print(_("there was no answer in time"));
    else
        cli_print("%s", error_words(error));
    return (int)exit_of(error);
}

int cli_confirm(struct cli *c, int code, const char *format, ...) {
    va_list args;
    if (code != CLI_OK || c->json)
        return code;
    va_start(args, format);
    buf_printf_v(&c->out, format, args);
    va_end(args);
    return code;
}

int cli_need_settings(struct cli *c) {
    _cleanup_(buf_done) struct buf text = {0};
    if (c->conf)
        return CLI_OK;
    conf_problems_write(&c->problems, &text);
    cli_print(_("the settings have errors:\n%.*s"), SLICE_ARG(buf_slice(&text)));
    return CLI_SETTINGS;
}

const struct conf *cli_settings_for(const struct cli *c, const char *const *names, size_t count,
                                    struct problem *problem) {
    _cleanup_(buf_done) struct buf text = {0};
    bool good = c->most && c->most->hostname.len > 0;
    if (c->conf)
        return c->conf;
    for (size_t i = 0; good && i < count; i++)
        good = !conf_in_doubt(c->most, &c->problems, names[i]);
    if (good)
        return c->most;
    conf_problems_write(&c->problems, &text);
    (void)problem_set(problem, -EBADMSG, _("the settings have errors:\n%.*s"),
                      SLICE_ARG(slice_trim_lines(buf_slice(&text))));
    return NULL;
}

void cli_warn_settings(struct cli *c) {
    _cleanup_(buf_done) struct buf text = {0};
    struct slice first, rest;
    if (c->conf || c->warned)
        return;
    c->warned = true;
    conf_problems_write(&c->problems, &text);
    rest = buf_slice(&text);
    (void)slice_next(&rest, '\n', &first);
    cli_print(_("warning: the settings have errors, so defaults stand in for some of them; `hayauma"
                " check` lists the errors, of which the first is:\n%.*s"),
              SLICE_ARG(first));
}

/* ------------------------------------------------------------------ where the files are */

static bool is_file(const char *path) {
    return access(path, F_OK) == 0 || errno == EACCES;
}

static bool set_path(char to[static STATE_PATH], struct slice path) {
    if (slice_to_str(path, to, STATE_PATH) == 0)
        return true;
    cli_print(_("the name of the state directory is too long"));
    return false;
}

/* DIR of -C. Its own settings file comes before the one of the whole machine. */
static bool find_given(struct cli *c) {
    const char *given = c->call->directory;
    _cleanup_(free_p) char *path = realpath(given, NULL);
    if (!path) {
        cli_print(_("the state directory %s cannot be used: %s"), given, error_words(errno));
        return false;
    }
    if (!set_path(c->directory, slice_of_str(path)))
        return false;
    (void)state_path(c->conf_path, c->directory, "hayauma.conf");
    if (is_file(c->conf_path))
        return true;
    if (!is_file(CONF_PATH_DEFAULT)) {
        cli_print(
            _("%s is no mail server: there is no hayauma.conf in it. `hayauma init %s ...` makes"
              " one."),
            given, given);
        return false;
    }
    return set_path(c->conf_path, S(CONF_PATH_DEFAULT));
}

/* Where the files are when the settings cannot say it: as the settings have it by default. */
#define DATA_DIRECTORY "/var/lib/hayauma"

static bool find_default(struct cli *c) {
    if (!is_file(CONF_PATH_DEFAULT)) {
        cli_print(_("there is no %s; say with -C DIR where the mail server is, or make one: see"
                    " hayauma init --help"),
                  CONF_PATH_DEFAULT);
        return false;
    }
    return set_path(c->conf_path, S(CONF_PATH_DEFAULT));
}

int cli_find_state(struct cli *c) {
    if (!(c->call->directory ? find_given(c) : find_default(c)))
        return CLI_FAILED;
    if (conf_load_most(c->conf_path, &c->most, &c->problems) == 0) {
        c->conf = TAKE_PTR(c->most);
        state_find_users(c->conf, &c->users);
    }
    const struct conf *known = c->conf ? c->conf : c->most;
    if (!c->call->directory &&
        !set_path(c->directory, known ? known->data_directory : S(DATA_DIRECTORY)))
        return CLI_FAILED;
    if (!c->conf)
        state_find_owners(c->directory, &c->users);
    return CLI_OK;
}

/* ------------------------------------------------------------------ how things are shown */

#define TO_SECONDS 19U /* of "2026-11-22 11:12:42.123" */

struct slice cli_time(struct arena *a, usec_t wall, const char *never) {
    char text[TIME_TEXT_SIZE];
    if (wall == 0)
        return slice_of_str(never);
    return arena_copy(a, slice_first(time_format_log(wall, text), TO_SECONDS));
}

void cli_json_time(struct json *j, const char *key, usec_t wall) {
    char text[TIME_TEXT_SIZE];
    json_key(j, key);
    if (wall == 0)
        json_null(j);
    else
        json_slice(j, time_format_rfc3339(wall, text));
}

struct slice cli_shown(struct arena *a, struct slice text) {
    _cleanup_(buf_done) struct buf shown = {0};
    text_add_names(&shown, text);
    return arena_copy(a, buf_slice(&shown));
}

struct slice cli_span(struct arena *a, usec_t span) {
    char text[TIME_TEXT_SIZE];
    return arena_copy(a, time_format_span(MAX(span, 0), text));
}

struct slice cli_message(struct arena *a, uint64_t id) {
    char text[QUEUE_ID_SIZE];
    return arena_copy(a, queue_id_format(id, text));
}

void cli_json_text(struct json *j, const char *key, struct slice text) {
    json_key(j, key);
    json_slice(j, text);
}

void cli_json_int(struct json *j, const char *key, int64_t number) {
    json_key(j, key);
    json_int(j, number);
}

void cli_json_bool(struct json *j, const char *key, bool value) {
    json_key(j, key);
    json_bool(j, value);
}
