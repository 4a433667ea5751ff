//! Photos of barcodes: pictures drawn here, and a few small files of each kind of JPEG.

use doumibook::catalogue::photo::ean13::{self, Found};
use doumibook::catalogue::photo::grey::Grey;
use doumibook::catalogue::photo::{Barcode, barcode};

use drawing::{Chance, Label, digits};

#[path = "support/drawing.rs"]
mod drawing;

const BOOK: &str = "9787536692930";
const OTHER: &str = "9787020002207";

fn one(code: &str) -> Found {
    Found::One(digits(code))
}

fn label(code: &str) -> Label {
    Label::new(code)
}

#[test]
fn each_first_digit_and_each_angle() {
    for first in 0u8..10 {
        let code = drawing::with_check(&format!("{first}{}", &OTHER[1..12]));
        let angle = f32::from(first) * 37.0;
        let picture = label(&code).angle(angle).picture(480, 480);
        assert_eq!(ean13::find(&picture), one(&code), "{code} at {angle} degrees");
    }
}

#[test]
fn each_size() {
    for module in [1.3, 1.7, 2.3, 3.1, 4.6, 7.0] {
        let picture = label(BOOK).module(module).height(40.0 * module).angle(12.0);
        let picture = picture.picture((130.0 * module) as usize, (90.0 * module) as usize);
        assert_eq!(ean13::find(&picture), one(BOOK), "{module} pixels a module");
    }
}

#[test]
fn through_blur_and_noise() {
    // Bars of one module are an even grey at the last of these.
    for (module, blur, noise) in [(4.0, 1.0, 20.0), (3.0, 1.8, 10.0), (3.4, 2.5, 6.0)] {
        let label = label(BOOK).module(module).height(150.0).angle(-8.0).blur(blur).noise(noise);
        let found = ean13::find(&label.picture(640, 480));
        assert_eq!(found, one(BOOK), "{module}, blurred by {blur}, noise {noise}");
    }
}

#[test]
fn in_little_light_and_uneven_light() {
    for (white, black) in [(60.0, 35.0), (255.0, 200.0), (230.0, 20.0)] {
        let label = label(BOOK).light(white, black).shade(0.5).angle(5.0);
        assert_eq!(ean13::find(&label.picture(480, 320)), one(BOOK), "{white} and {black}");
    }
}

#[test]
fn seen_from_one_side_and_bent() {
    for (slant, bend) in [(0.15, 0.0), (-0.15, 0.0), (0.0, 4.0), (0.1, -3.0)] {
        let label = label(BOOK).module(3.0).slant(slant).bend(bend).angle(3.0);
        assert_eq!(ean13::find(&label.picture(480, 320)), one(BOOK), "{slant}, {bend}");
    }
}

#[test]
fn more_or_less_ink() {
    for ink in [-0.35, 0.35] {
        let picture = label(BOOK).module(2.5).ink(ink).blur(1.2).picture(360, 240);
        assert_eq!(ean13::find(&picture), one(BOOK), "{ink}");
    }
}

#[test]
fn a_number_with_a_wrong_check_digit_is_none() {
    for last in ["1", "9"] {
        let code = format!("{}{last}", &BOOK[..12]);
        let picture = label(&code).module(2.0).height(40.0).picture(240, 80);
        assert_eq!(ean13::find(&picture), Found::None, "{code}");
    }
}

#[test]
fn half_a_code_is_none() {
    let picture = label(BOOK).height(60.0).picture(480, 100);
    let left: Vec<u8> = (0..100).flat_map(|y| picture.row(y)[..240].to_vec()).collect();
    assert_eq!(ean13::find(&Grey::new(240, 100, left).unwrap()), Found::None);
}

#[test]
fn two_numbers_are_several() {
    let upper = label(BOOK).module(2.5).height(90.0).picture(480, 240);
    let lower = label(OTHER).module(2.2).height(80.0).angle(180.0).picture(480, 240);
    assert_eq!(ean13::find(&drawing::stacked(&upper, &lower)), Found::Several);
    assert_eq!(ean13::find(&drawing::stacked(&upper, &upper)), one(BOOK), "twice the same");
}

#[test]
fn beside_a_book_a_small_code_of_another_kind_does_not_count() {
    let book = label(BOOK).module(2.5).height(160.0).picture(480, 240);
    for (code, height, wanted) in [
        ("2001234567893", 40.0, one(BOOK)),
        ("2001234567893", 150.0, Found::Several),
        (OTHER, 40.0, Found::Several),
    ] {
        let other = label(code).module(2.2).height(height).picture(480, 200);
        let found = ean13::find(&drawing::stacked(&book, &other));
        assert_eq!(found, wanted, "{code}, {height} pixels high");
    }
}

