/* SPDX-License-Identifier: ISC */
/*
 * Makes one cmocka test of every script in a folder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>

#include "base/alloc.h"
#include "dialogue/dialogue.h"

struct script_test {
    char *path;
    const struct dialogue *d;
};

static void run_one(void **state) {
    const struct script_test *test = *state;
    struct buf report = {0};
    if (dialogue_run(test->path, test->d, &report) < 0) {
        print_error("%s", buf_str(&report));
        buf_done(&report);
        fail();
    }
    buf_done(&report);
}

static int is_script(const struct dirent *entry) {
    return slice_ends(slice_of_str(entry->d_name), S(".txt"));
}

static int run_files(const char *folder, const char *only, const char *group,
                     const struct dialogue *d) {
    struct dirent **entries = NULL;
    int found = scandir(folder, &entries, is_script, alphasort);
    if (found < 0) {
        (void)fprintf(stderr, "%s: %s\n", folder, error_text(errno));
        return 2;
    }
    struct CMUnitTest *tests = mem_array((size_t)found, sizeof *tests);
    struct script_test *scripts = mem_array((size_t)found, sizeof *scripts);
    size_t count = 0;
    for (int i = 0; i < found; i++) {
        if (only && strcmp(only, entries[i]->d_name) != 0)
            continue;
        scripts[count] = (struct script_test){mem_printf("%s/%s", folder, entries[i]->d_name), d};
        tests[count] = (struct CMUnitTest){
            .name = entries[i]->d_name, .test_func = run_one, .initial_state = &scripts[count]};
        count++;
    }
    int failed = count > 0 ? _cmocka_run_group_tests(group, tests, count, NULL, NULL) : 1;
    if (count == 0)
        (void)fprintf(stderr, "%s: no scripts here\n", folder);
    for (size_t i = 0; i < count; i++)
        free(scripts[i].path);
    for (int i = 0; i < found; i++)
        free(entries[i]);
    free(entries);
    free(scripts);
    free(tests);
    return failed != 0;
}

int dialogue_main(int argc, char **argv, const char *group, const struct dialogue *d) {
    if (argc < 2 || argc > 3) {
        (void)fprintf(stderr, "usage: %s FOLDER [SCRIPT.txt]\n", argv[0]);
        return 2;
    }
    return run_files(argv[1], argc == 3 ? argv[2] : NULL, group, d);
}
