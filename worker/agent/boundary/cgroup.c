#include "worker/agent/boundary/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/buf.h"

#define LEAF_PREFIX "hone-"
#define SMALL_BYTES 4096
#define LINE_BYTES (2 * PATH_MAX)
#define DEPTH_MAX 32

/* ---- its files ---- */

/* Path of a file of a cgroup, in `out`; false when it is too long. */
static bool join(char out[PATH_MAX], const char *path, const char *file)
{
    return snprintf(out, PATH_MAX, "%s/%s", path, file) < PATH_MAX;
}

/* Returns 0 or an errno. */
static int put(const char *path, const char *file, const char *text)
{
    char name[PATH_MAX];

    if (!join(name, path, file)) {
        return ENAMETOOLONG;
    }
    int fd = open(name, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    int why = write(fd, text, strlen(text)) < 0 ? errno : 0;
    (void)close(fd);
    return why;
}

static bool get(const char *path, const char *file, char text[SMALL_BYTES])
{
    char name[PATH_MAX];

    text[0] = '\0';
    if (!join(name, path, file)) {
        return false;
    }
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t got = read(fd, text, SMALL_BYTES - 1);
    (void)close(fd);
    text[got < 0 ? 0 : got] = '\0';
    return got >= 0;
}

/* The number behind a key at the start of a line; -1: none. */
static int64_t value_of(const char *text, const char *key)
{
    size_t len = strlen(key);

    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, key, len) == 0 && line[len] == ' ') {
            return strtoll(line + len + 1, NULL, 10);
        }
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    return -1;
}

/* ---- finding ours ---- */

/* The mount of version 2 that shows the cgroup `own`: fills where it is mounted and which cgroup is
 * its root. */
static bool find_mount(char mounted[PATH_MAX], char root[PATH_MAX])
{
    static char line[LINE_BYTES];
    FILE *file = fopen("/proc/self/mountinfo", "re");
    bool found = false;

    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        const char *kind = strstr(line, " - cgroup2 ");
        found = kind != NULL && sscanf(line, "%*s %*s %*s %4095s %4095s", root, mounted) == 2;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return found;
}

static bool own_path(char own[PATH_MAX])
{
    static char line[LINE_BYTES];
    FILE *file = fopen("/proc/self/cgroup", "re");
    bool found = false;

    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        found = strncmp(line, "0::/", 4) == 0;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    if (found) {
        line[strcspn(line, "\n")] = '\0';
        (void)snprintf(own, PATH_MAX, "%.*s", PATH_MAX - 1, line + 3);
    }
    return found;
}

/* "/a/b" below the mount's root "/a" is "/b". */
static const char *below(const char *own, const char *root)
{
    size_t len = strcmp(root, "/") == 0 ? 0 : strlen(root);

    if (strncmp(own, root, len) != 0 || (own[len] != '/' && own[len] != '\0')) {
        return NULL;
    }
    return strcmp(own + len, "/") == 0 ? "" : own + len;
}

static bool says_one(const char *path, const char *attribute)
{
    char value[2] = "";

    return getxattr(path, attribute, value, sizeof value) == 1 && value[0] == '1';
}

static bool is_delegated(const char *path)
{
    return says_one(path, "user.delegate") || says_one(path, "trusted.delegate");
}

static int check_rights(const struct cgroup_found *found, bool asked, struct err *err)
{
    char procs[PATH_MAX];

    if (!join(procs, found->path, "cgroup.procs")) {
        return err_set(err, ERR_INVALID, "the path of this process's cgroup is too long");
    }
    if (access(found->path, W_OK) != 0 || access(procs, W_OK) != 0) {
        return err_set(err, ERR_INVALID,
                       "--isolate cgroup: the cgroup %s of this process is not delegated to this "
                       "user (%s); start the worker as a unit with Delegate=yes, or choose another "
                       "--isolate",
                       found->path, strerror(errno));
    }
    if (!asked && geteuid() == 0 && !is_delegated(found->path)) {
        return err_set(err, ERR_INVALID,
                       "the cgroup %s of this process is not delegated; start the worker as a unit "
                       "with Delegate=yes, or say --isolate cgroup to use it all the same",
                       found->path);
    }
    return 0;
}

