//! One value and its text in the file: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.
//!
//! AES-256-GCM with a nonce of 32 random bytes, the tag apart from the data, and the place of the value as
//! associated data. The type stands in clear and is not authenticated; what it makes of the bytes is, through
//! the MAC of the file. The key schedule is made once a file, nonces are drawn in batches.

use crate::secret::DataKey;
use crate::sops::tree::{Node, Pool, Side, Span};
use crate::sops::value::{bool_bytes, float_bytes, int_bytes, time_bytes};
use crate::yaml::Timestamp;
use crate::{Error, Result};
use aes_gcm::aead::consts::{U12, U16, U32};
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, AesGcm, KeyInit, Nonce, Tag, aes::Aes256};
use base64::Engine as _;
use base64::engine::GeneralPurposeConfig;
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;
use zeroize::Zeroizing;

/// By the widest instructions that the processor has.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static BASE64: LazyLock<base64::engine::Simd> = LazyLock::new(|| base64::engine::Simd::standard(LENIENT));
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static BASE64: LazyLock<base64::engine::GeneralPurpose> =
    LazyLock::new(|| base64::engine::GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT));

/// Go does not look at the bits behind the last byte.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);

const HEAD: &[u8] = b"ENC[AES256_GCM,data:";
const IV: &[u8] = b",iv:";
const TAG_MARK: &[u8] = b",tag:";
const TYPE: &[u8] = b",type:";
/// How long the base64 of a nonce is, and of a tag.
const NONCE_TEXT: usize = 44;
const TAG_TEXT: usize = 24;
/// From so many bytes on a text is not copied.
const LARGE: usize = 1 << 16;
const NONCE: usize = 32;

/// Opens and seals values under one data key.
pub(super) struct Cipher {
    key: DataKey,
    wide: AesGcm<Aes256, U32>,
    nonces: Nonces,
    scratch: Zeroizing<Vec<u8>>,
}

/// Why a text cannot be opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// It has not the form of an encrypted value.
    Form,
    /// A part of it is not base64.
    Base64,
    /// The nonce is not 12, 16 or 32 bytes long, or the tag not 16.
    Length,
    /// Tampered with, moved here from elsewhere, or under another data key.
    Tag,
    /// A type that no sops writes.
    Type,
    /// The plaintext is not of the type that the text claims.
    Content,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Form => "this should be encrypted and is not in the form of an encrypted value",
            Self::Base64 => "the encrypted value is damaged: a part of it is not base64",
            Self::Length => {
                "the encrypted value is damaged: its nonce or tag has a length that no sops writes"
            }
            Self::Tag => "the encrypted value was changed, or moved here from another key or file",
            Self::Type => "the encrypted value has a type that is not known",
            Self::Content => "the encrypted value is not of the type it claims",
        })
    }
}

/// The parts of an encrypted value, still in base64.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Parts<'t> {
    data: &'t [u8],
    nonce: &'t [u8],
    tag: &'t [u8],
    kind: &'t [u8],
}

/// Takes a text apart. What follows the last bracket of its first line is ignored, as sops does.
fn parts(text: &[u8]) -> Option<Parts<'_>> {
    let rest = text.strip_prefix(HEAD)?;
    let line = memchr::memchr(b'\n', rest).map_or(rest, |end| rest.get(..end).unwrap_or(rest));
    let body = line.get(..memchr::memrchr(b']', line)?)?;
    let (data, rest) = split(body, IV)?;
    let (nonce, rest) = split(rest, TAG_MARK)?;
    let (tag, kind) = split(rest, TYPE)?;
    let whole = !data.is_empty() && !nonce.is_empty() && !tag.is_empty() && !kind.is_empty();
    whole.then_some(Parts { data, nonce, tag, kind })
}

/// At the first comma, which must begin `mark`: base64 has none.
fn split<'t>(text: &'t [u8], mark: &[u8]) -> Option<(&'t [u8], &'t [u8])> {
    let (before, rest) = text.split_at_checked(memchr::memchr(b',', text)?)?;
    Some((before, rest.strip_prefix(mark)?))
}

