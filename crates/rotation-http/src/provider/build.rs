//! A description made a provider: each part checked before anything is sent.

use rotation_core::PasswordPolicy;

use super::builder::ProviderBuilder;
use super::description::Description;
use super::{Chosen, Fields, List, Minted, Model, Provider, Revoke, base};
use crate::admin::AdminAuth;
use crate::call::Call;
use crate::error::ProviderError;
use crate::paging::Paging;
use crate::placeholder::{Allowed, Placeholder};
use crate::pointer;
use crate::request::RequestDescription;

type Result<T> = std::result::Result<T, ProviderError>;

impl ProviderBuilder {
    /// The description, checked.
    ///
    /// # Errors
    ///
    /// [`ProviderError`], which names the first part that is missing or cannot work.
    pub fn build(self) -> Result<Provider> {
        self.0.build()
    }
}

impl Description {
    fn build(mut self) -> Result<Provider> {
        let fields = self.fields()?;
        let secret = Allowed {
            key: false,
            id: false,
            label: false,
            key_field: &fields.key,
        };
        let model = self.model(secret)?;
        let verify = self.verify_call(secret, &fields)?;
        let revoke = self.revoke_call(secret)?;
        self.check_pointers()?;
        let base = base::template(self.base_url.take(), secret)?;
        let list = self.list_of(secret)?;
        let with_id = Allowed { id: true, ..secret };
        let activate = self
            .activate
            .take()
            .map(|request| compile("activate", Some(request), with_id));
        let provider = Provider {
            base,
            model,
            activate: activate.transpose()?,
            list,
            verify,
            revoke,
            max_keys: self.most_keys()?,
            admin: self.admin.take().unwrap_or_else(|| Ok(AdminAuth::bearer()))?,
            fields,
            target: Vec::new(),
        };
        provider.admin.check()?;
        provider.check_ids()?;
        provider.check_expiry()?;
        Ok(provider.with_target())
    }

