/* SPDX-License-Identifier: ISC */
/*
 * Settings written for people and programs, all from the table: the annotated file that
 * `hayauma init` makes, what `hayauma config` prints, JSON, and the man page.
 */
#pragma once

#include "conf/setting.h"

/*
 * A settings file with every setting and its documentation. What the file or conf_set() made
 * different from the default, and all that `conf` was read with, is active; the rest is commented
 * out. NULL: the defaults. Reading the result gives the same values.
 */
void conf_write_annotated(const struct conf *conf, enum conf_language language, struct buf *to);

/* One setting in detail, for `hayauma config NAME`. `conf` NULL: without its value. */
void conf_describe(const struct conf_setting *s, const struct conf *conf,
                   enum conf_language language, struct buf *to);

/* One line for each setting: name, value, default, line of the file. */
void conf_write_table(const struct conf *conf, bool changed_only, struct buf *to);

/* An array with an object for each setting; values as the file would say them. */
void conf_write_json(const struct conf *conf, bool changed_only, struct buf *to);

/* The object of one setting. */
void conf_describe_json(const struct conf_setting *s, const struct conf *conf, struct buf *to);

/* hayauma.conf(5) in mdoc. */
void conf_write_man(enum conf_language language, struct buf *to);
