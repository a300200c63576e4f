#include "tests/support/failing_disk.h"

#include <sqlite3.h>
#include <stdlib.h>

static sqlite3_vfs *real; /* the machine's */

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

/* `broken` is what the call returns on a broken disk; `writes`: whether it needs space. */
static int failure_of(int broken, bool writes)
{
    if (state.how == DISK_FULL && !writes) {
        return SQLITE_OK;
    }
    state.n++;
    if (state.at == 0 || state.n < state.at || (state.n > state.at && !state.onwards)) {
        return SQLITE_OK;
    }
    state.has_failed = true;
    return state.how == DISK_FULL ? SQLITE_FULL : broken;
}

/* ---- files: each call goes on to the machine's file behind ---- */

struct file {
    sqlite3_file base;
    sqlite3_file *behind;
};

static sqlite3_file *behind(sqlite3_file *file)
{
    return ((struct file *)file)->behind;
}

static int file_close(sqlite3_file *file)
{
    return behind(file)->pMethods->xClose(behind(file));
}

static int file_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 at)
{
    return behind(file)->pMethods->xRead(behind(file), bytes, len, at);
}

static int file_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at)
{
    int rc = failure_of(SQLITE_IOERR_WRITE, true);

    return rc != SQLITE_OK ? rc : behind(file)->pMethods->xWrite(behind(file), bytes, len, at);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = failure_of(SQLITE_IOERR_TRUNCATE, false);

    return rc != SQLITE_OK ? rc : behind(file)->pMethods->xTruncate(behind(file), size);
}

/* A sync that does not fail does nothing: the machine keeps its power. */
static int file_sync(sqlite3_file *file, int flags)
{
    (void)file;
    (void)flags;
    return failure_of(SQLITE_IOERR_FSYNC, false);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return behind(file)->pMethods->xFileSize(behind(file), size);
}

static int file_lock(sqlite3_file *file, int lock)
{
    return behind(file)->pMethods->xLock(behind(file), lock);
}

static int file_unlock(sqlite3_file *file, int lock)
{
    return behind(file)->pMethods->xUnlock(behind(file), lock);
}

static int file_check_lock(sqlite3_file *file, int *is_reserved)
{
    return behind(file)->pMethods->xCheckReservedLock(behind(file), is_reserved);
}

static int file_control(sqlite3_file *file, int op, void *argument)
{
    return behind(file)->pMethods->xFileControl(behind(file), op, argument);
}

static int file_sector(sqlite3_file *file)
{
    return behind(file)->pMethods->xSectorSize(behind(file));
}

static int file_traits(sqlite3_file *file)
{
    return behind(file)->pMethods->xDeviceCharacteristics(behind(file));
}

static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory)
{
    return behind(file)->pMethods->xShmMap(behind(file), page, size, extend, memory);
}

static int file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return behind(file)->pMethods->xShmLock(behind(file), offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
    behind(file)->pMethods->xShmBarrier(behind(file));
}

static int file_shm_unmap(sqlite3_file *file, int remove)
{
    return behind(file)->pMethods->xShmUnmap(behind(file), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

/* ---- the file system ---- */

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *flags_out)
{
    struct file *opened = (struct file *)file;
    int rc = failure_of(SQLITE_CANTOPEN, false);

    (void)vfs;
    opened->base.pMethods = NULL;
    opened->behind = (sqlite3_file *)(opened + 1);
    if (rc == SQLITE_OK) {
        rc = real->xOpen(real, name, opened->behind, flags, flags_out);
    }
    if (rc == SQLITE_OK) {
        opened->base.pMethods = &methods;
    }
    return rc;
}

static int disk_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    int rc = failure_of(SQLITE_IOERR_DELETE, false);

    (void)vfs;
    return rc != SQLITE_OK ? rc : real->xDelete(real, name, sync);
}

static int disk_access(sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
    (void)vfs;
    return real->xAccess(real, name, flags, result);
}

static int disk_path(sqlite3_vfs *vfs, const char *name, int size, char *path)
{
    (void)vfs;
    return real->xFullPathname(real, name, size, path);
}

void failing_disk_start(void)
{
    static sqlite3_vfs disk;

    real = sqlite3_vfs_find(NULL);
    if (real == NULL) {
        abort();
    }
    disk = *real;
    disk.iVersion = 2; /* without the table of system calls, which is the machine's */
    disk.szOsFile = (int)sizeof(struct file) + real->szOsFile;
    disk.pNext = NULL;
    disk.zName = "failing";
    disk.xOpen = disk_open;
    disk.xDelete = disk_delete;
    disk.xAccess = disk_access;
    disk.xFullPathname = disk_path;
    if (sqlite3_vfs_register(&disk, 1) != SQLITE_OK) {
        abort();
    }
}
