#include "worker/cli/submit/script.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/shell.h"

const char *script_job(const char *study, char name[SCRIPT_JOB_BYTES])
{
    (void)snprintf(name, SCRIPT_JOB_BYTES, "hone-%s", study);
    return name;
}

static int check_line(const char *what, const char *text, struct err *err)
{
    if (text != NULL && (strpbrk(text, "\n\r") != NULL || *text == '\0')) {
        return err_set(err, ERR_INVALID, "%s: an option of sbatch stands on one line", what);
    }
    return 0;
}

static int write_head(const struct script *script, int64_t tasks, int64_t at_once, struct buf *out,
                      struct err *err)
{
    char job[SCRIPT_JOB_BYTES];

    TRY(check_line("--time", script->time, err));
    TRY(check_line("--partition", script->partition, err));
    buf_printf(out, "#!/bin/sh\n#SBATCH --job-name=%s\n#SBATCH --array=0-%" PRId64,
               script_job(script->study, job), tasks - 1);
    if (at_once > 0) {
        buf_printf(out, "%%%" PRId64, at_once);
    }
    buf_puts(out, "\n#SBATCH --output=hone-%A_%a.log\n#SBATCH --open-mode=append\n"
                  "#SBATCH --requeue\n#SBATCH --signal=B:USR1@120\n");
    if (script->gpus > 0) {
        buf_printf(out, "#SBATCH --nodes=1\n#SBATCH --gres=gpu:%" PRId64 "\n", script->gpus);
    }
    if (script->time != NULL) {
        buf_printf(out, "#SBATCH --time=%s\n", script->time);
    }
    if (script->partition != NULL) {
        buf_printf(out, "#SBATCH --partition=%s\n", script->partition);
    }
    for (size_t i = 0; i < script->n_sbatch; i++) {
        TRY(check_line("--sbatch", script->sbatch[i], err));
        buf_printf(out, "#SBATCH %s\n", script->sbatch[i]);
    }
    return 0;
}

static void write_variable(const char *name, const char *value, struct buf *out)
{
    if (value != NULL && *value != '\0') {
        buf_printf(out, "export %s=", name);
        shell_quote(out, value);
        buf_puts(out, "\n");
    }
}

static void write_words(size_t n, const char *const words[], struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, " ");
        shell_quote(out, words[i]);
    }
}

/* What stands behind the script's name where a person submits it. */
static void write_arguments(const struct script *script, struct buf *out)
{
    const char *const study[] = {"--study", script->study};
    static const char *const idle[] = {"--exit-when-idle=10m"};
    const char *const ca[] = {"--ca-file", script->ca_file};

    buf_puts(out, "set --");
    write_words(2, study, out);
    if (script->ca_file != NULL) {
        write_words(2, ca, out);
    }
    if (script->leaves_when_idle) {
        write_words(1, idle, out);
    }
    write_words(script->n_worker, script->worker, out); /* the last of two options counts */
    buf_puts(out, " --");
    write_words(script->n_command, (const char *const *)script->command, out);
    buf_puts(out, "\n");
}

int script_write(const struct script *script, int64_t tasks, int64_t at_once, struct buf *out,
                 struct err *err)
{
    TRY(write_head(script, tasks, at_once, out, err));
    write_variable("HONE_URL", script->url, out);
    write_variable("HONE_TOKEN_FILE", script->token_file, out);
    write_variable("HONE", script->program, out);
    write_arguments(script, out);
    buf_puts(out, strstr(array_script[0], "\nset -u\n") + 1);
    return 0;
}
