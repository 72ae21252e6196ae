-- What a session asks for beyond a core count, where it lies, and what may end it.

-- JSON: what each of its containers gets, and the agent of each, in their order. `cpu` and `mem` are what all of them get.
ALTER TABLE sessions ADD COLUMN slots TEXT NOT NULL DEFAULT '{}';
ALTER TABLE sessions ADD COLUMN agents TEXT NOT NULL DEFAULT '[]';
ALTER TABLE sessions ADD COLUMN cluster_mode TEXT NOT NULL DEFAULT 'single-node';
ALTER TABLE sessions ADD COLUMN cluster_size INTEGER NOT NULL DEFAULT 1;
ALTER TABLE sessions ADD COLUMN priority INTEGER NOT NULL DEFAULT 10;
-- What was asked for, whole, without the values of secrets; and the environment with them, encrypted.
ALTER TABLE sessions ADD COLUMN request TEXT NOT NULL DEFAULT '{}';
ALTER TABLE sessions ADD COLUMN env BLOB;
-- When it last did anything, as far as that is known.
ALTER TABLE sessions ADD COLUMN last_active INTEGER;
-- Why it was asked to end, by whom or by what.
ALTER TABLE sessions ADD COLUMN end_reason TEXT NOT NULL DEFAULT '';

UPDATE sessions SET slots = json_object('cpu', printf('%d.%03d', cpu / 1000, cpu % 1000), 'mem', printf('%d', mem));
UPDATE sessions SET agents = json_array(agent) WHERE agent IS NOT NULL;
CREATE INDEX sessions_priority ON sessions (finished, priority);
CREATE INDEX sessions_key ON sessions (access_key, created_at);
CREATE INDEX sessions_user_name ON sessions (user_id, name);
-- The public API lists sessions whether or not they have ended.
CREATE INDEX sessions_all ON sessions (created_at);
-- How long sessions of a group last.
CREATE INDEX sessions_lengths ON sessions (resource_group, ended_at) WHERE status = 'TERMINATED';
CREATE INDEX sessions_group ON sessions (resource_group) WHERE finished = 0;

CREATE TABLE session_dependencies (
    session_id BLOB NOT NULL REFERENCES sessions (id),
    depends_on BLOB NOT NULL REFERENCES sessions (id),
    PRIMARY KEY (session_id, depends_on)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_dependencies_on ON session_dependencies (depends_on);

-- 0: gets no new sessions. Since when it does not answer; nothing while it does.
ALTER TABLE agents ADD COLUMN schedulable INTEGER NOT NULL DEFAULT 1;
ALTER TABLE agents ADD COLUMN lost_at INTEGER;
ALTER TABLE agents ADD COLUMN address TEXT NOT NULL DEFAULT '';
CREATE INDEX agents_group ON agents (resource_group);
