/* SPDX-License-Identifier: ISC */
/*
 * Which form a line of accounts has is seen from the line itself: a tab makes columns, a colon
 * fields. What other systems keep there beside address, hash, name and quota is passed over.
 */
#include "cli/directory/import_text.h"

#include <string.h>

#include "base/encode.h"
#include "base/words.h"
#include "cli/terminal/format.h"

#define LINE_MAX    8000U
#define TARGETS_MAX 1000U /* of one alias */

void import_text_begin(struct import_text *t, struct slice text, struct slice domain,
                       struct arena *a) {
    if (slice_starts(text, S("\xef\xbb\xbf"))) /* a byte order mark */
        text = slice_from(text, 3);
    *t = (struct import_text){.rest = text, .domain = domain, .arena = a};
}

/* With neither CR at its end nor what stands before or behind it. */
static bool next_line(struct import_text *t, struct slice *ret) {
    if (!slice_next(&t->rest, '\n', ret))
        return false;
    t->next++;
    if (ret->len > 0 && ret->ptr[ret->len - 1] == '\r')
        ret->len--;
    return true;
}

static int check_line(struct slice line, struct problem *problem) {
    if (line.len > LINE_MAX)
        return problem_set(problem, -E_SYNTAX, _("the line is longer than %u bytes"), LINE_MAX);
    if (slice_find_byte(line, '\0') >= 0 || !utf8_valid(line))
        return problem_set(problem, -E_SYNTAX, _("the line is not UTF-8 text"));
    return 0;
}

static int with_domain(const struct import_text *t, struct slice name, struct slice *ret,
                       struct problem *problem) {
    *ret = name;
    if (slice_find_byte(name, '@') >= 0)
        return 0;
    if (t->domain.len == 0)
        return problem_set(problem, -E_SYNTAX,
                           _("\"%.*s\" has no domain; say --domain DOMAIN for such names"),
                           SLICE_ARG(slice_first(name, 64)));
    *ret = arena_printf(t->arena, "%.*s@%.*s", SLICE_ARG(name), SLICE_ARG(t->domain));
    return 0;
}

/* ------------------------------------------------------------------ accounts */

/* 2G, bytes, or what stands for none. */
static int take_quota(struct slice text, struct import_account *ret, struct problem *problem) {
    uint64_t quota = 0;
    if (text.len > 0 && format_parse_size(text, &quota) < 0)
        return problem_set(problem, -E_SYNTAX,
                           _("the quota \"%.*s\" is no size; expected is 500000, 64K or 2G"),
                           SLICE_ARG(slice_first(text, 64)));
    ret->quota = quota;
    return 0;
}

static bool is_number(struct slice text) {
    size_t digits = 0;
    while (digits < text.len && ascii_is_digit(text.ptr[digits]))
        digits++;
    return text.len > 0 && digits == text.len;
}

/* "52428800S,1000C" of vpopmail: bytes, then a number of messages. */
static int take_vpopmail_quota(struct slice text, struct import_account *ret,
                               struct problem *problem) {
    struct slice size = {0};
    if (text.len == 0 || !ascii_is_digit(text.ptr[0]) || !slice_next(&text, ',', &size))
        return 0;
    if (size.ptr[size.len - 1] == 'S')
        size.len--;
    return take_quota(size, ret, problem);
}

/* What Dovecot keeps behind the shell: "userdb_quota_rule=*:storage=2G allow_nets=..." */
static int take_extra(struct slice extra, struct import_account *ret, struct problem *problem) {
    static const char *const names[] = {
        "userdb_quota_rule=*:storage=", "userdb_quota_rule=*:bytes=", "userdb_quota_storage_size="};
    struct slice word;
    int r = 0;
    while (r == 0 && slice_next(&extra, ' ', &word)) {
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
            struct slice name = slice_of_str(names[i]);
            if (slice_starts(word, name))
                r = take_quota(slice_from(word, name.len), ret, problem);
        }
    }
    return r;
}

