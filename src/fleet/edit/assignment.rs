//! What a person types behind `uvars user set jon`: `uid=1001`, `tags+=laptop`, `on.rosegold.uid=501`, `shell=`.

use std::collections::HashSet;

use crate::error::{Error, Result};
use crate::fleet::fields;
use crate::keys::refuse_in_clear;
use crate::yaml::closest;
use crate::yaml::edit::Value;

/// One change of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// From the user or host on: `["on", "rosegold", "uid"]`.
    pub(super) path: Vec<String>,
    pub(super) change: Change,
}

/// What becomes of the field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    /// `FIELD=VALUE`
    Set(Value),
    /// `FIELD+=ITEM`
    Add(Vec<String>),
    /// `FIELD-=ITEM`
    Remove(Vec<String>),
    /// `FIELD=`
    Unset,
}

/// What a field holds.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Holds {
    Text,
    Number,
    Truth,
    /// Items with commas between them.
    Items,
    /// Items in which commas mean something: one at a time.
    Lines,
    /// `false`, or fields of its own.
    Password,
}

impl Assignment {
    /// Reads an assignment to a user's field.
    ///
    /// # Errors
    ///
    /// There is no such field, or the text is nothing that it can hold. The value is not quoted.
    pub fn of_user(text: &str) -> Result<Self> {
        Self::parse(text, user_field)
    }

    /// Reads an assignment to a host's field.
    pub fn of_host(text: &str) -> Result<Self> {
        Self::parse(text, |name| {
            Ok((vec![known(name, fields::HOST)?], if name == "tags" { Holds::Items } else { Holds::Text }))
        })
    }

    fn parse(text: &str, field: impl Fn(&str) -> Result<(Vec<String>, Holds)>) -> Result<Self> {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            Error::usage(
                "a change is written FIELD=VALUE, FIELD+=ITEM, FIELD-=ITEM or FIELD= (to take it out)",
            )
        })?;
        refuse_in_clear(text, "what is typed here")?;
        let (plain, sign) = match name.as_bytes().last() {
            Some(b'+') => (name.trim_end_matches('+'), Some('+')),
            Some(b'-') => (name.trim_end_matches('-'), Some('-')),
            _ => (name, None),
        };
        let (path, holds) = field(plain)?;
        let change = match sign {
            None if value.is_empty() => Change::Unset,
            None => Change::Set(holds.read(plain, value)?),
            Some(_) if !matches!(holds, Holds::Items | Holds::Lines) => {
                return Err(Error::usage(format!("{plain} is no list: write {plain}=VALUE")));
            }
            Some('+') => Change::Add(holds.items(plain, value)?),
            Some(_) => Change::Remove(holds.items(plain, value)?),
        };
        Ok(Self { path, change })
    }
}

/// That no field gets two values in one go.
pub(super) fn each_once(assignments: &[Assignment]) -> Result<()> {
    let sets = |assignment: &&Assignment| matches!(assignment.change, Change::Set(_) | Change::Unset);
    let mut seen = HashSet::new();
    match assignments.iter().filter(sets).find(|assignment| !seen.insert(&assignment.path)) {
        Some(twice) => Err(Error::usage(format!("{} is given twice", twice.path.join(".")))),
        None => Ok(()),
    }
}

fn user_field(name: &str) -> Result<(Vec<String>, Holds)> {
    let path = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect();
    if let Some(inner) = name.strip_prefix("password.") {
        let holds = if inner == "format" { Holds::Text } else { Holds::Truth };
        return Ok((path(&["password", &known(inner, fields::PASSWORD)?]), holds));
    }
    // a host's name may have dots, a field's has none
    if let Some(rest) = name.strip_prefix("on.") {
        return match rest.rsplit_once('.') {
            Some((host, field)) if fields::ACCOUNT.contains(&field) => {
                Ok((path(&["on", host, field]), holds(field)))
            }
            Some((_, field)) if closest(field, fields::ACCOUNT.iter().copied()).is_some() => {
                Err(unknown(field, fields::ACCOUNT))
            }
            _ => Ok((path(&["on", rest]), Holds::Password)),
        };
    }
    let name = known(name, fields::USER)?;
    let holds = holds(&name);
    Ok((vec![name], holds))
}

fn holds(field: &str) -> Holds {
    match field {
        "uid" => Holds::Number,
        "hosts" | "tags" | "integrated" | "groups_secondary" | "modules" => Holds::Items,
        "authorized_keys" => Holds::Lines,
        "password" | "on" => Holds::Password,
        _ => Holds::Text,
    }
}

