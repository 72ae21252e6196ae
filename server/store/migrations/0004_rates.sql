-- Requests of a keypair by second, as far as a sliding window of 15 minutes needs them after a restart.
CREATE TABLE rates (
    access_key TEXT NOT NULL,
    second     INTEGER NOT NULL,
    requests   INTEGER NOT NULL,
    PRIMARY KEY (access_key, second)
) STRICT, WITHOUT ROWID;
CREATE INDEX rates_second ON rates (second);
