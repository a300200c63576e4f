-- For outcome constraints ("subject_to" of a study): what the bounded metrics of a trial were, one
-- little-endian double a bound, NaN where one was not reported. NULL: none is known.
ALTER TABLE trial ADD COLUMN bounded BLOB;
