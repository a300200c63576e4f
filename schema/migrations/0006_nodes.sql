-- For nodes on which trials fail because of the node. A node is where workers run: gpu07:0 and
-- gpu07:1 run on the node gpu07. One row for each of which there is something to keep.
CREATE TABLE node (
    name              TEXT PRIMARY KEY,
    failed            BLOB,                  -- pairs of little-endian int64, oldest first: a trial that
                                             -- failed there at once, and 1 if others succeeded since
    draining          INTEGER NOT NULL CHECK (draining IN (0, 1)),
    quarantined_at_ms INTEGER,               -- NULL: it is not
    others_at_ms      INTEGER,               -- the last success elsewhere, to the minute
    probe_at_ms       INTEGER,               -- when it may be given its next trial
    probes            INTEGER NOT NULL,      -- trials it was given in quarantine
    reason            TEXT                   -- why it is quarantined
) STRICT, WITHOUT ROWID;

-- A failure of this trial was put down to its node: that happens once at most.
ALTER TABLE trial ADD COLUMN excused INTEGER NOT NULL DEFAULT 0 CHECK (excused IN (0, 1));

-- What happened to a worker's node.
ALTER TABLE event ADD COLUMN worker TEXT;
ALTER TABLE event ADD COLUMN detail TEXT;
