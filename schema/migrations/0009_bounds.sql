-- For outcome constraints ("subject_to" of a study): what the bounded metrics of a trial were, one
-- little-endian double a bound, NaN where one was not reported. NULL: none is known.
ALTER TABLE trial ADD COLUMN bounded BLOB;
-- How many completed trials are known to be feasible, and of which bounds the metric was ever
-- reported, one bit a bound.
ALTER TABLE study ADD COLUMN feasible_trials INTEGER NOT NULL DEFAULT 0;
ALTER TABLE study ADD COLUMN bounds_seen INTEGER NOT NULL DEFAULT 0;
