#include "common/suggest.h"

#include <stdio.h>
#include <string.h>

enum { LETTERS_MAX = 40 }; /* longer words are compared by their beginning */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t suggest_distance(const char *a, const char *b)
{
    size_t table[LETTERS_MAX + 1][LETTERS_MAX + 1];
    size_t n = strnlen(a, LETTERS_MAX);
    size_t m = strnlen(b, LETTERS_MAX);

    for (size_t i = 0; i <= n; i++) {
        for (size_t j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                table[i][j] = i + j;
                continue;
            }
            size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            table[i][j] =
                least(least(table[i - 1][j], table[i][j - 1]) + 1, table[i - 1][j - 1] + change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                table[i][j] = least(table[i][j], table[i - 2][j - 2] + 1);
            }
        }
    }
    return table[n][m];
}

/* A word that the typed one begins ("pau" for "pause") is meant, however long the rest. */
static size_t distance_for_people(const char *word, const char *candidate)
{
    size_t typed = strlen(word);

    return typed >= 2 && strncmp(word, candidate, typed) == 0 ? 1
                                                              : suggest_distance(word, candidate);
}

void suggest_offer(struct suggestion_for *suggestion, const char *candidate)
{
    size_t distance = distance_for_people(suggestion->word, candidate);
    size_t allowed = strlen(suggestion->word) < 5 ? 1 : strlen(suggestion->word) < 9 ? 2 : 3;

    if (distance <= allowed && (suggestion->best == NULL || distance < suggestion->distance)) {
        suggestion->best = candidate;
        suggestion->distance = distance;
    }
}

const char *suggest_question(const struct suggestion_for *suggestion,
                             char text[SUGGEST_QUESTION_BYTES])
{
    text[0] = '\0';
    if (suggestion->best != NULL) {
        (void)snprintf(text, SUGGEST_QUESTION_BYTES, "did you mean %.70s? ", suggestion->best);
    }
    return text;
}
