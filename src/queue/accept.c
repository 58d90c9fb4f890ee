/* SPDX-License-Identifier: ISC */
/*
 * Messages and the files for large ones coming in.
 *
 * A job exists from the moment its id is taken until its message is settled, so no id is in use
 * twice. While it is AT_ENTRY its message may or may not be in the spool yet.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "queue/internal.h"

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

/* ------------------------------------------------------------------ messages */

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

/* Of one that is busy. */
static void drop_file(struct queue *q, struct open_file *file) WAITS {
    spool_large_drop(q->spool, file->large);
    forget_file(q, file);
}

/* The file is there for others again, or goes, since it was dropped meanwhile. */
static void file_not_busy(struct queue *q, struct open_file *file) WAITS {
    if (file->dropped)
        drop_file(q, file);
    else
        file->busy = false;
}

static int take_in(struct queue *q, const struct queue_message *message,
                   struct spool_large *large) WAITS {
    _cleanup_(buf_done) struct buf extra = {0};
    extra_encode(&(struct queue_extra){0}, &extra);
    struct envelope envelope = message->envelope;
    envelope.arrival = fiber_wall();
    envelope.extra = buf_slice(&extra);
    struct spool_content content = {.head = message->head, .bytes = message->bytes, .large = large};
    struct job *job = job_new(q, message->id);
    struct spool_message *stored;
    int error = message->hold ? held_into_spool(q, message, &envelope, &content)
                              : spool_accept(q->spool, message->id, &envelope, &content, &stored);
    if (error) {
        job_free(q, job);
        return error;
    }
    stored = spool_find(q->spool, message->id);
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

int accept_message(struct queue *q, const struct queue_message *message, struct problem *problem) {
    struct open_file *file = NULL;
    int error = check_message(q, message, problem);
    if (!error)
        error = held_check(q, message, problem);
    if (!error && message->in_file)
        error = claim_file(q, message->id, &file, problem);
    if (error)
        return error;
    error = take_in(q, message, file ? file->large : NULL);
    if (file && error)
        file_not_busy(q, file);
    else if (file)
        forget_file(q, file);
    return error ? problem_set(problem, error, "the spool did not take it: %s", error_text(error))
                 : 0;
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
        file_not_busy(q, file);
    return error == -EEXIST ? -EINVAL : error;
}

int queue_read_file(struct queue *q, queue_id id, int *ret_fd) {
    _cleanup_(guest_leave) struct queue *inside UNUSED = guest_enter(q);
    struct open_file *file = NULL;
    int error = q->stopping ? -ECANCELED : claim_file(q, id, &file, NULL);
    if (error || !file)
        return error;
    error = spool_large_reader(q->spool, file->large, ret_fd);
    file_not_busy(q, file);
    return error;
}

void queue_drop_file(struct queue *q, queue_id id) {
    _cleanup_(guest_leave) struct queue *inside UNUSED = guest_enter(q);
    struct open_file *file = map_get(&q->files, map_u64(&id));
    if (!file)
        return;
    if (file->busy) {
        file->dropped = true;
        return;
    }
    file->busy = true;
    drop_file(q, file);
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
