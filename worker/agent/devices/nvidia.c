#include "worker/agent/devices/nvidia.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/integer.h"
#include "common/own.h"
#include "common/utf8.h"
#include "worker/agent/devices/tokens.h"

#define COLUMNS_MAX 8
#define SHOWN_BYTES 80
#define MIB_OF_GB(gb) ((gb)*1000 * 1000 * 1000 / (1024 * 1024))

static int refuse(const char *line, struct err *err)
{
    char shown[SHOWN_BYTES + 1];

    (void)snprintf(shown, sizeof shown, "%s", line);
    shown[utf8_clean(shown, strlen(shown))] = '\0';
    return err_set(err, ERR_MALFORMED, "it printed something else than a list of GPUs: %s", shown);
}

static char *trim(char *text)
{
    text += strspn(text, " \t\r");
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL) {
        text[--len] = '\0';
    }
    return text;
}

/* Cuts a line at its commas. Returns the number of columns, at most COLUMNS_MAX. */
static size_t cut(char *line, char *columns[COLUMNS_MAX])
{
    size_t n = 0;

    while (line != NULL && n < COLUMNS_MAX) {
        columns[n++] = trim(strsep(&line, ","));
    }
    return n;
}

static bool is_said(const char *column)
{
    return column[0] != '[' && column[0] != '\0' && strcmp(column, "N/A") != 0;
}

/* "[N/A]" and its kin are numbers that were not said. */
static bool read_mib(const char *column, int64_t unsaid, int64_t *mib)
{
    *mib = unsaid;
    return !is_said(column) || integer_from_text(column, 0, INT64_C(1) << 40, mib);
}

static bool copy_text(char *out, size_t size, const char *text)
{
    (void)snprintf(out, size, "%s", text);
    out[utf8_clean(out, strlen(out))] = '\0';
    return out[0] != '\0';
}

/* What is being filled. */
struct filling {
    struct vendor_list *list;
    char gpu[VENDOR_UUID_BYTES]; /* whose parts come next */
};

/* Calls `take` for each line that is not blank. */
static int each_line(const char *text, struct vendor_list *list,
                     int (*take)(char *line, struct filling *filling, struct err *err),
                     struct err *err)
{
    struct filling filling = {.list = list};
    OWN(memory) char *copy = strdup(text);
    char *rest = copy;

