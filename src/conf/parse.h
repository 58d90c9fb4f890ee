/* SPDX-License-Identifier: ISC */
/*
 * Reading settings text into a struct conf, for whole files (load.c) and for shares of a role
 * (share.c).
 */
#pragma once

#include "conf/setting.h"

/* A conf in which every member is zero. */
struct conf *conf_new_blank(void);

/*
 * Reads all settings in `text` into `conf`, of which only those in `roles` (bits) may appear; notes
 * the line of each. Adds what is wrong to `problems`.
 */
void conf_read_text(struct slice text, unsigned roles, struct conf *conf,
                    struct conf_problems *problems);

/* Reads one value written as in the file behind the name. 0 or -E_SYNTAX. */
int conf_read_value_text(const struct conf_setting *s, struct slice text, struct conf *conf,
                         struct problem *problem);
