/* Sentences in JSON arrays, and numbers formatted for them. */
#ifndef SERVER_ADVICE_SENTENCE_H
#define SERVER_ADVICE_SENTENCE_H

#include <jansson.h>

#include "server/advice/benchmark.h"

#define NUMBER_TEXT_BYTES 48

/* "276", "1,581", "0.14": three significant digits, whole thousands in full. Returns text. */
const char *number_text(double x, char text[NUMBER_TEXT_BYTES]);
/* "40 ms", "90 s", "2 h 5 min", "3.2 days". Returns text. */
const char *duration_text(double seconds, char text[NUMBER_TEXT_BYTES]);

/* "0.05 (0.04-0.06)": a regret with its interval of 95 %, "0.05" where that is not known. Returns
 * text. */
const char *regret_text(struct figure figure, char text[NUMBER_TEXT_BYTES]);

/* Appends a sentence; nothing where `sentences` is NULL or memory is exhausted, for which callers
 * look by json_check() once they have added all. */
void sentence_add(json_t *sentences, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
