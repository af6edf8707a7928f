//! Converts stored blocks to `f32`.

use super::TensorKind;

/// Appends the numbers of `bytes`, which are stored as `kind`, to `out`.
///
/// `bytes` should be whole blocks, as in a [`super::TensorInfo`]; an incomplete block at the end is
/// ignored. The arithmetic is `d·q + m` in `f32` with each product rounded, as in the usual
/// readers, so the weights are equal bit for bit.
pub fn dequantize(kind: TensorKind, bytes: &[u8], out: &mut Vec<f32>) {
    let n_blocks = bytes.len() / kind.block_bytes();
    out.reserve(n_blocks * kind.block_len());
    match kind {
        TensorKind::F32 => out.extend(words::<4>(bytes).map(|word| f32::from_le_bytes(*word))),
        TensorKind::F16 => out.extend(words::<2>(bytes).map(|word| half_to_f32(*word))),
        TensorKind::Bf16 => out.extend(words::<2>(bytes).map(|word| bfloat_to_f32(*word))),
        TensorKind::Q4_0 => words::<18>(bytes).for_each(|block| append_q4_0(block, out)),
        TensorKind::Q4_1 => words::<20>(bytes).for_each(|block| append_q4_1(block, out)),
        TensorKind::Q8_0 => words::<34>(bytes).for_each(|block| append_q8_0(block, out)),
    }
}

fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = &[u8; N]> {
    bytes.as_chunks::<N>().0.iter()
}

fn append_q4_0(block: &[u8; 18], out: &mut Vec<f32>) {
    let scale = half_to_f32([block[0], block[1]]);
    let table = std::array::from_fn(|quant| scale * (quant as f32 - 8.0));
    append_nibbles(&block[2..], &table, out);
}

fn append_q4_1(block: &[u8; 20], out: &mut Vec<f32>) {
    let scale = half_to_f32([block[0], block[1]]);
    let minimum = half_to_f32([block[2], block[3]]);
    let table = std::array::from_fn(|quant| scale * quant as f32 + minimum);
    append_nibbles(&block[4..], &table, out);
}

/// Appends the low nibbles, which are the first half of the block, then the high nibbles.
fn append_nibbles(nibbles: &[u8], table: &[f32; 16], out: &mut Vec<f32>) {
    let mut block = [0.0; 32];
    let (low, high) = block.split_at_mut(16);
    for (idx, byte) in nibbles.iter().enumerate() {
        low[idx] = table[usize::from(byte & 15)];
        high[idx] = table[usize::from(byte >> 4)];
    }
    out.extend_from_slice(&block);
}

fn append_q8_0(block: &[u8; 34], out: &mut Vec<f32>) {
    let scale = half_to_f32([block[0], block[1]]);
    let mut numbers = [0.0; 32];
    for (number, byte) in numbers.iter_mut().zip(&block[2..]) {
        *number = scale * f32::from(byte.cast_signed());
    }
    out.extend_from_slice(&numbers);
}

fn bfloat_to_f32(bytes: [u8; 2]) -> f32 {
    f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16)
}

/// Converts half to single precision; exact, subnormals and infinities included.
fn half_to_f32(bytes: [u8; 2]) -> f32 {
    let bits = u32::from(u16::from_le_bytes(bytes));
    let sign = (bits & 0x8000) << 16;
    let exponent = (bits >> 10) & 0x1f;
    let fraction = bits & 0x3ff;
    let magnitude = match exponent {
        0 => (fraction as f32 * 2f32.powi(-24)).to_bits(),
        31 => 0x7f80_0000 | (fraction << 13),
        _ => ((exponent + 112) << 23) | (fraction << 13),
    };
    f32::from_bits(sign | magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(kind: TensorKind, bytes: &[u8]) -> Vec<f32> {
        let mut out = Vec::new();
        dequantize(kind, bytes, &mut out);
        out
    }

    #[test]
    fn halves_match_their_definition() {
        let cases: [(u16, f32); 8] = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x0400, 6.103_515_6e-5),
            (0x7c00, f32::INFINITY),
            (0x8000, -0.0),
        ];
        for (bits, wanted) in cases {
            let found = numbers(TensorKind::F16, &bits.to_le_bytes());
            assert_eq!(found[0].to_bits(), wanted.to_bits(), "half {bits:#06x}");
        }
        assert!(numbers(TensorKind::F16, &[0, 0x7e])[0].is_nan());
    }

    #[test]
    fn plain_kinds_are_copied() {
        assert_eq!(numbers(TensorKind::F32, &1.5f32.to_le_bytes()), [1.5]);
        assert_eq!(numbers(TensorKind::Bf16, &[0x80, 0x3f, 0, 0xc0]), [1.0, -2.0]);
    }

    #[test]
    fn q4_1_puts_low_nibbles_first() {
        let mut block = vec![0x00, 0x38, 0x00, 0xbc]; // d = 0.5, m = -1
        block.extend((0u8..16).map(|idx| idx | ((15 - idx) << 4)));
        let found = numbers(TensorKind::Q4_1, &block);
        for idx in 0..16 {
            assert_eq!(found[idx], 0.5 * idx as f32 - 1.0);
            assert_eq!(found[16 + idx], 0.5 * (15 - idx) as f32 - 1.0);
        }
    }

    #[test]
    fn q4_0_is_centred_on_eight() {
        let mut block = vec![0x00, 0x40]; // d = 2
        block.extend([0x80u8; 16]);
        let found = numbers(TensorKind::Q4_0, &block);
        assert_eq!(found[..16], [-16.0; 16]);
        assert_eq!(found[16..], [0.0; 16]);
    }

    #[test]
    fn q8_0_is_signed() {
        let mut block = vec![0x00, 0x3c];
        block.extend((0..32).map(|idx: u8| if idx == 0 { 0x80 } else { idx }));
        let found = numbers(TensorKind::Q8_0, &block);
        assert_eq!(found[0], -128.0);
        assert_eq!(found[31], 31.0);
    }

    #[test]
    fn an_incomplete_block_is_left_out() {
        assert!(numbers(TensorKind::Q4_1, &[0; 19]).is_empty());
        assert_eq!(numbers(TensorKind::Q8_0, &[0; 35]).len(), 32);
    }
}
