-- How many reported values have overwritten another one, and how many were ignored because another
-- one stays: of all attempts of the trial.
ALTER TABLE trial ADD COLUMN replaced INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trial ADD COLUMN ignored INTEGER NOT NULL DEFAULT 0;
