#include "worker/cli/completion.h"

#include <stdio.h>
#include <string.h>

#include "worker/cli/options.h"
#include "worker/cli/verbs.h"

/* The words that an argument can be, by its name in the options. */
static const struct {
    const char *argument, *words;
} choices[] = {
    {"FORMAT", "table wide json ndjson csv name"},
    {"WHEN", "auto always never"},
    {"SCOPE", "admin submit read worker"},
    {"STATE", "queued running paused completed pruned failed infeasible cancelled stopped"},
    {"WAY", "minimize maximize"},
    {"HOW", "auto cgroup namespace walk"},
    {"WORD", "new some expert"},
};

static void offer(struct buf *out, const char *word, const char *begun, const char *what)
{
    if (strncmp(word, begun, strlen(begun)) == 0) {
        buf_printf(out, "%s\t%s\n", word, what);
    }
}

/* ---- verbs ---------------------------------------------------------------------------------- */

static bool is_first_of_group(size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (verb_is_in_group(&verbs[k], verbs[i].group)) {
            return false;
        }
    }
    return true;
}

/* A group's verbs are one word here, unless a verb is called as the group is. */
static void offer_first_words(const char *begun, struct buf *out)
{
    for (size_t i = 0; i < n_verbs; i++) {
        if (verbs[i].group == NULL) {
            offer(out, verbs[i].name, begun, verbs[i].summary);
        } else if (is_first_of_group(i) && !verb_is_lone(verbs[i].group)) {
            offer(out, verbs[i].group, begun, "several verbs");
        }
    }
}

static void offer_members(const char *group, const char *begun, struct buf *out)
{
    for (size_t i = 0; i < n_verbs; i++) {
        if (verb_is_in_group(&verbs[i], group)) {
            offer(out, verbs[i].name, begun, verbs[i].summary);
        }
    }
}

/* ---- options -------------------------------------------------------------------------------- */

static const struct argp_option *find_option(const struct usage *usage, const char *word,
                                             size_t len)
{
    struct option_list list;

    for (size_t i = 0; usage_option_list(usage, i, &list); i++) {
        for (const struct argp_option *option = list.options; !option_is_end(option); option++) {
            bool is_long = option->name != NULL && len > 2 && strlen(option->name) == len - 2
                           && strncmp(word, "--", 2) == 0
                           && strncmp(option->name, word + 2, len - 2) == 0;
            if (is_long || (len == 2 && word[0] == '-' && option->key == word[1])) {
                return option;
            }
        }
    }
    return NULL;
}

static void offer_options(const struct usage *usage, const char *begun, struct buf *out)
{
    struct option_list list;
    char word[80];

    for (size_t i = 0; usage_option_list(usage, i, &list); i++) {
        for (const struct argp_option *option = list.options; !option_is_end(option); option++) {
            const char *doc = option->doc == NULL ? "" : option->doc;
            char what[160];
            if (option->name == NULL || (option->flags & OPTION_HIDDEN) != 0) {
                continue;
            }
            bool takes_value = option->arg != NULL && (option->flags & OPTION_ARG_OPTIONAL) == 0;
            (void)snprintf(word, sizeof word, "--%.60s%s", option->name, takes_value ? "=" : "");
            (void)snprintf(what, sizeof what, "%.*s", (int)strcspn(doc, "\v\n\t"), doc);
            offer(out, word, begun, what);
        }
    }
    offer(out, "--help", begun, "what this verb does and which options it has");
}

/* `before` stands in front of each: "--state=", where the value is in the same word. */
static void offer_values(const struct argp_option *option, const char *before, const char *begun,
                         struct buf *out)
{
    char word[128];

    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        if (strcmp(choices[i].argument, option->arg) != 0) {
            continue;
        }
        for (const char *at = choices[i].words; *at != '\0';) {
            size_t len = strcspn(at, " ");
            (void)snprintf(word, sizeof word, "%.64s%.*s", before, (int)len, at);
            offer(out, word, begun, "");
            at += len + (at[len] == ' ');
        }
    }
}

/* ---- all of it ------------------------------------------------------------------------------ */

/* The option whose value the last word is, if it is one. */
static const struct argp_option *pending_option(const struct usage *usage, const char *before)
{
    const struct argp_option *option =
        before[0] == '-' ? find_option(usage, before, strlen(before)) : NULL;

    return option != NULL && option->arg != NULL && (option->flags & OPTION_ARG_OPTIONAL) == 0
               ? option
               : NULL;
}

static bool option_is_study(const struct argp_option *option)
{
    return strcmp(option->arg, "STUDY") == 0;
}

/* The first argument of most verbs is a study, and of `study diff` any. */
static bool is_study_argument(const struct verb *verb, int n_words, char *const words[])
{
    const char *arguments = verb->usage->arguments == NULL ? "" : verb->usage->arguments;
    bool in_group = verb->group != NULL && strcmp(verb->group, "study") == 0;
    int before = 0;

    for (int i = 0; i + 1 < n_words; i++) {
        bool is_value = i > 0 && pending_option(verb->usage, words[i - 1]) != NULL;
        before += words[i][0] != '-' && !is_value;
    }
    return before == 0
           && (strncmp(arguments, "STUDY", 5) == 0
               || (in_group && strncmp(arguments, "NAME", 4) == 0));
}

/* `words` are those behind the verb. */
static void complete_verb(const struct verb *verb, int n_words, char *const words[],
                          struct buf *out, bool *wants_study)
{
    const char *last = words[n_words - 1];
    const char *equals = strchr(last, '=');
    const struct argp_option *option =
        n_words > 1 ? pending_option(verb->usage, words[n_words - 2]) : NULL;

    if (option != NULL) {
        *wants_study = option_is_study(option);
        offer_values(option, "", last, out);
    } else if (last[0] == '-' && equals != NULL) {
        char before[128];
        option = find_option(verb->usage, last, (size_t)(equals - last));
        (void)snprintf(before, sizeof before, "%.*s", (int)(equals + 1 - last), last);
        if (option != NULL && option->arg != NULL) {
            offer_values(option, before, last, out);
        }
    } else if (last[0] == '-') {
        offer_options(verb->usage, last, out);
    } else {
        *wants_study = is_study_argument(verb, n_words, words);
    }
}

void completion_append(int n_words, char *const words[], struct buf *out, bool *wants_study)
{
    const struct verb *verb = NULL;
    struct err err = {0};
    int taken = 0;

    *wants_study = false;
    for (int i = 0; i + 1 < n_words; i++) {
        if (strcmp(words[i], "--") == 0) {
            return;
        }
    }
    if (n_words <= 1) {
        offer_first_words(n_words == 0 ? "" : words[0], out);
    } else if (n_words == 2 && verb_is_group(words[0]) && words[1][0] != '-') {
        offer_members(words[0], words[1], out);
    } else if (verb_find(n_words - 1, words, &verb, &taken, &err) == 0 && taken < n_words) {
        complete_verb(verb, n_words - taken, words + taken, out, wants_study);
    }
}
