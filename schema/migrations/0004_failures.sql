-- For the default of limits.failures: how many trials in a row have failed by themselves, and whether
-- any trial of the study ever had a value.
ALTER TABLE study ADD COLUMN failed_in_row INTEGER NOT NULL DEFAULT 0;
ALTER TABLE study ADD COLUMN has_value INTEGER NOT NULL DEFAULT 0 CHECK (has_value IN (0, 1));
UPDATE study SET has_value = EXISTS (
    SELECT 1 FROM trial
    WHERE trial.id > (study.id << 32) AND trial.id < ((study.id + 1) << 32)
      AND trial.source < 2
      AND (trial.value IS NOT NULL OR trial.objectives IS NOT NULL)
);
