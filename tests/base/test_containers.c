/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/random.h"

#define COUNT 5000

struct entry {
    char key[16];
    bool there;
};

/* Random puts and removes against a plain array. */
static void test_a_map_holds_what_was_put_and_not_removed(void **state) {
    static struct entry entries[COUNT];
    struct map m = {0};
    size_t there = 0;
    (void)state;
    random_fix(1);
    for (int i = 0; i < COUNT; i++)
        (void)snprintf(entries[i].key, sizeof entries[i].key, "key %d", i);
    for (int round = 0; round < 50000; round++) {
        struct entry *e = &entries[random_below(COUNT)];
        struct slice key = slice_of_str(e->key);
        assert_ptr_equal(map_get(&m, key), e->there ? e : NULL);
        if (e->there)
            assert_ptr_equal(map_remove(&m, key), e);
        else
            assert_null(map_put(&m, key, e));
        e->there = !e->there;
        there = e->there ? there + 1 : there - 1;
        assert_int_equal(m.count, there);
    }
    size_t at = 0, seen = 0;
    for (struct map_entry *e; (e = map_next(&m, &at)); seen++)
        assert_true(((struct entry *)e->value)->there);
    assert_int_equal(seen, there);
    assert_null(map_remove(&m, S("never put")));
    map_done(&m);
}

static void test_a_heap_gives_the_smallest_first_and_lets_any_go(void **state) {
    static struct heap_item items[COUNT];
    struct heap h = {0};
    (void)state;
    random_fix(2);
    for (int i = 0; i < COUNT; i++)
        heap_add(&h, &items[i], (int64_t)random_below(1000) - 500);
    for (int i = 0; i < COUNT; i += 3)
        heap_remove(&h, &items[i]);
    heap_remove(&h, &items[0]); /* not in the heap: nothing happens */
    int64_t last = INT64_MIN;
    size_t count = 0;
    for (struct heap_item *item; (item = heap_first(&h)); count++) {
        assert_true(item->key >= last);
        last = item->key;
        heap_remove(&h, item);
        assert_int_equal(item->place, 0);
    }
    assert_int_equal(count, COUNT - (COUNT + 2) / 3);
    heap_done(&h);
}

struct item {
    struct link link;
    int number;
};

static void test_a_list_may_lose_members_while_it_is_walked(void **state) {
    struct item items[10] = {0};
    struct list list;
    int sum = 0;
    (void)state;
    list_init(&list);
    for (int i = 0; i < 10; i++) {
        items[i].number = i;
        list_append(&list, &items[i].link);
    }
    LIST_EACH (item, &list, struct item, link) {
        if (item->number % 2)
            link_remove(&item->link);
    }
    LIST_EACH (item, &list, struct item, link)
        sum += item->number;
    assert_int_equal(sum, 20);
    assert_false(link_in_list(&items[1].link));
    assert_true(link_in_list(&items[2].link));
    assert_ptr_equal(list_pop(&list), &items[0].link);
}

static void test_random_numbers_stay_below_their_bound(void **state) {
    unsigned seen[7] = {0};
    (void)state;
    random_fix(3);
    for (int i = 0; i < 7000; i++)
        seen[random_below(7)]++;
    for (int i = 0; i < 7; i++)
        assert_true(seen[i] > 800 && seen[i] < 1200);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_map_holds_what_was_put_and_not_removed),
        cmocka_unit_test(test_a_heap_gives_the_smallest_first_and_lets_any_go),
        cmocka_unit_test(test_a_list_may_lose_members_while_it_is_walked),
        cmocka_unit_test(test_random_numbers_stay_below_their_bound),
    };
    return cmocka_run_group_tests_name("containers", tests, NULL, NULL);
}
