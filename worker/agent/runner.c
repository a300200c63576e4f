#include "worker/agent/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "worker/agent/boundary/cgroup.h"
#include "worker/agent/orphans.h"
#include "worker/agent/process_title.h"
#include "worker/agent/shim.h"
#include "worker/agent/shim_keep.h"

#define LINGER_MS 1000 /* what outlives a job's leader may hold its output open for so long */
#define EMPTY_MS 10000 /* after SIGKILL, before something counts as unkillable */
#define CLEAN_EVERY_MS 5
#define ANSWER_MS 1000 /* a shim that may run answers at once */
#define KEPT_PIPE_BYTES (1 << 20)

/* ---- finding ---- */

static bool is_program(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

static bool find_in(const char *folders, const char *program, struct buf *path)
{
    while (folders != NULL) {
        const char *colon = strchr(folders, ':');
        size_t len = colon == NULL ? strlen(folders) : (size_t)(colon - folders);
        buf_clear(path);
        if (len > 0) {
            buf_append(path, folders, len);
            buf_putc(path, '/');
        }
        buf_puts(path, program);
        if (!path->failed && is_program(buf_text(path))) {
            return true;
        }
        folders = colon == NULL ? NULL : colon + 1;
    }
    return false;
}

int runner_find(const char *program, char **path, struct err *err)
{
    const char *folders = getenv("PATH");
    OWN(buf) struct buf found;
    bool is_there;

    buf_init(&found, 4095);
    if (strchr(program, '/') != NULL) {
        buf_puts(&found, program);
        is_there = is_program(program);
    } else {
        is_there =
            find_in(folders == NULL ? "/usr/local/bin:/usr/bin:/bin" : folders, program, &found);
    }
    if (!is_there) {
        bool exists = strchr(program, '/') != NULL && access(program, F_OK) == 0;
        return err_set(err, ERR_INVALID, "the program \"%.200s\" %s", program,
                       exists ? "is not executable; chmod +x it or name its interpreter first"
                              : "was not found; give its path, or check PATH");
    }
    *path = buf_steal(&found);
    return *path == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

/* ---- starting ---- */

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

enum { OUR_END, SHIM_END };

struct pipes {
    int streams[STREAM_COUNT][2], channel[2];
    int socket; /* for other agents; -1: none */
};

static void close_ends(struct pipes *pipes, int end)
{
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        close_fd(&pipes->streams[i][end]);
    }
    close_fd(&pipes->channel[end]);
    if (end == SHIM_END) {
        close_fd(&pipes->socket);
    }
}

/* A full pipe makes the job wait, so those of a job that may be without an agent hold more. */
static int open_socket(struct pipes *pipes, const struct runner_keep *keep, struct err *err)
{
    if (keep == NULL) {
        return 0;
    }
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        (void)fcntl(pipes->streams[i][0], F_SETPIPE_SZ, KEPT_PIPE_BYTES);
    }
    (void)unlink(keep->files->exit);
    pipes->socket = kept_files_bind(keep->files->socket);
    return pipes->socket >= 0
               ? 0
               : err_set(err, ERR_IO, "no socket %s: %s", keep->files->socket, strerror(errno));
}

static int open_pipes(struct pipes *pipes, struct err *err)
{
    bool opened = true;

    *pipes = (struct pipes){{{-1, -1}, {-1, -1}, {-1, -1}}, {-1, -1}, -1};
    for (size_t i = 0; i < STREAM_COUNT && opened; i++) {
        opened = pipe2(pipes->streams[i], O_CLOEXEC) == 0
                 && fcntl(pipes->streams[i][0], F_SETFL, O_NONBLOCK) == 0;
    }
    opened = opened && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pipes->channel) == 0;
    if (!opened) {
        int why = errno;
        close_ends(pipes, OUR_END);
        close_ends(pipes, SHIM_END);
        return err_set(err, ERR_IO, "no pipe for a job: %s", strerror(why));
    }
    return 0;
}

