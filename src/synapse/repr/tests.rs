use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::synapse::headers::{AxonAddress, AxonIdentity, RequestDraft};
use crate::synapse::pipeline::{Refusal, RequestParts, admit, read_prompt};
use crate::synapse::sign::{SignedRequest, sign_request};
use crate::synapse::verify::{Verifier, VerifierConfig};
use crate::testing::vector_json;
use crate::wallet::Keypair;

/// The recorded tables by Unicode version: for each code point whether Python escapes it.
fn recorded() -> Vec<(String, Vec<bool>)> {
    let file: Value = vector_json("protocol/vectors/python-escaped-codepoints.json");
    let tables = file["tables"].as_object().unwrap();
    tables.iter().map(|(version, table)| (version.clone(), escaped(table))).collect()
}

fn escaped(table: &Value) -> Vec<bool> {
    let ranges: Vec<(usize, usize)> =
        serde_json::from_value(table["escaped_ranges"].clone()).unwrap();
    let mut escaped = vec![false; 0x11_0000];
    for (first, last) in ranges {
        escaped[first..=last].fill(true);
    }
    let count = escaped.iter().filter(|is_escaped| **is_escaped).count();
    assert_eq!(count as u64, table["escaped_count"].as_u64().unwrap());
    escaped
}

/// What Python writes for a text of one character, according to the recorded table.
fn expected_repr(c: char, is_escaped: bool) -> String {
    let code_point = u32::from(c);
    match c {
        '\'' => "\"'\"".to_owned(),
        '\\' => "'\\\\'".to_owned(),
        '\t' => "'\\t'".to_owned(),
        '\n' => "'\\n'".to_owned(),
        '\r' => "'\\r'".to_owned(),
        _ if !is_escaped => format!("'{c}'"),
        ..='\u{ff}' => format!("'\\x{code_point:02x}'"),
        ..='\u{ffff}' => format!("'\\u{code_point:04x}'"),
        _ => format!("'\\U{code_point:08x}'"),
    }
}

#[test]
fn every_code_point_is_written_as_python_does() {
    let tables = recorded();
    let (_, table) = tables.iter().find(|(version, _)| version == UNICODE_VERSION).unwrap();
    for (code_point, &expected) in (0..).zip(table) {
        assert_eq!(is_escaped(code_point), expected, "U+{code_point:04X}");
        if let Some(c) = char::from_u32(code_point) {
            let text = c.to_string();
            assert_eq!(str_repr(&text), expected_repr(c, expected), "U+{code_point:04X}");
        }
    }
}

/// A peer on another Python hashes a text differently exactly if the text holds one of these.
#[test]
fn other_pythons_differ_in_code_points_that_one_side_does_not_know() {
    let ours: Vec<bool> = (0..0x11_0000).map(is_escaped).collect();
    let mut differences = Vec::new();
    for (version, theirs) in recorded() {
        let count = |verdicts| theirs.iter().zip(&ours).filter(|both| *both == verdicts).count();
        differences.push((version, count((&true, &false)), count((&false, &true))));
    }
    let expected = [
        // Python 3.8, then 3.9 and 3.10: characters of later versions are escaped there.
        ("12.1.0", 6766, 0),
        ("13.0.0", 836, 0),
        // Python 3.11, whose table this node uses.
        ("14.0.0", 0, 0),
        // Python 3.12 and 3.13: characters of later versions are escaped here.
        ("15.0.0", 0, 4482),
        ("15.1.0", 0, 5109),
    ];
    let differences: Vec<_> =
        differences.iter().map(|(version, a, b)| (version.as_str(), *a, *b)).collect();
    assert_eq!(differences, expected);
}

#[test]
fn emoji_of_each_version_show_the_differences() {
    for (c, expected) in [
        ('\u{1f97a}', "'\u{1f97a}'"),   // since 11.0: printed by all
        ('\u{1fae0}', "'\u{1fae0}'"),   // since 14.0: escaped by Python 3.10
        ('\u{1fae8}', "'\\U0001fae8'"), // since 15.0: printed by Python 3.12
    ] {
        assert_eq!(str_repr(&c.to_string()), expected);
    }
}

#[test]
fn flips_rise() {
    assert!(table::FLIPS.is_sorted_by(|a, b| a < b));
}

#[test]
fn quotes_follow_the_text() {
    for (text, expected) in [
        ("", "''"),
        ("plain", "'plain'"),
        ("it's", "\"it's\""),
        ("say \"hi\"", "'say \"hi\"'"),
        ("it's \"hi\"", "'it\\'s \"hi\"'"),
        ("a\\b\t\n\r\0\x7f", "'a\\\\b\\t\\n\\r\\x00\\x7f'"),
        ("\u{a0}\u{200d}\u{e000}\u{10ffff}é😀", "'\\xa0\\u200d\\ue000\\U0010ffffé😀'"),
    ] {
        assert_eq!(str_repr(text), expected);
    }
    assert_eq!(list_repr::<&str>(&[]), "[]");
    assert_eq!(list_repr(&["a", "it's"]), "['a', \"it's\"]");
}

const NOW: u64 = 1_800_000_000_000_000_000;
static KEYS: LazyLock<[Keypair; 2]> =
    LazyLock::new(|| ["//Alice", "//Bob"].map(|path| Keypair::from_dev_path(path).unwrap()));

fn ask(axon: &AxonIdentity, roles: &[String], messages: &[String]) -> SignedRequest {
    let draft = RequestDraft {
        axon: AxonAddress { ip: "192.0.2.1", port: 8091, hotkey: axon.hotkey() },
        dendrite_ip: "198.51.100.7",
        dendrite_uuid: "u",
        timeout_s: 15.0,
        roles,
        messages,
    };
    sign_request(&KEYS[0], &draft, NOW).unwrap()
}

fn read(axon: &AxonIdentity, request: &SignedRequest) -> Result<[Vec<String>; 2], Box<Refusal>> {
    let headers: Vec<(&str, &[u8])> =
        request.headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    let parts = RequestParts {
        method: "POST",
        target: request.path,
        headers: &headers,
        peer: ([127, 0, 0, 1], 9).into(),
        arrived_unix_ns: NOW,
    };
    let verifier = Verifier::new(VerifierConfig::default());
    let admitted = admit(&parts, NOW, axon, &|_| Ok(()), &verifier)?;
    let prompt = read_prompt(&admitted, &request.body, Some("application/json"), axon, NOW)?;
    Ok([prompt.roles, prompt.messages])
}

proptest! {
    /// An axon reads exactly what a dendrite signs.
    #[test]
    fn any_messages_reach_the_axon(
        roles in prop::collection::vec(any::<String>(), 0..3),
        messages in prop::collection::vec(any::<String>(), 0..4),
    ) {
        let axon = AxonIdentity::new(KEYS[1].clone(), "b0b".into());
        let request = ask(&axon, &roles, &messages);
        prop_assert_eq!(read(&axon, &request), Ok([roles, messages]));
    }

    /// Apart from quotes, no character depends on another.
    #[test]
    fn a_text_is_written_character_by_character(text in any::<String>()) {
        let repr = str_repr(&text);
        let quote = quote_for(&text);
        let inside: String = text
            .chars()
            .map(|c| match c {
                '\'' | '"' if c == quote => format!("\\{c}"),
                '\'' | '"' => c.to_string(),
                _ => str_repr(&c.to_string()).trim_matches('\'').to_owned(),
            })
            .collect();
        prop_assert_eq!(&repr, &format!("{quote}{inside}{quote}"));
        prop_assert!(repr.chars().all(|c| !is_escaped(u32::from(c))));
    }
}
