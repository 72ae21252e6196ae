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

/// The table of permissions. Each line: the permission, the words that complete “You may not …”, and how far it reaches for a
/// superadmin, a domain admin, a project admin, a user and a monitor.
macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident: $verb:literal = $reach:expr;)*) => {
        /// Something that a person may or may not do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Permission {
            $($(#[$doc])* $name),*
        }

        impl Permission {
            /// All permissions.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Returns the words that complete “You may not …”.
            pub fn verb(self) -> &'static str {
                match self { $(Self::$name => $verb),* }
            }

            fn reaches(self) -> [Reach; 5] {
                use Reach::*;
                match self { $(Self::$name => $reach),* }
            }
        }
    };
}

permissions! {
    ReadUsers: "see other people's accounts" = [Everything, Domain, Projects, Nothing, Everything];
    CreateUsers: "create accounts" = [Everything, Domain, Nothing, Nothing, Nothing];
    /// Edit, deactivate and reactivate accounts.
    ChangeUsers: "change this account" = [Everything, Domain, Nothing, Nothing, Nothing];
    ReadKeypairs: "see these keypairs" = [Everything, Domain, Own, Own, Everything];
    /// Add, activate, deactivate and delete keypairs.
    ChangeKeypairs: "change this keypair" = [Everything, Domain, Own, Own, Nothing];
    /// Give a keypair another resource policy or rate limit.
    LimitKeypairs: "change a keypair's limits" = [Everything, Domain, Nothing, Nothing, Nothing];
    ReadProjects: "see projects and their members" = [Everything, Domain, Projects, Nothing, Everything];
    /// Add and remove members of a project.
    ChangeMembers: "change this project's members" = [Everything, Domain, Projects, Nothing, Nothing];
    /// Create and change projects, and appoint their administrators.
    ChangeProjects: "change projects" = [Everything, Domain, Nothing, Nothing, Nothing];
    ReadDomains: "see domains" = [Everything, Domain, Nothing, Nothing, Everything];
    ChangeDomains: "change domains" = [Everything, Nothing, Nothing, Nothing, Nothing];
    ReadSessions: "see sessions" = [Everything, Domain, Projects, Own, Everything];
    StartSessions: "start sessions" = [Own, Own, Own, Own, Nothing];
    /// End a session and open its terminal.
    ControlSessions: "control this session" = [Everything, Domain, Projects, Own, Nothing];
    /// Start a session on behalf of somebody else.
    StartForOthers: "start sessions for somebody else" = [Everything, Nothing, Nothing, Nothing, Nothing];
    /// Change the priorities of sessions.
    ChangePriorities: "change the priorities of sessions" = [Everything, Domain, Nothing, Nothing, Nothing];
    ReadAgents: "see the cluster's agents" = [Everything, Nothing, Nothing, Nothing, Everything];
    /// Change whether an agent takes new sessions.
    ChangeAgents: "change the cluster's agents" = [Everything, Nothing, Nothing, Nothing, Nothing];
    // Policies, presets and groups belong to no domain: people who choose among them see them all.
    ReadPolicies: "see resource policies" = [Everything, Domain, Own, Own, Everything];
    ChangePolicies: "change resource policies" = [Everything, Nothing, Nothing, Nothing, Nothing];
    ReadPresets: "see resource presets" = [Everything, Domain, Own, Own, Everything];
    ChangePresets: "change resource presets" = [Everything, Nothing, Nothing, Nothing, Nothing];
    ReadGroups: "see resource groups" = [Everything, Domain, Own, Own, Everything];
    ChangeGroups: "change resource groups" = [Everything, Nothing, Nothing, Nothing, Nothing];
    /// See the settings of the whole cluster.
    ReadSettings: "see the cluster's settings" = [Everything, Nothing, Nothing, Nothing, Everything];
    ChangeSettings: "change the cluster's settings" = [Everything, Nothing, Nothing, Nothing, Nothing];
    /// Correct recorded usage to match what really runs.
    Maintain: "recalculate the cluster's usage" = [Everything, Nothing, Nothing, Nothing, Nothing];
    ReadAudit: "read the audit trail" = [Everything, Nothing, Nothing, Nothing, Everything];
    /// Change one's own settings, such as columns and theme.
    OwnSettings: "change settings" = [Own, Own, Own, Own, Own];
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
    /// Looks up how far this permission reaches. `project_admin` says whether the person administers a project, which their role
    /// does not tell.
    pub fn reach(self, role: Role, project_admin: bool) -> Reach {
        self.reaches()[match (role, project_admin) {
            (Role::Superadmin, _) => 0,
            (Role::Admin, _) => 1,
            (Role::User, true) => 2,
            (Role::User, false) => 3,
            // A monitor changes nothing, not even a project that they were appointed to administer.
            (Role::Monitor, _) => 4,
        }]
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
