//! A question of sops on standard output, which is answered y or n on standard input.

use super::fault::{Fault, Outcome};
use super::files;
use std::io::BufRead as _;

/// Asks until the answer is y or n.
///
/// Errors: there is no answer.
pub(super) fn yes_or_no(question: &str) -> Outcome<bool> {
    loop {
        files::print(question.as_bytes())?;
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        if read.map_err(|error| Fault::failed(error.to_string()))? == 0 {
            return Err(Fault::failed("EOF"));
        }
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (None, _) => return Err(Fault::failed("unexpected newline")),
            (Some(_), Some(_)) => return Err(Fault::failed("expected newline")),
            (Some("y"), None) => return Ok(true),
            (Some("n"), None) => return Ok(false),
            (Some(_), None) => {}
        }
    }
}
