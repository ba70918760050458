//! `--input-type` and `--output-type`: the format of a file whose name does not say it.

use crate::sops::Format;
use clap::ValueEnum;
use clap::builder::PossibleValue;

/// What a file is, whatever its name says.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(super) struct Input {
    /// What the file is, where its name does not end in .yaml, .yml, .json, .env or .ini (any other is binary)
    #[arg(long, value_name = "TYPE")]
    pub(super) input_type: Option<Format>,
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}
