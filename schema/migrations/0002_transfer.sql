-- What a study took over from the ones it comes after ("after" in its body), in its own parameters:
-- copied when it was made, so that its suggestions can be made again whatever becomes of those.
-- At most 100 rows of each of at most 8 older studies.
CREATE TABLE transfer (
    study  INTEGER NOT NULL REFERENCES study (id),
    place  INTEGER NOT NULL,                 -- in "after", from 0
    number INTEGER NOT NULL,                 -- of the trial, there
    state  INTEGER NOT NULL CHECK (state IN (3, 4)),
    config BLOB NOT NULL,                    -- n_params little-endian doubles, NaN: not known
    value  REAL NOT NULL,
    step   INTEGER NOT NULL,
    PRIMARY KEY (study, place, number)
) STRICT, WITHOUT ROWID;
