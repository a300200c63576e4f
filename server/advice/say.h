/* Numbers in sentences, and sentences in arrays. */
#ifndef SERVER_ADVICE_SAY_H
#define SERVER_ADVICE_SAY_H

#include <jansson.h>

#define SAY_BYTES 48

/* "276", "1,581", "0.14": three digits that count, whole thousands in full. */
const char *say_number(double x, char text[SAY_BYTES]);
/* "40 ms", "90 s", "2 h 5 min", "3.2 days". */
const char *say_span(double seconds, char text[SAY_BYTES]);

/* Appends a sentence; NULL swallows it. Out of memory loses the sentence and nothing else. */
void say(json_t *sentences, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
