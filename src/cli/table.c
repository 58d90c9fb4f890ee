/* SPDX-License-Identifier: ISC */
/*
 * Cells gather as text made harmless with the place of each one's end; widths are known when it is
 * written. The columns that shrink share evenly what is left beside the others.
 */
#include "cli/table.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/words.h"
#include "cli/format.h"
#include "journey/text.h"

#define GAP          2U
#define SHRUNK_LEAST 8U /* columns that a cut cell keeps at least */

static void end_cell(struct table *t) {
    MUST(t->count <= TABLE_COLUMNS_MAX);
    size_t begin = t->cells > 0 ? t->ends[t->cells - 1] : 0;
    if (t->text.len == begin)
        buf_add_byte(&t->text, '-');
    if (t->cells == t->room) {
        t->room = MAX(t->room * 2, (size_t)64);
        t->ends = mem_grow(t->ends, t->room * sizeof *t->ends);
    }
    size_t *width = &t->widths[t->cells % t->count];
    *width = MAX(*width, text_columns(slice_from(buf_slice(&t->text), begin)));
    t->ends[t->cells++] = t->text.len;
}

void table_text(struct table *t, struct slice text) {
    text_add_names(&t->text, text);
    end_cell(t);
}

void table_word(struct table *t, const char *text) {
    table_text(t, slice_of_str(text));
}

void table_printf(struct table *t, const char *format, ...) {
    _cleanup_(buf_done) struct buf text = {0};
    va_list args;
    va_start(args, format);
    buf_printf_v(&text, format, args);
    va_end(args);
    table_text(t, buf_slice(&text));
}

void table_size(struct table *t, uint64_t bytes) {
    format_size(&t->text, bytes);
    end_cell(t);
}

/* ------------------------------------------------------------------ writing */

static struct slice title(const struct table *t, size_t column) {
    return slice_of_str(translated(t->columns[column].title));
}

static void count_titles(struct table *t) {
    for (size_t i = 0; i < t->count; i++)
        t->widths[i] = MAX(t->widths[i], text_columns(title(t, i)));
}

/* The widths to write with: those of the cells, shrunk where the terminal is too narrow. */
static void fit(const struct table *t, size_t widths[TABLE_COLUMNS_MAX]) {
    size_t total = t->indent + GAP * (t->count - 1), shrinking = 0;
    for (size_t i = 0; i < t->count; i++) {
        widths[i] = t->widths[i];
        total += widths[i];
        shrinking += t->columns[i].shrinks ? 1 : 0;
    }
    while (t->width > 0 && total > t->width && shrinking > 0) {
        size_t widest = 0;
        for (size_t i = 0; i < t->count; i++) {
            if (t->columns[i].shrinks &&
                (!t->columns[widest].shrinks || widths[i] > widths[widest]))
                widest = i;
        }
        if (!t->columns[widest].shrinks || widths[widest] <= SHRUNK_LEAST)
            return;
        widths[widest]--;
        total--;
    }
}

static void write_cell(const struct table *t, size_t column, size_t width, struct slice text,
                       struct buf *to) {
    size_t taken = MIN(text_columns(text), width);
    bool last = column == t->count - 1;
    if (t->columns[column].right)
        text_blanks(to, width - taken);
    size_t before = to->len;
    format_cut(to, text, width);
    if (last)
        return;
    taken = text_columns(slice_from(buf_slice(to), before));
    text_blanks(to, (t->columns[column].right ? 0 : width - taken) + GAP);
}

static struct slice cell(const struct table *t, size_t place) {
    size_t begin = place > 0 ? t->ends[place - 1] : 0;
    return slice_of(t->text.ptr + begin, t->ends[place] - begin);
}

void table_write(struct table *t, struct buf *to) {
    size_t widths[TABLE_COLUMNS_MAX];
    MUST(t->cells % t->count == 0);
    if (!t->headless)
        count_titles(t);
    fit(t, widths);
    if (!t->headless && !t->titled) {
        text_blanks(to, t->indent);
        for (size_t i = 0; i < t->count; i++)
            write_cell(t, i, widths[i], title(t, i), to);
        buf_add_byte(to, '\n');
        t->titled = true;
    }
    for (size_t row = 0; row < t->cells; row += t->count) {
        text_blanks(to, t->indent);
        for (size_t i = 0; i < t->count; i++)
            write_cell(t, i, widths[i], cell(t, row + i), to);
        buf_add_byte(to, '\n');
    }
    t->cells = 0;
    buf_clear(&t->text);
}

void table_done(struct table *t) {
    buf_done(&t->text);
    free(t->ends);
    *t = (struct table){0};
}
