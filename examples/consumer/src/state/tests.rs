use super::*;

const SECOND: Duration = Duration::from_secs(1);
const TTL: Duration = Duration::from_secs(300);

fn state() -> State<()> {
    State::default()
}

/// A read at this second that brings a version, or nothing.
fn read(state: &mut State<()>, second: u32, version: Option<&str>) {
    let at = SECOND * second;
    let number = state.begin_read();
    let brought = version.map(|version| Arc::new(Current::of(version, ())));
    state.end_read((number, at), at, brought.ok_or_else(|| ReadError::new("away")));
}

fn freshness(state: &State<()>, second: u32) -> &'static str {
    match state.freshness(SECOND * second, TTL) {
        Freshness::Fresh(_) => "fresh",
        Freshness::Aged(_) => "aged",
        Freshness::Unread => "unread",
        Freshness::Failed(_) => "failed",
    }
}

fn trust(state: &State<()>, second: u32) -> &'static str {
    match state.trust(SECOND * second) {
        None => "nothing",
        Some(Trust::Works(_)) => "works",
        Some(Trust::Untried(_)) => "untried",
        Some(Trust::ProbeDue(_)) => "probe",
        Some(Trust::Refused { .. }) => "refused",
    }
}

#[test]
fn a_value_is_fresh_for_its_time() {
    let mut state = state();
    assert_eq!(freshness(&state, 0), "unread");
    read(&mut state, 0, Some("v1"));
    assert_eq!(
        [0, 299, 300].map(|at| freshness(&state, at)),
        ["fresh", "fresh", "aged"]
    );
    read(&mut state, 300, Some("v1"));
    assert_eq!(
        [300, 599, 600].map(|at| freshness(&state, at)),
        ["fresh", "fresh", "aged"]
    );
}

#[test]
fn a_failed_read_leaves_what_is_held_and_waits_before_the_next() {
    let mut state = state();
    read(&mut state, 0, None);
    assert_eq!([0, 1].map(|at| freshness(&state, at)), ["failed", "unread"]);
    read(&mut state, 1, Some("v1"));
    for failure in 0..12 {
        read(&mut state, 400 + failure, None);
    }
    assert_eq!(
        [411, 426, 427].map(|at| freshness(&state, at)),
        ["fresh", "fresh", "aged"]
    );
    assert_eq!(
        state.held().map(|held| held.version().to_owned()).as_deref(),
        Some("v1")
    );
    assert_eq!(state.stats().failed_reads, 13);
}

#[test]
fn a_flush_during_a_read_is_not_served_by_that_read() {
    let mut state = state();
    read(&mut state, 0, Some("v1"));
    let number = state.begin_read();
    state.flush();
    state.end_read((number, SECOND), SECOND, Ok(Arc::new(Current::of("v1", ()))));
    assert_eq!(freshness(&state, 1), "unread");
    read(&mut state, 2, Some("v2"));
    assert_eq!(freshness(&state, 2), "fresh");
}

#[test]
fn an_announcement_of_what_is_held_is_no_news() {
    let mut state = state();
    read(&mut state, 0, Some("v2"));
    assert!(!state.announce("v2"));
    assert_eq!(freshness(&state, 0), "fresh");
}

#[test]
fn an_announced_version_that_reads_do_not_show_is_looked_for_again() {
    let mut state = state();
    read(&mut state, 0, Some("v1"));
    assert!(state.announce("v2"));
    assert_eq!(freshness(&state, 1), "unread");
    read(&mut state, 1, Some("v1"));
    assert_eq!(
        [1, 2].map(|at| freshness(&state, at)),
        ["fresh", "aged"],
        "after a pause"
    );
    read(&mut state, 2, Some("v2"));
    assert_eq!([2, 9].map(|at| freshness(&state, at)), ["fresh", "fresh"]);
}

#[test]
fn one_that_came_late_is_forgotten_after_a_few_looks() {
    let mut state = state();
    read(&mut state, 0, Some("v3"));
    assert!(state.announce("v2"));
    let looks = (1..).map(|look| 10 * look).take_while(|at| {
        let look = freshness(&state, *at) != "fresh";
        if look {
            read(&mut state, *at, Some("v3"));
        }
        look
    });
    assert_eq!(looks.count(), LOOKS as usize);
    assert_eq!(trust(&state, 100), "untried", "what a read brings is what counts");
}

