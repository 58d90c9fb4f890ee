/* SPDX-License-Identifier: ISC */
#include "cli/directory/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/read.h"
#include "directory/name.h"
#include "message/text.h"

/* ------------------------------------------------------------------ the file */

int import_begin(struct cli *c, struct import *ret, struct problem *problem) {
    const char *path = cli_text(c->call, "FILE").ptr;
    size_t lines = 1;
    bool standard = strcmp(path, "-") == 0;
    *ret = (struct import){.c = c, .name = standard ? "<stdin>" : path};
    _cleanup_(close_p) int fd = standard ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    int r = standard  ? read_to_end(STDIN_FILENO, &ret->file, IMPORT_FILE_MAX)
            : fd >= 0 ? read_to_end(fd, &ret->file, IMPORT_FILE_MAX)
                      : -errno;
    if (r == -E_LIMIT)
        return problem_set(problem, -E_SYNTAX, _("%s is larger than %zu MiB"), ret->name,
                           IMPORT_FILE_MAX >> 20);
    if (r < 0)
        return problem_set(problem, r, _("%s cannot be read: %s"), ret->name, error_words(r));
    for (size_t i = 0; i < ret->file.len; i++)
        lines += ret->file.ptr[i] == '\n';
    ret->entries = arena_array(c->arena, lines, sizeof *ret->entries);
    import_text_begin(&ret->text, buf_slice(&ret->file), cli_text(c->call, "domain"), c->arena);
    return 0;
}

void import_done(struct import *in) {
    if (in->file.ptr)
        mem_wipe(in->file.ptr, in->file.len);
    buf_done(&in->file);
    buf_done(&in->errors);
    map_done(&in->lines);
}

/* ------------------------------------------------------------------ entries and errors */

void import_add_error(struct import *in, size_t line, struct slice address,
                      const struct problem *problem) {
    struct import_error error = {
        line, address,
        arena_copy(in->c->arena, slice_of_str(problem_words(in->c->arena, problem))).ptr};
    buf_add_bytes(&in->errors, &error, sizeof error);
}

struct import_entry *import_add(struct import *in, struct slice address) {
    struct problem problem = {0};
    struct name name = {0};
    int r = address.len > ACCESS_IMPORT_TEXT
                ? problem_set(&problem, -E_SYNTAX, _("the address is longer than %u bytes"),
                              ACCESS_IMPORT_TEXT)
                : name_parse(in->c->arena, address, &name, &problem);
    const struct import_entry *before = r == 0 ? map_get(&in->lines, name.text) : NULL;
    if (before)
        r = problem_set(&problem, -EEXIST, _("%.*s stands in line %zu already"),
                        SLICE_ARG(name.text), before->line);
    if (r < 0) {
        import_add_error(in, in->text.line, address, &problem);
        return NULL;
    }
    struct import_entry *entry = &in->entries[in->count++];
    *entry = (struct import_entry){.line = in->text.line, .address = address};
    (void)map_put(&in->lines, name.text, entry);
    return entry;
}

/* ------------------------------------------------------------------ carrying it out */

static void take_notes(struct import *in, const size_t *places,
                       const struct import_result *result) {
    for (size_t i = 0; i < result->count; i++) {
        const struct import_note *note = &result->notes[i];
        struct import_entry *entry = &in->entries[places[note->index]];
        entry->exists = note->exists;
        entry->bad = !note->exists;
        if (note->exists)
            continue;
        struct problem why = {0};
        problem_read(&why, note->reason);
        import_add_error(in, entry->line, entry->address, &why);
    }
}

struct round {
    import_send *send;
    void *arg;
    size_t most;
    bool trial;
};

static int send_some(struct import *in, struct directory_access *x, const struct round *round,
                     const size_t *places, size_t count, struct problem *problem) WAITS {
    struct import_result result;
    int r = round->send(round->arg, x, places, count, round->trial, &result, problem);
    if (r < 0)
        return r;
    take_notes(in, places, &result);
    for (size_t i = 0; !round->trial && result.faults == 0 && i < count; i++)
        in->entries[places[i]].done = !in->entries[places[i]].exists;
    return 0;
}

