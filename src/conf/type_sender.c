/* SPDX-License-Identifier: ISC */
/*
 * A domain and why it is treated otherwise than others: "example.jp "its gateway breaks
 * signatures"". The reason is for those who come later; nobody remembers it otherwise.
 */
#include "base/error.h"
#include "conf/syntax.h"
#include "conf/type.h"
#include "message/address/domain.h"

#define REASON_MAX 200U

int conf_read_sender(const struct conf_setting *s, struct slice line, struct arena *a,
                     union conf_element *ret) {
    struct conf_sender sender = {0};
    struct slice word;
    (void)s;
    if (!slice_next_word(&line, &word))
        return -E_SYNTAX;
    bool below = slice_starts(word, S("."));
    int r = domain_canonical(a, slice_from(word, below), DOMAIN_UTF8, &sender.domain, NULL);
    if (r < 0)
        return -E_SYNTAX;
    if (below)
        sender.domain = arena_printf(a, ".%.*s", SLICE_ARG(sender.domain));
    sender.reason = arena_copy(a, slice_trim(line));
    if (sender.reason.len == 0 || sender.reason.len > REASON_MAX)
        return -E_SYNTAX;
    ret->sender = sender;
    return 0;
}

void conf_write_sender(const struct conf_setting *s, const union conf_element *e, struct buf *to) {
    (void)s;
    buf_printf(to, "%.*s ", SLICE_ARG(e->sender.domain));
    conf_write_word(e->sender.reason, to);
}

const struct conf_sender *conf_senders_find(const struct conf_senders *all, struct slice domain) {
    for (size_t i = 0; i < all->count; i++) {
        const struct conf_sender *s = &all->list[i];
        bool below = slice_starts(s->domain, S("."));
        if (below ? domain.len > s->domain.len && slice_ends_nocase(domain, s->domain)
                  : slice_eq_nocase(domain, s->domain))
            return s;
    }
    return NULL;
}
