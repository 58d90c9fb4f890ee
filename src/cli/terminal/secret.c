/* SPDX-License-Identifier: ISC */
#include "cli/terminal/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>

#include "base/alloc.h"
#include "base/random.h"

#define GROUPS     4U
#define GROUP_SIZE 5U

void secret_wipe(struct secret *s) {
    mem_wipe(s, sizeof *s);
}

void secret_generate(struct secret *ret) {
    static const char letters[] = "23456789abcdefghijkmnpqrstuvwxyz";
    *ret = (struct secret){.generated = true};
    for (size_t i = 0; i < (size_t)GROUPS * GROUP_SIZE; i++) {
        if (i > 0 && i % GROUP_SIZE == 0)
            ret->text[ret->len++] = '-';
        ret->text[ret->len++] = letters[random_below(sizeof letters - 1)];
    }
}

/* One line, byte by byte: what stands behind it is not for us. */
static int read_line(int fd, struct secret *ret, struct problem *problem) {
    *ret = (struct secret){0};
    for (;;) {
        char c = '\0';
        ssize_t n = read(fd, &c, 1);
        if (n < 0)
            return problem_set(problem, -errno, _("the password cannot be read: %s"),
                               error_words(errno));
        if (n == 0 || c == '\n')
            break;
        if (ret->len == PASSWORD_MAX)
            return problem_set(problem, -E_SYNTAX,
                               _("a password may have %u bytes, this one has"
                                 " more"),
                               PASSWORD_MAX);
        ret->text[ret->len++] = c;
    }
    if (ret->len > 0 && ret->text[ret->len - 1] == '\r')
        ret->text[--ret->len] = '\0';
    if (ret->len == 0)
        return problem_set(problem, -E_SYNTAX, _("the password is empty"));
    return 0;
}

/* ------------------------------------------------------------------ the terminal */

/* Only there so that a signal ends the read. */
static void on_signal(int number) {
    (void)number;
}

static int read_silently(int tty, const char *prompt, struct secret *ret, struct problem *problem) {
    struct termios before, silent;
    struct sigaction old, action = {.sa_handler = on_signal};
    if (tcgetattr(tty, &before) < 0)
        return problem_set(problem, -errno, _("the terminal cannot be used: %s"),
                           error_words(errno));
    silent = before;
    silent.c_lflag &= (tcflag_t)~ECHO;
    (void)sigaction(SIGINT, &action, &old);
    (void)tcsetattr(tty, TCSAFLUSH, &silent);
    (void)dprintf(tty, "%s", prompt);
    int r = read_line(tty, ret, problem);
    (void)dprintf(tty, "\n");
    (void)tcsetattr(tty, TCSAFLUSH, &before);
    (void)sigaction(SIGINT, &old, NULL);
    if (r == -EINTR)
        (void)raise(SIGINT);
    return r;
}

static int ask(enum secret_kind kind, struct secret *ret, struct problem *problem) {
    bool apop = kind == SECRET_APOP;
    _cleanup_(secret_wipe) struct secret first = {0}, again = {0};
    _cleanup_(close_p) int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (tty < 0)
        return problem_set(problem, -ENOTTY,
                           _("there is no terminal to ask for the password on: use --password-stdin"
                             " or --generate"));
    int r =
        read_silently(tty, apop ? _("New APOP secret: ") : _("New password: "), &first, problem);
    if (r == 0)
        r = read_silently(tty,
                          apop ? _("The same APOP secret again: ") : _("The same password again: "),
                          &again, problem);
    if (r < 0)
        return r;
    if (!slice_eq(secret_slice(&first), secret_slice(&again)))
        return problem_set(problem, -E_SYNTAX, _("the two are not the same"));
    *ret = first;
    return 0;
}

int secret_get(const struct cli *c, enum secret_kind kind, struct secret *ret,
               struct problem *problem) {
    bool hash = kind == SECRET_PASSWORD_OR_HASH && cli_has(c->call, "password-hash-stdin");
    bool from_stdin = hash || cli_has(c->call, "password-stdin");
    bool generate = cli_has(c->call, "generate");
    if (hash && cli_has(c->call, "password-stdin"))
        return problem_set(problem, -E_SYNTAX,
                           _("--password-stdin and --password-hash-stdin: only one of them"));
    if (from_stdin && generate)
        return problem_set(problem, -E_SYNTAX,
                           _("--password-stdin and --generate: only one of them"));
    if (generate) {
        secret_generate(ret);
        return 0;
    }
    return from_stdin ? read_line(STDIN_FILENO, ret, problem) : ask(kind, ret, problem);
}
