-- For limits.guest_share: how many trials were enqueued, without those that were cancelled before their
-- first lease.
ALTER TABLE study ADD COLUMN enqueued_trials INTEGER NOT NULL DEFAULT 0;
UPDATE study SET enqueued_trials = (
    SELECT count(*) FROM trial
    WHERE trial.id > (study.id << 32) AND trial.id < ((study.id + 1) << 32)
      AND trial.source = 1
      AND (trial.attempt > 0 OR trial.state <> 7)
);
