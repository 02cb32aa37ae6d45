//! The clauses of single methods.

use rotation_core::{CredentialBackend, ErrorClass, Retirement};

use super::bench::{Bench, Finding, LONG_AFTER, OTHER, TIME, TOKEN, list};
use crate::secret_texts;

pub(super) async fn id_is_stable<B: CredentialBackend>(bench: Bench<B>) -> Finding {
    let current = bench.current()?;
    let (first, again) = (bench.backend.id(&current), bench.backend.id(&bench.current()?));
    if first != again {
        return Err("id() of the same credential was another the second time".to_owned());
    }
    let made = bench.made_and_set().await?;
    let (old, new) = (bench.backend.id(&current), bench.backend.id(&made));
    if old != first {
        return Err("id() of the current credential changed when another was made".to_owned());
    }
    if !bench.in_place && old.is_some() && old == new {
        return Err("the current and the next credential have one id, and both are to live".to_owned());
    }
    let operator = bench.simulator.operator();
    operator
        .put(&bench.arn, bench.document(&made)?)
        .map_err(|error| error.to_string())?;
    let secret = secret_texts::needles(&bench.simulator, &bench.arn, &[], &Default::default());
    // What differs and is named like an id is none of these; a key or a password is.
    let told = [old, new].into_iter().flatten().find(|id| {
        let named = secret_texts::named_secret(&bench.simulator, &bench.arn);
        secret.contains(id) && named.contains(id)
    });
    match told {
        Some(_) => Err("id() returns a secret text of the document; it is printed".to_owned()),
        None => Ok(()),
    }
}

pub(super) async fn document_reads_back<B: CredentialBackend>(bench: Bench<B>) -> Finding {
    let same = bench.document(&bench.current()?)?;
    if same != bench.value {
        return Err("the current credential, written back, is another document".to_owned());
    }
    let made = bench.made().await?;
    let document = bench.document(&made)?;
    bench.credential(&document).map(|_| ())
}

pub(super) async fn create_makes_another<B: CredentialBackend>(bench: Bench<B>) -> Finding {
    let before = bench.alive().await;
    let made = bench.made().await?;
    if bench.document(&made)? == bench.value {
        return Err("create returned the current credential".to_owned());
    }
    bench
        .must_work(&bench.value, "after create the current credential")
        .await?;
    let after = bench.alive().await;
    if !bench.profile().is_minted() && after != before {
        let (before, after) = (list(&before), list(&after));
        return Err(format!(
            "create of a chosen value has an effect at the target: alive was {before}, and is {after}"
        ));
    }
    Ok(())
}

pub(super) async fn create_again<B: CredentialBackend>(bench: Bench<B>) -> Finding {
    let before = bench.alive().await;
    let current = bench.current()?;
    bench.made().await?;
    bench.simulator.skip(LONG_AFTER);
    let again = bench.create_among(TOKEN, &[&current], TIME).await;
    let again = again.map_err(|error| format!("the second create failed: {error:?}"))?;
    let mut expected = before;
    if bench.profile().is_minted() {
        expected.extend(bench.backend.id(&again));
    }
    let alive = bench.alive().await;
    match alive.is_subset(&expected) {
        true => {
            bench
                .must_work(&bench.value, "after two creates the current credential")
                .await
        }
        false => Err(format!(
            "create was called, its result was lost, and an hour later it was called again with the same token: \
             alive are {}, and only {} should be",
            list(&alive),
            list(&expected)
        )),
    }
}

