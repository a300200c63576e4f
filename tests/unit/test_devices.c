/* GPUs: what vendors' tools print, which of them a worker has, who gets which, and when they are
 * fit. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/rng.h"
#include "tests/support/run_suite.h"
#include "worker/agent/devices/amd.h"
#include "worker/agent/devices/discovery.h"
#include "worker/agent/devices/gate.h"
#include "worker/agent/devices/job_devices.h"
#include "worker/agent/devices/nvidia.h"
#include "worker/agent/devices/pool.h"

#define A "GPU-11111111-aaaa"
#define B "GPU-22222222-bbbb"
#define TWO A_ROW B_ROW
#define A_ROW "0, " A ", NVIDIA H200, 143771, 3\n"
#define B_ROW "1, " B ", NVIDIA H200, 143771, 70000\n"
#define DIVIDED                                                                                    \
    "GPU 0: NVIDIA A100-SXM4-40GB (UUID: " A ")\n"                                                 \
    "  MIG 1g.5gb      Device  0: (UUID: MIG-c6d4)\n"                                              \
    "  MIG 2g.10gb     Device  1: (UUID: MIG-d7e5)\n"                                              \
    "GPU 1: NVIDIA A100-SXM4-40GB (UUID: " B ")\n"

/* ---- what the tools print ---- */

static void describe(const struct vendor_list *list, char text[512])
{
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < list->n; i++) {
        const struct vendor_gpu *gpu = &list->gpus[i];
        len += (size_t)snprintf(text + len, 512 - len, "[%d %s %s %d %d%s%s]", (int)gpu->index,
                                gpu->uuid, gpu->model, (int)gpu->memory_mib, (int)gpu->used_mib,
                                gpu->parent[0] == '\0' ? "" : " of ", gpu->parent);
    }
}

static const struct {
    const char *text, *understood; /* NULL: refused */
} gpu_lists[] = {
    {"", ""},
    {"No devices were found\n", ""},
    {TWO, "[0 " A " NVIDIA H200 143771 3][1 " B " NVIDIA H200 143771 70000]"},
    {"0, " A ", Orin, [N/A], [Not Supported]\r\n", "[0 " A " Orin 0 -1]"},
    {"Unable to determine the device handle for GPU0000:3B:00.0: Unknown Error\n" B_ROW,
     "[1 " B " NVIDIA H200 143771 70000]"},
    {"0, " A ", \x1b[31mred\x1b[0m, 1, 1\n", "[0 " A " [31mred[0m 1 1]"},
    {"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n", NULL},
    {"0, " A ", NVIDIA H200, 143771\n", NULL},
    {"0, " A ", NVIDIA H200, 143771, 3, 9\n", NULL},
    {"x, " A ", NVIDIA H200, 143771, 3\n", NULL},
    {"0, GPU-$(reboot), NVIDIA H200, 143771, 3\n", NULL},
    {"0, 1234, NVIDIA H200, 143771, 3\n", NULL},
    {"0, " A ", NVIDIA H200, lots, 3\n", NULL},
    {A_ROW "\xff\xfe\x00garbage\n", NULL},
};

START_TEST(the_list_of_nvidia_smi_is_read_or_refused)
{
    struct vendor_list *list = calloc(1, sizeof *list);
    struct err err = {0};
    char text[512];

    int rc = nvidia_read_gpus(gpu_lists[_i].text, list, &err);
    ck_assert_int_eq(rc, gpu_lists[_i].understood == NULL ? -1 : 0);
    if (rc == 0) {
        describe(list, text);
        ck_assert_str_eq(text, gpu_lists[_i].understood);
    }
    free(list);
}
END_TEST

START_TEST(a_divided_gpu_is_its_parts)
{
    struct vendor_list *list = calloc(1, sizeof *list);
    struct err err = {0};
    char text[512];

    ck_assert_int_eq(nvidia_read_parts(DIVIDED, list, &err), 0);
    describe(list, text);
    ck_assert_str_eq(text, "[0 MIG-c6d4 MIG 1g.5gb 4768 -1 of " A "]"
                           "[0 MIG-d7e5 MIG 2g.10gb 9536 -1 of " A "]");
    ck_assert_int_eq(nvidia_read_parts("  MIG 1g.5gb Device 0: (UUID: MIG-c6d4)\n", list, &err),
                     -1); /* of no GPU */
    ck_assert_int_eq(nvidia_read_parts("GPU 0: A100\n", list, &err), -1);
    free(list);
}
END_TEST

