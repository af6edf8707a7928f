//! Beacons, payloads and sealed messages.

use super::*;

fn rng() -> StdRng {
    StdRng::seed_from_u64(7)
}

fn own_beacon() -> BeaconKeypair {
    BeaconKeypair::from_seed(&[3; 32])
}

fn sealed(round: u64, message: &[u8]) -> SealedMessage {
    seal_message(own_beacon().key(), round, message, &mut rng()).unwrap()
}

#[test]
fn recorded_commits_open_to_their_weights() {
    let vectors = vectors().timelocked;
    assert!(vectors.iter().any(|vector| vector.layout == "LegacyWeightsTlockPayload"));
    for vector in vectors {
        let commit = bytes(&vector.commit);
        let message = SealedMessage::from_bytes(&commit).unwrap();
        assert_eq!(message.to_bytes(), commit);
        let signature = RoundSignature::from_bytes(&bytes(&vector.signature)).unwrap();
        let opened = message.open(&signature).unwrap();
        assert_eq!(opened, bytes(&vector.payload_scale), "round {}", vector.reveal_round);
        let payload = WeightsPayload::decode(&opened).unwrap();
        let hotkey = vector.hotkey.filter(|_| vector.layout == "WeightsTlockPayload");
        let SealedVector { uids, values, version_key, .. } = vector;
        assert_eq!(payload, WeightsPayload { hotkey, uids, values, version_key });
        assert_eq!(payload.encode(), opened);
    }
}

#[test]
fn a_recorded_message_opens_to_its_text() {
    let raw = vectors().timelock_raw;
    let signature = RoundSignature::from_bytes(&bytes(&raw.signature)).unwrap();
    let message = SealedMessage::from_bytes(&bytes(&raw.commit)).unwrap();
    assert_eq!(message.open(&signature).unwrap(), raw.plain.as_bytes());
    assert_eq!(raw.reveal_round, 1_000);
}

#[test]
fn our_commits_open_with_the_recorded_signatures_of_their_round_alone() {
    let drand = vectors().drand;
    let signatures: Vec<_> = drand.signatures().collect();
    let payload = WeightsPayload {
        hotkey: Some(AccountId([9; 32])),
        uids: vec![Uid(0), Uid(5)],
        values: vec![1, u16::MAX],
        version_key: 77,
    };
    assert_eq!(signatures.len(), 2);
    for (round, signature) in &signatures {
        drand.parameters().key().verify(*round, signature).unwrap();
        let commit = seal_weights(drand.parameters().key(), *round, &payload, &mut rng()).unwrap();
        let message = SealedMessage::from_bytes(&commit).unwrap();
        let opened = message.open(signature).unwrap();
        assert_eq!(WeightsPayload::decode(&opened).unwrap(), payload);
        for (_, other) in signatures.iter().filter(|(other, _)| other != round) {
            assert_eq!(message.open(other), Err(SealedError::NotOpened));
        }
    }
}

#[test]
fn the_recorded_randomness_is_the_hash_of_the_signature() {
    let drand = vectors().drand;
    let (_, signature) = drand.signatures().find(|(round, _)| *round == 1_000).unwrap();
    assert_eq!(hex::encode(signature.randomness()), drand.randomness_1000);
}

#[test]
fn a_beacon_of_our_own_signs_and_its_signatures_open() {
    let beacon = own_beacon();
    let signature = beacon.sign(42);
    beacon.key().verify(42, &signature).unwrap();
    assert_eq!(beacon.key().verify(43, &signature), Err(BeaconError::WrongSignature(43)));
    let stranger = BeaconKeypair::from_seed(&[4; 32]);
    assert_eq!(stranger.key().verify(42, &signature), Err(BeaconError::WrongSignature(42)));
    assert_eq!(BeaconKeypair::from_seed(&[3; 32]).key(), beacon.key());
    let message = sealed(42, b"weights");
    assert_eq!(message.open(&signature).unwrap(), b"weights");
    assert_eq!(message.open(&stranger.sign(42)), Err(SealedError::NotOpened));
    let key = BeaconParameters::new(&beacon.key().to_bytes(), 5, 1).unwrap();
    assert_eq!(key.key(), beacon.key());
    assert_eq!(RoundSignature::from_bytes(&signature.to_bytes()), Ok(signature));
    assert!(!format!("{beacon:?}").contains("secret"));
}

#[test]
fn each_sealing_differs_and_an_empty_message_seals_too() {
    let mut rng = rng();
    let mut seal = || seal_message(own_beacon().key(), 1, b"", &mut rng).unwrap();
    let (first, second) = (seal(), seal());
    assert_ne!(first.to_bytes(), second.to_bytes());
    assert_eq!(first.open(&own_beacon().sign(1)).unwrap(), b"");
}

