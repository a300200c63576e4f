#!/bin/sh
# Trains fastText with the options given on the digits, written as words, and tests it.
set -e
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One word for each pixel that is not white: its place, and how dark it is.
awk -F, -v valid="$work/valid" -v train="$work/train" '{
    line = "__label__" $65
    for (i = 1; i <= 64; i++) if ($i > 0) line = line " p" i " p" i "-" int($i / 4)
    print line > (NR % 4 == 0 ? valid : train)
}' "$here/../digits/digits.csv"

fasttext supervised -input "$work/train" -output "$work/model" -thread 1 "$@"
fasttext test "$work/model.bin" "$work/valid"
