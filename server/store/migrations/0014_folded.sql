-- Names are compared by keys that ignore case and normal form (`fold`, a function that the server gives to every connection).
-- Until now keys were only lower case. Where two names have become the same one, the later keeps its old key.

DROP TRIGGER users_text_insert;
DROP TRIGGER users_text_update;
DROP TABLE users_text;

ALTER TABLE users ADD COLUMN full_name_key TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN description_key TEXT NOT NULL DEFAULT '';
DROP INDEX users_full_name;
UPDATE users SET full_name_key = fold(full_name), description_key = fold(description);
UPDATE OR IGNORE users SET email_key = fold(email) WHERE email_key <> fold(email);
UPDATE OR IGNORE users SET username_key = fold(username) WHERE username_key <> fold(username);
UPDATE OR IGNORE domains SET name_key = fold(name) WHERE name_key <> fold(name);
UPDATE OR IGNORE projects SET name_key = fold(name) WHERE name_key <> fold(name);
CREATE INDEX users_full_name ON users (active, full_name_key);

-- Keys are folded already: the tokenizer does not do it in a way of its own.
CREATE VIRTUAL TABLE users_text USING fts5 (
    email_key, username_key, full_name_key, description_key, content = 'users', content_rowid = 'seq',
    tokenize = 'trigram case_sensitive 1'
);
INSERT INTO users_text (users_text) VALUES ('rebuild');
CREATE TRIGGER users_text_insert AFTER INSERT ON users BEGIN
    INSERT INTO users_text (rowid, email_key, username_key, full_name_key, description_key)
    VALUES (new.seq, new.email_key, new.username_key, new.full_name_key, new.description_key);
END;
CREATE TRIGGER users_text_update AFTER UPDATE OF email_key, username_key, full_name_key, description_key ON users BEGIN
    INSERT INTO users_text (users_text, rowid, email_key, username_key, full_name_key, description_key)
    VALUES ('delete', old.seq, old.email_key, old.username_key, old.full_name_key, old.description_key);
    INSERT INTO users_text (rowid, email_key, username_key, full_name_key, description_key)
    VALUES (new.seq, new.email_key, new.username_key, new.full_name_key, new.description_key);
END;

-- Names of sessions are ASCII.
DROP INDEX sessions_name;
CREATE INDEX sessions_name ON sessions (finished, name COLLATE NOCASE);

-- Names of a few policies in many rows: the key is in the index only.
DROP INDEX users_policy;
CREATE INDEX users_policy ON users (active, fold(policy));
DROP INDEX keypairs_policy;
CREATE INDEX keypairs_policy ON keypairs (active, fold(policy));
