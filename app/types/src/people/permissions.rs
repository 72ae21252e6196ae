//! Who may do what: one table, used by the console to hide and by the server to refuse (`docs/spec/people.md`, "Roles and
//! permissions").

use crate::id::{DomainId, ProjectId, UserId};
use serde::{Deserialize, Serialize};

/// A person's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Superadmin,
    /// Administrator of one domain.
    Admin,
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

/// Something that can be done.
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
    /// Say who belongs to a project.
    ChangeMembers,
    /// Create and change projects, and say who administers them.
    ChangeProjects,
    ReadDomains,
    ChangeDomains,
    ReadSessions,
    StartSessions,
    /// End a session, open its terminal.
    ControlSessions,
    /// Start a session in somebody else's name.
    StartForOthers,
    /// Say which sessions go first.
    ChangePriorities,
    ReadAgents,
    /// Say whether an agent gets new sessions.
    ChangeAgents,
    ReadPolicies,
    ChangePolicies,
    ReadPresets,
    ChangePresets,
    ReadGroups,
    ChangeGroups,
    /// See and change what the whole cluster goes by.
    ReadSettings,
    ChangeSettings,
    /// Bring what is held in line with what really runs.
    Maintain,
    ReadAudit,
    /// One's own settings, such as columns and theme.
    OwnSettings,
}

/// How far a permission reaches. A larger reach includes the smaller ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    Nothing,
    Own,
    /// What is one's own, and what belongs to the projects that one administers.
    Projects,
    Domain,
    Everything,
}

impl Permission {
    /// All of them.
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

    /// The table. `project_admin` says whether the person administers a project, which a role does not tell.
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
            // Policies, presets and groups belong to no domain: whoever chooses among them sees them all.
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
            // A monitor changes nothing, not even a project that somebody made them an administrator of.
            (Role::Monitor, _) => 4,
        }]
    }

    /// The words after “You may not …”.
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

/// The roles that `role` may give to a new account.
pub fn may_grant(role: Role) -> &'static [Role] {
    match role {
        Role::Superadmin => Role::ALL,
        Role::Admin => &[Role::User],
        Role::User | Role::Monitor => &[],
    }
}

/// The person behind a page, as the console needs to know them.
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
    /// The password was given by somebody else; a bar asks for another one.
    pub must_change_password: bool,
}

impl Me {
    /// How far this person's permission reaches.
    pub fn reach(&self, permission: Permission) -> Reach {
        permission.reach(self.role, !self.administers.is_empty())
    }

    /// This person may do it, at least with what is their own.
    pub fn may(&self, permission: Permission) -> bool {
        self.reach(permission) > Reach::Nothing
    }

    /// This person may do it with what is others' as well.
    pub fn may_beyond_own(&self, permission: Permission) -> bool {
        self.reach(permission) > Reach::Own
    }

    /// The name to greet them by.
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
    fn a_domain_admin_reaches_at_least_as_far_as_a_project_admin_and_that_one_as_far_as_a_user() {
        for permission in Permission::ALL {
            let of_projects = permission.reach(Role::User, true);
            assert!(permission.reach(Role::Admin, false) >= of_projects, "{permission:?}");
            assert!(of_projects >= permission.reach(Role::User, false), "{permission:?}");
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
