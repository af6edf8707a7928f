use super::*;
use crate::synapse::headers::Terminal;
use crate::synapse::sign::sign_text;
use crate::synapse::{Endpoint, SDK_VERSION};
use crate::wallet::Keypair;

const NOW: u64 = 1_800_000_000_000_000_000;
const BOB: &str = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";

struct Case {
    version: Option<i128>,
    nonce: Option<i128>,
    timeout: Option<f64>,
}

const MODERN: Case =
    Case { version: Some(SDK_VERSION as i128), nonce: Some(NOW as i128), timeout: Some(12.0) };

fn head(case: &Case) -> RequestHead {
    let alice = Keypair::from_dev_path("//Alice").unwrap();
    let hotkey = alice.account_id().to_ss58();
    let text = request_text(case.nonce, &hotkey, BOB, Some("u"), Some("h"));
    RequestHead {
        endpoint: Endpoint::Prompt,
        timeout: case.timeout,
        axon: Terminal::default(),
        dendrite: Terminal {
            version: case.version,
            nonce: case.nonce,
            uuid: Some("u".into()),
            signature: Some(sign_text(&alice, &text)),
            hotkey: Some(hotkey),
            ..Terminal::default()
        },
        header_size: None,
        total_size: None,
        body_hash: Some("h".into()),
    }
}

fn verifier(policy: VerifyPolicy) -> Verifier {
    Verifier::new(VerifierConfig { policy, ..VerifierConfig::default() })
}

fn verify(verifier: &Verifier, case: &Case, now: u64) -> Result<(), VerifyError> {
    let claim = verifier.check_nonce(&head(case), BOB, now, Slack::default())?;
    check_signature(&claim)?;
    verifier.record(&claim, now)
}

fn label(policy: VerifyPolicy, case: &Case) -> &'static str {
    verify(&verifier(policy), case, NOW).map_or_else(|error| error.label(), |()| "ok")
}

#[test]
fn strict_closes_what_lenient_leaves_open() {
    let old = Some(i128::from(NOW) - 3_600_000_000_000);
    for (case, strict, lenient) in [
        (MODERN, "ok", "ok"),
        (Case { timeout: Some(f64::NAN), nonce: old, ..MODERN }, "bad_timeout", "ok"),
        (Case { timeout: Some(f64::INFINITY), nonce: old, ..MODERN }, "bad_timeout", "ok"),
        (Case { timeout: Some(-1.0), ..MODERN }, "bad_timeout", "ok"),
        (Case { timeout: Some(1e9), nonce: old, ..MODERN }, "stale_nonce", "ok"),
        (Case { nonce: old, ..MODERN }, "stale_nonce", "stale_nonce"),
        (Case { nonce: old, version: None, ..MODERN }, "stale_nonce", "ok"),
        (Case { nonce: Some(5), version: Some(711), ..MODERN }, "ok", "ok"),
        (Case { nonce: Some(5), ..MODERN }, "stale_nonce", "stale_nonce"),
        (Case { nonce: MODERN.nonce.map(|n| n + 6_000_000_000), ..MODERN }, "future_nonce", "ok"),
        (Case { nonce: MODERN.nonce.map(|n| n + 4_000_000_000), ..MODERN }, "ok", "ok"),
        (Case { nonce: Some(i128::MAX), version: None, ..MODERN }, "future_nonce", "ok"),
        (Case { nonce: Some(i128::MIN), ..MODERN }, "stale_nonce", "stale_nonce"),
        (Case { nonce: None, ..MODERN }, "no_nonce", "no_nonce"),
        (Case { nonce: None, version: Some(711), ..MODERN }, "no_nonce", "ok"),
    ] {
        let context = format!("{:?} {:?} {:?}", case.version, case.nonce, case.timeout);
        assert_eq!(label(VerifyPolicy::Strict, &case), strict, "{context}");
        assert_eq!(label(VerifyPolicy::Lenient, &case), lenient, "{context}");
    }
}

