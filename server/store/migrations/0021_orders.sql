-- An index for each order of a large list: it ends in the row's own number, as the order does.
CREATE INDEX users_by_role ON users (active, role);
CREATE INDEX keypairs_by_rate ON keypairs (active, rate_limit);
CREATE INDEX keypairs_by_use ON keypairs (active, last_used);
CREATE INDEX sessions_kind ON sessions (finished, kind, created_at);
CREATE INDEX keypairs_by_key ON keypairs (active, access_key);
