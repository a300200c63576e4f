-- Studies that were deleted and are still there, by name: a study made again under the name goes on
-- with their revisions, and what has been kept long enough is found without a look at the others.
CREATE INDEX study_deleted ON study (name, revision, deleted_at_ms) WHERE deleted_at_ms IS NOT NULL;
