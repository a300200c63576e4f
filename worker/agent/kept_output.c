#include "worker/agent/kept_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FREE_BYTES ((int64_t)8 << 20)

struct kept_pages {
    _Atomic uint32_t which; /* of the two counts */
    uint32_t unused;
    struct kept_position both[2];
};

void kept_output_init(struct kept_output *kept)
{
    *kept = (struct kept_output){.fds = {-1, -1, -1}};
}

static int cannot(const char *path, struct err *err)
{
    return err_set(err, ERR_IO, "%s cannot be written: %s", path, strerror(errno));
}

static int open_file(const char *path, bool resumes, int64_t *size, int *fd, struct err *err)
{
    struct stat info;

    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (resumes ? 0 : O_TRUNC), 0600);
    if (*fd < 0 || fstat(*fd, &info) != 0) {
        return cannot(path, err);
    }
    *size = info.st_size;
    return 0;
}

static int map_position(struct kept_output *kept, const char *path, bool resumes, struct err *err)
{
    OWN(fd) int fd = -1;
    int64_t size;

    TRY(open_file(path, resumes, &size, &fd, err));
    if (ftruncate(fd, sizeof *kept->pages) != 0) {
        return cannot(path, err);
    }
    void *pages = mmap(NULL, sizeof *kept->pages, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (pages == MAP_FAILED) {
        return cannot(path, err);
    }
    kept->pages = pages;
    return 0;
}

int kept_output_open(struct kept_output *kept, const struct kept_files *files, bool resumes,
                     struct err *err)
{
    struct kept_position position;

    kept_output_init(kept);
    TRY(map_position(kept, files->position, resumes, err));
    if (!resumes) {
        kept_output_commit(kept, &(struct kept_position){.working_on = STREAM_COUNT});
    }
    kept_output_position(kept, &position);
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        TRY(open_file(files->printed[i], resumes, &kept->size[i], &kept->fds[i], err));
        kept->read_at[i] = position.read_at[i];
    }
    return 0;
}

void kept_output_close(struct kept_output *kept)
{
    if (kept->pages == NULL) { /* closed, or zeroed */
        return;
    }
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        if (kept->fds[i] >= 0) {
            (void)close(kept->fds[i]);
        }
    }
    (void)munmap(kept->pages, sizeof *kept->pages);
    kept_output_init(kept);
}

/* Moves what the pipe holds behind the file's end. Returns as read() does. */
static ssize_t move(struct kept_output *kept, enum runner_stream stream, int pipe, size_t max)
{
    off_t end = kept->size[stream];
    ssize_t moved =
        splice(pipe, NULL, kept->fds[stream], &end, max, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

    kept->size[stream] += moved > 0 ? moved : 0;
    return moved;
}

static ssize_t take(struct kept_output *kept, enum runner_stream stream, char *bytes, size_t max)
{
    ssize_t got = pread(kept->fds[stream], bytes, max, kept->read_at[stream]);

    kept->read_at[stream] += got > 0 ? got : 0;
    return got;
}

ssize_t kept_output_read(struct kept_output *kept, enum runner_stream stream, int pipe, char *bytes,
                         size_t max)
{
    if (kept->read_at[stream] >= kept->size[stream]) {
        ssize_t moved = pipe < 0 ? 0 : move(kept, stream, pipe, max);
        if (moved <= 0) {
            return moved;
        }
    }
    return take(kept, stream, bytes, max);
}

void kept_output_position(const struct kept_output *kept, struct kept_position *position)
{
    uint32_t which = atomic_load_explicit(&kept->pages->which, memory_order_acquire) % 2;

    *position = kept->pages->both[which];
}

/* Of a long run the beginning need not stay on the disk. */
static void free_read(struct kept_output *kept, const struct kept_position *position)
{
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        if (position->read_at[i] - kept->freed[i] >= FREE_BYTES) {
            (void)fallocate(kept->fds[i], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                            position->read_at[i]);
            kept->freed[i] = position->read_at[i];
        }
    }
}

void kept_output_commit(struct kept_output *kept, const struct kept_position *position)
{
    uint32_t next = 1 - atomic_load_explicit(&kept->pages->which, memory_order_relaxed) % 2;

    kept->pages->both[next] = *position;
    atomic_store_explicit(&kept->pages->which, next, memory_order_release);
    free_read(kept, position);
}

void kept_output_work_on(struct kept_output *kept, int64_t what)
{
    struct kept_position position;

    kept_output_position(kept, &position);
    position.working_on = what;
    kept_output_commit(kept, &position);
}
