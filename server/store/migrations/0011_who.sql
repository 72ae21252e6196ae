-- When a person last used the console. Sign-ins are deleted when they end, so it cannot come from them.
ALTER TABLE users ADD COLUMN last_seen INTEGER;
UPDATE users SET last_seen = seen.at FROM (
    SELECT person, max(at) AS at FROM (
        SELECT user_id AS person, last_used AS at FROM sign_ins
        UNION ALL
        SELECT actor, at FROM audit WHERE action = 'sign-in'
    ) GROUP BY person
) AS seen WHERE users.id = seen.person;

-- Somebody other than its owner deactivated it: the owner does not activate it again.
ALTER TABLE keypairs ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
UPDATE keypairs SET held = 1 WHERE active = 0 AND user_id <> (
    SELECT actor FROM audit
    WHERE subject = access_key AND action = 'edit keypair' AND detail ->> '$.before.active' = 1 AND detail ->> '$.after.active' = 0
    ORDER BY id DESC LIMIT 1
);

-- Several links for a person: one that anybody can ask for does not end those before it.
CREATE TABLE links (
    token_hash BLOB PRIMARY KEY NOT NULL,
    user_id    BLOB NOT NULL REFERENCES users (id),
    expires_at INTEGER NOT NULL,
    -- An administrator made it.
    made       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO links (token_hash, user_id, expires_at, made) SELECT token_hash, user_id, expires_at, made FROM password_links;
DROP TABLE password_links;
ALTER TABLE links RENAME TO password_links;
CREATE INDEX password_links_user ON password_links (user_id);
