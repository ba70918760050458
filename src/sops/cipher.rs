//! Opens and seals one value under a data key.
//!
//! AES-256-GCM with a nonce of 32 random bytes, the tag apart from the data, and the place of the value as
//! associated data. The type stands in clear and is not authenticated; what it makes of the bytes is, through
//! the MAC of the file. The key schedule is made once a file, nonces are drawn in batches.

use crate::secret::DataKey;
use crate::sops::fault::Fault;
use crate::sops::leaf::{leaf_bytes, number};
use crate::sops::pool::{Pool, Span};
use crate::sops::sealed_text::{self, Parts, make_room};
use crate::sops::tree::{Node, Side};
use crate::{Error, Result};
use aes_gcm::aead::consts::{U12, U16, U32};
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, AesGcm, KeyInit, Nonce, Tag, aes::Aes256};
use zeroize::Zeroizing;

/// From so many bytes on a text is not copied.
const LARGE: usize = 1 << 16;
const NONCE: usize = 32;
/// No number, boolean or time is longer.
const NUMBER: usize = 512;

/// Opens and seals values under one data key.
pub(super) struct Cipher {
    key: DataKey,
    wide: AesGcm<Aes256, U32>,
    nonces: Nonces,
    scratch: Zeroizing<Vec<u8>>,
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
        let parts = Parts::of(place)?;
        let mut plain = std::mem::take(&mut self.scratch);
        let node = self.open_to(&parts, aad, &mut plain);
        let len = if matches!(node, Ok(Node::Str | Node::Comment(_))) { plain.len() } else { 0 };
        if let (Some(place), Some(plain)) = (place.get_mut(..len), plain.get(..len)) {
            place.copy_from_slice(plain);
        }
        self.scratch = plain;
        node.map(|node| (node, len))
    }

    /// The same without a copy of a large text. What cannot be opened is lost.
    pub(super) fn open_or_lose(&mut self, place: &mut [u8], aad: &[u8]) -> Result<(Node, usize), Fault> {
        if place.len() < LARGE {
            return self.open(place, aad);
        }
        let parts = Parts::of(place)?;
        if !matches!(parts.kind, b"str" | b"bytes") {
            return self.open(place, aad);
        }
        let (nonce, tag, data) = (parts.nonce()?, parts.tag()?, parts.data_len());
        let len = sealed_text::data_in_place(place, data)?;
        let plain = place.get_mut(..len).unwrap_or_default();
        self.decrypt_in(nonce.bytes(), aad, plain.into(), &tag)?;
        Ok((Node::Str, len))
    }

    fn open_to(&self, parts: &Parts<'_>, aad: &[u8], plain: &mut Zeroizing<Vec<u8>>) -> Result<Node, Fault> {
        let (nonce, tag) = (parts.nonce()?, parts.tag()?);
        parts.data(plain)?;
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
        make_room(&mut plain, text.len().max(NUMBER));
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
            .map_err(|_| too_large())?;
        let start = out.len();
        sealed_text::write(out.more(sealed_text::len_of(plain.len(), kind)), plain, &nonce, &tag, kind);
        Ok(out.since(start))
    }

    /// The same without a copy of the text: its ciphertext goes to the end of where its base64 will stand.
    fn write_large(&mut self, kind: &str, text: &[u8], aad: &[u8], out: &mut Pool) -> Result<Span> {
        let nonce = Nonce::<U32>::from(self.nonces.next()?);
        let start = out.len();
        let room = out.more(sealed_text::len_of(text.len(), kind));
        let tag = InOutBuf::new(text, sealed_text::data_place(room, text.len()))
            .ok()
            .and_then(|buffer| self.wide.encrypt_inout_detached(&nonce, aad, buffer).ok())
            .ok_or_else(too_large)?;
        sealed_text::write_around(room, text.len(), &nonce, &tag, kind);
        Ok(out.since(start))
    }
}

fn too_large() -> Error {
    Error::new("the value is too large for AES-GCM")
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
    use crate::yaml::Timestamp;
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD as BASE64;

    const HEAD: usize = "ENC[AES256_GCM,data:".len();

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
                (HEAD + 4095, b'=', Fault::Base64),
                (HEAD + 4096, b'.', Fault::Base64),
                (HEAD + 5000, sealed[HEAD + 5000] ^ 1, Fault::Tag),
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
