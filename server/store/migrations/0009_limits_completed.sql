-- What a person holds and how much of theirs waits is asked with every session that is started, however long their queue.
CREATE INDEX sessions_holding ON sessions (user_id) WHERE status IN ('SCHEDULED', 'PREPARING', 'RUNNING', 'TERMINATING');
CREATE INDEX sessions_waiting ON sessions (user_id) WHERE status = 'PENDING';
-- What a person asked for last.
CREATE INDEX sessions_owner ON sessions (user_id, seq);

-- A group that is served as the system says goes on with it when the system says otherwise.
UPDATE resource_groups SET scheduler = 'system' WHERE scheduler =
    coalesce((SELECT value ->> 'scheduler' FROM settings WHERE key = 'scheduler'), 'fifo');

-- Deprecated where it comes from: kept and shown, and limits nothing.
ALTER TABLE keypair_policies ADD COLUMN max_folders INTEGER;
