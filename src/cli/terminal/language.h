/* SPDX-License-Identifier: ISC */
/*
 * The language of what the command line says: Japanese where the locale asks for it, else English.
 *
 * The locale itself need not exist on this machine: Debian makes only C.UTF-8 unless somebody asks
 * for more, and a wish that is well understood should not fail for that. So the variables are read
 * here, in the order that gettext gives them, and the Japanese catalogue is used whenever they ask
 * for Japanese on a terminal that reads UTF-8:
 *
 *     LANG=ja_JP.UTF-8, LANG=ja          Japanese
 *     LANG=C.UTF-8 LANGUAGE=ja           Japanese; LANGUAGE counts before the locale,
 *     LANG=ja_JP.UTF-8 LANGUAGE=en:ja    English; and its first language that we have counts
 *     LANGUAGE=ja, LC_ALL=C LANGUAGE=ja  English: the locale C has no language
 *     LANG=ja_JP.eucJP                   English: what we write is UTF-8
 */
#pragma once

#include <stdbool.h>

/* getenv(), or what a test puts in its place. Empty values count as missing ones. */
typedef const char *language_variable(const char *name);

bool language_wants_japanese(language_variable *get);

/* From here on _() answers in the language that the environment asks for. English when there is no
 * catalogue: it is looked for beside the program where it was built, and where it is installed. */
void language_choose(void);

/* From here on _() answers in English. */
void language_english(void);
