/* SPDX-License-Identifier: ISC */
/* A counter that several processes see, and only its maker can change. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "role/change_page.h"

static int in_new_folder(void **state) {
    static char folder[] = "/tmp/change-page-XXXXXX";
    *state = folder;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int folder_gone(void **state) {
    return chdir("/") == 0 ? rmdir(*state) : -1;
}

static void test_what_the_maker_counts_is_seen_in_another_process(void **state) {
    struct change_page page;
    const _Atomic uint64_t *seen = NULL;
    int status;
    (void)state;
    assert_int_equal(change_page_make("page", &page), 0);
    assert_int_equal(change_page_join(page.fd, &seen), 0);
    uint64_t before = atomic_load(seen);
    pid_t other = fork();
    if (other == 0) {
        change_page_count(&page);
        _exit(0);
    }
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_int_equal(atomic_load(seen), before + 1);
    change_page_leave(seen);
    change_page_done(&page);
    change_page_count(&page); /* without a page: nothing */
}

static void test_others_cannot_write_to_it(void **state) {
    struct change_page page;
    (void)state;
    assert_int_equal(change_page_make("page", &page), 0);
    assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, page.fd, 0), MAP_FAILED);
    assert_int_equal(errno, EACCES);
    assert_true(pwrite(page.fd, "x", 1, 0) < 0);
    assert_true(ftruncate(page.fd, 0) < 0);
    change_page_done(&page);
}

/* Also when a file of that name was left by a crash. The folder is empty at the end: rmdir(). */
static void test_it_leaves_no_file_behind(void **state) {
    struct change_page page;
    (void)state;
    int left = open("page", O_WRONLY | O_CREAT, 0600);
    assert_true(write(left, "left", 4) == 4);
    (void)close(left);
    assert_int_equal(change_page_make("page", &page), 0);
    assert_int_equal(access("page", F_OK), -1);
    assert_int_equal(atomic_load(page.counter), 0);
    change_page_done(&page);
    assert_int_equal(change_page_make("no/such/folder", &page), -ENOENT);
    change_page_done(&page);
}

/* Looking into it would end the process. */
static void test_what_is_no_such_page_is_not_opened(void **state) {
    const _Atomic uint64_t *seen = NULL;
    int ends[2];
    FILE *empty = tmpfile();
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(change_page_join(ends[0], &seen), -EINVAL);
    assert_int_equal(change_page_join(fileno(empty), &seen), -EINVAL);
    assert_int_equal(change_page_join(-1, &seen), -EBADF);
    assert_null(seen);
    (void)fclose(empty);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_maker_counts_is_seen_in_another_process),
        cmocka_unit_test(test_others_cannot_write_to_it),
        cmocka_unit_test(test_it_leaves_no_file_behind),
        cmocka_unit_test(test_what_is_no_such_page_is_not_opened),
    };
    return cmocka_run_group_tests_name("change_page", tests, in_new_folder, folder_gone);
}
