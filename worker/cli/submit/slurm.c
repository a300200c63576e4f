#include "worker/cli/submit/slurm.h"

#include <stdio.h>
#include <string.h>

#include "worker/cli/submit/program.h"

enum { SCRIPT_MAX = 1 << 20, QUEUE_MAX = 16 << 20, CANCEL_MAX = 256 };

int slurm_submit(const struct script *script, int64_t tasks, int64_t at_once,
                 char job[SLURM_JOB_BYTES], struct err *err)
{
    static const char *const argv[] = {"sbatch", "--parsable", NULL};
    OWN(buf) struct buf text = {0};
    OWN(buf) struct buf said = {0};

    buf_init(&text, SCRIPT_MAX);
    buf_init(&said, SCRIPT_MAX);
    TRY(script_write(script, tasks, at_once, &text, err));
    if (text.failed) {
        return err_set(err, ERR_TOO_LARGE, "the command is too long for a batch script");
    }
    TRY(program_run(argv, buf_text(&text), &said, err));
    size_t digits = strspn(buf_text(&said), "0123456789"); /* "12;cluster" */
    if (digits == 0 || digits >= SLURM_JOB_BYTES) {
        return err_set(err, ERR_IO, "sbatch said '%.60s', which is no job's number",
                       buf_text(&said));
    }
    (void)snprintf(job, SLURM_JOB_BYTES, "%.*s", (int)digits, buf_text(&said));
    return 0;
}

int slurm_queue(const char *study, struct queue *queue, struct err *err)
{
    char name[SCRIPT_JOB_BYTES];
    const char *const argv[] = {"squeue",   "--me",       "--noheader",
                                "--array",  "--name",     script_job(study, name),
                                "--format", QUEUE_FORMAT, NULL};
    OWN(buf) struct buf said = {0};

    buf_init(&said, QUEUE_MAX);
    TRY(program_run(argv, NULL, &said, err));
    return queue_read(buf_text(&said), queue, err);
}

int slurm_cancel(const struct queue *queue, size_t n, struct err *err)
{
    const char *argv[CANCEL_MAX + 3] = {"scancel", "--state=PENDING"};
    size_t words = 2;

    for (size_t i = queue->n; i-- > 0 && n > 0 && words < CANCEL_MAX + 2;) {
        if (queue->tasks[i].is_pending) {
            argv[words++] = queue->tasks[i].id;
            n--;
        }
    }
    OWN(buf) struct buf said = {0};
    buf_init(&said, SCRIPT_MAX);
    return program_run(argv, NULL, &said, err);
}
