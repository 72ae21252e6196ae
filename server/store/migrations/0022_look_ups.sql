-- An index for each property by which a large list is filtered, where there was none.
CREATE INDEX users_info ON users (status_info) WHERE status_info <> '';
CREATE INDEX users_description ON users (description_key) WHERE description_key <> '';
CREATE INDEX keypairs_main ON keypairs (active, main);
CREATE INDEX sessions_image ON sessions (image);
CREATE INDEX sessions_agents ON sessions (agents);
CREATE INDEX sessions_in_group ON sessions (resource_group);
CREATE INDEX audit_action ON audit (action);
CREATE INDEX audit_address ON audit (address);
