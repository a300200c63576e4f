#include "tests/replay/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "tests/replay/answers.h"

/* ---- looking at the store ------------------------------------------------------------------- */

struct look {
    const char *study;
    int64_t trial; /* 0: the study */
    struct play *play;
};

static int show_study(void *context, struct study_row *row, struct err *err)
{
    struct look *look = context;
    struct trial_row trial = {0};

    if (strcmp(row->name, look->study) != 0) {
        study_row_finish(row);
        return 0;
    }
    if (look->trial == 0) {
        answer_add_study(look->play->answer, row);
    } else if (store_trial_load(look->play->world.store, trial_id(row->id, look->trial), &trial,
                                err)
               == 0) {
        answer_add_trial(look->play->answer, &trial);
    } else {
        answer_add(look->play->answer, "%s", words_error(err->code));
    }
    trial_row_finish(&trial);
    study_row_finish(row);
    return 0;
}

static int do_show(struct play *play, struct words *words, struct err *err)
{
    const char *study = words_next(words);
    const char *trial = words_next(words);
    struct look look = {study == NULL ? "" : study, trial == NULL ? 0 : strtoll(trial, NULL, 10),
                        play};

    TRY(store_each_study(play->world.store, show_study, &look, err));
    if (play->answer[0] == '\0') {
        answer_add(play->answer, "not-found");
    }
    return 0;
}

struct look_node {
    const char *name;
    char *answer;
};

static int show_node(void *context, const struct node_row *row, struct err *err)
{
    const struct look_node *look = context;

    (void)err;
    if (strcmp(row->name, look->name) == 0) {
        answer_add(look->answer, "%s %s",
                   row->draining                 ? "draining"
                   : row->quarantined_at_ms != 0 ? "quarantined"
                                                 : "active",
                   row->reason);
    }
    return 0;
}

static int do_show_node(struct play *play, const char *name, struct err *err)
{
    struct look_node look = {name, play->answer};

    TRY(store_each_node(play->world.store, show_node, &look, err));
    if (play->answer[0] == '\0') {
        answer_add(play->answer, "active");
    }
    return 0;
}

/* ---- verbs ---------------------------------------------------------------------------------- */

static int do_claim(struct play *play, struct player *player, struct words *words, struct err *err)
{
    char study[NAME_BYTES] = "";
    const char *word;
    struct command *command;
    json_auto_t *body = json_pack("{s:s}", "worker", player->name);
    OWN(memory) char *text = NULL;

    while ((word = words_next(words)) != NULL) {
        const char *value = words_next(words);

        if (value == NULL) {
            return err_set(err, ERR_INVALID, "%s wants a value", word);
        }
        if (strcmp(word, "from") == 0) {
            (void)snprintf(study, sizeof study, "%s", value);
        } else if (strcmp(word, "host") == 0) {
            (void)json_object_set_new(body, "host", json_string(value));
        } else if (strcmp(word, "id") == 0) {
            (void)json_object_set_new(body, "request_id", json_string(value));
        } else if (strcmp(word, "ttl") == 0) {
            (void)json_object_set_new(body, "ttl_seconds", json_real(strtod(value, NULL)));
        } else if (strcmp(word, "wait") == 0) {
            (void)json_object_set_new(body, "wait_seconds", json_real(strtod(value, NULL)));
        } else if (strcmp(word, "left") == 0) {
            (void)json_object_set_new(body, "seconds_left", json_real(strtod(value, NULL)));
        } else if (strcmp(word, "runner") == 0) {
            (void)json_object_set_new(body, "runners", json_pack("[s]", value));
        } else {
            return err_set(err, ERR_INVALID, "a claim knows no \"%s\"", word);
        }
    }
    text = json_dumps(body, JSON_COMPACT);
    command = world_ask(study, text);
    if (command != NULL) {
        command->origin = player;
    }
    player->answer[0] = '\0';
    TRY(play_submit(play, command, err));
    answer_add(play->answer, "%s", player->answer[0] == '\0' ? "parked" : player->answer);
    return 0;
}

/* step=3 loss=0.5 … as {"step": 3, "metrics": {…}}, other words as they are. */
static void collect_values(struct words *words, json_t *object, const char *const plain[])
{
    json_t *metrics = json_object();
    char *word;

    while ((word = words_next(words)) != NULL) {
        char *equals = strchr(word, '=');
        bool is_plain = false;

        if (equals == NULL) {
            continue;
        }
        *equals = '\0';
        for (size_t i = 0; plain[i] != NULL; i++) {
            is_plain = is_plain || strcmp(plain[i], word) == 0;
        }
        (void)json_object_set_new(is_plain ? object : metrics, word, words_value(equals + 1));
    }
    (void)json_object_set_new(object, "metrics", metrics);
}

