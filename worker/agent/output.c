#include "worker/agent/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES 65536
#define LOG_BYTES_MAX ((int64_t)1 << 30) /* of one run; what comes after is not kept */
#define SHOW_PATIENCE_MS 200
#define SHOW_BYTES 512

void output_init(struct output *output)
{
    *output = (struct output){.show_fd = -1, .log_fd = -1};
}

static void keep_in_log(void *context, const char *bytes, size_t len)
{
    static const char full[] = "\n[the log is full; more was printed]\n";
    struct output *output = context;
    bool was_full = output->log_bytes >= LOG_BYTES_MAX;

    output->log_bytes += (int64_t)len;
    if (output->log_fd >= 0 && !was_full) {
        bool is_full = output->log_bytes >= LOG_BYTES_MAX;
        ssize_t put =
            write(output->log_fd, is_full ? full : bytes, is_full ? sizeof full - 1 : len);
        (void)put; /* a full disk must not stop the training */
    }
}

int output_open(struct output *output, const struct output_settings *settings, struct err *err)
{
    output_init(output);
    if (settings->log_path != NULL) {
        output->log_fd = open(settings->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (output->log_fd < 0) {
            return err_set(err, ERR_IO, "the log %s cannot be written: %s", settings->log_path,
                           strerror(errno));
        }
    }
    output->show_fd = settings->show_fd;
    reader_init(&output->reader, settings->patterns, settings->on_report, settings->context);
    output->reader.digits = settings->digits;
    output->reader.resource = settings->resource;
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        parse_init(&output->streams[i], &output->reader, i == STREAM_METRICS);
    }
    transcript_init(&output->transcript, keep_in_log, output);
    return 0;
}

/* A terminal that was stopped or cannot keep up misses some: the leases must not wait for it. */
static void show(int fd, const char *bytes, size_t len)
{
    struct pollfd screen = {.fd = fd, .events = POLLOUT};

    while (fd >= 0 && len > 0 && poll(&screen, 1, SHOW_PATIENCE_MS) == 1) {
        ssize_t put = write(fd, bytes, len < SHOW_BYTES ? len : SHOW_BYTES);
        if (put <= 0) {
            return;
        }
        bytes += put;
        len -= (size_t)put;
    }
}

ssize_t output_read(struct output *output, enum runner_stream stream, int fd)
{
    static char bytes[READ_BYTES]; /* one thread, one job at a time */
    ssize_t got = output->kept == NULL
                      ? read(fd, bytes, sizeof bytes)
                      : kept_output_read(output->kept, stream, fd, bytes, sizeof bytes);

    if (got <= 0) {
        return got;
    }
    if (stream != STREAM_METRICS) {
        transcript_feed(&output->transcript, stream, bytes, (size_t)got);
        show(output->show_fd, bytes, (size_t)got);
    }
    parse_feed(&output->streams[stream], bytes, (size_t)got);
    return got;
}

int64_t output_log_bytes(const struct output *output)
{
    struct stat info;

    return output->log_fd >= 0 && fstat(output->log_fd, &info) == 0 ? info.st_size : 0;
}

void output_cut_log(struct output *output, int64_t bytes)
{
    if (output->log_fd >= 0 && output_log_bytes(output) > bytes) {
        (void)!ftruncate(output->log_fd, bytes);
    }
}

static void close_log(struct output *output)
{
    if (output->log_fd >= 0) {
        (void)close(output->log_fd);
        output->log_fd = -1;
    }
}

void output_end(struct output *output)
{
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        parse_end(&output->streams[i]);
    }
    transcript_end(&output->transcript);
    close_log(output);
}

void output_finish(struct output *output)
{
    close_log(output);
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        parse_finish(&output->streams[i]);
    }
    transcript_finish(&output->transcript);
    output_init(output);
}
