/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a message. The answers do not depend on how it is cut, agree with those of its map,
 * and a text in ASCII has each part of itself. The first bytes say how it is cut, and which part.
 */
#include "base/error.h"
#include "search/confirm.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define QUESTIONS 9U

static void answer(const struct search_question *qs, struct slice message, size_t piece,
                   bool *ret) {
    _cleanup_(search_confirm_free_p) struct search_confirm *c = search_confirm_new(qs, QUESTIONS);
    search_confirm_begin(c, NULL);
    for (; message.len > 0; message = slice_from(message, piece))
        if (!search_confirm_feed(c, slice_first(message, piece)))
            break;
    search_confirm_end(c);
    for (size_t i = 0; i < QUESTIONS; i++)
        ret[i] = search_confirm_has(c, i);
}

static void check_map(const struct search_question *qs, struct slice message, const bool *has) {
    _cleanup_(message_map_free_p) struct message_map_maker *maker = message_map_new();
    _cleanup_(buf_done) struct buf blob = {0};
    _cleanup_(arena_done) struct arena a = {0};
    struct message_map map;
    message_map_feed(maker, message);
    message_map_finish(maker, &blob);
    MUST(message_map_read(&a, buf_slice(&blob), &map) == 0);
    struct search_map m = {.map = &map};
    for (size_t i = 0; i < QUESTIONS; i++) {
        int known = search_confirm_by_map(&m, &qs[i]);
        bool joined = qs[i].field >= SEARCH_FROM && qs[i].field <= SEARCH_BCC; /* of many fields */
        MUST(known < 0 || known == has[i] || (joined && known == 1));
    }
    search_map_done(&m);
}

/* A header that is empty, and a body in ASCII without escape sequences. */
static void check_part_of_itself(struct slice text, struct slice part, size_t piece) {
    _cleanup_(buf_done) struct buf message = {0}, needle = {0};
    bool has[QUESTIONS];
    buf_add_str(&message, "\r\n");
    buf_add(&message, text);
    search_fold(part, &needle);
    struct search_question qs[QUESTIONS] = {{.field = SEARCH_BODY, .needle = buf_slice(&needle)},
                                            {.field = SEARCH_ANY, .needle = buf_slice(&needle)}};
    answer(qs, buf_slice(&message), piece, has);
    MUST(has[0] && has[1]);
}

static bool is_plain(struct slice text) {
    for (size_t i = 0; i < text.len; i++)
        if ((uint8_t)text.ptr[i] > 126 || ((uint8_t)text.ptr[i] < ' ' && text.ptr[i] != '\n'))
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    static const enum search_field fields[QUESTIONS] = {
        SEARCH_ANY, SEARCH_BODY, SEARCH_HEADER,  SEARCH_FROM,   SEARCH_TO,
        SEARCH_CC,  SEARCH_BCC,  SEARCH_SUBJECT, SEARCH_HEADER,
    };
    _cleanup_(buf_done) struct buf needle = {0};
    struct search_question qs[QUESTIONS];
    bool whole[QUESTIONS], cut[QUESTIONS];
    if (len < 4)
        return 0;
    struct slice message = slice_of(bytes + 3, len - 3);
    struct slice part = slice_first(slice_from(message, bytes[0] % message.len), bytes[1]);
    size_t piece = (size_t)bytes[2] + 1;
    search_fold(part, &needle);
    MUST(needle.len <= 11 * part.len);
    for (size_t i = 0; i < QUESTIONS; i++)
        qs[i] = (struct search_question){fields[i],
                                         i == 2   ? S("X")
                                         : i == 8 ? S("Message-ID")
                                                  : S(""),
                                         buf_slice(&needle)};
    answer(qs, message, SIZE_MAX, whole);
    answer(qs, message, piece, cut);
    MUST(memcmp(whole, cut, sizeof whole) == 0);
    check_map(qs, message, whole);
    if (is_plain(message))
        check_part_of_itself(message, part, piece);
    return 0;
}
