//! Budget and breaker of one source. Every moment is passed in; nothing sleeps.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use doumibook::catalogue::book::Book;
use doumibook::catalogue::guard::{
    Asked, BreakerChange, BreakerState, NotAdmitted, Permit, RestCause, SourceGuard,
};
use doumibook::catalogue::{Outcome, Reason};

/// A question of a reader of its own.
fn alone(question: u64) -> Asked {
    Asked { question, reader: question }
}

fn at(start: Instant, millis: u64) -> Instant {
    start + Duration::from_millis(millis)
}

fn limited(seconds: Option<u64>) -> Outcome {
    let retry_after = seconds.map(Duration::from_secs);
    Outcome::Limited { retry_after, reason: Reason::new("code 112") }
}

/// One letter, one outcome: L asks for a hundred seconds of peace, H for a day.
fn outcome(letter: char) -> Outcome {
    match letter {
        'f' => Outcome::Found(vec![Book { title: "三体".to_owned(), ..Book::default() }]),
        'n' => Outcome::NotFound,
        'u' => Outcome::Unasked,
        'l' => limited(None),
        'L' => limited(Some(100)),
        'H' => limited(Some(86_400)),
        's' => Outcome::Unfit(Reason::new("records without a title")),
        'o' => Outcome::Operator(Reason::new("code 104")),
        _ => Outcome::Down(Reason::new("timed out")),
    }
}

/// Where a breaker stands at that second of the test.
fn shown(gate: &SourceGuard, start: Instant, second: u64) -> String {
    match gate.state(at(start, second * 1000)) {
        BreakerState::Closed => "closed".to_owned(),
        BreakerState::Resting { until } => {
            format!("rests to {}", until.duration_since(start).as_secs())
        }
        BreakerState::Probing => "probing".to_owned(),
    }
}

#[test]
#[rustfmt::skip]
fn the_breaker() {
    // One letter, one lookup begun and ended at that second, as in `outcome`; with ! it must not
    // be asked.
    for (row, steps) in [
        ("three failures in a row",  &[(0, 'd', "closed"), (1, 'd', "closed"), (2, 'd', "rests to 17")][..]),
        ("refusals too",             &[(0, 'o', "closed"), (1, 'o', "closed"), (2, 'o', "rests to 17")]),
        ("not in a row",             &[(0, 'd', "closed"), (1, 'd', "closed"), (2, 'n', "closed"), (3, 'd', "closed"), (4, 'd', "closed"), (5, 'd', "rests to 20")]),
        ("not knowing is neither",   &[(0, 'd', "closed"), (1, 'u', "closed"), (2, 'd', "closed"), (3, 'd', "rests to 18")]),
        ("one limit is enough",      &[(0, 'l', "rests to 15")]),
        ("Retry-After is honoured",  &[(0, 'L', "rests to 100"), (99, '!', "rests to 100")]),
        ("but not for a day",        &[(0, 'H', "rests to 3600")]),
        ("a rest is a rest",         &[(0, 'l', "rests to 15"), (0, '!', "rests to 15"), (14, '!', "rests to 15")]),
        ("a probe brings it back",   &[(0, 'l', "rests to 15"), (15, 'f', "closed"), (16, 'd', "closed"), (17, 'd', "closed"), (18, 'd', "rests to 48")]),
        ("a miss is an answer",      &[(0, 'l', "rests to 15"), (15, 'n', "closed")]),
        ("one failed probe is enough", &[(0, 'l', "rests to 15"), (15, 'd', "rests to 45"), (45, 'd', "rests to 105")]),
        ("a probe that cannot tell", &[(0, 'l', "rests to 15"), (15, 'u', "probing"), (15, 'f', "closed")]),
        ("doubling has an end",      &[(0, 'l', "rests to 15"), (15, 'd', "rests to 45"), (45, 'd', "rests to 105"), (105, 'd', "rests to 225"),
                                       (225, 'd', "rests to 465"), (465, 'd', "rests to 945"), (945, 'd', "rests to 1845"), (1845, 'd', "rests to 2745")]),
        ("back for a moment",        &[(0, 'l', "rests to 15"), (15, 'f', "closed"), (20, 'l', "rests to 50")]),
        ("back for good",            &[(0, 'l', "rests to 15"), (15, 'f', "closed"), (30, 'l', "rests to 45")]),
    ] {
        let start = Instant::now();
        let mut gate = SourceGuard::new(None);
        for &(second, letter, expected) in steps {
            let now = at(start, second * 1000);
            assert_eq!(gate.would_ask(now), letter != '!', "{row}, at {second}");
            match gate.admit(now, now + Duration::from_secs(4), alone(second)) {
                Ok(pass) => drop(gate.report(pass, &outcome(letter), now)),
                Err(NotAdmitted::Resting(_)) => assert_eq!(letter, '!', "{row}, at {second}"),
                Err(other) => panic!("{row}: {other:?}"),
            }
            assert_eq!(shown(&gate, start, second), expected, "{row}, at {second}");
        }
    }
}

