-- Domains and projects with what administrators set for them.

CREATE TABLE project_policies (
    name TEXT PRIMARY KEY NOT NULL
) STRICT;
INSERT INTO project_policies (name) VALUES ('default');

ALTER TABLE domains ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE domains ADD COLUMN active INTEGER NOT NULL DEFAULT 1;
-- JSON lists and maps: storage hosts that folders may lie on, and the most that all sessions may hold together.
ALTER TABLE domains ADD COLUMN hosts TEXT NOT NULL DEFAULT '{}';
ALTER TABLE domains ADD COLUMN slots TEXT NOT NULL DEFAULT '{}';
ALTER TABLE domains ADD COLUMN modified_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX domains_created ON domains (active, created_at);

ALTER TABLE projects ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE projects ADD COLUMN active INTEGER NOT NULL DEFAULT 1;
-- `general`, or `model-store` for the one whose folders are model cards.
ALTER TABLE projects ADD COLUMN kind TEXT NOT NULL DEFAULT 'general';
ALTER TABLE projects ADD COLUMN policy TEXT NOT NULL DEFAULT 'default';
ALTER TABLE projects ADD COLUMN hosts TEXT NOT NULL DEFAULT '{}';
ALTER TABLE projects ADD COLUMN slots TEXT NOT NULL DEFAULT '{}';
ALTER TABLE projects ADD COLUMN modified_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX projects_created ON projects (active, created_at);
CREATE INDEX projects_name ON projects (active, name_key);

-- Administers this project.
ALTER TABLE project_members ADD COLUMN admin INTEGER NOT NULL DEFAULT 0;
