//! The kept corpus of the fuzzing, and some thousands of seeded mutations of it, through every decoder. The long form
//! is `npm run torture -- fuzz`, with libFuzzer and the same table.
//!
//! `DECODER_CASES=100000 DECODER_SEED=7 cargo test --test core -- decoders` draws others, and more. A failure names the
//! decoder, and writes the bytes that broke it to `target/decoders/`.

mod table;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use table::{DECODERS, Decoder, take};

/// Mutations of each decoder's corpus in `npm test`.
const CASES: u64 = 5_000;

/// No mutation is longer; the seeds are a few kB.
const LONGEST: usize = 16_384;

/// What decoders have to be careful of, in the middle of anything.
const TOKENS: [&[u8]; 26] = [
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"\"\"",
    b"0",
    b"-1",
    b"1e308",
    b"1e-400",
    b"-0.0",
    b"18446744073709551616",
    b"9007199254740993",
    b"\"id\"",
    b"\\ud800",
    b"\\u0000",
    b"\xff",
    b"\xef\xbb\xbf",
    b"[[[[[[[[[[[[[[[[",
    b"{\"a\":",
    b"2026-02-30T25:61:61Z",
    b"+275760-09-13T00:00:00Z",
    b"0000-01-01T00:00:00Z",
    b"%00",
    b"\r\n\r\n",
    b"\"\xe2\x80\xae\"",
    b"\"NaN\"",
];

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let listed =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = listed.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a file")).collect()
}

/// A small generator (splitmix64): the same seed gives the same cases.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `limit`, which is not 0.
    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % limit).unwrap_or(0)
    }

    /// A range of the bytes, mostly a short one.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let from = self.below(length + 1);
        let most = if self.below(4) == 0 { length } else { 24 };
        from..(from + self.below(most + 1)).min(length)
    }
}

/// One of the corpus after one to eight changes.
fn mutated(corpus: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = corpus[chance.below(corpus.len())].clone();
    for _ in 0..=chance.below(8) {
        let range = chance.range(bytes.len());
        match chance.below(7) {
            0 => bytes
                .iter_mut()
                .skip(range.start)
                .take(1)
                .for_each(|byte| *byte ^= 1 << chance.below(8)),
            1 => drop(bytes.drain(range)),
            2 => bytes.truncate(range.start),
            3 => {
                let token = TOKENS[chance.below(TOKENS.len())];
                drop(bytes.splice(range, token.iter().copied()));
            }
            4 => {
                let again = bytes[range.clone()].to_vec();
                drop(bytes.splice(range.end..range.end, again));
            }
            5 => {
                let other = &corpus[chance.below(corpus.len())];
                let part = chance.range(other.len());
                drop(bytes.splice(range, other[part].iter().copied()));
            }
            // A value in the place of another: from one colon or comma to the next.
            _ => {
                let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b'\n' | b'.' | b'&');
                let rest = &bytes[range.start..];
                let Some(from) = rest.iter().position(|byte| matches!(byte, b':' | b'=')) else {
                    continue;
                };
                let from = range.start + from + 1;
                let Some(length) = bytes[from..].iter().position(is_end) else { continue };
                let token = TOKENS[chance.below(TOKENS.len())];
                drop(bytes.splice(from..from + length, token.iter().copied()));
            }
        }
        bytes.truncate(LONGEST);
    }
    bytes
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a whole number"))
}

/// Runs one case, and keeps bytes that break the decoder.
fn run(decoder: &Decoder, bytes: &[u8]) {
    if catch_unwind(|| take(decoder.name, bytes)).is_ok() {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/decoders");
    let path = folder.join(decoder.name);
    let kept = fs::create_dir_all(folder).and_then(|()| fs::write(&path, bytes));
    panic!("{} broke; the bytes are in {} ({kept:?})", decoder.name, path.display());
}

#[test]
fn what_is_kept_of_the_fuzzing_and_mutations_of_it_break_no_decoder() {
    let (cases, seed) = (number("DECODER_CASES", CASES), number("DECODER_SEED", 1));
    for decoder in &DECODERS {
        let corpus = corpus(decoder.name);
        assert!(!corpus.is_empty(), "{} has no corpus", decoder.name);
        for bytes in &corpus {
            run(decoder, bytes);
        }
        let mut chance = Chance(seed);
        for _ in 0..cases {
            run(decoder, &mutated(&corpus, &mut chance));
        }
    }
}

#[test]
fn every_decoder_has_a_target_of_its_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("a manifest");
    for Decoder { name, .. } in &DECODERS {
        let file = root.join(format!("fuzz_targets/{name}.rs"));
        let text =
            fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(text.contains(&format!("take(\"{name}\"")), "{name} runs another decoder");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in the manifest");
    }
    let targets = fs::read_dir(root.join("fuzz_targets")).expect("a folder").count();
    assert_eq!(targets, DECODERS.len(), "a target without a decoder");
}
