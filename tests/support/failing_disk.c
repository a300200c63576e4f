#include "tests/support/failing_disk.h"

#include <sqlite3.h>

#include "tests/support/disk_layer.h"

static struct {
    _Atomic size_t n;  /* calls since failing_disk_fail_at() */
    _Atomic size_t at; /* which of them fails; 0: none */
    _Atomic bool onwards;
    _Atomic bool has_failed;
    _Atomic enum disk_failure how;
} state;

void failing_disk_fail_at(size_t k, bool onwards, enum disk_failure how)
{
    state.n = 0;
    state.at = k;
    state.onwards = onwards;
    state.has_failed = false;
    state.how = how;
}

void failing_disk_stop(void)
{
    state.at = 0;
}

bool failing_disk_has_failed(void)
{
    return state.has_failed;
}

static int fail(const struct disk_call *call)
{
    static const int broken[] = {
        [DISK_OPEN] = SQLITE_CANTOPEN,           [DISK_WRITE] = SQLITE_IOERR_WRITE,
        [DISK_TRUNCATE] = SQLITE_IOERR_TRUNCATE, [DISK_SYNC] = SQLITE_IOERR_FSYNC,
        [DISK_DELETE] = SQLITE_IOERR_DELETE,
    };

    if (state.how == DISK_FULL && call->kind != DISK_WRITE) {
        return SQLITE_OK; /* it needs no space */
    }
    state.n++;
    if (state.at == 0 || state.n < state.at || (state.n > state.at && !state.onwards)) {
        return SQLITE_OK;
    }
    state.has_failed = true;
    return state.how == DISK_FULL ? SQLITE_FULL : broken[call->kind];
}

void failing_disk_start(void)
{
    disk_layer_start(fail);
}
