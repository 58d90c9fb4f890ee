/* SPDX-License-Identifier: ISC */
/*
 * Goes through the lines, finds the row of each, and reads its value. Whatever is wrong is noted
 * and reading goes on. Within a block that does not exist, or within a block in a block, nothing
 * more is said: one problem for one slip.
 */
#include "conf/parse.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/words.h"
#include "conf/value.h"

/* A block that is open but is none of ours. */
#define UNKNOWN_BLOCK CONF_BLOCK_COUNT

struct parse {
    struct conf_reader reader;
    enum conf_block_id blocks[CONF_DEPTH_MAX]; /* the open ones, by depth */
    unsigned roles;
    struct conf *conf;
    struct conf_problems *problems;
};

static void report_unknown_block(struct parse *p, enum conf_block_id outer, struct conf_word name) {
    struct slice shown = conf_shorten(name.text);
    const struct conf_block *near =
        conf_problems_full(p->problems) ? NULL : conf_block_suggest(name.text);
    if (outer != CONF_TOP)
        conf_problem_add(
            p->problems, p->reader.line, name.column,
            _("found the block \"%.*s\" within the block \"%s\", expected settings only"),
            SLICE_ARG(shown), conf_blocks[outer].name);
    else if (near)
        conf_problem_add(p->problems, p->reader.line, name.column,
                         _("there is no block \"%.*s\"; did you mean \"%s\"?"), SLICE_ARG(shown),
                         near->name);
    else
        conf_problem_add(p->problems, p->reader.line, name.column, _("there is no block \"%.*s\""),
                         SLICE_ARG(shown));
}

static void open_block(struct parse *p) {
    struct conf_word name = p->reader.words[0];
    unsigned depth = p->reader.depth;
    enum conf_block_id outer = depth < 2 ? CONF_TOP : p->blocks[depth - 2];
    enum conf_block_id block = outer == CONF_TOP ? conf_block_find(name.text) : UNKNOWN_BLOCK;
    p->blocks[depth - 1] = block;
    if (block == UNKNOWN_BLOCK && outer != UNKNOWN_BLOCK && name.text.len > 0)
        report_unknown_block(p, outer, name);
}

/* " in the block "smtp"", or what stands for the top. */
static struct slice where_is(enum conf_block_id block, const char *top, struct arena *a) {
    return block == CONF_TOP ? slice_of_str(top)
                             : arena_printf(a, _(" in the block \"%s\""), conf_blocks[block].name);
}

static void report_unknown(struct parse *p, enum conf_block_id block, struct conf_word name) {
    bool guess = !conf_problems_full(p->problems);
    struct arena *a = &p->problems->memory;
    struct slice shown = conf_shorten(name.text);
    struct slice here = where_is(block, "", a);
    struct slice there = {NULL, 0};
    const struct conf_setting *near = guess ? conf_setting_suggest(block, name.text) : NULL;
    if (near && near->block != block)
        there = where_is(near->block, _(" outside of any block"), a);
    if (block == CONF_TOP && conf_block_find(name.text) != CONF_BLOCK_COUNT)
        conf_problem_add(p->problems, p->reader.line, name.column,
                         _("\"%.*s\" is a block, expected \"{\" behind it"), SLICE_ARG(shown));
    else if (near)
        conf_problem_add(p->problems, p->reader.line, name.column,
                         _("there is no setting \"%.*s\"%.*s; did you mean \"%s\"%.*s?"),
                         SLICE_ARG(shown), SLICE_ARG(here), near->name, SLICE_ARG(there));
    else
        conf_problem_add(p->problems, p->reader.line, name.column,
                         _("there is no setting \"%.*s\"%.*s"), SLICE_ARG(shown), SLICE_ARG(here));
}

static void read_setting(struct parse *p, size_t count) {
    unsigned depth = p->reader.depth;
    enum conf_block_id block = depth == 0 ? CONF_TOP : p->blocks[depth - 1];
    struct conf_word name = p->reader.words[0];
    unsigned line = p->reader.line;
    if (block == UNKNOWN_BLOCK)
        return;
    const struct conf_setting *s = conf_setting_in(block, name.text);
    if (!s || (s->roles & p->roles) == 0) {
        report_unknown(p, block, name);
        return;
    }
    char full[CONF_NAME_SIZE];
    struct slice full_name = conf_setting_name(s, full);
    unsigned *set_on = &p->conf->lines[conf_setting_index(s)];
    if (*set_on != 0 && !s->repeats) {
        conf_problem_add(p->problems, line, name.column,
                         _("%.*s is set twice, here and on line %u, expected one of them"),
                         SLICE_ARG(full_name), *set_on);
        return;
    }
    *set_on = line;
    struct problem problem = {0};
    size_t at = 0;
    if (conf_value_read(s, p->reader.words + 1, count - 1, p->conf, &problem, &at) < 0) {
        unsigned column = count > 1 ? p->reader.words[1 + at].column : name.column;
        conf_problem_add(p->problems, line, column, "%.*s: %s", SLICE_ARG(full_name), problem.text);
    }
}

void conf_read_text(struct slice text, unsigned roles, struct conf *conf,
                    struct conf_problems *problems) {
    struct parse p = {.roles = roles, .conf = conf, .problems = problems};
    conf_reader_init(&p.reader, text, 1 + CONF_WORDS_MAX, problems);
    for (;;) {
        size_t count = 0;
        switch (conf_read_line(&p.reader, &count)) {
        case CONF_LINE_END:
            return;
        case CONF_LINE_OPEN:
            open_block(&p);
            break;
        case CONF_LINE_PLAIN:
            read_setting(&p, count);
            break;
        case CONF_LINE_CLOSE:
        case CONF_LINE_FAULT:
            break;
        }
    }
}

int conf_read_value_text(const struct conf_setting *s, struct slice text, struct conf *conf,
                         struct problem *problem) {
    _cleanup_(conf_problems_done) struct conf_problems problems = {0};
    struct conf_reader reader;
    conf_reader_init(&reader, text, CONF_WORDS_MAX, &problems);
    size_t count = 0;
    size_t at = 0;
    enum conf_line_kind kind = conf_read_line(&reader, &count);
    if (problems.count > 0)
        return problem_set(problem, -E_SYNTAX, "%.*s", SLICE_ARG(problems.list[0].text));
    if ((kind != CONF_LINE_PLAIN && kind != CONF_LINE_END) || reader.rest.len > 0)
        return problem_set(problem, -E_SYNTAX, _("found braces or lines, expected a value"));
    return conf_value_read(s, reader.words, count, conf, problem, &at);
}

struct conf *conf_new_blank(void) {
    struct conf *conf = NEW(struct conf);
    conf->lines = arena_array(&conf->memory, conf_setting_count, sizeof *conf->lines);
    return conf;
}

void conf_free(struct conf *conf) {
    if (!conf)
        return;
    arena_done(&conf->memory);
    free(conf);
}
