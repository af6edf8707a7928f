//! Types that hold themselves, or more than any value needs. Only hostile metadata has them, and
//! whoever walks over such a type, without a value to end the walk, would be at it for ever: encoders
//! that look through wrappers, and subxt where it asks whether a type is empty.

use std::collections::HashMap;

use scale_info::{PortableRegistry, TypeDef};

/// Parts that a type may consist of, all that is certain to be in it counted: the fields of records
/// and tuples, and theirs. Real metadata has types of some hundred.
const MAX_PARTS: u32 = 4096;
/// Deeper nesting is refused; real metadata nests a dozen deep.
const MAX_NESTED: u32 = 64;

/// What is certain to be in a value of a type.
#[derive(Clone, Copy)]
struct Size {
    parts: u32,
    nested: u32,
}

/// The first type that holds itself, or too much. What a list or one case of several holds is not
/// in every value, so that it may be the type itself.
pub(super) fn too_large(types: &PortableRegistry) -> Option<u32> {
    let mut known = HashMap::new();
    let mut ids = types.types.iter().map(|found| found.id);
    ids.find(|id| size(*id, types, MAX_NESTED, &mut known).is_none())
}

/// The size of a type, `None` when it is too large. `depth` ends the walk into one that holds
/// itself.
fn size(
    id: u32,
    types: &PortableRegistry,
    depth: u32,
    known: &mut HashMap<u32, Size>,
) -> Option<Size> {
    if let Some(size) = known.get(&id) {
        return Some(*size);
    }
    let depth = depth.checked_sub(1)?;
    let inside: Vec<u32> = match types.resolve(id).map(|found| &found.type_def) {
        Some(TypeDef::Composite(record)) => record.fields.iter().map(|field| field.ty.id).collect(),
        Some(TypeDef::Tuple(tuple)) => tuple.fields.iter().map(|field| field.id).collect(),
        Some(TypeDef::Array(array)) => vec![array.type_param.id],
        Some(TypeDef::Compact(compact)) => vec![compact.type_param.id],
        _ => Vec::new(),
    };
    let mut total = Size { parts: 1, nested: 1 };
    for id in inside {
        let Size { parts, nested } = size(id, types, depth, known)?;
        total.parts = total.parts.saturating_add(parts);
        total.nested = total.nested.max(nested + 1);
    }
    let is_small = total.parts <= MAX_PARTS && total.nested <= MAX_NESTED;
    is_small.then(|| *known.entry(id).or_insert(total))
}

#[cfg(test)]
mod tests {
    use scale_info::form::PortableForm;
    use scale_info::{PortableType, Type, TypeDefPrimitive, TypeDefSequence, TypeDefTuple};

    use super::*;

    fn registry(types: Vec<TypeDef<PortableForm>>) -> PortableRegistry {
        let ty = |type_def| Type {
            path: Default::default(),
            type_params: Vec::new(),
            type_def,
            docs: Vec::new(),
        };
        let numbered = (0..).zip(types).map(|(id, it)| PortableType::new(id, ty(it)));
        PortableRegistry { types: numbered.collect() }
    }

    fn tuple(of: &[u32]) -> TypeDef<PortableForm> {
        TypeDef::Tuple(TypeDefTuple::new_portable(of.iter().map(|id| (*id).into())))
    }

    fn number() -> TypeDef<PortableForm> {
        TypeDef::Primitive(TypeDefPrimitive::U32)
    }

    #[test]
    fn a_type_that_holds_itself_is_found() {
        let list = |of: u32| TypeDef::Sequence(TypeDefSequence::new(of.into()));
        assert_eq!(too_large(&registry(vec![number(), tuple(&[0]), tuple(&[1, 1])])), None);
        assert_eq!(too_large(&registry(vec![number(), tuple(&[1])])), Some(1));
        assert_eq!(too_large(&registry(vec![number(), tuple(&[2]), tuple(&[1])])), Some(1));
        assert_eq!(too_large(&registry(vec![tuple(&[0, 0])])), Some(0));
        assert_eq!(too_large(&registry(vec![list(1), tuple(&[0, 0])])), None);
    }

    #[test]
    fn a_type_that_doubles_over_and_over_is_found() {
        let doubled = |n: u32| tuple(&[n, n]);
        let of = |n| registry([tuple(&[])].into_iter().chain((0..n).map(doubled)).collect());
        assert_eq!(too_large(&of(10)), None);
        assert_eq!(too_large(&of(40)), Some(12));
    }

    #[test]
    fn nesting_is_bounded_in_whatever_order_the_types_come() {
        let inward = registry((0..100).map(|n| tuple(&[n + 1])).chain([number()]).collect());
        assert_eq!(too_large(&inward), Some(0));
        let outward = [number()].into_iter().chain((0..100).map(|n| tuple(&[n])));
        assert_eq!(too_large(&registry(outward.collect())), Some(MAX_NESTED));
    }
}