#[test]
fn bytes_that_are_no_key_or_signature_are_refused() {
    let mut neutral_key = [0; 96];
    neutral_key[0] = 0xc0;
    let mut off_subgroup = [0; 96];
    off_subgroup[0] = 0x80;
    off_subgroup[95] = 2;
    for key in [&neutral_key[..], &off_subgroup, &[0x80; 95], &[0xff; 96], &[]] {
        assert_eq!(BeaconKey::from_bytes(key), Err(BeaconError::Key));
    }
    let mut neutral = [0; 48];
    neutral[0] = 0xc0;
    for signature in [&neutral[..], &[0xff; 48], &[0; 47], &[]] {
        assert_eq!(RoundSignature::from_bytes(signature), Err(BeaconError::Signature));
    }
    let key = own_beacon().key().to_bytes();
    assert_eq!(BeaconParameters::new(&key, 0, 0), Err(BeaconError::Period));
}

#[test]
fn a_commit_beyond_the_chains_limit_is_refused() {
    let payload = |n_weights: u16| WeightsPayload {
        hotkey: Some(AccountId([9; 32])),
        uids: (0..n_weights).map(Uid).collect(),
        values: (0..n_weights).collect(),
        version_key: 0,
    };
    let seal = |n| seal_weights(own_beacon().key(), 1, &payload(n), &mut rng());
    let longest = seal(1_177).unwrap();
    assert!(longest.len() <= MAX_COMMIT_BYTES, "{}", longest.len());
    assert_eq!(seal(1_178), Err(SealError::TooLong(longest.len() + 4)));
}

#[test]
fn each_field_of_the_layout_is_checked() {
    let good = sealed(1, b"weights").to_bytes();
    let read = |bytes: &[u8]| SealedMessage::from_bytes(bytes).unwrap_err();
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        read(&bytes)
    };
    let length = |field, found, expected| SealedError::FieldLength { field, found, expected };
    assert_eq!(with(0, 0x00), SealedError::Point);
    assert_eq!(with(96, 31), length("v", 31, 32));
    assert_eq!(with(136, 33), length("w", 33, 32));
    assert_eq!(with(183, 255), SealedError::Truncated("the body"));
    assert_eq!(with(191, 255), SealedError::Truncated("the text"));
    let end = good.len();
    assert_eq!(with(end - 36, 13), length("the nonce", 13, 12));
    assert_eq!(with(end - 1, b'!'), SealedError::Suite);
    assert_eq!(with(end - 16, 9), length("the cipher's name", 9, 8));
    assert_eq!(read(&[&good[..], &[0]].concat()), SealedError::Trailing(1));
    assert_eq!(read(&[]), SealedError::Truncated("u"));
    for cut in 0..end {
        assert!(matches!(read(&good[..cut]), SealedError::Truncated(_)), "{cut} bytes");
    }
}

#[test]
fn a_flip_anywhere_is_noticed() {
    let good = sealed(1, b"weights").to_bytes();
    let signature = own_beacon().sign(1);
    // One byte of each field is opened; the rest of the space belongs to the property below.
    for at in [0, 1, 95, 104, 135, 144, 175, 192, 199, 214, 223, good.len() - 17] {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        let opened = SealedMessage::from_bytes(&bytes).and_then(|message| message.open(&signature));
        assert!(opened.is_err(), "byte {at}");
    }
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        SealedMessage::from_bytes(&bytes).unwrap().open(&signature)
    };
    assert_eq!(flipped(104), Err(SealedError::NotOpened));
    assert_eq!(flipped(144), Err(SealedError::NotOpened));
    assert_eq!(flipped(192), Err(SealedError::Tampered));
    assert_eq!(flipped(good.len() - 17), Err(SealedError::Tampered));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_answered(mut bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = SealedMessage::from_bytes(&bytes);
        // Behind a true point the fields are reached.
        let good = sealed_once();
        let n = bytes.len().min(96);
        bytes[..n].copy_from_slice(&good[..n]);
        if let Ok(message) = SealedMessage::from_bytes(&bytes) {
            prop_assert_eq!(message.to_bytes(), bytes);
        }
    }

    #[test]
    fn changed_bytes_are_refused_or_come_back(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = sealed_once().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(message) = SealedMessage::from_bytes(&bytes) {
            prop_assert_eq!(message.to_bytes(), bytes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn messages_come_back(
        message in proptest::collection::vec(any::<u8>(), 0..600), round: u64, seed: [u8; 32],
    ) {
        let beacon = BeaconKeypair::from_seed(&seed);
        let mut rng = StdRng::from_seed(seed);
        let sealed = seal_message(beacon.key(), round, &message, &mut rng).unwrap();
        let read = SealedMessage::from_bytes(&sealed.to_bytes()).unwrap();
        prop_assert_eq!(&read, &sealed);
        prop_assert_eq!(read.open(&beacon.sign(round)), Ok(message));
        let other = beacon.sign(round.wrapping_add(1));
        prop_assert_eq!(read.open(&other), Err(SealedError::NotOpened));
    }
}

/// One sealed message for all cases: sealing is dear in a debug build.
fn sealed_once() -> &'static [u8] {
    static SEALED: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    SEALED.get_or_init(|| sealed(1, b"weights of a subnet").to_bytes())
}
