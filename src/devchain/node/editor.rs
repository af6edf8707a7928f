//! Changes recorded metadata by name: adds types, storage, calls, errors and runtime functions. A
//! type that is there already is used again.

use frame_metadata::v14::{
    PalletCallMetadata, PalletEventMetadata, PalletStorageMetadata, StorageEntryMetadata,
    StorageEntryModifier, StorageEntryType, StorageHasher,
};
use frame_metadata::v15::{
    PalletMetadata, RuntimeApiMethodMetadata, RuntimeApiMethodParamMetadata, RuntimeMetadataV15,
};
use scale_info::form::PortableForm;
use scale_info::{
    Field, Path, PortableRegistry, PortableType, Type, TypeDef, TypeDefCompact, TypeDefComposite,
    TypeDefPrimitive, TypeDefSequence, TypeDefTuple, TypeDefVariant, TypeParameter, Variant,
};

/// The pallet of the subnets.
pub(super) const PALLET: &str = "SubtensorModule";

/// Metadata under change. Each method fails with a sentence if the metadata lacks what it names.
pub(super) struct Editor<'a> {
    pub(super) metadata: &'a mut RuntimeMetadataV15,
}

impl Editor<'_> {
    fn types(&mut self) -> &mut PortableRegistry {
        &mut self.metadata.types
    }

    /// The subnet pallet.
    pub(super) fn pallet(&mut self) -> Result<&mut PalletMetadata<PortableForm>, String> {
        let mut pallets = self.metadata.pallets.iter_mut();
        pallets.find(|pallet| pallet.name == PALLET).ok_or_else(|| "no subnet pallet".to_owned())
    }

    fn found(&self, is_it: impl Fn(&Type<PortableForm>) -> bool) -> Option<u32> {
        self.metadata.types.types.iter().find(|found| is_it(&found.ty)).map(|found| found.id)
    }

    fn found_or_added(&mut self, ty: Type<PortableForm>) -> u32 {
        let same =
            |found: &Type<PortableForm>| (&found.path, &found.type_def) == (&ty.path, &ty.type_def);
        self.found(same).unwrap_or_else(|| self.added(ty))
    }

    fn added(&mut self, ty: Type<PortableForm>) -> u32 {
        let id = u32::try_from(self.types().types.len()).unwrap_or(u32::MAX);
        self.types().types.push(PortableType::new(id, ty));
        id
    }

    /// A primitive type.
    pub(super) fn primitive(&self, wanted: TypeDefPrimitive) -> Result<u32, String> {
        let found = self.found(|ty| ty.type_def == TypeDef::Primitive(wanted.clone()));
        found.ok_or_else(|| format!("no type {wanted:?}"))
    }

    /// The first type whose path ends in `name`.
    pub(super) fn named(&self, name: &str) -> Result<u32, String> {
        let found = self.found(|ty| ty.path.segments.last().is_some_and(|last| last == name));
        found.ok_or_else(|| format!("no type {name}"))
    }

    /// The compact form of a number type.
    pub(super) fn compact(&mut self, inner: u32) -> u32 {
        self.found_or_added(TypeDefCompact::new(inner.into()).into())
    }

    /// A list of values of one type.
    pub(super) fn sequence(&mut self, inner: u32) -> u32 {
        self.found_or_added(TypeDefSequence::new(inner.into()).into())
    }

    /// A tuple of types.
    pub(super) fn tuple(&mut self, members: &[u32]) -> u32 {
        let members = members.iter().map(|member| (*member).into());
        self.found_or_added(TypeDefTuple::new_portable(members).into())
    }

    /// A type's values, or none.
    pub(super) fn option(&mut self, inner: u32) -> u32 {
        let some = vec![Field::new(None, inner.into(), None, Vec::new())];
        let cases = [("None", Vec::new()), ("Some", some)];
        let cases = (0..).zip(cases).map(|(index, (name, fields))| {
            Variant::new(name.to_owned(), fields, index, Vec::new())
        });
        let parameter = TypeParameter::new_portable("T".to_owned(), Some(inner.into()));
        let path = Path::from_segments_unchecked(["Option".to_owned()]);
        self.found_or_added(Type::new(path, [parameter], TypeDefVariant::new(cases), Vec::new()))
    }

    /// A new record type under a path, with named fields.
    pub(super) fn record(&mut self, path: &str, fields: &[(&str, u32)]) -> u32 {
        let def = TypeDefComposite::new(named_fields(fields, self.types()));
        self.added(Type::new(path_of(path), [], def, Vec::new()))
    }

    /// A new type of several cases under a path, each with one value.
    pub(super) fn cases(&mut self, path: &str, cases: &[(&str, u32)]) -> u32 {
        let cases = (0..).zip(cases).map(|(index, (name, value))| {
            let value = Field::new(None, (*value).into(), None, Vec::new());
            Variant::new((*name).to_owned(), vec![value], index, Vec::new())
        });
        self.added(Type::new(path_of(path), [], TypeDefVariant::new(cases), Vec::new()))
    }

    /// The cases of an enum type.
    pub(super) fn cases_of(
        &mut self,
        type_id: u32,
    ) -> Result<&mut Vec<Variant<PortableForm>>, String> {
        let found = self.types().types.iter_mut().find(|found| found.id == type_id);
        match found.map(|found| &mut found.ty.type_def) {
            Some(TypeDef::Variant(variant)) => Ok(&mut variant.variants),
            _ => Err(format!("type {type_id} is no variant")),
        }
    }

    /// The fields of the record types whose path ends in `name`.
    pub(super) fn fields_of(
        &mut self,
        name: &str,
    ) -> Result<&mut Vec<Field<PortableForm>>, String> {
        let id = self.named(name)?;
        let found = self.types().types.iter_mut().find(|found| found.id == id);
        match found.map(|found| &mut found.ty.type_def) {
            Some(TypeDef::Composite(composite)) => Ok(&mut composite.fields),
            _ => Err(format!("{name} is no record")),
        }
    }

    /// Adds a field behind the last one of a record type.
    pub(super) fn field(&mut self, record: &str, name: &str, ty: u32) -> Result<(), String> {
        let fields = named_fields(&[(name, ty)], self.types());
        self.fields_of(record)?.extend(fields);
        Ok(())
    }

    /// Adds an entry to the subnet pallet's storage. Without a default a missing value is none.
    pub(super) fn store(
        &mut self,
        name: &str,
        keys: &[(StorageHasher, u32)],
        value: u32,
        default: Option<Vec<u8>>,
    ) -> Result<(), String> {
        self.store_in(PALLET, name, keys, value, default)
    }

    /// As [`Self::store`], for any pallet.
    pub(super) fn store_in(
        &mut self,
        pallet: &str,
        name: &str,
        keys: &[(StorageHasher, u32)],
        value: u32,
        default: Option<Vec<u8>>,
    ) -> Result<(), String> {
        let ty = match keys {
            [] => StorageEntryType::Plain(value.into()),
            keys => {
                let types: Vec<u32> = keys.iter().map(|(_, key)| *key).collect();
                let key = if let [key] = *types { key } else { self.tuple(&types) };
                let hashers = keys.iter().map(|(hasher, _)| hasher.clone()).collect();
                StorageEntryType::Map { hashers, key: key.into(), value: value.into() }
            }
        };
        let modifier = match default {
            Some(_) => StorageEntryModifier::Default,
            None => StorageEntryModifier::Optional,
        };
        let default = default.unwrap_or_else(|| vec![0]);
        let (name, docs) = (name.to_owned(), Vec::new());
        let found = self.metadata.pallets.iter_mut().find(|found| found.name == pallet);
        let storage = found.and_then(|found| found.storage.as_mut()).ok_or("no storage")?;
        storage.entries.push(StorageEntryMetadata { name, modifier, ty, default, docs });
        Ok(())
    }

    /// A new enum type under a path, with one case of named fields.
    pub(super) fn variant(
        &mut self,
        path: &str,
        index: u8,
        name: &str,
        fields: &[(&str, u32)],
    ) -> u32 {
        let fields = named_fields(fields, self.types());
        let cases = [Variant::new(name.to_owned(), fields, index, Vec::new())];
        self.added(Type::new(path_of(path), [], TypeDefVariant::new(cases), Vec::new()))
    }

    /// Adds a pallet with these types of calls and events, and nothing in storage yet.
    pub(super) fn add_pallet(
        &mut self,
        name: &str,
        index: u8,
        calls: u32,
        events: u32,
    ) -> Result<(), String> {
        for (outer, inner) in [("RuntimeCall", calls), ("RuntimeEvent", events)] {
            let field = Field::new(None, inner.into(), Some(name.to_owned()), Vec::new());
            let outer = self.named(outer)?;
            let case = Variant::new(name.to_owned(), vec![field], index, Vec::new());
            self.cases_of(outer)?.push(case);
        }
        self.metadata.pallets.push(PalletMetadata {
            name: name.to_owned(),
            storage: Some(PalletStorageMetadata { prefix: name.to_owned(), entries: Vec::new() }),
            calls: Some(PalletCallMetadata { ty: calls.into() }),
            event: Some(PalletEventMetadata { ty: events.into() }),
            constants: Vec::new(),
            error: None,
            index,
            docs: Vec::new(),
        });
        Ok(())
    }

    /// Adds a function to a runtime API.
    pub(super) fn function(
        &mut self,
        api: &str,
        name: &str,
        inputs: &[(&str, u32)],
        output: u32,
    ) -> Result<(), String> {
        let inputs = inputs.iter().map(|(name, ty)| RuntimeApiMethodParamMetadata {
            name: (*name).to_owned(),
            ty: (*ty).into(),
        });
        let method = RuntimeApiMethodMetadata {
            name: name.to_owned(),
            inputs: inputs.collect(),
            output: output.into(),
            docs: Vec::new(),
        };
        let found = self.metadata.apis.iter_mut().find(|found| found.name == api);
        found.ok_or_else(|| format!("no API {api}"))?.methods.push(method);
        Ok(())
    }

    /// Adds a call to the subnet pallet, under the runtime's own index.
    pub(super) fn call(
        &mut self,
        index: u8,
        name: &str,
        fields: &[(&str, u32)],
    ) -> Result<(), String> {
        let calls = self.pallet()?.calls.as_ref().ok_or("no calls")?.ty.id;
        let fields = named_fields(fields, self.types());
        self.cases_of(calls)?.push(Variant::new(name.to_owned(), fields, index, Vec::new()));
        Ok(())
    }

    /// Adds errors to the subnet pallet, behind the last one.
    pub(super) fn errors(&mut self, names: &[&str]) -> Result<(), String> {
        let errors = self.pallet()?.error.as_ref().ok_or("no errors")?.ty.id;
        let cases = self.cases_of(errors)?;
        let next = cases.iter().map(|case| case.index).max().unwrap_or(0).saturating_add(1);
        cases.extend(
            (next..).zip(names).map(|(index, name)| {
                Variant::new((*name).to_owned(), Vec::new(), index, Vec::new())
            }),
        );
        Ok(())
    }
}

/// The field types' names are only told to clients, some of which cannot do without.
fn named_fields(fields: &[(&str, u32)], types: &PortableRegistry) -> Vec<Field<PortableForm>> {
    let field = |(name, ty): &(&str, u32)| {
        let type_name = match types.resolve(*ty).map(|ty| (&ty.type_def, ty.path.segments.last())) {
            Some((TypeDef::Primitive(primitive), _)) => format!("{primitive:?}").to_lowercase(),
            Some((_, Some(name))) => name.clone(),
            _ => "_".to_owned(),
        };
        Field::new(Some((*name).to_owned()), (*ty).into(), Some(type_name), Vec::new())
    };
    fields.iter().map(field).collect()
}

fn path_of(path: &str) -> Path<PortableForm> {
    Path::from_segments_unchecked(path.split("::").map(str::to_owned))
}
