//! What an encrypted value looks like: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`, its parts in base64.
//!
//! Knows no keys: taken apart for a cipher, and put together of what one made.

use crate::sops::fault::Fault;
use aes_gcm::Tag;
use base64::Engine as _;
use base64::engine::GeneralPurposeConfig;
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

/// The parts of an encrypted value, still in base64.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Parts<'t> {
    data: &'t [u8],
    nonce: &'t [u8],
    tag: &'t [u8],
    pub(super) kind: &'t [u8],
}

impl<'t> Parts<'t> {
    /// Takes a text apart. What follows the last bracket of its first line is ignored, as sops does.
    pub(super) fn of(text: &'t [u8]) -> Result<Self, Fault> {
        let parts = || {
            let rest = text.strip_prefix(HEAD)?;
            let line = memchr::memchr(b'\n', rest).map_or(rest, |end| rest.get(..end).unwrap_or(rest));
            let body = line.get(..memchr::memrchr(b']', line)?)?;
            let (data, rest) = split(body, IV)?;
            let (nonce, rest) = split(rest, TAG_MARK)?;
            let (tag, kind) = split(rest, TYPE)?;
            let whole = !data.is_empty() && !nonce.is_empty() && !tag.is_empty() && !kind.is_empty();
            whole.then_some(Self { data, nonce, tag, kind })
        };
        parts().ok_or(Fault::Form)
    }

    /// How long the base64 of the data is.
    pub(super) fn data_len(&self) -> usize {
        self.data.len()
    }

    pub(super) fn nonce(&self) -> Result<Bare<33>, Fault> {
        Bare::of(self.nonce)
    }

    pub(super) fn tag(&self) -> Result<Tag, Fault> {
        Tag::try_from(Bare::<18>::of(self.tag)?.bytes()).map_err(|_| Fault::Length)
    }

    /// Leaves the data in a buffer of its own, from which nothing is lost unwiped.
    pub(super) fn data(&self, buffer: &mut Zeroizing<Vec<u8>>) -> Result<(), Fault> {
        let room = self.data.len() / 4 * 3 + 3;
        make_room(buffer, room);
        buffer.resize(room, 0);
        let len = BASE64.decode_slice(self.data, buffer).map_err(|_| Fault::Base64)?;
        buffer.truncate(len);
        Ok(())
    }
}

/// At the first comma, which must begin `mark`: base64 has none.
fn split<'t>(text: &'t [u8], mark: &[u8]) -> Option<(&'t [u8], &'t [u8])> {
    let (before, rest) = text.split_at_checked(memchr::memchr(b',', text)?)?;
    Some((before, rest.strip_prefix(mark)?))
}

/// Empties a buffer that has room for so much then. What it held is wiped where it has to go, and never moved.
pub(super) fn make_room(buffer: &mut Zeroizing<Vec<u8>>, room: usize) {
    if buffer.capacity() < room {
        *buffer = Zeroizing::new(Vec::with_capacity(room));
    }
    buffer.clear();
}

/// A nonce or tag that is out of its base64.
pub(super) struct Bare<const ROOM: usize> {
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

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// Writes the data of a text, whose base64 has this length, over the beginning of the text, and says how much that is.
pub(super) fn data_in_place(text: &mut [u8], data_len: usize) -> Result<usize, Fault> {
    const STEP: usize = 4 << 10;
    let mut copy = Zeroizing::new([0; STEP / 4 * 3]);
    let (mut from, mut to) = (HEAD.len(), 0);
    let behind = from + data_len;
    while from < behind {
        let end = behind.min(from + STEP);
        let step = text.get(from..end).unwrap_or_default();
        let len = BASE64.decode_slice(step, &mut *copy).map_err(|_| Fault::Base64)?;
        if end < behind && len < copy.len() {
            // padding stands at the end alone
            return Err(Fault::Base64);
        }
        let (Some(bytes), Some(target)) = (copy.get(..len), text.get_mut(to..to + len)) else {
            return Err(Fault::Base64);
        };
        target.copy_from_slice(bytes);
        (from, to) = (end, to + len);
    }
    Ok(to)
}

/// How long the text of so many bytes is.
pub(super) fn len_of(data: usize, kind: &str) -> usize {
    let around = HEAD.len() + IV.len() + NONCE_TEXT + TAG_MARK.len() + TAG_TEXT + TYPE.len() + b"]".len();
    around + base64_len(data) + kind.len()
}

fn base64_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// Writes a text into room of its length.
pub(super) fn write(room: &mut [u8], data: &[u8], nonce: &[u8], tag: &[u8], kind: &str) {
    let rest = write_base64(write_bytes(room, HEAD), data);
    write_end(rest, nonce, tag, kind);
}

/// The last bytes of where the data's base64 will stand in a text of this room.
pub(super) fn data_place(room: &mut [u8], data: usize) -> &mut [u8] {
    let end = HEAD.len() + base64_len(data);
    room.get_mut(end - data..end).unwrap_or_default()
}

/// Writes a text around so much data, which is in its place.
pub(super) fn write_around(room: &mut [u8], data: usize, nonce: &[u8], tag: &[u8], kind: &str) {
    let rest = write_bytes(room, HEAD);
    if let Some((place, rest)) = rest.split_at_mut_checked(base64_len(data)) {
        encode_from_end(place, data);
        write_end(rest, nonce, tag, kind);
    }
}

/// What stands behind the data.
fn write_end(room: &mut [u8], nonce: &[u8], tag: &[u8], kind: &str) {
    let rest = write_base64(write_bytes(room, IV), nonce);
    let rest = write_base64(write_bytes(rest, TAG_MARK), tag);
    let rest = write_bytes(write_bytes(rest, TYPE), kind.as_bytes());
    write_bytes(rest, b"]");
}

/// Writes to the beginning of the room, which was measured, and returns the rest of it.
fn write_bytes<'r>(room: &'r mut [u8], bytes: &[u8]) -> &'r mut [u8] {
    let Some((place, rest)) = room.split_at_mut_checked(bytes.len()) else { return &mut [] };
    place.copy_from_slice(bytes);
    rest
}

/// The same with the base64 of the bytes.
fn write_base64<'r>(room: &'r mut [u8], bytes: &[u8]) -> &'r mut [u8] {
    let Some((place, rest)) = room.split_at_mut_checked(base64_len(bytes.len())) else { return &mut [] };
    // the room is exactly what the encoding takes
    BASE64.encode_slice(bytes, place).unwrap_or(0);
    rest
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
