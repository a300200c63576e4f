-- What decisions were made from, so that they can be made again (server/replay).

-- What a suggestion had seen: server/suggester/basis.h. NULL: it needed nothing, or is older.
ALTER TABLE trial ADD COLUMN basis BLOB;

-- The first fact of each call into a schedule: the newest event at that time, which call it was and
-- under which circumstances (server/schedule/record.h), the step that it named, and the highest step
-- that its trial had measured before. NULL: not the first of its call, or older.
ALTER TABLE fact ADD COLUMN seq INTEGER;
ALTER TABLE fact ADD COLUMN call INTEGER;
ALTER TABLE fact ADD COLUMN call_step INTEGER;
ALTER TABLE fact ADD COLUMN reached INTEGER;

-- How a trial stood after an event, where its row has changed since: when it paused, and when it
-- ended and was tried again.
CREATE TABLE standing (
    trial INTEGER NOT NULL,
    seq   INTEGER NOT NULL,                  -- the event
    state INTEGER NOT NULL,
    step  INTEGER,
    value BLOB NOT NULL,                     -- doubles, one an objective, or none
    bounded BLOB NOT NULL,                   -- doubles, one a bound, or none
    PRIMARY KEY (trial, seq)
) STRICT, WITHOUT ROWID;

-- Definitions that were changed.
CREATE TABLE former_definition (
    study      INTEGER NOT NULL,
    seq        INTEGER NOT NULL,             -- the newest event while it held
    definition TEXT NOT NULL,
    PRIMARY KEY (study, seq)
) STRICT, WITHOUT ROWID;
