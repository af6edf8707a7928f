//! What can be wrong with a GGUF file.

/// Why a GGUF file cannot be used: the file, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {file} as a GGUF model: {damage}")]
pub struct GgufError {
    /// The file as the caller named it.
    pub file: String,
    /// What is wrong.
    pub damage: GgufDamage,
}

impl GgufError {
    pub(crate) fn new(file: &str, damage: GgufDamage) -> Self {
        Self { file: file.to_owned(), damage }
    }
}

/// The ways in which a GGUF file can be wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GgufDamage {
    /// The first four bytes are not the letters GGUF.
    #[error("it does not begin with the letters GGUF, so it is another kind of file")]
    NotGguf,
    /// Written for another version, or for a big-endian machine.
    #[error("its version is {version}; versions 2 and 3, little-endian, can be read")]
    Version {
        /// What stands in the file.
        version: u32,
    },
    /// The file ends too early.
    #[error("it is cut short: {what} at byte {at} needs {needs} bytes and {left} are left")]
    Truncated {
        /// What was being read.
        what: String,
        /// Where it starts.
        at: usize,
        /// How many bytes it takes.
        needs: u64,
        /// How many bytes the file has from there.
        left: usize,
    },
    /// A count that cannot fit into the rest of the file.
    #[error("it announces {count} {what}, more than its remaining {left} bytes can hold")]
    TooMany {
        /// What is counted.
        what: String,
        /// What stands in the file.
        count: u64,
        /// How many bytes are left.
        left: usize,
    },
    /// A name or text that is not UTF-8.
    #[error("{what} at byte {at} is not valid UTF-8")]
    NotText {
        /// What was being read.
        what: String,
        /// Where it starts.
        at: usize,
    },
    /// A metadata value of an unknown type, or an array of arrays.
    #[error("metadata `{key}` has the value type {id}, which cannot be read")]
    ValueType {
        /// Its key.
        key: String,
        /// The type's number.
        id: u32,
    },
    /// The same name twice.
    #[error("{what} `{name}` appears twice")]
    Twice {
        /// `metadata` or `tensor`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// An alignment that is not a power of two.
    #[error("its alignment {alignment} is not a power of two of at most 65536")]
    Alignment {
        /// What stands in the file.
        alignment: u64,
    },
    /// A tensor stored in a way that this reader cannot turn into numbers.
    #[error(
        "tensor `{tensor}` is stored as {kind}; F32, F16, BF16, Q8_0, Q4_0 and Q4_1 can be read"
    )]
    TensorKind {
        /// The tensor.
        tensor: String,
        /// The type's usual name, or its number.
        kind: String,
    },
    /// Dimensions that make no sense for the tensor's type.
    #[error("tensor `{tensor}` has impossible dimensions {dims:?}")]
    Dimensions {
        /// The tensor.
        tensor: String,
        /// Its dimensions, innermost first.
        dims: Vec<u64>,
    },
    /// A tensor whose bytes are not all in the file.
    #[error(
        "tensor `{tensor}` lies outside the file: it takes {bytes} bytes at data offset {offset}"
    )]
    OutsideFile {
        /// The tensor.
        tensor: String,
        /// Its offset from the start of the data.
        offset: u64,
        /// Its size.
        bytes: u64,
    },
    /// A tensor that does not start on a multiple of the alignment.
    #[error("tensor `{tensor}` starts at data offset {offset}, off the alignment of {alignment}")]
    Misaligned {
        /// The tensor.
        tensor: String,
        /// Its offset from the start of the data.
        offset: u64,
        /// The file's alignment.
        alignment: u64,
    },
    /// A metadata key that the model needs.
    #[error("the metadata `{key}` is missing")]
    MissingKey {
        /// The key.
        key: String,
    },
    /// A metadata key that holds another type than the model needs.
    #[error("the metadata `{key}` is not {wanted}")]
    WrongType {
        /// The key.
        key: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// A metadata value of the right type that cannot be right or is not supported.
    #[error("the metadata `{key}` {reason}")]
    BadValue {
        /// The key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor that the model needs.
    #[error("the tensor `{name}` is missing")]
    MissingTensor {
        /// Its name.
        name: String,
    },
    /// A tensor with other dimensions than the metadata imply.
    #[error("tensor `{tensor}` has the dimensions {found:?}, but the metadata imply {wanted:?}")]
    Shape {
        /// The tensor.
        tensor: String,
        /// Its dimensions, innermost first.
        found: Vec<usize>,
        /// What the metadata imply.
        wanted: Vec<usize>,
    },
    /// A tensor that the model would have to use and does not know.
    #[error("tensor `{tensor}` belongs to a model variant that is not supported")]
    UnknownTensor {
        /// Its name.
        tensor: String,
    },
}
