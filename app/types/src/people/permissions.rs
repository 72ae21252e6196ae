//! Permissions: one table, from which the console hides controls and the server refuses requests (`docs/spec/people.md`, "Roles
//! and permissions").

use crate::id::{DomainId, ProjectId, UserId};
use serde::{Deserialize, Serialize};

/// A person's role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Superadmin,
    /// Administrator of one domain.
    Admin,
    #[default]
    User,
    /// Reads everything, changes nothing.
    Monitor,
}

crate::words::words!(Role {
    Superadmin = "superadmin", "Superadmin";
    Admin = "admin", "Domain admin";
    User = "user", "User";
    Monitor = "monitor", "Monitor";
});

/// A kind of action that is permitted or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    ReadUsers,
    CreateUsers,
    /// Edit, deactivate and reactivate accounts.
    ChangeUsers,
    ReadKeypairs,
    /// Add, activate, deactivate and delete keypairs.
    ChangeKeypairs,
    /// Give a keypair another resource policy or rate limit.
    LimitKeypairs,
    ReadProjects,
    /// Add and remove members of a project.
    ChangeMembers,
    /// Create and change projects, and appoint their administrators.
    ChangeProjects,
    ReadDomains,
    ChangeDomains,
    ReadSessions,
    StartSessions,
    /// End a session and open its terminal.
    ControlSessions,
    /// Start a session on behalf of somebody else.
    StartForOthers,
    /// Change the priorities of sessions.
    ChangePriorities,
    ReadAgents,
    /// Change whether an agent takes new sessions.
    ChangeAgents,
    ReadPolicies,
    ChangePolicies,
    ReadPresets,
    ChangePresets,
    ReadGroups,
    ChangeGroups,
    /// See the settings of the whole cluster.
    ReadSettings,
    ChangeSettings,
    /// Correct recorded usage to match what really runs.
    Maintain,
    ReadAudit,
    /// Change one's own settings, such as columns and theme.
    OwnSettings,
}

/// How far a permission reaches. A larger reach includes the smaller ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    Nothing,
    Own,
    /// A person's own things, and those of the projects that they administer.
    Projects,
    Domain,
    Everything,
}

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 29] = [
        Self::ReadUsers,
        Self::CreateUsers,
        Self::ChangeUsers,
        Self::ReadKeypairs,
        Self::ChangeKeypairs,
        Self::LimitKeypairs,
        Self::ReadProjects,
        Self::ChangeMembers,
        Self::ChangeProjects,
        Self::ReadDomains,
        Self::ChangeDomains,
        Self::ReadSessions,
        Self::StartSessions,
        Self::ControlSessions,
        Self::StartForOthers,
        Self::ChangePriorities,
        Self::ReadAgents,
        Self::ChangeAgents,
        Self::ReadPolicies,
        Self::ChangePolicies,
        Self::ReadPresets,
        Self::ChangePresets,
        Self::ReadGroups,
        Self::ChangeGroups,
        Self::ReadSettings,
        Self::ChangeSettings,
        Self::Maintain,
        Self::ReadAudit,
        Self::OwnSettings,
    ];

    /// Looks up how far this permission reaches. `project_admin` says whether the person administers a project, which their role
    /// does not tell.
    pub fn reach(self, role: Role, project_admin: bool) -> Reach {
        use Reach::*;
        // columns: superadmin, domain admin, project admin, user, monitor
        let row = match self {
            Self::ReadUsers => [Everything, Domain, Projects, Nothing, Everything],
            Self::CreateUsers => [Everything, Domain, Nothing, Nothing, Nothing],
            Self::ChangeUsers => [Everything, Domain, Nothing, Nothing, Nothing],
            Self::ReadKeypairs => [Everything, Domain, Own, Own, Everything],
            Self::ChangeKeypairs => [Everything, Domain, Own, Own, Nothing],
            Self::LimitKeypairs => [Everything, Domain, Nothing, Nothing, Nothing],
            Self::ReadProjects => [Everything, Domain, Projects, Nothing, Everything],
            Self::ChangeMembers => [Everything, Domain, Projects, Nothing, Nothing],
            Self::ChangeProjects => [Everything, Domain, Nothing, Nothing, Nothing],
            Self::ReadDomains => [Everything, Domain, Nothing, Nothing, Everything],
            Self::ChangeDomains => [Everything, Nothing, Nothing, Nothing, Nothing],
            Self::ReadSessions => [Everything, Domain, Projects, Own, Everything],
            Self::StartSessions => [Own, Own, Own, Own, Nothing],
            Self::ControlSessions => [Everything, Domain, Projects, Own, Nothing],
            Self::StartForOthers => [Everything, Nothing, Nothing, Nothing, Nothing],
            Self::ChangePriorities => [Everything, Domain, Nothing, Nothing, Nothing],
            Self::ReadAgents => [Everything, Nothing, Nothing, Nothing, Everything],
            Self::ChangeAgents => [Everything, Nothing, Nothing, Nothing, Nothing],
            // Policies, presets and groups belong to no domain: people who choose among them see them all.
            Self::ReadPolicies => [Everything, Domain, Own, Own, Everything],
            Self::ChangePolicies => [Everything, Nothing, Nothing, Nothing, Nothing],
            Self::ReadPresets => [Everything, Domain, Own, Own, Everything],
            Self::ChangePresets => [Everything, Nothing, Nothing, Nothing, Nothing],
            Self::ReadGroups => [Everything, Domain, Own, Own, Everything],
            Self::ChangeGroups => [Everything, Nothing, Nothing, Nothing, Nothing],
            Self::ReadSettings => [Everything, Nothing, Nothing, Nothing, Everything],
            Self::ChangeSettings => [Everything, Nothing, Nothing, Nothing, Nothing],
            Self::Maintain => [Everything, Nothing, Nothing, Nothing, Nothing],
            Self::ReadAudit => [Everything, Nothing, Nothing, Nothing, Everything],
            Self::OwnSettings => [Own, Own, Own, Own, Own],
        };
        row[match (role, project_admin) {
            (Role::Superadmin, _) => 0,
            (Role::Admin, _) => 1,
            (Role::User, true) => 2,
            (Role::User, false) => 3,
            // A monitor changes nothing, not even a project that they were appointed to administer.
            (Role::Monitor, _) => 4,
        }]
    }

    /// Returns the words that complete “You may not …”.
    pub fn verb(self) -> &'static str {
        match self {
            Self::ReadUsers => "see other people's accounts",
            Self::CreateUsers => "create accounts",
            Self::ChangeUsers => "change this account",
            Self::ReadKeypairs => "see these keypairs",
            Self::ChangeKeypairs => "change this keypair",
            Self::LimitKeypairs => "change a keypair's limits",
            Self::ReadProjects => "see projects and their members",
            Self::ChangeMembers => "change this project's members",
            Self::ChangeProjects => "change projects",
            Self::ReadDomains => "see domains",
            Self::ChangeDomains => "change domains",
            Self::ReadSessions => "see sessions",
            Self::StartSessions => "start sessions",
            Self::ControlSessions => "control this session",
            Self::StartForOthers => "start sessions for somebody else",
            Self::ChangePriorities => "change the priorities of sessions",
            Self::ReadAgents => "see the cluster's agents",
            Self::ChangeAgents => "change the cluster's agents",
            Self::ReadPolicies => "see resource policies",
            Self::ChangePolicies => "change resource policies",
            Self::ReadPresets => "see resource presets",
            Self::ChangePresets => "change resource presets",
            Self::ReadGroups => "see resource groups",
            Self::ChangeGroups => "change resource groups",
            Self::ReadSettings => "see the cluster's settings",
            Self::ChangeSettings => "change the cluster's settings",
            Self::Maintain => "recalculate the cluster's usage",
            Self::ReadAudit => "read the audit trail",
            Self::OwnSettings => "change settings",
        }
    }
}

