#include "server/engine/readers.h"

#include <stdlib.h>

#include "server/engine/thread.h"

static struct job *next_job(struct readers *readers)
{
    (void)pthread_mutex_lock(&readers->lock);
    while (readers->first == NULL && !readers->closed) {
        (void)pthread_cond_wait(&readers->filled, &readers->lock);
    }
    struct job *job = readers->first;
    if (job != NULL) {
        readers->first = job->next;
        if (readers->first == NULL) {
            readers->tail = &readers->first;
        }
        readers->n_jobs--;
    }
    (void)pthread_mutex_unlock(&readers->lock);
    return job;
}

static void *reader_main(void *argument)
{
    struct readers *readers = argument;
    struct job *job;

    (void)pthread_mutex_lock(&readers->lock);
    struct store *store = readers->stores[readers->next_store++];
    (void)pthread_mutex_unlock(&readers->lock);
    while ((job = next_job(readers)) != NULL) {
        job->run(job->argument, store);
        free(job);
    }
    return NULL;
}

int readers_start(struct readers *readers, const struct store *writer, size_t n, struct err *err)
{
    *readers = (struct readers){.tail = NULL};
    readers->tail = &readers->first;
    (void)pthread_mutex_init(&readers->lock, NULL);
    (void)pthread_cond_init(&readers->filled, NULL);
    n = n > READERS_MAX ? READERS_MAX : n;
    for (size_t i = 0; i < n; i++) {
        if (store_open_reader(writer, &readers->stores[i], err) != 0) {
            readers_stop(readers);
            return -1;
        }
        if (thread_start(&readers->threads[i], reader_main, readers, err) != 0) {
            store_close(readers->stores[i]);
            readers->stores[i] = NULL;
            readers_stop(readers);
            return -1;
        }
        readers->n++;
    }
    return 0;
}

int readers_push(struct readers *readers, void (*run)(void *argument, struct store *),
                 void *argument, struct err *err)
{
    struct job *job = malloc(sizeof *job);
    bool full;

    if (job == NULL) {
        return err_set(err, ERR_OVERLOADED, "the server is out of memory; repeat in a moment");
    }
    *job = (struct job){run, argument, NULL};
    (void)pthread_mutex_lock(&readers->lock);
    full = readers->closed || readers->n_jobs == JOBS_MAX;
    if (!full) {
        *readers->tail = job;
        readers->tail = &job->next;
        readers->n_jobs++;
        (void)pthread_cond_signal(&readers->filled);
    }
    (void)pthread_mutex_unlock(&readers->lock);
    if (full) {
        free(job);
        return err_set(err, ERR_OVERLOADED,
                       "more requests wait than the server can read for; repeat in a moment");
    }
    return 0;
}

void readers_stop(struct readers *readers)
{
    (void)pthread_mutex_lock(&readers->lock);
    readers->closed = true;
    (void)pthread_cond_broadcast(&readers->filled);
    (void)pthread_mutex_unlock(&readers->lock);
    for (size_t i = 0; i < readers->n; i++) {
        (void)pthread_join(readers->threads[i], NULL);
        store_close(readers->stores[i]);
    }
    readers->n = 0;
}

void readers_finish(struct readers *readers)
{
    if (readers->tail != NULL) {
        (void)pthread_cond_destroy(&readers->filled);
        (void)pthread_mutex_destroy(&readers->lock);
    }
}