    if (copy == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    while (rest != NULL) {
        char *line = strsep(&rest, "\n");
        if (line[strspn(line, " \t\r")] != '\0') {
            TRY(take(line, &filling, err));
        }
    }
    return 0;
}

/* There is no GPU, or one that has dropped off the bus. */
static bool says_there_is_none(const char *line, struct vendor_list *list)
{
    bool lacks_one = strncmp(line, "Unable to determine the device handle", 37) == 0;

    list->lacks_one = list->lacks_one || lacks_one;
    return lacks_one || strncmp(line, "No devices were found", 21) == 0;
}

/* The index and the uuid, in the first two columns of a list of GPUs. */
static bool read_identity(char *columns[COLUMNS_MAX], struct vendor_gpu *gpu)
{
    return integer_from_text(columns[0], 0, 4096, &gpu->index)
           && strncmp(columns[1], "GPU-", 4) == 0 && token_is_plain(columns[1])
           && strlen(columns[1]) < sizeof gpu->uuid
           && copy_text(gpu->uuid, sizeof gpu->uuid, columns[1]);
}

static int take_gpu(char *line, struct filling *filling, struct err *err)
{
    struct vendor_list *list = filling->list;
    struct vendor_gpu gpu = {.busy_percent = -1};
    char *columns[COLUMNS_MAX];
    char whole[SHOWN_BYTES + 1];

    if (says_there_is_none(line, list)) {
        return 0;
    }
    (void)snprintf(whole, sizeof whole, "%s", line);
    if (cut(line, columns) != 5 || !read_identity(columns, &gpu)
        || !copy_text(gpu.model, sizeof gpu.model, columns[2])
        || !read_mib(columns[3], 0, &gpu.memory_mib) || !read_mib(columns[4], -1, &gpu.used_mib)
        || list->n == VENDOR_GPUS_MAX) {
        return refuse(whole, err);
    }
    list->gpus[list->n++] = gpu;
    return 0;
}

int nvidia_read_gpus(const char *text, struct vendor_list *list, struct err *err)
{
    list->vendor = VENDOR_NVIDIA;
    return each_line(text, list, take_gpu, err);
}

static int take_utilization(char *line, struct filling *filling, struct err *err)
{
    struct vendor_list *list = filling->list;
    struct vendor_gpu gpu = {.used_mib = -1};
    char *columns[COLUMNS_MAX];
    char whole[SHOWN_BYTES + 1];
    int64_t percent = -1;

    if (says_there_is_none(line, list)) {
        return 0;
    }
    (void)snprintf(whole, sizeof whole, "%s", line);
    if (cut(line, columns) != 3 || !read_identity(columns, &gpu)
        || (is_said(columns[2]) && !integer_from_text(columns[2], 0, 100, &percent))
        || list->n == VENDOR_GPUS_MAX) {
        return refuse(whole, err);
    }
    gpu.busy_percent = (int)percent;
    list->gpus[list->n++] = gpu;
    return 0;
}

int nvidia_read_utilization(const char *text, struct vendor_list *list, struct err *err)
{
    list->vendor = VENDOR_NVIDIA;
    return each_line(text, list, take_utilization, err);
}

static bool uuid_of(const char *line, char uuid[VENDOR_UUID_BYTES])
{
    const char *at = strstr(line, "(UUID: ");
    size_t len = at == NULL ? 0 : strcspn(at + 7, ")");

    if (len == 0 || len >= VENDOR_UUID_BYTES || at[7 + len] != ')') {
        return false;
    }
    memcpy(uuid, at + 7, len);
    uuid[len] = '\0';
    return token_is_plain(uuid);
}

/* "MIG 2g.10gb  Device 0: …" has 10 GB, of which a little is not for programs: rather less. */
static int64_t memory_of_part(const char *profile)
{
    const char *dot = strchr(profile, '.');
    int64_t gb = 0;

    if (dot == NULL) {
        return 0;
    }
    dot++;
    return integer_read(&dot, 0, 4096, &gb) && strncmp(dot, "gb", 2) == 0 ? MIB_OF_GB(gb) : 0;
}

/* "  MIG 1g.5gb      Device  0: (UUID: MIG-c6d4…)" below "GPU 0: … (UUID: GPU-5d5b…)". */
static int take_part(char *line, struct filling *filling, struct err *err)
{
    struct vendor_list *list = filling->list;
    struct vendor_gpu part = {.used_mib = -1, .busy_percent = -1};
    const char *text = trim(line);

    if (strncmp(text, "GPU ", 4) == 0) {
        return uuid_of(text, filling->gpu) ? 0 : refuse(text, err);
    }
    if (says_there_is_none(text, list)) {
        return 0;
    }
    if (strncmp(text, "MIG ", 4) != 0 || list->n == VENDOR_GPUS_MAX || filling->gpu[0] == '\0'
        || !uuid_of(text, part.uuid)) {
        return refuse(text, err);
    }
    memcpy(part.parent, filling->gpu, sizeof part.parent);
    (void)snprintf(part.model, sizeof part.model, "MIG %.*s", (int)strcspn(text + 4, " \t"),
                   text + 4);
    part.model[utf8_clean(part.model, strlen(part.model))] = '\0';
    part.memory_mib = memory_of_part(text + 4);
    list->gpus[list->n++] = part;
    return 0;
}

int nvidia_read_parts(const char *text, struct vendor_list *list, struct err *err)
{
    return each_line(text, list, take_part, err);
}

static int take_process(char *line, struct filling *filling, struct err *err)
{
    struct vendor_list *list = filling->list;
    struct vendor_process process = {0};
    char *columns[COLUMNS_MAX];
    char whole[SHOWN_BYTES + 1];

    (void)snprintf(whole, sizeof whole, "%s", line);
    if (strncmp(line, "No running processes found", 26) == 0
        || list->n_processes == VENDOR_PROCESSES_MAX) {
        return 0;
    }
    if (cut(line, columns) != 3 || !integer_from_text(columns[0], 0, INT32_MAX, &process.pid)
        || strlen(columns[1]) >= sizeof process.uuid
        || !copy_text(process.uuid, sizeof process.uuid, columns[1])
        || !read_mib(columns[2], -1, &process.used_mib)) {
        return refuse(whole, err);
    }
    list->processes[list->n_processes++] = process;
    return 0;
}

int nvidia_read_processes(const char *text, struct vendor_list *list, struct err *err)
{
    TRY(each_line(text, list, take_process, err));
    list->lists_processes = true;
    return 0;
}
