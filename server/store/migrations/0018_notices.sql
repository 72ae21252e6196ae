-- A person's notices are read whenever they open a page.
CREATE INDEX events_notices ON events (owner, id) WHERE notice IS NOT NULL;