void runner_init(struct runner *runner)
{
    *runner = (struct runner){.streams = {-1, -1, -1}, .status_fd = -1, .oom_kills = -1};
}

static int make_leaf(struct runner *runner, const struct runner_spec *given, struct err *err)
{
    const struct boundary *boundary = given->boundary;

    if (boundary->kind != BOUNDARY_CGROUP) {
        return 0;
    }
    return cgroup_make_leaf(boundary->base, given->attempt_id, boundary->memory_bytes,
                            boundary->processes, &runner->leaf, err);
}

static void drop_leaf(struct runner *runner)
{
    if (runner->leaf != NULL) {
        (void)cgroup_remove(runner->leaf);
        free(runner->leaf);
        runner->leaf = NULL;
    }
}

static _Noreturn void run_shim(const struct runner_spec *given, const struct runner *runner,
                               const struct pipes *pipes, const struct process_title *title,
                               pid_t agent)
{
    struct shim_keep keep = {.attempt_id = runner->attempt_id, .socket = pipes->socket};
    struct shim_spec spec = {.argv = given->argv,
                             .envp = given->envp,
                             .path = given->path,
                             .copy = given->copy,
                             .boundary = given->boundary,
                             .leaf = runner->leaf,
                             .channel = pipes->channel[1],
                             .agent = agent,
                             .linger_ms = LINGER_MS,
                             .empty_ms = given->empty_ms > 0 ? given->empty_ms : EMPTY_MS};

    for (size_t i = 0; i < STREAM_COUNT; i++) {
        spec.writers[i] = pipes->streams[i][1];
        spec.readers[i] = pipes->streams[i][0];
    }
    if (given->keep != NULL) {
        spec.keep = &keep;
        keep.span_ms = given->keep->span_ms;
        keep.exit_path = given->keep->files->exit;
        keep.exit_new = given->keep->files->exit_new;
        for (size_t i = 0; i < STREAM_COUNT; i++) {
            keep.printed[i] = given->keep->files->printed[i];
        }
    }
    process_title_set(title, SHIM_NAME);
    shim_run(&spec);
}

/* No handler of the agent's may run in the shim, so all signals are blocked; it chooses its own. */
static pid_t fork_shim(const struct runner_spec *given, const struct runner *runner,
                       const struct pipes *pipes)
{
    struct process_title title;
    pid_t agent = getpid();
    sigset_t all;
    sigset_t before;

    process_title_find(&title);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    pid_t shim = fork();
    if (shim == 0) {
        run_shim(given, runner, pipes, &title, agent);
    }
    int why = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = why;
    return shim;
}

int runner_start(struct runner *runner, const struct runner_spec *given, struct err *err)
{
    struct pipes pipes;

    runner_init(runner);
    TRY(open_pipes(&pipes, err));
    (void)snprintf(runner->attempt_id, sizeof runner->attempt_id, "%s", given->attempt_id);
    int rc = open_socket(&pipes, given->keep, err);
    rc = rc == 0 ? make_leaf(runner, given, err) : rc;
    pid_t shim = rc == 0 ? fork_shim(given, runner, &pipes) : 0;
    int why = errno;
    close_ends(&pipes, SHIM_END);
    if (rc != 0 || shim < 0) {
        close_ends(&pipes, OUR_END);
        drop_leaf(runner);
        return rc != 0 ? rc : err_set(err, ERR_IO, "no process for a job: %s", strerror(why));
    }
    orphans_own(shim);
    runner->shim = shim;
    runner->keeps = given->keep != NULL;
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        runner->streams[i] = pipes.streams[i][0];
    }
    runner->status_fd = pipes.channel[0];
    return 0;
}

/* ---- taking over ---- */

