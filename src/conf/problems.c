/* SPDX-License-Identifier: ISC */
#include "conf/problems.h"
#include "base/words.h"

void conf_problems_done(struct conf_problems *p) {
    arena_done(&p->memory);
    *p = (struct conf_problems){0};
}

void conf_problem_add(struct conf_problems *p, unsigned line, unsigned column, const char *format,
                      ...) {
    if (conf_problems_full(p)) {
        p->unkept++;
        return;
    }
    if (!p->list)
        p->list = arena_array(&p->memory, CONF_PROBLEMS_MAX, sizeof *p->list);
    va_list args;
    va_start(args, format);
    p->list[p->count++] = (struct conf_problem){
        .line = line,
        .column = column,
        .text = arena_printf_v(&p->memory, format, args),
    };
    va_end(args);
}

struct slice conf_shorten(struct slice word) {
    size_t len = MIN(word.len, (size_t)60);
    while (len < word.len && len > 0 && ((uint8_t)word.ptr[len] & 0xc0) == 0x80)
        len--;
    return slice_first(word, len);
}

void conf_problems_write(const struct conf_problems *p, struct buf *to) {
    for (size_t i = 0; i < p->count; i++) {
        const struct conf_problem *problem = &p->list[i];
        buf_add(to, p->file);
        if (problem->line > 0)
            buf_printf(to, p->file.len > 0 ? ":%u" : _("line %u"), problem->line);
        if (problem->line > 0 && problem->column > 0)
            buf_printf(to, ":%u", problem->column);
        if (problem->line > 0 || p->file.len > 0)
            buf_add_str(to, ": ");
        buf_add(to, problem->text);
        buf_add_byte(to, '\n');
    }
    if (p->unkept > 0)
        buf_printf(to, _("and %zu more\n"), p->unkept);
}
