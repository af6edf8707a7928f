use proptest::prelude::*;

use super::testing::Builder;
use super::*;

fn sample() -> Builder {
    Builder::default()
        .text("general.architecture", "llama")
        .u32("llama.block_count", 30)
        .f32("llama.eps", 0.5)
        .entry("flag", 7, &[1])
        .entry("offset", 11, &(-4i64).to_le_bytes())
        .texts("tokens", &["a", "Ġb", ""])
        .numbers("norm", &[8], &[1.0; 8])
        .tensor("weight", &[32, 2], 3, &[7; 40])
}

fn damage(bytes: &[u8]) -> GgufDamage {
    Gguf::parse("model.gguf", bytes).unwrap_err().damage
}

#[test]
fn reads_values_and_tensors() {
    let bytes = sample().build();
    let gguf = Gguf::parse("model.gguf", &bytes).unwrap();
    assert_eq!(gguf.text("general.architecture"), Ok("llama"));
    assert_eq!(gguf.integer::<usize>("llama.block_count"), Ok(30));
    assert_eq!(gguf.float("llama.eps"), Ok(0.5));
    assert_eq!(gguf.value("flag"), Some(&Value::Bool(true)));
    assert_eq!(gguf.value("offset"), Some(&Value::Signed(-4)));
    assert_eq!(gguf.texts("tokens"), Ok(vec!["a", "Ġb", ""]));
    let weight = gguf.tensor("weight").unwrap();
    assert_eq!((weight.kind, weight.dims.as_slice()), (TensorKind::Q4_1, &[32, 2][..]));
    assert_eq!((weight.bytes.len(), weight.n_elements()), (40, 64));
    assert_eq!(gguf.optional_integer::<u32>("nothing"), Ok(None));
}

#[test]
fn says_what_is_missing_or_of_the_wrong_type() {
    let bytes = sample().build();
    let gguf = Gguf::parse("model.gguf", &bytes).unwrap();
    assert_eq!(
        gguf.text("llama.rope").unwrap_err().to_string(),
        "cannot use model.gguf as a GGUF model: the metadata `llama.rope` is missing"
    );
    assert!(gguf.integer::<u32>("offset").is_err());
    assert!(gguf.integers("tokens").is_err());
    assert!(gguf.tensor("output.weight").is_err());
}

#[test]
fn refuses_foreign_files_and_versions() {
    assert_eq!(damage(b""), GgufDamage::NotGguf);
    assert_eq!(damage(b"GGML\x03\0\0\0"), GgufDamage::NotGguf);
    let mut bytes = sample().build();
    bytes[4] = 1;
    assert_eq!(damage(&bytes), GgufDamage::Version { version: 1 });
}

#[test]
fn refuses_counts_that_the_file_cannot_hold() {
    for at in [8, 16] {
        let mut bytes = sample().build();
        bytes[at..at + 8].copy_from_slice(&(u64::MAX / 3).to_le_bytes());
        assert!(matches!(damage(&bytes), GgufDamage::TooMany { .. }), "count at {at}");
    }
    let mut bytes = sample().build();
    bytes[24..32].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(damage(&bytes), GgufDamage::Truncated { .. }));
}

#[test]
fn refuses_tensors_outside_the_file() {
    let beyond = sample().place("far", &[32, 4], 3, 64).build();
    assert!(matches!(damage(&beyond), GgufDamage::OutsideFile { .. }));
    let huge = sample().place("huge", &[1 << 40, 1 << 40], 0, 0).build();
    assert!(matches!(damage(&huge), GgufDamage::Dimensions { .. }));
    let odd = sample().place("odd", &[8], 0, 4).build();
    assert!(matches!(damage(&odd), GgufDamage::Misaligned { .. }));
    let partial = sample().place("partial", &[33], 3, 0).build();
    assert!(matches!(damage(&partial), GgufDamage::Dimensions { .. }));
}

#[test]
fn names_a_tensor_type_it_cannot_read() {
    let bytes = sample().place("k", &[256], 12, 0).build();
    let message = Gguf::parse("m.gguf", &bytes).unwrap_err().to_string();
    assert!(message.contains("tensor `k` is stored as Q4_K"), "{message}");
}

#[test]
fn refuses_the_same_name_twice() {
    let key = sample().duplicate_entry("flag", 7, &[0]).build();
    assert!(matches!(damage(&key), GgufDamage::Twice { what: "metadata", .. }));
    let tensor = sample().place("norm", &[8], 0, 0).build();
    assert!(matches!(damage(&tensor), GgufDamage::Twice { what: "tensor", .. }));
}

/// Reads every value and tensor of a file, if it parses.
fn walk(bytes: &[u8]) {
    let Ok(gguf) = Gguf::parse("model.gguf", bytes) else {
        return;
    };
    for key in ["tokens", "flag", "llama.block_count"] {
        let _ = (gguf.texts(key), gguf.integers(key), gguf.integer::<u32>(key));
    }
    for tensor in gguf.tensors() {
        let mut out = Vec::new();
        dequantize(tensor.kind, tensor.bytes, &mut out);
        assert_eq!(out.len(), tensor.n_elements());
    }
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = sample().build();
    for length in 0..bytes.len() {
        assert!(Gguf::parse("m", &bytes[..length]).is_err(), "{length} bytes");
    }
}

proptest! {
    #[test]
    fn mutated_files_never_panic(
        changes in prop::collection::vec((0usize..600, any::<u8>()), 1..8),
        length in 0usize..600,
    ) {
        let mut bytes = sample().build();
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        walk(&bytes);
        bytes.truncate(length);
        walk(&bytes);
    }

    #[test]
    fn arbitrary_bytes_never_panic(tail in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut bytes = b"GGUF\x03\0\0\0".to_vec();
        bytes.extend(tail);
        walk(&bytes);
    }
}
