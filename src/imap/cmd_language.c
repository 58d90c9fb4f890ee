/* SPDX-License-Identifier: ISC */
/* LANGUAGE, and COMPARATOR (RFC 5255 §3, §4.7): of comparators there is one. */
#include "imap/session_inside.h"

/* ------------------------------------------------------------------ LANGUAGE */

static const struct language {
    const char *tag;
    bool japanese;
} languages[] = {{"en", false}, {"ja", true}, {"i-default", false}};

/* The language that a range means: "ja-JP" is "ja" (RFC 4647 §3.4). */
static const struct language *find_language(struct slice range) {
    if (slice_eq_nocase(range, S("default")))
        range = S("i-default");
    while (range.len > 0) {
        for (size_t i = 0; i < ARRAY_SIZE(languages); i++)
            if (slice_eq_nocase(range, slice_of_str(languages[i].tag)))
                return &languages[i];
        const ssize_t dash = slice_rfind_byte(range, '-');
        range = slice_first(range, dash < 0 ? 0 : (size_t)dash);
    }
    return NULL;
}

/* All, or the one that was chosen. */
static void tell_languages(struct imap_session *s, const struct language *chosen) {
    struct imap_writer *w = &s->c.writer;
    imap_write_begin(w, S("*"));
    imap_write_word(w, "LANGUAGE");
    imap_write_open(w);
    for (size_t i = 0; i < ARRAY_SIZE(languages); i++)
        if (!chosen || chosen == &languages[i])
            imap_write_word(w, languages[i].tag);
    imap_write_close(w);
    imap_write_end(w);
}

void imap_do_language(struct imap_session *s, const struct imap_command *command) {
    const struct imap_words *wanted = &command->words;
    const struct language *chosen = NULL;
    for (size_t i = 0; !chosen && i < wanted->count; i++)
        chosen = find_language(wanted->words[i]);
    if (wanted->count > 0 && !chosen) {
        imap_say(&s->c, command->tag, "NO", NULL, "none of these languages is known here");
        return;
    }
    if (chosen)
        s->c.writer.japanese = chosen->japanese;
    tell_languages(s, chosen);
    imap_ok(s, command, chosen ? "that is the language" : "these are the languages");
}

/* ------------------------------------------------------------------ COMPARATOR */

#define COMPARATOR "i;unicode-casemap"

/* Whether a pattern means the comparator: "*" stands for any octets (RFC 4790 §3.2). */
static bool means_ours(struct slice pattern) {
    const struct slice name = S(COMPARATOR);
    size_t p = 0, n = 0, star = SIZE_MAX, from = 0;
    while (n < name.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            from = n;
        } else if (p < pattern.len && pattern.ptr[p] == name.ptr[n]) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

void imap_do_comparator(struct imap_session *s, const struct imap_command *command) {
    const struct imap_words *wanted = &command->words;
    struct imap_writer *w = &s->c.writer;
    bool known = wanted->count == 0;
    for (size_t i = 0; !known && i < wanted->count; i++)
        known = slice_eq_nocase(wanted->words[i], S("default")) || means_ours(wanted->words[i]);
    if (!known) {
        imap_say(&s->c, command->tag, "NO", "BADCOMPARATOR",
                 "none of these comparators is known here");
        return;
    }
    imap_write_begin(w, S("*"));
    imap_write_word(w, "COMPARATOR");
    imap_write_word(w, COMPARATOR);
    imap_write_end(w);
    imap_ok(s, command, "that is the comparator");
}
