/* SPDX-License-Identifier: ISC */
/*
 * Values of settings: from the words of the file into the member of struct conf and back, by the
 * type of the setting. Writing gives the canonical form; reading that again gives the same value.
 */
#pragma once

#include "conf/setting.h"
#include "conf/syntax.h"

/*
 * Reads the words behind a setting's name into its member of `conf`. 0, or -E_SYNTAX with what was
 * found and what was expected in `problem`, and in `ret_at` the place of the word at fault (0 when
 * there are none); then the member is unchanged.
 */
int conf_value_read(const struct conf_setting *s, const struct conf_word *words, size_t count,
                    struct conf *conf, struct problem *problem, size_t *ret_at);

/* Writes the canonical form: "50M", "5min 10min", "none"; lines that repeat parted by "; ". */
void conf_value_write(const struct conf_setting *s, const struct conf *conf, struct buf *to);

/*
 * Of a setting that repeats: how many lines the file has for it, and what stands behind the name in
 * each. Of any other: one, with the canonical form.
 */
size_t conf_value_lines(const struct conf_setting *s, const struct conf *conf);
void conf_value_write_line(const struct conf_setting *s, const struct conf *conf, size_t line,
                           struct buf *to);

/* "a size, from 64K to 2G, or none": what the file may say. */
void conf_value_expected(const struct conf_setting *s, enum conf_language language, struct buf *to);

/* A short name of the type, "size". */
const char *conf_type_name(enum conf_type type);