START_TEST(more_gpus_than_there_can_be_are_refused)
{
    struct vendor_list *list = calloc(1, sizeof *list);
    struct err err = {0};
    OWN(buf) struct buf text;

    buf_init(&text, 1 << 20);
    for (int i = 0; i < VENDOR_GPUS_MAX + 1; i++) {
        buf_printf(&text, "%d, GPU-%d, H200, 1, 1\n", i, i);
    }
    ck_assert_int_eq(nvidia_read_gpus(buf_text(&text), list, &err), -1);
    free(list);
}
END_TEST

START_TEST(processes_are_read_or_refused)
{
    struct vendor_list *list = calloc(1, sizeof *list);
    struct err err = {0};

    ck_assert_int_eq(nvidia_read_processes("4711, " A ", 1024\n12, " B ", [N/A]\n", list, &err), 0);
    ck_assert_uint_eq(list->n_processes, 2);
    ck_assert_int_eq(list->processes[0].pid, 4711);
    ck_assert_int_eq(list->processes[0].used_mib, 1024);
    ck_assert_int_eq(list->processes[1].used_mib, -1);
    ck_assert_int_eq(nvidia_read_processes("No running processes found\n", list, &err), 0);
    ck_assert_int_eq(nvidia_read_processes("python, " A ", 1\n", list, &err), -1);
    free(list);
}
END_TEST

static const struct {
    const char *text, *understood;
} amd_lists[] = {
    {"{\"card0\": {\"Card Series\": \"MI250X\", \"Unique ID\": \"0x9246a1\", \"VRAM Total Memory "
     "(B)\": \"68702699520\", \"VRAM Total Used Memory (B)\": \"10485760\"}, \"card2\": {\"Device "
     "Name\": \"RX\", \"Unique ID\": \"N/A\"}, \"system\": {}}",
     "[0 GPU-9246a1 MI250X 65520 10][1  RX 0 -1]"},
    {"WARNING: no AMD GPUs specified\n{\"card1\": {}}", "[0   0 -1]"},
    {"{}", ""},
    {"ERROR: ROCm is broken", NULL},
    {"[1]", NULL},
    {"{\"card0\": {", NULL},
};

START_TEST(the_list_of_rocm_smi_is_read_or_refused)
{
    struct vendor_list *list = calloc(1, sizeof *list);
    struct err err = {0};
    char text[512];

    int rc = amd_read_gpus(amd_lists[_i].text, list, &err);
    ck_assert_int_eq(rc, amd_lists[_i].understood == NULL ? -1 : 0);
    if (rc == 0) {
        describe(list, text);
        ck_assert_str_eq(text, amd_lists[_i].understood);
    }
    free(list);
}
END_TEST

/* ---- which a worker has ---- */

enum tool { NO_TOOL, LISTS_TWO, LISTS_PARTS, LISTS_NONE, LISTS_AMD };

static const struct vendor_list *listed_by(enum tool tool, struct vendor_list *list)
{
    struct err err = {0};

    switch (tool) {
    case LISTS_TWO:
        ck_assert_int_eq(nvidia_read_gpus(TWO, list, &err), 0);
        return list;
    case LISTS_PARTS:
        ck_assert_int_eq(nvidia_read_gpus(TWO, list, &err), 0);
        ck_assert_int_eq(nvidia_read_parts(DIVIDED, list, &err), 0);
        return list;
    case LISTS_AMD:
        ck_assert_int_eq(amd_read_gpus(amd_lists[0].text, list, &err), 0);
        return list;
    case LISTS_NONE:
        return list;
    case NO_TOOL:
    default:
        return NULL;
    }
}

