-- Checkpoints that nobody needs any more, until a lease has told a worker so.
CREATE TABLE discard (
    id      INTEGER PRIMARY KEY,             -- in order of happening
    study   INTEGER NOT NULL,
    host    TEXT NOT NULL,                   -- whose workers reach it; '': any
    uri     TEXT NOT NULL,
    attempt INTEGER,                         -- whose lease lists it; NULL: none yet
    at_ms   INTEGER NOT NULL
) STRICT;