/* Fills the readers of the job's pipes; RUNNER_GONE: it was no such message. */
static enum runner_adopted receive_hello(int channel, struct shim_hello *hello,
                                         int readers[STREAM_COUNT])
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * STREAM_COUNT)];
    } control = {0};
    struct iovec part = {.iov_base = hello, .iov_len = sizeof *hello};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(channel, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    const struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return RUNNER_SILENT;
    }
    if (rights == NULL || rights->cmsg_type != SCM_RIGHTS
        || rights->cmsg_len != CMSG_LEN(sizeof(int) * STREAM_COUNT)) {
        return RUNNER_GONE;
    }
    memcpy(readers, CMSG_DATA(rights), sizeof(int) * STREAM_COUNT);
    return got == (ssize_t)sizeof *hello ? RUNNER_ADOPTED : RUNNER_GONE;
}

/* Is it the shim that was recorded, and this user's? */
static bool is_recorded(int channel, const struct shim_hello *hello,
                        const struct job_record *record)
{
    struct ucred peer = {0};
    socklen_t len = sizeof peer;

    return getsockopt(channel, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0
           && (peer.uid == geteuid() || peer.uid == 0) && job_record_lives(record)
           && hello->shim == record->shim && strcmp(hello->attempt_id, record->attempt_id) == 0;
}

/* The call stays open until it is answered: a shim that is stopped has room for a few only. */
static enum runner_adopted call_shim(struct runner *runner, const char *socket)
{
    if (runner->calls) {
        return RUNNER_ADOPTED;
    }
    runner_init(runner);
    runner->status_fd = kept_files_connect(socket);
    if (runner->status_fd < 0) {
        return errno == EAGAIN ? RUNNER_SILENT : RUNNER_GONE;
    }
    struct pollfd answer = {.fd = runner->status_fd, .events = POLLIN};
    (void)poll(&answer, 1, ANSWER_MS);
    runner->calls = true;
    return RUNNER_ADOPTED;
}

static void hang_up(struct runner *runner)
{
    if (runner->calls) {
        close_fd(&runner->status_fd);
        runner->calls = false;
    }
}

int runner_adopt(struct runner *runner, const char *socket, const struct job_record *record,
                 struct err *err)
{
    struct shim_hello hello = {0};
    int readers[STREAM_COUNT] = {-1, -1, -1};
    enum runner_adopted how = call_shim(runner, socket);

    if (how == RUNNER_ADOPTED) {
        how = receive_hello(runner->status_fd, &hello, readers);
    }
    if (how == RUNNER_SILENT) {
        return RUNNER_SILENT;
    }
    if (how == RUNNER_GONE || !is_recorded(runner->status_fd, &hello, record)) {
        for (size_t i = 0; i < STREAM_COUNT; i++) {
            close_fd(&readers[i]);
        }
        hang_up(runner);
        return how == RUNNER_GONE
                   ? RUNNER_GONE /* it ended meanwhile */
                   : err_set(err, ERR_IO, "%s is not the socket of the recorded job", socket);
    }
    runner->calls = false;
    runner->shim = hello.shim;
    runner->job = hello.leader;
    runner->keeps = true;
    memcpy(runner->streams, readers, sizeof readers);
    memcpy(runner->attempt_id, record->attempt_id, sizeof runner->attempt_id);
    runner->leaf = record->leaf[0] == '\0' ? NULL : strdup(record->leaf);
    return RUNNER_ADOPTED;
}

/* ---- running ---- */

static void take_message(struct runner *runner, const struct shim_message *message)
{
    if (message->kind == SHIM_STARTED) {
        runner->job = message->value;
    } else if (message->kind == SHIM_UNKILLABLE) {
        runner->survivor = message->value;
    } else if (message->kind == SHIM_FAILED || message->kind == SHIM_NO_CHECKPOINT) {
        runner->spawn_errno = message->value;
        runner->lacks_checkpoint = message->kind == SHIM_NO_CHECKPOINT;
        runner->told = true;
    } else {
        runner->wait_status = message->value;
        runner->peak_kib = message->peak_kib;
        runner->oom_kills = runner->leaf == NULL ? -1 : cgroup_oom_kills(runner->leaf);
        runner->told = true;
        runner->ended = runner->keeps || runner->survivor != 0; /* else when the shim ends */
    }
}

static void end_cleanly(struct runner *runner)
{
    drop_leaf(runner);
    runner->ended = true;
}

/* The shim is gone. If it did not say how the job ended, it was killed, and its leader with it; the
 * rest has become the agent's. */
static void bury_shim(struct runner *runner)
{
    while (waitpid(runner->shim, NULL, 0) < 0 && errno == EINTR) {
    }
    orphans_disown(runner->shim);
    runner->shim = 0;
    close_fd(&runner->status_fd);
    if (runner->told) {
        end_cleanly(runner);
        return;
    }
    runner->wait_status = SIGKILL;
    runner->cleaning = true;
    runner->clean_at_ms = 0;
    runner->give_up_at_ms = INT64_MAX;
}

void runner_tick(struct runner *runner, int64_t now_ms)
{
    if (!runner->cleaning || runner->ended) {
        return;
    }
    if (runner->give_up_at_ms == INT64_MAX) {
        runner->give_up_at_ms = now_ms + EMPTY_MS;
    }
    const char *const ids[] = {runner->attempt_id};
    struct orphans left = {.attempt_ids = ids, .n = 1, .leaf = runner->leaf};
    runner->survivor = orphans_kill(&left);
    runner->clean_at_ms = now_ms + CLEAN_EVERY_MS;
    if (runner->survivor == 0 || now_ms >= runner->give_up_at_ms) {
        end_cleanly(runner);
    }
}

int64_t runner_deadline(const struct runner *runner)
{
    return runner->cleaning && !runner->ended ? runner->clean_at_ms : INT64_MAX;
}

void runner_advance(struct runner *runner)
{
    struct shim_message message;

    while (runner->status_fd >= 0) {
        ssize_t got = recv(runner->status_fd, &message, sizeof message, MSG_DONTWAIT);
        if (got == (ssize_t)sizeof message) {
            take_message(runner, &message);
        } else if (got == 0 || (got < 0 && errno == ECONNRESET)) {
            bury_shim(runner);
        } else if (got > 0 || errno != EINTR) {
            return;
        }
    }
}

static void tell_shim(const struct runner *runner, enum shim_command command)
{
    int32_t sent = (int32_t)command;

    if (runner->shim > 0 && runner->status_fd >= 0) {
        (void)send(runner->status_fd, &sent, sizeof sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

void runner_act(struct runner *runner, enum job_act act)
{
    if (act == ACT_TERMINATE) {
        tell_shim(runner, SHIM_TERMINATE);
    } else if (act == ACT_KILL) {
        runner->killed = true;
        tell_shim(runner, SHIM_KILL);
    }
}

void runner_done(const struct runner *runner)
{
    if (runner->keeps) {
        tell_shim(runner, SHIM_DONE);
    }
}

/* Until the shim has ended, or says that it cannot end. */
static void wait_for_shim(struct runner *runner)
{
    while (runner->shim > 0 && runner->survivor == 0) {
        struct pollfd channel = {.fd = runner->status_fd, .events = POLLIN};
        (void)poll(&channel, 1, -1);
        runner_advance(runner);
    }
}

void runner_finish(struct runner *runner)
{
    if (runner->shim > 0) {
        runner_act(runner, ACT_KILL);
        runner_done(runner);
        wait_for_shim(runner);
    }
    if (runner->cleaning && !runner->ended) {
        const char *const ids[] = {runner->attempt_id};
        struct orphans left = {.attempt_ids = ids, .n = 1, .leaf = runner->leaf};
        (void)orphans_end(&left, EMPTY_MS);
    }
    hang_up(runner);
    if (runner->attempt_id[0] != '\0') { /* it was started */
        for (size_t i = 0; i < STREAM_COUNT; i++) {
            close_fd(&runner->streams[i]);
        }
        close_fd(&runner->status_fd);
    }
    drop_leaf(runner);
    runner_init(runner);
}
