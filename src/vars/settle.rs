//! Which answer is for which question.
//!
//! Standard input goes before a file, a file before the environment; in a file a host's own answer goes before
//! `*`. An answer in a file that can be for nobody is an error, since the person it was meant for would get
//! another password than the one that was written down for them.

use super::answers::{Answer, Answers, Source, Whose, variable};
use super::names;
use super::question::{Origin, Question};
use crate::error::{Error, Kind, Result};
use crate::fleet::Inventory;
use crate::password;
use crate::secret::Secret;
use std::path::Path;

/// What was made of the answers.
#[derive(Debug, Default)]
pub struct Settled {
    /// One for each question, in their order; nothing where somebody must be asked.
    pub passwords: Vec<Option<Secret>>,
    /// Answers that nobody wanted, each in a sentence.
    pub warnings: Vec<String>,
}

impl Answers {
    /// Gives each question its answer.
    ///
    /// # Errors
    ///
    /// An answer for a user, host or pair of them that the fleet does not have; one for a password that is
    /// generated; standard input where not exactly one answer is wanted; one variable for two users; an answer
    /// that no login could type.
    pub fn settle(self, inventory: &Inventory, questions: &[Question]) -> Result<Settled> {
        self.check_line(questions)?;
        for answer in &self.given {
            check(inventory, answer)?;
        }
        let mut used = vec![false; self.given.len()];
        let mut passwords = Vec::with_capacity(questions.len());
        for question in questions {
            passwords.push(self.answer(inventory, question, &mut used)?);
        }
        let warnings = self.given.iter().zip(&used).filter(|(_, used)| !**used);
        Ok(Settled { warnings: warnings.map(|(answer, _)| not_needed(answer)).collect(), passwords })
    }

    fn check_line(&self, questions: &[Question]) -> Result<()> {
        if self.given.iter().all(|answer| answer.user != Whose::Only) {
            return Ok(());
        }
        wants_one(questions)
    }

    /// The best answer to one question.
    fn answer(
        &self,
        inventory: &Inventory,
        question: &Question,
        used: &mut [bool],
    ) -> Result<Option<Secret>> {
        let mut fitting: Vec<(usize, &Answer)> =
            self.given.iter().enumerate().filter(|(_, answer)| fits(answer, question)).collect();
        fitting.sort_by_key(|(_, answer)| (answer.source.clone(), answer.host.is_none()));
        let Some((index, best)) = fitting.first() else { return Ok(None) };
        if question.origin == Origin::Words {
            return match &best.source {
                Source::File(file) => Err(generated(file, question)),
                Source::Line | Source::Environment => Ok(None),
            };
        }
        if let Some(used) = used.get_mut(*index) {
            *used = true;
        }
        let method = inventory.settings().password_hash;
        password::check(&best.password, &method).map_err(|error| placed(error, best))?;
        Ok(Some(best.password.clone()))
    }
}

/// Refuses `--password-stdin` unless exactly one answer is wanted; to be asked before standard input is read.
pub fn wants_one(questions: &[Question]) -> Result<()> {
    let wanted: Vec<String> = questions
        .iter()
        .filter(|question| question.origin == Origin::Person)
        .map(ToString::to_string)
        .collect();
    match wanted.len() {
        1 => Ok(()),
        // everything is there already: running a command again is no mistake
        0 if questions.is_empty() => Ok(()),
        0 => Err(Error::usage("--password-stdin: no password is to be typed here")),
        count => Err(Error::usage(format!("--password-stdin gives one password, and {count} are wanted"))
            .hint(format!("name one of {}", wanted.join(", ")))
            .hint("or give all in a file: --answers FILE")),
    }
}

fn fits(answer: &Answer, question: &Question) -> bool {
    let user = match &answer.user {
        Whose::Only => true,
        Whose::Named(user) => user == question.user.as_str(),
        Whose::Variable(name) => *name == variable(question.user.as_str()),
    };
    let host = match (&answer.host, &question.host) {
        (None, _) => true,
        (Some(meant), Some(host)) => meant == host.as_str(),
        (Some(_), None) => false,
    };
    user && host
}

/// Refuses an answer that can never be for anybody, whatever is asked today.
fn check(inventory: &Inventory, answer: &Answer) -> Result<()> {
    match &answer.user {
        Whose::Only => Ok(()),
        Whose::Named(name) => names::user(Kind::Failed, inventory, name)
            .and_then(|user| match &answer.host {
                Some(host) => names::host_of(Kind::Failed, inventory, user, host).map(drop),
                None => Ok(()),
            })
            .map_err(|error| placed(error, answer)),
        Whose::Variable(name) => check_variable(inventory, name),
    }
}

