/* SPDX-License-Identifier: ISC */
#include "conf/shown.h"

#include "conf/value.h"

static struct slice value_text(const struct conf_setting *s, const struct conf *conf,
                               struct arena *a) {
    _cleanup_(buf_done) struct buf text = {0};
    conf_value_write(s, conf, &text);
    return arena_copy(a, buf_slice(&text));
}

struct conf_shown conf_show(const struct conf_setting *s, const struct conf *conf,
                            const struct conf *defaults, struct arena *a) {
    char name[CONF_NAME_SIZE];
    struct slice preset = value_text(s, defaults, a);
    struct slice value = value_text(s, conf, a);
    return (struct conf_shown){
        .setting = s,
        .name = arena_str(a, conf_setting_name(s, name)),
        .value = value,
        .preset = s->preset ? preset : (struct slice){NULL, 0},
        .line = conf->lines[conf_setting_index(s)],
        .changed = !slice_eq(value, preset),
    };
}
