//! A password that has to come from somewhere: whose, for which hosts, and from where.

use crate::fleet::{HostName, UserName};
use std::fmt;

/// One password that is to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Question {
    /// The user whose password it is.
    pub user: UserName,
    /// The host it is for; nothing where one password is shared by all hosts of the user.
    pub host: Option<HostName>,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a password comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// A person, by an answer or a prompt.
    Person,
    /// The system's random source, as six words.
    Words,
}

impl fmt::Display for Question {
    /// `jon`, or `jon on cinnabar`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) => write!(out, "{} on {host}", self.user),
            None => write!(out, "{}", self.user),
        }
    }
}
