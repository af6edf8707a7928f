//! Stores keys and values in the arena and computes attention over them.

use tch::{TchError, Tensor};

use super::CPU_F32;
use crate::llm::config::LlamaConfig;
use crate::llm::schedule::{Batch, Segment};

/// Keys and values of one layer, head after head, each `[arena_tokens, head]`.
#[derive(Debug)]
pub(super) struct LayerCache {
    /// `[2·kv_heads, arena_tokens, head]`: keys, then values.
    both: Tensor,
    /// View of the keys, `[kv_heads, 1, arena_tokens, head]`.
    keys: Tensor,
    /// View of the values, of the same shape as `keys`.
    values: Tensor,
}

impl LayerCache {
    /// Does not clear the memory: no row is read before it is written.
    pub(super) fn new(config: &LlamaConfig, arena_tokens: usize) -> Result<Self, TchError> {
        let n_kv = config.n_kv_heads;
        let both = Tensor::f_empty([2 * n_kv, arena_tokens as i64, config.head], CPU_F32)?;
        Ok(Self {
            keys: both.f_narrow(0, 0, n_kv)?.f_unsqueeze(1)?,
            values: both.f_narrow(0, n_kv, n_kv)?.f_unsqueeze(1)?,
            both,
        })
    }
}

/// Attention of one batch; prepares once what all layers share.
pub(super) struct Attention<'b> {
    config: &'b LlamaConfig,
    segments: &'b [Segment],
    arena_rows: Tensor,
    /// For chunks after the first of a prompt: which earlier tokens each row attends to.
    masks: Vec<Option<Tensor>>,
}

impl<'b> Attention<'b> {
    pub(super) fn new(config: &'b LlamaConfig, batch: &'b Batch) -> Result<Self, TchError> {
        let masks = batch.segments.iter().map(mask).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            config,
            segments: &batch.segments,
            arena_rows: Tensor::f_from_slice(&batch.arena_rows)?,
            masks,
        })
    }

    /// Stores the new keys and values of `heads`, `[rows, heads + 2·kv_heads, head]`, and returns
    /// the attention of its queries, `[rows, heads·head]`.
    pub(super) fn apply(&self, heads: &Tensor, cache: &mut LayerCache) -> Result<Tensor, TchError> {
        let n_kv = self.config.n_kv_heads;
        let new = heads.f_narrow(1, self.config.n_heads, 2 * n_kv)?.f_transpose(0, 1)?;
        let _ = cache.both.f_index_copy_(1, &self.arena_rows, &new)?;
        let queries = heads.f_narrow(1, 0, self.config.n_heads)?;
        let mut row = 0;
        let mut mixed = Vec::with_capacity(self.segments.len());
        for (segment, mask) in self.segments.iter().zip(&self.masks) {
            let n_new = segment.n_new as i64;
            let queries = queries.f_narrow(0, row, n_new)?;
            mixed.push(self.segment(&queries, cache, segment, mask.as_ref())?);
            row += n_new;
        }
        match mixed.len() {
            1 => Ok(mixed.remove(0)),
            _ => Tensor::f_cat(&mixed, 0),
        }
    }

    fn segment(
        &self,
        queries: &Tensor,
        cache: &LayerCache,
        segment: &Segment,
        mask: Option<&Tensor>,
    ) -> Result<Tensor, TchError> {
        let length = (segment.n_past + segment.n_new) as i64;
        let keys = cache.keys.f_narrow(2, segment.start as i64, length)?;
        let values = cache.values.f_narrow(2, segment.start as i64, length)?;
        if segment.n_new == 1 {
            self.one_row(queries, &keys, &values)
        } else {
            self.chunk(queries, &keys, &values, mask)
        }
    }

    /// Attention of one new token: the query heads that share a key head are the rows of its query.
    fn one_row(
        &self,
        queries: &Tensor,
        keys: &Tensor,
        values: &Tensor,
    ) -> Result<Tensor, TchError> {
        let (n_kv, group, head) = self.groups();
        let queries = queries.f_view([n_kv, 1, group, head])?;
        attend(&queries, keys, values, None, false)?.f_reshape([1, n_kv * group * head])
    }

    /// Attention of several new tokens, each attending to those before it.
    fn chunk(
        &self,
        queries: &Tensor,
        keys: &Tensor,
        values: &Tensor,
        mask: Option<&Tensor>,
    ) -> Result<Tensor, TchError> {
        let (n_kv, group, head) = self.groups();
        let n_rows = queries.size()[0];
        let shared = [n_kv, group, -1, head];
        let queries = queries.f_view([n_rows, n_kv, group, head])?.f_permute([1, 2, 0, 3])?;
        let keys = keys.f_expand(shared, false)?;
        let values = values.f_expand(shared, false)?;
        attend(&queries, &keys, &values, mask, mask.is_none())?
            .f_permute([2, 0, 1, 3])?
            .f_reshape([n_rows, n_kv * group * head])
    }

    fn groups(&self) -> (i64, i64, i64) {
        let config = self.config;
        (config.n_kv_heads, config.n_heads / config.n_kv_heads, config.head)
    }
}

fn attend(
    queries: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    mask: Option<&Tensor>,
    is_causal: bool,
) -> Result<Tensor, TchError> {
    Tensor::f_scaled_dot_product_attention(queries, keys, values, mask, 0.0, is_causal, None, false)
}

/// `−∞` where a row must not attend, for a chunk that continues a prompt. `None` for the first
/// chunk, where the plain causal form is right.
fn mask(segment: &Segment) -> Result<Option<Tensor>, TchError> {
    if segment.n_past == 0 || segment.n_new == 1 {
        return Ok(None);
    }
    let (n_past, n_new) = (segment.n_past as i64, segment.n_new as i64);
    Tensor::f_full([n_new, n_past + n_new], f64::NEG_INFINITY, CPU_F32)?
        .f_triu(n_past + 1)
        .map(Some)
}
