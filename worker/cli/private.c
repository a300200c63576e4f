#include "worker/cli/private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/own.h"
#include "worker/cli/find_honed.h"
#include "worker/cli/status.h"

enum { START_MS = 20000, POLL_US = 20000, LOG_BYTES = 64 << 10 };
#define IDLE_EXIT_SECONDS "600"

struct private_paths {
    char directory[PATH_MAX - 64]; /* leaves space for the names within */
    char start_file[PATH_MAX];
    char alive_file[PATH_MAX];
    char data[PATH_MAX];
    struct private_server server;
};

/* ---- where ---------------------------------------------------------------------------------- */

/* Whether the directory lies on a file system that other machines share. */
static bool is_on_network(const char *directory)
{
    static const unsigned long shared[] = {
        NFS_SUPER_MAGIC,
        SMB_SUPER_MAGIC,
        CIFS_SUPER_MAGIC,
        SMB2_SUPER_MAGIC,
        AFS_SUPER_MAGIC,
        CODA_SUPER_MAGIC,
        V9FS_MAGIC,
        CEPH_SUPER_MAGIC,
        FUSE_SUPER_MAGIC, /* sshfs, GlusterFS */
        0x0bd00bd0 /* Lustre */,
        0x47504653 /* GPFS */,
        0x19830326 /* BeeGFS */,
        0xaad7aaea /* PanFS */,
        0x6b414653 /* kAFS */,
    };
    struct statfs fs;

    if (statfs(directory, &fs) != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++) {
        if ((unsigned long)fs.f_type == shared[i]) {
            return true;
        }
    }
    return false;
}

/* The nearest ancestor that exists decides about a directory that does not. */
static bool would_be_on_network(const char *directory)
{
    char path[PATH_MAX];
    struct stat facts;

    (void)snprintf(path, sizeof path, "%s", directory);
    while (stat(path, &facts) != 0) {
        char *slash = strrchr(path, '/');
        if (slash == NULL || slash == path) {
            return false;
        }
        *slash = '\0';
    }
    return is_on_network(path);
}

static int home_place(char *directory, size_t size, struct err *err)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int len = state != NULL && *state == '/' ? snprintf(directory, size, "%s/hone", state)
                                             : snprintf(directory, size, "%s/.local/state/hone",
                                                        home != NULL && *home == '/' ? home : "");

    if ((state == NULL || *state != '/') && (home == NULL || *home != '/')) {
        (void)snprintf(directory, size, "/var/tmp/hone-%u", (unsigned)geteuid());
    }
    return len > 0 && (size_t)len < size
               ? 0
               : err_set(err, ERR_INVALID,
                         "the path of the state directory is too long; set "
                         "XDG_STATE_HOME to a shorter one");
}

static int place_find(struct private_paths *paths, bool *moved, struct err *err)
{
    *paths = (struct private_paths){0};
    TRY(home_place(paths->directory, sizeof paths->directory, err));
    *moved = would_be_on_network(paths->directory);
    if (*moved) {
        (void)snprintf(paths->directory, sizeof paths->directory, "/var/tmp/hone-%u",
                       (unsigned)geteuid());
    }
    (void)snprintf(paths->start_file, sizeof paths->start_file, "%s/start.lock", paths->directory);
    (void)snprintf(paths->alive_file, sizeof paths->alive_file, "%s/alive.lock", paths->directory);
    (void)snprintf(paths->data, sizeof paths->data, "%s/data", paths->directory);
    (void)snprintf(paths->server.log_file, sizeof paths->server.log_file, "%s/server.log",
                   paths->directory);
    (void)snprintf(paths->server.token_file, sizeof paths->server.token_file, "%s/data/admin.token",
                   paths->directory);
    (void)snprintf(paths->server.worker_token_file, sizeof paths->server.worker_token_file,
                   "%s/data/worker.token", paths->directory);
    return 0;
}

/* Refuses a directory of another account: what lies in it is trusted. */
static int place_check(const struct private_paths *paths, struct err *err)
{
    struct stat facts;

    if (lstat(paths->directory, &facts) != 0) {
        return err_set(err, ERR_NOT_FOUND, "there is no %s: %s", paths->directory, strerror(errno));
    }
    if (!S_ISDIR(facts.st_mode) || facts.st_uid != geteuid() || (facts.st_mode & 022) != 0) {
        return err_set(err, ERR_IO,
                       "%s is not a directory that belongs to you alone; remove it or "
                       "set XDG_STATE_HOME",
                       paths->directory);
    }
    return 0;
}

