//! The cache under refusals, herds, slow reads and late ones; time is tokio's, paused.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use consumer::{CallError, Settings};
use tokio::time::{Instant, sleep};

use crate::support::{Answer, READ, REQUEST, Target, herd};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_value_is_read_once_for_its_time() {
    let target = Target::accepting("v1");
    let cache = target.cache();
    for _ in 0..10 {
        target.request(&cache).await.unwrap();
    }
    assert_eq!(cache.stats().reads, 1);
    sleep(5 * MINUTE).await;
    target.request(&cache).await.unwrap();
    assert_eq!(cache.stats().reads, 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_is_made_again_with_what_one_read_brings() {
    let target = Target::accepting("v1");
    let cache = target.cache();
    target.request(&cache).await.unwrap();
    target.rotate("v2");
    assert_eq!(target.request(&cache).await.unwrap(), "v2");
    assert_eq!(target.tried(), ["v1", "v1", "v2"]);
    assert_eq!(cache.stats().reads, 2);
}

#[tokio::test(start_paused = true)]
async fn a_herd_that_is_refused_reads_once() {
    let target = Target::accepting("v1");
    let cache = Arc::new(target.cache());
    target.request(&cache).await.unwrap();
    target.rotate("v2");
    let outcomes = herd(&target, &cache, 200).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.as_deref().ok() == Some("v2"))
    );
    assert_eq!(cache.stats().reads, 2);
    let refused = target.tried().iter().filter(|version| *version == "v1").count() - 1;
    assert_eq!(cache.stats().refusals, refused as u64);
}

#[tokio::test(start_paused = true)]
async fn a_herd_at_the_start_reads_once_and_logs_in_once_before_the_rest() {
    let target = Target::accepting("v1");
    let cache = Arc::new(target.cache());
    let outcomes = herd(&target, &cache, 200).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!((cache.stats().reads, target.tried().len()), (1, 200));
}

/// The next version is wrong, too: of a herd one tries it, not all.
#[tokio::test(start_paused = true)]
async fn a_wrong_version_is_tried_by_one_of_a_herd() {
    let target = Target::accepting("v1");
    let cache = Arc::new(target.cache());
    target.request(&cache).await.unwrap();
    target.rotate("v2");
    target.accept(&[]);
    let outcomes = herd(&target, &cache, 200).await;
    assert!(outcomes.iter().all(Result::is_err));
    let of_v2 = target.tried().iter().filter(|version| *version == "v2").count();
    assert_eq!(of_v2, 1);
}

