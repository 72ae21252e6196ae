-- Long work: who asked for what, and how it ended. Work whose server was killed is begun again from `input`.
CREATE TABLE tasks (
    id          BLOB PRIMARY KEY NOT NULL,
    kind        TEXT NOT NULL,
    owner       BLOB NOT NULL REFERENCES users (id),
    address     TEXT NOT NULL,
    state       TEXT NOT NULL,
    -- Somebody has asked for it to be cancelled.
    cancel      INTEGER NOT NULL DEFAULT 0,
    message     TEXT NOT NULL DEFAULT '',
    -- JSON, encrypted: what was asked for, and the answer. Both may hold passwords.
    input       BLOB NOT NULL,
    outcome     BLOB,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE INDEX tasks_finished ON tasks (finished_at);
