//! Types that wrap one other type and nothing else. Encoders see through them, so a type that wraps
//! itself, which only hostile metadata has, would never end.

use scale_info::{PortableRegistry, TypeDef};

/// Deeper wrapping is refused; real metadata wraps three or four times.
const MAX_WRAPPED: usize = 32;

/// The first type that wraps itself, or wraps too deeply.
pub(super) fn endless(types: &PortableRegistry) -> Option<u32> {
    let all = 0..u32::try_from(types.types.len()).unwrap_or(u32::MAX);
    all.into_iter().find(|id| {
        let mut inner = Some(*id);
        for _ in 0..MAX_WRAPPED {
            inner = inner.and_then(|id| wrapped(id, types));
        }
        inner.is_some()
    })
}

/// What a type consists of, if that is one other type.
fn wrapped(id: u32, types: &PortableRegistry) -> Option<u32> {
    match &types.resolve(id)?.type_def {
        TypeDef::Composite(record) => match record.fields.as_slice() {
            [only] => Some(only.ty.id),
            _ => None,
        },
        TypeDef::Tuple(tuple) => match tuple.fields.as_slice() {
            [only] => Some(only.id),
            _ => None,
        },
        TypeDef::Compact(compact) => Some(compact.type_param.id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use scale_info::form::PortableForm;
    use scale_info::{PortableType, Type, TypeDefPrimitive, TypeDefTuple};

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

    #[test]
    fn a_type_that_wraps_itself_is_found() {
        let number = || TypeDef::Primitive(TypeDefPrimitive::U32);
        assert_eq!(endless(&registry(vec![number(), tuple(&[0]), tuple(&[1, 1])])), None);
        assert_eq!(endless(&registry(vec![number(), tuple(&[1])])), Some(1));
        assert_eq!(endless(&registry(vec![number(), tuple(&[2]), tuple(&[1])])), Some(1));
    }
}
