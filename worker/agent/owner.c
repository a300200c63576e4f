#include "worker/agent/owner.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "worker/agent/folder.h"

#define OWNER_BYTES 512
#define WORD_BYTES 128
#define STATE_FIELD 3 /* of /proc/PID/stat, counted from 1: the first behind the name */
#define START_FIELD 22

/* The first word of a small file, "-" when there is none. */
static void first_word(const char *path, char word[WORD_BYTES])
{
    FILE *file = fopen(path, "re");

    if (file == NULL || fscanf(file, "%127s", word) != 1) {
        (void)snprintf(word, WORD_BYTES, "-");
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

/* Where a process number means something: this machine, since it was started, and this container.
 */
struct realm {
    char machine[WORD_BYTES], boot[WORD_BYTES], numbers[WORD_BYTES];
};

static void find_realm(struct realm *realm)
{
    first_word("/etc/machine-id", realm->machine);
    first_word("/proc/sys/kernel/random/boot_id", realm->boot);
    ssize_t len = readlink("/proc/self/ns/pid", realm->numbers, sizeof realm->numbers - 1);
    realm->numbers[len < 0 ? 0 : len] = '\0';
}

unsigned long long owner_started(long pid)
{
    char path[64];
    char text[1024] = "";
    unsigned long long start = 0;

    (void)snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    size_t len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    const char *at = strrchr(text, ')'); /* behind the name, which may hold anything */
    for (int i = STATE_FIELD; at != NULL && i <= START_FIELD; i++) {
        at = strchr(at + 1, ' ');
    }
    return at != NULL && sscanf(at, "%llu", &start) == 1 ? start : 0;
}

void owner_describe(const char *host, pid_t other, struct buf *text)
{
    struct realm realm;
    const long pids[] = {(long)getpid(), (long)other};

    find_realm(&realm);
    buf_printf(text, "%s %s %s %s\n", host, realm.machine, realm.boot, realm.numbers);
    for (size_t i = 0; i < sizeof pids / sizeof pids[0] && pids[i] > 0; i++) {
        buf_printf(text, "%ld %llu\n", pids[i], owner_started(pids[i]));
    }
}

int owner_write(const char *path, const char *host, pid_t other, struct err *err)
{
    OWN(buf) struct buf text;

    buf_init(&text, OWNER_BYTES);
    owner_describe(host, other, &text);
    TRY(buf_check(&text, err));
    return folder_write(path, text.data, text.len, err);
}

static bool all_ended(FILE *file)
{
    unsigned long long start;
    long pid;

    while (fscanf(file, "%ld %llu", &pid, &start) == 2) {
        if (owner_started(pid) == start) {
            return false;
        }
    }
    return feof(file) != 0;
}

bool owner_is_gone(const char *path, const char *host)
{
    struct realm realm;
    struct realm named;
    char named_host[WORD_BYTES];
    FILE *file = fopen(path, "re");

    if (file == NULL) {
        return false;
    }
    find_realm(&realm);
    bool is_gone = fscanf(file, "%127s %127s %127s %127s", named_host, named.machine, named.boot,
                          named.numbers)
                       == 4
                   && strcmp(named_host, host) == 0 && strcmp(named.machine, realm.machine) == 0;
    bool same_boot = is_gone && strcmp(named.boot, realm.boot) == 0;
    if (same_boot) {
        is_gone = strcmp(named.numbers, realm.numbers) == 0 && all_ended(file);
    } else if (strcmp(realm.machine, "-") == 0) { /* else the machine was started again since */
        is_gone = false;
    }
    (void)fclose(file);
    return is_gone;
}
