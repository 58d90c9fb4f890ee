/* SPDX-License-Identifier: ISC */
/* Whose journeys a process may tell of. */
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "events/kinds.h"
#include "journey/event_log.h"
#include "message/queue_id.h"
#include "role/roles.h"

static const struct rpc_events_handlers *calls;
static struct conf conf = {.log.destination = CONF_LOG_TO_NOWHERE,
                           .events = {.keep = USEC_DAY, .size_max = 1 << 20}};
static struct process process = {.conf = &conf, .handed.log_file = -1, .handed.log_socket = -1};
static const struct rpc_caller edge_3 = {.role = ROLE_EDGE, .worker = 3},
                               queue = {.role = ROLE_QUEUE};

static queue_id id_of(uint8_t worker) {
    struct queue_ids ids;
    queue_ids_init(&ids, worker);
    return queue_id_next(&ids, fiber_wall());
}

static void tell(const struct rpc_caller *caller, queue_id message) {
    struct rpc_events_add_in in = {.event = {.wall = fiber_wall(),
                                             .message = message,
                                             .kind = S(KIND_DELIVERED),
                                             .text = S("It has arrived.")}};
    assert_int_equal(calls->add(&process, caller, &in), 0);
}

static size_t events_of(queue_id message) {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_events_journey_in in = {.message = message};
    struct rpc_events_journey_out out = {0};
    struct problem problem = {0};
    assert_int_equal(calls->journey(&process, &queue, &in, &a, &out, &problem), 0);
    return out.events_count;
}

/* One that was taken over could otherwise say that what it has never seen has arrived. */
REAL_FIBER_TEST(an_edge_tells_of_its_own_messages_only) {
    queue_id own = id_of(3), other = id_of(2);
    char folder[] = "/tmp/hayauma-events-role-XXXXXX";
    struct problem problem = {0};
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    process.root = fiber_self();
    assert_int_equal(role_events.open(&process, &problem), 0);
    tell(&edge_3, own);
    tell(&edge_3, other);
    tell(&queue, other);
    assert_int_equal(events_of(own), 1);
    assert_int_equal(events_of(other), 1);
    role_events.stop(&process);
    (void)unlink("events.db-wal");
    (void)unlink("events.db-shm");
    assert_int_equal(unlink("events.db"), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_edge_tells_of_its_own_messages_only),
    };
    calls = role_events.handlers;
    return cmocka_run_group_tests_name("event log role", tests, NULL, NULL);
}
