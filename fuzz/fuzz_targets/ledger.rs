//! `keys/ledger.yaml`: what is read can be taken out again, entry by entry.
#![cfg_attr(not(test), no_main)]
use libfuzzer_sys::fuzz_target;
use uvars::keys::Ledger;

fuzz_target!(|bytes: &[u8]| {
    let Ok(ledger) = Ledger::parse(bytes) else { return };
    for entry in ledger.entries() {
        if let Ok(text) = Ledger::record(Some(bytes), entry) {
            Ledger::parse(&text).expect("a recorded key spoils the ledger");
        }
        if let Ok(Some(text)) = Ledger::forget(bytes, &entry.recipient) {
            let after = Ledger::parse(&text).expect("a forgotten key spoils the ledger");
            assert!(after.find(&entry.recipient).is_none());
        }
    }
});
