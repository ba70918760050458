//! Who wraps and opens data keys for a command of sops: the private keys at hand, gpg, and key services.

use super::call::Call;
use super::code::Code;
use super::fault::{Fault, Outcome};
use super::log::{self, Level};
use crate::cli::context::Wanted;
use crate::keys::KeyType;
use crate::keyservice::KeyServices;
use crate::secret::DataKey;
use crate::sops::Encrypted;

impl Call<'_> {
    /// Checks `--decryption-order`.
    ///
    /// Errors: a type stands in it twice (112).
    pub(super) fn check_order(&self) -> Outcome<()> {
        let mut seen = Vec::new();
        let order = self.text("decryption-order");
        for kind in order.split(',').filter(|_| !order.is_empty()) {
            if seen.contains(&kind) {
                return Err(Fault::new(
                    Code::DuplicateOrder,
                    format!("Duplicate decryption key type: {kind}"),
                ));
            }
            seen.push(kind);
        }
        Ok(())
    }

    /// The services, local and other, in the order that flags and environment say.
    pub(super) fn services(&self) -> Outcome<KeyServices> {
        let wanted = Wanted {
            local: self.is_on("enable-local-keyservice"),
            addresses: self.own.texts("keyservice").iter().map(String::as_str),
            order: self.text("decryption-order").split(',').filter_map(KeyType::of_field).collect(),
        };
        // as sops does, which goes on with the others
        let services = self.context.wanted_key_services(wanted, |address, error| {
            let said = format!("Error parsing URI for keyservice, skipping: {error}");
            log::line(Level::Warning, &said, &[("uri", address)]);
            Ok(())
        })?;
        Ok(services)
    }

    /// Opens the data key of a file.
    ///
    /// Errors: nobody at hand can (128).
    pub(super) fn unlock(&self, file: &Encrypted) -> Outcome<DataKey> {
        file.unlock(&self.services()?).map_err(|error| {
            Fault::of(
                Code::NoKey,
                "Failed to get the data key required to decrypt the SOPS file.\n\n",
                &error,
            )
        })
    }
}
