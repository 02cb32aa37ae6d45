//! When a request is tried again: decided without any call.

use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use rotation_core::{BackendError, StepContext};

/// How often one request is sent at most, where it may be sent again.
pub(crate) const MOST_TRIES: u32 = 4;

/// How long one try may take: a connection that hangs must not use up the time of the others.
pub(crate) const ONE_TRY: Duration = Duration::from_secs(10);

/// How long a request may take with all its tries: one that hangs must not use up the time of the key.
pub(crate) const ONE_REQUEST: Duration = Duration::from_secs(30);

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The time for one piece of work: what is left of a limit, counted from when it began.
pub(crate) struct Allotment<'a> {
    ctx: &'a StepContext<'a>,
    at_start: Duration,
    limit: Duration,
}

impl<'a> Allotment<'a> {
    /// At most this long, and at most half of the time left, so that what follows has some too.
    pub(crate) fn new(ctx: &'a StepContext<'a>, limit: Duration) -> Self {
        let at_start = ctx.remaining();
        let limit = limit.min(at_start / 2);
        Self { ctx, at_start, limit }
    }

    pub(crate) fn left(&self) -> Duration {
        let used = self.at_start.saturating_sub(self.ctx.remaining());
        self.limit.saturating_sub(used)
    }

    /// Waits before the next try, unless that would use up the time: then `false`, at once.
    pub(crate) async fn pause(&self, tries: u32, asked: Option<Duration>) -> Result<bool, BackendError> {
        let mut byte = [0];
        self.ctx.random().fill(&mut byte)?;
        let [random] = byte;
        let wait = pause(tries, random, asked);
        if wait >= self.left() {
            return Ok(false);
        }
        self.ctx.sleep(wait).await?;
        Ok(true)
    }
}

/// The pause after so many tries: doubling, and between half of it and all of it, so that functions
/// started together drift apart. Comes on top of what the provider asked for.
fn pause(tries: u32, random: u8, asked: Option<Duration>) -> Duration {
    let doublings = tries.saturating_sub(1).min(16);
    let full = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
    let jittered = full / 2 + full * u32::from(random) / 510;
    asked.unwrap_or_default().saturating_add(jittered)
}

/// What `Retry-After` asks for, in seconds or as a date (RFC 9110). `None` if it is not there, or is
/// neither.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// Whether the same request may pass later: the provider limits the rate, or fails within.
pub(crate) fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        )
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_keep_within_their_jitter() {
        let millis = |tries, random| pause(tries, random, None).as_millis();
        for (tries, least, most) in [
            (1, 100, 200),
            (2, 200, 400),
            (3, 400, 800),
            (6, 2500, 5000),
            (u32::MAX, 2500, 5000),
        ] {
            assert_eq!((millis(tries, 0), millis(tries, 255)), (least, most), "{tries}");
        }
        let asked = Some(Duration::from_secs(7));
        assert_eq!(pause(1, 0, asked), Duration::from_millis(7100));
        assert_eq!(pause(1, 255, Some(Duration::MAX)), Duration::MAX);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (text, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:49:27 GMT", Some(0)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
            let seconds = retry_after(&headers, now).map(|asked| asked.as_secs());
            assert_eq!(seconds, expected, "{text:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
