-- What administrators set for a person besides name and role, and keypairs that can sign.

-- Columns that are added later cannot both refer to another table and have a value, so `policy` is kept right by the rules.
CREATE TABLE user_policies (
    name TEXT PRIMARY KEY NOT NULL
) STRICT;
INSERT INTO user_policies (name) VALUES ('default');

ALTER TABLE users ADD COLUMN status_info TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN policy TEXT NOT NULL DEFAULT 'default';
-- Says that the password was given by somebody else; nothing is blocked by it.
ALTER TABLE users ADD COLUMN must_change_password INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN sudo INTEGER NOT NULL DEFAULT 0;
-- A JSON list of addresses and networks; an empty one allows any.
ALTER TABLE users ADD COLUMN addresses TEXT NOT NULL DEFAULT '[]';
ALTER TABLE users ADD COLUMN two_factor INTEGER NOT NULL DEFAULT 0;
CREATE INDEX users_policy ON users (active, policy);
CREATE INDEX users_must_change_password ON users (active, must_change_password);
CREATE INDEX users_sudo ON users (active, sudo);
CREATE INDEX users_two_factor ON users (active, two_factor);
CREATE INDEX users_status ON users (active, status);
-- Who could still administer everything, however many people there are.
CREATE INDEX users_superadmins ON users (id) WHERE role = 'superadmin' AND status = 'active';

-- Encrypted with a key that lies outside the database; none for keypairs that only limits are counted by.
ALTER TABLE keypairs ADD COLUMN secret BLOB;
-- Deleted for ever: no secret, in no list. The row stays, because sessions that ended say what they were counted by.
ALTER TABLE keypairs ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keypairs ADD COLUMN active INTEGER NOT NULL DEFAULT 1;
-- Requests in 15 minutes.
ALTER TABLE keypairs ADD COLUMN rate_limit INTEGER NOT NULL DEFAULT 10000;
ALTER TABLE keypairs ADD COLUMN last_used INTEGER;
ALTER TABLE keypairs ADD COLUMN queries INTEGER NOT NULL DEFAULT 0;
CREATE INDEX keypairs_created ON keypairs (active, created_at);
CREATE INDEX keypairs_user ON keypairs (user_id, active);
CREATE INDEX keypairs_policy ON keypairs (active, policy);
