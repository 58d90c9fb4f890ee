/* SPDX-License-Identifier: ISC */
#include "cli/host/check.h"

#include "message/text.h"

#define COLUMN_TEXT 9U /* where the sentence begins, behind the level */

static const char *const level_words[] = {N_("ok"), N_("note"), N_("warning"), N_("error")};

void check_add(struct check *k, enum check_level level, const char *format, ...) {
    _cleanup_(buf_done) struct buf text = {0};
    struct buf *to = &k->c->out;
    va_list args;
    va_start(args, format);
    buf_printf_v(&text, format, args);
    va_end(args);
    k->counts[level]++;
    if (k->c->json) {
        json_object(&k->json);
        cli_json_text(&k->json, "level", slice_of_str(level_words[level]));
        cli_json_text(&k->json, "text", buf_slice(&text));
        json_end(&k->json);
        return;
    }
    size_t line = to->len;
    buf_add_str(to, translated(level_words[level]));
    text_column(to, line, COLUMN_TEXT);
    text_wrap(to, buf_slice(&text), COLUMN_TEXT, k->c->width > 0 ? k->c->width : SIZE_MAX);
    buf_add_byte(to, '\n');
}