#[test]
fn a_nonce_counts_once_even_when_two_requests_race() {
    let verifier = verifier(VerifyPolicy::Strict);
    let claims =
        [(); 2].map(|()| verifier.check_nonce(&head(&MODERN), BOB, NOW, Slack::default()).unwrap());
    assert_eq!(verifier.record(&claims[0], NOW), Ok(()));
    let replayed = Err(VerifyError::Replayed(Generation::Modern));
    assert_eq!(verifier.record(&claims[1], NOW), replayed);
    assert_eq!(
        verifier.check_nonce(&head(&MODERN), BOB, NOW, Slack::default()).map(drop),
        replayed
    );
}

#[test]
fn strict_never_lets_a_unix_nonce_in_twice_at_any_later_time() {
    let verifier = verifier(VerifyPolicy::Strict);
    let case = Case { timeout: Some(1e9), ..MODERN };
    verify(&verifier, &case, NOW).unwrap();
    for after_s in [0, 1, 63, 64, 65, 69, 70, 71, 3600] {
        assert!(verify(&verifier, &case, NOW + after_s * 1_000_000_000).is_err(), "{after_s}");
    }
}

#[test]
fn failed_signatures_leave_no_trace() {
    let verifier = verifier(VerifyPolicy::Strict);
    let claim = verifier.check_nonce(&head(&MODERN), "5other", NOW, Slack::default()).unwrap();
    assert!(matches!(check_signature(&claim), Err(VerifyError::Mismatch { .. })));
    assert_eq!(verifier.n_pairs(), 0);
    verify(&verifier, &MODERN, NOW).unwrap();
    assert_eq!(verifier.n_pairs(), 1);
}

#[test]
fn monotonic_nonces_can_be_turned_away() {
    let verifier = Verifier::new(VerifierConfig {
        monotonic: MonotonicNonces::Refuse,
        ..VerifierConfig::default()
    });
    let case = Case { nonce: Some(5), version: Some(711), ..MODERN };
    assert_eq!(verify(&verifier, &case, NOW), Err(VerifyError::MonotonicNonce));
    verify(&verifier, &Case { version: Some(711), ..MODERN }, NOW).unwrap();
}

#[test]
fn the_window_is_wider_by_what_our_clock_is_off_and_still_serves_nothing_twice() {
    let verifier = Verifier::new(VerifierConfig {
        started_unix_ns: Some(NOW - 1_000_000_000),
        ..VerifierConfig::default()
    });
    let nonce_of = |now: u64, slack| verifier.check_nonce(&head(&MODERN), BOB, now, slack);
    let seconds = |number: u64| number * 1_000_000_000;
    let wide = Slack { ahead_ns: 8_000_000_000, start_ns: 8_000_000_000, age_ns: 0 };
    // The nonce is NOW's; ours shows eight seconds less, and did so when this process started.
    let behind = NOW - seconds(8);
    assert!(matches!(nonce_of(behind, Slack::default()), Err(VerifyError::Ahead { .. })));
    assert!(matches!(nonce_of(behind, wide), Err(VerifyError::BeforeStart { .. })));
    let verifier = Verifier::new(VerifierConfig {
        started_unix_ns: Some(behind - seconds(1)),
        ..VerifierConfig::default()
    });
    let claim = verifier.check_nonce(&head(&MODERN), BOB, behind, wide).unwrap();
    assert_eq!(verifier.record(&claim, behind), Ok(()));
    assert!(verifier.check_nonce(&head(&MODERN), BOB, behind, wide).is_err());
    // A clock that is ahead makes nonces look old.
    let verifier = Verifier::new(VerifierConfig::default());
    let old = |now, age_ns| {
        let slack = Slack { age_ns, ..Slack::default() };
        verifier.check_nonce(&head(&MODERN), BOB, now, slack).is_ok()
    };
    assert!(!old(NOW + seconds(40), 0) && old(NOW + seconds(40), 40_000_000_000));
}
