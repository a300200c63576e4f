/* What a job that survives the agent has printed: each stream moves from its pipe into a file,
 * which the kernel does as a whole, and is read from there. So no byte is lost when the agent is
 * killed, and the next one goes on behind the last that was worked on.
 *
 * The position says how far that is. It lies in memory that outlives the process, twice, so that
 * one of the two is always whole. */
#ifndef WORKER_AGENT_KEPT_OUTPUT_H
#define WORKER_AGENT_KEPT_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "worker/agent/kept_files.h"

/* Everything up to here is recorded. Part of the file's format. */
struct kept_position {
    int64_t read_at[STREAM_COUNT]; /* each at the begin of a line */
    int64_t is_cut[STREAM_COUNT];  /* … which had more before */
    int64_t working_on; /* the stream whose next bytes are worked on; STREAM_COUNT: none */
    uint64_t reports;   /* their number by then */
    int64_t has_step, last_step, furthest_step;
    int64_t step_is_found, step_is_refused; /* by an expression of its own */
    double found_step;                      /* as said */
    int64_t log_bytes;                      /* length of the log by then */
};

struct kept_output {
    int fds[STREAM_COUNT];
    int64_t size[STREAM_COUNT];    /* of the files */
    int64_t read_at[STREAM_COUNT]; /* what was given out */
    int64_t freed[STREAM_COUNT];   /* … and takes no space any more */
    struct kept_pages *pages;      /* the position, mapped */
};

/* For kept_output_close(). */
void kept_output_init(struct kept_output *kept);
/* Begins anew, or goes on where an earlier process was (`resumes`). ERR_IO. */
MUST_USE int kept_output_open(struct kept_output *kept, const struct kept_files *files,
                              bool resumes, struct err *err);
void kept_output_close(struct kept_output *kept);
/* As read(), from the file; before that, what `pipe` holds (-1: it is gone) is moved there. */
ssize_t kept_output_read(struct kept_output *kept, enum runner_stream stream, int pipe, char *bytes,
                         size_t max);
void kept_output_position(const struct kept_output *kept, struct kept_position *position);
void kept_output_commit(struct kept_output *kept, const struct kept_position *position);
/* The bytes of the stream that follow are worked on: they may be found half recorded. */
void kept_output_work_on(struct kept_output *kept, int64_t what);

#endif
