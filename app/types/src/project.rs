//! Domains and projects: the groups that people and their sessions belong to.

use crate::id::{DomainId, ProjectId};
use serde::{Deserialize, Serialize};

/// A domain with its projects, as a form offers them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainChoice {
    pub id: DomainId,
    pub name: String,
    pub projects: Vec<ProjectChoice>,
}

/// A project, as a form offers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectChoice {
    pub id: ProjectId,
    pub name: String,
}
