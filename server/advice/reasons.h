/* The reasons for and against a technique, in sentences with numbers. */
#ifndef SERVER_ADVICE_REASONS_H
#define SERVER_ADVICE_REASONS_H

#include "server/advice/advice_item.h"

/* Fills pro and con of a ranked item. */
void advice_add_reasons(const struct problem *problem, const struct problem_features *features,
                        struct advice_item *item);

#endif
