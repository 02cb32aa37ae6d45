//! ListSecrets, and lists in pages.

use super::world::*;
use crate::model::ErrorCode::{InvalidNextTokenException, InvalidParameterException, ValidationException};
use crate::model::Principal::Operator;
use crate::model::{
    CreateSecret, FilterKey, ListSecretVersionIds, ListSecrets, Model, SecretFilter, ServiceOptions, SortBy,
    SortOrder, TagResource,
};

/// Three secrets, an hour apart.
fn three() -> World {
    let mut world = World::empty(ServiceOptions::default());
    for (name, description, tag) in [
        ("prod/crm", "Key of the CRM", ("team", "sales")),
        ("prod/billing", "key for Invoices", ("Team", "finance")),
        ("test/crmKey", "", ("stage", "sales-test")),
    ] {
        world.now += HOUR;
        let mut request = CreateSecret::new(name);
        request.token = Some(token("one"));
        request.description = (!description.is_empty()).then(|| description.to_owned());
        request.tags.insert(tag.0.to_owned(), tag.1.to_owned());
        world.ask(Operator, request).unwrap();
    }
    world
}

fn names(world: &mut World, request: ListSecrets) -> Vec<String> {
    let listed = world.ask(Operator, request).unwrap();
    listed.secrets.into_iter().map(|secret| secret.name).collect()
}

#[test]
fn filters_pass_what_the_api_reference_says() {
    use FilterKey::{All, Description, Name, OwningService, PrimaryRegion, TagKey, TagValue};
    let (crm, billing, test) = ("prod/crm", "prod/billing", "test/crmKey");
    let rows: [(FilterKey, &[&str], &[&str]); 20] = [
        (Name, &["prod/"], &[crm, billing]),
        (Name, &["Prod/"], &[]),
        (Name, &["crm"], &[]),
        (Name, &["prod/c", "test"], &[crm, test]),
        (Name, &["!prod/"], &[test]),
        (Name, &["prod/", "!prod/b"], &[crm]),
        (Name, &["!prod/", "!test/"], &[]),
        (Description, &["KEY"], &[crm, billing]),
        (Description, &["CRM"], &[]),
        (Description, &["!key of"], &[billing, test]),
        (TagKey, &["team"], &[crm]),
        (TagKey, &["t", "T"], &[crm, billing]),
        (TagValue, &["sales"], &[crm, test]),
        (TagValue, &["Sales"], &[]),
        (PrimaryRegion, &["eu"], &[billing]),
        (OwningService, &["rd"], &[test]),
        (All, &["CRM"], &[crm, test]),
        (All, &["crmInvoices"], &[crm, billing, test]),
        (All, &["cr"], &[]),
        (All, &["!crm"], &[billing]),
    ];
    let mut world = three();
    world
        .model
        .set_primary_region(billing, Some("eu-west-1"))
        .unwrap();
    world.model.set_owning_service(test, Some("rds")).unwrap();
    for (key, values, expected) in rows {
        let mut request = ListSecrets::new();
        request.filters = vec![SecretFilter::new(key, values)];
        assert_eq!(names(&mut world, request), expected, "{key:?} {values:?}");
    }
    let mut request = ListSecrets::new();
    request.filters = vec![
        SecretFilter::new(Name, &["prod"]),
        SecretFilter::new(TagValue, &["sales"]),
    ];
    assert_eq!(names(&mut world, request), [crm], "each filter has to pass");
}

#[test]
fn secrets_are_sorted_as_asked() {
    let mut world = three();
    world.now += HOUR;
    world
        .ask(Operator, TagResource::new("prod/crm", "a", "b"))
        .unwrap();
    let (crm, billing, test) = ("prod/crm", "prod/billing", "test/crmKey");
    let rows = [
        (SortBy::CreatedDate, [crm, billing, test]),
        (SortBy::LastChangedDate, [billing, test, crm]),
        (SortBy::Name, [billing, crm, test]),
    ];
    for (sort_by, mut expected) in rows {
        let mut request = ListSecrets::new();
        request.sort_by = sort_by;
        assert_eq!(names(&mut world, request.clone()), expected);
        request.order = SortOrder::Descending;
        expected.reverse();
        assert_eq!(names(&mut world, request), expected);
    }
}

#[test]
fn lists_come_in_pages() {
    let mut world = three();
    let mut request = ListSecrets::new();
    request.max_results = Some(2);
    let first = world.ask(Operator, request.clone()).unwrap();
    assert_eq!(first.secrets.len(), 2);
    request.next_token = first.next_token;
    assert!(request.next_token.is_some());
    let last = world.ask(Operator, request.clone()).unwrap();
    assert_eq!((last.secrets.len(), last.next_token), (1, None));
    request.max_results = Some(3);
    request.next_token = None;
    assert_eq!(world.ask(Operator, request.clone()).unwrap().next_token, None);

    for (max, text) in [
        (
            0,
            "Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        (
            101,
            "Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100",
        ),
    ] {
        request.max_results = Some(max);
        refused(world.ask(Operator, request.clone()), ValidationException, text);
    }
    request.max_results = None;
    for token in ["mine", "page-from-9", "page-from-"] {
        request.next_token = Some(token.to_owned());
        refused(
            world.ask(Operator, request.clone()),
            InvalidNextTokenException,
            "NextToken",
        );
    }
}

#[test]
fn versions_come_in_pages_too() {
    let mut world = World::new();
    for name in ["two", "three"] {
        world.put(Operator, name, name, &[]).unwrap();
    }
    let mut request = ListSecretVersionIds::new(NAME, true);
    request.max_results = Some(2);
    let first = world.ask(Operator, request.clone()).unwrap();
    assert_eq!((first.name.as_str(), first.versions.len()), (NAME, 2));
    request.next_token = first.next_token;
    let last = world.ask(Operator, request).unwrap();
    assert_eq!((last.versions.len(), last.next_token), (1, None));
}

#[test]
fn a_filter_has_values_and_there_are_at_most_ten() {
    let mut world = three();
    for filters in [
        vec![SecretFilter::new(FilterKey::Name, &[])],
        vec![SecretFilter::new(FilterKey::Name, &["a"; 11])],
        vec![SecretFilter::new(FilterKey::Name, &["a"]); 11],
    ] {
        let mut request = ListSecrets::new();
        request.filters = filters;
        refused(world.ask(Operator, request), InvalidParameterException, "10");
    }
}

#[test]
fn a_stale_list_misses_a_secret_that_was_created_just_now() {
    let mut world = three();
    let now = world.now;
    let stale = |model: &mut Model| model.handle_stale(Operator, ListSecrets::new(), now).unwrap();
    // The others were created an hour before, and the hour before that.
    let seen = stale(&mut world.model).secrets.into_iter();
    let mut seen: Vec<_> = seen.map(|secret| secret.name).collect();
    seen.sort_unstable();
    assert_eq!(seen, ["prod/billing", "prod/crm"]);
    world
        .ask(Operator, TagResource::new("test/crmKey", "a", "b"))
        .unwrap();
    let secrets = stale(&mut world.model).secrets;
    let tagged = secrets
        .iter()
        .find(|secret| secret.name == "test/crmKey")
        .unwrap();
    assert!(!tagged.tags.contains_key("a"));
}
