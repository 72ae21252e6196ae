-- Why an agent gets no new sessions, and since when; nothing while it does.
ALTER TABLE agents ADD COLUMN closed_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE agents ADD COLUMN closed_at INTEGER;