/// Gets leave to ask, for four seconds.
fn pass(gate: &mut SourceGuard, now: Instant) -> Permit {
    match gate.admit(now, now + Duration::from_secs(4), alone(0)) {
        Ok(pass) => pass,
        Err(refused) => panic!("{refused:?}"),
    }
}

#[test]
fn lookups_that_overlap_a_rest() {
    let start = Instant::now();
    let mut gate = SourceGuard::new(None);
    let [first, second, third, fourth] = [0; 4].map(|_| pass(&mut gate, at(start, 0)));
    let change = gate.report(first, &limited(None), at(start, 0));
    assert_eq!(change, Some(BreakerChange::Rests(Duration::from_secs(15))));
    assert_eq!(gate.report(second, &limited(None), at(start, 1_000)), None);
    assert_eq!(shown(&gate, start, 1), "rests to 15", "a second limit makes no second rest");
    assert_eq!(gate.report(third, &limited(Some(40)), at(start, 1_000)), None);
    assert_eq!(shown(&gate, start, 1), "rests to 41", "but its wish counts");
    assert_eq!(gate.report(fourth, &Outcome::NotFound, at(start, 2_000)), None);
    assert_eq!(shown(&gate, start, 2), "rests to 41", "an early question's answer ends no rest");
}

#[test]
fn exactly_one_probe() {
    let start = Instant::now();
    let mut gate = SourceGuard::new(None);
    let [limiting, late] = [0; 2].map(|_| pass(&mut gate, at(start, 0)));
    gate.report(limiting, &limited(None), at(start, 0));
    assert_eq!(shown(&gate, start, 14), "rests to 15");
    assert_eq!(shown(&gate, start, 15), "probing", "whoever asks now is the probe");
    let probe = pass(&mut gate, at(start, 15_000));
    assert_eq!(shown(&gate, start, 15), "probing");
    for _ in 0..100 {
        let refused = gate.admit(at(start, 15_000), at(start, 19_000), alone(0));
        assert_eq!(refused, Err(NotAdmitted::Resting(RestCause::Limited)));
    }
    assert_eq!(gate.report(late, &Outcome::NotFound, at(start, 16_000)), None);
    assert_eq!(shown(&gate, start, 16), "probing", "only the probe decides");
    assert_eq!(
        gate.report(probe, &Outcome::NotFound, at(start, 16_000)),
        Some(BreakerChange::Back)
    );
    assert_eq!(shown(&gate, start, 16), "closed");
}

#[test]
fn a_probe_that_never_comes_back_is_replaced() {
    let start = Instant::now();
    let mut gate = SourceGuard::new(None);
    let limiting = pass(&mut gate, at(start, 0));
    gate.report(limiting, &limited(None), at(start, 0));
    let _lost = pass(&mut gate, at(start, 15_000));
    assert!(!gate.would_ask(at(start, 20_999)));
    assert_eq!(shown(&gate, start, 21), "probing");
    let probe = pass(&mut gate, at(start, 21_000));
    assert!(!gate.would_ask(at(start, 21_000)));
    assert_eq!(
        gate.report(probe, &Outcome::NotFound, at(start, 21_000)),
        Some(BreakerChange::Back)
    );
}

