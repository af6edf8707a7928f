//! The ways in which a GGUF file can be invalid.

/// Why a GGUF file cannot be used: the file, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {file} as a GGUF model: {damage}")]
pub struct GgufError {
    /// Name of the file, as the caller gave it.
    pub file: String,
    /// What is wrong with the file.
    pub damage: GgufDamage,
}

impl GgufError {
    pub(crate) fn new(file: &str, damage: GgufDamage) -> Self {
        Self { file: file.to_owned(), damage }
    }
}

/// What is wrong with a GGUF file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GgufDamage {
    /// The first four bytes are not the letters GGUF.
    #[error("it does not begin with the letters GGUF, so it is another kind of file")]
    NotGguf,
    /// The file has another version, or is big-endian.
    #[error("its version is {version}; versions 2 and 3, little-endian, can be read")]
    Version {
        /// The version in the file.
        version: u32,
    },
    /// The file ends too early.
    #[error("it is cut short: {what} at byte {at} needs {needs} bytes and {left} are left")]
    Truncated {
        /// What was being read.
        what: String,
        /// Offset in bytes at which it starts.
        at: usize,
        /// Bytes that it takes.
        needs: u64,
        /// Bytes that the file has from there.
        left: usize,
    },
    /// A count that cannot fit in the rest of the file.
    #[error("it announces {count} {what}, more than its remaining {left} bytes can hold")]
    TooMany {
        /// What is counted.
        what: String,
        /// The count in the file.
        count: u64,
        /// Bytes that are left.
        left: usize,
    },
    /// A name or text is not UTF-8.
    #[error("{what} at byte {at} is not valid UTF-8")]
    NotText {
        /// What was being read.
        what: String,
        /// Offset in bytes at which it starts.
        at: usize,
    },
    /// A metadata value has an unknown type, or is an array of arrays.
    #[error("metadata `{key}` has the value type {id}, which cannot be read")]
    ValueType {
        /// Key of the value.
        key: String,
        /// Number of the type in the file.
        id: u32,
    },
    /// A name appears twice.
    #[error("{what} `{name}` appears twice")]
    Twice {
        /// `metadata` or `tensor`.
        what: &'static str,
        /// The repeated name.
        name: String,
    },
    /// The alignment is not a power of two, or is too large.
    #[error("its alignment {alignment} is not a power of two of at most 65536")]
    Alignment {
        /// The alignment in the file, in bytes.
        alignment: u64,
    },
    /// A tensor has a storage type that this reader does not support.
    #[error(
        "tensor `{tensor}` is stored as {kind}; F32, F16, BF16, Q8_0, Q4_0 and Q4_1 can be read"
    )]
    TensorKind {
        /// Name of the tensor.
        tensor: String,
        /// The usual name of the type, or its number.
        kind: String,
    },
    /// The dimensions are impossible for the tensor's type.
    #[error("tensor `{tensor}` has impossible dimensions {dims:?}")]
    Dimensions {
        /// Name of the tensor.
        tensor: String,
        /// Dimensions in the file, innermost first.
        dims: Vec<u64>,
    },
    /// Some bytes of a tensor lie outside the file.
    #[error(
        "tensor `{tensor}` lies outside the file: it takes {bytes} bytes at data offset {offset}"
    )]
    OutsideFile {
        /// Name of the tensor.
        tensor: String,
        /// Offset in bytes from the start of the data.
        offset: u64,
        /// Size of the tensor in bytes.
        bytes: u64,
    },
    /// A tensor does not start at a multiple of the alignment.
    #[error("tensor `{tensor}` starts at data offset {offset}, off the alignment of {alignment}")]
    Misaligned {
        /// Name of the tensor.
        tensor: String,
        /// Offset in bytes from the start of the data.
        offset: u64,
        /// Alignment of the file, in bytes.
        alignment: u64,
    },
    /// A required metadata key is missing.
    #[error("the metadata `{key}` is missing")]
    MissingKey {
        /// The missing key.
        key: String,
    },
    /// A metadata value has another type than the model needs.
    #[error("the metadata `{key}` is not {wanted}")]
    WrongType {
        /// Key of the value.
        key: String,
        /// The required type, in words.
        wanted: &'static str,
    },
    /// A metadata value has the right type but is invalid or not supported.
    #[error("the metadata `{key}` {reason}")]
    BadValue {
        /// Key of the value.
        key: String,
        /// What is wrong with the value, in words.
        reason: String,
    },
    /// A required tensor is missing.
    #[error("the tensor `{name}` is missing")]
    MissingTensor {
        /// Name of the missing tensor.
        name: String,
    },
    /// A tensor has other dimensions than the metadata imply.
    #[error("tensor `{tensor}` has the dimensions {found:?}, but the metadata imply {wanted:?}")]
    Shape {
        /// Name of the tensor.
        tensor: String,
        /// Dimensions in the file, innermost first.
        found: Vec<usize>,
        /// Dimensions that the metadata imply, innermost first.
        wanted: Vec<usize>,
    },
    /// The file has a tensor that the model would need and this node does not know.
    #[error("tensor `{tensor}` belongs to a model variant that is not supported")]
    UnknownTensor {
        /// Name of the tensor.
        tensor: String,
    },
}
