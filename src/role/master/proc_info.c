/* SPDX-License-Identifier: ISC */
#include "role/master/proc_info.h"

#include <fcntl.h>
#include <stdio.h>

static struct slice read_proc(pid_t pid, const char *name, char *text, size_t size) {
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    _cleanup_(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, size) : 0;
    return slice_of(text, n > 0 ? (size_t)n : 0);
}

uint64_t proc_memory(pid_t pid) {
    char text[1024];
    uint64_t number = 0;
    struct slice word;
    struct slice rollup = read_proc(pid, "smaps_rollup", text, sizeof text);
    ssize_t at = slice_find(rollup, S("\nPss:"));
    if (at >= 0) {
        struct slice rest = slice_from(rollup, (size_t)at + 5);
        if (slice_next_word(&rest, &word) && slice_to_u64(word, UINT32_MAX, &number) == 0)
            return number * 1024;
    }
    struct slice rest = read_proc(pid, "statm", text, sizeof text);
    bool there = slice_next_word(&rest, &word); /* size; behind it the resident pages */
    if (there && slice_next_word(&rest, &word) && slice_to_u64(word, UINT32_MAX, &number) == 0)
        return number * (uint64_t)sysconf(_SC_PAGESIZE);
    return 0;
}

bool proc_is_traced(pid_t pid) {
    char text[1024];
    struct slice tracer;
    struct slice status = read_proc(pid, "status", text, sizeof text);
    ssize_t at = slice_find(status, S("\nTracerPid:"));
    struct slice rest = slice_from(status, at >= 0 ? (size_t)at + 11 : status.len);
    return at >= 0 && slice_next(&rest, '\n', &tracer) && !slice_eq(slice_trim(tracer), S("0"));
}

bool proc_unit_read(struct slice cgroup, char ret[static PROC_UNIT_SIZE]) {
    struct slice line, number, controllers;
    while (slice_next(&cgroup, '\n', &line)) {
        if (!slice_next(&line, ':', &number) || !slice_next(&line, ':', &controllers) ||
            (controllers.len > 0 && !slice_eq(controllers, S("name=systemd"))))
            continue;
        struct slice name = slice_from(line, (size_t)(slice_rfind_byte(line, '/') + 1));
        if (slice_ends(name, S(".service")) && slice_to_str(name, ret, PROC_UNIT_SIZE) == 0)
            return true;
    }
    return false;
}

bool proc_unit(pid_t pid, char ret[static PROC_UNIT_SIZE]) {
    char text[1500];
    return proc_unit_read(read_proc(pid, "cgroup", text, sizeof text), ret);
}