/// The service shows the old version for a while after the move.
#[tokio::test(start_paused = true)]
async fn stale_reads_after_the_move_are_waited_out() {
    let target = Target::accepting("v1");
    let cache = target.cache();
    target.request(&cache).await.unwrap();
    target.accept(&["v2"]);
    target.answer_after(Duration::from_secs(1), "v2");
    let began = Instant::now();
    assert_eq!(target.request(&cache).await.unwrap(), "v2");
    assert_eq!(
        target.tried(),
        ["v1", "v1", "v2"],
        "the refused one is not sent again"
    );
    assert!(began.elapsed() <= Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_wrong_for_good_ends_the_request_within_the_budget() {
    let target = Target::accepting("v1");
    target.accept(&[]);
    let cache = target.cache();
    let began = Instant::now();
    let error = target.request(&cache).await.unwrap_err();
    let CallError::Refused { version, error } = &error else {
        panic!("{error:?}")
    };
    assert_eq!((version.as_str(), error.as_deref()), ("v1", Some("refused")));
    assert!(began.elapsed() <= Settings::default().budget);
    // One try in a minute, however many requests there are; and they fail at once.
    for _ in 0..59 * 4 {
        let began = Instant::now();
        assert!(matches!(
            target.request(&cache).await,
            Err(CallError::Refused { error: None, .. })
        ));
        assert!(began.elapsed() <= READ);
        sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(target.tried(), ["v1"]);
    sleep(MINUTE).await;
    _ = target.request(&cache).await;
    assert_eq!(target.tried(), ["v1", "v1"], "a probe");
}

#[tokio::test(start_paused = true)]
async fn what_was_mended_is_found_by_the_probe_by_a_rotation_and_by_a_flush() {
    let broken = || {
        let target = Target::accepting("v1");
        target.accept(&[]);
        (target.cache(), target)
    };
    let (cache, target) = broken();
    assert!(target.request(&cache).await.is_err());
    target.accept(&["v1"]);
    sleep(MINUTE).await;
    assert!(target.request(&cache).await.is_ok(), "the probe");

    let (cache, target) = broken();
    assert!(target.request(&cache).await.is_err());
    target.rotate("v2");
    sleep(Duration::from_secs(10)).await;
    assert_eq!(target.request(&cache).await.unwrap(), "v2");

    let (cache, target) = broken();
    assert!(target.request(&cache).await.is_err());
    target.accept(&["v1"]);
    assert!(target.request(&cache).await.is_err(), "not yet");
    cache.flush();
    assert!(target.request(&cache).await.is_ok(), "told");
}

#[tokio::test(start_paused = true)]
async fn a_probe_is_made_by_one() {
    let target = Target::accepting("v1");
    target.accept(&[]);
    let cache = Arc::new(target.cache());
    assert!(target.request(&cache).await.is_err());
    sleep(MINUTE).await;
    assert!(herd(&target, &cache, 100).await.iter().all(Result::is_err));
    assert_eq!(target.tried().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_hangs_ends_in_time_and_what_is_held_goes_on() {
    let target = Target::accepting("v1");
    let cache = target.cache();
    target.answers(Answer::Hang);
    let began = Instant::now();
    let error = target.request(&cache).await.unwrap_err();
    assert!(
        matches!(&error, CallError::Unread(error) if error.to_string().contains("within 3s")),
        "{error:?}"
    );
    assert_eq!(began.elapsed(), Settings::default().read_timeout);

    target.answers(Answer::Version("v1"));
    sleep(MINUTE).await;
    target.request(&cache).await.unwrap();
    target.answers(Answer::Hang);
    sleep(5 * MINUTE).await;
    let began = Instant::now();
    target.request(&cache).await.unwrap();
    assert_eq!(
        began.elapsed(),
        Settings::default().read_timeout + REQUEST,
        "the one who looked"
    );
    target.request(&cache).await.unwrap();
    assert_eq!(
        began.elapsed(),
        Settings::default().read_timeout + 2 * REQUEST,
        "not the next"
    );
}

/// While one reads what is out of date, nobody else waits.
#[tokio::test(start_paused = true)]
async fn only_one_waits_for_a_slow_read() {
    let target = Target::accepting("v1");
    let cache = Arc::new(target.cache());
    target.request(&cache).await.unwrap();
    sleep(5 * MINUTE).await;
    target.answers(Answer::Hang);
    let began = Instant::now();
    let slow = tokio::spawn({
        let (target, cache) = (target.clone(), Arc::clone(&cache));
        async move { target.request(&cache).await }
    });
    tokio::task::yield_now().await;
    target.request(&cache).await.unwrap();
    assert_eq!(began.elapsed(), REQUEST);
    slow.await.unwrap().unwrap();
    assert_eq!(began.elapsed(), Settings::default().read_timeout + REQUEST);
}

/// The application's own time-out is shorter than a read that hangs: one request falls to it, not each.
#[tokio::test(start_paused = true)]
async fn reads_that_are_dropped_are_not_begun_by_each_request() {
    let target = Target::accepting("v1");
    let cache = target.cache();
    target.request(&cache).await.unwrap();
    sleep(5 * MINUTE).await;
    target.answers(Answer::Hang);
    let limit = Duration::from_secs(1);
    let mut late = 0;
    for _ in 0..1000 {
        let request = tokio::time::timeout(limit, target.request(&cache));
        late += u32::from(request.await.is_err());
    }
    // 20 seconds of requests: eight reads with short pauses, and then the longer ones.
    assert!((1..=12).contains(&late), "{late} of 1000 requests were late");
}

#[tokio::test(start_paused = true)]
async fn a_flush_while_secrets_manager_hangs_delays_the_others_once() {
    let target = Target::accepting("v1");
    let cache = Arc::new(target.cache());
    target.request(&cache).await.unwrap();
    target.answers(Answer::Hang);
    cache.flush();
    assert!(herd(&target, &cache, 10).await.iter().all(Result::is_ok));
    sleep(Duration::from_secs(1)).await;
    // One looks again, nobody waits for it.
    let began = Instant::now();
    let looking = tokio::spawn({
        let (target, cache) = (target.clone(), Arc::clone(&cache));
        async move { target.request(&cache).await }
    });
    tokio::task::yield_now().await;
    target.request(&cache).await.unwrap();
    assert_eq!(began.elapsed(), REQUEST);
    looking.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_is_over_with_its_budget_though_secrets_manager_hangs() {
    let target = Target::accepting("v1");
    let cache = target.cache();
    target.request(&cache).await.unwrap();
    target.accept(&[]);
    target.answers(Answer::Hang);
    let began = Instant::now();
    assert!(target.request(&cache).await.is_err());
    assert!(
        began.elapsed() <= Settings::default().budget + REQUEST,
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn when_secrets_manager_is_away_a_refusal_says_so_within_the_budget() {
    let target = Target::accepting("v1");
    let cache = target.cache();
    target.request(&cache).await.unwrap();
    target.accept(&["v2"]);
    target.answers(Answer::Error);
    let began = Instant::now();
    assert!(matches!(
        target.request(&cache).await,
        Err(CallError::Refused { error: Some(_), .. })
    ));
    assert!(began.elapsed() <= Settings::default().budget);
    // Back again, it helps.
    target.rotate("v2");
    sleep(Duration::from_secs(30)).await;
    assert_eq!(target.request(&cache).await.unwrap(), "v2");
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_another_kind_is_not_repeated_and_reads_nothing() {
    let target = Target::accepting("v1");
    let cache = target.cache();
    target.fail_requests();
    assert!(matches!(target.request(&cache).await, Err(CallError::Request(_))));
    assert_eq!((target.tried().len(), cache.stats().reads), (1, 1));
}

/// A request that was the first with a version, and was dropped, keeps nobody waiting.
#[tokio::test(start_paused = true)]
async fn a_dropped_request_keeps_nobody_waiting() {
    let target = Target::accepting("v1");
    let cache = target.cache();
    let first = cache.call(|_| std::future::pending::<Result<(), consumer::Attempt<String>>>());
    assert!(
        tokio::time::timeout(Duration::from_millis(10), first)
            .await
            .is_err()
    );
    let began = Instant::now();
    target.request(&cache).await.unwrap();
    assert_eq!(began.elapsed(), REQUEST);
}

/// One that takes long keeps the others for a second.
#[tokio::test(start_paused = true)]
async fn a_slow_first_request_keeps_the_others_for_a_moment_only() {
    let target = Target::accepting("v1");
    let cache = Arc::new(target.cache());
    let began = Instant::now();
    let held = Arc::clone(&cache);
    let slow = tokio::spawn(async move {
        held.call(|_| async {
            sleep(MINUTE).await;
            Ok::<_, consumer::Attempt<String>>(())
        })
        .await
    });
    tokio::task::yield_now().await;
    target.request(&cache).await.unwrap();
    assert_eq!(began.elapsed(), READ + Settings::default().proof_wait + REQUEST);
    slow.abort();
}

#[tokio::test(start_paused = true)]
async fn announcements_flush_once_and_in_any_order() {
    let target = Target::accepting("v1");
    let cache = target.cache();
    target.request(&cache).await.unwrap();
    target.rotate("v2");
    target.accept(&["v1", "v2"]);
    assert_eq!(
        target.request(&cache).await.unwrap(),
        "v1",
        "nobody has said anything"
    );
    assert!(cache.announce("v2"));
    assert_eq!(target.request(&cache).await.unwrap(), "v2");
    assert!(!cache.announce("v2"), "again");
    assert_eq!(target.request(&cache).await.unwrap(), "v2");
    assert_eq!(cache.stats().reads, 2);
    assert!(cache.announce("v1"), "late");
    for _ in 0..100 {
        assert_eq!(target.request(&cache).await.unwrap(), "v2");
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(cache.stats().reads, 7, "five looks, and no more");
    assert_eq!(target.refusals.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_printed_holds_the_secret() {
    let target = Target::accepting("v1");
    let cache = target.cache();
    let current = cache.current().await.unwrap();
    target.answers(Answer::Malformed);
    cache.flush();
    let unread = target.cache();
    let malformed = unread.current().await.unwrap_err();
    target.accept(&[]);
    let refused = target.request(&cache).await.unwrap_err();
    let printed = format!(
        "{current:?} {cache:?} {malformed} {malformed:?} {refused} {refused:?} {:?}",
        target.raw().await
    );
    assert!(!printed.contains("sentinel"), "{printed}");
    assert!(
        printed.contains("api_key"),
        "the key that is wrong is named: {printed}"
    );
}