#[test]
fn a_refused_version_is_probed_ever_less_often() {
    let (mut state, settings) = (state(), Settings::default());
    read(&mut state, 0, Some("v1"));
    assert_eq!(trust(&state, 0), "untried");
    state.accept("v1", Duration::ZERO);
    assert_eq!(trust(&state, 0), "works");
    state.refuse("v1", Duration::ZERO, &settings);
    let mut probes = Vec::new();
    for at in 0..3600 {
        if trust(&state, at) == "probe" {
            state.probe(SECOND * at, &settings);
            state.refuse("v1", SECOND * at, &settings);
            probes.push(at);
        }
    }
    assert_eq!(probes, [60, 180, 420, 900, 1500, 2100, 2700, 3300]);
    state.accept("v1", SECOND * 3600);
    assert_eq!(trust(&state, 3600), "works");
}

#[test]
fn reads_of_a_refused_version_slow_down() {
    let (mut state, settings) = (state(), Settings::default());
    read(&mut state, 0, Some("v1"));
    state.refuse("v1", Duration::ZERO, &settings);
    let mut reads = Vec::new();
    let mut now = Duration::ZERO;
    while now < SECOND * 60 {
        now = now.max(state.next_read());
        reads.push(now.as_millis());
        let number = state.begin_read();
        state.end_read((number, now), now, Ok(Arc::new(Current::of("v1", ()))));
    }
    assert_eq!(
        reads,
        [
            0, 100, 300, 700, 1500, 2500, 3500, 4500, 5500, 7500, 11_500, 19_500, 35_500, 65_500
        ]
    );
}

#[test]
fn another_version_clears_a_refusal_and_a_late_refusal_is_no_news() {
    let (mut state, settings) = (state(), Settings::default());
    read(&mut state, 0, Some("v1"));
    state.refuse("v1", Duration::ZERO, &settings);
    assert!(state.is_refused("v1"));
    read(&mut state, 1, Some("v2"));
    assert_eq!(trust(&state, 1), "untried");
    state.refuse("v1", SECOND, &settings);
    state.accept("v1", SECOND);
    assert_eq!((trust(&state, 1), state.is_refused("v1")), ("untried", false));
    assert_eq!(
        state.stats(),
        Stats {
            reads: 2,
            failed_reads: 0,
            versions: 2,
            refusals: 2
        }
    );
}

/// A request that was under way when the credential ended may succeed after others were refused.
#[test]
fn a_success_that_began_before_a_refusal_is_no_news() {
    let (mut state, settings) = (state(), Settings::default());
    read(&mut state, 0, Some("v1"));
    state.refuse("v1", SECOND * 5, &settings);
    state.accept("v1", SECOND * 4);
    assert_eq!(trust(&state, 6), "refused");
    state.accept("v1", SECOND * 65);
    assert_eq!(trust(&state, 65), "works");
}

#[test]
fn a_flush_is_waited_for_once_and_then_what_is_held_goes_on() {
    let mut state = state();
    read(&mut state, 0, Some("v1"));
    state.flush();
    assert_eq!(freshness(&state, 1), "unread");
    read(&mut state, 1, None);
    assert_eq!([1, 2].map(|at| freshness(&state, at)), ["fresh", "aged"]);
    read(&mut state, 2, Some("v2"));
    assert_eq!(freshness(&state, 3), "fresh");
}

#[test]
fn a_flush_lets_a_refused_version_be_tried_again() {
    let (mut state, settings) = (state(), Settings::default());
    read(&mut state, 0, Some("v1"));
    state.refuse("v1", Duration::ZERO, &settings);
    state.flush();
    assert_eq!((freshness(&state, 0), trust(&state, 0)), ("unread", "untried"));
}

#[test]
fn a_flood_of_announcements_makes_ten_reads_a_second() {
    let mut state = state();
    let mut now = Duration::ZERO;
    for number in 0..1000 {
        now += Duration::from_millis(10);
        assert!(state.announce(&format!("bogus-{number}")));
        if !matches!(state.freshness(now, TTL), Freshness::Fresh(_)) {
            let number = state.begin_read();
            state.end_read((number, now), now, Ok(Arc::new(Current::of("v1", ()))));
        }
    }
    assert_eq!(state.stats().reads, 100);
}
