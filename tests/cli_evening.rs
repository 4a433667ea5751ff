//! What an operator does in the evening and the next week: a new file of books is read while
//! readers ask, wishes outlive the service and are taken out while it runs, and one line of the log
//! has question and outcome.

use std::fs;

use nix::sys::signal::Signal;
use support::client::{Client, post};
use support::push::{Push, field, target};
use support::server::{Directory, Ended, Server, TOKEN, doumibook, run};

mod support;

fn say(client: &mut Client, reader: &str, content: &str) -> String {
    let xml = Push::text(content).from(reader).xml();
    let answer = client.ask(&post(&target(TOKEN), xml.as_bytes()));
    assert_eq!(answer.status, 200);
    let (text, title) = (field(answer.text(), "Content"), field(answer.text(), "Title"));
    format!("{text}{title}")
}

#[test]
fn a_new_file_of_books_and_answers_is_read_without_a_restart() {
    let directory = Directory::new();
    let shelf = directory.file("shelf.csv", "书名\n三体\n");
    let replies = directory.file("replies.csv", "关键词,回复\n几点开门,九点\n");
    let settings = [("DOUMIBOOK_SHELF", shelf.as_str()), ("DOUMIBOOK_REPLIES", replies.as_str())];
    let server = Server::serve(&settings);
    let mut client = server.connect();
    let mut asked = |content: &str| say(&mut client, "oReader", content);
    assert!(asked("三体").contains("三体"));
    assert!(asked("活着").contains("没有找到"));
    assert_eq!(asked("几点开门"), "九点");

    directory.file("shelf.csv", "书名\n活着\n，\n");
    directory.file("replies.csv", "关键词,回复\n几点开门,十点\n坏,\n");
    server.signal(Signal::SIGHUP);
    server.wait_for_lines("replies.csv has 1 keywords", 2);
    // What was remembered of the old books went with them: a hit and a miss.
    assert!(asked("活着").starts_with("《活着》"), "{}", asked("活着"));
    assert!(asked("三体").contains("没有找到"));
    assert_eq!(asked("几点开门"), "十点");

    fs::write(&shelf, "no header\n").unwrap();
    fs::remove_file(&replies).unwrap();
    let pid = server.pid().to_string();
    assert_eq!(run(&["reload", &pid], &[]).code, Some(0));
    server.wait_for_line("the answers of before stay");
    assert!(asked("活着").starts_with("《活着》"));
    assert_eq!(asked("几点开门"), "十点");
    let Ended { code, output } = server.stop();
    assert_eq!(code, Some(0));
    assert!(output.contains("the books of before are served on"), "{output}");
    assert!(output.contains("replies.csv: line 3: no answer"), "{output}");
}

#[test]
fn what_cannot_be_served_at_the_start_is_refused() {
    let directory = Directory::new();
    let replies = directory.file("replies.csv", "开馆,九点\n");
    let ended = run(&["serve"], &[("DOUMIBOOK_TOKEN", "AAAAA"), ("DOUMIBOOK_REPLIES", &replies)]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.output.contains("names the columns 关键词 and 回复"), "{}", ended.output);
}

