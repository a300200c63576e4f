#include "server/store/sqlite/full_disk.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/types.h>

#include "common/err.h"

typedef ssize_t write_call(int fd, const void *bytes, size_t len);
typedef ssize_t pwrite_call(int fd, const void *bytes, size_t len, off_t offset);

static struct {
    write_call *write;
    pwrite_call *pwrite;
    pwrite_call *pwrite64;
} original; /* as SQLite had them */

static ssize_t with_known_error(ssize_t written)
{
    if (written < 0 && errno_is_full_disk(errno)) {
        errno = ENOSPC;
    }
    return written;
}

static ssize_t our_write(int fd, const void *bytes, size_t len)
{
    return with_known_error(original.write(fd, bytes, len));
}

static ssize_t our_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    return with_known_error(original.pwrite(fd, bytes, len, offset));
}

static ssize_t our_pwrite64(int fd, const void *bytes, size_t len, off_t offset)
{
    return with_known_error(original.pwrite64(fd, bytes, len, offset));
}

/* Which of the calls it uses, and which it has at all, was decided when SQLite was built. */
static void replace_calls(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    if (vfs == NULL || vfs->iVersion < 3) {
        return;
    }
    original.write = (write_call *)vfs->xGetSystemCall(vfs, "write");
    original.pwrite = (pwrite_call *)vfs->xGetSystemCall(vfs, "pwrite");
    original.pwrite64 = (pwrite_call *)vfs->xGetSystemCall(vfs, "pwrite64");
    if (original.write != NULL) {
        (void)vfs->xSetSystemCall(vfs, "write", (sqlite3_syscall_ptr)our_write);
    }
    if (original.pwrite != NULL) {
        (void)vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)our_pwrite);
    }
    if (original.pwrite64 != NULL && sizeof(off_t) == 8) { /* it takes 64 bits everywhere */
        (void)vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)our_pwrite64);
    }
}

void full_disk_recognise(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, replace_calls);
}
