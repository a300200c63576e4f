#include "worker/agent/batch_deadline.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/integer.h"
#include "common/log.h"
#include "common/program.h"

#define ASK_MS 10000
#define ANSWER_BYTES 256
#define TASK_BYTES 64
#define LONGEST_SECONDS (INT64_C(100) * 366 * 24 * 3600)

/* A number of at most 9 digits, and moves behind it. */
static bool read_number(const char **at, int64_t *number)
{
    size_t n = 0;

    *number = 0;
    for (; isdigit((unsigned char)**at) != 0 && n < 9; n++) {
        *number = *number * 10 + (*(*at)++ - '0');
    }
    return n > 0 && isdigit((unsigned char)**at) == 0;
}

bool batch_time_read(const char *text, int64_t *seconds)
{
    int64_t days = 0;
    int64_t number;
    int64_t total = 0;
    int parts = 0;

    if (!read_number(&text, &number)) {
        return false;
    }
    if (*text == '-') {
        days = number;
        text++;
        if (!read_number(&text, &number)) {
            return false;
        }
    }
    for (;;) {
        total = total * 60 + number;
        parts++;
        if (*text != ':') {
            break;
        }
        text++;
        if (!read_number(&text, &number)) {
            return false;
        }
    }
    *seconds = days * 24 * 3600 + total;
    return *text == '\0' && parts >= 2 && parts <= 3;
}

static void trim(struct buf *text)
{
    while (text->len > 0 && isspace((unsigned char)text->data[text->len - 1]) != 0) {
        text->data[--text->len] = '\0';
    }
}

static int64_t ask_squeue(const char *job, const struct clock *clock)
{
    const char *const argv[] = {"squeue", "-h", "-j", job, "-o", "%L", NULL};
    const struct program_call call = {.argv = argv, .limit_ms = ASK_MS};
    int64_t now_ms = clock->monotonic_ms(clock);
    struct err err = {0};
    OWN(buf) struct buf answer;
    int64_t seconds;

    buf_init(&answer, ANSWER_BYTES);
    if (program_run(&call, clock, &answer, &err) != 0) {
        log_warning("the time limit of job %.40s is not known: %s; give it with --deadline", job,
                    err.text);
        return INT64_MAX;
    }
    trim(&answer);
    if (batch_time_read(buf_text(&answer), &seconds)) {
        return now_ms + seconds * 1000;
    }
    if (strcmp(buf_text(&answer), "UNLIMITED") != 0) {
        log_warning("the time limit of job %.40s is not known: squeue says \"%.40s\"; give it with "
                    "--deadline",
                    job, buf_text(&answer));
    }
    return INT64_MAX;
}

/* In a task of an array SLURM_JOB_ID is no help: one of them has the array's, for which squeue
 * prints a line for each. */
static const char *find_job(char task[TASK_BYTES])
{
    const char *array = getenv("SLURM_ARRAY_JOB_ID");
    const char *index = getenv("SLURM_ARRAY_TASK_ID");

    if (array == NULL || *array == '\0' || index == NULL || *index == '\0') {
        return getenv("SLURM_JOB_ID");
    }
    (void)snprintf(task, TASK_BYTES, "%s_%s", array, index);
    return task;
}

void batch_deadline_find(const struct clock *clock, int64_t *deadline_ms)
{
    const char *end = getenv("SLURM_JOB_END_TIME");
    char task[TASK_BYTES];
    const char *job = find_job(task);
    int64_t seconds;

    *deadline_ms = INT64_MAX;
    if (end != NULL && integer_from_text(end, 1, INT64_MAX / 1000, &seconds)) {
        int64_t left_ms = seconds * 1000 - clock->wall_ms(clock);
        if (left_ms < LONGEST_SECONDS * 1000) {
            *deadline_ms = clock->monotonic_ms(clock) + (left_ms > 0 ? left_ms : 0);
        }
    } else if (job != NULL && *job != '\0') {
        *deadline_ms = ask_squeue(job, clock);
    }
}
