//! Collects the arguments, runs, and hands the exit code back.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(uvars::cli::run(std::env::args_os()))
}
