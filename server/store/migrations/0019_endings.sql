-- How each session ended, in one word (`types::sessions::Ending`): derived, so that it cannot differ from what it is derived from.
-- What ended a session before its own end: a person, a time limit, another limit.
ALTER TABLE sessions ADD COLUMN stop_cause TEXT NOT NULL DEFAULT '';
UPDATE sessions SET stop_cause = CASE
    WHEN end_reason LIKE 'Its lifetime is over%' OR end_reason LIKE 'It was idle for%' OR end_reason LIKE 'It reached its time limit%'
        OR (status = 'CANCELLED' AND info LIKE 'It waited for%') THEN 'time'
    WHEN end_reason LIKE '%asked to end it%' THEN 'person'
    WHEN end_reason <> '' THEN 'limit'
    ELSE '' END;
ALTER TABLE sessions ADD COLUMN ending TEXT GENERATED ALWAYS AS (CASE
    WHEN status = 'CANCELLED' THEN iif(stop_cause = 'time', 'timed_out', 'cancelled')
    WHEN status = 'ERROR' THEN iif(outcome = '"lost"', 'lost', 'not_started')
    WHEN status <> 'TERMINATED' THEN NULL
    WHEN outcome = '"out_of_memory"' THEN 'out_of_memory'
    WHEN outcome = '"lost"' THEN 'lost'
    WHEN stop_cause = 'time' THEN 'timed_out'
    WHEN stop_cause = 'limit' THEN 'over_limit'
    WHEN stop_cause = 'person' THEN 'terminated'
    WHEN outcome = '{"exited":0}' THEN 'succeeded'
    ELSE 'failed' END) VIRTUAL;
CREATE INDEX sessions_ending ON sessions (finished, ending, created_at);
