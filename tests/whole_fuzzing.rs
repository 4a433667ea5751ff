//! The fuzz targets for a few seconds, the same way each time: seeds, and seeds changed.
//!
//! A longer run, guided by coverage: `cargo fuzz run --fuzz-dir tests/fuzz TARGET`, after
//! `cargo test --test whole_fuzzing -- --ignored` has written the seeds where it looks for them.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use targets::{TARGETS, Target};

#[path = "fuzz/targets.rs"]
mod targets;

/// How many inputs each target gets, at most: about as many as fit into [`TIME`] on a slow
/// machine, so that what is tried does not depend on the machine's mood.
const INPUTS: usize = 12_000;
/// A bound for machines that are slower still.
const TIME: Duration = Duration::from_secs(5);
/// Longest input; bounds of 64 KiB have tests of their own.
const LONGEST: usize = 4096;

/// Marsaglia's xorshift64: small, and the same everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn one_of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    /// A part of `0..length`.
    fn part(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        start..start + self.below((length - start).min(32) + 1)
    }

    /// Changes `input` in one of the ways that find bugs in parsers.
    fn change(&mut self, input: &mut Vec<u8>, target: &Target) {
        let (at, part) = (self.below(input.len() + 1), self.part(input.len()));
        match self.below(8) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.next() as u8,
            2 => drop(input.drain(part)),
            3 => input.truncate(at),
            4 => {
                let copy = input[part].to_vec();
                let times = 1 + self.below(40);
                drop(input.splice(at..at, copy.repeat(times)));
            }
            5 => {
                let other = target.seed(self.below(target.seeds.len() + target.files.len()));
                let part = self.part(other.len());
                drop(input.splice(at..at, other[part].iter().copied()));
            }
            _ => drop(input.splice(at..at, self.one_of(target.words).bytes())),
        }
        input.truncate(LONGEST);
    }
}

fn run(name: &str) {
    let target = targets::target(name);
    let mut chance = Chance(0x9E37_79B9_7F4A_7C15);
    let start = Instant::now();
    for number in 0..INPUTS {
        let mut input = target.seed(number).to_vec();
        // The first round is the seeds as they are.
        if number >= target.seeds.len() + target.files.len() {
            (0..=chance.below(6)).for_each(|_| chance.change(&mut input, target));
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.run)(&input))) {
            eprintln!("{name}, input {number}: {:?}", String::from_utf8_lossy(&input));
            resume_unwind(panic);
        }
        if start.elapsed() > TIME {
            break;
        }
    }
}

#[test]
fn gate() {
    run("gate");
}

#[test]
fn push() {
    run("push");
}

#[test]
fn envelope() {
    run("envelope");
}

#[test]
fn source() {
    run("source");
}

#[test]
fn interlib() {
    run("interlib");
}

#[test]
fn shelf() {
    run("shelf");
}

#[test]
fn search() {
    run("search");
}

#[test]
fn marc() {
    run("marc");
}

#[test]
fn decoders() {
    run("decoders");
}

#[test]
fn settings() {
    run("settings");
}

#[test]
fn question() {
    run("question");
}

#[test]
fn photo() {
    run("photo");
}

#[test]
fn state() {
    run("state");
}

#[test]
fn every_target_has_its_file() {
    for Target { name, .. } in TARGETS {
        let path = format!("{}/tests/fuzz/fuzz_targets/{name}.rs", env!("CARGO_MANIFEST_DIR"));
        assert!(Path::new(&path).exists(), "{path}");
    }
}

#[test]
#[ignore = "writes the seeds where cargo fuzz looks for them"]
fn write_seeds() {
    for target in TARGETS {
        let name = target.name;
        let folder = format!("{}/tests/fuzz/corpus/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::create_dir_all(&folder).unwrap();
        for number in 0..target.seeds.len() + target.files.len() {
            std::fs::write(format!("{folder}/seed-{number}"), target.seed(number)).unwrap();
        }
    }
}
