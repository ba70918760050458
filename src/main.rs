//! Collects the arguments, runs, and hands the exit code back.

use std::process::ExitCode;

fn main() -> ExitCode {
    reuse_memory();
    ExitCode::from(uvars::cli::run(std::env::args_os()))
}

/// Lets memory that is given back be used again: until a large piece was given back once, the allocator of glibc has each
/// from the system, page by page, which takes a fifth of the time that ten thousand values take.
fn reuse_memory() {
    const LARGEST: usize = 31 << 20;
    drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGEST)));
}