static const struct {
    const char *gpus;
    bool wants_slots;
    const char *cuda, *rocr, *hip;
    enum tool tool;
    const char *found; /* NULL: refused */
} discoveries[] = {
    /* nothing is said */
    {NULL, false, NULL, NULL, NULL, NO_TOOL, ""},
    {NULL, false, NULL, NULL, NULL, LISTS_NONE, ""},
    {NULL, false, NULL, NULL, NULL, LISTS_TWO, "CUDA " A " " B},
    {NULL, false, NULL, NULL, NULL, LISTS_PARTS, "CUDA " B " MIG-c6d4 MIG-d7e5"},
    {NULL, false, NULL, NULL, NULL, LISTS_AMD, "ROCR GPU-9246a1 1"},
    /* inherited stands above the tool, as it is */
    {NULL, false, "2,3", NULL, NULL, LISTS_TWO, "CUDA 2 3"},
    {NULL, false, "GPU-1111,MIG-c6d4", NULL, NULL, NO_TOOL, "CUDA GPU-1111 MIG-c6d4"},
    {NULL, false, "", NULL, NULL, LISTS_TWO, ""},
    {NULL, false, "NoDevFiles", NULL, NULL, LISTS_TWO, ""},
    {NULL, false, "-1", NULL, NULL, LISTS_TWO, ""},
    {NULL, false, "1, 0,-1,2", NULL, NULL, NO_TOOL, "CUDA 1 0"},
    {NULL, false, "0,0", NULL, NULL, NO_TOOL, NULL},
    {NULL, false, "$(reboot)", NULL, NULL, NO_TOOL, NULL},
    {NULL, false, NULL, "0,GPU-9246a1", NULL, NO_TOOL, "ROCR 0 GPU-9246a1"},
    {NULL, false, NULL, NULL, "1", NO_TOOL, "ROCR 1"},
    {NULL, false, NULL, "4,5,6,7", "0,2", NO_TOOL, "ROCR 4 6"},
    {NULL, false, NULL, "4,5", "2", NO_TOOL, NULL},
    /* Slurm sets both where it does not know the vendor; the tool does */
    {NULL, false, "0,1", "0,1", NULL, LISTS_TWO, "CUDA 0 1"},
    {NULL, false, "0,1", "0,1", NULL, LISTS_AMD, "ROCR 0 1"},
    /* a number of slots alone: none is assigned */
    {NULL, true, NULL, NULL, NULL, LISTS_TWO, ""},
    {NULL, true, "0,1", NULL, NULL, LISTS_TWO, ""},
    /* said stands above all */
    {"1", false, "0", NULL, NULL, LISTS_TWO, "CUDA by bus 1"},
    {"1", true, "0", NULL, NULL, NO_TOOL, "CUDA 1"},
    {"none", false, "0", NULL, NULL, LISTS_TWO, ""},
    {"all", false, "5", NULL, NULL, LISTS_TWO, "CUDA 5"},
    {"all", true, NULL, NULL, NULL, LISTS_TWO, "CUDA " A " " B},
    {"all", false, NULL, NULL, NULL, NO_TOOL, NULL},
    {"all", false, "", NULL, NULL, LISTS_TWO, NULL},
    {"0,,1", false, NULL, NULL, NULL, NO_TOOL, NULL},
    {"0", false, NULL, NULL, NULL, LISTS_AMD, "ROCR 0"},
};

START_TEST(gpus_are_found_in_one_order)
{
    struct vendor_list *list = calloc(1, sizeof *list);
    struct discovery *discovery = calloc(1, sizeof *discovery);
    struct discovery_facts facts = {.gpus = discoveries[_i].gpus,
                                    .wants_slots = discoveries[_i].wants_slots,
                                    .cuda = discoveries[_i].cuda,
                                    .rocr = discoveries[_i].rocr,
                                    .hip = discoveries[_i].hip,
                                    .list = listed_by(discoveries[_i].tool, list),
                                    .trouble = ""};
    struct err err = {0};
    char text[512] = "";
    size_t len = 0;

    int rc = discovery_decide(&facts, discovery, &err);
    ck_assert_msg((rc != 0) == (discoveries[_i].found == NULL), "%s", err.text);
    if (rc == 0 && discovery->n > 0) {
        len = (size_t)snprintf(text, sizeof text, "%.4s%s", vendor_variable(discovery->vendor),
                               discovery->by_bus ? " by bus" : "");
    }
    for (size_t i = 0; rc == 0 && i < discovery->n; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, " %s", discovery->gpus[i].token);
    }
    if (rc == 0) {
        ck_assert_str_eq(text, discoveries[_i].found);
    }
    free(discovery);
    free(list);
}
END_TEST

