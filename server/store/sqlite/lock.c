/* One server a data directory: a lock file, never a lock on the database itself, which SQLite
 * would lose when the process closes any other descriptor of it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "server/store/store.h"

/* File systems on which SQLite's log cannot be trusted: statfs(2) magic numbers. */
static const struct {
    unsigned long magic;
    const char *name;
} network[] = {
    {0x6969, "NFS"},        {0xff534d42, "CIFS"}, {0xfe534d42, "SMB2"}, {0x517b, "SMB"},
    {0x0bd00bd0, "Lustre"}, {0x47504653, "GPFS"}, {0x65735546, "FUSE"}, {0x00c36400, "Ceph"},
    {0x19830326, "BeeGFS"}, {0x5346414f, "AFS"},  {0x01021997, "9P"},   {0xaad7aaea, "PanFS"},
};

int store_check_file_system(const char *directory, struct err *err)
{
    struct statfs fs;

    if (statfs(directory, &fs) != 0) {
        return err_set(err, err_code_of_errno(errno), "cannot look at the data directory %s: %s",
                       directory, strerror(errno));
    }
    for (size_t i = 0; i < sizeof network / sizeof network[0]; i++) {
        if (((unsigned long)fs.f_type & 0xffffffffUL) == network[i].magic) {
            return err_set(err, ERR_IO,
                           "the data directory %s lies on %s, a network or user-space file "
                           "system, where a database can lose data; name a local one with --data",
                           directory, network[i].name);
        }
    }
    return 0;
}

int store_check_directory(const char *directory, struct err *err)
{
    struct stat st;

    if (stat(directory, &st) != 0) {
        return err_set(err, err_code_of_errno(errno),
                       "cannot look at the data directory %s: %s; name the right one with --data",
                       directory, strerror(errno));
    }
    if (!S_ISDIR(st.st_mode)) {
        return err_set(err, ERR_IO, "the data directory %s is not a directory", directory);
    }
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return err_set(err, ERR_IO,
                       "the data directory %s can be written by other users; chmod go-w it",
                       directory);
    }
    if (access(directory, W_OK | X_OK) != 0) {
        return err_set(err, ERR_IO,
                       "the data directory %s cannot be written by this user; chown it, or name "
                       "another with --data",
                       directory);
    }
    return 0;
}

static int make_directory(const char *directory, struct err *err)
{
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        return err_set(err, err_code_of_errno(errno), "cannot make the data directory %s: %s",
                       directory, strerror(errno));
    }
    return store_check_directory(directory, err);
}

/* A name that a server gives in its data directory, or that a file system has at its root. */
static bool is_ours(const char *name)
{
    static const char *const names[] = {".",
                                        "..",
                                        "lock",
                                        "admin.token",
                                        "worker.token",
                                        "files",
                                        "logs",
                                        "lost+found",
                                        "hone.db-wal",
                                        "hone.db-shm",
                                        "hwm.new",
                                        "hone.db.new",
                                        "backup-directory",
                                        "backup-directory.new"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return strncmp(name, "before-", 7) == 0; /* copies of migrations and restores */
}

/* Tokens and a database among another program's files would be published with them, by a commit of
 * a clone for example; so nothing is written there. */
int store_check_content(const char *directory, struct err *err)
{
    char path[4096];
    const struct dirent *entry = NULL;

    static const char *const kept[] = {"hone.db", "hwm"}; /* hwm alone: the database is lost */
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, kept[i]);
        if (access(path, F_OK) == 0) {
            return 0;
        }
    }
    DIR *files = opendir(directory);
    if (files == NULL) {
        return err_set(err, err_code_of_errno(errno), "cannot read the data directory %s: %s",
                       directory, strerror(errno));
    }
    while ((entry = readdir(files)) != NULL && is_ours(entry->d_name)) {
    }
    if (entry != NULL) {
        (void)err_set(err, ERR_IO,
                      "the directory %s holds other files (%.100s) and no studies; name one of its "
                      "own with --data, which is made if it is missing",
                      directory, entry->d_name);
    }
    (void)closedir(files);
    return entry == NULL ? 0 : -1;
}

static void holder_of(int fd, char text[32])
{
    ssize_t len = pread(fd, text, 31, 0);

    text[len > 0 ? len : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

int store_hold_directory(const char *directory, int *fd, char holder[32], struct err *err)
{
    char path[4096];

    (void)snprintf(path, sizeof path, "%s/lock", directory);
    holder[0] = '\0';
    OWN(fd) int opened = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (opened < 0) {
        return errno == ENOENT ? 0
                               : err_set(err, err_code_of_errno(errno), "cannot open %s: %s", path,
                                         strerror(errno));
    }
    if (flock(opened, LOCK_SH | LOCK_NB) != 0) {
        holder_of(opened, holder);
        return 0;
    }
    *fd = opened;
    opened = -1;
    return 0;
}

int store_lock_directory(const char *directory, int *fd, struct err *err)
{
    char path[4096];
    char holder[32];

    TRY(make_directory(directory, err));
    TRY(store_check_file_system(directory, err));
    TRY(store_check_content(directory, err));
    (void)snprintf(path, sizeof path, "%s/lock", directory);
    OWN(fd) int opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (opened < 0) {
        return err_set(err, err_code_of_errno(errno), "cannot open %s: %s", path, strerror(errno));
    }
    if (flock(opened, LOCK_EX | LOCK_NB) != 0) {
        holder_of(opened, holder);
        return err_set(err, ERR_OVERLOADED,
                       "another honed (pid %s) serves the data directory %s; stop it first, or "
                       "name another with --data",
                       holder, directory);
    }
    int len = snprintf(holder, sizeof holder, "%ld\n", (long)getpid());
    if (ftruncate(opened, 0) != 0 || pwrite(opened, holder, (size_t)len, 0) != len) {
        return err_set(err, err_code_of_errno(errno), "cannot write %s: %s", path, strerror(errno));
    }
    *fd = opened;
    opened = -1;
    return 0;
}