/* All that are neither bad nor there. */
static int send_all(struct import *in, struct directory_access *x, const struct round *round,
                    struct problem *problem) WAITS {
    size_t *places = arena_array(in->c->arena, in->count, sizeof *places), count = 0;
    int r = 0;
    for (size_t i = 0; i < in->count; i++) {
        if (!in->entries[i].bad && !in->entries[i].exists)
            places[count++] = i;
    }
    for (size_t at = 0; r == 0 && at < count; at += round->most)
        r = send_some(in, x, round, places + at, MIN(round->most, count - at), problem);
    return r;
}

int import_carry_out(struct import *in, struct directory_access *x, import_send *send, void *arg,
                     size_t most, struct problem *problem) {
    const struct round trial = {send, arg, most, true}, last = {send, arg, most, false};
    bool keep_going = cli_has(in->c->call, "keep-going");
    size_t before;
    int r;
    do { /* an alias may lead to one that turned out bad */
        before = in->errors.len;
        r = send_all(in, x, &trial, problem);
    } while (r == 0 && keep_going && in->errors.len > before);
    if (r < 0 || (in->errors.len > 0 && !keep_going) || cli_has(in->c->call, "dry-run"))
        return r;
    return send_all(in, x, &last, problem);
}

void import_count(const struct import *in, size_t *ret_done, size_t *ret_exist) {
    bool stopped = in->errors.len > 0 && !cli_has(in->c->call, "keep-going");
    bool dry = cli_has(in->c->call, "dry-run") && !stopped;
    *ret_done = *ret_exist = 0;
    for (size_t i = 0; i < in->count; i++) {
        const struct import_entry *e = &in->entries[i];
        *ret_done += dry ? !e->bad && !e->exists : e->done;
        *ret_exist += e->exists;
    }
}

/* ------------------------------------------------------------------ saying it */

static int by_line(const void *a, const void *b) {
    const struct import_error *x = a, *y = b;
    return (x->line > y->line) - (x->line < y->line);
}

static const struct import_error *sorted(struct import *in, size_t *ret_count) {
    *ret_count = in->errors.len / sizeof(struct import_error);
    if (*ret_count > 0)
        qsort(in->errors.ptr, *ret_count, sizeof(struct import_error), by_line);
    return (const void *)in->errors.ptr;
}

int import_print_errors(struct import *in) {
    size_t count = 0;
    const struct import_error *errors = sorted(in, &count);
    if (count == 0)
        return CLI_OK;
    for (size_t i = 0; !in->c->json && i < count; i++)
        cli_print("%s:%zu: %s", in->name, errors[i].line, errors[i].reason);
    if (!in->c->json && !cli_has(in->c->call, "keep-going"))
        cli_print(_("nothing was changed; mend those lines, or say --keep-going"));
    return CLI_REFUSED;
}

void import_print_done(struct import *in, const char *would, const char *did) {
    size_t done = 0, exist = 0;
    struct buf *out = &in->c->out;
    import_count(in, &done, &exist);
    if (in->count == 0 && in->errors.len == 0)
        buf_add_str(out, _("There is nothing to import.\n"));
    else
        buf_printf(out, cli_has(in->c->call, "dry-run") ? would : did, done);
    if (exist > 0)
        buf_printf(out, P_("%zu was there already.\n", "%zu were there already.\n", exist), exist);
}

void import_json(struct import *in, struct json *j) {
    size_t done = 0, exist = 0, count = 0;
    const struct import_error *errors = sorted(in, &count);
    import_count(in, &done, &exist);
    cli_json_int(j, "existing", (int64_t)exist);
    json_key(j, "dry_run");
    json_bool(j, cli_has(in->c->call, "dry-run"));
    json_key(j, "errors");
    json_array(j);
    for (size_t i = 0; i < count; i++) {
        json_object(j);
        cli_json_int(j, "line", (int64_t)errors[i].line);
        cli_json_text(j, "address", errors[i].address);
        cli_json_text(j, "reason", slice_of_str(errors[i].reason));
        json_end(j);
    }
    json_end(j);
}