pub(super) async fn create_spares_the_live<B: CredentialBackend>(bench: Bench<B>) -> Finding {
    let current = bench.current()?;
    let other = bench.create_among(OTHER, &[&current], TIME).await;
    let other = other.map_err(|error| format!("create failed: {error:?}"))?;
    let made = bench.made().await?;
    if bench.profile().is_minted() && !bench.works_or_will(&other).await? {
        return Err("a maker in time, under another token, had its credential ended by create".to_owned());
    }
    bench.simulator.skip(LONG_AFTER);
    // Now all three are held by versions: current, pending, and one under a label of an operator's.
    let third = bench.create_among(TOKEN, &[&current, &other, &made], TIME).await;
    third.map_err(|error| format!("create failed: {error:?}"))?;
    bench
        .must_work(&bench.value, "after create the current credential")
        .await?;
    for (which, credential) in [("AWSPREVIOUS", &other), ("a label of an operator's", &made)] {
        if bench.profile().is_minted() && !bench.works_or_will(credential).await? {
            return Err(format!(
                "create ended a credential that a version holds, under {which}"
            ));
        }
    }
    Ok(())
}

pub(super) async fn set_again<B: CredentialBackend>(bench: Bench<B>) -> Finding {
    let pending = bench.made_and_set().await?;
    let alive = bench.alive().await;
    let again = bench.set(&pending, &bench.current()?, TIME).await;
    again.map_err(|error| format!("set worked once and failed the second time: {error:?}"))?;
    if !bench.works(&pending).await? {
        return Err("after the second set the pending credential does not work".to_owned());
    }
    match bench.alive().await == alive {
        true => Ok(()),
        false => Err("the second set changed who is alive at the target".to_owned()),
    }
}

pub(super) async fn set_keeps_current<B: CredentialBackend>(bench: Bench<B>) -> Finding {
    let pending = bench.made_and_set().await?;
    if !bench.works(&pending).await? {
        return Err("after set the pending credential does not work".to_owned());
    }
    match bench.in_place {
        true => Ok(()),
        false => {
            bench
                .must_work(&bench.value, "after set the current credential")
                .await
        }
    }
}

pub(super) async fn set_refuses_another_target<B: CredentialBackend>(bench: Bench<B>) -> Finding {
    let (current, made) = (bench.current()?, bench.made().await?);
    let elsewhere = bench.target.misdirected(&bench.document(&made)?);
    if elsewhere.is_empty() {
        return Err(
            "Target::misdirected names no field by which a credential could aim elsewhere; implement it, or \
             declare that there is none"
                .to_owned(),
        );
    }
    for (field, value) in elsewhere {
        let pending = bench.credential(&value)?;
        let before = bench.requests();
        match bench.set(&pending, &current, TIME).await {
            Ok(()) => return Err(format!("set took a pending credential with another {field}")),
            Err(error) if error.class() != ErrorClass::Misconfigured => {
                return Err(format!(
                    "another {field} must be refused as misconfigured, not {error:?}"
                ));
            }
            Err(_) if bench.wire && bench.requests() > before => {
                return Err(format!(
                    "another {field} was refused only after a request had been made"
                ));
            }
            Err(_) => {}
        }
    }
    Ok(())
}

pub(super) async fn test_proves<B: CredentialBackend>(bench: Bench<B>) -> Finding {
    let current = bench.current()?;
    let tested = bench.test(&current, TIME).await;
    tested.map_err(|error| format!("test failed for the current credential, which works: {error:?}"))?;
    let pending = bench.made_and_set().await?;
    let tested = bench.test(&pending, TIME).await;
    tested.map_err(|error| format!("test failed for a credential that works: {error:?}"))?;
    let unknown = unknown(&bench)?;
    match bench.test(&unknown, TIME).await {
        Ok(()) => Err("test passed for a credential that the target has never had".to_owned()),
        Err(error) if error.is_rejected_unapplied() => Err(
            "test said of a credential that the target does not know that it is rejected for good, and nothing \
             applied: the framework would give it up, and it may only be on its way; say unavailable"
                .to_owned(),
        ),
        Err(_) => Ok(()),
    }
}

