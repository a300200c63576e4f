#include "worker/cli/verbs/doctor_machine.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/own.h"
#include "worker/agent/agent_setup.h"
#include "worker/agent/boundary/cgroup.h"
#include "worker/agent/boundary/namespace.h"
#include "worker/agent/devices/devices.h"
#include "worker/agent/state_look.h"

#define MIB ((int64_t)1 << 20)

/* ---- GPUs ---- */

static void tell_gpus(const struct devices *devices, struct findings *findings)
{
    OWN(buf) struct buf names = {0};
    const struct discovery *found = &devices->found;

    buf_init(&names, (size_t)1 << 14);
    for (size_t i = 0; i < found->n; i++) {
        const struct discovered_gpu *gpu = &found->gpus[i];
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", gpu->name);
        if (gpu->model[0] != '\0') {
            buf_printf(&names, " (%s, %" PRId64 " MiB)", gpu->model, gpu->memory_mib);
        }
        if (devices->gpus[i].is_on) {
            finding_add(findings, FINDING_WARN, "GPU", "%s; a worker gives it no trial meanwhile",
                        devices->gpus[i].why);
        }
    }
    finding_add(findings, FINDING_OK, "GPUs", "%zu: %s", found->n, buf_text(&names));
}

static void look_at_devices(struct devices *devices, struct findings *findings)
{
    const struct err *trouble = &devices->query.trouble;
    bool was_asked = query_has_tool(&devices->query) && trouble->code != ERR_NONE;

    if (was_asked) {
        finding_add(findings, FINDING_WARN, "GPUs",
                    "%s; look at the driver, or name them with 'hone worker --gpus'",
                    trouble->text);
    } else if (devices->found.n > 0) {
        tell_gpus(devices, findings);
    } else {
        finding_add(findings, FINDING_OK, "GPUs",
                    "none is seen (no nvidia-smi or rocm-smi lists one, or the environment hides "
                    "them); a worker trains on the CPU");
    }
}

/* ---- the work directory ---- */

/* The path, or the folder above it in which it would be made. */
static void existing(char path[PATH_MAX])
{
    while (access(path, F_OK) != 0 && errno == ENOENT && strrchr(path, '/') != NULL) {
        char *slash = strrchr(path, '/');
        slash[slash == path ? 1 : 0] = '\0';
        if (slash == path) {
            return;
        }
    }
}

static void look_at_workdir(struct devices *devices, const char *workdir, struct findings *findings)
{
    char path[PATH_MAX];
    struct statvfs info;

    (void)snprintf(path, sizeof path, "%s", workdir);
    existing(path);
    devices_watch_disk(devices, path);
    if (access(path, W_OK | X_OK) != 0 || statvfs(path, &info) != 0) {
        finding_add(findings, FINDING_BAD, "work directory",
                    "%s: %s; chown it, or name another one with --workdir", path, strerror(errno));
    } else if (devices_disk_is_full(devices)) {
        finding_add(findings, FINDING_BAD, "work directory",
                    "%s; a worker asks for no trial: free some, or name another one with --workdir",
                    devices->disk.why);
    } else {
        finding_add(findings, FINDING_OK, "work directory", "%s, %" PRId64 " MiB are free%s",
                    workdir, (int64_t)info.f_bavail * (int64_t)info.f_frsize / MIB,
                    strcmp(path, workdir) == 0 ? "" : "; a worker makes it");
    }
    devices_watch_disk(devices, NULL);
}

static void look_at_state(const char *workdir, struct findings *findings)
{
    struct state_seen seen;
    struct err err;

    if (state_look(workdir, &seen, &err) != 0) {
        finding_err(findings, FINDING_BAD, "undelivered", &err,
                    "chown it, or run this as the user of the worker");
    } else if (seen.n_waiting > 0) {
        finding_add(findings, FINDING_WARN, "undelivered",
                    "%zu attempt%s, as in %s, for the server %s: start a worker of that name for "
                    "that server, which delivers them",
                    seen.n_waiting, seen.n_waiting == 1 ? "" : "s", seen.first, seen.server);
    } else {
        finding_add(findings, FINDING_OK, "undelivered",
                    "nothing is left of workers that have ended; %zu run%s here", seen.n_workers,
                    seen.n_workers == 1 ? "s" : "");
    }
}

/* ---- how jobs are held together ---- */

static void look_at_isolation(struct findings *findings)
{
    struct cgroup_found found;
    struct namespace_users users;
    struct err no_cgroup = {0};
    struct err no_namespace = {0};

    if (cgroup_find(false, &found, &no_cgroup) == 0 && cgroup_probe(found.path, &no_cgroup) == 0) {
        finding_add(findings, FINDING_OK, "cgroups", "can be made in %s", found.path);
    } else {
        finding_add(findings, FINDING_OK, "cgroups",
                    "none can be made (%s); a job's descendants are searched for instead",
                    no_cgroup.text);
    }
    if (namespace_choose(&users, &no_namespace) == 0) {
        finding_add(findings, FINDING_OK, "PID namespaces", "can be made");
    } else {
        finding_add(findings, FINDING_OK, "PID namespaces", "none can be made (%s)",
                    no_namespace.text);
    }
}

/* ---- all of it ---- */

static void look_with_loop(struct loop *loop, const char *workdir, struct findings *findings)
{
    static struct devices devices;
    const struct devices_settings settings = {.max_other_mib = -1, .min_disk_bytes = -1};
    struct err err;

    if (devices_open(&devices, loop, &settings, &err) != 0) {
        finding_err(findings, FINDING_BAD, "GPUs", &err, "");
    } else {
        look_at_devices(&devices, findings);
    }
    look_at_workdir(&devices, workdir, findings);
    devices_close(&devices);
}

void doctor_machine(const char *workdir, struct findings *findings)
{
    const struct http_client_settings nobody = {.url = "http://127.0.0.1"};
    OWN(buf) struct buf path = {0};
    struct loop loop;
    struct err err;

    buf_init(&path, PATH_MAX);
    if (workdir != NULL) {
        buf_puts(&path, workdir);
    } else if (agent_default_workdir(&path, &err) != 0) {
        finding_err(findings, FINDING_BAD, "work directory", &err, "name one with --workdir");
        return;
    }
    if (loop_init(&loop, &nobody, clock_system(), &err) != 0) {
        finding_err(findings, FINDING_BAD, "GPUs", &err, "");
    } else {
        look_with_loop(&loop, buf_text(&path), findings);
        loop_finish(&loop);
    }
    look_at_state(buf_text(&path), findings);
    look_at_isolation(findings);
}
