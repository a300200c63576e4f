#include "tests/support/power_loss.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "tests/support/disk_layer.h"

#define NAME_BYTES 64
#define FILES_MAX 16
#define IS_MARK ((enum disk_call_kind)99)

/* One entry of the record. */
struct step {
    enum disk_call_kind kind;
    char name[NAME_BYTES];
    unsigned char *bytes;
    size_t len;
    int64_t at;           /* as in struct disk_call; a mark's number */
    bool syncs_directory; /* a sync that makes removals last, too */
};

static struct record {
    bool is_on;
    size_t n, cap;
    struct step *steps;
    size_t n_names;
    char names[FILES_MAX][NAME_BYTES]; /* of all files */
} record, outer;                       /* the one before, while another is made within it */

/* A file that grows; what is not written is zero. */
struct content {
    bool exists;
    unsigned char *bytes;
    size_t len;
};

static void *must(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* ---- recording ---- */

static void note_name(const char *name)
{
    for (size_t i = 0; i < record.n_names; i++) {
        if (strcmp(record.names[i], name) == 0) {
            return;
        }
    }
    if (record.n_names == FILES_MAX) {
        abort();
    }
    (void)snprintf(record.names[record.n_names++], NAME_BYTES, "%s", name);
}

static void add_step(enum disk_call_kind kind, const char *name, const void *bytes, size_t len,
                     int64_t at)
{
    if (record.n == record.cap) {
        record.cap = record.cap == 0 ? 1024 : record.cap * 2;
        record.steps = must(realloc(record.steps, record.cap * sizeof *record.steps));
    }
    struct step *step = &record.steps[record.n++];
    *step = (struct step){.kind = kind, .len = len, .at = at};
    (void)snprintf(step->name, sizeof step->name, "%s", name);
    if (len > 0) {
        step->bytes = must(malloc(len));
        memcpy(step->bytes, bytes, len);
    }
}

/* SQLite syncs the directory with the first sync of a log or a journal that it has opened. */
static bool syncs_directory(const struct disk_call *call)
{
    if (call->kind != DISK_SYNC || strchr(call->name, '-') == NULL) {
        return false;
    }
    for (size_t i = record.n; i > 0; i--) {
        const struct step *step = &record.steps[i - 1];
        if (strcmp(step->name, call->name) == 0
            && (step->kind == DISK_OPEN || step->kind == DISK_SYNC)) {
            return step->kind == DISK_OPEN;
        }
    }
    return false;
}

static int note_call(const struct disk_call *call)
{
    if (record.is_on && call->name[0] != '\0') {
        note_name(call->name);
        bool directory = syncs_directory(call);
        add_step(call->kind, call->name, call->bytes, (size_t)call->len, call->at);
        record.steps[record.n - 1].syncs_directory = directory;
    }
    return SQLITE_OK;
}

void power_loss_start(void)
{
    disk_layer_start(note_call);
}

static void read_file(const char *directory, const char *name)
{
    char path[512];

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = must(fopen(path, "re"));
    static unsigned char bytes[16 << 20];
    size_t len = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    note_name(name);
    add_step(DISK_WRITE, name, bytes, len, 0);
    add_step(DISK_SYNC, name, NULL, 0, 0);
}

void power_loss_record(const char *directory)
{
    outer = record;
    record = (struct record){.is_on = true};
    if (directory == NULL) {
        return;
    }
    DIR *entries = must(opendir(directory));
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (strncmp(entry->d_name, "hone.db", 7) == 0 && strstr(entry->d_name, "-shm") == NULL) {
            read_file(directory, entry->d_name);
        }
    }
    (void)closedir(entries);
}

void power_loss_stop(void)
{
    record.is_on = false;
}

void power_loss_mark(int64_t mark)
{
    if (record.is_on) {
        add_step(IS_MARK, "", NULL, 0, mark);
    }
}

size_t power_loss_steps(void)
{
    return record.n;
}

bool power_loss_is_sync(size_t at)
{
    return record.steps[at].kind == DISK_SYNC;
}

int64_t power_loss_mark_before(size_t at)
{
    while (at > 0) {
        if (record.steps[--at].kind == IS_MARK) {
            return record.steps[at].at;
        }
    }
    return -1;
}

void power_loss_finish(void)
{
    for (size_t i = 0; i < record.n; i++) {
        free(record.steps[i].bytes);
    }
    free(record.steps);
    record = outer;
    outer = (struct record){.n = 0};
}

/* ---- a file after the cut ---- */

static void resize(struct content *content, size_t len)
{
    content->bytes = must(realloc(content->bytes, len + 1));
    if (len > content->len) {
        memset(content->bytes + content->len, 0, len - content->len);
    }
    content->len = len;
}