/// Returns the roles that `role` may give to a new account.
pub fn may_grant(role: Role) -> &'static [Role] {
    match role {
        Role::Superadmin => Role::ALL,
        Role::Admin => &[Role::User],
        Role::User | Role::Monitor => &[],
    }
}

/// The signed-in person, as far as the console needs to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    pub id: UserId,
    pub email: String,
    pub username: String,
    pub full_name: String,
    pub role: Role,
    pub domain: DomainId,
    /// The projects that this person administers.
    pub administers: Vec<ProjectId>,
    /// Whether somebody else set the password. A bar then asks for a new one.
    pub must_change_password: bool,
}

impl Me {
    /// Returns how far this person's permission reaches.
    pub fn reach(&self, permission: Permission) -> Reach {
        permission.reach(self.role, !self.administers.is_empty())
    }

    /// Whether this person may do it, at least with their own things.
    pub fn may(&self, permission: Permission) -> bool {
        self.reach(permission) > Reach::Nothing
    }

    /// Whether this person may do it with other people's things as well.
    pub fn may_beyond_own(&self, permission: Permission) -> bool {
        self.reach(permission) > Reach::Own
    }

    /// Returns the name to greet them by.
    pub fn display_name(&self) -> &str {
        if self.full_name.is_empty() { &self.username } else { &self.full_name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_superadmin_reaches_at_least_as_far_as_anyone() {
        for permission in Permission::ALL {
            for role in Role::ALL {
                let theirs = permission.reach(*role, true).max(permission.reach(*role, false));
                assert!(permission.reach(Role::Superadmin, false) >= theirs, "{permission:?} {role:?}");
            }
        }
    }

    #[test]
    fn domain_admins_reach_as_far_as_project_admins_and_these_as_far_as_users() {
        for permission in Permission::ALL {
            let project_admins = permission.reach(Role::User, true);
            assert!(permission.reach(Role::Admin, false) >= project_admins, "{permission:?}");
            assert!(project_admins >= permission.reach(Role::User, false), "{permission:?}");
        }
    }

    #[test]
    fn a_monitor_changes_nothing_whatever_they_administer() {
        for permission in [
            Permission::CreateUsers,
            Permission::ChangeUsers,
            Permission::ChangeKeypairs,
            Permission::LimitKeypairs,
            Permission::ChangeMembers,
            Permission::ChangeProjects,
            Permission::ChangeDomains,
            Permission::StartSessions,
            Permission::ControlSessions,
            Permission::StartForOthers,
            Permission::ChangePriorities,
            Permission::ChangeAgents,
            Permission::ChangePolicies,
            Permission::ChangePresets,
            Permission::ChangeGroups,
            Permission::ChangeSettings,
            Permission::Maintain,
        ] {
            assert_eq!(permission.reach(Role::Monitor, true), Reach::Nothing);
        }
    }

    #[test]
    fn nobody_grants_a_role_above_their_own() {
        assert!(!may_grant(Role::Admin).contains(&Role::Superadmin));
        assert!(!may_grant(Role::Admin).contains(&Role::Admin));
        assert!(may_grant(Role::User).is_empty());
    }
}
