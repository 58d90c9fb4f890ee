/* SPDX-License-Identifier: ISC */
/*
 * The folders of an account, and mail.db in them. A database that is damaged, older than the packs,
 * or whose packs have gone, is set aside under a name with the time, and made anew.
 */
#include "store/solo/replay_packs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"

void replay_result_done(struct replay_result *r) {
    buf_done(&r->said);
}

/* Of mail.db and what belongs to it; files that are not there are fine. */
static const char *const ENDINGS[] = {"", "-wal", "-journal"};

static int set_aside(const char *dir, struct replay_result *result) {
    char stamp[32];
    bool found = false;
    (void)snprintf(stamp, sizeof stamp, ".damaged-%lld", (long long)time(NULL));
    for (size_t i = 0; i < ARRAY_SIZE(ENDINGS); i++) {
        _cleanup_(free_p) char *from = mem_printf("%s/" REPLAY_DB_NAME "%s", dir, ENDINGS[i]);
        _cleanup_(free_p) char *to =
            mem_printf("%s/" REPLAY_DB_NAME "%s%s", dir, stamp, ENDINGS[i]);
        if (rename(from, to) == 0)
            found = true;
        else if (errno != ENOENT)
            return -errno;
    }
    if (found)
        buf_printf(&result->said, REPLAY_DB_NAME " was set aside as " REPLAY_DB_NAME "%s\n", stamp);
    result->rebuilt = true;
    return 0;
}

static int open_and_catch_up(struct replay *p, const char *dir) {
    _cleanup_(free_p) char *path = mem_printf("%s/" REPLAY_DB_NAME, dir);
    p->problem->text[0] = '\0';
    int error = index_open(path, p->account, p->blank, &p->ix, p->problem);
    if (!error && (error = replay_catch_up(p)) && p->problem->text[0] == '\0')
        (void)problem_set(p->problem, error, "%s: %s", path, error_text(error));
    if (error) {
        index_close(p->ix);
        p->ix = NULL;
    }
    return error;
}

/* A database that does not fit the packs, or is not wanted any more, makes way for one made anew.
 */
static int open_index(struct replay *p, const char *dir, bool anew) {
    int error = anew ? -E_CORRUPT : open_and_catch_up(p, dir);
    if (error != -E_CORRUPT)
        return error;
    if (!anew)
        buf_printf(&p->result->said, REPLAY_DB_NAME " is damaged, or older than the packs\n");
    error = set_aside(dir, p->result);
    if (error)
        return error;
    error = open_and_catch_up(p, dir);
    for (size_t i = 0; error && i < ARRAY_SIZE(ENDINGS); i++) { /* half of one is of no use */
        _cleanup_(free_p) char *path = mem_printf("%s/" REPLAY_DB_NAME "%s", dir, ENDINGS[i]);
        (void)unlink(path);
    }
    return error;
}

static int make_dir(const char *path) {
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

char *replay_account_dir(const char *store, uint64_t account) {
    return mem_printf("%s/%02x/%llu", store, (unsigned)(account & 0xff),
                      (unsigned long long)account);
}

/* Makes what is missing of DIR/<xx>/<id>/packs and opens the last. */
static int open_dirs(const char *group, const char *dir) {
    _cleanup_(free_p) char *packs = mem_printf("%s/" REPLAY_PACKS_DIR, dir);
    int error = make_dir(group);
    if (!error)
        error = make_dir(dir);
    if (!error)
        error = make_dir(packs);
    if (error)
        return error;
    int fd = open(packs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* A handle that is open goes on with what it had until its owner looks (store_has_index()). */
static void remove_search(const char *dir) {
    static const char *const endings[] = {"-wal", "-shm", "-journal", ""};
    for (size_t i = 0; i < 2 * ARRAY_SIZE(endings); i++) {
        _cleanup_(free_p) char *path =
            mem_printf("%s/" REPLAY_SEARCH_NAME "%s%s", dir, i % 2 ? ".new" : "", endings[i / 2]);
        (void)unlink(path);
    }
}

int replay_open(const struct replay_where *where, bool anew, struct index **ret_index,
                struct replay_result *result, struct problem *problem) {
    *result = (struct replay_result){0};
    struct replay p = {
        .account = where->account,
        .blank = where->blank,
        .io = where->io,
        .gives_up = where->gives_up,
        .result = result,
        .problem = problem,
    };
    list_init(&p.batch);
    _cleanup_(free_p) char *dir = replay_account_dir(where->store, where->account);
    _cleanup_(free_p) char *group =
        mem_str(slice_first(slice_of_str(dir), (size_t)slice_rfind_byte(slice_of_str(dir), '/')));
    _cleanup_(close_p) int packs = open_dirs(group, dir);
    if (packs < 0)
        return problem_set(problem, packs, "%s: %s", dir, error_text(packs));
    p.packs_dir = packs;
    int error = replay_list_packs(&p, dir);
    const char *const parents[] = {where->store, group, dir};
    for (size_t i = 0; !error && p.count == 0 && i < ARRAY_SIZE(parents); i++) {
        /* Whoever made what lies in it may have died before the name was durable. */
        _cleanup_(close_p) int fd = open(parents[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        error = fd < 0 ? -errno : pack_sync_dir(fd);
    }
    if (!error)
        error = open_index(&p, dir, anew);
    if (!error)
        *ret_index = p.ix;
    if (result->rebuilt || result->damaged > 0)
        remove_search(dir);
    if (result->rebuilt && !error)
        buf_printf(&result->said, REPLAY_DB_NAME " was made anew (records: %llu, packs: %llu)\n",
                   (unsigned long long)result->records, (unsigned long long)p.count);
    free(p.numbers);
    free(p.known);
    return error;
}