impl Cipher {
    pub(super) fn new(key: &DataKey) -> Self {
        Self {
            key: key.clone(),
            wide: AesGcm::new(key.expose().into()),
            nonces: Nonces::new(),
            scratch: Zeroizing::new(Vec::new()),
        }
    }

    /// Opens a value where it stands: of a string or comment so many bytes are left in front, of anything else none.
    /// What cannot be opened stays as it is.
    pub(super) fn open(&mut self, place: &mut [u8], aad: &[u8]) -> Result<(Node, usize), Fault> {
        let mut plain = std::mem::take(&mut self.scratch);
        let node = parts(place).ok_or(Fault::Form).and_then(|parts| self.open_to(&parts, aad, &mut plain));
        self.put(place, node, plain)
    }

    /// The same without a copy of a large text. What cannot be opened is lost.
    pub(super) fn open_or_lose(&mut self, place: &mut [u8], aad: &[u8]) -> Result<(Node, usize), Fault> {
        let parts = parts(place).ok_or(Fault::Form)?;
        if parts.data.len() < LARGE || !matches!(parts.kind, b"str" | b"bytes") {
            let mut plain = std::mem::take(&mut self.scratch);
            let node = self.open_to(&parts, aad, &mut plain);
            return self.put(place, node, plain);
        }
        let (nonce, tag) = (Bare::<33>::of(parts.nonce)?, tag_of(&parts)?);
        let data = HEAD.len()..HEAD.len() + parts.data.len();
        let len = decode_in_place(place, data)?;
        let plain = place.get_mut(..len).unwrap_or_default();
        self.decrypt_in(nonce.bytes(), aad, plain.into(), &tag)?;
        Ok((Node::Str, len))
    }

    /// Leaves what was opened in front of the place, where it is text.
    fn put(
        &mut self,
        place: &mut [u8],
        node: Result<Node, Fault>,
        plain: Zeroizing<Vec<u8>>,
    ) -> Result<(Node, usize), Fault> {
        let len = if matches!(node, Ok(Node::Str | Node::Comment(_))) { plain.len() } else { 0 };
        if let (Some(place), Some(plain)) = (place.get_mut(..len), plain.get(..len)) {
            place.copy_from_slice(plain);
        }
        self.scratch = plain;
        node.map(|node| (node, len))
    }

    fn open_to(&self, parts: &Parts<'_>, aad: &[u8], plain: &mut Zeroizing<Vec<u8>>) -> Result<Node, Fault> {
        let (nonce, tag) = (Bare::<33>::of(parts.nonce)?, tag_of(parts)?);
        let room = parts.data.len() / 4 * 3 + 3;
        if plain.capacity() < room {
            // what it held is wiped, and not moved
            *plain = Zeroizing::new(Vec::with_capacity(room));
        }
        plain.resize(room, 0);
        let len = BASE64.decode_slice(parts.data, plain).map_err(|_| Fault::Base64)?;
        plain.truncate(len);
        self.decrypt_in(nonce.bytes(), aad, InOutBuf::from(plain.as_mut_slice()), &tag)?;
        match parts.kind {
            b"str" | b"bytes" => Ok(Node::Str),
            b"comment" => Ok(Node::Comment(Side::Above)),
            kind => {
                std::str::from_utf8(plain).map_err(|_| Fault::Content).and_then(|text| number(kind, text))
            }
        }
    }

    fn decrypt_in(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: InOutBuf<'_, '_, u8>,
        tag: &Tag,
    ) -> Result<(), Fault> {
        if let Ok(nonce) = <&Nonce<U32>>::try_from(nonce) {
            self.wide.decrypt_inout_detached(nonce, aad, buffer, tag)
        } else if let Ok(nonce) = <&Nonce<U12>>::try_from(nonce) {
            let cipher = AesGcm::<Aes256, U12>::new(self.key.expose().into());
            cipher.decrypt_inout_detached(nonce, aad, buffer, tag)
        } else if let Ok(nonce) = <&Nonce<U16>>::try_from(nonce) {
            let cipher = AesGcm::<Aes256, U16>::new(self.key.expose().into());
            cipher.decrypt_inout_detached(nonce, aad, buffer, tag)
        } else {
            return Err(Fault::Length);
        }
        .map_err(|_| Fault::Tag)
    }

