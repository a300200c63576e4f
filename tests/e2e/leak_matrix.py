#!/usr/bin/env python3
"""The leak matrix, a cell for each shape of job, kill boundary and end: processes left, of how many.

test_leaks.py runs the same with all shapes of a boundary and end under one worker. Here each cell has
a worker of its own, and is repeated.

    build/…$ HONE=… LEAKY=… leak_matrix.py [REPEATS]
"""

import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import leaks  # noqa: E402


def cell(boundary, end, shape):
    with tempfile.TemporaryDirectory(prefix="hone-") as tmp:
        (_, _, n, left), = leaks.run(pathlib.Path(tmp), [boundary], [end], [shape])
    return len(left), n


def main(repeats):
    total = 0
    for boundary in leaks.BOUNDARIES:
        print(f"\n{boundary:14}" + "".join(f"{end:>18}" for end in leaks.ENDS))
        for shape in leaks.SHAPES:
            row = f"{shape:14}"
            for end in leaks.ENDS:
                found = [cell(boundary, end, shape) for _ in range(repeats)]
                left, n = (sum(column) for column in zip(*found))
                total += left
                row += f"{f'{left} of {n}':>18}"
            print(row, flush=True)
    print(f"\n{total} left")
    sys.exit(1 if total else 0)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
