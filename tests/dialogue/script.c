/* SPDX-License-Identifier: ISC */
/*
 * One line is one step; a block is the indented lines below its step. Words stand in a table with
 * the form of their argument and with what they mean when said of the script's own side and of the
 * other one: `C-raw` sends when the script plays the client and expects when it plays the server.
 */
#include "dialogue/script.h"

#include "dialogue/match.h"

#define INCLUDE_DEPTH 8 /* files within files */

enum argument {
    NOTHING,
    LINE,
    BLOCK,
    BYTES,
    REPEAT,
    COUNT,
    PACE,
    SWITCH,
    SPAN,
    NAME_VALUE,
    DEFINITION,
    INCLUSION
};

struct word {
    struct slice word;
    enum argument argument;
    enum step_kind own, other; /* STEP_NONE: cannot be said of this side */
};

#define WORD(text)                                                                                 \
    { "" text, sizeof(text) - 1 }

static const struct word side_words[] = {
    {WORD(""), LINE, STEP_SEND_LINES, STEP_LINE},
    {WORD("-block"), BLOCK, STEP_SEND_LINES, STEP_LINE},
    {WORD("-raw"), BYTES, STEP_SEND_BYTES, STEP_BYTES},
    {WORD("-repeat"), REPEAT, STEP_SEND_BYTES, STEP_BYTES},
    {WORD("-end"), NOTHING, STEP_SEND_END, STEP_END},
    {WORD("-hang-up"), NOTHING, STEP_HANG_UP, STEP_NONE},
    {WORD("-cut"), NOTHING, STEP_CUT, STEP_NONE},
    {WORD("-each-byte"), SWITCH, STEP_EACH_BYTE, STEP_NONE},
    {WORD("-slowly"), PACE, STEP_SEND_PACE, STEP_READ_PACE},
    {WORD("-connect"), NOTHING, STEP_CONNECT, STEP_NONE},
    {WORD("-until"), LINE, STEP_NONE, STEP_UNTIL},
    {WORD("-skip"), COUNT, STEP_NONE, STEP_SKIP},
    {WORD("-writes"), COUNT, STEP_NONE, STEP_WRITES},
    {WORD("-silence"), SPAN, STEP_NONE, STEP_SILENCE},
};

static const struct word plain_words[] = {
    {WORD("wait"), SPAN, STEP_WAIT, STEP_WAIT},
    {WORD("silence"), SPAN, STEP_SILENCE, STEP_SILENCE},
    {WORD("within"), SPAN, STEP_WITHIN, STEP_WITHIN},
    {WORD("set"), NAME_VALUE, STEP_SET, STEP_SET},
    {WORD("expect"), NAME_VALUE, STEP_EXPECT, STEP_EXPECT},
    {WORD("let"), DEFINITION, STEP_LET, STEP_LET},
    {WORD("include"), INCLUSION, STEP_NONE, STEP_NONE},
};

struct parser {
    struct arena *a;
    const struct script_source *source;
    struct slice rest;      /* lines not yet read */
    struct script_place at; /* of the line read last */
    unsigned depth;         /* of inclusion */
    size_t later;           /* lines that are left of the files around this one */
    bool of_side;           /* of the step that is read now */
    unsigned connection;
    struct script *script;
    struct problem *problem;
};

static const struct word *find_word(const struct word *words, size_t count, struct slice name) {
    for (size_t i = 0; i < count; i++)
        if (slice_eq(words[i].word, name))
            return &words[i];
    return NULL;
}

static size_t count_lines(struct slice text) {
    size_t lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    return lines;
}

static struct step *add_step(struct parser *p, enum step_kind kind) {
    struct step *step = &p->script->steps[p->script->count++];
    *step = (struct step){
        .kind = kind, .at = p->at, .of_side = p->of_side, .connection = p->connection, .count = 1};
    return step;
}

