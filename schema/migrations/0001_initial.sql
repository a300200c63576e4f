-- The first schema. What each table is for, and what keeps it small: DESIGN.md "Storage".
-- Moments are milliseconds in UTC. States and ends are the numbers of server/domain/trial.h.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row a study: what was asked, where it stands, and its counters, which are written once a
-- group however many of its trials moved.
CREATE TABLE study (
    id             INTEGER PRIMARY KEY CHECK (id > 0),
    name           TEXT NOT NULL,
    accepted       TEXT NOT NULL,            -- the body first accepted, normalised
    definition     TEXT NOT NULL,            -- the body as PATCH left it, normalised
    state          INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
    reason         INTEGER NOT NULL CHECK (reason BETWEEN 0 AND 7),
    revision       INTEGER NOT NULL,
    created_at_ms  INTEGER NOT NULL,
    started_at_ms  INTEGER,                  -- the first lease
    paused_at_ms   INTEGER,                  -- since when it is not running, if it is not
    paused_ms      INTEGER NOT NULL,         -- pauses before that
    deleted_at_ms  INTEGER,
    last_number    INTEGER NOT NULL,         -- of its trials
    last_ordinal   INTEGER NOT NULL,         -- of its suggestions
    leased_trials  INTEGER NOT NULL,         -- trials leased at least once
    resource_spent INTEGER NOT NULL,         -- steps trained by all attempts
    exhausted      INTEGER NOT NULL CHECK (exhausted IN (0, 1)),
    target_reached INTEGER NOT NULL CHECK (target_reached IN (0, 1)),
    counts         BLOB NOT NULL,            -- 8 little-endian int64: trials by state
    best_trial     INTEGER,                  -- number
    best_value     REAL,
    best_resource  INTEGER                   -- the highest resource a trial reached
) STRICT;
CREATE UNIQUE INDEX study_name ON study (name) WHERE deleted_at_ms IS NULL;

CREATE TABLE metric (
    study INTEGER NOT NULL REFERENCES study (id),
    id    INTEGER NOT NULL,
    name  TEXT NOT NULL,
    PRIMARY KEY (study, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE worker (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE trial (
    id            INTEGER PRIMARY KEY,       -- study << 32 | number
    state         INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7),
    reason        TEXT,
    source        INTEGER NOT NULL CHECK (source BETWEEN 0 AND 2),
    fallback      INTEGER NOT NULL CHECK (fallback IN (0, 1)),
    ordinal       INTEGER,
    attempt       INTEGER NOT NULL,          -- number of the newest, 0 before the first
    attempt_id    INTEGER,                   -- row of the newest
    losses        INTEGER NOT NULL,          -- attempts that ended lost
    failures      INTEGER NOT NULL,          -- attempts that failed by themselves
    config        BLOB NOT NULL,             -- n_params little-endian doubles, NaN: inactive
    value         REAL,                      -- the objective, folded; NULL: none, NaN or several
    objectives    BLOB,                      -- doubles, where there are several
    metrics       TEXT,                      -- JSON: values at the final step
    step          INTEGER,
    explain       TEXT,                      -- JSON: the suggestion's provenance
    created_at_ms INTEGER NOT NULL,
    started_at_ms INTEGER,
    ended_at_ms   INTEGER,
    ended_seq     INTEGER,                   -- event that ended it
    CHECK ((state >= 3) = (ended_at_ms IS NOT NULL))
) STRICT;
CREATE INDEX trial_open ON trial (id) WHERE ended_at_ms IS NULL;

CREATE TABLE attempt (
    id           INTEGER PRIMARY KEY,    trial        INTEGER NOT NULL REFERENCES trial (id) DEFERRABLE INITIALLY DEFERRED,
    number       INTEGER NOT NULL,
    secret       BLOB NOT NULL CHECK (length(secret) = 12),
    worker       INTEGER NOT NULL REFERENCES worker (id),
    request      BLOB,                       -- hash of (token, worker, request id)
    from_step    INTEGER NOT NULL,
    to_step      INTEGER NOT NULL,           -- 0: without resource
    leased_at_ms INTEGER NOT NULL,
    end          INTEGER NOT NULL CHECK (end BETWEEN 0 AND 10),
    reason       TEXT,
    detail       TEXT,
    step         INTEGER,
    late         INTEGER NOT NULL CHECK (late IN (0, 1)),
    result       BLOB,                       -- hash of the accepted result
    checkpoint   TEXT,                       -- JSON {"uri", "step", "reach"}
    usage        TEXT,                       -- JSON
    ended_at_ms  INTEGER
) STRICT;
CREATE INDEX attempt_trial ON attempt (trial, number);

-- Results that came when they could no longer count.
CREATE TABLE evidence (
    id      INTEGER PRIMARY KEY,
    attempt INTEGER NOT NULL REFERENCES attempt (id),
    at_ms   INTEGER NOT NULL,
    body    TEXT NOT NULL
) STRICT;

CREATE TABLE measurement (
    trial   INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    metric  INTEGER NOT NULL,
    step    INTEGER NOT NULL,
    value   REAL,                            -- NULL is NaN
    PRIMARY KEY (trial, attempt, metric, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    seq     INTEGER PRIMARY KEY,
    study   INTEGER NOT NULL,
    kind    INTEGER NOT NULL,
    trial   INTEGER,                         -- number
    attempt INTEGER,                         -- number
    at_ms   INTEGER NOT NULL
) STRICT;

-- What happened to the schedules, in order: replayed at start, they rebuild brackets and rungs.
CREATE TABLE fact (
    id      INTEGER PRIMARY KEY,
    study   INTEGER NOT NULL,
    fact    INTEGER NOT NULL,
    trial   INTEGER NOT NULL,
    bracket INTEGER NOT NULL,
    step    INTEGER NOT NULL,
    value   REAL,
    at_ms   INTEGER NOT NULL
) STRICT;
CREATE INDEX fact_study ON fact (study, id);

-- Model fits: inputs of later suggestions, never recomputed.
CREATE TABLE fit (
    id     INTEGER PRIMARY KEY,
    study  INTEGER NOT NULL,
    n_seen INTEGER NOT NULL,                  -- finished trials it was made from
    data   BLOB NOT NULL
) STRICT;
CREATE INDEX fit_study ON fit (study, id);

-- Replies to requests with an Idempotency-Key, for 24 hours.
CREATE TABLE reply (
    key       BLOB PRIMARY KEY,              -- hash of (token, method, path, key)
    body      BLOB NOT NULL,                 -- hash of the request body
    status    INTEGER NOT NULL,
    text      TEXT NOT NULL,
    at_ms     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX reply_age ON reply (at_ms);

CREATE TABLE token (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    sha256        BLOB NOT NULL CHECK (length(sha256) = 32),
    scopes        INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER,
    revoked_at_ms INTEGER
) STRICT, WITHOUT ROWID;
