//! Photos of 1080 x 1440, the size WeChat passes on: how long a search takes, and what memory.
//! `cargo bench --bench photo`; the bounds are 25 ms at the median and 120 ms at most for a number
//! that is found, 150 ms for a picture without one, decoding not counted. With folders as
//! arguments (`-- FOLDER...`) it reads their JPEG files, decoding counted; a file's name ends with
//! its number, and no number may be wrong.

use std::path::Path;
use std::time::{Duration, Instant};

use doumibook::catalogue::photo::ean13::{self, Found};
use doumibook::catalogue::photo::{Barcode, barcode};

use drawing::{Label, digits};

#[path = "../support/drawing.rs"]
mod drawing;

const CODE: &str = "9787536692930";

fn main() {
    let folders: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    if folders.is_empty() {
        drawn();
    }
    folders.iter().for_each(|folder| files(Path::new(folder)));
}

/// The shortest of five: what else the machine does is not ours.
fn shortest<T>(mut run: impl FnMut() -> T) -> (T, Duration) {
    let mut time = || {
        let begun = Instant::now();
        (run(), begun.elapsed())
    };
    let first = time();
    (0..4).map(|_| time()).fold(first, |best, next| if next.1 < best.1 { next } else { best })
}

fn drawn() {
    let mut found = Vec::new();
    for module in [2.4, 3.3, 4.8, 7.6] {
        for angle in [0.0, 8.0, 40.0, 90.0, 205.0] {
            for blur in [0.6, 1.5, 2.5] {
                let label = Label::new(CODE).module(module).height(50.0 * module);
                let label = label.angle(angle).blur(blur).noise(8.0).shade(0.5);
                let picture = label.picture(1080, 1440);
                let (what, time) = shortest(|| ean13::find(&picture));
                match what {
                    Found::One(number) => assert_eq!(number, digits(CODE)),
                    Found::None => println!("none: {module} pixels a module, blurred by {blur}"),
                    Found::Several => panic!("there is one"),
                }
                if what != Found::None {
                    found.push(time);
                }
            }
        }
    }
    let (half, most) = ms(&mut found);
    println!("found       {} of 60, p50 {half:.1} ms, at most {most:.1} ms", found.len());
    assert!(half < 25.0 && most < 120.0);
    let mut none = Vec::new();
    // Guards right, everything between them wrong: the most that is to be tried.
    let widths = |n: usize| [1.0, 2.0, 1.0, 1.0, 3.0, 2.0, 1.0][n * n % 7];
    let label = Label::of((0..59).map(|n| if n % 27 < 3 { 1.0 } else { widths(n) }).collect());
    for (module, height, noise) in [(3.0, 200.0, 2.0), (8.0, 1400.0, 2.0), (6.0, 1400.0, 60.0)] {
        let picture = label.clone().module(module).height(height).noise(noise).picture(1080, 1440);
        let (what, time) = shortest(|| ean13::find(&picture));
        assert_eq!(what, Found::None);
        none.push(time);
    }
    let (half, most) = ms(&mut none);
    println!("none        p50 {half:.1} ms, at most {most:.1} ms");
    assert!(most < 150.0);
}

fn files(folder: &Path) {
    let (mut found, mut none, mut several) = (Vec::new(), Vec::new(), 0);
    let files =
        std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path());
    for path in files.filter(|path| path.extension().is_some_and(|end| end == "jpg")) {
        let file = std::fs::read(&path).expect("a file");
        let (reading, time) = shortest(|| barcode(&file));
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        match reading {
            Barcode::Ean13(digits) => {
                let number: String = digits.iter().map(u8::to_string).collect();
                assert!(name.ends_with(&number), "{name} was read as {number}");
                found.push(time);
            }
            Barcode::Several => several += 1,
            Barcode::None => none.push(time),
            other => panic!("{name}: {other:?}"),
        }
    }
    let ((half, most), without) = (ms(&mut found), ms(&mut none).1);
    println!(
        "{}: {} found (p50 {half:.1} ms, at most {most:.1} ms), {several} several, {} none (at most \
         {without:.1} ms)",
        folder.display(),
        found.len(),
        none.len()
    );
}

/// Half of them, and all of them, take no longer.
fn ms(times: &mut [Duration]) -> (f64, f64) {
    times.sort();
    let at = |n: usize| times.get(n).map_or(0.0, |time| time.as_secs_f64() * 1000.0);
    (at(times.len() / 2), at(times.len().saturating_sub(1)))
}
