/* Spools as a broken disk, a torn write or a stranger leaves them. Whatever the bytes are: reading
 * them ends, the same way twice; what was not changed and stands before the first change is read as
 * it was written; and a content whose checksum is right is understood or passed over. Mutants of
 * two attempts, always the same ones; fuzz_spool ROUNDS [FIRST] runs others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/crc32c.h"
#include "common/log.h"
#include "common/rng.h"
#include "tests/fuzz/mutants.h"
#include "tests/fuzz/replay.h"
#include "tests/support/directory.h"
#include "worker/agent/attempt_log.h"
#include "worker/agent/pending.h"
#include "worker/agent/pending_restore.h"

#define FILE_BYTES ((size_t)1 << 14)
#define OBJECTIVES "[{\"metric\":\"loss\",\"direction\":\"minimize\",\"fold\":\"best\"}]"

static char folder[DIRECTORY_BYTES];
static char path[512];
static json_t *objectives;

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct summary first;
    struct summary second;

    store(data, size);
    read_spool(&first);
    read_spool(&second); /* what was bad was cut off */
    MUST(memcmp(&first, &second, sizeof first) == 0);
    return 0;
}

/* ---- what is mutated ---- */

static size_t load(uint8_t bytes[FILE_BYTES])
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

static size_t make_seed(bool ends, uint8_t bytes[FILE_BYTES])
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

/* Changes bytes from a place on. */
static void damage(uint8_t *bytes, size_t *len, struct rng *rng)
{
    size_t at = (size_t)rng_below(rng, *len);
    size_t n = 1 + (size_t)rng_below(rng, *len - at);

    switch (rng_below(rng, 4)) {
    case 0:
        *len = at;
        break;
    case 1:
        bytes[at] ^= (uint8_t)(1U << rng_below(rng, 8));
        break;
    case 2:
        memset(bytes + at, 0, n); /* a block that was never written */
        break;
    default:
        for (size_t i = 0; i < n; i++) {
            bytes[at + i] = (uint8_t)rng_next(rng);
        }
    }
}

/* Where reading must end when the byte at `changed` is the first that is not as it was. */
static int64_t end_before(const uint8_t *seed, size_t changed)
{
    size_t at = SPOOL_HEAD_BYTES;

    while (changed >= SPOOL_HEAD_BYTES
           && at + SPOOL_RECORD_HEAD_BYTES + get32(seed + at) <= changed) {
        at += SPOOL_RECORD_HEAD_BYTES + get32(seed + at);
    }
    return (int64_t)at;
}

static void run_mutant(uint64_t round, uint8_t *seeds[2], const size_t lens[2])
{
    struct rng rng = rng_for(UINT64_C(0x73706f6f6c), round);
    size_t which = (size_t)rng_below(&rng, 2);
    const uint8_t *seed = seeds[which];
    uint8_t bytes[FILE_BYTES];
    size_t len = lens[which];
    size_t same = 0;
    struct summary found;

    memcpy(bytes, seed, len);
    if (rng_below(&rng, 2) == 0) {
        damage(bytes, &len, &rng);
        while (same < len && bytes[same] == seed[same]) {
            same++;
        }
        store(bytes, len);
        read_spool(&found);
        MUST(found.end == (same == lens[which] ? (int64_t)len : end_before(seed, same)));
    } else {
        change_content(bytes, len, &rng);
    }
    (void)LLVMFuzzerTestOneInput(bytes, len);
}

int main(int argc, char **argv)
{
    unsigned long long rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
    unsigned long long first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    static uint8_t ended[FILE_BYTES];
    static uint8_t open_one[FILE_BYTES];
    uint8_t *seeds[2] = {ended, open_one};

    log_start("fuzz", LOG_LEVEL_ERROR);
    directory_create(folder);
    (void)snprintf(path, sizeof path, "%s/slot-0.spool", folder);
    objectives = json_loads(OBJECTIVES, 0, NULL);
    const size_t lens[2] = {make_seed(true, ended), make_seed(false, open_one)};
    for (unsigned long long round = first; round < first + rounds; round++) {
        run_mutant(round, seeds, lens);
    }
    json_decref(objectives);
    directory_remove(folder);
    return 0;
}
