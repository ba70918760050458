//! Files of a fleet among those that commands of sops work on: whoever adds a reader to one first makes sure that the
//! file is the one of its place. A copy of another file there would be handed to readers that it was never meant for.

use super::call::Call;
use super::fault::Outcome;
use crate::cli::document::Document;
use crate::secret::DataKey;
use crate::sops::Encrypted;
use std::path::Path;

impl Call<'_> {
    /// Checks that a file of a fleet belongs where it is.
    ///
    /// Errors: it is bound to another place, or to none.
    pub(super) fn check_place(&self, path: &Path, file: &Encrypted, key: &DataKey) -> Outcome<()> {
        let document = Document::locate_any(self.context, &path.to_string_lossy())?;
        match document.bound_path() {
            None => Ok(()),
            Some(place) => Ok(file.check_binding(key, place).map_err(|error| error.at(place))?),
        }
    }
}
