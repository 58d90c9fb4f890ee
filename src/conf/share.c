/* SPDX-License-Identifier: ISC */
/*
 * Shares and differences work on the canonical text of each value, so that whatever can stand in
 * the file can be handed over and compared, and a new type needs nothing here.
 */
#include "conf/share.h"

#include "base/error.h"
#include "conf/parse.h"
#include "conf/value.h"

static void write_for(const struct conf *conf, unsigned roles, struct buf *to) {
    for (unsigned block = CONF_TOP; block < CONF_BLOCK_COUNT; block++) {
        bool open = false;
        for (size_t i = 0; i < conf_setting_count; i++) {
            const struct conf_setting *s = &conf_settings[i];
            if (s->block != block || !(s->roles & roles))
                continue;
            if (!open && block != CONF_TOP)
                buf_printf(to, "%s {\n", conf_blocks[block].name);
            open = true;
            for (size_t line = 0; line < conf_value_lines(s, conf); line++) {
                buf_printf(to, "%s ", s->name);
                conf_value_write_line(s, conf, line, to);
                buf_add_byte(to, '\n');
            }
        }
        if (open && block != CONF_TOP)
            buf_add_str(to, "}\n");
    }
}

void conf_write_slice(const struct conf *conf, enum role role, struct buf *to) {
    write_for(conf, 1U << role, to);
}

void conf_write_all(const struct conf *conf, struct buf *to) {
    write_for(conf, UINT32_MAX, to);
}

static int check_complete(const struct conf *conf, enum role role, struct problem *problem) {
    char text[CONF_NAME_SIZE];
    for (size_t i = 0; i < conf_setting_count; i++) {
        const struct conf_setting *s = &conf_settings[i];
        if (conf_setting_is_for(s, role) && conf->lines[i] == 0)
            return problem_set(problem, -E_SYNTAX, "the settings for %s lack %.*s", role_name(role),
                               SLICE_ARG(conf_setting_name(s, text)));
    }
    return 0;
}

int conf_read_slice(struct slice text, enum role role, struct conf **ret, struct problem *problem) {
    _cleanup_(conf_free_p) struct conf *conf = conf_new_blank();
    _cleanup_(conf_problems_done) struct conf_problems problems = {0};
    conf_read_text(text, 1U << role, conf, &problems);
    if (problems.count > 0)
        return problem_set(problem, -E_SYNTAX, "the settings for %s, line %u: %.*s",
                           role_name(role), problems.list[0].line,
                           SLICE_ARG(problems.list[0].text));
    int r = check_complete(conf, role, problem);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(conf);
    return 0;
}

struct conf_diff conf_diff(const struct conf *before, const struct conf *after, struct arena *a) {
    struct conf_diff diff = {.list = arena_array(a, conf_setting_count, sizeof *diff.list)};
    _cleanup_(buf_done) struct buf old_text = {0};
    _cleanup_(buf_done) struct buf new_text = {0};
    for (size_t i = 0; i < conf_setting_count; i++) {
        const struct conf_setting *s = &conf_settings[i];
        buf_clear(&old_text);
        buf_clear(&new_text);
        conf_value_write(s, before, &old_text);
        conf_value_write(s, after, &new_text);
        if (slice_eq(buf_slice(&old_text), buf_slice(&new_text)))
            continue;
        diff.list[diff.count++] = (struct conf_change){
            .setting = s,
            .before = arena_copy(a, buf_slice(&old_text)),
            .after = arena_copy(a, buf_slice(&new_text)),
        };
        diff.roles |= s->roles;
        diff.restart = diff.restart || s->effect == CONF_RESTART;
    }
    return diff;
}