#[test]
fn pictures_without_a_code_are_none() {
    let mut chance = Chance(7);
    for (width, height) in [(1, 1), (1, 900), (900, 1), (7, 7), (8, 8), (9, 17), (200, 16)] {
        let pixels = (0..width * height).map(|_| chance.next() as u8).collect();
        let noise = Grey::new(width, height, pixels).unwrap();
        assert_eq!(ean13::find(&noise), Found::None, "noise, {width} x {height}");
    }
    for period in [2, 3, 9] {
        let stripes = (0..400 * 90).map(|n| if n % 400 / period % 2 == 0 { 30 } else { 220 });
        let stripes = Grey::new(400, 90, stripes.collect()).unwrap();
        assert_eq!(ean13::find(&stripes), Found::None, "stripes of {period}");
    }
    let flat = Grey::new(300, 300, vec![255; 300 * 300]).unwrap();
    assert_eq!(ean13::find(&flat), Found::None);
}

#[test]
fn bars_of_another_kind_are_none() {
    let mut chance = Chance(11);
    for round in 0u8..6 {
        // Guards as in an EAN-13, and between them bars of any width.
        let width = |n: usize, chance: &mut Chance| match n {
            0..3 | 27..32 | 56.. => 1.0,
            _ => [1.0, 1.0, 1.0, 2.0, 2.0, 3.0, 4.0][chance.next() as usize % 7],
        };
        let widths = (0..59).map(|n| width(n, &mut chance)).collect();
        let label = Label::of(widths).module(2.5).blur(f32::from(round % 4) * 0.7);
        assert_eq!(ean13::find(&label.height(40.0).picture(420, 80)), Found::None, "round {round}");
    }
}

#[test]
fn all_kinds_of_jpeg() {
    for (name, file) in [
        ("colour", &include_bytes!("catalogue_photo/colour.jpg")[..]),
        ("colour-444", include_bytes!("catalogue_photo/colour-444.jpg")),
        ("grey", include_bytes!("catalogue_photo/grey.jpg")),
        ("progressive", include_bytes!("catalogue_photo/progressive.jpg")),
        ("rgb", include_bytes!("catalogue_photo/rgb.jpg")),
        ("upside-down", include_bytes!("catalogue_photo/upside-down.jpg")),
    ] {
        assert_eq!(barcode(file), Barcode::Ean13(digits(BOOK)), "{name}");
    }
    let magazine = include_bytes!("catalogue_photo/magazine.jpg");
    assert_eq!(barcode(magazine), Barcode::Ean13(digits("9770306406158")));
}

#[test]
fn other_files_are_no_jpeg() {
    for file in [&b""[..], b"\xFF", b"\xFF\xD8", b"GIF89a", b"\x89PNG\r\n\x1A\n", b"<html>"] {
        assert_eq!(barcode(file), Barcode::NotJpeg);
    }
}

#[test]
fn a_header_alone_is_broken_or_too_large() {
    assert_eq!(barcode(&header(0xC0, 4000, 4000, 3)), Barcode::Broken, "16 million, no data");
    for (kind, width, height, scanned) in [
        (0xC0, 4001, 4000, 3),
        (0xC0, 65_535, 65_535, 3),
        (0xC0, 16_385, 1, 3),
        // Progressive, or one colour at a time: the decoder would hold all of it.
        (0xC2, 3000, 2000, 3),
        (0xC0, 3000, 2000, 1),
    ] {
        let file = header(kind, width, height, scanned);
        assert_eq!(barcode(&file), Barcode::TooLarge, "{kind:X} {width} x {height}");
    }
    assert_eq!(barcode(&header(0xC0, 0, 100, 3)), Barcode::Broken);
    assert_eq!(barcode(&header(0xC0, 100, 0, 3)), Barcode::Broken);
}

/// A JPEG as far as the start of its first scan.
fn header(kind: u8, width: u16, height: u16, scanned: u8) -> Vec<u8> {
    let mut file = vec![0xFF, 0xD8, 0xFF, kind, 0, 17, 8];
    file.extend(height.to_be_bytes());
    file.extend(width.to_be_bytes());
    file.extend([3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
    file.extend([0xFF, 0xDA, 0, 6 + 2 * scanned, scanned]);
    file.extend((1..=scanned).flat_map(|colour| [colour, 0]));
    file.extend([0, 63, 0]);
    file
}

#[test]
fn a_header_of_endless_segments_is_broken() {
    let file = include_bytes!("catalogue_photo/grey.jpg");
    let with = |count: usize| [&file[..2], &b"\xFF\xE1\0\x04ab".repeat(count), &file[2..]].concat();
    assert_eq!(barcode(&with(100)), Barcode::Ean13(digits(BOOK)));
    assert_eq!(barcode(&with(1000)), Barcode::Broken);
}

#[test]
fn cut_and_changed_files_are_read_or_refused() {
    let mut chance = Chance(3);
    for file in [
        &include_bytes!("catalogue_photo/colour.jpg")[..],
        include_bytes!("catalogue_photo/progressive.jpg"),
    ] {
        for length in (0..file.len()).step_by(499) {
            right_or_none(&file[..length]);
        }
        for _ in 0..12 {
            let mut changed = file.to_vec();
            let at = chance.next() as usize % changed.len();
            changed[at] = chance.next() as u8;
            right_or_none(&changed);
        }
    }
}

fn right_or_none(file: &[u8]) {
    if let Barcode::Ean13(number) = barcode(file) {
        assert_eq!(number, digits(BOOK));
    }
}
