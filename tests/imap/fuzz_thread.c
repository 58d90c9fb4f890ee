/* SPDX-License-Identifier: ISC */
/*
 * Any messages that follow any others, two bytes for each and one for each reference: each message
 * stands in the threads once, and each node that is none has two or more below it.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "imap/search/thread.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define ROWS 300U

static uint32_t count_below(const struct imap_threads *t, uint32_t node) {
    uint32_t count = 0;
    for (uint32_t at = t->below[node]; at != IMAP_THREAD_END; at = t->next[at]) {
        MUST(t->above[at] == node);
        count++;
    }
    return count;
}

static void check(const struct imap_threads *t) {
    bool *seen = mem_array(t->nodes, sizeof *seen);
    uint32_t messages = 0, node = t->begin;
    while (node != IMAP_THREAD_END) {
        MUST(node < t->nodes && !seen[node]);
        seen[node] = true;
        messages += node < t->count;
        MUST(node < t->count || (t->above[node] == IMAP_THREAD_END && count_below(t, node) > 1));
        uint32_t next = t->below[node];
        while (next == IMAP_THREAD_END && node != IMAP_THREAD_END) {
            next = t->next[node];
            node = t->above[node];
        }
        node = next;
    }
    MUST(messages == t->count);
    free(seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    struct imap_thread_row *rows = mem_array(ROWS, sizeof *rows);
    uint64_t *follow = mem_array(len + 1, sizeof *follow);
    uint32_t count = 0;
    for (size_t at = 0; at + 1 < len && count < ROWS; count++) {
        struct imap_thread_row *r = &rows[count];
        uint32_t references = bytes[at + 1] % 8;
        *r = (struct imap_thread_row){
            .date = bytes[at + 1] / 64,
            .arrival = count,
            .id = bytes[at] % 64,
            .subject = bytes[at] / 64,
            .is_answer = bytes[at + 1] & 32,
            .follow = &follow[at],
        };
        at += 2;
        for (; r->follow_count < references && at < len; at++)
            follow[(size_t)(r->follow - follow) + r->follow_count++] = bytes[at] % 80;
    }
    for (int how = IMAP_THREAD_ORDEREDSUBJECT; how <= IMAP_THREAD_REFS; how++) {
        struct imap_threads t;
        imap_threads_make(&t, rows, count, (enum imap_thread)how);
        check(&t);
        imap_threads_done(&t);
    }
    free(rows);
    free(follow);
    return 0;
}