static int do_measure(struct play *play, struct player *player, struct words *words,
                      struct err *err)
{
    static const char *const plain[] = {"step", NULL};
    int replace = words_skip(words, "replace");
    json_auto_t *body =
        json_pack("{s:b, s:[{s:i}]}", "replace", replace, "measurements", "step", 1);
    OWN(memory) char *text = NULL;

    collect_values(words, json_array_get(json_object_get(body, "measurements"), 0), plain);
    text = json_dumps(body, JSON_COMPACT);
    return play_submit(play, world_measure(player->lease, text), err);
}

static int do_result(struct play *play, struct player *player, struct words *words, struct err *err)
{
    static const char *const plain[] = {"step", "reason", "detail", "checkpoint", NULL};
    const char *outcome = words_next(words);
    json_auto_t *body = json_pack("{s:s}", "outcome", outcome == NULL ? "" : outcome);
    OWN(memory) char *text = NULL;

    collect_values(words, body, plain);
    text = json_dumps(body, JSON_COMPACT);
    return play_submit(play, world_result(player->lease, text), err);
}

static int do_worker(struct play *play, const char *who, struct words *words, struct err *err)
{
    struct player *player = play_player(play, who);
    const char *verb = words_next(words);

    if (verb == NULL) {
        return err_set(err, ERR_INVALID, "%s does nothing", who);
    }
    if (strcmp(verb, "claims") == 0) {
        return do_claim(play, player, words, err);
    }
    if (strcmp(verb, "gets") == 0) {
        answer_add(play->answer, "%s", player->answer[0] == '\0' ? "parked" : player->answer);
        return 0;
    }
    if (strcmp(verb, "measures") == 0) {
        return do_measure(play, player, words, err);
    }
    if (strcmp(verb, "results") == 0) {
        return do_result(play, player, words, err);
    }
    if (strcmp(verb, "beats") == 0) {
        return play_submit(play, world_heartbeat(player->lease), err);
    }
    if (strcmp(verb, "releases") == 0) {
        return play_submit(play, world_release(player->lease), err);
    }
    if (strcmp(verb, "forgets") == 0) {
        player->lease[0] = player->answer[0] = '\0';
        return 0;
    }
    return err_set(err, ERR_INVALID, "unknown verb \"%s\"", verb);
}

static int do_enqueue(struct play *play, struct words *words, struct err *err)
{
    const char *study = words_next(words);
    bool by_program = words_skip(words, "guest");
    const char *key = words_skip(words, "key") ? words_next(words) : NULL;
    struct command *command = world_add_trials(study == NULL ? "" : study, words_rest(words), key);

    if (command != NULL) {
        as_trials_add(command)->in.by_program = by_program;
    }
    return play_submit(play, command, err);
}

int verb_do(struct play *play, struct words *words, struct err *err)
{
    const char *verb = words_next(words);
    const char *study;
    const char *number;

    if (verb == NULL) {
        return err_set(err, ERR_INVALID, "nothing happens");
    }
    if (strcmp(verb, "restart") == 0) {
        return world_restart(&play->world, err);
    }
    if (strcmp(verb, "show") == 0) {
        return do_show(play, words, err);
    }
    if (strcmp(verb, "node") == 0) {
        return do_show_node(play, words_next(words), err);
    }
    if (strcmp(verb, "drain") == 0 || strcmp(verb, "resume") == 0) {
        return play_submit(play, world_set_worker(words_next(words), strcmp(verb, "drain") == 0),
                           err);
    }
    if (strcmp(verb, "patch") == 0) {
        study = words_next(words);
        return play_submit(play, world_patch_study(study, words_rest(words)), err);
    }
    if (strcmp(verb, "delete") == 0) {
        study = words_next(words);
        return play_submit(play, world_delete_study(study, words_skip(words, "force")), err);
    }
    if (strcmp(verb, "enqueue") == 0) {
        return do_enqueue(play, words, err);
    }
    if (strcmp(verb, "cancel") == 0) {
        study = words_next(words);
        number = words_next(words);
        return play_submit(
            play, world_cancel_trial(study, number == NULL ? 0 : strtoll(number, NULL, 10)), err);
    }
    if (strcmp(verb, "retry") == 0) {
        study = words_next(words);
        number = words_next(words);
        return play_submit(
            play, world_retry_trials(study, number == NULL ? 0 : strtoll(number, NULL, 10)), err);
    }
    return do_worker(play, verb, words, err);
}