fn check_variable(inventory: &Inventory, name: &str) -> Result<()> {
    let meant: Vec<&str> = inventory
        .users()
        .iter()
        .map(|user| user.name.as_str())
        .filter(|user| variable(user) == name)
        .collect();
    if meant.len() < 2 {
        return Ok(());
    }
    Err(Error::new(format!("{name} could be for {}", meant.join(" or for ")))
        .hint("unset it, and answer in a file: --answers FILE"))
}

fn generated(file: &Path, question: &Question) -> Error {
    Error::new("an answer is given, but this password is generated")
        .at(file)
        .key(question.user.as_str())
        .hint("take it out, or say prompt: true in uvars.yaml and leave --random away")
}

/// Names the place of an answer.
fn placed(error: Error, answer: &Answer) -> Error {
    let key = match (&answer.user, &answer.host) {
        (Whose::Named(user), Some(host)) => error.key(format!("{user}.{host}")),
        (Whose::Named(user), None) => error.key(user),
        (Whose::Variable(name), _) => error.key(name),
        (Whose::Only, _) => error,
    };
    match &answer.source {
        Source::Line => key.at("standard input"),
        Source::File(file) => key.at(file),
        Source::Environment => key,
    }
}

fn not_needed(answer: &Answer) -> String {
    let whose = match (&answer.user, &answer.host) {
        (Whose::Only, _) => "the password on standard input".to_owned(),
        (Whose::Named(user), Some(host)) => format!("the answer for {user} on {host}"),
        (Whose::Named(user), None) => format!("the answer for {user}"),
        (Whose::Variable(name), _) => name.clone(),
    };
    match &answer.source {
        Source::File(file) => format!("{whose} in {} was not needed", file.display()),
        Source::Line | Source::Environment => format!("{whose} was not needed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{HostName, UserName};
    use crate::sops::{Map, Plain};

    fn inventory() -> Inventory {
        let text = b"version: 1\nhosts:\n  a: { platform: nixos }\n  b: { platform: nixos }\nusers:\n  jon: { hosts: [a, b], password: {} }\n";
        Inventory::parse(Path::new("uvars.yaml"), text).unwrap()
    }

    fn questions(origin: Origin) -> [Question; 2] {
        ["a", "b"].map(|host| Question {
            user: UserName::new("jon").unwrap(),
            host: Some(HostName::new(host).unwrap()),
            origin,
        })
    }

    fn given(file: Map, variable: Option<&str>) -> Answers {
        let mut answers = Answers::default();
        answers.add_file(Path::new("a.yaml"), &Plain::new(file)).unwrap();
        if let Some(value) = variable {
            answers.add_variable("UVARS_PASSWORD_JON", value.as_bytes()).unwrap();
        }
        answers
    }

    #[test]
    fn a_hosts_own_answer_goes_before_all_others() {
        let hosts = Map::new().with("*", "star").with("b", "own");
        let settled = given(Map::new().with("jon", hosts), Some("environment"));
        let settled = settled.settle(&inventory(), &questions(Origin::Person)).unwrap();
        assert_eq!(settled.passwords, [Some(Secret::from("star")), Some(Secret::from("own"))]);
        assert_eq!(settled.warnings, ["UVARS_PASSWORD_JON was not needed"]);
    }

    #[test]
    fn what_no_file_answers_the_environment_does() {
        let answers = given(Map::new().with("jon", Map::new().with("b", "own")), Some("environment"));
        let settled = answers.settle(&inventory(), &questions(Origin::Person)).unwrap();
        assert_eq!(settled.passwords, [Some(Secret::from("environment")), Some(Secret::from("own"))]);
        assert!(settled.warnings.is_empty());
    }

    #[test]
    fn what_nothing_answers_is_left_to_a_person() {
        let settled = given(Map::new(), None).settle(&inventory(), &questions(Origin::Person)).unwrap();
        assert_eq!(settled.passwords, [None, None]);
    }

    #[test]
    fn a_generated_password_takes_no_answer() {
        let answers = given(Map::new().with("jon", "pw"), None);
        let error = answers.settle(&inventory(), &questions(Origin::Words)).unwrap_err();
        assert!(error.to_string().starts_with("a.yaml: jon: an answer is given"), "{error}");
        let settled = given(Map::new(), Some("pw")).settle(&inventory(), &questions(Origin::Words)).unwrap();
        assert_eq!(settled.passwords, [None, None]);
        assert_eq!(settled.warnings, ["UVARS_PASSWORD_JON was not needed"]);
    }
}
