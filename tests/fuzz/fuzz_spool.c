/* Spools as a broken disk, a torn write or a stranger leaves them. Whatever the bytes are: reading
 * them ends, the same way twice, behind the last record of which all before are whole; and a
 * content whose checksum is right is understood or passed over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/crc32c.h"
#include "common/log.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/directory.h"
#include "worker/agent/attempt_log.h"
#include "worker/agent/pending.h"
#include "worker/agent/pending_restore.h"

#define MAGIC_BYTES 8
#define FILE_BYTES ((size_t)1 << 14)
#define OBJECTIVES "[{\"metric\":\"loss\",\"direction\":\"minimize\",\"fold\":\"best\"}]"

static char folder[DIRECTORY_BYTES];
static char path[512];
static json_t *objectives;
static uint8_t seeds[2][FILE_BYTES];
static size_t seed_bytes[2];

/* ---- reading one ---- */

struct summary {
    int64_t end;
    uint64_t measured, answered, n_waiting;
    int64_t trial, to;
    uint64_t has_exit, has_result, releases, closed; /* no padding */
};

static void read_spool(struct summary *found)
{
    OWN(spool) struct spool spool;
    OWN(attempt_log) struct attempt_log log = {0};
    struct notes notes;
    struct pending pending;
    struct err err = {0};

    spool_init(&spool);
    MUST(spool_continue(&spool, path, &err) == 0);
    MUST(attempt_log_read(&spool, &log));
    notes_init(&notes, 1);
    pending_init(&pending, objectives, &notes, &spool);
    pending_restore(&pending, log.answered);
    *found = (struct summary){.end = spool_end(&spool),
                              .measured = log.measured,
                              .answered = log.answered,
                              .n_waiting = pending.n,
                              .trial = log.grant.lease.trial,
                              .to = log.run.to,
                              .has_exit = log.has_exit,
                              .has_result = log.has_result,
                              .releases = log.releases,
                              .closed = log.closed};
    pending_finish(&pending);
    notes_finish(&notes);
}