int cgroup_find(bool asked, struct cgroup_found *found, struct err *err)
{
    static char mounted[PATH_MAX];
    static char root[PATH_MAX];
    static char own[PATH_MAX];
    const char *rest = NULL;

    *found = (struct cgroup_found){0};
    if (find_mount(mounted, root) && own_path(own)) {
        rest = below(own, root);
    }
    if (rest == NULL || strlen(mounted) + strlen(rest) >= sizeof found->path) {
        return err_set(err, ERR_INVALID,
                       "--isolate cgroup: there is no cgroup of version 2 here that holds this "
                       "process; choose another --isolate");
    }
    (void)snprintf(found->path, sizeof found->path, "%s", mounted);
    (void)snprintf(found->path + strlen(mounted), sizeof found->path - strlen(mounted), "%s", rest);
    return check_rights(found, asked, err);
}

/* ---- preparing it ---- */

static bool has_word(const char *text, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        bool starts = at == text || at[-1] == ' ' || at[-1] == '\n';
        if (starts && (at[len] == ' ' || at[len] == '\n' || at[len] == '\0')) {
            return true;
        }
    }
    return false;
}

static void enable(const char *path)
{
    (void)put(path, "cgroup.subtree_control", "+memory");
    (void)put(path, "cgroup.subtree_control", "+pids");
}

static bool is_root(const char *path)
{
    char text[SMALL_BYTES];

    return !get(path, "cgroup.type", text);
}

/* Is this process the only one in it? With others, the kernel would enable some controllers, and
 * then let no process into the children. */
static bool is_alone(const char *path)
{
    char text[SMALL_BYTES];
    char own[32];

    (void)snprintf(own, sizeof own, "%ld\n", (long)getpid());
    return get(path, "cgroup.procs", text) && strcmp(text, own) == 0;
}

/* Into a child of its own, named by process, so that several workers may share a cgroup. */
static void step_aside(const char *path)
{
    char child[PATH_MAX];
    char name[64];

    (void)snprintf(name, sizeof name, LEAF_PREFIX "worker-%ld", (long)getpid());
    if (join(child, path, name) && (mkdir(child, 0755) == 0 || errno == EEXIST)
        && put(child, "cgroup.procs", "0") != 0) {
        (void)rmdir(child);
    }
}

/* Of workers that have ended: those with processes are not removed by rmdir(). */
static void remove_left(const char *path)
{
    char child[PATH_MAX];
    DIR *dir = opendir(path);

    if (dir == NULL) {
        return;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        bool is_worker = strncmp(entry->d_name, LEAF_PREFIX "worker-", 12) == 0;
        if (is_worker && join(child, path, entry->d_name)) {
            (void)rmdir(child);
        }
    }
    (void)closedir(dir);
}

void cgroup_prepare(struct cgroup_found *found)
{
    char text[SMALL_BYTES];

    remove_left(found->path);
    if (is_root(found->path)) {
        enable(found->path);
    } else if (is_alone(found->path)) {
        step_aside(found->path);
        enable(found->path);
    }
    if (get(found->path, "cgroup.subtree_control", text)) {
        found->has_memory = has_word(text, "memory");
        found->has_pids = has_word(text, "pids");
    }
}

