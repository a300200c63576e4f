/* What a running job prints: standard output, standard error and the metrics descriptor, each read
 * by itself, so that a line of one never mixes with another's. Reports go to the hook; the first
 * two streams are kept together in one log, whole lines in order of arrival. */
#ifndef WORKER_AGENT_OUTPUT_H
#define WORKER_AGENT_OUTPUT_H

#include <stdint.h>
#include <sys/types.h>

#include "worker/agent/kept_output.h"
#include "worker/agent/runner.h"
#include "worker/report/parse.h"
#include "worker/report/transcript.h"

struct output_settings {
    const struct patterns *patterns; /* borrowed; NULL: none */
    const char *log_path;            /* appended to; NULL: no log is kept */
    int show_fd;                     /* also gets the text as it comes; -1: none does */
    int digits;                      /* of the study's steps */
    const char *resource;            /* its name; borrowed; NULL or "": none */
    reader_hook *on_report;
    void *context;
};

struct output {
    struct kept_output *kept; /* borrowed: read by way of its files; NULL: from the pipes alone */
    struct reader reader;
    struct parse streams[STREAM_COUNT];
    struct transcript transcript;
    int show_fd;
    int log_fd;
    int64_t log_bytes;
};

/* A closed one, for output_finish(). */
void output_init(struct output *output);
/* ERR_IO: the log cannot be written. */
MUST_USE int output_open(struct output *output, const struct output_settings *settings,
                         struct err *err);
/* Reads what the descriptor of a stream holds, one piece of it, so that a job that prints much
 * does not delay the others. Returns as read() does. */
ssize_t output_read(struct output *output, enum runner_stream stream, int fd);
/* Length of the log's file; and cuts off what is behind it. */
int64_t output_log_bytes(const struct output *output);
void output_cut_log(struct output *output, int64_t bytes);
/* The streams have ended: unfinished lines count, and the log is closed. */
void output_end(struct output *output);
void output_finish(struct output *output);

#endif
