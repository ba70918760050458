//! One value: any text between the brackets, and any content under any type. A byte for the type, the content, NUL, the text.
#![cfg_attr(not(test), no_main)]
use libfuzzer_sys::fuzz_target;
use std::time::UNIX_EPOCH;
use uvars::keys::{Programs, Recipient};
use uvars::secret::DataKey;
use uvars::sops::{Encrypted, Format, Mac, Map, Plain, Rules, Value};

const READER: &str = "age1lzd99uklcjnc0e7d860axevet2cz99ce9pq6tzuzd05l5nr28ams36nvun";

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, texts)) = bytes.split_first() else { return };
    let Ok(texts) = std::str::from_utf8(texts) else { return };
    let (content, around) = texts.split_once('\0').unwrap_or((texts, ""));
    let plain = Plain::new(Map::new().with("a", content));
    let readers = [Recipient::parse(READER).expect("a reader")];
    let file = Encrypted::create(
        &plain,
        &readers,
        &Rules::default(),
        UNIX_EPOCH,
        Format::Yaml,
        &Programs::default(),
    )
    .expect("encrypted");
    let text = String::from_utf8(file.emit().expect("written")).expect("UTF-8");
    let kinds = ["int", "float", "bool", "time", "comment", "bytes", "str"];
    let typed = text.replacen("type:str]", &format!("type:{}]", kinds[usize::from(*kind) % kinds.len()]), 1);
    open(&typed);
    let value = Value::from(format!("ENC[AES256_GCM,{around}").as_str());
    open(&text.replacen("a: ", &format!("b: {}\na: ", quoted(&value)), 1));
});

fn quoted(value: &Value) -> String {
    let text = Plain::new(Map::new().with("a", value.clone())).emit(Format::Yaml).expect("printed");
    String::from_utf8_lossy(text.expose()).trim_start_matches("a: ").trim_end().to_owned()
}

fn open(text: &str) {
    if let Ok(file) = Encrypted::parse(text.as_bytes(), Format::Yaml) {
        drop(file.decrypt_with(&DataKey::new([7; 32]), Mac::Ignore));
    }
}
