/* SPDX-License-Identifier: ISC */
/*
 * The queue's life, and messages coming in. See internal.h for the design.
 *
 * A job exists from the moment its id is taken until its message is settled, so no id is in use
 * twice. While it is AT_ENTRY its message may or may not be in the spool yet.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "queue/internal.h"

/* ------------------------------------------------------------------ jobs */

struct job *job_find(const struct queue *q, queue_id id) {
    return map_get(&q->jobs, map_u64(&id));
}

struct job *job_new(struct queue *q, queue_id id) {
    struct job *job = NEW(struct job);
    job->id = id;
    job->place = AT_ENTRY;
    job->locked = true;
    MUST(map_put(&q->jobs, map_u64(&job->id), job) == NULL);
    return job;
}

void job_free(struct queue *q, struct job *job) {
    if (job->place != AT_WORK && job->place != AT_ENTRY)
        job_take_out(q, job);
    destination_unreserve(q, job);
    (void)map_remove(&q->jobs, map_u64(&job->id));
    fiber_cond_wake_all(&q->unlocked);
    free(job);
}

int job_lock(struct queue *q, queue_id id, struct job **ret_job) {
    struct job *job;
    while ((job = job_find(q, id))) {
        if (!job->locked) {
            job->locked = true;
            *ret_job = job;
            return 0;
        }
        int error = fiber_cond_wait(&q->unlocked);
        if (error)
            return error;
    }
    return -E_UNKNOWN;
}

void job_unlock(struct queue *q, struct job *job) {
    job->locked = false;
    fiber_cond_wake_all(&q->unlocked);
}

queue_id queue_new_id(struct queue *q) {
    queue_id id;
    do
        id = queue_id_next(&q->ids, fiber_wall());
    while (job_find(q, id));
    return id;
}

/* ------------------------------------------------------------------ guests */

struct queue *guest_enter(struct queue *q) {
    q->guests++;
    return q;
}

void guest_leave(struct queue **inside) {
    struct queue *q = *inside;
    if (--q->guests == 0)
        fiber_cond_wake_all(&q->idle);
}

/* ------------------------------------------------------------------ opening, closing */

/* What is due is called by the clock, oldest first. */
static int adopt(void *arg, struct spool_message *message) {
    struct queue *q = arg;
    struct job *job = job_new(q, message->id);
    job->locked = false;
    job->place = AT_REST;
    if (!message->hold)
        heap_add(&q->due, &job->due, message->next ? message->next : message->arrival);
    return 0;
}

static void set_options(struct queue *q, const struct queue_options *options) {
    free(q->hostname);
    q->hostname = mem_str(options->hostname);
    q->options = *options;
    q->options.hostname = slice_of_str(q->hostname);
}

static struct queue *make(const struct queue_options *options, const struct queue_ops *ops) {
    MUST(options->hostname.len > 0 && ops->resolve && ops->deliver && ops->transmit);
    MUST(options->schedule.notice_count <= QUEUE_NOTICES);
    struct queue *q = NEW(struct queue);
    set_options(q, options);
    q->ops = *ops;
    queue_ids_init(&q->ids, options->worker);
    list_init(&q->door);
    for (size_t i = 0; i < LOADS; i++)
        line_init(&q->lines[i]);
    for (size_t i = 0; i < ARRAY_SIZE(q->budgets); i++)
        budget_init(&q->budgets[i]);
    fiber_cond_init(&q->clock_wanted);
    fiber_cond_init(&q->unlocked);
    fiber_cond_init(&q->idle);
    return q;
}

static void free_jobs(struct queue *q) {
    struct map_entry *e;
    size_t at = 0;
    while ((e = map_next(&q->jobs, &at)))
        free(e->value);
    map_done(&q->jobs);
}

/* Without its spool. */
static void queue_free(struct queue *q) {
    free_jobs(q);
    destinations_done(q);
    fiber_turns_done(&q->turns);
    heap_done(&q->due);
    free(q->hostname);
    free(q);
}