START_TEST(a_token_has_the_memory_of_its_gpu)
{
    struct vendor_list *list = calloc(1, sizeof *list);
    struct discovery *discovery = calloc(1, sizeof *discovery);
    struct discovery_facts facts = {
        .gpus = "1,GPU-1111,7,MIG-d,GPU-", .list = listed_by(LISTS_PARTS, list), .trouble = ""};
    struct err err = {0};
    static const int64_t memory[] = {143771, 143771, 0, 9536, 0};

    ck_assert_int_eq(discovery_decide(&facts, discovery, &err), 0);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(discovery->gpus[i].memory_mib, memory[i]);
    }
    static const char *const names[] = {"GPU 1", "GPU 0", "GPU 7", "MIG-d", "GPU-"};
    for (size_t i = 0; i < 5; i++) {
        ck_assert_str_eq(discovery->gpus[i].name, names[i]);
    }
    ck_assert_str_eq(discovery->gpus[3].model, "MIG 2g.10gb");
    free(discovery);
    free(list);
}
END_TEST

/* ---- who gets which ---- */

static void fill_pool(struct pool *pool, size_t n, size_t places, const int64_t memory[])
{
    struct discovery *discovery = calloc(1, sizeof *discovery);

    discovery->n = n;
    for (size_t i = 0; i < n; i++) {
        discovery->gpus[i].memory_mib = memory[i];
    }
    pool_init(pool, discovery, places);
    free(discovery);
}

static const int64_t mixed[] = {80000, 16000, 80000, 16000};

static const struct {
    size_t n;
    int64_t memory_mib;
    const char *taken; /* "": it cannot be had */
} wishes[] = {
    {1, 0, "1"},   {1, 16000, "1"}, {1, 16001, "0"}, {2, 20000, "02"}, {3, 20000, ""},
    {3, 0, "013"}, {4, 0, "0123"},  {5, 0, ""},      {1, 80001, ""},
};

