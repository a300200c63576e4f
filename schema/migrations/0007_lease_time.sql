-- A worker may ask for a lease that lasts longer than its study says: for a bundle of trials that run
-- without a network for days.
ALTER TABLE attempt ADD COLUMN ttl_ms INTEGER; -- NULL: the study's
