//! What must hold whatever a stranger sends, as functions of raw bytes.
//!
//! Each target has one module with one `check`, which panics when the core breaks a promise. The
//! fuzzers under `fuzz_targets/` call it with bytes of their own making; the tests here call it
//! with the seeds. The promises are checked against code of this crate or of others (Python's
//! recorded tables, `serde_json`, `sha3`, `std`), never against the core itself.
//!
//! | target | takes apart |
//! |---|---|
//! | [`request_head`] | request heads, up to admission or refusal |
//! | [`request_body`] | bodies of prompts and pings under every set of rules |
//! | [`python_repr`] | Python's text of strings, and the body hash over it |
//! | [`reply_bytes`] | replies as bytes: framing and bounds, however they are cut |
//! | [`reply_head`] | reply heads, verdicts on exchanges, UTF-8 in pieces |
//! | [`scale_answers`] | what a node of the chain answers, its metadata included |
//! | [`keyfiles`] | key files, sealed ones too |
//! | [`rpc_frames`] | messages of JSON-RPC, to the client and to the dev chain |
//! | [`signed_extrinsics`] | transactions, into the dev chain's pool and out of its blocks |

pub mod dev_node;
mod head_text;
pub mod keyfiles;
mod legal;
mod memory;
pub mod python_repr;
mod re_encode;
pub mod reply_bytes;
pub mod reply_head;
pub mod request_body;
pub mod request_head;
pub mod rpc_frames;
pub mod scale_answers;
pub mod signed_extrinsics;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    /// The seeds of a target; panics when there are none.
    fn seeds(target: &str) -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
        let files =
            std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let mut seeds: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        assert!(!seeds.is_empty(), "{} is empty", folder.display());
        seeds.sort();
        seeds
    }

    /// Checks each seed as it is, cut short, and with one byte changed.
    fn replay(target: &str, check: fn(&[u8])) {
        for seed in seeds(target) {
            let input = std::fs::read(&seed).unwrap();
            check(&input);
            for cut in (0..input.len()).step_by(1 + input.len() / 16) {
                check(&input[..cut]);
                let mut changed = input.clone();
                changed[cut] ^= 1 << (cut % 8);
                check(&changed);
            }
        }
    }

    #[test]
    fn request_heads_hold() {
        replay("request_head", request_head::check);
    }

    /// So that the promises on admitted requests are not kept for want of one.
    #[test]
    fn request_heads_are_answered_in_many_ways() {
        let answers: BTreeSet<u16> = seeds("request_head")
            .iter()
            .filter_map(|seed| request_head::answered(&std::fs::read(seed).unwrap()))
            .collect();
        assert!(answers.is_superset(&[200, 401, 422, 500].into()), "{answers:?}");
    }

    #[test]
    fn request_bodies_hold() {
        replay("request_body", request_body::check);
    }

    #[test]
    fn python_texts_hold() {
        replay("python_repr", python_repr::check);
    }

    #[test]
    fn replies_in_pieces_hold() {
        replay("reply_bytes", reply_bytes::check);
    }

    #[test]
    fn key_files_hold() {
        replay("keyfiles", keyfiles::check);
    }

    #[test]
    fn answers_of_a_node_hold() {
        replay("scale_answers", scale_answers::check);
    }

    #[test]
    fn messages_hold() {
        replay("rpc_frames", rpc_frames::check);
    }

    #[test]
    fn transactions_hold() {
        replay("signed_extrinsics", signed_extrinsics::check);
    }

    #[test]
    fn replies_hold() {
        replay("reply_head", reply_head::check);
    }
}
