/* SPDX-License-Identifier: ISC */
/*
 * From a file to checked settings. The file is read in one go with plain system calls: the master
 * does it at its start and at a reload, when it has nothing else to do.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/read.h"
#include "base/words.h"
#include "conf/parse.h"

struct conf *conf_new(void) {
    struct conf *conf = conf_new_blank();
    for (size_t i = 0; i < conf_setting_count; i++) {
        const struct conf_setting *s = &conf_settings[i];
        struct problem problem = {0};
        if (s->preset && conf_read_value_text(s, slice_of_str(s->preset), conf, &problem) < 0)
            panic("the default of the setting %s: %s", s->name, problem.text);
    }
    return conf;
}

int conf_set(struct conf *conf, const char *name, struct slice text, struct problem *problem) {
    const struct conf_setting *s = conf_setting_find(slice_of_str(name), problem);
    return s ? conf_read_value_text(s, text, conf, problem) : -E_UNKNOWN;
}

/* A conf in any case, unless the text is too long. */
static int parse_most(struct slice text, const char *file, struct conf **ret,
                      struct conf_problems *problems) {
    problems->file = arena_copy(&problems->memory, slice_of_str(file));
    if (text.len > CONF_FILE_MAX) {
        conf_problem_add(problems, 0, 0, _("found a file of %zu bytes, expected at most %u"),
                         text.len, CONF_FILE_MAX);
        return -E_SYNTAX;
    }
    size_t before = problems->count;
    *ret = conf_new();
    conf_read_text(text, UINT32_MAX, *ret, problems);
    return problems->count > before || !conf_check(*ret, problems) ? -E_SYNTAX : 0;
}

int conf_parse(struct slice text, const char *file, struct conf **ret,
               struct conf_problems *problems) {
    _cleanup_(conf_free_p) struct conf *conf = NULL;
    int r = parse_most(text, file, &conf, problems);
    if (r == 0)
        *ret = TAKE_PTR(conf);
    return r;
}

int conf_load_most(const char *path, struct conf **ret, struct conf_problems *problems) {
    _cleanup_(buf_done) struct buf text = {0};
    _cleanup_(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC);
    int r = fd < 0 ? -errno : read_to_end(fd, &text, CONF_FILE_MAX);
    if (r < 0 && r != -E_LIMIT) { /* what is too long is refused below, with its words */
        problems->file = arena_copy(&problems->memory, slice_of_str(path));
        conf_problem_add(problems, 0, 0, _("cannot be read: %s"), error_words(r));
        return r;
    }
    return parse_most(buf_slice(&text), path, ret, problems);
}

int conf_load(const char *path, struct conf **ret, struct conf_problems *problems) {
    _cleanup_(conf_free_p) struct conf *conf = NULL;
    int r = conf_load_most(path, &conf, problems);
    if (r == 0)
        *ret = TAKE_PTR(conf);
    return r;
}

bool conf_in_doubt(const struct conf *most, const struct conf_problems *problems,
                   const char *name) {
    const struct conf_setting *s = conf_setting_find(slice_of_str(name), NULL);
    MUST(s != NULL);
    unsigned line = most->lines[conf_setting_index(s)];
    if (problems->unkept > 0)
        return true;
    for (size_t i = 0; line > 0 && i < problems->count; i++)
        if (problems->list[i].line == line)
            return true;
    return false;
}