int cgroup_probe(const char *path, struct err *err)
{
    char leaf[PATH_MAX];
    char name[64];
    char type[SMALL_BYTES] = "";

    (void)snprintf(name, sizeof name, LEAF_PREFIX "probe-%ld", (long)getpid());
    if (!join(leaf, path, name) || (mkdir(leaf, 0755) != 0 && errno != EEXIST)) {
        return err_set(err, ERR_INVALID, "--isolate cgroup: no cgroup can be made in %s: %s", path,
                       strerror(errno));
    }
    bool is_valid = get(leaf, "cgroup.type", type) && strstr(type, "invalid") == NULL;
    (void)rmdir(leaf);
    return is_valid
               ? 0
               : err_set(err, ERR_INVALID,
                         "--isolate cgroup: processes beside this one are in the cgroup %s, "
                         "which has controllers for its children, so the kernel lets none into "
                         "these; give the worker a cgroup of its own",
                         path);
}

/* ---- a leaf ---- */

static int put_limit(const char *path, const char *file, int64_t limit, struct err *err)
{
    char text[32];

    if (limit <= 0) {
        return 0;
    }
    (void)snprintf(text, sizeof text, "%" PRId64, limit);
    int why = put(path, file, text);
    return why == 0 ? 0
                    : err_set(err, ERR_IO, "the limit %s/%s cannot be set to %s: %s", path, file,
                              text, strerror(why));
}

static int put_limits(const char *path, int64_t memory_bytes, int64_t processes, struct err *err)
{
    TRY(put_limit(path, "memory.max", memory_bytes, err));
    if (memory_bytes > 0) {
        (void)put(path, "memory.swap.max", "0"); /* the limit is of memory, not of patience */
    }
    return put_limit(path, "pids.max", processes, err);
}

void cgroup_leaf_path(const char *base, const char *name, char path[PATH_MAX])
{
    (void)snprintf(path, PATH_MAX, "%s/" LEAF_PREFIX "%s", base, name);
}

int cgroup_make_leaf(const char *base, const char *name, int64_t memory_bytes, int64_t processes,
                     char **path, struct err *err)
{
    OWN(buf) struct buf made;

    buf_init(&made, PATH_MAX - 1);
    buf_printf(&made, "%s/" LEAF_PREFIX "%s", base, name);
    TRY(buf_check(&made, err));
    if (mkdir(buf_text(&made), 0755) != 0 && errno != EEXIST) {
        return err_set(err, ERR_IO, "the cgroup %s cannot be made: %s", buf_text(&made),
                       strerror(errno));
    }
    if (put_limits(buf_text(&made), memory_bytes, processes, err) != 0) {
        (void)rmdir(buf_text(&made));
        return -1;
    }
    *path = buf_steal(&made);
    return *path == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

/* Kernels before 5.14 have no cgroup.kill: one pass over the list of processes instead. */
static void kill_listed(const char *path)
{
    char text[SMALL_BYTES];

    if (get(path, "cgroup.procs", text)) {
        for (char *at = text; *at != '\0';) {
            long pid = strtol(at, &at, 10);
            if (pid > 0) {
                (void)kill((pid_t)pid, SIGKILL);
            }
            at += *at == '\0' ? 0 : 1;
        }
    }
}

void cgroup_kill(const char *path)
{
    if (put(path, "cgroup.kill", "1") != 0) {
        kill_listed(path);
    }
}

bool cgroup_is_empty(const char *path)
{
    char text[SMALL_BYTES];

    return !get(path, "cgroup.events", text) || value_of(text, "populated") == 0;
}

static bool remove_at(const char *path, int depth)
{
    char child[PATH_MAX];
    DIR *dir = depth < DEPTH_MAX ? opendir(path) : NULL;

    for (struct dirent *entry = dir == NULL ? NULL : readdir(dir); entry != NULL;
         entry = readdir(dir)) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.'
            && join(child, path, entry->d_name)) {
            (void)remove_at(child, depth + 1);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return rmdir(path) == 0 || errno == ENOENT;
}

bool cgroup_remove(const char *path)
{
    return remove_at(path, 0);
}

int64_t cgroup_oom_kills(const char *path)
{
    char text[SMALL_BYTES];

    return get(path, "memory.events", text) ? value_of(text, "oom_kill") : -1;
}