#[test]
fn wishes_outlive_the_service_and_are_taken_out_while_it_runs() {
    let directory = Directory::new();
    let shelf = directory.file("shelf.csv", "书名\n三体\n");
    let state = directory.path("");
    let settings = [
        ("DOUMIBOOK_SHELF", shelf.as_str()),
        ("DOUMIBOOK_WISHES", "yes"),
        ("STATE_DIRECTORY", state.as_str()),
    ];
    let wishes = |arguments: &[&str]| {
        let arguments = [&["wishes"], arguments].concat();
        let Ended { code, output } = run(&arguments, &[("STATE_DIRECTORY", &state)]);
        (code, output)
    };
    assert_eq!(wishes(&[]), (Some(0), "no wishes\n".to_owned()));
    let server = Server::serve(&settings);
    let mut client = server.connect();
    for reader in ["oA", "oB"] {
        assert!(say(&mut client, reader, "深空").contains("登记想看这本书"));
        assert!(say(&mut client, reader, "登记").contains("已登记"));
    }
    say(&mut client, "oA", "登记《活着》");
    assert_eq!(server.stop().code, Some(0));
    let (code, table) = wishes(&[]);
    let lines: Vec<_> = table.lines().collect();
    assert_eq!((code, lines.len()), (Some(0), 3), "{table}");
    assert!(lines[1].starts_with("2 ") && lines[1].contains("深空"), "{table}");
    assert!(wishes(&["--csv"]).1.starts_with("\u{feff}人数,ISBN,"));
    for entry in fs::read_dir(&state).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("oA") && !text.contains("oB"), "an id is on disk: {text}");
    }

    let server = Server::serve(&settings);
    assert_eq!(wishes(&["--done", "《深空》"]).1, "1 taken out, 1 left\n");
    assert_eq!(wishes(&["--done", "深空"]).0, Some(1));
    say(&mut server.connect(), "oC", "登记《深空》");
    assert_eq!(server.stop().code, Some(0));
    assert!(wishes(&[]).1.contains("深空"), "wished after it was done");
    assert_eq!(wishes(&["--clear"]).1, "2 taken out, 0 left\n");
    assert_eq!(wishes(&[]).1, "no wishes\n");
    assert_eq!(wishes(&["--what"]).0, Some(2));
    let nowhere = doumibook(&["wishes"], &[("STATE_DIRECTORY", "/nonexistent")]).output().unwrap();
    assert_eq!(nowhere.status.code(), Some(1));
}

#[test]
fn without_a_state_directory_no_wish_is_offered() {
    let directory = Directory::new();
    let shelf = directory.file("shelf.csv", "书名\n三体\n");
    let server = Server::serve(&[("DOUMIBOOK_SHELF", &shelf), ("DOUMIBOOK_WISHES", "yes")]);
    let said = say(&mut server.connect(), "oA", "深空");
    assert!(!said.contains("登记"), "{said}");
    assert!(server.stop().output.contains("no wishes are offered"));
}

#[test]
fn one_line_of_the_log_has_question_and_outcome() {
    let directory = Directory::new();
    let shelf = directory.file("shelf.csv", "书名\n三体\n");
    let server = Server::serve(&[("DOUMIBOOK_SHELF", &shelf), ("DOUMIBOOK_LOG_TEXT", "yes")]);
    let mut client = server.connect();
    client.ask(&post(&target(TOKEN), Push::text("三体\n<3>").xml().as_bytes()));
    let line = server.wait_for_line(" push ");
    assert!(line.contains(" push text guessed "), "{line}");
    assert!(line.ends_with(r#"sent=Text("三体\n<3>")"#), "{line}");
    client.ask(&post(&target(TOKEN), Push::text(&"长".repeat(400)).xml().as_bytes()));
    let lines = server.wait_for_lines(" push ", 2);
    assert!(lines.iter().all(|line| line.chars().count() < 320), "{lines:?}");
    assert!(!server.stop().output.contains(" sent Text"));
}

/// A pipe in the file's place keeps the reload waiting for as long as the test likes.
#[test]
fn readers_are_answered_while_a_file_is_read() {
    let directory = Directory::new();
    let shelf = directory.file("shelf.csv", "书名\n三体\n");
    let server = Server::serve(&[("DOUMIBOOK_SHELF", &shelf)]);
    let mut client = server.connect();
    fs::remove_file(&shelf).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&shelf).status().unwrap().success());
    server.signal(Signal::SIGHUP);
    for _ in 0..3 {
        assert!(say(&mut client, "oReader", "三体").starts_with("《三体》"));
    }
    // Once for its print, once for its books: two readings, which must not get into one.
    for _ in 0..2 {
        fs::write(&shelf, "书名\n活着\n围城\n").unwrap();
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
    server.wait_for_line("has 2 books");
    assert!(say(&mut client, "oReader", "围城").starts_with("《围城》"));
    assert_eq!(server.stop().code, Some(0));
}
