#include "common/wire/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/step.h"
#include "common/wire/parts.h"

#define ANY "any"
#define HOST_PREFIX "host:"
#define REACH_BYTES (WORKER_NAME_BYTES + 8)

bool checkpoint_is_reached_from(const struct checkpoint *checkpoint, const char *host)
{
    return checkpoint->reach == REACH_ANY
           || (host[0] != '\0' && strcmp(checkpoint->host, host) == 0);
}

bool checkpoint_uri_is_uploaded(const char *uri)
{
    static const char prefix[] = "sha256:";
    size_t len = sizeof prefix - 1;

    return strncmp(uri, prefix, len) == 0 && strspn(uri + len, "0123456789abcdef") == 64
           && uri[len + 64] == '\0';
}

static void read_reach(struct fields *fields, struct checkpoint *checkpoint)
{
    char text[REACH_BYTES] = ANY;
    const char *host = text + strlen(HOST_PREFIX);

    if (!fields_has(fields, "reach")) {
        (void)fields_any(fields, "reach"); /* null is known, and says nothing */
        return;
    }
    wire_copy(fields, "reach", text, sizeof text);
    if (strncmp(text, HOST_PREFIX, strlen(HOST_PREFIX)) == 0 && name_is_worker(host)) {
        checkpoint->reach = REACH_HOST;
        memcpy(checkpoint->host, host, strlen(host) + 1); /* a worker's name fits */
    } else if (strcmp(text, ANY) != 0) {
        fields_fault(fields, "reach", "must be \"any\" or \"host:NAME\"");
    }
}

static void read_uri(struct fields *fields, struct checkpoint *checkpoint)
{
    wire_copy(fields, "uri", checkpoint->uri, sizeof checkpoint->uri);
    if (checkpoint->uri[0] == '\0') {
        fields_fault(fields, "uri", "a checkpoint needs a uri");
    }
    read_reach(fields, checkpoint);
}

/* Begins the object's fields. False: there is none; a bare uri is read. */
static bool begin_object(struct fields *parent, const char *name, struct fields *fields,
                         struct checkpoint *checkpoint)
{
    const json_t *value = fields_any(parent, name);
    char pointer[sizeof parent->pointer + 96];

    if (value == NULL) {
        return false;
    }
    checkpoint->present = true;
    if (json_is_string(value)) {
        wire_copy(parent, name, checkpoint->uri, sizeof checkpoint->uri);
        if (json_string_length(value) == 0) {
            fields_fault(parent, name, "a checkpoint needs a uri");
        }
        return false;
    }
    (void)snprintf(pointer, sizeof pointer, "%s/%.90s", parent->pointer, name);
    fields_begin(fields, value, pointer, parent->faults);
    read_uri(fields, checkpoint);
    return true;
}

void checkpoint_read(struct fields *parent, const char *name, int digits, int64_t step,
                     struct checkpoint *checkpoint)
{
    struct fields fields;

    *checkpoint = (struct checkpoint){.step = step};
    if (begin_object(parent, name, &fields, checkpoint)) {
        checkpoint->step = fields_step_nearest(&fields, "step", digits, step);
    }
}

void checkpoint_read_said(struct fields *parent, const char *name, double said,
                          struct checkpoint *checkpoint)
{
    struct fields fields;

    *checkpoint = (struct checkpoint){.step = -1, .said = said};
    if (begin_object(parent, name, &fields, checkpoint)) {
        checkpoint->said = wire_step(&fields, said);
        fields_end(&fields);
    }
}

void checkpoint_write(const struct checkpoint *checkpoint, int digits, struct json_writer *w)
{
    char reach[REACH_BYTES] = ANY;

    if (checkpoint->reach == REACH_HOST) {
        (void)snprintf(reach, sizeof reach, HOST_PREFIX "%s", checkpoint->host);
    }
    json_object_begin(w);
    json_put_string(w, "uri", checkpoint->uri);
    if (digits == STEP_AS_SAID && !isnan(checkpoint->said)) {
        wire_put_said(w, "step", checkpoint->said);
    } else if (digits != STEP_AS_SAID && checkpoint->step >= 0) {
        json_put_step(w, "step", checkpoint->step, digits);
    }
    json_put_string(w, "reach", reach);
    json_object_end(w);
}

void checkpoint_from_json(const json_t *value, int digits, struct checkpoint *checkpoint)
{
    struct faults faults = {0};
    struct fields fields;

    *checkpoint = (struct checkpoint){0};
    fields_begin(&fields, value, "", &faults);
    read_uri(&fields, checkpoint);
    checkpoint->step = fields_step_nearest(&fields, "step", digits, 0);
    checkpoint->present = faults.total == 0;
    faults_finish(&faults);
}
