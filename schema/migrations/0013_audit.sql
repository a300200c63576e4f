-- Who changed what: one row for each request that changed a study, a trial by hand, a token or a
-- node; what workers report is in the events. Kept for 400 days. No secret stands here.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,
    at_ms   INTEGER NOT NULL,
    token   TEXT NOT NULL,                   -- id; '' for a server without tokens, or the server itself
    address TEXT NOT NULL,                   -- of the client; '' for the server itself
    action  INTEGER NOT NULL,
    study   TEXT,                            -- its name, which another study may have by now
    trial   INTEGER,                         -- number
    target  TEXT,                            -- the id of a token, or a node
    detail  TEXT
) STRICT;
