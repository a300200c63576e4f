#include "worker/cli/define/creation.h"

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

int study_send(struct session *session, const struct definition *definition, const json_t *body,
               json_t **study, struct err *err)
{
    if (session_send(session, "POST", "/v1/studies", body, study, err) == 0) {
        return 0;
    }
    if (err->code == ERR_STUDY_EXISTS) {
        show_difference(session, body, err->text);
    } else {
        pointers_to_options(definition, body, err);
    }
    return -1;
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
