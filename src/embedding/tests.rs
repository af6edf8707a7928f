use safetensors::{Dtype, tensor::TensorView};

use super::*;
use crate::llm::source::testing::models;

/// A folder with the real tokenizer, and a tiny encoder of one layer for its vocabulary.
struct TinyFolder(PathBuf);

impl TinyFolder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sn1-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let source = models().join("all-MiniLM-L6-v2/tokenizer.json");
        std::fs::copy(source, path.join("tokenizer.json")).expect("run `make models`");
        let folder = Self(path);
        folder.configure(1);
        folder
    }

    fn configure(&self, n_layers: usize) {
        let config = serde_json::json!({
            "model_type": "bert", "hidden_act": "gelu", "hidden_size": 2, "intermediate_size": 3,
            "layer_norm_eps": 1e-12, "max_position_embeddings": 256, "num_attention_heads": 1,
            "num_hidden_layers": n_layers, "pad_token_id": 0, "type_vocab_size": 2,
            "vocab_size": 30522,
        });
        std::fs::write(self.0.join("config.json"), config.to_string()).unwrap();
    }

    /// What is wrong with these tensors.
    fn fault_of(&self, tensors: &[(String, Dtype, Vec<usize>)]) -> String {
        let config = BertConfig::load(&self.0.join("config.json")).unwrap();
        layout::check_tensors(&serialized(tensors), &config).unwrap_err()
    }

    fn fault(&self) -> String {
        EncoderFolder::read(&self.0).unwrap_err().to_string()
    }
}

impl Drop for TinyFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The bytes of a file with these tensors, all zero.
fn serialized(tensors: &[(String, Dtype, Vec<usize>)]) -> Vec<u8> {
    let zeros = vec![0; 30_522 * 2 * 8];
    let views = tensors.iter().map(|(name, kind, shape)| {
        let n_bytes = shape.iter().product::<usize>() * kind.bitsize() / 8;
        (name, TensorView::new(*kind, shape.clone(), &zeros[..n_bytes]).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

/// All tensors of the tiny encoder.
fn tensors() -> Vec<(String, Dtype, Vec<usize>)> {
    let layer = "encoder.layer.0";
    let mut tensors: Vec<(String, Vec<usize>)> = vec![
        ("embeddings.word_embeddings.weight".into(), vec![30_522, 2]),
        ("embeddings.position_embeddings.weight".into(), vec![256, 2]),
        ("embeddings.token_type_embeddings.weight".into(), vec![2, 2]),
    ];
    let maps = [
        ("embeddings.LayerNorm".to_owned(), vec![2]),
        (format!("{layer}.attention.self.query"), vec![2, 2]),
        (format!("{layer}.attention.self.key"), vec![2, 2]),
        (format!("{layer}.attention.self.value"), vec![2, 2]),
        (format!("{layer}.attention.output.dense"), vec![2, 2]),
        (format!("{layer}.attention.output.LayerNorm"), vec![2]),
        (format!("{layer}.intermediate.dense"), vec![3, 2]),
        (format!("{layer}.output.dense"), vec![2, 3]),
        (format!("{layer}.output.LayerNorm"), vec![2]),
    ];
    for (name, shape) in maps {
        tensors.push((format!("{name}.bias"), shape[..1].to_vec()));
        tensors.push((format!("{name}.weight"), shape));
    }
    tensors.into_iter().map(|(name, shape)| (name, Dtype::F32, shape)).collect()
}

#[test]
fn every_tensor_is_checked_by_name_type_and_shape() {
    let folder = TinyFolder::new("encoder-layout");
    std::fs::write(folder.0.join("model.safetensors"), serialized(&tensors())).unwrap();
    EncoderFolder::read(&folder.0).unwrap();
    for idx in 0..tensors().len() {
        let name = tensors()[idx].0.clone();
        let mut all = tensors();
        all[idx].1 = Dtype::I64;
        let fault = folder.fault_of(&all);
        assert!(fault.contains(&format!("`{name}` has the unsupported type")), "{fault}");
        all[idx].1 = Dtype::F16;
        all[idx].2.push(1);
        let fault = folder.fault_of(&all);
        assert!(fault.contains(&format!("`{name}` has the shape")), "{fault}");
        all.remove(idx);
        assert!(folder.fault_of(&all).contains(&format!("`{name}` is missing")), "{name}");
    }
    folder.configure(2);
    assert!(folder.fault().contains("`encoder.layer.1.attention.self.query.weight` is missing"));
}

#[test]
fn missing_and_damaged_files_are_named() {
    let message = EncoderFolder::read(Path::new("/no/such")).unwrap_err().to_string();
    assert!(message.contains("/no/such/config.json") && message.contains("make models"));
    let folder = TinyFolder::new("encoder-damage");
    for damaged in [&b"short"[..], &[0xff; 64], &[8, 0, 0, 0, 0, 0, 0, 0, b'{', b'}']] {
        std::fs::write(folder.0.join("model.safetensors"), damaged).unwrap();
        assert!(folder.fault().contains("model.safetensors"), "{}", folder.fault());
    }
    std::fs::write(folder.0.join("tokenizer.json"), "{").unwrap();
    assert!(folder.fault().contains("tokenizer.json"), "{}", folder.fault());
}