/* Writes the first `len` bytes of the step. */
static void put(struct content *content, const struct step *step, size_t len)
{
    size_t end = (size_t)step->at + len;

    if (end > content->len) {
        resize(content, end);
    }
    if (len > 0) {
        memcpy(content->bytes + step->at, step->bytes, len);
    }
}

static void apply(struct content *content, const struct step *step)
{
    content->exists = step->kind != DISK_DELETE;
    if (step->kind == DISK_WRITE) {
        put(content, step, step->len);
    } else if (step->kind == DISK_TRUNCATE || step->kind == DISK_DELETE) {
        resize(content, step->kind == DISK_DELETE ? 0 : (size_t)step->at);
    }
}

static void tear(struct content *content, const struct step *step, struct rng *rng)
{
    size_t kept = rng_below(rng, step->len + 1);

    if (step->kind != DISK_WRITE) {
        return;
    }
    content->exists = true;
    if (rng_below(rng, 2) == 0) {
        put(content, step, step->len); /* its room is there, with anything in it */
        for (size_t i = kept; i < step->len; i++) {
            content->bytes[(size_t)step->at + i] = (unsigned char)rng_next(rng);
        }
    }
    put(content, step, kept);
}

/* Some of them, in any order. */
static void shuffle_in(struct content *content, const struct step **steps, size_t n,
                       struct rng *rng)
{
    for (size_t i = n; i > 1; i--) {
        size_t other = rng_below(rng, i);
        const struct step *step = steps[i - 1];
        steps[i - 1] = steps[other];
        steps[other] = step;
    }
    for (size_t i = 0; i < n; i++) {
        if (rng_below(rng, 2) == 0) {
            apply(content, steps[i]);
        }
    }
}

/* Changes of one file that no sync has followed. What comes after a removal is another file: either
 * that one is there or the one before. */
static void damage(struct content *content, const struct step **steps, size_t n,
                   const struct power_cut *cut, struct rng *rng)
{
    for (size_t i = n; i > 0 && cut->damage != DAMAGE_LOST; i--) {
        if (steps[i - 1]->kind == DISK_DELETE) {
            if (rng_below(rng, 2) == 0) {
                n = i - 1;
                continue;
            }
            apply(content, steps[i - 1]);
            steps += i;
            n -= i;
            break;
        }
    }
    if (cut->damage == DAMAGE_REORDERED) {
        shuffle_in(content, steps, n, rng);
    } else if (cut->damage == DAMAGE_TORN) {
        size_t whole = rng_below(rng, n + 1);
        for (size_t i = 0; i < whole; i++) {
            apply(content, steps[i]);
        }
        if (whole < n) {
            tear(content, steps[whole], rng);
        }
    }
}

/* What a sync makes last of one file's changes before it: all, or only its removals. How many are
 * left. */
static size_t settle(struct content *content, const struct step **steps, size_t n, bool all)
{
    size_t n_lasting = 0;

    for (size_t i = 0; i < n; i++) {
        n_lasting = all || steps[i]->kind == DISK_DELETE ? i + 1 : n_lasting;
    }
    for (size_t i = 0; i < n_lasting; i++) {
        apply(content, steps[i]);
    }
    memmove(steps, steps + n_lasting, (n - n_lasting) * sizeof *steps);
    return n - n_lasting;
}

static void write_file(const struct power_cut *cut, const char *name, const struct content *content)
{
    char path[512];

    if (!content->exists) {
        return;
    }
    (void)snprintf(path, sizeof path, "%s/%s", cut->image, name);
    FILE *file = must(fopen(path, "we"));
    if ((content->len > 0 && fwrite(content->bytes, 1, content->len, file) != content->len)
        || fclose(file) != 0) {
        abort();
    }
}

void power_loss_write_image(const struct power_cut *cut)
{
    struct rng rng = rng_for(cut->seed, cut->at * DAMAGE_COUNT + cut->damage);
    const struct step **pending = must(malloc((record.n + 1) * sizeof(struct step *)));

    for (size_t i = 0; i < record.n_names; i++) {
        struct content content = {.bytes = NULL};
        size_t n = 0;

        for (size_t k = 0; k < cut->at; k++) {
            const struct step *step = &record.steps[k];
            bool is_of_file = strcmp(step->name, record.names[i]) == 0;
            if (step->kind == DISK_SYNC && !cut->lies && (is_of_file || step->syncs_directory)) {
                n = settle(&content, pending, n, is_of_file);
            } else if (is_of_file && step->kind != DISK_SYNC) {
                pending[n++] = step;
            }
        }
        damage(&content, pending, n, cut, &rng);
        write_file(cut, record.names[i], &content);
        free(content.bytes);
    }
    free(pending);
}
