-- A policy without a limit lets one person fill the queue. The default one gets one; whoever set another keeps it.
UPDATE keypair_policies SET max_pending = 1000, revision = revision + 1 WHERE name = 'default' AND max_pending IS NULL;
