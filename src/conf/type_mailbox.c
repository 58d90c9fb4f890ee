/* SPDX-License-Identifier: ISC */
/*
 * A mailbox is a use, and a name if it is not to have the usual one: "sent", "sent=Gesendet".
 */
#include "base/encode.h"
#include "base/error.h"
#include "conf/syntax.h"
#include "conf/type.h"
#include "message/unicode/nfc.h"

#define NAME_MAX_BYTES 255U /* STORE_NAME_MAX */

const char *const conf_use_words[] = {"drafts", "sent", "junk", "trash", "archive", NULL};

struct slice conf_mailbox_name(const struct conf_mailbox *m, enum conf_mailbox_names names) {
    static const char *const usual[][CONF_USES] = {
        [CONF_NAMES_ENGLISH] = {"Drafts", "Sent", "Junk", "Trash", "Archive"},
        [CONF_NAMES_JAPANESE] = {"下書き", "送信済み", "迷惑メール", "ゴミ箱", "アーカイブ"},
    };
    return m->name.len > 0 ? m->name : slice_of_str(usual[names][m->use]);
}

/* In the one form that names of mailboxes have; one at the top that a client can name. */
static int read_name(struct slice word, struct arena *a, struct slice *ret) {
    _cleanup_(buf_done) struct buf name = {0};
    if (!utf8_valid(word) || slice_find_byte(word, '/') >= 0)
        return -E_SYNTAX;
    nfc_add(&name, word);
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < ' ' || name.ptr[i] == 0x7f)
            return -E_SYNTAX;
    if (name.len == 0 || name.len > NAME_MAX_BYTES || slice_eq_nocase(buf_slice(&name), S("INBOX")))
        return -E_SYNTAX;
    *ret = arena_copy(a, buf_slice(&name));
    return 0;
}

int conf_read_mailbox(const struct conf_setting *s, struct slice word, struct arena *a,
                      union conf_element *ret) {
    struct conf_mailbox m = {0};
    ssize_t at = slice_find_byte(word, '=');
    struct slice use = at < 0 ? word : slice_first(word, (size_t)at);
    unsigned i = 0;
    while (conf_use_words[i] && !slice_eq(use, slice_of_str(conf_use_words[i])))
        i++;
    if (!conf_use_words[i])
        return -E_SYNTAX;
    m.use = (enum conf_use)i;
    int r = at < 0 ? 0 : read_name(slice_from(word, (size_t)at + 1), a, &m.name);
    if (r == 0)
        ret->mailbox = m;
    return r;
}

void conf_write_mailbox(const struct conf_setting *s, const union conf_element *e, struct buf *to) {
    _cleanup_(buf_done) struct buf word = {0};
    buf_add_str(&word, conf_use_words[e->mailbox.use]);
    if (e->mailbox.name.len > 0)
        buf_printf(&word, "=%.*s", SLICE_ARG(e->mailbox.name));
    conf_write_word(buf_slice(&word), to);
}