static int place_make(const struct private_paths *paths, struct err *err)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s", paths->directory);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return err_set(err, ERR_IO,
                       "cannot create %s: %s; set XDG_STATE_HOME to a directory that "
                       "can be written",
                       path, strerror(errno));
    }
    return place_check(paths, err);
}

/* ---- who ------------------------------------------------------------------------------------ */

/* Reads the URL that the server printed; false while it has not. */
static bool read_url(struct private_server *server)
{
    static const char words[] = "listening on ";
    OWN(fd) int fd = open(server->log_file, O_RDONLY | O_CLOEXEC);
    OWN(memory) char *text = calloc(1, LOG_BYTES + 1);

    if (fd < 0 || text == NULL || read(fd, text, LOG_BYTES) <= 0) {
        return false;
    }
    const char *at = strstr(text, words);
    size_t len = at == NULL ? 0 : strcspn(at + strlen(words), " \t\r\n");
    if (at == NULL || at[strlen(words) + len] == '\0' || len >= sizeof server->url) {
        return false; /* nothing yet, or half a line */
    }
    (void)snprintf(server->url, sizeof server->url, "%.*s", (int)len, at + strlen(words));
    return strncmp(server->url, "http", 4) == 0;
}

/* Opens and locks; with LOCK_NB, *held says that another process has it. */
static int take_lock(const char *path, int open_flags, int operation, int *lock, bool *held,
                     struct err *err)
{
    *lock = open(path, O_RDWR | O_CLOEXEC | open_flags, 0600);
    if (*lock < 0) {
        return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open %s: %s", path,
                       strerror(errno));
    }
    *held = false;
    while (flock(*lock, operation) != 0) {
        if (errno == EWOULDBLOCK) {
            *held = true;
            return 0;
        }
        if (errno != EINTR) {
            return err_set(err, ERR_IO, "cannot lock %s: %s", path, strerror(errno));
        }
    }
    return 0;
}

int private_find(struct private_server *server, struct err *err)
{
    struct private_paths paths;
    bool moved, held;
    OWN(fd) int looking = -1;
    OWN(fd) int alive = -1;

    TRY(place_find(&paths, &moved, err));
    TRY(place_check(&paths, err));
    TRY(take_lock(paths.start_file, 0, LOCK_SH, &looking, &held, err));
    TRY(take_lock(paths.alive_file, 0, LOCK_SH | LOCK_NB, &alive, &held, err));
    if (!held || !read_url(&paths.server)) {
        return err_set(err, ERR_NOT_FOUND, "no private server runs");
    }
    *server = paths.server;
    return 0;
}

/* ---- starting ------------------------------------------------------------------------------- */

/* In the child: a session of its own, its output in the log, the lock inherited. Never returns. */
static _Noreturn void become_server(const struct private_paths *paths, const char *honed, int alive)
{
    int log = open(paths->server.log_file, O_WRONLY | O_APPEND | O_CLOEXEC);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (log < 0 || null < 0 || setsid() < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0
        || dup2(log, 2) < 0 || fcntl(alive, F_SETFD, 0) < 0 || chdir(paths->directory) != 0) {
        _exit(127);
    }
    (void)unsetenv("JOURNAL_STREAM"); /* the log is a file, whatever ours is */
    (void)execlp(honed, honed, "--data", paths->data, "--listen", "127.0.0.1:0", "--idle-exit",
                 IDLE_EXIT_SECONDS, (char *)NULL);
    (void)dprintf(2, "cannot run %s: %s\n", honed, strerror(errno));
    _exit(127);
}

static int cannot_start(const struct private_paths *paths, struct err *err)
{
    OWN(fd) int fd = open(paths->server.log_file, O_RDONLY | O_CLOEXEC);
    char text[400] = "";
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

    text[len > 0 ? len : 0] = '\0';
    return err_set(err, ERR_UNREACHABLE, "the private server did not start: %s(all of it in %s)",
                   len > 0 ? text : "it said nothing ", paths->server.log_file);
}

