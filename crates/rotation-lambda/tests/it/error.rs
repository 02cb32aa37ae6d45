//! What a `main` may return, and what a `?` in it takes.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use rotation_lambda::Error;

type Boxed = Box<dyn StdError + Send + Sync>;

/// Why the main below did not start.
#[derive(Clone, Copy)]
enum Why {
    Parse,
    Text,
    Message,
    Either,
    Runtime,
}

#[derive(Debug)]
struct Outer(Inner);

#[derive(Debug)]
struct Inner;

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is wrong")
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HOST is empty")
    }
}

impl StdError for Inner {}

impl StdError for Outer {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

/// A main that meets each kind of error with a `?`.
fn main_of_ours(why: Why) -> Result<(), Error> {
    match why {
        Why::Parse => {
            "many".parse::<u32>()?;
        }
        Why::Text => None.ok_or("no variable HOST")?,
        Why::Message => None.ok_or_else(|| format!("no variable {}", "HOST"))?,
        Why::Either => None.ok_or(Cow::Borrowed("no variable HOST"))?,
        Why::Runtime => Err::<(), lambda_runtime::Error>(Box::new(Outer(Inner)))?,
    }
    Ok(())
}

#[test]
fn a_question_mark_takes_each_kind_of_error() {
    for (why, message) in [
        (Why::Parse, "invalid digit found in string"),
        (Why::Text, "no variable HOST"),
        (Why::Message, "no variable HOST"),
        (Why::Either, "no variable HOST"),
        (Why::Runtime, "the configuration is wrong: HOST is empty"),
    ] {
        let error = main_of_ours(why).unwrap_err();
        assert_eq!(error.to_string(), message);
        // What a process prints whose main returns it.
        assert_eq!(format!("{error:?}"), message);
    }
}

/// An error of ours in a main that returns the runtime's, and any error in a function that is generic.
#[test]
fn a_question_mark_makes_a_boxed_error_of_it() {
    fn runtimes() -> Result<(), lambda_runtime::Error> {
        main_of_ours(Why::Runtime)?;
        Ok(())
    }
    fn anybodys() -> Result<(), Box<dyn StdError>> {
        main_of_ours(Why::Runtime)?;
        Ok(())
    }
    fn of<E: StdError + Send + Sync + 'static>(error: E) -> Result<(), Error> {
        Err(error)?;
        Ok(())
    }
    let boxed: Boxed = runtimes().unwrap_err();
    assert!(boxed.downcast_ref::<Outer>().is_some(), "{boxed:?}");
    assert!(anybodys().unwrap_err().source().is_some());
    assert_eq!(of(Inner).unwrap_err().to_string(), "HOST is empty");
}

#[test]
fn an_error_may_be_sent_to_another_thread() {
    let error = main_of_ours(Why::Text).unwrap_err();
    let told = std::thread::spawn(move || error.to_string()).join().unwrap();
    assert_eq!(told, "no variable HOST");
}
