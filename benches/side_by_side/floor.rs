//! The floor: what no program can do without, by the same libraries, over the same bytes.
//!
//! For each value its AES-GCM with a nonce of 32 bytes, and the base64 of data, nonce and tag; for all together SHA-512;
//! for the file the two multiplications on the curve that a reader's stanza takes, and the MAC's own sealing. The nonces
//! of what is sealed are drawn from the system, sixty-four at a time. What it makes is not kept.

use crate::programs::Task;
use crate::samples::{Sample, bytes};
use aes_gcm::aead::consts::U32;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut as _, AesGcm, KeyInit as _, Nonce, Tag, aes::Aes256};
use base64::Engine as _;
use base64::engine::{GeneralPurposeConfig, Simd};
use curve25519_dalek::MontgomeryPoint;
use sha2::{Digest as _, Sha512};
use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Instant;

/// As fast as the library can be.
static STANDARD: LazyLock<Simd> = LazyLock::new(|| Simd::standard(GeneralPurposeConfig::new()));

pub(crate) struct Floor {
    task: Task,
    /// In clear where they are to be sealed, else in base64 with their tags.
    values: Vec<(Vec<u8>, String)>,
    nonce: Nonce<U32>,
    room: usize,
}

const AAD: &[u8] = b"group000:key0000:";
const MAC: usize = 128;

impl Floor {
    pub(crate) fn new(task: Task, sample: Sample) -> Self {
        let mut plain: Vec<Vec<u8>> = sample.values().into_iter().map(String::into_bytes).collect();
        if plain.is_empty() {
            plain.push(bytes(64 << 20));
        }
        plain.push(vec![b'A'; MAC]);
        let room = plain.iter().map(Vec::len).max().unwrap_or_default() / 3 * 4 + 64;
        let nonce = Nonce::<U32>::from([7; 32]);
        let values = match task {
            Task::Encrypt | Task::Start => plain.into_iter().map(|value| (value, String::new())).collect(),
            Task::Decrypt => plain
                .into_iter()
                .map(|mut value| {
                    let tag =
                        cipher().encrypt_inout_detached(&nonce, AAD, InOutBuf::from(&mut value[..])).unwrap();
                    (STANDARD.encode(&value).into_bytes(), STANDARD.encode(tag))
                })
                .collect(),
        };
        Self { task, values, nonce, room }
    }

    /// How many milliseconds it takes.
    pub(crate) fn run(&self) -> f64 {
        let mut buffer = vec![0; self.room];
        let mut text = vec![0; self.room];
        let start = Instant::now();
        let point = MontgomeryPoint::mul_base_clamped([9; 32]);
        black_box(point.mul_clamped([7; 32]));
        let cipher = cipher();
        let mut hash = Sha512::new();
        for (at, (value, tag)) in self.values.iter().enumerate() {
            if self.task != Task::Decrypt && at % 64 == 0 {
                let mut nonces = [0_u8; 64 * 32];
                getrandom::fill(&mut nonces).unwrap();
                black_box(nonces);
            }
            if self.task == Task::Decrypt {
                self.open(&cipher, value, tag, &mut buffer, &mut hash);
            } else {
                self.seal(&cipher, value, &mut buffer, &mut text, &mut hash);
            }
        }
        black_box(hash.finalize());
        1000.0 * start.elapsed().as_secs_f64()
    }

    fn open(&self, cipher: &Cipher, value: &[u8], tag: &str, buffer: &mut [u8], hash: &mut Sha512) {
        let mut nonce = [0; 33];
        STANDARD.decode_slice(NONCE, &mut nonce).unwrap();
        let mut bare = [0; 18];
        STANDARD.decode_slice(tag, &mut bare).unwrap();
        let tag = Tag::try_from(&bare[..16]).unwrap();
        let len = STANDARD.decode_slice(value, buffer).unwrap();
        let plain = &mut buffer[..len];
        cipher.decrypt_inout_detached(&self.nonce, AAD, InOutBuf::from(&mut *plain), &tag).unwrap();
        hash.update(&*plain);
        black_box(plain);
    }

    fn seal(&self, cipher: &Cipher, value: &[u8], buffer: &mut [u8], text: &mut [u8], hash: &mut Sha512) {
        hash.update(value);
        let sealed = &mut buffer[..value.len()];
        sealed.copy_from_slice(value);
        let tag = cipher.encrypt_inout_detached(&self.nonce, AAD, InOutBuf::from(&mut *sealed)).unwrap();
        STANDARD.encode_slice(&*sealed, text).unwrap();
        black_box(&*text);
        STANDARD.encode_slice(self.nonce, text).unwrap();
        black_box(&*text);
        STANDARD.encode_slice(tag, text).unwrap();
        black_box(&*text);
    }
}

/// Thirty-two bytes.
const NONCE: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

type Cipher = AesGcm<Aes256, U32>;

fn cipher() -> Cipher {
    Cipher::new(&[3; 32].into())
}