/* Waits for the URL; `child` 0: a server that another process started. */
static int await_url(struct private_paths *paths, pid_t child, struct err *err)
{
    const struct clock *clock = clock_system();
    int64_t deadline_ms = clock->monotonic_ms(clock) + START_MS;

    while (!read_url(&paths->server)) {
        if ((child > 0 && waitpid(child, NULL, WNOHANG) == child)
            || clock->monotonic_ms(clock) > deadline_ms) {
            return cannot_start(paths, err);
        }
        (void)usleep(POLL_US);
    }
    return 0;
}

static int start(struct private_paths *paths, int alive, struct err *err)
{
    char honed[PATH_MAX];
    OWN(fd) int log = open(paths->server.log_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (log < 0) {
        return err_set(err, ERR_IO, "cannot write %s: %s", paths->server.log_file, strerror(errno));
    }
    find_honed(honed);
    pid_t child = fork();
    if (child < 0) {
        return err_set(err, ERR_IO, "cannot start a process: %s", strerror(errno));
    }
    if (child == 0) {
        become_server(paths, honed, alive);
    }
    return await_url(paths, child, err);
}

int private_ensure(struct private_server *server, bool *started, struct err *err)
{
    struct private_paths paths;
    bool moved, held;
    OWN(fd) int starting = -1;
    OWN(fd) int alive = -1;

    TRY(place_find(&paths, &moved, err));
    if (moved) {
        say("the home directory is on a network file system; the private "
            "server keeps its data in %s on this machine",
            paths.directory);
    }
    TRY(place_make(&paths, err));
    TRY(take_lock(paths.start_file, O_CREAT, LOCK_EX, &starting, &held, err));
    TRY(take_lock(paths.alive_file, O_CREAT, LOCK_EX | LOCK_NB, &alive, &held, err));
    TRY(held ? await_url(&paths, 0, err) : start(&paths, alive, err));
    *started = !held;
    *server = paths.server;
    return 0;
}

/* ---- stopping ------------------------------------------------------------------------------- */

/* The process that serves, as it has written it into its data directory. */
static int read_pid(const struct private_paths *paths, pid_t *pid, struct err *err)
{
    char path[PATH_MAX + 16], text[32] = "";
    char *end = text;

    (void)snprintf(path, sizeof path, "%s/lock", paths->data);
    OWN(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    long found = len > 0 ? strtol(text, &end, 10) : 0;

    if (found <= 1 || *end != '\n' || kill((pid_t)found, 0) != 0) {
        return err_set(err, ERR_IO, "%s does not say which process serves", path);
    }
    *pid = (pid_t)found;
    return 0;
}

int private_stop(struct private_server *server, struct err *err)
{
    const struct clock *clock = clock_system();
    int64_t deadline_ms = clock->monotonic_ms(clock) + START_MS;
    struct private_paths paths;
    struct private_server now;
    bool moved;
    pid_t pid = 0; /* for compilers that do not follow TRY */

    TRY(place_find(&paths, &moved, err));
    TRY(private_find(server, err));
    TRY(read_pid(&paths, &pid, err));
    if (kill(pid, SIGTERM) != 0) {
        return err_set(err, ERR_IO, "process %d, which serves, cannot be told to end: %s", (int)pid,
                       strerror(errno));
    }
    while (private_find(&now, err) == 0) {
        if (clock->monotonic_ms(clock) > deadline_ms) {
            return err_set(err, ERR_OVERLOADED, "the private server at %s has not ended yet",
                           server->url);
        }
        (void)usleep(POLL_US);
    }
    return 0;
}

/* ---- again ---------------------------------------------------------------------------------- */

/* Whether a server has ever kept studies here. */
static bool has_data(const struct private_paths *paths)
{
    char path[PATH_MAX + 16];

    (void)snprintf(path, sizeof path, "%s/hone.db", paths->data);
    return access(path, F_OK) == 0;
}

int private_again(struct private_server *server, bool *started, struct err *err)
{
    struct private_paths paths;
    bool moved;

    *started = false;
    if (private_find(server, err) == 0) {
        return 0;
    }
    if (err->code != ERR_NOT_FOUND) {
        return -1;
    }
    TRY(place_find(&paths, &moved, err));
    return has_data(&paths) ? private_ensure(server, started, err)
                            : err_set(err, ERR_NOT_FOUND, "no private server has run");
}
