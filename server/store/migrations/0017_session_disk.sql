-- The most bytes that one session may hold on its agents' disks. Policies that exist get the limit that new ones have: 10 GiB.
ALTER TABLE keypair_policies ADD COLUMN session_disk INTEGER DEFAULT 10737418240;
