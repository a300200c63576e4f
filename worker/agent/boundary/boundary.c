#include "worker/agent/boundary/boundary.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "worker/agent/boundary/cgroup.h"
#include "worker/agent/boundary/namespace.h"

const char *boundary_name(enum boundary_kind kind)
{
    static const char *const names[] = {
        [BOUNDARY_WALK] = "walk", [BOUNDARY_NAMESPACE] = "namespace", [BOUNDARY_CGROUP] = "cgroup"};

    return names[kind];
}

static int take_cgroup(struct boundary *boundary, bool asked, struct err *err)
{
    struct cgroup_found found;

    TRY(cgroup_find(asked, &found, err));
    cgroup_prepare(&found);
    TRY(cgroup_probe(found.path, err));
    if (boundary->memory_bytes > 0 && !found.has_memory) {
        return err_set(err, ERR_INVALID,
                       "--memory-limit: the cgroup %s has no memory controller for its children; a "
                       "worker can enable it in a cgroup of its own, without other processes, as "
                       "Delegate=yes of a unit gives; or leave the limit out",
                       found.path);
    }
    if (boundary->processes > 0 && !found.has_pids) {
        return err_set(
            err, ERR_INVALID,
            "--processes: the cgroup %s has no pids controller for its children; a worker "
            "can enable it in a cgroup of its own, as Delegate=yes of a unit gives; or "
            "leave the limit out",
            found.path);
    }
    boundary->kind = BOUNDARY_CGROUP;
    (void)snprintf(boundary->base, sizeof boundary->base, "%s", found.path);
    return 0;
}

static int take_namespace(struct boundary *boundary, struct err *err)
{
    boundary->kind = BOUNDARY_NAMESPACE;
    return namespace_choose(&boundary->users, err);
}

static int take_best(struct boundary *boundary, bool limits, struct err *err)
{
    struct err why = {0};

    if (take_cgroup(boundary, false, &why) == 0) {
        return 0;
    }
    if (limits) {
        return err_set(err, why.code, "%s", why.text);
    }
    boundary->kind = BOUNDARY_WALK;
    return 0;
}

int boundary_choose(const struct boundary_settings *settings, struct boundary *boundary,
                    struct err *err)
{
    const char *wanted = settings->isolate == NULL ? "auto" : settings->isolate;
    bool limits = settings->memory_bytes > 0 || settings->processes > 0;

    *boundary =
        (struct boundary){.memory_bytes = settings->memory_bytes, .processes = settings->processes};
    if (strcmp(wanted, "auto") == 0) {
        return take_best(boundary, limits, err);
    }
    if (strcmp(wanted, "cgroup") == 0) {
        return take_cgroup(boundary, true, err);
    }
    if (strcmp(wanted, "namespace") != 0 && strcmp(wanted, "walk") != 0) {
        return err_set(err, ERR_INVALID, "--isolate %.40s: write auto, cgroup, namespace or walk",
                       wanted);
    }
    if (limits) {
        return err_set(err, ERR_INVALID,
                       "--memory-limit and --processes need --isolate cgroup; with --isolate %s "
                       "nothing would hold a job to them",
                       wanted);
    }
    return strcmp(wanted, "walk") == 0 ? 0 : take_namespace(boundary, err);
}

void boundary_describe(const struct boundary *boundary, char *text, size_t size)
{
    static const char *const means[] = {
        [BOUNDARY_WALK] = "a job's descendants are searched for and killed",
        [BOUNDARY_NAMESPACE] = "each job has a PID namespace of its own",
        [BOUNDARY_CGROUP] = "each job has a cgroup of its own"};

    (void)snprintf(text, size, "kill boundary: %s (%s%s%s)", boundary_name(boundary->kind),
                   means[boundary->kind], boundary->base[0] == '\0' ? "" : " in ", boundary->base);
}