static void store(const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");

    MUST(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

/* ---- spools of today, which inputs begin from ---- */

static size_t load(uint8_t bytes[static FILE_BYTES])
{
    FILE *file = fopen(path, "rb");

    MUST(file != NULL);
    size_t len = fread(bytes, 1, FILE_BYTES, file);
    MUST(fclose(file) == 0);
    return len;
}

static void write_attempt(struct spool *spool)
{
    char here[] = "/w/attempt-1";
    char text[] = "b";
    char lines[] = "one line\n";
    struct lease_grant grant = {
        .id = "l_1", .study = "s", .trial = 3, .attempt = 1, .has_resource = true, .to = 9};
    struct attempt_run run = {.to = 9, .folder = here, .boot = text, .gpu = text};
    struct attempt_exit ended = {.why = JOB_EXITED,
                                 .is_started = true,
                                 .last_lines = lines,
                                 .notes = text,
                                 .oom_line = text};

    MUST(attempt_log_asked(spool, "0123456789abcdef"));
    MUST(attempt_log_grant(spool, "http://s:1", "h", &grant));
    MUST(attempt_log_run(spool, &run));
    for (uint64_t i = 1; i <= 6; i++) {
        struct metric_value metrics[] = {{"loss", 1.0 / (double)i}, {"acc", (double)i}};
        MUST(attempt_log_measured(spool, i, (int64_t)i, metrics, 2));
    }
    MUST(attempt_log_refused(spool, 2, 0.5, "loss"));
    MUST(attempt_log_refused(spool, -1, 0, "acc"));
    MUST(attempt_log_answered(spool, 4));
    MUST(attempt_log_exit(spool, &ended));
}

static size_t make_seed(bool ends, uint8_t bytes[static FILE_BYTES])
{
    OWN(spool) struct spool spool;
    struct result_report report = {.outcome = OUTCOME_COMPLETED, .has_step = true, .step = 9};
    struct err err = {0};

    spool_init(&spool);
    MUST(spool_begin(&spool, path, &err) == 0);
    write_attempt(&spool);
    if (ends) {
        MUST(attempt_log_result(&spool, &report) && attempt_log_release(&spool)
             && attempt_log_result(&spool, &report) && attempt_log_closed(&spool));
    }
    spool_flush(&spool, 0);
    return load(bytes);
}

/* ---- mutating ---- */

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void put32(uint8_t *at, uint32_t value)
{
    for (size_t i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

/* Changes the content of one record and makes its checksum right again. */
static void change_content(uint8_t *bytes, size_t len, struct rng *rng)
{
    size_t at = SPOOL_HEAD_BYTES;

    while (at + SPOOL_RECORD_HEAD_BYTES <= len) {
        uint8_t *head = bytes + at;
        size_t n = get32(head);
        if (n > len - at - SPOOL_RECORD_HEAD_BYTES) {
            return;
        }
        if (rng_below(rng, 4) == 0) {
            if (n > 0 && rng_below(rng, 4) > 0) {
                head[SPOOL_RECORD_HEAD_BYTES + rng_below(rng, n)] = (uint8_t)rng_next(rng);
            } else {
                put32(head + 4, (uint32_t)rng_below(rng, 12)); /* its kind */
            }
            uint32_t crc = crc32c(get32(bytes + 8), head, 8);
            put32(head + 8, crc32c(crc, head + SPOOL_RECORD_HEAD_BYTES, n));
        }
        at += SPOOL_RECORD_HEAD_BYTES + n;
    }
}

/* Half of the changes begin anew, so that they are of the form that is written today. */
size_t fuzz_mutate(uint8_t *data, size_t size, size_t max, struct rng *rng)
{
    if (rng_below(rng, 2) == 0) {
        size_t which = (size_t)rng_below(rng, 2);
        size = seed_bytes[which] < max ? seed_bytes[which] : max;
        memcpy(data, seeds[which], size);
    }
    change_content(data, size, rng);
    return size;
}

/* ---- one input ---- */

/* Where reading must end, by another reading. */
static int64_t end_of(const uint8_t *data, size_t size)
{
    size_t at = SPOOL_HEAD_BYTES;

    if (size < SPOOL_HEAD_BYTES || memcmp(data, seeds[0], MAGIC_BYTES) != 0
        || crc32c(0, data, 12) != get32(data + 12)) {
        return SPOOL_HEAD_BYTES; /* begun anew */
    }
    while (size - at >= SPOOL_RECORD_HEAD_BYTES) {
        const uint8_t *head = data + at;
        size_t n = get32(head);
        if (n > SPOOL_RECORD_MAX || n > size - at - SPOOL_RECORD_HEAD_BYTES) {
            break;
        }
        uint32_t crc = crc32c(get32(data + 8), head, 8);
        if (crc32c(crc, head + SPOOL_RECORD_HEAD_BYTES, n) != get32(head + 8)) {
            break;
        }
        at += SPOOL_RECORD_HEAD_BYTES + n;
    }
    return (int64_t)at;
}

static void end(void)
{
    json_decref(objectives);
    directory_remove(folder);
}

void fuzz_start(void)
{
    struct summary found;

    log_start("fuzz", LOG_LEVEL_ERROR);
    directory_create(folder);
    (void)snprintf(path, sizeof path, "%s/slot-0.spool", folder);
    objectives = json_loads(OBJECTIVES, 0, NULL);
    for (size_t i = 0; i < 2; i++) {
        seed_bytes[i] = make_seed(i == 0, seeds[i]);
        read_spool(&found);
        MUST(found.end == (int64_t)seed_bytes[i] && found.end == end_of(seeds[i], seed_bytes[i]));
    }
    MUST(atexit(end) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct summary first;
    struct summary second;

    store(data, size);
    read_spool(&first);
    MUST(first.end == end_of(data, size));
    read_spool(&second); /* what was bad was cut off */
    MUST(memcmp(&first, &second, sizeof first) == 0);
    return 0;
}
