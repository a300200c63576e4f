/* Thinkers run what takes longer than microseconds on snapshots, and bring the answer back to the
 * writer as a command. */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "server/engine/parts.h"
#include "server/tuning/think.h"

static struct thought *next_thought(struct thinkers *thinkers)
{
    (void)pthread_mutex_lock(&thinkers->lock);
    while (thinkers->first == NULL && !thinkers->closed) {
        (void)pthread_cond_wait(&thinkers->filled, &thinkers->lock);
    }
    struct thought *thought = thinkers->closed ? NULL : thinkers->first;
    if (thought != NULL) {
        thinkers->first = thought->next;
        if (thinkers->first == NULL) {
            thinkers->tail = &thinkers->first;
        }
        thought->next = NULL;
    }
    (void)pthread_mutex_unlock(&thinkers->lock);
    return thought;
}

/* The queue always has room for an answer; only a server that stops refuses it. */
static void bring_back(struct thinkers *thinkers, struct thought *thought)
{
    struct command *command = command_create(COMMAND_THOUGHT);
    struct err err;

    if (command == NULL) {
        log_error("out of memory: a suggestion was lost");
        thought_destroy(thought);
        return;
    }
    command->thought = thought;
    if (queue_push(thinkers->queue, command, &err) != 0) {
        command_destroy(command);
    }
}

static void *thinker_main(void *argument)
{
    struct thinkers *thinkers = argument;
    struct thought *thought;

    while ((thought = next_thought(thinkers)) != NULL) {
        thought_run(thought);
        bring_back(thinkers, thought);
    }
    return NULL;
}

int thinkers_start(struct thinkers *thinkers, struct queue *queue, size_t n, struct err *err)
{
    *thinkers = (struct thinkers){.queue = queue};
    thinkers->tail = &thinkers->first;
    (void)pthread_mutex_init(&thinkers->lock, NULL);
    (void)pthread_cond_init(&thinkers->filled, NULL);
    n = n > THINKERS_MAX ? THINKERS_MAX : n;
    for (; thinkers->n < n; thinkers->n++) {
        int rc = pthread_create(&thinkers->threads[thinkers->n], NULL, thinker_main, thinkers);
        if (rc != 0) {
            thinkers_stop(thinkers);
            return err_set(err, ERR_IO, "cannot start a thread: %s", strerror(rc));
        }
    }
    return 0;
}

void thinkers_push(struct thinkers *thinkers, struct thought *thought)
{
    (void)pthread_mutex_lock(&thinkers->lock);
    *thinkers->tail = thought;
    thinkers->tail = &thought->next;
    (void)pthread_cond_signal(&thinkers->filled);
    (void)pthread_mutex_unlock(&thinkers->lock);
}

void thinkers_stop(struct thinkers *thinkers)
{
    (void)pthread_mutex_lock(&thinkers->lock);
    thinkers->closed = true;
    (void)pthread_cond_broadcast(&thinkers->filled);
    (void)pthread_mutex_unlock(&thinkers->lock);
    for (size_t i = 0; i < thinkers->n; i++) {
        (void)pthread_join(thinkers->threads[i], NULL);
    }
    thinkers->n = 0;
    while (thinkers->first != NULL) {
        struct thought *next = thinkers->first->next;
        thought_destroy(thinkers->first);
        thinkers->first = next;
    }
    (void)pthread_cond_destroy(&thinkers->filled);
    (void)pthread_mutex_destroy(&thinkers->lock);
}