    /// Seals a scalar or comment with a new nonce; an empty text stays empty, as in sops.
    ///
    /// Errors: the system has no random bytes; a node that is no leaf.
    pub(super) fn seal(&mut self, node: Node, text: &[u8], aad: &[u8], out: &mut Pool) -> Result<Span> {
        if text.len() >= LARGE {
            return self.write_large(
                if matches!(node, Node::Str) { "str" } else { "comment" },
                text,
                aad,
                out,
            );
        }
        let mut plain = std::mem::take(&mut self.scratch);
        plain.clear();
        let kind = match node {
            Node::Str => {
                plain.extend_from_slice(text);
                "str"
            }
            Node::Comment(_) => {
                plain.extend_from_slice(text);
                "comment"
            }
            other => leaf_bytes(other, &mut plain),
        };
        let span =
            if plain.is_empty() { Ok(Span::default()) } else { self.write(kind, &mut plain, aad, out) };
        self.scratch = plain;
        span
    }

    fn write(&mut self, kind: &str, plain: &mut [u8], aad: &[u8], out: &mut Pool) -> Result<Span> {
        let nonce = Nonce::<U32>::from(self.nonces.next()?);
        let tag = self
            .wide
            .encrypt_inout_detached(&nonce, aad, InOutBuf::from(&mut *plain))
            .map_err(|_| Error::new("the value is too large for AES-GCM"))?;
        let start = out.len();
        let data = plain.len().div_ceil(3) * 4;
        let len = HEAD.len()
            + data
            + IV.len()
            + NONCE_TEXT
            + TAG_MARK.len()
            + TAG_TEXT
            + TYPE.len()
            + kind.len()
            + 1;
        let rest = write_base64(write_text(out.more(len), HEAD), plain);
        write_end(rest, &nonce, &tag, kind);
        Ok(out.since(start))
    }

    /// The same without a copy of the text: its ciphertext goes to the end of where its base64 will stand.
    fn write_large(&mut self, kind: &str, text: &[u8], aad: &[u8], out: &mut Pool) -> Result<Span> {
        let nonce = Nonce::<U32>::from(self.nonces.next()?);
        let room = text.len().div_ceil(3) * 4;
        let start = out.len();
        out.reserve(room + 256);
        out.push(HEAD);
        let from = out.len();
        let bytes = out.bytes_mut();
        bytes.resize(from + room, 0);
        let place = bytes.get_mut(from..).unwrap_or_default();
        let sealed = place.get_mut(room - text.len()..).unwrap_or_default();
        let tag = InOutBuf::new(text, sealed)
            .ok()
            .and_then(|buffer| self.wide.encrypt_inout_detached(&nonce, aad, buffer).ok())
            .ok_or_else(|| Error::new("the value is too large for AES-GCM"))?;
        encode_from_end(place, text.len());
        let len = IV.len() + NONCE_TEXT + TAG_MARK.len() + TAG_TEXT + TYPE.len() + kind.len() + 1;
        write_end(out.more(len), &nonce, &tag, kind);
        Ok(out.since(start))
    }
}

/// What stands behind the data.
fn write_end(rest: &mut [u8], nonce: &[u8], tag: &[u8], kind: &str) {
    let rest = write_base64(write_text(rest, IV), nonce);
    let rest = write_base64(write_text(rest, TAG_MARK), tag);
    let rest = write_text(write_text(rest, TYPE), kind.as_bytes());
    write_text(rest, b"]");
}

/// Writes to the beginning of the room, which was measured, and returns the rest of it.
fn write_text<'r>(room: &'r mut [u8], text: &[u8]) -> &'r mut [u8] {
    let Some((place, rest)) = room.split_at_mut_checked(text.len()) else { return &mut [] };
    place.copy_from_slice(text);
    rest
}

