/* Steps of a resource, which may be fractions: quarter epochs, seconds of a clock.
 *
 * A study counts its resource in units of 10^-digits; with digits 0, which most studies have, the
 * unit is one whole step. Inside server and worker a step is a whole number of units. In messages,
 * files, arguments and texts it is a decimal. This is the one place that converts, and it does so
 * exactly: no step has more than 15 digits where it has a fraction, so that the double of a JSON
 * number holds it as it is written and 3 times 0.1 is printed as 0.3. Nothing here allocates; safe
 * from any thread. */
#ifndef COMMON_STEP_H
#define COMMON_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/json.h"

#define STEP_DIGITS_MAX 12
#define STEP_AS_SAID (-1) /* the digits of a message whose study is not known yet */
#define STEP_BYTES 40

/* The highest step in units: 2^53 - 1 whole ones, 10^15 of a fraction. */
int64_t step_most(int digits);
/* How many units one whole step has: 10^digits. */
int64_t step_whole(int digits);
/* The step as a decimal, without zeros at its end; returns `text`. */
const char *step_format(int64_t step, int digits, char text[STEP_BYTES]);
/* How much of a resource's name, a plural, is written beside a step, for "%.*s": 5 of "epochs"
 * beside "1", all of it beside anything else. */
int step_unit_bytes(const char *step, const char *resource);
/* The same as a number. */
double step_number(int64_t step, int digits);
/* *step ← the nearest number of units, a half rounded up. False: negative, above step_most(), no
 * number, or, with digits 0, not whole: a whole step is never made of a fraction. */
bool step_from_number(double number, int digits, int64_t *step);
/* The decimals of a finite number in its shortest form: 2 for 0.25, 0 for 16. */
int step_decimals(double number);
/* The digits of a unit, 0 for 1 and 3 for 0.001; -1: no power of ten from 1e-12 to 1. */
int step_unit_digits(double unit);

/* The digits of the unit in which a resource is counted that names none: 0 where min, max and step
 * are whole (NaN: not said), else three more than they have, for reports between rungs, as far as
 * max has 15 digits in all then. -1: they have too many themselves. */
int step_default_digits(double min, double max, double step);
/* The same for the "resource" of a study, whose `unit` stands above it; 0 for none. */
int step_resource_digits(const json_t *resource);

/* ---- in JSON ---- */

void json_write_step(struct json_writer *w, int64_t step, int digits);
void json_put_step(struct json_writer *w, const char *key, int64_t step, int digits);
/* A step of low..high units, as said: `fallback` where it is missing or null, and after a fault. A
 * number with more decimals than the unit has is a fault too. */
int64_t fields_step(struct fields *fields, const char *name, int digits, int64_t fallback,
                    int64_t low, int64_t high);
/* A member in whole units, such as one that our own side has written; the nearest one otherwise. */
int64_t fields_step_nearest(struct fields *fields, const char *name, int digits, int64_t fallback);

#endif
