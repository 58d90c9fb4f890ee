/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "cli/host/unit.h"

/* As systemd 252 of Debian 12 prints it. */
#define SERVICE(load, active, file)                                                                \
    "ExecStart={ path=/usr/sbin/hayauma ; argv[]=/usr/sbin/hayauma -C /var/lib/hayauma run ;"      \
    " ignore_errors=no ; start_time=[Sun 2026-11-29 11:05:49 UTC] ; stop_time=[n/a] ; pid=355 ;"   \
    " code=(null) ; status=0/0 }\nStateDirectory=hayauma\nId=hayauma.service\nLoadState=" load     \
    "\nActiveState=" active "\nUnitFileState=" file "\n"
#define SOCKET(active, file)                                                                       \
    "StateDirectory=\nId=hayauma.socket\nLoadState=loaded\nActiveState=" active                    \
    "\nUnitFileState=" file "\n"

static void test_both_units_are_read_from_one_answer(void **state) {
    (void)state;
    struct unit_package unit;
    assert_true(unit_package_read(
        S(SERVICE("loaded", "activating", "enabled") "\n" SOCKET("active", "disabled")), &unit));
    assert_slice(unit.directory, "/var/lib/hayauma");
    assert_slice(unit.active, "activating");
    assert_true(unit.enabled && unit.makes_directory);
    assert_true(unit.socket_active && !unit.socket_enabled);
    assert_true(unit_package_read(
        S(SOCKET("inactive", "enabled") "\n" SERVICE("loaded", "active", "disabled")), &unit));
    assert_true(!unit.enabled && !unit.socket_active && unit.socket_enabled);
}

static void test_without_the_service_there_is_no_unit(void **state) {
    (void)state;
    struct unit_package unit = {0};
    assert_false(unit_package_read(S(""), &unit));
    assert_false(unit_package_read(S(SOCKET("active", "enabled")), &unit));
    assert_false(unit_package_read(
        S("Id=hayauma.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n"),
        &unit));
}

static void test_a_unit_without_c_names_no_directory(void **state) {
    (void)state;
    struct unit_package unit;
    assert_true(unit_package_read(S("Id=hayauma.service\nLoadState=loaded\nActiveState=active\n"
                                    "ExecStart={ path=/x ; argv[]=/x run ; pid=0 }\n"),
                                  &unit));
    assert_int_equal(unit.directory.len, 0);
    assert_true(unit_package_read(S("Id=hayauma.service\nLoadState=loaded\nActiveState=active\n"
                                    "ExecStart={ path=/x ; argv[]=/x -C ; pid=0 }\n"),
                                  &unit));
    assert_int_equal(unit.directory.len, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_units_are_read_from_one_answer),
        cmocka_unit_test(test_without_the_service_there_is_no_unit),
        cmocka_unit_test(test_a_unit_without_c_names_no_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