/* The field of the person has the name first, then room and telephones. */
static int take_fields(struct slice line, struct import_account *ret, struct slice *password,
                       struct problem *problem) {
    struct slice field[7] = {0};
    for (size_t i = 0; i < ARRAY_SIZE(field); i++)
        (void)slice_next(&line, ':', &field[i]);
    *password = field[1];
    if (is_number(field[4])) /* /etc/shadow: the rest are days too */
        return 0;
    (void)slice_next(&field[4], ',', &ret->name);
    ret->name = slice_trim(ret->name);
    int r = take_vpopmail_quota(field[6], ret, problem);
    return r < 0 ? r : take_extra(line, ret, problem);
}

/* As databases write it. */
static struct slice unless_null(struct slice column) {
    column = slice_trim(column);
    return slice_eq(column, S("NULL")) || slice_eq(column, S("\\N")) ? S("") : column;
}

static int take_columns(struct slice line, struct import_account *ret, struct slice *password,
                        struct problem *problem) {
    struct slice column[4] = {0};
    for (size_t i = 0; i < ARRAY_SIZE(column); i++)
        (void)slice_next(&line, '\t', &column[i]);
    *password = unless_null(column[1]);
    ret->name = unless_null(column[2]);
    return take_quota(unless_null(column[3]), ret, problem);
}

static void take_password(struct slice text, struct import_account *ret) {
    static const char *const plain[] = {"{PLAIN}", "{CLEARTEXT}", "{CLEAR}"};
    ret->locked =
        slice_eq(text, S("x")) || slice_starts(text, S("*")) || slice_starts(text, S("!"));
    ret->hash = text;
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
        struct slice scheme = slice_of_str(plain[i]);
        if (slice_starts_nocase(text, scheme)) {
            ret->plain = slice_from(text, scheme.len);
            ret->hash = S("");
        }
    }
}

static int read_account(struct import_text *t, struct slice line, struct import_account *ret,
                        struct problem *problem) {
    struct slice user, rest = line, password = {0};
    bool columns = slice_find_byte(line, '\t') >= 0;
    int r = check_line(line, problem);
    if (r < 0)
        return r;
    (void)slice_next(&rest, columns ? '\t' : ':', &user);
    ret->address = slice_trim(user);
    r = columns ? take_columns(line, ret, &password, problem)
                : take_fields(line, ret, &password, problem);
    take_password(slice_trim(password), ret);
    if (r == 0 && !ret->locked)
        r = with_domain(t, ret->address, &ret->address, problem);
    return r;
}

int import_text_account(struct import_text *t, struct import_account *ret,
                        struct problem *problem) {
    struct slice line;
    while (next_line(t, &line)) {
        struct slice trimmed = slice_trim(line);
        if (trimmed.len == 0 || trimmed.ptr[0] == '#')
            continue;
        t->line = t->next;
        *ret = (struct import_account){0};
        int r = read_account(t, trimmed, ret, problem);
        return r < 0 ? r : 1;
    }
    return 0;
}

/* ------------------------------------------------------------------ aliases */

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/* Up to a character of `ends` outside of quotes; what it took stays in front of the rest. */
static struct slice take_token(struct slice *rest, const char *ends) {
    struct slice from = *rest;
    bool quoted = false;
    size_t i = 0;
    for (; i < from.len; i++) {
        char c = from.ptr[i];
        if (c == '"')
            quoted = !quoted;
        else if (quoted && c == '\\')
            i++;
        else if (!quoted && c != '\0' && strchr(ends, c))
            break;
    }
    i = MIN(i, from.len);
    *rest = slice_from(from, i);
    return slice_first(from, i);
}

/* "tama" in quotes means tama; where the quotes are needed in an address they stay. */
static struct slice unquote(struct slice token) {
    if (token.len < 2 || token.ptr[0] != '"' || token.ptr[token.len - 1] != '"')
        return token;
    struct slice inside = slice_of(token.ptr + 1, token.len - 2);
    for (size_t i = 0; i < inside.len; i++) {
        char c = inside.ptr[i];
        if (i > 0 && !ascii_is_alpha(c) && !ascii_is_digit(c) && !strchr("-._+/:@=", c))
            return slice_starts(inside, S("|")) || slice_starts(inside, S("/")) ? inside : token;
    }
    return inside;
}

