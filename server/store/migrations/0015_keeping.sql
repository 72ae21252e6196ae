-- How far a session's marks have been moved because the clock was set, in milliseconds: what counts from its request, and what
-- counts from its start. The times that people see stay as they were.
ALTER TABLE sessions ADD COLUMN created_moved INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN started_moved INTEGER NOT NULL DEFAULT 0;

-- When the files of an ended session were removed.
ALTER TABLE sessions ADD COLUMN files_removed_at INTEGER;
CREATE INDEX sessions_files ON sessions (ended_at) WHERE ended_at IS NOT NULL AND files_removed_at IS NULL;

-- What is forgotten first.
CREATE INDEX session_history_at ON session_history (at);

-- Empty: rows that are written and deleted keep space in the file for when the disk is full.
CREATE TABLE spare (bytes BLOB NOT NULL) STRICT;
