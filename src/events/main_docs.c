/* SPDX-License-Identifier: ISC */
/*
 * Writes events.md, the page about kinds of events and their facts, from the tables.
 */
#include <stdio.h>

#include "base/buf.h"
#include "events/kinds.h"

static void write_facts(struct buf *to) {
    static const char *const types[] = {
        [FACT_IS_TEXT] = "text",
        [FACT_IS_HEADER] = "text",
        [FACT_IS_ADDRESSES] = "list of addresses",
        [FACT_IS_NUMBER] = "number",
        [FACT_IS_SIZE] = "bytes",
        [FACT_IS_TIME] = "time",
        [FACT_IS_MESSAGE] = "message id",
        [FACT_IS_DIALOGUE] = "list of lines",
        [FACT_IS_FINDING] = "list of lines",
    };
    buf_add_str(to, "| fact | in JSON | meaning | messages are found by it |\n|---|---|---|---|\n");
    for (size_t i = 0; i < fact_count; i++) {
        const struct fact *f = &fact_table[i];
        buf_printf(to, "| `%.*s` | %s | %s | %s |\n", SLICE_ARG(f->name), types[f->type],
                   f->meaning, f->key ? "yes" : "");
    }
}

int main(void) {
    _cleanup_(buf_done) struct buf text = {0};
    buf_add_str(&text, "# Events\n\nWhat `hayauma log` and `hayauma journey` tell. Made from"
                       " src/events/kinds.c.\n\n## Kinds\n\n"
                       "| kind | level | shown as | facts | meaning |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < kind_count; i++) {
        const struct kind *k = &kind_table[i];
        buf_printf(&text, "| `%.*s` | %s | %s | %s | %s |\n", SLICE_ARG(k->name),
                   level_name(k->level), k->title, k->facts, k->meaning);
    }
    buf_add_str(&text, "\n## Facts\n\n");
    write_facts(&text);
    return fwrite(text.ptr, 1, text.len, stdout) == text.len && fflush(stdout) == 0 ? 0 : 1;
}
