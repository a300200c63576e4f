-- When a token was last used. The server keeps this in memory and writes it now and then, so a kill
-- may lose the last ten minutes of it. NULL: never, or not known.
ALTER TABLE token ADD COLUMN used_at_ms INTEGER;
