use std::sync::Mutex;

use async_trait::async_trait;

use crate::error::{ErrorClass, chain};
use crate::secret::SecretString;
use crate::store::{StoreError, StoreErrorKind};

use super::*;

/// A clock whose sleeps end at once and put the time forward.
#[derive(Debug, Default)]
struct Leaping(Mutex<Duration>);

#[async_trait]
impl Clock for Leaping {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        *self.0.lock().unwrap() += duration;
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_context_says_which_rotation_and_keeps_its_time() {
    let clock = Leaping::default();
    let ctx = Outside::new(&clock).context("arn", "token", Step::SetSecret, 10 * SECOND);
    assert_eq!(
        (ctx.secret_arn(), ctx.version(), ctx.step()),
        ("arn", "token", Step::SetSecret)
    );
    assert_eq!(ctx.wall_deadline(), SystemTime::UNIX_EPOCH + 10 * SECOND);
    ctx.sleep(4 * SECOND).await.unwrap();
    assert_eq!(ctx.remaining(), 6 * SECOND);
    assert_eq!(ctx.as_of(), SystemTime::UNIX_EPOCH);
    assert!(ctx.sleep(6 * SECOND).await.is_err());
    assert_eq!(ctx.remaining(), 6 * SECOND);

    assert_eq!(ctx.timeout(async { 7 }).await.unwrap(), 7);
    let late = ctx.timeout_after(2 * SECOND, std::future::pending::<()>()).await;
    assert_eq!(late.unwrap_err().to_string(), "no answer within 2.0 s");
    assert_eq!(ctx.remaining(), 4 * SECOND);
    ctx.timeout(std::future::pending::<()>()).await.unwrap_err();
    let begun = ctx.timeout(async { panic!("begun after the time was up") }).await;
    assert!(begun.is_err());
}

#[test]
fn what_is_kept_back_is_taken_off_the_time_and_not_off_the_wall() {
    let clock = Leaping::default();
    let deadline = Deadline::after(&clock, 10 * SECOND);
    assert_eq!(deadline.less(3 * SECOND).remaining(&clock), 7 * SECOND);
    assert_eq!(deadline.less(3 * SECOND).wall, deadline.wall);
    let year = Deadline::after(&clock, Duration::MAX).remaining(&clock);
    assert_eq!(year, Duration::from_secs(365 * 24 * 3600));
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_keeps_its_class() {
    let missing = NoSecrets.read_current("x").await.unwrap_err();
    assert_eq!(BackendError::from(missing).class(), ErrorClass::Misconfigured);
    let lost = BackendError::from(StoreError::unknown("no answer"));
    assert_eq!(lost.class(), ErrorClass::Unavailable);
    assert!(format!("{lost:?}").ends_with("no answer"), "{lost:?}");
}

/// Other secrets with this answer for each.
struct Answers(fn() -> Result<SecretValue, StoreError>);

#[async_trait]
impl SecretReader for Answers {
    async fn read_current(&self, _: &str) -> Result<SecretValue, StoreError> {
        (self.0)()
    }
}

#[derive(Debug, serde::Deserialize)]
struct Login {
    password: SecretString,
}

#[tokio::test]
async fn another_secret_is_read_and_decoded_within_the_time() {
    let clock = Leaping::default();
    let secrets = Answers(|| Ok(SecretValue::text(r#"{"password": "s3cret"}"#)));
    let outside = Outside::new(&clock).with_secrets(&secrets);
    let ctx = outside.context("arn", "token", Step::SetSecret, SECOND);
    let login: Login = ctx.read_secret("arn:admin").await.unwrap();
    assert_eq!(login.password.expose_secret(), "s3cret");
    assert_eq!(
        ctx.read_secret_value("arn:admin").await.unwrap(),
        SecretValue::text(r#"{"password": "s3cret"}"#)
    );
}

#[tokio::test]
async fn a_failed_read_of_another_secret_names_it_and_never_its_value() {
    type Row = (fn() -> Result<SecretValue, StoreError>, ErrorClass, &'static str);
    let rows: [Row; 4] = [
        (
            || Ok(SecretValue::text(r#"{"pass": "s3cret"}"#)),
            ErrorClass::Misconfigured,
            "the value of the secret arn:admin cannot be used: the key \"password\" is missing from the document; add it",
        ),
        (
            || Err(StoreError::not_applied(StoreErrorKind::Denied, "no right")),
            ErrorClass::Misconfigured,
            "the secret arn:admin could not be read: another secret could not be read from Secrets Manager: no right",
        ),
        (
            || Err(StoreError::unknown("no answer")),
            ErrorClass::Unavailable,
            "the secret arn:admin could not be read: another secret could not be read from Secrets Manager: no answer",
        ),
        (
            || Err(StoreError::not_applied(StoreErrorKind::NotFound, "none")),
            ErrorClass::Misconfigured,
            "the secret arn:admin could not be read: another secret could not be read from Secrets Manager: none",
        ),
    ];
    for (answer, class, text) in rows {
        let (clock, secrets) = (Leaping::default(), Answers(answer));
        let outside = Outside::new(&clock).with_secrets(&secrets);
        let ctx = outside.context("arn", "token", Step::SetSecret, SECOND);
        let error = ctx.read_secret::<Login>("arn:admin").await.unwrap_err();
        assert_eq!((error.class(), chain(&error).as_str()), (class, text));
    }
    let clock = Leaping::default();
    let ctx = Outside::new(&clock).context("arn", "token", Step::SetSecret, Duration::ZERO);
    let error = ctx.read_secret::<Login>("arn:admin").await.unwrap_err();
    assert_eq!(
        chain(&error),
        "the secret arn:admin could not be read: the time of this invocation is up"
    );
}