/// The same with the base64 of the bytes.
fn write_base64<'r>(room: &'r mut [u8], bytes: &[u8]) -> &'r mut [u8] {
    let len = bytes.len().div_ceil(3) * 4;
    let Some((place, rest)) = room.split_at_mut_checked(len) else { return &mut [] };
    // the room is exactly what the encoding takes
    BASE64.encode_slice(bytes, place).unwrap_or(0);
    rest
}

/// Appends what sops hashes and encrypts for a number, boolean or time, and returns the type's name.
pub(super) fn leaf_bytes(node: Node, out: &mut Vec<u8>) -> &'static str {
    match node {
        Node::Int(number) => {
            int_bytes(number, out);
            "int"
        }
        Node::Float(number) => {
            float_bytes(number, out);
            "float"
        }
        Node::Bool(flag) => {
            out.extend_from_slice(bool_bytes(flag));
            "bool"
        }
        Node::Time(time) => {
            time_bytes(time, out);
            "time"
        }
        Node::Map | Node::List | Node::End | Node::Null | Node::Str | Node::Comment(_) => "str",
    }
}

/// What Go's parsers make of a plaintext of this type.
fn number(kind: &[u8], text: &str) -> Result<Node, Fault> {
    match kind {
        b"int" => text.parse().map(Node::Int).map_err(|_| Fault::Content),
        b"float" => text.parse().map(Node::Float).map_err(|_| Fault::Content),
        b"bool" => match text {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(Node::Bool(true)),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(Node::Bool(false)),
            _ => Err(Fault::Content),
        },
        b"time" => Timestamp::parse(text).map(Node::Time).ok_or(Fault::Content),
        _ => Err(Fault::Type),
    }
}

/// A nonce or tag that is out of its base64.
struct Bare<const ROOM: usize> {
    bytes: [u8; ROOM],
    len: usize,
}

