/* Starting the threads of the engine. For this folder alone. */
#ifndef SERVER_ENGINE_THREAD_H
#define SERVER_ENGINE_THREAD_H

#include <pthread.h>

#include "common/err.h"

/* ERR_OVERLOADED: the limit on threads is reached. That passes, so the process ends with a status
 * after which it is started again. */
MUST_USE int thread_start(pthread_t *thread, void *(*run)(void *), void *argument, struct err *err);

#endif
