-- Limits as they are edited: resource policies whole, presets, resource groups with who may use them, and what the scheduler
-- goes by. A limit that is NULL does not limit. `revision` grows with every change, so that nobody overwrites what they have
-- not seen.

-- Columns cannot lose their NOT NULL, so this one is made anew.
ALTER TABLE keypair_policies RENAME COLUMN max_sessions TO old_max_sessions;
ALTER TABLE keypair_policies ADD COLUMN max_sessions INTEGER;
UPDATE keypair_policies SET max_sessions = old_max_sessions;
ALTER TABLE keypair_policies DROP COLUMN old_max_sessions;
-- Whether slots that `total` does not name are unlimited; otherwise none of them may be held.
ALTER TABLE keypair_policies ADD COLUMN others_unlimited INTEGER NOT NULL DEFAULT 1;
ALTER TABLE keypair_policies ADD COLUMN max_pending INTEGER;
ALTER TABLE keypair_policies ADD COLUMN max_cluster INTEGER NOT NULL DEFAULT 1;
ALTER TABLE keypair_policies ADD COLUMN lifetime INTEGER;
ALTER TABLE keypair_policies ADD COLUMN idle_timeout INTEGER;
ALTER TABLE keypair_policies ADD COLUMN max_transfers INTEGER;
ALTER TABLE keypair_policies ADD COLUMN hosts TEXT NOT NULL DEFAULT '{}';
ALTER TABLE keypair_policies ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE keypair_policies ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
UPDATE keypair_policies SET created_at = unixepoch() * 1000;
-- As at a first start from now on.
UPDATE keypair_policies SET max_cluster = 16 WHERE name = 'default';
-- Followers are counted in every row of the list.
CREATE INDEX keypairs_following ON keypairs (policy) WHERE deleted = 0;

ALTER TABLE user_policies ADD COLUMN max_folders INTEGER;
ALTER TABLE user_policies ADD COLUMN max_folder_bytes INTEGER;
ALTER TABLE user_policies ADD COLUMN max_service_sessions INTEGER NOT NULL DEFAULT 10;
ALTER TABLE user_policies ADD COLUMN max_images INTEGER NOT NULL DEFAULT 3;
ALTER TABLE user_policies ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE user_policies ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
UPDATE user_policies SET created_at = unixepoch() * 1000;
CREATE INDEX users_following ON users (policy);

ALTER TABLE project_policies ADD COLUMN max_folders INTEGER;
ALTER TABLE project_policies ADD COLUMN max_folder_bytes INTEGER;
ALTER TABLE project_policies ADD COLUMN max_networks INTEGER;
ALTER TABLE project_policies ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE project_policies ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
UPDATE project_policies SET created_at = unixepoch() * 1000;
CREATE INDEX projects_following ON projects (policy);

ALTER TABLE resource_groups ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE resource_groups ADD COLUMN active INTEGER NOT NULL DEFAULT 1;
ALTER TABLE resource_groups ADD COLUMN public INTEGER NOT NULL DEFAULT 1;
ALTER TABLE resource_groups ADD COLUMN scheduler TEXT NOT NULL DEFAULT 'fifo';
ALTER TABLE resource_groups ADD COLUMN placement TEXT NOT NULL DEFAULT 'dispersed';
-- A JSON list.
ALTER TABLE resource_groups ADD COLUMN session_types TEXT NOT NULL DEFAULT '["interactive","batch","inference"]';
ALTER TABLE resource_groups ADD COLUMN pending_timeout INTEGER;
ALTER TABLE resource_groups ADD COLUMN retries_to_skip INTEGER;
ALTER TABLE resource_groups ADD COLUMN app_proxy TEXT NOT NULL DEFAULT '';
ALTER TABLE resource_groups ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE resource_groups ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
-- In no list, and its name is free. The row stays, because sessions that ended say where they ran.
ALTER TABLE resource_groups ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
UPDATE resource_groups SET created_at = unixepoch() * 1000;

-- Who may use a group: the people of these domains, and these projects.
CREATE TABLE resource_group_domains (
    resource_group TEXT NOT NULL REFERENCES resource_groups (name),
    domain_id      BLOB NOT NULL REFERENCES domains (id),
    PRIMARY KEY (resource_group, domain_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE resource_group_projects (
    resource_group TEXT NOT NULL REFERENCES resource_groups (name),
    project_id     BLOB NOT NULL REFERENCES projects (id),
    PRIMARY KEY (resource_group, project_id)
) STRICT, WITHOUT ROWID;
-- Until now every group was everybody's.
INSERT INTO resource_group_domains (resource_group, domain_id) SELECT g.name, d.id FROM resource_groups g, domains d;

CREATE TABLE presets (
    seq            INTEGER PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE,
    -- JSON; `cpu` (thousandths) and `mem` (bytes) are of it, to order by.
    slots          TEXT NOT NULL,
    cpu            INTEGER NOT NULL,
    mem            INTEGER NOT NULL,
    shared_memory  INTEGER,
    resource_group TEXT REFERENCES resource_groups (name),
    revision       INTEGER NOT NULL DEFAULT 1,
    created_at     INTEGER NOT NULL
) STRICT;

-- What the whole cluster goes by, as JSON.
CREATE TABLE settings (
    key      TEXT PRIMARY KEY NOT NULL,
    value    TEXT NOT NULL,
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