impl<const ROOM: usize> Bare<ROOM> {
    fn of(text: &[u8]) -> Result<Self, Fault> {
        let mut bytes = [0; ROOM];
        let len = BASE64.decode_slice(text, &mut bytes).map_err(|error| match error {
            base64::DecodeSliceError::OutputSliceTooSmall => Fault::Length,
            base64::DecodeSliceError::DecodeError(_) => Fault::Base64,
        })?;
        Ok(Self { bytes, len })
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

fn tag_of(parts: &Parts<'_>) -> Result<Tag, Fault> {
    Tag::try_from(Bare::<18>::of(parts.tag)?.bytes()).map_err(|_| Fault::Length)
}

/// Writes what a piece of base64 means to the beginning of the place that it stands in, and says how much that is.
fn decode_in_place(place: &mut [u8], text: Range<usize>) -> Result<usize, Fault> {
    const STEP: usize = 4 << 10;
    let mut copy = Zeroizing::new([0; STEP / 4 * 3]);
    let (mut from, mut to) = (text.start, 0);
    while from < text.end {
        let end = text.end.min(from + STEP);
        let step = place.get(from..end).unwrap_or_default();
        let len = BASE64.decode_slice(step, &mut *copy).map_err(|_| Fault::Base64)?;
        if end < text.end && len < copy.len() {
            // padding stands at the end alone
            return Err(Fault::Base64);
        }
        let (Some(bytes), Some(target)) = (copy.get(..len), place.get_mut(to..to + len)) else {
            return Err(Fault::Base64);
        };
        target.copy_from_slice(bytes);
        (from, to) = (end, to + len);
    }
    Ok(to)
}

/// Writes the base64 of the last `len` bytes over the whole place, which is as long as that.
fn encode_from_end(place: &mut [u8], len: usize) {
    const STEP: usize = 3 << 12;
    let mut copy = [0; STEP];
    let (mut from, mut to) = (place.len() - len, 0);
    while let Some(rest) = place.get(from..).filter(|rest| !rest.is_empty()) {
        let taken = rest.len().min(STEP);
        let (Some(copy), Some(bytes)) = (copy.get_mut(..taken), rest.get(..taken)) else { return };
        copy.copy_from_slice(bytes);
        from += taken;
        to += BASE64.encode_slice(&*copy, place.get_mut(to..).unwrap_or_default()).unwrap_or(0);
    }
}

/// Random nonces, drawn from the system sixty-four at a time.
struct Nonces {
    bytes: [u8; 64 * NONCE],
    next: usize,
}

impl Nonces {
    fn new() -> Self {
        Self { bytes: [0; 64 * NONCE], next: 64 * NONCE }
    }

    fn next(&mut self) -> Result<[u8; NONCE]> {
        if self.next >= self.bytes.len() {
            getrandom::fill(&mut self.bytes)
                .map_err(|error| Error::new("the system gives no random bytes").because(error))?;
            self.next = 0;
        }
        let nonce = self.bytes.get(self.next..self.next + NONCE).and_then(|bytes| bytes.try_into().ok());
        self.next += NONCE;
        nonce.ok_or_else(|| Error::new("the system gives no random bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOPS: &[u8] = b"ENC[AES256_GCM,data:oYyi,iv:MyIDYbT718JRr11QtBkcj3Dwm4k1aCGZBVeZf0EyV8o=,tag:t5z2Z023Up0kxwCgw1gNxg==,type:str]";

    fn cipher() -> Cipher {
        Cipher::new(&DataKey::new([b'f'; 32]))
    }

    fn open(text: &[u8], aad: &[u8]) -> Result<(Node, Vec<u8>), Fault> {
        let mut lost = text.to_vec();
        let mut place = text.to_vec();
        let found = cipher().open(&mut place, aad);
        assert_eq!(cipher().open_or_lose(&mut lost, aad), found);
        let Ok((node, len)) = found else {
            assert_eq!(place, text, "what is not opened stays");
            return Err(found.unwrap_err());
        };
        assert_eq!(lost[..len], place[..len]);
        place.truncate(len);
        Ok((node, place))
    }

    fn seal(node: Node, text: &[u8]) -> Vec<u8> {
        let mut pool = Pool::open(0);
        let span = cipher().seal(node, text, b"a:", &mut pool).unwrap();
        pool.get(span).to_vec()
    }

    #[test]
    fn opens_what_sops_sealed() {
        assert_eq!(open(SOPS, b"bar:"), Ok((Node::Str, b"foo".to_vec())));
        assert_eq!(open(&[SOPS, b" and more"].concat(), b"bar:"), Ok((Node::Str, b"foo".to_vec())));
        assert_eq!(open(SOPS, b""), Err(Fault::Tag));
    }

    #[test]
    fn opens_what_it_sealed() {
        let time = Timestamp::parse("2024-01-01T10:20:30.5+02:00").unwrap();
        for (node, text) in [
            (Node::Str, &b"hello"[..]),
            (Node::Str, b"\xff\x00"),
            (Node::Comment(Side::Above), b" remark"),
            (Node::Int(i64::MIN), b""),
            (Node::Float(-0.0), b""),
            (Node::Float(f64::INFINITY), b""),
            (Node::Bool(true), b""),
            (Node::Bool(false), b""),
            (Node::Time(time), b""),
        ] {
            assert_eq!(open(&seal(node, text), b"a:"), Ok((node, text.to_vec())));
        }
        assert_eq!(seal(Node::Str, b""), b"");
        for length in 1..100 {
            let sealed = seal(Node::Str, &vec![b'x'; length]);
            assert!(sealed.ends_with(b",type:str]"), "no room is left over");
            assert_eq!(open(&sealed, b"a:"), Ok((Node::Str, vec![b'x'; length])));
        }
    }

    #[test]
    fn opens_large_texts_where_they_stand() {
        // around the size from which on they are not copied, and around the steps in which they are taken
        let sizes = [LARGE / 4 * 3, LARGE, 3 << 15, 1 << 18].into_iter().flat_map(|size| size - 3..size + 4);
        for size in sizes {
            let text: Vec<u8> = (0..=255_u8).cycle().take(size).collect();
            let sealed = seal(Node::Str, &text);
            assert!(open(&sealed, b"a:") == Ok((Node::Str, text)), "{size}");
            let other = sealed.iter().rposition(|byte| *byte == b',').unwrap() - 40;
            for (at, byte, fault) in [
                (HEAD.len() + 4095, b'=', Fault::Base64),
                (HEAD.len() + 4096, b'.', Fault::Base64),
                (HEAD.len() + 5000, sealed[HEAD.len() + 5000] ^ 1, Fault::Tag),
                (other, b'-', Fault::Base64),
            ] {
                let mut damaged = sealed.clone();
                damaged[at] = byte;
                let found = open(&damaged, b"a:");
                assert!(
                    found == Err(fault) || (fault == Fault::Tag && found == Err(Fault::Base64)),
                    "{size} {at}"
                );
            }
        }
    }

    #[test]
    fn opens_nonces_of_other_lengths() {
        // made by Go's cipher.NewGCMWithNonceSize with 12 and 16 bytes, key and data as above
        for length in [12_usize, 16] {
            let key = [b'f'; 32];
            let nonce = vec![7_u8; length];
            let mut data = *b"foo";
            let buffer = InOutBuf::from(&mut data[..]);
            let tag = if length == 12 {
                let nonce = <&Nonce<U12>>::try_from(&nonce[..]).unwrap();
                AesGcm::<Aes256, U12>::new(&key.into()).encrypt_inout_detached(nonce, b"bar:", buffer)
            } else {
                let nonce = <&Nonce<U16>>::try_from(&nonce[..]).unwrap();
                AesGcm::<Aes256, U16>::new(&key.into()).encrypt_inout_detached(nonce, b"bar:", buffer)
            };
            let tag: Tag = tag.unwrap();
            let text = format!(
                "ENC[AES256_GCM,data:{},iv:{},tag:{},type:str]",
                BASE64.encode(data),
                BASE64.encode(&nonce),
                BASE64.encode(tag)
            );
            assert_eq!(open(text.as_bytes(), b"bar:"), Ok((Node::Str, b"foo".to_vec())));
        }
    }

    #[test]
    fn a_text_of_any_length_is_sealed_the_same_way() {
        let text: Vec<u8> = (0..=250_u8).cycle().take(LARGE + 50_000).collect();
        for length in [1, LARGE - 1, LARGE, LARGE + 1, LARGE + 2, 3 << 14, text.len()] {
            let text = &text[..length];
            assert_eq!(open(&seal(Node::Str, text), b"a:"), Ok((Node::Str, text.to_vec())), "{length}");
        }
        let comment = Node::Comment(Side::Above);
        assert_eq!(open(&seal(comment, &text), b"a:"), Ok((comment, text)));
    }

    #[test]
    fn nonces_never_come_back() {
        let mut nonces = Nonces::new();
        let drawn: std::collections::HashSet<_> = (0..200).map(|_| nonces.next().unwrap()).collect();
        assert_eq!(drawn.len(), 200);
    }

    #[test]
    fn names_what_is_wrong() {
        let text = std::str::from_utf8(SOPS).unwrap();
        for (wrong, fault) in [
            ("hello", Fault::Form),
            ("ENC[AES256_GCM,data:,iv:AAAA,tag:AAAA,type:str]", Fault::Form),
            ("ENC[AES256_GCM,data:oYyi,iv:AAAA,tag:AAAA,type:str", Fault::Form),
            (&text.replace("oYyi", "oY!i"), Fault::Base64),
            (&text.replace("oYyi", "oYyj"), Fault::Tag),
            (&text.replace("t5z2", "t5z3"), Fault::Tag),
            (&text.replace("MyID", "MyIE"), Fault::Tag),
            (&text.replace("MyIDYbT7", ""), Fault::Length),
            (&text.replace("t5z2Z023", ""), Fault::Length),
            (&text.replace("type:str", "type:foo"), Fault::Type),
            (&text.replace("type:str", "type:Str"), Fault::Type),
            (&text.replace("type:str", "type:int"), Fault::Content),
            (&text.replace("type:str", "type:bool"), Fault::Content),
            (&text.replace("type:str", "type:time"), Fault::Content),
        ] {
            assert_eq!(open(wrong.as_bytes(), b"bar:"), Err(fault), "{wrong}");
        }
    }
}
