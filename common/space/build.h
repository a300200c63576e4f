/* The steps of building a space from JSON, one file each; for common/space/ alone. */
#ifndef COMMON_SPACE_BUILD_H
#define COMMON_SPACE_BUILD_H

#include "common/space/space.h"

#define SPACE_POINTER_BYTES 224

/* One parameter without its conditions. Whatever is wrong is a fault; `*param` can be finished in
 * any case and has a name if a legal one was given. */
void param_from_json(const json_t *json, const char *pointer, struct param *param,
                     struct faults *faults);
/* What a type of its own reads, after "name" and "type". */
void param_read_choices(struct fields *f, struct param *param);
void param_read_constant(struct fields *f, struct param *param);
void param_read_bool(struct fields *f, struct param *param);
void param_read_listed(struct fields *f, struct param *param); /* "values"; the scale is known */
void param_read_range(struct fields *f, struct param *param);  /* the scale is known */
/* Returns the index of the text among `names`, or 0 when it is missing or, with a fault, wrong. */
int param_read_word(struct fields *f, const char *name, const char *const names[], int n);
/* "when" of parameter i. Of parents that are `broken` themselves nothing is checked. */
void param_conditions_from_json(struct space *space, size_t i, const json_t *when,
                                const bool broken[], struct faults *faults);
/* Fills `constrained`. -1: out of memory. */
int space_find_constrained(struct space *space);
/* Draws what the constraints hang on, into x; whether they hold is not asked. */
void space_draw_constrained(const struct space *space, struct rng *rng, double x[]);
/* Fills by_name and next_namesake. Two names that meet in the environment are a fault. */
void space_order_names(struct space *space, struct faults *faults);
/* After the conditions: parameters of one name of which more than one may be active are a fault. */
void space_check_namesakes(const struct space *space, struct faults *faults);
/* Appends ~ and / as a JSON pointer has them: "/when" + "a/b" is "/when/a~1b". */
void space_member_pointer(char pointer[SPACE_POINTER_BYTES], const char *base, const char *name);
/* Parents before children; a cycle is a fault. */
void space_sort(struct space *space, struct faults *faults);
/* False, with a fault at the field `at`: it cannot be a choice. */
bool choice_is_sound(struct fields *f, const char *at, const json_t *choice);

/* A list of choices with those that were removed at their places. */
struct choice_list {
    json_t *all;      /* owned */
    bool *is_removed; /* of each; owned */
    size_t n_live;
};
void choice_list_finish(struct choice_list *list);
OWN_VALUE(choice_list)
/* `given`: the values that are left; reads "removed" beside them. False after a fault. */
bool choice_list_read(struct fields *f, const json_t *given, struct choice_list *list);
/* Fills `live`, and makes room for `shares`; nothing where none is removed. -1: out of memory. */
int param_note_removed(struct param *param, const bool is_removed[]);
/* Where the choice stands among the live ones; needs `live`. */
uint64_t param_live_rank(const struct param *param, double value);

#endif
