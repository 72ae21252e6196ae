-- How many people, members and followers there are, beside what they belong to: counting a million of them for each list of a few
-- rows takes a tenth of a second. Kept by the triggers alone. People and keypairs are never deleted.

ALTER TABLE domains ADD COLUMN people INTEGER NOT NULL DEFAULT 0;
UPDATE domains SET people = (SELECT count(*) FROM users u WHERE u.domain_id = domains.id);
CREATE TRIGGER domains_people_insert AFTER INSERT ON users BEGIN
    UPDATE domains SET people = people + 1 WHERE id = new.domain_id;
END;
CREATE TRIGGER domains_people_move AFTER UPDATE OF domain_id ON users WHEN old.domain_id <> new.domain_id BEGIN
    UPDATE domains SET people = people - 1 WHERE id = old.domain_id;
    UPDATE domains SET people = people + 1 WHERE id = new.domain_id;
END;

ALTER TABLE projects ADD COLUMN members INTEGER NOT NULL DEFAULT 0;
UPDATE projects SET members = (SELECT count(*) FROM project_members m WHERE m.project_id = projects.id);
CREATE TRIGGER projects_members_insert AFTER INSERT ON project_members BEGIN
    UPDATE projects SET members = members + 1 WHERE id = new.project_id;
END;
CREATE TRIGGER projects_members_delete AFTER DELETE ON project_members BEGIN
    UPDATE projects SET members = members - 1 WHERE id = old.project_id;
END;

ALTER TABLE user_policies ADD COLUMN followers INTEGER NOT NULL DEFAULT 0;
UPDATE user_policies SET followers = (SELECT count(*) FROM users u WHERE u.policy = user_policies.name);
CREATE TRIGGER user_policies_followers_insert AFTER INSERT ON users BEGIN
    UPDATE user_policies SET followers = followers + 1 WHERE name = new.policy;
END;
CREATE TRIGGER user_policies_followers_move AFTER UPDATE OF policy ON users WHEN old.policy <> new.policy BEGIN
    UPDATE user_policies SET followers = followers - 1 WHERE name = old.policy;
    UPDATE user_policies SET followers = followers + 1 WHERE name = new.policy;
END;

-- Keypairs that are marked as deleted do not follow.
ALTER TABLE keypair_policies ADD COLUMN followers INTEGER NOT NULL DEFAULT 0;
UPDATE keypair_policies SET followers =
    (SELECT count(*) FROM keypairs k WHERE k.policy = keypair_policies.name AND k.deleted = 0);
CREATE TRIGGER keypair_policies_followers_insert AFTER INSERT ON keypairs WHEN new.deleted = 0 BEGIN
    UPDATE keypair_policies SET followers = followers + 1 WHERE name = new.policy;
END;
CREATE TRIGGER keypair_policies_followers_move AFTER UPDATE OF policy, deleted ON keypairs
WHEN old.policy <> new.policy OR old.deleted <> new.deleted BEGIN
    UPDATE keypair_policies SET followers = followers - 1 WHERE name = old.policy AND old.deleted = 0;
    UPDATE keypair_policies SET followers = followers + 1 WHERE name = new.policy AND new.deleted = 0;
END;
