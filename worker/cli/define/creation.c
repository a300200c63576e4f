#include "worker/cli/define/creation.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/cli/define/difference.h"
#include "worker/cli/define/pointers.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"

/* A courtesy: when the other study cannot be read, the server's sentence must do. */
static void show_difference(struct session *session, const json_t *body, const char *named)
{
    OWN(buf) struct buf path = {0};
    OWN(buf) struct buf lines = {0};
    json_auto_t *there = NULL;
    struct err ignored = {0};

    if (session_get(session, study_path(&path, text_at(body, "name"), ""), &there, &ignored) != 0) {
        return;
    }
    buf_init(&lines, 1 << 20);
    difference_append(&lines, there, body, named);
    text_print_page(stderr, buf_text(&lines));
    if (strstr(named, "limits") != NULL) {
        (void)fprintf(stderr, "  (limits can be changed: hone study set %s --trials N)\n",
                      text_at(body, "name"));
    }
}

static int explain_refusal(struct session *session, const struct definition *definition,
                           const json_t *body, struct err *err)
{
    if (err->code == ERR_STUDY_EXISTS) {
        show_difference(session, body, err->text);
    } else {
        pointers_to_options(definition, body, err);
    }
    return -1;
}

int study_send(struct session *session, const struct definition *definition, const json_t *body,
               json_t **study, struct err *err)
{
    return session_send(session, "POST", "/v1/studies", body, study, err) == 0
               ? 0
               : explain_refusal(session, definition, body, err);
}

/* Is every limit that is asked for the study's, but for the trials, which may be more? */
static bool extends(const json_t *there, const json_t *here)
{
    const char *name;
    json_t *value;

    json_object_foreach (json_unconst(here), name, value) {
        const json_t *other = json_object_get(there, name);
        if (strcmp(name, "trials") != 0 && !json_equal(other, value)) {
            return false;
        }
    }
    return int_at(there, "trials", INT64_MAX) <= int_at(here, "trials", -1);
}

/* 1: it was extended to *study, or needs no change; 0: it is another study; -1: failed. */
static int try_to_extend(struct session *session, const json_t *body, json_t **study,
                         struct err *err)
{
    OWN(buf) struct buf path = {0};
    json_auto_t *there = NULL;
    json_auto_t *change = NULL;
    const json_t *limits = json_object_get(body, "limits");
    int64_t trials = int_at(limits, "trials", -1);

    TRY(session_get(session, study_path(&path, text_at(body, "name"), ""), &there, err));
    const json_t *limits_there = json_object_get(there, "limits");
    if (!extends(limits_there, limits)) {
        return 0;
    }
    if (int_at(limits_there, "trials", -1) == trials) {
        *study = json_incref(there);
        return 1;
    }
    change = json_pack("{s:{s:I}}", "limits", "trials", (json_int_t)trials);
    TRY(session_send(session, "PATCH", buf_text(&path), change, study, err));
    say("study '%s' is extended to %" PRId64 " trials", text_at(body, "name"), trials);
    return 1;
}

int study_send_or_extend(struct session *session, const struct definition *definition,
                         const json_t *body, json_t **study, struct err *err)
{
    static const char only_limits[] = "it differs in limits;";
    struct err why = {0};

    if (session_send(session, "POST", "/v1/studies", body, study, &why) == 0) {
        return 0;
    }
    if (why.code == ERR_STUDY_EXISTS && strstr(why.text, only_limits) != NULL) {
        int extended = try_to_extend(session, body, study, err);
        if (extended != 0) {
            return extended > 0 ? 0 : -1;
        }
    }
    *err = why;
    return explain_refusal(session, definition, body, err);
}

void study_print_choice(const json_t *study)
{
    OWN(buf) struct buf strategy = {0};

    if (json_object_get(json_object_get(study, "strategy"), "chosen") == NULL) {
        return;
    }
    buf_init(&strategy, 1 << 16);
    study_append_strategy(&strategy, study);
    say("the strategy is %s; 'hone study show %s' tells why", buf_text(&strategy),
        text_at(study, "name"));
}

void study_print_not_learned(struct session *session, const json_t *study)
{
    OWN(buf) struct buf path = {0};
    json_auto_t *there = NULL;
    struct err ignored = {0};
    size_t i;
    json_t *item;

    if (json_array_size(json_object_get(study, "after")) == 0
        || session_get(session, study_path(&path, text_at(study, "name"), ""), &there, &ignored)
               != 0) {
        return;
    }
    json_array_foreach (json_object_get(there, "not_learned"), i, item) {
        OWN(buf) struct buf line = {0};
        buf_init(&line, 1 << 14);
        study_append_not_learned(&line, item);
        say("%s", buf_text(&line));
    }
}
