/* SPDX-License-Identifier: ISC */
/*
 * One setting with its value and its default as canonical text, for everything that shows settings.
 */
#pragma once

#include "conf/setting.h"

struct conf_shown {
    const struct conf_setting *setting;
    char *name;          /* full */
    struct slice value;  /* with a NUL behind */
    struct slice preset; /* ptr NULL: it has none */
    unsigned line;       /* of the file; 0: not set there */
    bool changed;        /* differs from the default */
};

/* Memory from the arena. `defaults` is a conf_new(). */
struct conf_shown conf_show(const struct conf_setting *s, const struct conf *conf,
                            const struct conf *defaults, struct arena *a);