pub(super) async fn test_again<B: CredentialBackend>(bench: Bench<B>) -> Finding {
    let pending = bench.made_and_set().await?;
    let alive = bench.alive().await;
    for time in ["first", "second", "third"] {
        let tested = bench.test(&pending, TIME).await;
        tested.map_err(|error| format!("the {time} test failed: {error:?}"))?;
        let now = bench.alive().await;
        if now != alive {
            let (before, now) = (list(&alive), list(&now));
            return Err(format!(
                "the {time} test changed who is alive: it was {before}, and is {now}"
            ));
        }
        if !bench.works(&pending).await? {
            return Err(format!("after the {time} test the credential does not work"));
        }
    }
    Ok(())
}

pub(super) async fn retire_ends_one<B: CredentialBackend>(bench: Bench<B>) -> Finding {
    let (current, pending) = (bench.current()?, bench.made_and_set().await?);
    if bench.in_place {
        return match bench.retire(&current, TIME).await {
            Ok(_) if bench.works(&pending).await? => Ok(()),
            Ok(_) => Err("retire of the old value ended the one that was set in its place".to_owned()),
            Err(error) => Err(format!("retire failed: {error:?}")),
        };
    }
    match bench.retire(&current, TIME).await {
        Err(error) => return Err(format!("retire failed: {error:?}")),
        Ok(Retirement::AlreadyGone) => {
            return Err("retire said of a live credential that it is gone".to_owned());
        }
        Ok(Retirement::Retired) if bench.works(&current).await? => {
            return Err("retire said Retired, and the credential still works".to_owned());
        }
        Ok(Retirement::Kept(_)) if !bench.works(&current).await? => {
            return Err("retire said Kept, and the credential does not work any more".to_owned());
        }
        Ok(_) => {}
    }
    match bench.works(&pending).await? {
        true => Ok(()),
        false => Err("retire of one credential ended another".to_owned()),
    }
}

pub(super) async fn retire_again<B: CredentialBackend>(bench: Bench<B>) -> Finding {
    let current = bench.current()?;
    bench.made_and_set().await?;
    let first = bench.retire(&current, TIME).await;
    first.map_err(|error| format!("retire failed: {error:?}"))?;
    let alive = bench.alive().await;
    match bench.retire(&current, TIME).await {
        Err(error) => Err(format!(
            "retire of what is gone must be AlreadyGone, not {error:?}"
        )),
        Ok(Retirement::Retired) if !bench.in_place => {
            Err("retire said Retired twice of one credential; the second time it is AlreadyGone".to_owned())
        }
        Ok(_) if bench.alive().await != alive => Err("the second retire ended another credential".to_owned()),
        Ok(_) => Ok(()),
    }
}

pub(super) async fn retire_unknown<B: CredentialBackend>(bench: Bench<B>) -> Finding {
    let alive = bench.alive().await;
    let unknown = unknown(&bench)?;
    match bench.retire(&unknown, TIME).await {
        Err(error) => {
            return Err(format!(
                "retire of what never was must be AlreadyGone, not {error:?}"
            ));
        }
        Ok(Retirement::Retired) => {
            return Err("retire said Retired of a credential that the target has never had".to_owned());
        }
        Ok(_) => {}
    }
    match bench.alive().await == alive {
        true => {
            bench
                .must_work(&bench.value, "after retire of another the current credential")
                .await
        }
        false => Err("retire of a credential that never was ended another".to_owned()),
    }
}

fn unknown<B: CredentialBackend>(bench: &Bench<B>) -> Finding<B::Credential> {
    let unknown = bench.target.unknown(&bench.value).ok_or(
        "Target::unknown gives no credential that the target has never had; implement it, or declare that there \
         is none",
    )?;
    bench.credential(&unknown)
}

impl<B: CredentialBackend> Bench<B> {
    /// Whether it works, or is alive and has only to be set.
    async fn works_or_will(&self, credential: &B::Credential) -> Finding<bool> {
        let alive = self.alive().await;
        let listed = self.backend.id(credential).is_some_and(|id| alive.contains(&id));
        Ok(listed || self.works(credential).await?)
    }
}
