-- How many of a session's processes were killed because memory was used up, beside how it ended.
ALTER TABLE sessions ADD COLUMN memory_kills INTEGER NOT NULL DEFAULT 0;
CREATE INDEX sessions_memory_kills ON sessions (finished, memory_kills);

-- Values of variables are kept encrypted only; which of them may be seen, nobody has said yet.
UPDATE sessions SET request = json_set(request, '$.env', json((
    SELECT json_group_array(json_array(json_extract(value, '$[0]'), '')) FROM json_each(request, '$.env'))))
WHERE CASE WHEN json_valid(request) THEN json_array_length(request, '$.env') ELSE 0 END > 0;
