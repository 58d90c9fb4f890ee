/* SPDX-License-Identifier: ISC */
#include "message/language.h"

#include "base/encode.h"
#include "message/header.h"
#include "message/words.h"

#define FIELD_MAX 2000 /* of a field that are read */

static bool is_japanese(uint32_t character) {
    return (character >= 0x3041 && character <= 0x30ff) || /* kana */
           (character >= 0x3400 && character <= 0x9fff) || /* kanji */
           (character >= 0xff66 && character <= 0xff9d);   /* half-width kana */
}

static bool holds_japanese(struct slice text) {
    uint32_t character = 0;
    while (text.len > 0) {
        size_t len = utf8_decode(text, &character);
        if (len > 0 && is_japanese(character))
            return true;
        text = slice_from(text, MAX(len, (size_t)1));
    }
    return false;
}

/* A character set that is used for Japanese alone. */
static bool names_japanese(struct slice content_type) {
    static const struct slice sets[] = {
        {"iso-2022-jp", 11}, {"shift_jis", 9}, {"euc-jp", 6}, {"windows-31j", 11}};
    for (; content_type.len > 0; content_type = slice_from(content_type, 1)) {
        for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
            if (slice_starts_nocase(content_type, sets[i]))
                return true;
        }
    }
    return false;
}

/* On one line and without blanks at its ends; empty when there is none. */
static struct slice field_of(struct arena *a, struct slice message, struct slice name) {
    struct header_field field;
    if (!header_find(message, NULL, name, 0, &field))
        return S("");
    return slice_trim_lines(header_unfold(a, slice_first(field.raw, FIELD_MAX)));
}

static bool is_written_in_japanese(struct arena *a, struct slice message, struct slice name) {
    _cleanup_(buf_done) struct buf text = {0};
    words_decode(&text, field_of(a, message, name));
    return holds_japanese(buf_slice(&text));
}

bool message_is_japanese(struct slice message) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice languages = field_of(&a, message, S("Content-Language"));
    bool tagged = slice_starts_nocase(languages, S("ja")) && /* the first that the writer names */
                  (languages.len == 2 || !ascii_is_alpha(languages.ptr[2]));
    return tagged || is_written_in_japanese(&a, message, S("Subject")) ||
           is_written_in_japanese(&a, message, S("From")) ||
           names_japanese(field_of(&a, message, S("Content-Type")));
}
