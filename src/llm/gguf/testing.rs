//! Builds small GGUF files for tests.

/// Builds a GGUF file step by step.
#[derive(Clone, Default)]
pub(crate) struct Builder {
    entries: Vec<(String, u32, Vec<u8>)>,
    tensors: Vec<(String, Vec<u64>, u32, u64)>,
    data: Vec<u8>,
}

fn text_bytes(text: &str) -> Vec<u8> {
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

impl Builder {
    /// Adds a value of the type `id`; replaces an earlier one with the same key.
    pub(crate) fn entry(mut self, key: &str, id: u32, value: &[u8]) -> Self {
        self.entries.retain(|(other, _, _)| other != key);
        self.duplicate_entry(key, id, value)
    }

    /// Adds a value even if the key exists.
    pub(crate) fn duplicate_entry(mut self, key: &str, id: u32, value: &[u8]) -> Self {
        self.entries.push((key.into(), id, value.to_vec()));
        self
    }

    pub(crate) fn without(mut self, key: &str) -> Self {
        self.entries.retain(|(other, _, _)| other != key);
        self
    }

    pub(crate) fn u32(self, key: &str, value: u32) -> Self {
        self.entry(key, 4, &value.to_le_bytes())
    }

    pub(crate) fn f32(self, key: &str, value: f32) -> Self {
        self.entry(key, 6, &value.to_le_bytes())
    }

    pub(crate) fn text(self, key: &str, value: &str) -> Self {
        self.entry(key, 8, &text_bytes(value))
    }

    pub(crate) fn texts<T: AsRef<str>>(self, key: &str, texts: &[T]) -> Self {
        let elements: Vec<u8> = texts.iter().flat_map(|text| text_bytes(text.as_ref())).collect();
        self.array(key, 8, texts.len(), &elements)
    }

    pub(crate) fn u32s(self, key: &str, numbers: &[u32]) -> Self {
        let elements: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.array(key, 4, numbers.len(), &elements)
    }

    fn array(self, key: &str, id: u32, len: usize, elements: &[u8]) -> Self {
        let head = [&id.to_le_bytes()[..], &(len as u64).to_le_bytes()].concat();
        self.entry(key, 9, &[&head, elements].concat())
    }

    /// Adds only the description of a tensor, without its bytes.
    pub(crate) fn place(mut self, name: &str, dims: &[u64], id: u32, offset: u64) -> Self {
        self.tensors.push((name.into(), dims.to_vec(), id, offset));
        self
    }

    /// Adds a tensor of the type `id` with its bytes.
    pub(crate) fn tensor(mut self, name: &str, dims: &[u64], id: u32, bytes: &[u8]) -> Self {
        self.data.resize(self.data.len().next_multiple_of(32), 0);
        let offset = self.data.len() as u64;
        self.data.extend(bytes);
        self.place(name, dims, id, offset)
    }

    /// Adds a matrix or vector of `f32` numbers.
    pub(crate) fn numbers(self, name: &str, dims: &[u64], numbers: &[f32]) -> Self {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.tensor(name, dims, 0, &bytes)
    }

    /// The bytes of the file, version 3.
    pub(crate) fn build(&self) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        file.extend(3u32.to_le_bytes());
        file.extend((self.tensors.len() as u64).to_le_bytes());
        file.extend((self.entries.len() as u64).to_le_bytes());
        for (key, id, value) in &self.entries {
            file.extend(text_bytes(key));
            file.extend(id.to_le_bytes());
            file.extend(value);
        }
        for (name, dims, id, offset) in &self.tensors {
            file.extend(text_bytes(name));
            file.extend((dims.len() as u32).to_le_bytes());
            file.extend(dims.iter().flat_map(|dim| dim.to_le_bytes()));
            file.extend(id.to_le_bytes());
            file.extend(offset.to_le_bytes());
        }
        file.resize(file.len().next_multiple_of(32), 0);
        file.extend(&self.data);
        file
    }
}
