/* A fuzz target is a function as libFuzzer calls it; under gcc replay.c calls it instead, from
 * replay_main.c or from the main() of a target that has one. */
#ifndef TESTS_FUZZ_REPLAY_H
#define TESTS_FUZZ_REPLAY_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Runs with the arguments of a program; returns its exit status. */
int replay(int argc, char **argv);

#endif
