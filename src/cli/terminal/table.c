/* SPDX-License-Identifier: ISC */
/*
 * Cells gather as text made harmless with the place of each one's end; widths are known when it is
 * written. Columns are left out until the others have room, those that shrink counted with the
 * least of which something can be read; these then share evenly what is left beside the others.
 */
#include "cli/terminal/table.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/words.h"
#include "cli/terminal/format.h"
#include "message/text.h"

#define GAP          2U
#define SHRUNK_GOOD  16U /* columns of a cut cell for which others are left out */
#define SHRUNK_LEAST 8U  /* columns that it keeps at least */

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

/* Columns of a line when none that shrinks or wraps takes more than `most`. */
static size_t line_width(const struct table *t, const size_t widths[TABLE_COLUMNS_MAX],
                         size_t most) {
    size_t total = t->indent, shown = 0;
    for (size_t i = 0; i < t->count; i++) {
        const struct table_column *column = &t->columns[i];
        if (t->left_out[i])
            continue;
        total += column->shrinks || column->wraps ? MIN(widths[i], most) : widths[i];
        shown++;
    }
    return total + GAP * (shown > 0 ? shown - 1 : 0);
}

/* Which columns there is no room for. */
static void leave_out(struct table *t) {
    while (line_width(t, t->widths, SHRUNK_GOOD) > t->width) {
        size_t least = 0;
        for (size_t i = 1; i < t->count; i++) {
            bool less = t->columns[i].rank > t->columns[least].rank || t->left_out[least];
            if (!t->left_out[i] && less)
                least = i;
        }
        if (t->left_out[least] || t->columns[least].rank == 0)
            return;
        t->left_out[least] = true;
    }
}

/* The widths to write with: those of the cells, shrunk where the terminal is too narrow. */
static void fit(const struct table *t, size_t widths[TABLE_COLUMNS_MAX]) {
    memcpy(widths, t->widths, sizeof t->widths);
    size_t total = line_width(t, widths, SIZE_MAX);
    for (; t->width > 0 && total > t->width; total--) {
        size_t *widest = NULL;
        for (size_t i = 0; i < t->count; i++) {
            bool shrinks = t->columns[i].shrinks || t->columns[i].wraps;
            if (shrinks && !t->left_out[i] && (!widest || widths[i] > *widest))
                widest = &widths[i];
        }
        if (!widest || *widest <= SHRUNK_LEAST)
            return;
        (*widest)--;
    }
}

static void write_cell(const struct table *t, size_t column, size_t width, struct slice text,
                       struct buf *to) {
    size_t before = to->len;
    if (t->columns[column].right)
        text_blanks(to, width - MIN(text_columns(text), width));
    format_cut(to, text, width);
    size_t last = t->count - 1;
    while (last > 0 && t->left_out[last])
        last--;
    if (column == last)
        return;
    size_t taken = text_columns(slice_from(buf_slice(to), before));
    text_blanks(to, width - MIN(taken, width) + GAP);
}

static struct slice cell(const struct table *t, size_t place) {
    size_t begin = place > 0 ? t->ends[place - 1] : 0;
    return slice_of(t->text.ptr + begin, t->ends[place] - begin);
}

static void write_row(const struct table *t, const size_t widths[TABLE_COLUMNS_MAX], size_t row,
                      struct buf *to) {
    size_t line = to->len;
    text_blanks(to, t->indent);
    for (size_t i = 0; i < t->count; i++) {
        if (t->columns[i].wraps && t->width > 0)
            text_wrap(to, cell(t, row + i), text_columns(slice_from(buf_slice(to), line)),
                      t->width);
        else if (!t->left_out[i])
            write_cell(t, i, widths[i], cell(t, row + i), to);
    }
    buf_add_byte(to, '\n');
}

void table_write(struct table *t, struct buf *to) {
    size_t widths[TABLE_COLUMNS_MAX];
    MUST(t->cells % t->count == 0);
    for (size_t i = 0; !t->headless && i < t->count; i++)
        t->widths[i] = MAX(t->widths[i], text_columns(title(t, i)));
    if (!t->written && t->width > 0)
        leave_out(t);
    fit(t, widths);
    if (!t->headless && !t->written) {
        text_blanks(to, t->indent);
        for (size_t i = 0; i < t->count; i++) {
            if (!t->left_out[i])
                write_cell(t, i, widths[i], title(t, i), to);
        }
        buf_add_byte(to, '\n');
    }
    t->written = true;
    for (size_t row = 0; row < t->cells; row += t->count)
        write_row(t, widths, row, to);
    t->cells = 0;
    buf_clear(&t->text);
}

void table_end(const struct table *t, struct buf *to) {
    _cleanup_(buf_done) struct buf names = {0};
    _cleanup_(buf_done) struct buf text = {0};
    for (size_t i = 0; i < t->count; i++) {
        if (t->left_out[i])
            buf_printf(&names, "%s%.*s", names.len > 0 ? _(", ") : "", SLICE_ARG(title(t, i)));
    }
    if (names.len == 0)
        return;
    buf_printf(&text, _("(not shown in this width: %s; --wide shows all)"), buf_str(&names));
    text_wrap(to, buf_slice(&text), 0, t->width);
    buf_add_byte(to, '\n');
}

void table_done(struct table *t) {
    buf_done(&t->text);
    free(t->ends);
    *t = (struct table){0};
}
