#include "tests/fuzz/replay.h"

int main(int argc, char **argv)
{
    return replay(argc, argv);
}