static int read_target(const struct import_text *t, struct slice token, struct slice *ret,
                       struct problem *problem) {
    static const struct {
        const char *begin, *sentence;
    } others[] = {
        {"|", N_("a program as a target has no counterpart: %.*s")},
        {"/", N_("a file as a target has no counterpart: %.*s")},
        {":include:", N_("an :include: has no counterpart; name the targets themselves: %.*s")},
    };
    token = unquote(token);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        if (slice_starts(token, slice_of_str(others[i].begin)))
            return problem_set(problem, -E_SYNTAX, _(others[i].sentence),
                               SLICE_ARG(slice_first(token, 100)));
    }
    if (slice_starts(token, S("\\"))) /* its own mailbox, whatever aliases say */
        token = slice_from(token, 1);
    return with_domain(t, token, ret, problem);
}

static void add_target(struct import_alias *alias, size_t *room, struct slice target,
                       struct arena *a) {
    if (alias->count == *room) {
        *room = *room > 0 ? *room * 2 : 4;
        struct slice *bigger = arena_array(a, *room, sizeof *bigger);
        if (alias->count > 0)
            memcpy(bigger, alias->targets, alias->count * sizeof *bigger);
        alias->targets = bigger;
    }
    alias->targets[alias->count++] = target;
}

static int read_targets(const struct import_text *t, struct slice line, struct import_alias *ret,
                        size_t *room, struct problem *problem) {
    int r = check_line(line, problem);
    while (r == 0) {
        struct slice target = {0};
        while (line.len > 0 && (is_blank(line.ptr[0]) || line.ptr[0] == ','))
            line = slice_from(line, 1);
        if (line.len == 0)
            break;
        if (ret->count == TARGETS_MAX)
            return problem_set(problem, -E_LIMIT, _("the alias has more than %u targets"),
                               TARGETS_MAX);
        r = read_target(t, take_token(&line, ", \t"), &target, problem);
        if (r == 0)
            add_target(ret, room, target, t->arena);
    }
    return r;
}

static int read_name(const struct import_text *t, struct slice *line, struct import_alias *ret,
                     struct problem *problem) {
    struct slice name = unquote(take_token(line, ": \t"));
    *line = slice_trim(*line);
    if (slice_starts(*line, S(":")))
        *line = slice_from(*line, 1);
    ret->address = name;
    if (slice_starts(name, S("@")))
        return problem_set(problem, -E_SYNTAX,
                           _("%.*s is a whole domain; see hayauma domain catch-all"),
                           SLICE_ARG(slice_first(name, 100)));
    return with_domain(t, name, &ret->address, problem);
}

/* The next line that belongs to the entry before; nothing is taken when it begins a new one. */
static bool next_continuation(struct import_text *t, struct slice *ret) {
    struct import_text before = *t;
    while (next_line(t, ret)) {
        struct slice trimmed = slice_trim(*ret);
        if (trimmed.len == 0 || trimmed.ptr[0] == '#')
            continue;
        if (is_blank(ret->ptr[0]))
            return true;
        break;
    }
    *t = before;
    return false;
}

int import_text_alias(struct import_text *t, struct import_alias *ret, struct problem *problem) {
    struct slice line;
    size_t room = 0;
    while (next_line(t, &line)) {
        struct slice trimmed = slice_trim(line);
        if (trimmed.len == 0 || trimmed.ptr[0] == '#')
            continue;
        t->line = t->next;
        *ret = (struct import_alias){0};
        int r = check_line(line, problem);
        if (r == 0)
            r = read_name(t, &trimmed, ret, problem);
        if (r == 0)
            r = read_targets(t, trimmed, ret, &room, problem);
        while (next_continuation(t, &line))
            r = r < 0 ? r : read_targets(t, line, ret, &room, problem);
        if (r == 0 && ret->count == 0)
            r = problem_set(problem, -E_SYNTAX, _("%.*s has no target"), SLICE_ARG(ret->address));
        return r < 0 ? r : 1;
    }
    return 0;
}
