#include "server/engine/thread.h"

#include <string.h>

int thread_start(pthread_t *thread, void *(*run)(void *), void *argument, struct err *err)
{
    int rc = pthread_create(thread, NULL, run, argument);

    if (rc != 0) {
        return err_set(err, ERR_OVERLOADED,
                       "cannot start a thread: %s; raise the limit on processes (ulimit -u, "
                       "TasksMax= of systemd), or end others of this user",
                       strerror(rc));
    }
    return 0;
}
