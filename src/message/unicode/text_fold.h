/* SPDX-License-Identifier: ISC */
/*
 * Text as it is searched: what people take for the same is the same in it. A needle and the text
 * are folded alike, then bytes are compared. Pure.
 *
 * - width: Ａ is a, ｶﾞ is が, ￥ is ¥; and so is all else that Unicode has for compatibility: ① is
 * 1, ㈱ is (株), ㍉ is ミリ, the no-break and the ideographic space are a blank;
 * - case, in full: É is é, ß is ss, ς is σ;
 * - kana: katakana is hiragana. The mark of length (ー) stays, small kana stay small;
 * - what is written of several characters, or of one, is one where there is one: か and its mark, e
 *   and its accent, parts of a Hangul syllable (Unicode's form NFC). An accent is not left out: e
 * is no é, か no が;
 * - what nobody sees is dropped: soft hyphens, joiners, variation selectors;
 * - what character sets have the one or the other of in one place is one: 〜 and ～, − and －, ―
 * and —.
 *
 * Old and new forms of kanji stay apart. Line ends, tabs and control characters stay as they are.
 */
#pragma once

#include "message/cut.h"

/* So many marks belong to one character at most (Unicode Standard Annex #15 §13); more begin anew.
 */
#define TEXT_FOLD_MARKS 30U

/* A text that comes in pieces, cut anywhere. The zero value is at its beginning; owns nothing. */
struct text_fold {
    uint32_t pending[TEXT_FOLD_MARKS + 1]; /* a character and its marks */
    uint8_t count;
    struct cut_character cut;
};

/*
 * The output is well-formed UTF-8, and at most eleven times as long as the input (ﷺ is 18 letters).
 * Bytes that are not UTF-8 become U+FFFD, one by one. A character that more may belong to waits for
 * the next piece, or for the end, after which another text may begin.
 */
void text_fold_add(struct text_fold *f, struct slice utf8, struct buf *to);
void text_fold_end(struct text_fold *f, struct buf *to);
