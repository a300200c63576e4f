/* The search space in the arguments: -P NAME=DOMAIN, a small language that hone-run(1) describes.
 *
 *   lr=log:1e-5..1e-1        a float, searched by its logarithm
 *   momentum=0.5..0.99       a float; float:0..1 where both ends look like integers
 *   dropout=0..0.8:0.1       in steps of 0.1
 *   units=int:16..512:16     an integer in steps of 16; log-int:16..4096 by its logarithm
 *   gamma=log:1e-6..10/8     eight points when a grid is laid over it
 *   batch=16,32,64           exactly these numbers
 *   kernel=rbf,poly          one of these words, without order; "a,b",c quotes a comma
 *   net=[64,64],[128],null   one of these JSON values; "null" in quotes is a word
 *   size=ordinal:s,m,l       one of these words, in this order; choice:1,2 is one without
 *   noise=normal:0,1:-3..3   mean and deviation, cut off; lognormal: of the logarithm
 *   amp=bool                 true or false
 *   epochs=const:10          always this
 *   depth=int:2..5 if kernel=poly,rbf and fast=true
 *                            only where the other parameters have one of these values
 *   depth={"type": "int", …} the parameter as the API spells it, for weights and the like
 *
 * What has two readings is refused rather than guessed: 1..10 may be an integer or a float. */
#ifndef WORKER_CLI_DEFINE_PARAMS_H
#define WORKER_CLI_DEFINE_PARAMS_H

#include <jansson.h>

#include "common/err.h"

/* The API's object for one argument, a new reference. ERR_INVALID says what to write instead. */
MUST_USE int param_from_argument(const char *argument, json_t **parameter, struct err *err);

/* "epochs=1..81": the study's resource, {"name", "min", "max"}. */
MUST_USE int resource_from_argument(const char *argument, json_t **resource, struct err *err);

/* "hyperband,eta=4,search=tpe": a name and options, {"name": …, "eta": 4, …}; `name_key` is the
 * member that the name goes to. */
MUST_USE int choice_from_argument(const char *argument, const char *name_key, json_t **choice,
                                  struct err *err);

#endif