int queue_open(int dir, const struct queue_options *options, const struct queue_ops *ops,
               struct queue **ret_queue, struct problem *problem) {
    struct queue *q = make(options, ops);
    int error = spool_open(dir, &options->spool, &q->spool, problem);
    if (error) {
        queue_free(q);
        return error;
    }
    (void)spool_each(q->spool, adopt, q);
    *ret_queue = q;
    return 0;
}

int queue_start(struct queue *q) {
    int error = fiber_start("queue clock", clock_fiber, q, &q->clock);
    if (!error)
        work_start(q);
    return error;
}

void queue_configure(struct queue *q, const struct queue_options *options) {
    MUST(options->hostname.len > 0 && options->schedule.notice_count <= QUEUE_NOTICES);
    set_options(q, options);
    spool_set_reserve(q->spool, options->spool.reserve);
    work_start(q);
}

static void drop_files(struct queue *q) WAITS {
    struct map_entry *e;
    size_t at = 0;
    while ((e = map_next(&q->files, &at))) {
        struct open_file *file = e->value;
        spool_large_drop(q->spool, file->large);
        free(file);
    }
    map_done(&q->files);
}

void queue_stop(struct queue *q, usec_t deadline) {
    if (!q)
        return;
    q->stopping = true;
    while (q->guests > 0 && fiber_cond_wait(&q->idle) == 0)
        continue;
    while (q->workers > 0 && fiber_cond_wait_until(&q->idle, deadline) == 0)
        continue;
    if (q->clock) {
        fiber_cancel(q->clock);
        fiber_join(q->clock);
    }
    drop_files(q);
    spool_close(q->spool);
    queue_free(q);
}

/* ------------------------------------------------------------------ messages coming in */

static int check_message(const struct queue *q, const struct queue_message *message,
                         struct problem *problem) {
    if (q->stopping)
        return problem_set(problem, -ECANCELED, "the queue is being stopped");
    size_t count = message->envelope.count;
    if (count == 0 || count > ENVELOPE_RECIPIENTS_MAX)
        return problem_set(problem, -EINVAL, "the message has %zu recipients", count);
    if (message->id == 0 || job_find(q, message->id))
        return problem_set(problem, -EINVAL, "the message's id is in use");
    return 0;
}

/* The file of a message, if it is there and nobody else has it. */
static int claim_file(struct queue *q, queue_id id, struct open_file **ret,
                      struct problem *problem) {
    struct open_file *file = map_get(&q->files, map_u64(&id));
    if (!file || file->busy)
        return problem_set(problem, -EINVAL, "the message's file was not opened");
    file->busy = true;
    *ret = file;
    return 0;
}

static void forget_file(struct queue *q, struct open_file *file) {
    (void)map_remove(&q->files, map_u64(&file->id));
    free(file);
}

static int into_spool(struct queue *q, const struct queue_message *message,
                      const struct envelope *envelope, struct spool_large *large) WAITS {
    struct spool_content content = {.head = message->head, .bytes = message->bytes, .large = large};
    struct spool_message *stored;
    if (message->hold)
        return held_into_spool(q, message, envelope, &content);
    return spool_accept(q->spool, message->id, envelope, &content, &stored);
}

static int take_in(struct queue *q, const struct queue_message *message,
                   struct spool_large *large) WAITS {
    _cleanup_(buf_done) struct buf extra = {0};
    extra_encode(&(struct queue_extra){0}, &extra);
    struct envelope envelope = message->envelope;
    envelope.arrival = fiber_wall();
    envelope.extra = buf_slice(&extra);
    struct job *job = job_new(q, message->id);
    int error = into_spool(q, message, &envelope, large);
    if (error) {
        job_free(q, job);
        return error;
    }
    const struct spool_message *stored = spool_find(q->spool, message->id);
    q->counts.accepted++;
    log_accepted(q, message->id, &envelope, stored ? stored->size : 0, 0);
    if (message->hold)
        log_event(q, message->id, KIND_HELD, NULL, 0,
                  "Held until it is released, since %.*s sends too much: %.*s",
                  SLICE_ARG(envelope.login), SLICE_ARG(message->reason));
    job_unlock(q, job);
    job_place(q, job, 0);
    return 0;
}

