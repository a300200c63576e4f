#include "worker/agent/job_record.h"

#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "worker/agent/boundary/walk.h"
#include "worker/agent/folder.h"
#include "worker/agent/owner.h"

#define RECORD_BYTES (PATH_MAX + 512)
#define FIELDS 8

void job_record_boot(char boot[JOB_RECORD_WORD])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

    if (file == NULL || fscanf(file, "%63s", boot) != 1) {
        (void)snprintf(boot, JOB_RECORD_WORD, "-");
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static const char *or_none(const char *text)
{
    return text[0] == '\0' ? "-" : text;
}

int job_record_write(const char *path, const struct job_record *record, struct err *err)
{
    OWN(buf) struct buf text;

    buf_init(&text, RECORD_BYTES);
    buf_printf(&text, "%s %s %ld %llu %d %s end\n%s\n", record->attempt_id, record->boot,
               (long)record->shim, record->shim_started, record->keeps ? 1 : 0,
               or_none(record->reports), or_none(record->leaf));
    TRY(buf_check(&text, err));
    return folder_write(path, text.data, text.len, err);
}

bool job_record_read(const char *path, struct job_record *record)
{
    FILE *file = fopen(path, "re");
    char end[8] = "";
    long shim = 0;
    int keeps = 0;

    *record = (struct job_record){0};
    if (file == NULL) {
        return false;
    }
    int n =
        fscanf(file, "%47s %63s %ld %llu %d %63s %7s  %4095[^\n]", record->attempt_id, record->boot,
               &shim, &record->shim_started, &keeps, record->reports, end, record->leaf);
    (void)fclose(file);
    record->shim = (pid_t)shim;
    record->keeps = keeps == 1;
    if (strcmp(record->leaf, "-") == 0) {
        record->leaf[0] = '\0';
    }
    return n == FIELDS && strcmp(end, "end") == 0 && attempt_id_is_valid(record->attempt_id);
}

bool job_record_lives(const struct job_record *record)
{
    char boot[JOB_RECORD_WORD];

    job_record_boot(boot);
    return record->shim > 0 && strcmp(boot, record->boot) == 0
           && owner_started((long)record->shim) == record->shim_started
           && walk_state_of(record->shim) != 'Z';
}