#[test]
fn the_budget_holds_in_every_minute() {
    let start = Instant::now();
    let mut gate = SourceGuard::new(NonZeroU32::new(5));
    let mut asked = Vec::new();
    // Somebody wants to know three times a second, for five minutes.
    for millis in (0..300_000).step_by(333) {
        let now = at(start, millis);
        let free = gate.would_ask(now);
        match gate.admit(now, now + Duration::from_secs(4), alone(millis)) {
            Ok(pass) => {
                assert!(free);
                gate.report(pass, &Outcome::NotFound, now);
                asked.push(millis);
            }
            Err(refused) => assert_eq!((refused, free), (NotAdmitted::OverBudget, false)),
        }
    }
    assert_eq!(asked.len(), 25, "all of it is used");
    for six in asked.windows(6) {
        assert!(six[5] - six[0] >= 60_000, "{six:?}");
    }
    assert_eq!(shown(&gate, start, 300), "closed", "an empty purse is no failure of the source");
}

#[test]
fn what_a_source_cannot_know_costs_nothing() {
    let start = Instant::now();
    let mut gate = SourceGuard::new(NonZeroU32::new(1));
    for _ in 0..3 {
        let free = pass(&mut gate, at(start, 0));
        gate.report(free, &Outcome::Unasked, at(start, 0));
    }
    let _spent = pass(&mut gate, at(start, 0));
    assert_eq!(gate.admit(at(start, 0), at(start, 1), alone(0)), Err(NotAdmitted::OverBudget));
}

/// One letter and one question after another, a second apart; where the breaker stands at the end.
fn after(steps: &[(char, u64)]) -> String {
    let start = Instant::now();
    let mut gate = SourceGuard::new(None);
    for (second, &(letter, question)) in (0..).zip(steps) {
        let now = at(start, second * 1000);
        if let Ok(pass) = gate.admit(now, now + Duration::from_secs(4), alone(question)) {
            gate.report(pass, &outcome(letter), now);
        }
    }
    shown(&gate, start, steps.len() as u64 - 1)
}

#[test]
fn a_fault_of_one_record_is_not_a_fault_of_the_source() {
    assert_eq!(after(&[('d', 1); 9]), "closed", "one question, asked again and again");
    assert_eq!(after(&[('d', 1), ('d', 2), ('d', 1), ('d', 2)]), "closed");
    assert_eq!(after(&[('d', 1), ('d', 2), ('d', 1), ('d', 3)]), "rests to 18");
    assert_eq!(after(&[('d', 1), ('d', 2), ('s', 3), ('d', 4)]), "closed", "no title is an answer");
    assert_eq!(after(&[('o', 1), ('o', 2), ('o', 3)]), "rests to 17");
}

#[test]
fn a_question_that_failed_before_makes_no_rest_longer() {
    let start = Instant::now();
    let mut gate = SourceGuard::new(None);
    let mut ask = |second: u64, question, letter| {
        let now = at(start, second * 1000);
        let pass = gate
            .admit(
                now,
                now + Duration::from_secs(4),
                Asked { question, reader: 100 * second + question },
            )
            .unwrap();
        gate.report(pass, &outcome(letter), now);
        shown(&gate, start, second)
    };
    (1..=3).for_each(|question| drop(ask(0, question, 'd')));
    assert_eq!(ask(15, 1, 'd'), "rests to 30");
    assert_eq!(ask(30, 1, 'd'), "rests to 45");
    assert_eq!(ask(45, 4, 'd'), "rests to 75");
    assert_eq!(ask(75, 5, 'n'), "closed");
}

#[test]
fn a_pass_handed_back_leaves_everything_as_it_was() {
    let start = Instant::now();
    let mut gate = SourceGuard::new(None);
    for second in 0..5 {
        let handed = pass(&mut gate, at(start, second));
        gate.hand_back(handed, at(start, second));
    }
    assert_eq!(shown(&gate, start, 5), "closed");
    let limiting = pass(&mut gate, at(start, 5_000));
    gate.report(limiting, &limited(None), at(start, 5_000));
    let probe = pass(&mut gate, at(start, 20_000));
    gate.hand_back(probe, at(start, 20_000));
    assert!(gate.would_ask(at(start, 20_000)), "the next is the probe");
    assert_eq!(shown(&gate, start, 20), "probing");
}

