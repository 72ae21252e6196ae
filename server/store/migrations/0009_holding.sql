-- What a person holds and how much of theirs waits is asked with every session that is started, however long their queue.
CREATE INDEX sessions_holding ON sessions (user_id) WHERE status IN ('SCHEDULED', 'PREPARING', 'RUNNING', 'TERMINATING');
CREATE INDEX sessions_waiting ON sessions (user_id) WHERE status = 'PENDING';
-- What a person asked for last.
CREATE INDEX sessions_owner ON sessions (user_id, seq);