fn known(name: &str, fields: &[&str]) -> Result<String> {
    if fields.contains(&name) { Ok(name.to_owned()) } else { Err(unknown(name, fields)) }
}

fn unknown(name: &str, fields: &[&str]) -> Error {
    let error = match closest(name, fields.iter().copied()) {
        Some(near) => Error::usage(format!("there is no field `{name}`, did you mean `{near}`?")),
        None => Error::usage(format!("there is no field `{name}`")),
    };
    error.hint(format!("known here: {}", fields.join(", ")))
}

impl Holds {
    fn read(self, field: &str, text: &str) -> Result<Value> {
        let wrong = |what: &str| Error::usage(format!("{field} is {what}"));
        match self {
            Self::Text => Ok(Value::from(text)),
            Self::Number => text.parse::<u32>().map(Value::from).map_err(|_| wrong("a number")),
            Self::Truth => text.parse::<bool>().map(Value::from).map_err(|_| wrong("true or false")),
            Self::Items | Self::Lines => {
                Ok(list(field.rsplit('.').next().unwrap_or(field), &self.items(field, text)?))
            }
            Self::Password if field == "password" && text == "false" => Ok(Value::from(false)),
            Self::Password if field == "password" => {
                Err(wrong("false, or has fields of its own: password.prompt, .share, .keep and .format")
                    .hint("the password itself is never written there: uvars generate USER asks for it"))
            }
            Self::Password => Err(Error::usage(format!("{field} has fields of its own: on.HOST.uid=501"))),
        }
    }

    fn items(self, field: &str, text: &str) -> Result<Vec<String>> {
        if text.is_empty() {
            return Err(Error::usage(format!("{field}: which item?")));
        }
        if self == Self::Lines {
            return Ok(vec![text.to_owned()]);
        }
        let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        Ok(inside.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect())
    }
}

/// A new list: names beside each other, keys below each other.
pub(super) fn list(field: &str, items: &[String]) -> Value {
    let list = Value::list(items.to_vec());
    if field == "authorized_keys" { list } else { list.one_line() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> Assignment {
        Assignment::of_user(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn what_can_be_typed() {
        assert_eq!(user("uid=1001").change, Change::Set(Value::from(1001)));
        assert_eq!(user("description=Jon = Smith").change, Change::Set(Value::from("Jon = Smith")));
        assert_eq!(user("tags=a, b").change, Change::Set(Value::list(["a", "b"]).one_line()));
        assert_eq!(user("tags=[a,b]").change, Change::Set(Value::list(["a", "b"]).one_line()));
        assert_eq!(user("groups_secondary+=video").change, Change::Add(vec!["video".into()]));
        assert_eq!(user("hosts-=a,b").change, Change::Remove(vec!["a".into(), "b".into()]));
        assert_eq!(user("shell=").change, Change::Unset);
        assert_eq!(user("on.a.b.uid=501").path, ["on", "a.b", "uid"]);
        assert_eq!(user("on.a.b=").path, ["on", "a.b"]);
        assert_eq!(user("password.share=true").path, ["password", "share"]);
        assert_eq!(user("password=false").change, Change::Set(Value::from(false)));
        let options = "from=\"a,b\" ssh-ed25519 AAAA";
        assert_eq!(user(&format!("authorized_keys+={options}")).change, Change::Add(vec![options.into()]));
        assert_eq!(Assignment::of_host("key=pending").unwrap().change, Change::Set(Value::from("pending")));
    }

    #[test]
    fn what_cannot_is_a_usage_error_that_quotes_no_value() {
        for (text, said) in [
            ("hunter2", "a change is written"),
            ("uidd=5", "did you mean `uid`"),
            ("uid=hunter2", "uid is a number"),
            ("uid+=1", "uid is no list"),
            ("password=hunter2", "password is false, or"),
            ("password.share=hunter2", "password.share is true or false"),
            ("password.shared=true", "did you mean `share`"),
            ("on.a.uidd=5", "did you mean `uid`"),
            ("on.a=hunter2", "on.a has fields of its own"),
            ("on=hunter2", "on has fields of its own"),
            ("tags+=", "tags: which item?"),
            ("description=AGE-SECRET-KEY-1HUNTER2hunter2", "what is typed here holds a private key"),
        ] {
            let error = Assignment::of_user(text).unwrap_err();
            assert_eq!(error.kind(), crate::error::Kind::Usage, "{text}");
            assert!(error.to_string().contains(said), "{text}: {error}");
            assert!(text == "hunter2" || !error.to_string().contains("hunter2"), "{error}");
        }
    }
}
