//! Asking a person for a password: what is asked, how often, and what is not taken for an answer.
//!
//! Whoever runs the library decides what a prompt is: a terminal, a window, a test. This file never touches one.

use super::question::{Origin, Question};
use super::settle::Settled;
use super::words;
use crate::error::{Error, Result};
use crate::password::{self, Method};
use crate::secret::Secret;

/// Somebody who can be asked.
pub trait Prompter {
    /// One line, typed unseen, without its line end. An answer that is empty is handed on.
    ///
    /// # Errors
    ///
    /// Nobody is there to be asked, or they ended the conversation.
    fn hidden(&mut self, question: &str) -> Result<Secret>;

    /// A remark between two questions.
    fn remark(&mut self, text: &str);
}

/// How often a password may be tried before the whole command gives up.
const TRIES: usize = 3;

/// The passwords of all questions, in their order: the answers that were given, words where nobody is asked, and
/// for the rest a conversation, which is opened only if it is needed.
///
/// # Errors
///
/// Nobody can be asked; the conversation was ended; no password after three tries.
pub fn collect<P: Prompter>(
    questions: &[Question],
    settled: Settled,
    method: Method,
    open: impl FnOnce() -> Result<P>,
) -> Result<Vec<Secret>> {
    let mut open = Some(open);
    let mut prompter: Option<P> = None;
    let mut passwords = Vec::with_capacity(questions.len());
    let mut given = settled.passwords.into_iter();
    for question in questions {
        let password = match (given.next().flatten(), question.origin) {
            (Some(password), _) => password,
            (None, Origin::Words) => words::password()?,
            (None, Origin::Person) => {
                if let Some(open) = open.take() {
                    prompter = Some(open()?);
                }
                let prompter = prompter.as_mut().ok_or_else(|| Error::new("nobody can be asked"))?;
                new_password(prompter, &question.to_string(), |typed| password::check(typed, &method))?
            }
        };
        passwords.push(password);
    }
    Ok(passwords)
}

/// Asks for a new password: typed twice, three tries. An empty answer is asked again, and so is one that
/// `check` refuses or that differs the second time; each is a try.
fn new_password(
    prompter: &mut impl Prompter,
    whose: &str,
    check: impl Fn(&Secret) -> Result<()>,
) -> Result<Secret> {
    for _ in 0..TRIES {
        let typed = prompter.hidden(&format!("new password for {whose}: "))?;
        if let Err(error) = typeable(&typed).and_then(|()| check(&typed)) {
            prompter.remark(&error.to_string());
            continue;
        }
        if prompter.hidden("the same again: ")? == typed {
            return Ok(typed);
        }
        prompter.remark("the two differ");
    }
    Err(Error::new(format!("no password for {whose} after {TRIES} tries; nothing was written")))
}

/// Refuses what a person cannot have meant to type.
fn typeable(typed: &Secret) -> Result<()> {
    let Some(text) = typed.expose_str() else {
        return Err(Error::new("the terminal sent bytes that are not UTF-8"));
    };
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\0')) {
        return Err(Error::new("a control character (an arrow, a tab) is no part of a password"));
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::fleet::{HostName, UserName};

    /// Says what it is told to, and remembers what it was asked.
    #[derive(Default)]
    pub(in super::super) struct Scripted {
        pub(in super::super) answers: std::collections::VecDeque<Secret>,
        pub(in super::super) heard: Vec<String>,
    }

    impl Scripted {
        pub(in super::super) fn saying(answers: &[&str]) -> Self {
            Self { answers: answers.iter().copied().map(Secret::from).collect(), heard: Vec::new() }
        }
    }

    impl Prompter for Scripted {
        fn hidden(&mut self, question: &str) -> Result<Secret> {
            self.heard.push(question.to_string());
            self.answers.pop_front().ok_or_else(|| Error::new("the conversation was ended"))
        }

        fn remark(&mut self, text: &str) {
            self.heard.push(text.to_string());
        }
    }

    fn ask(answers: &[&str]) -> (Result<Secret>, Vec<String>) {
        let mut scripted = Scripted::saying(answers);
        let check = |typed: &Secret| password::check(typed, &Method::Bcrypt { cost: 4 });
        let result = new_password(&mut scripted, "jon", check);
        (result, scripted.heard)
    }

    #[test]
    fn typed_twice() {
        let (result, heard) = ask(&["p", "p"]);
        assert_eq!(result.unwrap(), Secret::from("p"));
        assert_eq!(heard, ["new password for jon: ", "the same again: "]);
    }

    #[test]
    fn asked_again_when_empty_different_or_refused() {
        let long = "x".repeat(73);
        let (result, heard) = ask(&["", "p", "q", "r", "r"]);
        assert_eq!(result.unwrap(), Secret::from("r"));
        assert!(heard.contains(&"the password is empty".to_string()));
        assert!(heard.contains(&"the two differ".to_string()));
        let (result, heard) = ask(&[&long, "a\tb", "r", "r"]);
        assert_eq!(result.unwrap(), Secret::from("r"));
        assert_eq!(heard[1], "the password has 73 bytes, of which bcrypt would use 72");
        assert_eq!(heard[3], "a control character (an arrow, a tab) is no part of a password");
    }

    #[test]
    fn gives_up_after_three_tries() {
        let (result, heard) = ask(&["a", "b", "", "", "never asked", "never asked"]);
        assert_eq!(result.unwrap_err().message(), "no password for jon after 3 tries; nothing was written");
        assert_eq!(heard.iter().filter(|line| line.starts_with("new password")).count(), 3);
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let answers = [b"\xff\xfe".as_slice(), b"ok", b"ok"].map(Secret::from).into();
        let mut scripted = Scripted { answers, heard: Vec::new() };
        new_password(&mut scripted, "jon", |_| Ok(())).unwrap();
        assert_eq!(scripted.heard[1], "the terminal sent bytes that are not UTF-8");
    }

    #[test]
    fn every_question_gets_its_own_answer() {
        let question = |host: &str, origin| Question {
            user: UserName::new("jon").unwrap(),
            host: Some(HostName::new(host).unwrap()),
            origin,
        };
        let questions = [
            question("a", Origin::Person),
            question("b", Origin::Words),
            question("c", Origin::Person),
            question("d", Origin::Person),
        ];
        let given = vec![None, None, Some(Secret::from("given")), None];
        let settled = Settled { passwords: given, warnings: Vec::new() };
        let open = || Ok(Scripted::saying(&["first", "first", "second", "second"]));
        let made = collect(&questions, settled, Method::default(), open).unwrap();
        assert_eq!(made[0], Secret::from("first"));
        assert_eq!(made[1].expose_str().unwrap().matches('-').count().max(5), 5);
        assert_eq!(made[2], Secret::from("given"));
        assert_eq!(made[3], Secret::from("second"));
    }

    #[test]
    fn nobody_is_asked_without_need() {
        let settled = Settled { passwords: vec![Some(Secret::from("given"))], warnings: Vec::new() };
        let question = Question { user: UserName::new("jon").unwrap(), host: None, origin: Origin::Person };
        let open = || -> Result<Scripted> { panic!("was asked") };
        assert_eq!(collect(&[question], settled, Method::default(), open).unwrap().len(), 1);
    }

    #[test]
    fn nobody_to_ask_is_an_error() {
        assert_eq!(ask(&[]).0.unwrap_err().message(), "the conversation was ended");
        assert_eq!(ask(&["p"]).0.unwrap_err().message(), "the conversation was ended");
    }
}