static int hex_digit(char c) {
    c = ascii_lower(c);
    if (ascii_is_digit(c))
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One escape behind the backslash; the number of characters it takes, or 0 when there is none. */
static size_t read_escape(struct slice s, char *ret) {
    static const char names[] = "rnt0\\\"", values[] = "\r\n\t\0\\\"";
    if (s.len == 0)
        return 0;
    if (s.ptr[0] == 'x') {
        int high = s.len > 2 ? hex_digit(s.ptr[1]) : -1, low = s.len > 2 ? hex_digit(s.ptr[2]) : -1;
        if (high < 0 || low < 0)
            return 0;
        *ret = (char)(high * 16 + low);
        return 3;
    }
    const char *at = memchr(names, s.ptr[0], sizeof names - 1);
    if (!at)
        return 0;
    *ret = values[at - names];
    return 1;
}

static int bad_bytes(struct parser *p) {
    return problem_set(p->problem, -E_SYNTAX,
                       "bytes are written as \"...\", with \\r \\n \\t \\0 \\\\ \\\" and \\xHH");
}

/* One quoted string off the front of `rest`, appended to `to`, which has room. */
static int read_quoted(struct parser *p, struct slice *rest, char *to, size_t *len) {
    size_t i = 1;
    while (i < rest->len && rest->ptr[i] != '"') {
        char c = rest->ptr[i++];
        if (c == '\\') {
            size_t took = read_escape(slice_from(*rest, i), &c);
            if (took == 0)
                return bad_bytes(p);
            i += took;
        }
        to[(*len)++] = c;
    }
    if (i >= rest->len)
        return bad_bytes(p);
    *rest = slice_trim(slice_from(*rest, i + 1));
    return 0;
}

static int read_bytes(struct parser *p, struct slice text, struct slice *ret) {
    struct slice rest = slice_trim(text);
    char *to = arena_alloc(p->a, rest.len + 1);
    size_t len = 0;
    if (rest.len == 0)
        return bad_bytes(p);
    while (rest.len > 0) {
        int r = rest.ptr[0] == '"' ? read_quoted(p, &rest, to, &len) : bad_bytes(p);
        if (r < 0)
            return r;
    }
    *ret = slice_of(to, len);
    return 0;
}

static int read_count(struct parser *p, struct slice text, uint64_t *ret) {
    if (slice_to_u64(text, UINT32_MAX, ret) < 0)
        return problem_set(p->problem, -E_SYNTAX, "a number is due, not \"%.*s\"", SLICE_ARG(text));
    return 0;
}

static int read_span(struct parser *p, struct slice text, usec_t *ret) {
    if (time_parse_span(text, ret) < 0)
        return problem_set(p->problem, -E_SYNTAX,
                           "a span such as 300ms, 61s or 10min is due, not \"%.*s\"",
                           SLICE_ARG(text));
    return 0;
}

static int read_repeat(struct parser *p, struct slice text, struct step *step) {
    struct slice rest = text, number;
    if (!slice_next_word(&rest, &number))
        return problem_set(p->problem, -E_SYNTAX, "say how often, and the bytes");
    int r = read_count(p, number, &step->count);
    return r < 0 ? r : read_bytes(p, rest, &step->text);
}

/* "N per SPAN" or "off". */
static int read_pace(struct parser *p, struct slice text, struct step *step) {
    struct slice rest = text, number, per, span;
    if (slice_eq(text, S("off"))) {
        step->count = 0;
        return 0;
    }
    if (!slice_next_word(&rest, &number) || !slice_next_word(&rest, &per) ||
        !slice_next_word(&rest, &span) || !slice_eq(per, S("per")))
        return problem_set(p->problem, -E_SYNTAX, "say \"BYTES per SPAN\" or \"off\"");
    int r = read_count(p, number, &step->count);
    return r < 0 ? r : read_span(p, span, &step->span);
}

static int read_name_value(struct parser *p, struct slice text, struct step *step) {
    struct slice rest = text;
    if (!slice_next_word(&rest, &step->name))
        return problem_set(p->problem, -E_SYNTAX, "a name is due");
    step->text = slice_trim(rest);
    if (!slice_starts(step->text, S("\"")))
        return 0;
    step->form = FORM_BYTES;
    return read_bytes(p, step->text, &step->text);
}

static int read_switch(struct parser *p, struct slice text, struct step *step) {
    step->count = slice_eq(text, S("on"));
    if (!step->count && !slice_eq(text, S("off")))
        return problem_set(p->problem, -E_SYNTAX, "say on or off");
    return 0;
}

static bool is_indented(struct slice line) {
    return line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t');
}

static bool next_line(struct parser *p, struct slice *ret) {
    if (!slice_next(&p->rest, '\n', ret))
        return false;
    p->at.line++;
    return true;
}

/* How many of the following lines belong to the block: up to the last indented one. */
static size_t block_lines(const struct parser *p) {
    struct slice rest = p->rest, line;
    size_t count = 0, seen = 0;
    while (slice_next(&rest, '\n', &line) && (is_indented(line) || slice_trim(line).len == 0)) {
        seen++;
        if (is_indented(line) && slice_trim(line).len > 0)
            count = seen;
    }
    return count;
}

/* A block to send is one step with LF between its lines; one to expect is a step for each line. */
static int read_block(struct parser *p, enum step_kind kind) {
    size_t lines = block_lines(p), indent = 0;
    if (lines == 0)
        return problem_set(p->problem, -E_SYNTAX,
                           "the lines of the block, indented, are due below");
    struct slice line;
    char *text = arena_alloc(p->a, p->rest.len + 1);
    size_t len = 0;
    struct step *step = kind == STEP_SEND_LINES ? add_step(p, kind) : NULL;
    for (size_t i = 0; i < lines && next_line(p, &line); i++) {
        if (indent == 0)
            while (indent < line.len && (line.ptr[indent] == ' ' || line.ptr[indent] == '\t'))
                indent++;
        line = slice_from(line, indent);
        if (!step) {
            add_step(p, kind)->text = line;
            continue;
        }
        if (i > 0)
            text[len++] = '\n';
        if (line.len > 0)
            memcpy(text + len, line.ptr, line.len);
        len += line.len;
    }
    if (step)
        step->text = slice_of(text, len);
    return 0;
}

/* "NAME text", "NAME "bytes"", or the lines of a block below the name. */
static int read_definition(struct parser *p, struct slice text) {
    struct slice rest = text, name;
    if (!slice_next_word(&rest, &name) || !match_is_name(name))
        return problem_set(p->problem, -E_SYNTAX,
                           "a name is due: small letters, digits, '-' and '_'");
    if (slice_trim(rest).len > 0)
        return read_name_value(p, text, add_step(p, STEP_LET));
    struct step *step = &p->script->steps[p->script->count];
    int r = read_block(p, STEP_SEND_LINES);
    if (r < 0)
        return r;
    step->kind = STEP_LET;
    step->form = FORM_LINES;
    step->name = name;
    return 0;
}

static int read_lines(struct parser *p);

/* The steps of another file, as if they stood here. */
static int read_inclusion(struct parser *p, struct slice name) {
    struct slice text;
    const char *path;
    if (name.len == 0 || !p->source->include || p->depth == INCLUDE_DEPTH)
        return problem_set(p->problem, -E_SYNTAX,
                           "a file is due, in which at most %d others lie within each other",
                           INCLUDE_DEPTH);
    int r = p->source->include(p->source->arg, name, &text, &path);
    if (r < 0)
        return problem_set(p->problem, r, "%.*s: %s", SLICE_ARG(name), error_text(r));
    struct slice rest = p->rest;
    struct script_place at = p->at;
    const size_t later = p->later;
    p->later += count_lines(rest);
    struct step *steps =
        arena_array(p->a, p->script->count + count_lines(text) + p->later, sizeof *steps);
    if (p->script->count > 0)
        memcpy(steps, p->script->steps, p->script->count * sizeof *steps);
    p->script->steps = steps;
    p->rest = text;
    p->at = (struct script_place){path, 0};
    p->depth++;
    r = read_lines(p);
    if (r < 0)
        return r;
    p->depth--;
    p->later = later;
    p->rest = rest;
    p->at = at;
    return 0;
}

static int read_argument(struct parser *p, const struct word *w, enum step_kind kind,
                         struct slice text) {
    struct slice trimmed = slice_trim(text);
    if (w->argument == BLOCK)
        return read_block(p, kind);
    if (w->argument == DEFINITION)
        return read_definition(p, text);
    if (w->argument == INCLUSION)
        return read_inclusion(p, trimmed);
    struct step *step = add_step(p, kind);
    switch (w->argument) {
    case LINE:
        step->text = text;
        return 0;
    case BYTES:
        return read_bytes(p, trimmed, &step->text);
    case REPEAT:
        return read_repeat(p, trimmed, step);
    case COUNT:
        return read_count(p, trimmed, &step->count);
    case PACE:
        return read_pace(p, trimmed, step);
    case SWITCH:
        return read_switch(p, trimmed, step);
    case SPAN:
        return read_span(p, trimmed, &step->span);
    case NAME_VALUE:
        return read_name_value(p, trimmed, step);
    default:
        return trimmed.len == 0
                   ? 0
                   : problem_set(p->problem, -E_SYNTAX, "nothing may follow, but \"%.*s\" does",
                                 SLICE_ARG(trimmed));
    }
}

/* "C", "S2-until": which side, which connection; takes that away from the word. */
static void read_side(struct parser *p, struct slice *word) {
    p->connection = 0;
    p->of_side = word->len > 0 && (word->ptr[0] == 'C' || word->ptr[0] == 'S');
    if (!p->of_side)
        return;
    *word = slice_from(*word, 1);
    if (word->len > 0 && word->ptr[0] > '0' && word->ptr[0] <= '9') {
        p->connection = (unsigned)(word->ptr[0] - '1');
        p->script->numbered = true;
        *word = slice_from(*word, 1);
    }
}

static int read_step(struct parser *p, struct slice line) {
    size_t end = 0;
    while (end < line.len && line.ptr[end] != ':' && line.ptr[end] != ' ' && line.ptr[end] != '\t')
        end++;
    struct slice name = slice_first(line, end), text = slice_from(line, end), word = name;
    bool own = name.len > 0 && name.ptr[0] == p->source->own;
    read_side(p, &word);
    const struct word *w = p->of_side ? find_word(side_words, ARRAY_SIZE(side_words), word)
                                      : find_word(plain_words, ARRAY_SIZE(plain_words), word);
    if (!w)
        return problem_set(p->problem, -E_SYNTAX, "there is no step \"%.*s\"", SLICE_ARG(name));
    enum step_kind kind = own ? w->own : w->other;
    if (kind == STEP_NONE && p->of_side)
        return problem_set(p->problem, -E_SYNTAX, "\"%.*s\" cannot be said of the %s side",
                           SLICE_ARG(name), own ? "script's own" : "tested");
    if (slice_starts(text, S(":")))
        text = slice_from(text, 1);
    if (slice_starts(text, S(" ")))
        text = slice_from(text, 1);
    return read_argument(p, w, kind, text);
}

static int read_lines(struct parser *p) {
    struct slice line;
    while (next_line(p, &line)) {
        if (slice_trim(line).len == 0 || line.ptr[0] == '#')
            continue;
        int r = is_indented(line)
                    ? problem_set(p->problem, -E_SYNTAX, "an indented line without a block")
                    : read_step(p, line);
        if (r < 0)
            return r;
    }
    return 0;
}

int script_parse(struct arena *a, const struct script_source *source, struct script *ret,
                 struct script_place *ret_bad, struct problem *problem) {
    struct script script = {.steps =
                                arena_array(a, count_lines(source->text), sizeof *script.steps)};
    struct parser p = {.a = a,
                       .source = source,
                       .rest = source->text,
                       .at = {source->path, 0},
                       .script = &script,
                       .problem = problem};
    int r = read_lines(&p);
    if (r < 0)
        *ret_bad = p.at;
    else
        *ret = script;
    return r;
}
