#include "worker/cli/submit/task_queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct queue_task *queue_add(struct task_queue *queue, struct err *err)
{
    if (queue->n == queue->size) {
        size_t size = queue->size == 0 ? 64 : 2 * queue->size;
        struct queue_task *larger = reallocarray(queue->tasks, size, sizeof *larger);
        if (larger == NULL) {
            (void)err_set(err, ERR_NOMEM, "out of memory");
            return NULL;
        }
        queue->tasks = larger;
        queue->size = size;
    }
    struct queue_task *task = &queue->tasks[queue->n++];
    *task = (struct queue_task){0};
    return task;
}

/* Waits for resources, for the first time or again. */
static bool waits(const char *state)
{
    return strcmp(state, "PENDING") == 0 || strncmp(state, "REQUEUE", 7) == 0
           || strcmp(state, "SPECIAL_EXIT") == 0;
}

static bool runs(const char *state)
{
    static const char *const running[] = {"RUNNING", "CONFIGURING", "SUSPENDED", "STOPPED",
                                          "RESIZING"};

    for (size_t i = 0; i < sizeof running / sizeof running[0]; i++) {
        if (strcmp(state, running[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int read_line(const char *line, struct task_queue *queue, struct err *err)
{
    char id[40] = "", state[32] = "", reason[64] = "";

    if (sscanf(line, "%39[0-9_]|%31[A-Z_]|%63[^\n]", id, state, reason) < 2) {
        return err_set(err, ERR_INVALID, "cannot read what squeue said: %.80s", line);
    }
    if (!waits(state) && !runs(state)) {
        return 0;
    }
    struct queue_task *task = queue_add(queue, err);
    if (task == NULL) {
        return -1;
    }
    (void)snprintf(task->id, sizeof task->id, "%s", id);
    task->is_pending = waits(state);
    task->is_held = strstr(reason, "Held") != NULL || strstr(reason, "_held") != NULL;
    if (task->is_pending && queue->n_pending++ == 0) {
        (void)snprintf(queue->reason, sizeof queue->reason, "%s", reason);
    }
    return 0;
}

int task_queue_read(const char *lines, struct task_queue *queue, struct err *err)
{
    while (*lines != '\0') {
        char line[160];
        size_t length = strcspn(lines, "\n");
        (void)snprintf(line, sizeof line, "%.*s", (int)(length < 159 ? length : 159), lines);
        if (line[0] != '\0') {
            TRY(read_line(line, queue, err));
        }
        lines += length + (lines[length] == '\n');
    }
    return 0;
}

void task_queue_finish(struct task_queue *queue)
{
    free(queue->tasks);
    *queue = (struct task_queue){0};
}

static bool is_of_job(const char *task, const char *job, size_t length)
{
    return strncmp(task, job, length) == 0 && (task[length] == '_' || task[length] == '\0');
}

bool task_queue_holds(const struct task_queue *queue, const char *task)
{
    for (size_t i = 0; i < queue->n; i++) {
        if (strcmp(queue->tasks[i].id, task) == 0) {
            return queue->tasks[i].is_pending && queue->tasks[i].is_held;
        }
    }
    return false;
}

size_t task_queue_cancelled(const struct task_queue *queue, const char *job)
{
    size_t n = 0;

    for (size_t i = 0; i < queue->n; i++) {
        n += queue->tasks[i].is_cancelled && is_of_job(queue->tasks[i].id, job, strlen(job));
    }
    return n;
}

bool task_queue_has_job(const struct task_queue *queue, const char *job)
{
    for (size_t i = 0; i < queue->n; i++) {
        if (is_of_job(queue->tasks[i].id, job, strlen(job))) {
            return true;
        }
    }
    return false;
}

bool task_queue_has_worker(const struct task_queue *queue, const char *worker)
{
    size_t length = strspn(worker, "0123456789");

    if (length == 0 || worker[length] != '_') {
        return false;
    }
    for (size_t i = 0; i < queue->n; i++) {
        if (is_of_job(queue->tasks[i].id, worker, length)) {
            return true;
        }
    }
    return false;
}
