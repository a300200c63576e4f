-- Which database this is and how far it has come, so that one that has lost what was on disk is
-- recognised (server/store/hwm.h).
CREATE TABLE store (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    identity      TEXT NOT NULL,             -- drawn when this table is made
    epoch         INTEGER NOT NULL,          -- from 1; one more each time writes are given up
    last_attempt  INTEGER NOT NULL,          -- of the earlier epochs, whose leases hold no more
    commit_number INTEGER NOT NULL           -- groups of writes, this one included
) STRICT;
INSERT INTO store (id, identity, epoch, last_attempt, commit_number)
VALUES (1, lower(hex(randomblob(16))), 1, 0, 0);