START_TEST(a_trial_gets_the_smallest_that_will_do)
{
    struct pool pool;
    struct device_set taken = {{0}};
    char text[8] = "";

    fill_pool(&pool, 4, 1, mixed);
    bool had = pool_take(&pool, 0, wishes[_i].n, wishes[_i].memory_mib, &taken);
    ck_assert(had == (wishes[_i].taken[0] != '\0'));
    for (size_t i = 0; i < 4; i++) {
        if (device_set_has(&taken, i)) {
            (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%zu", i);
        }
    }
    ck_assert_str_eq(text, wishes[_i].taken);
    struct device_set left = pool_free(&pool);
    ck_assert_uint_eq(device_set_count(&left), 4 - strlen(wishes[_i].taken));
}
END_TEST

START_TEST(a_slot_gets_its_device_again)
{
    static const int64_t equal[] = {1, 1, 1};
    struct pool pool;
    struct device_set first;
    struct device_set second;
    struct device_set again;

    fill_pool(&pool, 3, 1, equal);
    ck_assert(pool_take(&pool, 7, 1, 0, &first));
    ck_assert(pool_take(&pool, 8, 1, 0, &second));
    pool_give_back(&pool, &first);
    pool_give_back(&pool, &second);
    ck_assert(pool_take(&pool, 8, 1, 0, &again));
    ck_assert_mem_eq(&again, &second, sizeof again);
}
END_TEST

START_TEST(what_is_quarantined_is_not_given)
{
    struct pool pool;
    struct device_set taken = {{0}};

    fill_pool(&pool, 2, 1, mixed);
    pool.devices[1].is_out = true;
    ck_assert(!pool_take(&pool, 0, 2, 0, &taken));
    ck_assert(pool_take(&pool, 0, 1, 0, &taken));
    ck_assert(device_set_has(&taken, 0));
    struct device_set named = {{0}};
    device_set_add(&named, 1);
    ck_assert(pool_take_these(&pool, 1, &named)); /* a trial that goes on there has it already */
    ck_assert(!pool_take_these(&pool, 2, &named));
}
END_TEST

/* Random takes and returns: no device ever has more trials than places, a trial has as many
 * different devices as it wants, and what was given back can all be had again. */
START_TEST(no_place_is_ever_given_twice)
{
    struct rng rng = rng_seeded((uint64_t)_i + 1);
    size_t n = 1 + rng_below(&rng, 9);
    size_t places = 1 + rng_below(&rng, 3);
    struct device_set held[64];
    bool holds[64] = {false};
    int64_t memory[16];
    struct pool pool;

    for (size_t i = 0; i < n; i++) {
        memory[i] = 1000 * (int64_t)(1 + rng_below(&rng, 4));
    }
    fill_pool(&pool, n, places, memory);
    for (int step = 0; step < 400; step++) {
        size_t slot = rng_below(&rng, 64);
        if (holds[slot]) {
            pool_give_back(&pool, &held[slot]);
            holds[slot] = false;
        } else {
            size_t wants = 1 + rng_below(&rng, n);
            int64_t least = rng_below(&rng, 2) == 0 ? 0 : 1000;
            holds[slot] = pool_take(&pool, slot, wants, least, &held[slot]);
            ck_assert(!holds[slot] || device_set_count(&held[slot]) == wants);
        }
        for (size_t i = 0; i < n; i++) {
            size_t users = 0;
            for (size_t s = 0; s < 64; s++) {
                users += holds[s] && device_set_has(&held[s], i);
            }
            ck_assert_uint_le(users, places);
            ck_assert_uint_eq(users, pool.devices[i].used);
        }
    }
    for (size_t s = 0; s < 64; s++) {
        if (holds[s]) {
            pool_give_back(&pool, &held[s]);
        }
    }
    struct device_set all = pool_free(&pool);
    ck_assert_uint_eq(device_set_count(&all), n);
}
END_TEST

/* ---- fit or not ---- */

static const struct {
    bool is_listed;
    int64_t others_mib, other_process, other_process_mib, max_other_mib;
    const char *why; /* NULL: it is fit */
} states[] = {
    {true, 0, 0, 0, -1, NULL},
    {true, 1024, 0, 0, -1, NULL},
    {true, 1025, 0, 0, -1, "others use 1025 MiB of GPU 3, more than 1024"},
    {true, -1, 0, 0, -1, NULL}, /* not known */
    {true, 0, 4711, 500, -1, "GPU 3 is in use by process 4711 with 500 MiB"},
    {true, 70000, 4711, -1, -1, "GPU 3 is in use by process 4711"},
    {true, 500, 4711, 500, 600, NULL}, /* so much was allowed */
    {true, 601, 4711, 601, 600, "others use 601 MiB of GPU 3, more than 600"},
    {true, 1, 0, 0, 0, "others use 1 MiB of GPU 3, more than 0"},
    {false, -1, 0, 0, -1, "nvidia-smi does not list GPU 3"},
};

START_TEST(a_gpu_that_others_use_is_not_fit)
{
    struct gate_facts facts = {.name = "GPU 3",
                               .tool = "nvidia-smi",
                               .is_listed = states[_i].is_listed,
                               .others_mib = states[_i].others_mib,
                               .other_process = states[_i].other_process,
                               .other_process_mib = states[_i].other_process_mib,
                               .max_other_mib = states[_i].max_other_mib};
    char why[GATE_WHY_BYTES] = "";

    ck_assert(gate_refuses_gpu(&facts, why) == (states[_i].why != NULL));
    ck_assert_str_eq(why, states[_i].why == NULL ? "" : states[_i].why);
}
END_TEST

START_TEST(a_full_disk_is_not_fit)
{
    const int64_t gib = INT64_C(1) << 30;
    char why[GATE_WHY_BYTES];

    ck_assert(!gate_refuses_disk("/w", gib, 100 * gib, -1, why));
    ck_assert(gate_refuses_disk("/w", gib / 2, 100 * gib, -1, why));
    ck_assert_str_eq(why, "the disk of /w has 512 MiB free, less than 1024");
    ck_assert(!gate_refuses_disk("/w", gib / 2, 10 * gib, -1, why)); /* a small one */
    ck_assert(gate_refuses_disk("/w", gib / 2 - 1, 10 * gib, -1, why));
    ck_assert(gate_refuses_disk("/w", 5 * gib, 10 * gib, 6 * gib, why));
    ck_assert(!gate_refuses_disk("/w", 0, 10 * gib, 0, why));
}
END_TEST

/* ---- what a job is told ---- */

static const struct {
    struct job_devices devices;
    const char *variables;
} told[] = {
    {{.vendor = VENDOR_NVIDIA, .gpus = "2,3", .n_gpus = 2},
     "PATH=/bin;OMP_NUM_THREADS=9;CUDA_VISIBLE_DEVICES=2,3;HONE_GPUS=2;"},
    {{.vendor = VENDOR_AMD, .gpus = "GPU-9246a1", .n_gpus = 1},
     "PATH=/bin;OMP_NUM_THREADS=9;ROCR_VISIBLE_DEVICES=GPU-9246a1;HONE_GPUS=1;"},
    {{.gpus = NULL},
     "PATH=/"
     "bin;CUDA_VISIBLE_DEVICES=7;ROCR_VISIBLE_DEVICES=7;HIP_VISIBLE_DEVICES=7;OMP_NUM_THREADS="
     "9;"},
    {{.gpus = NULL, .hides = true}, "PATH=/bin;OMP_NUM_THREADS=9;CUDA_VISIBLE_DEVICES=;"},
    {{.vendor = VENDOR_NVIDIA,
      .gpus = "1",
      .n_gpus = 1,
      .by_bus = true,
      .n_cpus = 4,
      .n_threads = 3},
     "PATH=/bin;CUDA_VISIBLE_DEVICES=1;HONE_GPUS=1;CUDA_DEVICE_ORDER=PCI_BUS_ID;HONE_CPUS=4;"
     "OMP_NUM_THREADS=3;"},
};

START_TEST(a_job_has_the_variable_of_one_vendor)
{
    static const char *const inherited[] = {"PATH=/bin", "CUDA_VISIBLE_DEVICES=7",
                                            "ROCR_VISIBLE_DEVICES=7", "HIP_VISIBLE_DEVICES=7",
                                            "OMP_NUM_THREADS=9"};
    OWN(argv_list) struct argv_list words = {0};
    OWN(buf) struct buf text;

    buf_init(&text, 1000);
    for (size_t i = 0; i < sizeof inherited / sizeof inherited[0]; i++) {
        if (!job_devices_replace(&told[_i].devices, inherited[i])) {
            argv_list_add(&words, inherited[i]);
        }
    }
    job_devices_append(&told[_i].devices, &words);
    for (size_t i = 0; i < words.n; i++) {
        buf_printf(&text, "%s;", words.items[i]);
    }
    ck_assert_str_eq(buf_text(&text), told[_i].variables);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    Suite *suite = suite_create("devices");
    TCase *tcase = tcase_create("devices");

    tcase_add_loop_test(tcase, the_list_of_nvidia_smi_is_read_or_refused, 0, COUNT(gpu_lists));
    tcase_add_test(tcase, a_divided_gpu_is_its_parts);
    tcase_add_test(tcase, more_gpus_than_there_can_be_are_refused);
    tcase_add_test(tcase, processes_are_read_or_refused);
    tcase_add_loop_test(tcase, the_list_of_rocm_smi_is_read_or_refused, 0, COUNT(amd_lists));
    tcase_add_loop_test(tcase, gpus_are_found_in_one_order, 0, COUNT(discoveries));
    tcase_add_test(tcase, a_token_has_the_memory_of_its_gpu);
    tcase_add_loop_test(tcase, a_trial_gets_the_smallest_that_will_do, 0, COUNT(wishes));
    tcase_add_test(tcase, a_slot_gets_its_device_again);
    tcase_add_test(tcase, what_is_quarantined_is_not_given);
    tcase_add_loop_test(tcase, no_place_is_ever_given_twice, 0, 10);
    tcase_add_loop_test(tcase, a_gpu_that_others_use_is_not_fit, 0, COUNT(states));
    tcase_add_test(tcase, a_full_disk_is_not_fit);
    tcase_add_loop_test(tcase, a_job_has_the_variable_of_one_vendor, 0, COUNT(told));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
