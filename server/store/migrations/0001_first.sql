-- Times are milliseconds since 1970 (UTC), amounts thousandths, ids 16 bytes, sets and reports JSON.
-- Every sortable column of a list has an index that begins with what its tabs and scopes select by; the row's own
-- number (`seq`) is the tail of each, so that pages never show a row twice.

CREATE TABLE domains (
    id         BLOB PRIMARY KEY NOT NULL,
    name       TEXT NOT NULL,
    name_key   TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE projects (
    id         BLOB PRIMARY KEY NOT NULL,
    domain_id  BLOB NOT NULL REFERENCES domains (id),
    name       TEXT NOT NULL,
    name_key   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (domain_id, name_key)
) STRICT;

-- `email_key` and `username_key` are lower case: accounts are unique regardless of case.
CREATE TABLE users (
    seq           INTEGER PRIMARY KEY,
    id            BLOB NOT NULL UNIQUE,
    email         TEXT NOT NULL,
    email_key     TEXT NOT NULL UNIQUE,
    username      TEXT NOT NULL,
    username_key  TEXT NOT NULL UNIQUE,
    full_name     TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role          TEXT NOT NULL,
    status        TEXT NOT NULL,
    active        INTEGER NOT NULL GENERATED ALWAYS AS (status = 'active') STORED,
    domain_id     BLOB NOT NULL REFERENCES domains (id),
    description   TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    modified_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX users_created ON users (active, created_at);
CREATE INDEX users_modified ON users (active, modified_at);
CREATE INDEX users_email ON users (active, email_key);
CREATE INDEX users_username ON users (active, username_key);
CREATE INDEX users_full_name ON users (active, full_name);
CREATE INDEX users_role ON users (active, role, created_at);
CREATE INDEX users_domain ON users (domain_id, active, created_at);

-- Substrings of three and more characters are found here instead of by reading every row.
CREATE VIRTUAL TABLE users_text USING fts5 (
    email, username, full_name, description, content = 'users', content_rowid = 'seq', tokenize = 'trigram'
);
CREATE TRIGGER users_text_insert AFTER INSERT ON users BEGIN
    INSERT INTO users_text (rowid, email, username, full_name, description)
    VALUES (new.seq, new.email, new.username, new.full_name, new.description);
END;
CREATE TRIGGER users_text_update AFTER UPDATE OF email, username, full_name, description ON users BEGIN
    INSERT INTO users_text (users_text, rowid, email, username, full_name, description)
    VALUES ('delete', old.seq, old.email, old.username, old.full_name, old.description);
    INSERT INTO users_text (rowid, email, username, full_name, description)
    VALUES (new.seq, new.email, new.username, new.full_name, new.description);
END;

CREATE TABLE project_members (
    project_id BLOB NOT NULL REFERENCES projects (id),
    user_id    BLOB NOT NULL REFERENCES users (id),
    PRIMARY KEY (user_id, project_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX project_members_project ON project_members (project_id);

CREATE TABLE keypair_policies (
    name         TEXT PRIMARY KEY NOT NULL,
    max_sessions INTEGER NOT NULL,
    total        TEXT NOT NULL
) STRICT;

-- A keypair is what limits are counted by; the first of a person is their main one.
CREATE TABLE keypairs (
    access_key TEXT PRIMARY KEY NOT NULL,
    user_id    BLOB NOT NULL REFERENCES users (id),
    policy     TEXT NOT NULL REFERENCES keypair_policies (name),
    main       INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX keypairs_one_main ON keypairs (user_id) WHERE main = 1;

CREATE TABLE sign_ins (
    id         BLOB PRIMARY KEY NOT NULL,
    -- SHA-256 of the cookie's token: whoever reads the database cannot sign in with it.
    token_hash BLOB NOT NULL UNIQUE,
    user_id    BLOB NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    last_used  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    address    TEXT NOT NULL,
    browser    TEXT NOT NULL
) STRICT;
CREATE INDEX sign_ins_user ON sign_ins (user_id, last_used);

CREATE TABLE resource_groups (
    name TEXT PRIMARY KEY NOT NULL
) STRICT;

CREATE TABLE agents (
    name           TEXT PRIMARY KEY NOT NULL,
    resource_group TEXT NOT NULL REFERENCES resource_groups (name),
    first_contact  INTEGER NOT NULL,
    report         TEXT NOT NULL
) STRICT;

CREATE TABLE sessions (
    seq            INTEGER PRIMARY KEY,
    id             BLOB NOT NULL UNIQUE,
    name           TEXT NOT NULL,
    kind           TEXT NOT NULL,
    status         TEXT NOT NULL,
    finished       INTEGER NOT NULL GENERATED ALWAYS AS (status IN ('TERMINATED', 'CANCELLED', 'ERROR')) STORED,
    info           TEXT NOT NULL,
    user_id        BLOB NOT NULL REFERENCES users (id),
    access_key     TEXT NOT NULL REFERENCES keypairs (access_key),
    domain_id      BLOB NOT NULL REFERENCES domains (id),
    project_id     BLOB NOT NULL REFERENCES projects (id),
    resource_group TEXT NOT NULL REFERENCES resource_groups (name),
    image          TEXT NOT NULL,
    command        TEXT NOT NULL,
    cpu            INTEGER NOT NULL,
    mem            INTEGER NOT NULL,
    agent          TEXT,
    -- What its owner wants: 0 that it runs, 1 that it ends, 2 that it ends at once.
    stop_asked     INTEGER NOT NULL DEFAULT 0,
    outcome        TEXT,
    created_at     INTEGER NOT NULL,
    started_at     INTEGER,
    ended_at       INTEGER
) STRICT;
CREATE INDEX sessions_created ON sessions (finished, created_at);
CREATE INDEX sessions_name ON sessions (finished, name);
CREATE INDEX sessions_status ON sessions (finished, status);
CREATE INDEX sessions_cpu ON sessions (finished, cpu);
CREATE INDEX sessions_mem ON sessions (finished, mem);
CREATE INDEX sessions_user ON sessions (user_id, finished, created_at);
CREATE INDEX sessions_domain ON sessions (domain_id, finished, created_at);
-- Two living sessions of one person never share a name, so that a name is enough to say which one is meant.
CREATE UNIQUE INDEX sessions_living_name ON sessions (user_id, name) WHERE finished = 0;
-- What the queue and the reconciler read: only what has not ended.
CREATE INDEX sessions_living ON sessions (status, seq) WHERE finished = 0;

CREATE VIRTUAL TABLE sessions_text USING fts5 (name, content = 'sessions', content_rowid = 'seq', tokenize = 'trigram');
CREATE TRIGGER sessions_text_insert AFTER INSERT ON sessions BEGIN
    INSERT INTO sessions_text (rowid, name) VALUES (new.seq, new.name);
END;
CREATE TRIGGER sessions_text_update AFTER UPDATE OF name ON sessions BEGIN
    INSERT INTO sessions_text (sessions_text, rowid, name) VALUES ('delete', old.seq, old.name);
    INSERT INTO sessions_text (rowid, name) VALUES (new.seq, new.name);
END;

CREATE TABLE session_history (
    seq        INTEGER PRIMARY KEY,
    session_id BLOB NOT NULL REFERENCES sessions (id),
    at         INTEGER NOT NULL,
    status     TEXT NOT NULL,
    reason     TEXT NOT NULL
) STRICT;
CREATE INDEX session_history_session ON session_history (session_id, seq);

-- What open pages follow. AUTOINCREMENT: an id is never used twice, even after old events were dropped.
CREATE TABLE events (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    topic   TEXT NOT NULL,
    subject TEXT NOT NULL,
    owner   BLOB,
    domain  BLOB,
    notice  TEXT
) STRICT;

CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    -- Nobody for what the server does by itself.
    actor   BLOB,
    address TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT NOT NULL
) STRICT;
CREATE INDEX audit_subject ON audit (subject, id);

CREATE TABLE preferences (
    user_id BLOB NOT NULL REFERENCES users (id),
    key     TEXT NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;
