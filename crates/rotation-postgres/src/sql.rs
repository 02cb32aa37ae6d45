//! Statements put together: every name and value goes through the escape functions of the driver's
//! own library.

use postgres_protocol::escape::{escape_identifier, escape_literal};
use postgres_protocol::password::scram_sha_256;
use rotation_core::SecretString;

pub(crate) fn identifier(name: &str) -> String {
    escape_identifier(name)
}

pub(crate) fn literal(text: &str) -> String {
    escape_literal(text)
}

/// The literals of these texts, for `IN (…)`.
pub(crate) fn literals(texts: &[&str]) -> String {
    let all: Vec<String> = texts.iter().map(|text| literal(text)).collect();
    all.join(", ")
}

/// Sets a password. What travels, and what a server's log may show, is the SCRAM verifier computed
/// here, with a salt of its own each time.
pub(crate) fn set_password(user: &str, password: &SecretString) -> String {
    let verifier = scram_sha_256(password.expose_secret().as_bytes());
    format!("ALTER ROLE {} PASSWORD {}", identifier(user), literal(&verifier))
}

/// The settings whose stored value is a list of quoted names (GUC_LIST_QUOTE in PostgreSQL).
const LISTS: [&str; 6] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// `name TO value`, such that what is stored is the value as it stands in the catalog.
pub(crate) fn setting(name: &str, value: &str) -> String {
    let value = match LISTS.contains(&name) {
        true => {
            let items: Vec<String> = list(value).iter().map(|item| literal(item)).collect();
            match items.is_empty() {
                true => literal(""),
                false => items.join(", "),
            }
        }
        false => literal(value),
    };
    format!("{} TO {value}", parameter(name))
}

/// Whether two stored values mean the same.
pub(crate) fn same_value(name: &str, one: &str, other: &str) -> bool {
    one == other || LISTS.contains(&name) && list(one) == list(other)
}

/// A parameter's name; those of extensions have a dot.
pub(crate) fn parameter(name: &str) -> String {
    name.split('.').map(identifier).collect::<Vec<_>>().join(".")
}

/// The names in a list such as `"$user", public`.
pub(crate) fn list(text: &str) -> Vec<String> {
    let mut items = Vec::new();
    let mut item = String::new();
    let (mut quoted, mut begun) = (false, false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                item.push('"');
                characters.next();
            }
            '"' => {
                quoted = !quoted;
                begun = true;
            }
            ',' if !quoted => {
                items.push(std::mem::take(&mut item));
                begun = false;
            }
            c if c.is_whitespace() && !quoted => {}
            c => {
                // As the server reads them; what SET … FROM CURRENT stored is not quoted.
                item.push(if quoted { c } else { c.to_ascii_lowercase() });
                begun = true;
            }
        }
    }
    if begun {
        items.push(item);
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_becomes_a_verifier() {
        let sql = set_password("a\"b", &"hunter2".into());
        assert!(
            sql.starts_with("ALTER ROLE \"a\"\"b\" PASSWORD 'SCRAM-SHA-256$4096:"),
            "{sql}"
        );
        assert!(!sql.contains("hunter2"));
        assert_ne!(
            sql,
            set_password("a\"b", &"hunter2".into()),
            "each has a salt of its own"
        );
    }

    #[test]
    fn lists_are_quoted_name_by_name() {
        let rows = [
            (
                "search_path",
                "\"$user\", public",
                "\"search_path\" TO '$user', 'public'",
            ),
            ("search_path", "\"a\"\"b, c\"", "\"search_path\" TO 'a\"b, c'"),
            (
                "search_path",
                "Shop, \"Shop\"",
                "\"search_path\" TO 'shop', 'Shop'",
            ),
            ("search_path", "\"\"", "\"search_path\" TO ''"),
            ("search_path", "", "\"search_path\" TO ''"),
            ("work_mem", "64MB", "\"work_mem\" TO '64MB'"),
            ("app.tenant", "o'neil, x", "\"app\".\"tenant\" TO 'o''neil, x'"),
        ];
        for (name, value, expected) in rows {
            assert_eq!(setting(name, value), expected);
        }
        assert!(same_value("search_path", "Shop, public", "\"shop\", public"));
        assert!(!same_value("search_path", "Shop", "\"Shop\"") && !same_value("work_mem", "1MB", "1mb"));
    }
}
