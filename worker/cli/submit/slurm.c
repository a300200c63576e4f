#include "worker/cli/submit/slurm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/program.h"

enum { SCRIPT_MAX = 1 << 20, QUEUE_MAX = 16 << 20, ERRORS_MAX = 1 << 16 };
#define CALL_MS 60000

/* What makes it fail has the first line that the program wrote to standard error, or to standard
 * output. */
static int call_slurm(const char *const argv[], const char *input, struct buf *out, struct err *err)
{
    OWN(buf) struct buf errors;
    struct program_call call = {
        .argv = argv, .input = input, .limit_ms = CALL_MS, .errors = &errors};

    buf_init(&errors, ERRORS_MAX);
    int rc = program_run(&call, clock_system(), out, err);
    const char *line = *buf_text(&errors) == '\0' ? buf_text(out) : buf_text(&errors);
    if (rc == 0) {
        return buf_check(out, err);
    }
    if (err->code == ERR_NOT_FOUND) {
        return err_set(err, ERR_NOT_FOUND,
                       "there is no %s here; run this on a login node of the cluster, or take the "
                       "script there (--dry-run shows it)",
                       argv[0]);
    }
    if (*line != '\0') {
        OWN(memory) char *why = strdup(err->text);
        return err_set(err, ERR_IO, "%s; %s said: %.*s", why == NULL ? "it failed" : why, argv[0],
                       (int)strcspn(line, "\n"), line);
    }
    return rc;
}

int slurm_call(const char *const argv[], struct err *err)
{
    OWN(buf) struct buf said = {0};

    buf_init(&said, SCRIPT_MAX);
    return call_slurm(argv, NULL, &said, err);
}

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
    TRY(call_slurm(argv, buf_text(&text), &said, err));
    size_t digits = strspn(buf_text(&said), "0123456789"); /* "12;cluster" */
    if (digits == 0 || digits >= SLURM_JOB_BYTES) {
        return err_set(err, ERR_IO, "sbatch said '%.60s', which is no job's number",
                       buf_text(&said));
    }
    (void)snprintf(job, SLURM_JOB_BYTES, "%.*s", (int)digits, buf_text(&said));
    return 0;
}

int slurm_queue(const char *study, struct task_queue *queue, struct err *err)
{
    char name[SCRIPT_JOB_BYTES];
    const char *const argv[] = {"squeue",   "--me",       "--noheader",
                                "--array",  "--name",     script_job(study, name),
                                "--format", QUEUE_FORMAT, NULL};
    OWN(buf) struct buf said = {0};

    buf_init(&said, QUEUE_MAX);
    TRY(call_slurm(argv, NULL, &said, err));
    return task_queue_read(buf_text(&said), queue, err);
}
