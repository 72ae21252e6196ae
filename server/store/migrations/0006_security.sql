-- Numbers of a person's processes in containers; supplementary groups are a JSON list.
ALTER TABLE users ADD COLUMN uid INTEGER;
ALTER TABLE users ADD COLUMN gid INTEGER;
ALTER TABLE users ADD COLUMN gids TEXT NOT NULL DEFAULT '[]';

-- Two-factor authentication. The secrets are encrypted with the key that lies outside the database. A pending one was shown to
-- its owner, who has not yet typed a code that was made with it.
ALTER TABLE users ADD COLUMN totp_secret BLOB;
ALTER TABLE users ADD COLUMN totp_pending BLOB;
-- The number of the last code's time step: a code that was seen once does not open the door twice.
ALTER TABLE users ADD COLUMN totp_step INTEGER NOT NULL DEFAULT 0;
-- SHA-256 of each code: they are random enough that guessing one is hopeless, and are gone when used.
CREATE TABLE recovery_codes (
    user_id   BLOB NOT NULL REFERENCES users (id),
    code_hash BLOB NOT NULL,
    PRIMARY KEY (user_id, code_hash)
) STRICT, WITHOUT ROWID;

-- Links with which somebody who forgot their password chooses another one: one for a person at a time, used once.
CREATE TABLE password_links (
    user_id    BLOB PRIMARY KEY NOT NULL REFERENCES users (id),
    token_hash BLOB NOT NULL UNIQUE,
    expires_at INTEGER NOT NULL,
    -- An administrator made it: a question that anybody can ask does not replace it.
    made       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- When a person last asked for one and none could be sent to them.
ALTER TABLE users ADD COLUMN link_asked INTEGER;
-- When anybody last asked for one in their name, sent or not: once in a while is enough.
ALTER TABLE users ADD COLUMN link_question INTEGER NOT NULL DEFAULT 0;

-- Names of domains and projects in other systems.
ALTER TABLE domains ADD COLUMN integration TEXT NOT NULL DEFAULT '';
ALTER TABLE projects ADD COLUMN integration TEXT NOT NULL DEFAULT '';

-- The project in the header narrows the list of sessions.
CREATE INDEX sessions_project ON sessions (project_id, finished, created_at);

-- A person's domain by name beside its id, so that a list can be ordered by it from an index; kept by the triggers alone.
ALTER TABLE users ADD COLUMN domain_key TEXT NOT NULL DEFAULT '';
UPDATE users SET domain_key = (SELECT name_key FROM domains WHERE id = domain_id);
CREATE INDEX users_domain_name ON users (active, domain_key);
CREATE TRIGGER users_domain_key_insert AFTER INSERT ON users BEGIN
    UPDATE users SET domain_key = (SELECT name_key FROM domains WHERE id = new.domain_id) WHERE seq = new.seq;
END;
CREATE TRIGGER users_domain_key_move AFTER UPDATE OF domain_id ON users BEGIN
    UPDATE users SET domain_key = (SELECT name_key FROM domains WHERE id = new.domain_id) WHERE seq = new.seq;
END;
CREATE TRIGGER users_domain_key_rename AFTER UPDATE OF name_key ON domains WHEN old.name_key <> new.name_key BEGIN
    UPDATE users SET domain_key = new.name_key WHERE domain_id = new.id;
END;
