#include "tests/support/disk_layer.h"

#include <stdlib.h>
#include <string.h>

static sqlite3_vfs *real; /* the machine's */
static disk_hook *hook;

/* ---- files: each call goes on to the machine's file behind ---- */

struct file {
    sqlite3_file base;
    sqlite3_file *behind;
    const char *name; /* SQLite's, as long as the file is open; "": it has none */
};

static const char *last_part(const char *path)
{
    const char *slash = path == NULL ? NULL : strrchr(path, '/');

    return slash != NULL ? slash + 1 : path == NULL ? "" : path;
}

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
    int rc =
        hook(&(const struct disk_call){DISK_WRITE, ((struct file *)file)->name, bytes, len, at});

    return rc != SQLITE_OK ? rc : behind(file)->pMethods->xWrite(behind(file), bytes, len, at);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = hook(&(const struct disk_call){
        .kind = DISK_TRUNCATE, .name = ((struct file *)file)->name, .at = size});

    return rc != SQLITE_OK ? rc : behind(file)->pMethods->xTruncate(behind(file), size);
}

/* A sync that does not fail does nothing: the machine keeps its power. */
static int file_sync(sqlite3_file *file, int flags)
{
    (void)flags;
    return hook(&(const struct disk_call){.kind = DISK_SYNC, .name = ((struct file *)file)->name});
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
    int rc = hook(&(const struct disk_call){.kind = DISK_OPEN, .name = last_part(name)});

    (void)vfs;
    opened->base.pMethods = NULL;
    opened->name = last_part(name);
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
    int rc = hook(&(const struct disk_call){.kind = DISK_DELETE, .name = last_part(name)});

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

void disk_layer_start(disk_hook *called)
{
    static sqlite3_vfs disk;

    hook = called;
    real = sqlite3_vfs_find(NULL);
    if (real == NULL) {
        abort();
    }
    disk = *real;
    disk.iVersion = 2; /* without the table of system calls, which is the machine's */
    disk.szOsFile = (int)sizeof(struct file) + real->szOsFile;
    disk.pNext = NULL;
    disk.zName = "layer";
    disk.xOpen = disk_open;
    disk.xDelete = disk_delete;
    disk.xAccess = disk_access;
    disk.xFullPathname = disk_path;
    if (sqlite3_vfs_register(&disk, 1) != SQLITE_OK) {
        abort();
    }
}
