-- An index for each property by which a large list is filtered, where there was none.
CREATE INDEX users_info ON users (status_info) WHERE status_info <> '';
CREATE INDEX users_description ON users (description_key) WHERE description_key <> '';
CREATE INDEX sessions_image ON sessions (image);
CREATE INDEX sessions_agents ON sessions (agents);
CREATE INDEX sessions_in_group ON sessions (resource_group, finished);
CREATE INDEX audit_action ON audit (action);
CREATE INDEX audit_address ON audit (address);

-- Lists show no keypairs that are marked as deleted.
DROP INDEX keypairs_created;
DROP INDEX keypairs_policy;
DROP INDEX keypairs_by_rate;
DROP INDEX keypairs_by_use;
DROP INDEX keypairs_by_key;
CREATE INDEX keypairs_by_time ON keypairs (active, created_at) WHERE deleted = 0;
CREATE INDEX keypairs_by_policy ON keypairs (active, fold(policy)) WHERE deleted = 0;
CREATE INDEX keypairs_by_rate ON keypairs (active, rate_limit) WHERE deleted = 0;
CREATE INDEX keypairs_by_use ON keypairs (active, last_used) WHERE deleted = 0;
CREATE INDEX keypairs_by_key ON keypairs (active, access_key) WHERE deleted = 0;
CREATE INDEX keypairs_by_main ON keypairs (active, main) WHERE deleted = 0;

-- A trigram index for each text: in a common one, a text that everybody has in one column was sought among all that they have in
-- the others.
DROP TRIGGER users_text_insert;
DROP TRIGGER users_text_update;
DROP TABLE users_text;

CREATE VIRTUAL TABLE users_email_text USING fts5 (
    email_key, content = 'users', content_rowid = 'seq', tokenize = 'trigram case_sensitive 1'
);
INSERT INTO users_email_text (users_email_text) VALUES ('rebuild');
CREATE TRIGGER users_email_text_insert AFTER INSERT ON users BEGIN
    INSERT INTO users_email_text (rowid, email_key) VALUES (new.seq, new.email_key);
END;
CREATE TRIGGER users_email_text_update AFTER UPDATE OF email_key ON users WHEN old.email_key <> new.email_key BEGIN
    INSERT INTO users_email_text (users_email_text, rowid, email_key) VALUES ('delete', old.seq, old.email_key);
    INSERT INTO users_email_text (rowid, email_key) VALUES (new.seq, new.email_key);
END;

CREATE VIRTUAL TABLE users_username_text USING fts5 (
    username_key, content = 'users', content_rowid = 'seq', tokenize = 'trigram case_sensitive 1'
);
INSERT INTO users_username_text (users_username_text) VALUES ('rebuild');
CREATE TRIGGER users_username_text_insert AFTER INSERT ON users BEGIN
    INSERT INTO users_username_text (rowid, username_key) VALUES (new.seq, new.username_key);
END;
CREATE TRIGGER users_username_text_update AFTER UPDATE OF username_key ON users WHEN old.username_key <> new.username_key BEGIN
    INSERT INTO users_username_text (users_username_text, rowid, username_key) VALUES ('delete', old.seq, old.username_key);
    INSERT INTO users_username_text (rowid, username_key) VALUES (new.seq, new.username_key);
END;

CREATE VIRTUAL TABLE users_full_name_text USING fts5 (
    full_name_key, content = 'users', content_rowid = 'seq', tokenize = 'trigram case_sensitive 1'
);
INSERT INTO users_full_name_text (users_full_name_text) VALUES ('rebuild');
CREATE TRIGGER users_full_name_text_insert AFTER INSERT ON users BEGIN
    INSERT INTO users_full_name_text (rowid, full_name_key) VALUES (new.seq, new.full_name_key);
END;
CREATE TRIGGER users_full_name_text_update AFTER UPDATE OF full_name_key ON users WHEN old.full_name_key <> new.full_name_key BEGIN
    INSERT INTO users_full_name_text (users_full_name_text, rowid, full_name_key) VALUES ('delete', old.seq, old.full_name_key);
    INSERT INTO users_full_name_text (rowid, full_name_key) VALUES (new.seq, new.full_name_key);
END;

CREATE VIRTUAL TABLE users_description_text USING fts5 (
    description_key, content = 'users', content_rowid = 'seq', tokenize = 'trigram case_sensitive 1'
);
INSERT INTO users_description_text (users_description_text) VALUES ('rebuild');
CREATE TRIGGER users_description_text_insert AFTER INSERT ON users BEGIN
    INSERT INTO users_description_text (rowid, description_key) VALUES (new.seq, new.description_key);
END;
CREATE TRIGGER users_description_text_update AFTER UPDATE OF description_key ON users WHEN old.description_key <> new.description_key BEGIN
    INSERT INTO users_description_text (users_description_text, rowid, description_key) VALUES ('delete', old.seq, old.description_key);
    INSERT INTO users_description_text (rowid, description_key) VALUES (new.seq, new.description_key);
END;