int queue_submit(struct queue *q, const struct queue_message *message, struct problem *problem) {
    _cleanup_(guest_leave) struct queue *inside UNUSED = guest_enter(q);
    struct open_file *file = NULL;
    int error = check_message(q, message, problem);
    if (!error)
        error = held_check(q, message, problem);
    if (!error && message->in_file)
        error = claim_file(q, message->id, &file, problem);
    if (error)
        return error;
    error = take_in(q, message, file ? file->large : NULL);
    if (file)
        file->busy = false;
    if (file && !error)
        forget_file(q, file);
    if (!error && message->hold && message->notify)
        held_notify(q, message);
    return error ? problem_set(problem, error, "the spool did not take it: %s", error_text(error))
                 : 0;
}

bool queue_room(struct queue *q, uint64_t size) {
    _cleanup_(guest_leave) struct queue *inside UNUSED = guest_enter(q);
    return !q->stopping && !spool_is_full(q->spool, size);
}

/* ------------------------------------------------------------------ files */

static int begin_file(struct queue *q, struct open_file *file, int *ret_fd) WAITS {
    int error = spool_large_begin(q->spool, file->id, &file->large);
    if (error)
        return error;
    int fd = fcntl(spool_large_fd(file->large), F_DUPFD_CLOEXEC, 3);
    if (fd < 0) {
        error = -errno;
        spool_large_drop(q->spool, file->large);
        return error;
    }
    *ret_fd = fd;
    return 0;
}

int queue_open_file(struct queue *q, queue_id id, int *ret_fd) {
    _cleanup_(guest_leave) struct queue *inside UNUSED = guest_enter(q);
    if (q->stopping)
        return -ECANCELED;
    if (id == 0 || job_find(q, id) || map_get(&q->files, map_u64(&id)))
        return -EINVAL;
    if (q->files.count >= q->options.files_max)
        return -E_LIMIT;
    struct open_file *file = NEW(struct open_file);
    *file = (struct open_file){.id = id, .busy = true};
    (void)map_put(&q->files, map_u64(&file->id), file);
    int error = begin_file(q, file, ret_fd);
    if (error)
        forget_file(q, file);
    else
        file->busy = false;
    return error == -EEXIST ? -EINVAL : error;
}

void queue_drop_file(struct queue *q, queue_id id) {
    _cleanup_(guest_leave) struct queue *inside UNUSED = guest_enter(q);
    struct open_file *file = NULL;
    struct problem unsaid;
    if (claim_file(q, id, &file, &unsaid) < 0 || !file)
        return;
    spool_large_drop(q->spool, file->large);
    forget_file(q, file);
}

void queue_drop_files_of(struct queue *q, unsigned worker) {
    _cleanup_(buf_done) struct buf ids = {0};
    struct map_entry *e;
    size_t at = 0;
    while ((e = map_next(&q->files, &at))) {
        const struct open_file *file = e->value;
        if (queue_id_worker(file->id) == worker)
            buf_add_u64(&ids, file->id);
    }
    struct reader r = {.rest = buf_slice(&ids)};
    while (r.rest.len > 0 && !q->stopping)
        queue_drop_file(q, read_u64(&r));
}

/* ------------------------------------------------------------------ numbers */

struct survey {
    uint64_t held;
    usec_t oldest;
};

static int look_at(void *arg, struct spool_message *message) {
    struct survey *survey = arg;
    survey->held += message->hold;
    survey->oldest = survey->oldest ? MIN(survey->oldest, message->arrival) : message->arrival;
    return 0;
}

void queue_stats(const struct queue *q, struct queue_stats *ret) {
    struct survey survey = {0};
    (void)spool_each(q->spool, look_at, &survey);
    *ret = q->counts;
    ret->held = survey.held;
    ret->oldest = survey.oldest;
    ret->active = work_active(q);
    ret->ready = work_ready(q);
    spool_stat(q->spool, &ret->spool);
    ret->messages = ret->spool.messages;
}
