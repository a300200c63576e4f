/* "Did you mean …?": the closest of some words, if one is close enough to be a slip. */
#ifndef COMMON_SUGGEST_H
#define COMMON_SUGGEST_H

#include <stddef.h>

/* How many insertions, deletions, replacements and swaps of neighbours lie between two words. */
size_t suggest_distance(const char *a, const char *b);

/* Keeps the best candidate seen so far; start with .word = what was typed. */
struct suggestion_for {
    const char *word;
    const char *best; /* borrowed; NULL while nothing is close */
    size_t distance;
};
/* Compares one candidate, which must outlive the search. */
void suggest_offer(struct suggestion_for *suggestion, const char *candidate);

/* "did you mean median? ", "" where nothing is close; returns `text`. */
#define SUGGEST_QUESTION_BYTES 96
const char *suggest_question(const struct suggestion_for *suggestion,
                             char text[SUGGEST_QUESTION_BYTES]);

#endif