    fn fields(&self) -> Result<Fields> {
        let name =
            |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.to_owned());
        let fields = Fields {
            key: name(&self.key_field, "api_key"),
            id: name(&self.key_id_field, "key_id"),
            expiry: name(&self.expiry_field, "expires_at"),
        };
        let Fields { key, id, expiry } = &fields;
        if key.is_empty() || id.is_empty() || expiry.is_empty() || key == id {
            return Err(ProviderError::new(
                "key_field, key_id_field, expiry_field",
                "are empty or the same; name different fields of the document",
            ));
        }
        if self.expires_at.is_none() && self.expiry_field.is_some() {
            return Err(ProviderError::new(
                "expiry_field",
                "has no use without expires_at, which says where the reply has what to put there; add that or take this out",
            ));
        }
        if self.expires_at.is_some() && (key == expiry || id == expiry) {
            return Err(ProviderError::new(
                "expiry_field",
                format!("is {expiry:?}, where the key or its id is kept; name another field"),
            ));
        }
        Ok(fields)
    }

    fn model(&mut self, secret: Allowed<'_>) -> Result<Model> {
        match (self.create.take(), self.upload.take()) {
            (create, None) => self.minted(create, secret).map(Model::Minted),
            (None, Some(upload)) => self.chosen(upload, secret).map(Model::Chosen),
            (Some(_), Some(_)) => Err(ProviderError::new(
                "create, upload",
                "are both there; either the provider makes the key (create) or it is made here (upload), so take one out",
            )),
        }
    }

    fn minted(&mut self, create: Option<RequestDescription>, secret: Allowed<'_>) -> Result<Minted> {
        let create = compile(
            "create",
            create,
            Allowed {
                label: true,
                ..secret
            },
        )?;
        if !self.lacks.list && !self.lacks.labels {
            let is_label = |placeholder: &Placeholder| *placeholder == Placeholder::Label;
            let why = "{label}, by which a key that was not stored is found (or declare with lacks \"labels\", without_labels, that the provider keeps none)";
            needs(&create, "create", is_label, why)?;
        }
        self.check_minted()?;
        let expiry = self.expires_at.take();
        Ok(Minted {
            create,
            key: required("key_at", self.key_at.take())?,
            id: required("id_at", self.id_at.take())?,
            id_may_be_missing: self.may_lack.id,
            expiry: expiry.map(|at| required("expires_at", Some(at))).transpose()?,
        })
    }

    /// Refuses what would print the key, and what has no use.
    fn check_minted(&self) -> Result<()> {
        if self.key_policy.is_some() {
            return Err(ProviderError::new(
                "key_policy",
                "has no use where the provider makes the key; take it out",
            ));
        }
        if self.key_at.is_some() && self.key_at == self.expires_at {
            return Err(ProviderError::new(
                "expires_at",
                "points at the key itself, and is logged; point it at when the key expires",
            ));
        }
        if self.key_at.is_some() && self.key_at == self.id_at {
            return Err(ProviderError::new(
                "id_at",
                "points at the key itself, and ids are logged; point it at the id",
            ));
        }
        Ok(())
    }

    fn chosen(&mut self, upload: RequestDescription, secret: Allowed<'_>) -> Result<Chosen> {
        let everything = Allowed {
            key: true,
            id: true,
            label: true,
            ..secret
        };
        let upload = compile("upload", Some(upload), everything)?;
        let is_key = is_key(secret.key_field);
        needs(&upload, "upload", is_key, "{key}, which it is there for")?;
        let is_id = |placeholder: &Placeholder| matches!(placeholder, Placeholder::Id | Placeholder::Label);
        needs(
            &upload,
            "upload",
            is_id,
            "{id}, by which the key is revoked later",
        )?;
        let of_create = [
            ("key_at", self.key_at.is_some()),
            ("id_at", self.id_at.is_some()),
            ("expires_at", self.expires_at.is_some()),
            ("lacks \"labels\"", self.lacks.labels),
            ("may_lack \"id\"", self.may_lack.id),
        ];
        for (name, is_there) in of_create {
            if is_there {
                let why = "has no use where the key is uploaded: its id is made here, and is its label; take it out";
                return Err(ProviderError::new(name, why));
            }
        }
        let policy = self.key_policy.take().unwrap_or_else(letters_and_digits)?;
        Ok(Chosen { upload, policy })
    }

    fn verify_call(&mut self, secret: Allowed<'_>, fields: &Fields) -> Result<Call> {
        let allowed = Allowed {
            key: true,
            id: true,
            ..secret
        };
        let verify = compile("verify", self.verify.take(), allowed)?;
        let why = "{key}, so that it proves that the key works";
        needs(&verify, "verify", is_key(&fields.key), why)?;
        Ok(verify)
    }

    fn revoke_call(&mut self, secret: Allowed<'_>) -> Result<Revoke> {
        let call = compile("revoke", self.revoke.take(), Allowed { id: true, ..secret })?;
        let is_id = |placeholder: &Placeholder| *placeholder == Placeholder::Id;
        needs(&call, "revoke", is_id, "{id}, so that it ends one key only")?;
        let may_be_missing = self.may_lack.revoke;
        Ok(Revoke { call, may_be_missing })
    }

    fn list_of(&mut self, secret: Allowed<'_>) -> Result<Option<List>> {
        if self.lacks.list {
            let of_list = [
                ("items_at", self.items_at.is_some()),
                ("item_id_at", self.item_id_at.is_some()),
                ("item_label_at", self.item_label_at.is_some()),
                ("pages", self.pages.is_some()),
                ("max_keys", self.max_keys.is_some()),
            ];
            return match of_list.into_iter().find(|(_, is_there)| *is_there) {
                Some((name, _)) => Err(ProviderError::new(name, "has no use without a list; take it out")),
                None => Ok(None),
            };
        }
        let list = self.list.take();
        let list = list.ok_or_else(|| {
            missing(
                "list",
                "describe it, or declare with lacks \"list\", without_list, that there is none",
            )
        })?;
        let call = compile("list", Some(list), secret)?;
        let paging = self.pages.take().map(Paging);
        if let Some(paging) = &paging {
            paging.check()?;
        }
        let label = match self.lacks.labels {
            true => None,
            false => Some(required("item_label_at", self.item_label_at.take())?),
        };
        Ok(Some(List {
            call,
            items: required("items_at", self.items_at.take())?,
            item_id: required("item_id_at", self.item_id_at.take())?,
            item_label: label,
            paging,
            may_be_missing: self.may_lack.list,
        }))
    }

    fn most_keys(&self) -> Result<Option<usize>> {
        if self.max_keys.is_some_and(|keys| keys < 2) {
            return Err(ProviderError::new(
                "max_keys",
                "is less than 2, so the next key could not be made while the current one is in use; a provider of one key needs another way",
            ));
        }
        Ok(self.max_keys)
    }

    /// The form of each pointer that is there, before it is asked what is missing.
    fn check_pointers(&self) -> Result<()> {
        for (name, given) in [
            ("items_at", &self.items_at),
            ("item_id_at", &self.item_id_at),
            ("item_label_at", &self.item_label_at),
        ] {
            if let Some(given) = given {
                pointer::check(name, given)?;
            }
        }
        Ok(())
    }
}

fn is_key(field: &str) -> impl FnMut(&Placeholder) -> bool {
    let by_field = Placeholder::Secret(field.to_owned());
    move |placeholder: &Placeholder| *placeholder == Placeholder::Key || *placeholder == by_field
}

fn letters_and_digits() -> Result<PasswordPolicy> {
    PasswordPolicy::of_length(48)
        .excluding("")
        .without_punctuation()
        .build()
        .map_err(|error| ProviderError::new("key_policy", error.to_string()))
}

fn missing(name: &'static str, remedy: &str) -> ProviderError {
    ProviderError::new(name, format!("the request is missing; {remedy}"))
}

fn compile(name: &'static str, request: Option<RequestDescription>, allowed: Allowed<'_>) -> Result<Call> {
    request
        .ok_or_else(|| missing(name, "describe it"))?
        .compile(allowed)
        .map_err(|error| error.within(name))
}

fn needs(
    call: &Call,
    name: &'static str,
    placeholder: impl FnMut(&Placeholder) -> bool,
    what: &str,
) -> Result<()> {
    if call.has(placeholder) {
        return Ok(());
    }
    Err(ProviderError::new(
        name,
        format!("the request has no {what}; put it into the path, a header or the body"),
    ))
}

/// A pointer that has to be there.
fn required(name: &'static str, given: Option<String>) -> Result<String> {
    let given = given.ok_or_else(|| ProviderError::new(name, "the pointer is missing; add it"))?;
    pointer::check(name, &given)?;
    Ok(given)
}