/// A letter, a question and a reader after another, a second apart; where the breaker stands at the
/// end.
fn after_readers(steps: &[(char, u64, u64)]) -> String {
    let start = Instant::now();
    let mut gate = SourceGuard::new(None);
    for (second, &(letter, question, reader)) in (0..).zip(steps) {
        let now = at(start, second * 1000);
        if let Ok(pass) = gate.admit(now, now + Duration::from_secs(4), Asked { question, reader })
        {
            gate.report(pass, &outcome(letter), now);
        }
    }
    shown(&gate, start, steps.len() as u64 - 1)
}

#[test]
fn one_reader_alone_has_no_source_left_alone() {
    let many: Vec<_> = (0..50).map(|question| ('o', question, 1)).collect();
    assert_eq!(after_readers(&many), "closed", "fifty questions of one reader");
    assert_eq!(after_readers(&[('o', 1, 1), ('o', 2, 1), ('o', 3, 2)]), "rests to 17");
    assert_eq!(after_readers(&[('o', 1, 1), ('o', 2, 1), ('o', 3, 1), ('o', 4, 2)]), "rests to 18");
    assert_eq!(after_readers(&[('o', 1, 1), ('o', 2, 1), ('o', 3, 1), ('o', 3, 2)]), "closed");
}

#[test]
fn who_met_a_failure_is_no_probe() {
    let start = Instant::now();
    let mut gate = SourceGuard::new(None);
    let mut admit = |second: u64, question, reader| {
        let now = at(start, second * 1000);
        let pass =
            gate.admit(now, now + Duration::from_secs(4), Asked { question, reader }).unwrap();
        let ours = pass.is_for_our_question();
        gate.report(pass, &outcome('d'), now);
        ours
    };
    for (question, reader) in [(1, 1), (2, 1), (3, 2)] {
        assert!(!admit(0, question, reader));
    }
    // However the first two vary what they ask, it is our question that finds out.
    assert!(admit(15, 4, 1));
    assert!(admit(45, 5, 2));
    assert!(!admit(105, 6, 3), "another reader's is as good");
    assert!(admit(225, 7, 3), "but not twice");
    // More readers than are remembered: from then on it is always ours.
    let mut second = 465;
    for reader in 4..40 {
        let ours = admit(second, 100 + reader, reader);
        assert_eq!(ours, reader >= 17, "reader {reader}");
        second += 900;
    }
}

#[test]
fn one_reader_has_a_quarter_of_the_budget() {
    for (budget, share) in [(1, 1), (2, 2), (8, 2), (9, 2), (12, 3), (60, 15), (6000, 1500)] {
        let start = Instant::now();
        let mut gate = SourceGuard::new(NonZeroU32::new(budget));
        let mut ask = |millis, reader| {
            let now = at(start, millis);
            let asked = Asked { question: millis, reader };
            gate.admit(now, now + Duration::from_secs(4), asked).map(|pass| {
                gate.report(pass, &Outcome::NotFound, now);
            })
        };
        let had = (0..u64::from(budget)).filter(|&millis| ask(millis, 1).is_ok()).count();
        assert_eq!(had, share, "of {budget}");
        if budget > 2 {
            assert_eq!(ask(8_000, 1), Err(NotAdmitted::OverShare));
            let others = (0..u64::from(budget)).filter(|&n| ask(9_000 + n, 2 + n).is_ok()).count();
            assert_eq!(others, budget as usize - share, "the rest of {budget} is for others");
            assert_eq!(ask(59_999, 1), Err(NotAdmitted::OverBudget));
        }
        assert_eq!(ask(60_000 + u64::from(budget), 1), Ok(()), "a minute later");
    }
}

#[test]
fn what_a_source_cannot_know_costs_no_share() {
    let start = Instant::now();
    let mut gate = SourceGuard::new(NonZeroU32::new(8));
    for _ in 0..20 {
        let free = pass(&mut gate, at(start, 0));
        gate.report(free, &Outcome::Unasked, at(start, 0));
    }
    let _first = pass(&mut gate, at(start, 0));
    let _second = pass(&mut gate, at(start, 0));
    assert_eq!(gate.admit(at(start, 0), at(start, 1), alone(0)), Err(NotAdmitted::OverShare));
}
